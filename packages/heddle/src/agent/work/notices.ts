/**
 * Notices: warnings for people about a worktree and its capture: omitted files, nested repositories, dropped commits,
 * files that were not copied, special features of the repository. Decides one outcome: work with omitted files fails,
 * unless the plan allows them.
 */
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { DEFAULT_FILE_LIMITS } from "../../git/checkout-files.ts";
import type { IncludeReport, LeftOut } from "../../git/types.ts";
import type { Worktree } from "../../git/worktree.ts";
import type { Captured } from "./attempt-worktree.ts";
import type { TurnContext } from "./turn.ts";

type About = "repository" | "include" | "left-out" | "nested" | "strays";

/** Names that one notice lists; it also has the total number. */
const MOST_NAMED = 20;

/** Before the agent begins. Notices about the whole run are reported by the first of its attempts that asks. */
export function tellBeginning(context: TurnContext, { included }: Pick<Worktree, "included">): void {
  for (const problem of context.runContext.notes.splice(0)) tell(context, "repository", sentence(problem), []);
  const skipped = included.skipped.filter(({ reason }) => reason !== "exists");
  if (skipped.length === 0) return;
  const named = skipped.map(({ path, reason }) => `${path} (${WHY_SKIPPED[reason]})`);
  tell(context, "include", `listed in .worktreeinclude but not copied into the worktree: ${some(named)}`, named);
}

/** After each turn; what was reported for this attempt is not reported again. */
export function tellCapture(context: TurnContext, { ref, leftOut, nested, strays, missing }: Captured): void {
  if (leftOut.length > 0) {
    const named = leftOut.map(leftOutText);
    tell(context, "left-out", `not captured, so not merged: ${some(named)}`, named);
  }
  if (nested.length > 0)
    tell(
      context,
      "nested",
      `nested git repositories: their files are captured, their history is not: ${some(nested)}`,
      nested,
    );
  if (strays.length > 0) {
    const named = strays.map((commit) => commit.slice(0, 10));
    tell(context, "strays", `commits that the agent dropped, kept under ${ref}.kept: ${some(named)}`, named);
  }
  if (missing) tell(context, "left-out", "the worktree's folder is gone: only the last commit is captured", []);
}

/** Why otherwise good work is not a success; `undefined`: nothing is missing. */
export function leftOutProblem(
  { runContext, settings }: TurnContext,
  { leftOut }: Pick<Captured, "leftOut">,
): string | undefined {
  if (leftOut.length === 0 || runContext.settings.allowOmitted || settings.expect === "none") return undefined;
  const limits = `${megabytes(DEFAULT_FILE_LIMITS.maxFileBytes)} per file, ${megabytes(DEFAULT_FILE_LIMITS.maxTotalBytes)} together`;
  return (
    `left-out: the work would be merged without ${some(leftOut.map(leftOutText))}; the limits are ${limits}. ` +
    "Add files that are not part of the work to .gitignore, or allow missing files with `agents: {worktrees: {allowOmitted: true}}`"
  );
}

const WHY_SKIPPED: Readonly<Record<IncludeReport["skipped"][number]["reason"], string>> = {
  "not-ignored": "git does not ignore it in the worktree, so it would be merged",
  "not-a-file": "no file",
  "too-much": "too much",
  "leads-out": "a symbolic link leads out of the worktree",
  exists: "there already",
};

function leftOutText({ path, reason, bytes }: LeftOut): string {
  return reason === "unreadable"
    ? `${path} (cannot be read)`
    : `${path} (${megabytes(bytes)}${reason === "total-too-large" ? ", too much with the others" : ""})`;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}

function some(named: readonly string[]): string {
  const shown = named.slice(0, 5).join(", ");
  return named.length > 5 ? `${shown} and ${named.length - 5} more` : shown;
}

function sentence({ message, hint }: Problem): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}

function tell({ note, told }: TurnContext, about: About, text: string, named: readonly string[]): void {
  const key = `${about} ${text}`;
  if (told.has(key)) return;
  told.add(key);
  const isNamed = named.length > 0;
  const data: JsonObject = defined({
    type: "notice",
    about,
    text,
    names: isNamed ? named.slice(0, MOST_NAMED) : undefined,
    count: isNamed ? named.length : undefined,
  });
  note({ type: "step.progress", data });
}
