/**
 * Ref names: names of branches, refs and folders for ids. Knows no repository. Everything that heddle writes into a
 * repository is under the two prefixes here.
 *
 * Invariant: different owners have different names, also on file systems that ignore case, and every name is a valid
 * ref.
 */
import { createHash } from "node:crypto";
import { HeddleError } from "../base/errors.ts";
import { isRunId } from "../base/ids.ts";
import { fileNameOf } from "../workspace/names.ts";
import type { TreeOwner } from "./types.ts";

export const BRANCHES = "refs/heads/heddle/";
export const REFS = "refs/heddle/";

/** One component of a ref: as a file's name, without what refs may not have. `=` and a `%` at the end come up in no file's name. */
export function refPart(id: string): string {
  const part = fileNameOf(id).replaceAll("~", "=").replaceAll("..", ".%2e");
  if (part.endsWith(".lock")) return `${part.slice(0, -5)}%2elock`;
  return part.endsWith(".") ? `${part.slice(0, -1)}%2e` : part;
}

/** Heddle's folder for git folders of repositories that agents made inside worktrees, by run. */
export const NESTED = ".nested";

const POOL = "@@verify-";

export function isPoolName(name: string): boolean {
  return name.startsWith(POOL);
}

/** Folder and last part of the branch. The integration branch has a name that a step could have, which then gives way. */
export function treeName(owner: TreeOwner): string {
  if (owner.kind === "pool") return `${POOL}${owner.id}`;
  if (owner.kind === "group") return `@${refPart(owner.id)}`;
  return owner.id === "integration" ? "integration%" : refPart(owner.id);
}

export function checkRun(run: string): string {
  if (isRunId(run)) return run;
  throw new HeddleError({ code: "InvalidRunId", message: `${JSON.stringify(run)} is not a run id` });
}

/** A worktree's branch, whole ref. */
export function branchRef(run: string, name: string): string {
  return `${BRANCHES}${checkRun(run)}/${name}`;
}

export function integrationRef(run: string): string {
  return branchRef(run, "integration");
}

/** That the branch of this name was made by heddle; points to the commit that the branch began at. No step's name begins with `@`. */
export function ownershipRef(run: string, name: string): string {
  return `${REFS}${checkRun(run)}/@ours/${name}`;
}

/** Where heddle last moved the integration branch of a run to. */
export function movedRef(run: string): string {
  return `${REFS}${checkRun(run)}/@moved/integration`;
}

/** Keeps what was in a worktree before its step. */
export function givenRef(run: string, name: string): string {
  return `${REFS}${checkRun(run)}/@given/${name}`;
}

/** Keeps what a ref pointed to that somebody else deleted or moved back. */
export function lostRef(run: string, id: string): string {
  return `${REFS}${checkRun(run)}/@lost/${id.slice(0, 12)}`;
}

/** What an attempt left. */
export function captureRef(run: string, step: string, attempt: number): string {
  return `${REFS}${checkRun(run)}/${refPart(step)}/${attempt}`;
}

/** Commits that an attempt made and left: a commit of heddle's whose parents they are. */
export function keptRef(run: string, step: string, attempt: number): string {
  return `${captureRef(run, step, attempt)}.kept`;
}

export function isOurRef(ref: string): boolean {
  return ref.startsWith(BRANCHES) || ref.startsWith(REFS);
}

/** The short name that people type. */
export function shortBranch(ref: string): string {
  return ref.replace(/^refs\/heads\//, "");
}

/**
 * For names of databases and the like: letters, digits and `_`, at most 40, told apart by the run. Names that had to
 * be changed get a hash, so that no two are equal.
 */
export function slugOf(run: string, name: string): string {
  const words = name.replaceAll(/[^a-z0-9]+/g, "_").replaceAll(/^_+|_+$/g, "");
  const isPlain = words === name && words.length <= 27;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 6);
  return `${isPlain ? words : `${words.slice(0, 20)}_${hash}`}_${run.slice(0, 12)}`.replace(/^_/, "");
}
