/**
 * Types of the git room: worktree owners, captures, merge queue entries and outcomes, landings, snapshots, listings.
 * Plain data.
 */
import type { Problem } from "../base/errors.ts";

/** Whose a worktree is. `pool`: the n-th of those that candidates are verified in. */
export type TreeOwner =
  | { readonly kind: "step"; readonly id: string }
  | { readonly kind: "group"; readonly id: string }
  | { readonly kind: "pool"; readonly id: number };

export interface IncludeReport {
  /** Relative paths. */
  readonly copied: readonly string[];
  readonly skipped: readonly {
    readonly path: string;
    readonly reason: "not-ignored" | "not-a-file" | "too-much" | "leads-out" | "exists";
  }[];
}

/** A file that is not in the tree although it is not ignored. */
export interface LeftOut {
  /** Relative to the worktree. */
  readonly path: string;
  readonly reason: "file-too-large" | "total-too-large" | "unreadable";
  readonly bytes: number;
}

export interface FileLimits {
  readonly maxFileBytes: number;
  readonly maxTotalBytes: number;
}

export interface Capture {
  /** The base itself where nothing was changed and nothing committed. */
  readonly commit: string;
  readonly tree: string;
  /** The commit that the attempt began at. */
  readonly base: string;
  /** Relative paths, sorted: what differs between base and commit. */
  readonly changedFiles: readonly string[];
  /** Not ignored and yet not in the commit. */
  readonly leftOut: readonly LeftOut[];
  /** Folders that are repositories of their own: their files are in the commit, their history is not. */
  readonly nested: readonly string[];
  /** Commits that the attempt made and that `commit` does not contain; kept under a ref. */
  readonly strays: readonly string[];
  /** The folder was gone: what is captured is the last commit. */
  readonly missing: boolean;
}

export type VerifyResult =
  | { readonly ok: true }
  /** `output`: what a person or an agent needs to see. */
  | { readonly ok: false; readonly output: string };

interface VerifyContext {
  readonly commit: string;
  /** Aborted if the answer is not needed any more; the promise must still settle. */
  readonly signal: AbortSignal;
  readonly ports: readonly number[];
}

export interface Verification {
  /** Key of commands and environment: equal keys, equal answers. Absent: every tree is verified again. */
  readonly key?: string;
  readonly run: (folder: string, context: VerifyContext) => Promise<VerifyResult>;
}

export type MergeMode = "merge" | "squash" | "rebase";

export interface MergeEntry {
  readonly step: string;
  readonly attempt: number;
  /** As captured. */
  readonly commit: string;
  /** Place in the plan: decides between entries that come at once. */
  readonly order: number;
  /** Subject, and text after an empty line; absent: the step's id. */
  readonly message?: string;
  /** Beside Run, Step, Attempt and Captured: Agent, Model, Cost, ... */
  readonly trailers?: readonly (readonly [key: string, value: string])[];
  readonly verify?: readonly Verification[];
  /** Absent: the queue's. */
  readonly mode?: MergeMode;
  /** Aborted: the entry is taken back, unless it is merged already. */
  readonly signal?: AbortSignal;
}

export type MergeOutcome =
  /** `commit`: on the branch. `again`: it was there already. */
  | { readonly kind: "merged"; readonly commit: string; readonly onto: string; readonly again: boolean }
  /** The branch has all of it. */
  | { readonly kind: "nothing"; readonly head: string }
  /** `head`: what it did not go together with. */
  | { readonly kind: "conflict"; readonly files: readonly string[]; readonly head: string }
  /** `commit`: what was verified; no branch has it. */
  | { readonly kind: "rejected"; readonly output: string; readonly commit: string; readonly head: string }
  /** The queue was closed before its turn, or the entry taken back. */
  | { readonly kind: "closed" };

export type LandTarget =
  | { readonly kind: "none" }
  /** The user's branch is moved to the integration branch; refused where it has commits that this does not. */
  | { readonly kind: "ff" }
  /** A merge commit where fast-forward is not possible. */
  | { readonly kind: "merge"; readonly message?: string }
  /** A branch of this short name; the user's checkout is not looked at. */
  | { readonly kind: "branch"; readonly name: string };

/** `moved`: false: it was there already. */
interface LandedBranch {
  readonly branch: string;
  readonly commit: string;
  readonly moved: boolean;
}

export type LandOutcome =
  | { readonly kind: "none" }
  | ({ readonly kind: "landed" } & LandedBranch)
  | { readonly kind: "conflict"; readonly files: readonly string[] }
  | { readonly kind: "refused"; readonly problem: Problem };

export type RevertOutcome =
  | { readonly kind: "reverted"; readonly commit: string }
  | { readonly kind: "not-merged" }
  | { readonly kind: "conflict"; readonly files: readonly string[] };

export type BreachKind = "head" | "index" | "files" | "refs" | "stash" | "config" | "hooks";

export interface Breach {
  readonly kind: BreachKind;
  /** What is different: names of files or refs, at most {@link MAX_NAMED}. */
  readonly names: readonly string[];
}

/** A look at what no step may change. Plain data. */
export interface IsolationSnapshot {
  readonly head: string;
  /** Hash of what the index holds, not of its times. */
  readonly index: string;
  /** Changed and new files, with size and time. */
  readonly files: { readonly [path: string]: string };
  /** Those outside heddle's two folders, stash apart. */
  readonly refs: { readonly [ref: string]: string };
  readonly stash: string;
  readonly config: { readonly [file: string]: string };
  readonly hooks: { readonly [file: string]: string };
}

export interface LossOptions {
  /**
   * Files that were left out of captures for their size, and histories of repositories inside the worktree, may go. Changed
   * files and commits that are not captured never may.
   */
  readonly acceptLeftOut?: boolean;
}

/** Why a worktree is not made, set to another commit, or removed. */
export interface WorktreeRefusal extends Problem {
  readonly code: "BranchTaken" | "WorktreeLimit" | "WorktreeInUse" | "WorkNotCaptured";
}

export interface RemoveOptions extends LossOptions {
  /** Absent: `keep`. */
  readonly branch?: "keep" | "delete";
}

export interface MergedStep {
  readonly step: string;
  readonly attempt: number;
  /** The captured commit. */
  readonly source: string;
  /** On the branch: the last of those that the merge made. */
  readonly commit: string;
  /** On the branch: what the merge was made on top of. */
  readonly onto: string;
  /** Of an earlier run's work: the step of the plan whose result it is part of. */
  readonly part?: string;
}

export interface TreeListing {
  readonly run: string;
  /** The folder's name. */
  readonly name: string;
  /** From its record: the name alone does not say. `null`: there is no record. */
  readonly owner: TreeOwner | null;
  /** Absolute: the folder of the project whose run it is; `null`: not known. */
  readonly project: string | null;
  /** Absolute. */
  readonly path: string;
  readonly branch: string | null;
  readonly head: string | null;
  readonly bytes: number;
  readonly createdAtMs: number | null;
  /** A process has its current folder there. */
  readonly inUse: boolean;
  readonly state:
    /** Made, and all it holds is captured. */
    | "saved"
    /** Has work that exists nowhere else. */
    | "unsaved"
    /** Begun and not finished: no step has worked there. */
    | "unfinished"
    /** Git or heddle does not know it. */
    | "stray";
}

/** A step of the plan whose result is taken. */
export interface ReplayedStep {
  readonly id: string;
  /** Steps that were added to the earlier run by it: items, steps of a subplan, added steps. */
  readonly also: readonly string[];
  /** Commits that its result names: it is nothing without them. */
  readonly commits: readonly string[];
}

export type ReplayOutcome =
  /** `begin`: the base if there is nothing to replay. `now`: the new commits for those of the earlier run. */
  | { readonly kind: "replayed"; readonly begin: string; readonly now: Readonly<Record<string, string>> }
  /** The step's result cannot be taken. `why`: a clause about what the earlier run merged for it. */
  | { readonly kind: "refused"; readonly step: string; readonly why: string };
