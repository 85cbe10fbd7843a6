/**
 * Notices: warnings for people about a worktree and its capture: omitted files, nested repositories, dropped commits,
 * files that were not copied, special features of the repository. Decides one outcome: work with omitted files fails,
 * unless the plan allows them.
 *
 * Invariant: nothing is told twice of one attempt.
 */
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import {
  type Capture,
  DEFAULT_FILE_LIMITS,
  type IncludeReport,
  type OmittedFile,
  type Worktree,
} from "../../git/types.ts";
import type { Note } from "../../run/attempt.ts";
import type { ExpectedChanges } from "../../plan/agents-config.ts";

type About = "repository" | "include" | "left-out" | "nested" | "strays" | "moved" | "markers" | "submodules";

/** Names that one notice lists; it also has the total number. */
const MOST_NAMED = 20;

/** Those of one attempt. */
export class Notices {
  readonly #note: (note: Note) => void;
  readonly #told = new Set<string>();

  constructor(note: (note: Note) => void) {
    this.#note = note;
  }

  /** What is peculiar about the repository. */
  tellRepository(problems: readonly Problem[]): void {
    for (const problem of problems) this.#tell("repository", sentence(problem), []);
  }

  /** Before the agent begins. */
  tellWorktree({ included, aside = [] }: Pick<Worktree, "included" | "aside">): void {
    if (aside.length > 0)
      this.#tell("nested", `the history of repositories inside the worktree was moved to ${some(aside)}`, aside);
    const skipped = included.skipped.filter(({ reason }) => reason !== "exists");
    if (skipped.length === 0) return;
    const named = skipped.map(({ path, reason }) => `${path} (${WHY_SKIPPED[reason]})`);
    this.#tell("include", `listed in .worktreeinclude but not copied into the worktree: ${some(named)}`, named);
  }

  /** After each turn. */
  tellCapture({ ref, base, omitted, nested, unreachable, missing, isOnBase, given }: Capture): void {
    if (omitted.length > 0) {
      const named = omitted.map(omittedText);
      this.#tell("left-out", `not captured, so not merged: ${some(named)}`, named);
    }
    if (given.length > 0)
      this.#tell("left-out", `there before the step and ignored then, so not merged: ${some(given)}`, given);
    if (nested.length > 0) {
      const text = `nested git repositories: their files are captured, their history is not: ${some(nested)}`;
      this.#tell("nested", text, nested);
    }
    if (unreachable.length > 0) {
      const named = unreachable.map((commit) => commit.slice(0, 10));
      this.#tell("strays", `commits that the agent dropped, kept under ${ref}.kept: ${some(named)}`, named);
    }
    if (!isOnBase && given.length === 0) {
      const from = base.slice(0, 10);
      const text = `the agent moved HEAD off ${from}, the commit that it began at: its work is what differs from there, as one commit`;
      this.#tell("moved", text, []);
    }
    if (missing) this.#tell("left-out", "the worktree's folder is gone: only the last commit is captured", []);
  }

  /** What the agent was told about its work, and left. */
  tellObjection(reason: string): void {
    this.#tell("markers", `merged although ${reason}`, []);
  }

  /** What is odd in settings of submodules, and merged. */
  tellSettings(text: string): void {
    this.#tell("submodules", text, []);
  }

  #tell(about: About, text: string, named: readonly string[]): void {
    const key = `${about} ${text}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const isNamed = named.length > 0;
    const data: JsonObject = defined({
      type: "notice",
      about,
      text,
      names: isNamed ? named.slice(0, MOST_NAMED) : undefined,
      count: isNamed ? named.length : undefined,
    });
    this.#note({ type: "step.progress", data });
  }
}

/** Why otherwise good work is not a success; `undefined`: nothing is missing. */
export function omittedProblem(
  { omitted }: Pick<Capture, "omitted">,
  { allowOmitted, expect }: { readonly allowOmitted: boolean; readonly expect: ExpectedChanges },
): string | undefined {
  // What may be missing is a file that the work does without: a commit that exists nowhere else is none.
  const missing = allowOmitted || expect === "none" ? omitted.filter(({ reason }) => reason === "submodule") : omitted;
  if (missing.length === 0) return undefined;
  const isLarge = missing.some(({ reason }) => reason === "file-too-large" || reason === "total-too-large");
  const limits = `; the limits are ${megabytes(DEFAULT_FILE_LIMITS.maxFileBytes)} per file, ${megabytes(DEFAULT_FILE_LIMITS.maxTotalBytes)} together`;
  return (
    `left-out: the work would be merged without ${some(missing.map(omittedText))}${isLarge ? limits : ""}. ` +
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

function omittedText({ path, reason, bytes, detail }: OmittedFile): string {
  if (reason === "unreadable") return `${path} (cannot be read, or git refuses its name)`;
  if (reason === "filter") return `${path} (a git filter converts it: run \`git add\` on it)`;
  if (reason === "submodule") return `${path} (a submodule with ${detail ?? "work of its own"}: push it)`;
  return `${path} (${megabytes(bytes)}${reason === "total-too-large" ? ", too much with the others" : ""})`;
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
