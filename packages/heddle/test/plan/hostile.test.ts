/** Files that mean harm, or are simply broken: each ends in an error with a place, and changes nothing else. */
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import { compilePlan } from "../../src/graph/compile.ts";
import { LIMITS } from "../../src/plan/limits.ts";
import { PlanIssues } from "../../src/plan/issues.ts";
import { noSourceMap } from "../../src/plan/source-map.ts";
import { validateDocument } from "../../src/plan/validate.ts";
import { formatDiagnostics } from "../../src/plan/render.ts";
import { compiled, diagnosticsOf, errorsOf, FULL_PLAN, planOf } from "./helpers.ts";

const FILES = 1000;

test(`${FILES} mutated files: a plan, or errors with places; never a throw`, async () => {
  const random = seededRandom(20_260_101);
  const pick = (length: number): number => Math.floor(random() * length);
  const pieces = [
    "\t",
    "\n",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "'",
    '"',
    "#",
    "&a ",
    "*a",
    "<<: ",
    "|",
    ">",
    "!!x ",
    "\u0000",
    "é",
    "🙂",
    "%",
    "---\n",
    "null",
    "1e999",
    "${{",
    "}}",
    "__proto__: 1",
    "deps: [api]",
  ];
  let refused = 0;
  for (let file = 0; file < FILES; file++) {
    let text = FULL_PLAN;
    for (let edits = 1 + pick(4); edits > 0; edits--) {
      const at = pick(text.length);
      const kind = pick(3);
      const piece = pieces[pick(pieces.length)] ?? "";
      const cut = kind === 0 ? 0 : 1 + pick(kind === 1 ? 3 : 80);
      text = text.slice(0, at) + (kind === 1 ? "" : piece) + text.slice(at + cut);
    }
    const result = await compilePlan({ text, file: "plan.yaml" });
    const lines = text.split("\n");
    if (!result.ok) {
      refused++;
      expect(result.error.length).toBeGreaterThan(0);
      for (const { line, column, message } of result.error) {
        expect(line).toBeLessThanOrEqual(lines.length);
        expect(column).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual((lines[line - 1] ?? "").length + 1);
        expect(message).not.toBe("");
      }
      expect(formatDiagnostics(result.error, text)).toContain("plan.yaml:");
    }
  }
  expect(refused).toBeGreaterThan(FILES / 2);
});

describe("limits: just under is a plan, just over an error", () => {
  const step = "- {id: a, run: x}\n";
  const nested = (levels: number): string =>
    `- {id: a, call: m, with: {x: ${"[".repeat(levels)}${"]".repeat(levels)}}}\n`;
  // The list of steps, the step and its `with` are three levels.
  const depth = LIMITS.depth - 3;
  const aliases = (count: number): string => `- {id: a, call: m, with: {v: &v 1, l: [${"*v,".repeat(count)}]}}\n`;
  const cases: readonly (readonly [string, () => string, () => string])[] = [
    [
      "bytes",
      () => step + `#${"é".repeat((LIMITS.bytes - step.length - 2) / 2)}`,
      () => step + `#${"é".repeat((LIMITS.bytes - step.length) / 2)}`,
    ],
    ["marks", () => step + "\n".repeat(LIMITS.marks - 5), () => step + "\n".repeat(LIMITS.marks - 4)],
    ["depth", () => nested(depth), () => nested(depth + 1)],
    ["aliases", () => aliases(LIMITS.aliases), () => aliases(LIMITS.aliases + 1)],
  ];
  test.each(cases)("%s", async (_limit, under, over) => {
    expect(await errorsOf(under())).toStrictEqual([]);
    expect((await diagnosticsOf(over())).map(({ code }) => code)).toStrictEqual(["PlanTooLarge"]);
  });

  test("nodes and characters, counted at each use of an alias", async () => {
    const many = (uses: number): string =>
      `- {id: a, call: m, with: {v: &v [${"1,".repeat(9999)}1], l: [${"*v,".repeat(uses)}]}}\n`;
    expect(await errorsOf(many(LIMITS.nodes / 10_001 - 2))).toStrictEqual([]);
    expect((await diagnosticsOf(many(LIMITS.nodes / 10_001 + 1))).map(({ code }) => code)).toStrictEqual([
      "PlanTooLarge",
    ]);
    const long = (uses: number): string =>
      `- {id: a, call: m, with: {v: &v ${"x".repeat(1024 * 1024)}, l: [${"*v,".repeat(uses)}]}}\n`;
    expect(await errorsOf(long(62))).toStrictEqual([]);
    expect((await diagnosticsOf(long(64))).map(({ code }) => code)).toStrictEqual(["PlanTooLarge"]);
  });

  test("steps", () => {
    const issues = new PlanIssues();
    const step = { id: "a", run: "x" };
    const { plan } = validateDocument(
      { steps: Array.from({ length: LIMITS.steps + 1 }, () => step) },
      { name: "p" },
      issues,
    );
    expect(issues.locate(noSourceMap("p")).map(({ code }) => code)).toStrictEqual(["PlanTooLarge"]);
    expect(plan.steps).toHaveLength(1);
  });

  test("depth and syntax of JSON are bounded as well", async () => {
    const json = (levels: number): string =>
      `[{"id":"a","call":"m","with":{"x":${"[".repeat(levels)}${"]".repeat(levels)}}}]`;
    expect(await errorsOf(json(depth), { format: "json" })).toStrictEqual([]);
    expect((await errorsOf(json(depth + 1), { format: "json" })).map((error) => error.split(" ")[0])).toStrictEqual([
      "PlanTooLarge",
    ]);
    expect((await errorsOf("[".repeat(100_000), { format: "json" })).map((error) => error.split(" ")[0])).toStrictEqual(
      ["InvalidJson"],
    );
  });
});

// Copied at each use they would be more than there is memory for.
test("aliases of aliases end in an error", async () => {
  const levels = Array.from({ length: 30 }, (_, i) => `x${i}: &x${i} [${i === 0 ? "lol" : `*x${i - 1},`.repeat(9)}]`);
  const diagnostics = await diagnosticsOf(`${levels.join("\n")}\nsteps: [{id: a, call: m, with: {y: *x29}}]\n`);
  expect(diagnostics.map(({ code }) => code)).toStrictEqual(["PlanTooLarge"]);
});

test("a list inside itself is an error", async () => {
  expect((await diagnosticsOf("- id: a\n  call: m\n  with: &w {x: *w}\n")).map(({ code }) => code)).toStrictEqual([
    "PlanTooLarge",
  ]);
});

describe("no key reaches a prototype", () => {
  test.each(["yaml", "json"] as const)("%s", async (format) => {
    for (const text of [
      '{"steps": [{"id": "a", "run": "x", "__proto__": {"polluted": 1}}]}',
      '{"__proto__": {"polluted": 1}, "steps": [{"id": "a", "run": "x"}]}',
      '{"steps": [{"id": "a", "call": "m", "with": {"__proto__": {"polluted": 1}}}]}',
      '{"resources": {"__proto__": 3}, "steps": [{"id": "a", "run": "x"}]}',
    ]) {
      expect((await diagnosticsOf(text, { format })).map(({ code }) => code)).toStrictEqual(["ForbiddenKey"]);
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test("names of the prototype's members are names like others", async () => {
    const text =
      "resources: {toString: 2}\nsteps:\n- {id: constructor, run: x, env: {constructor: a, hasOwnProperty: b}}\n- {id: toString, run: x, deps: [constructor], resources: {toString: 1}}\n- {id: valueOf, call: m, with: {constructor: {prototype: 1}}}\n";
    const plan = await planOf(text);
    expect(plan.steps.map(({ id }) => id)).toStrictEqual(["constructor", "toString", "valueOf"]);
    expect(plan.steps[0]?.env).toStrictEqual({ constructor: "a", hasOwnProperty: "b" });
    expect(await errorsOf("- {id: a, run: x, resources: {valueOf: 1}}")).toStrictEqual(["UnknownResource 1:31"]);
    expect(await errorsOf("- {id: a, run: x}", { params: { constructor: 1 } })).toStrictEqual(["UnknownParam 1:1"]);
  });
});

test.each([
  "../../etc/passwd\u0000",
  "a b",
  "a;rm",
  "$(x)",
  "`x`",
  "é",
  "\u001b[2J",
  "a\nb",
  "x".repeat(101),
  "",
  " a",
  "<b>",
  "a:b",
  "-\u202e",
])("the id %j is refused", async (id) => {
  const [diagnostic] = await diagnosticsOf(JSON.stringify([{ id, run: "x" }]), { format: "json" });
  expect(diagnostic).toMatchObject({ code: "InvalidId", line: 1, column: 8 });
  // oxlint-disable-next-line no-control-regex -- what is tested: nothing of the sort gets out
  expect(formatDiagnostics([diagnostic as NonNullable<typeof diagnostic>], JSON.stringify([{ id }]))).not.toMatch(
    /[\u0000-\u0009\u000b-\u001f]/,
  );
});

test.each(["../../etc", "a/b.c_d-e", "...", "-rf", "x".repeat(100), "CON"])(
  "the id %j is carried unchanged",
  async (id) => {
    expect((await planOf(JSON.stringify([{ id, run: "x" }]), { format: "json" })).steps[0]?.id).toBe(id);
  },
);

test("texts are data: they come out as they went in", async () => {
  const text = "\u001b]0;title\u0007 $(rm -rf /) ${x} <script> \u202e";
  const plan = await planOf(JSON.stringify([{ id: "a", run: text, description: text, env: { X: text } }]), {
    format: "json",
  });
  expect(plan.steps[0]).toStrictEqual({
    id: "a",
    action: { kind: "run", command: text },
    description: text,
    env: { X: text },
  });
});

test("20,000 steps in a chain", async () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => `- {id: s${i}, run: x${i === 0 ? "" : `, deps: [s${i - 1}]`}}`,
  );
  const { plan, graph } = await compiled(lines.join("\n"));
  expect(plan.steps).toHaveLength(20_000);
  expect(graph.layerCount).toBe(20_000);
  // Places in a large text are found without walking it again for each.
  lines[19_998] = "- {id: s19998, run: x, deps: [s19997, nope]}";
  expect(await errorsOf(lines.join("\n"))).toStrictEqual(["UnknownDependency 19999:39"]);
});
