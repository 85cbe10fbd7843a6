/**
 * Writes the tables of docs/reference/plan-file.md that say which key acts on which kind of step, and which key of a plan holds
 * in a plan inside another one: from the tables that the checker of plans uses.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { SUBPLAN_KEYS } from "../packages/heddle/src/plan/subplan-keys.ts";
import { type KeyCell, STEP_KEYS, type StepKey, type StepKind } from "../packages/heddle/src/plan/step-keys.ts";

const PAGE = path.resolve(import.meta.dirname, "../docs/reference/plan-file.md");
const BEGIN = "<!-- Written by scripts/key-reference.ts: begin -->";
const END = "<!-- end -->";

/** `call`: functions of TypeScript plans too. */
const KINDS = ["run", "call", "agent", "approve", "plan", "sleep", "signal"] as const satisfies readonly StepKind[];

function cellText(cell: KeyCell): string {
  switch (cell.is) {
    case "applies":
      return "yes";
    case "inside":
      return "inside";
    case "beside":
      return `with ${cell.keys.map((key) => `\`${key}\``).join(", ")}`;
    case "refused":
      return "";
  }
}

function keyTable(): string {
  const rows = (Object.keys(STEP_KEYS) as StepKey[]).toSorted().map((key) => {
    const row = STEP_KEYS[key];
    return `| \`${key}\` | ${KINDS.map((kind) => cellText(row[kind])).join(" | ")} | ${row.each === "item" ? "each item" : "the whole"} |`;
  });
  return [
    `| key | ${KINDS.map((kind) => `\`${kind}\``).join(" | ")} | with \`forEach\` |`,
    `|---|${"---|".repeat(KINDS.length + 1)}`,
    ...rows,
  ].join("\n");
}

function innerTable(): string {
  const names = (where: "inside" | "run"): string =>
    Object.entries(SUBPLAN_KEYS)
      .filter(([, value]) => value === where)
      .map(([key]) => `\`${key}\``)
      .toSorted()
      .join(", ");
  return [
    `- Hold inside it, as in a run of its own: ${names("inside")}.`,
    `- Hold for the whole run: ${names("run")}. In a plan inside another they are errors, unless they say what the outermost plan says; \`schedule: layers\` always is.`,
  ].join("\n");
}

/** The page with its tables as they are now. */
export function withKeyTables(page: string): string {
  const [before = "", rest = ""] = page.split(BEGIN);
  const after = rest.split(END).slice(1).join(END);
  return `${before}${BEGIN}\n\n${keyTable()}\n\n### Of a plan inside another\n\n${innerTable()}\n\n${END}${after}`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(PAGE, withKeyTables(readFileSync(PAGE, "utf8")));
