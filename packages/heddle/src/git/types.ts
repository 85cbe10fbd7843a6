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

/** A file that is not in the capture although it is not ignored. */
export interface OmittedFile {
  /** Relative to the worktree. */
  readonly path: string;
  readonly reason:
    | "file-too-large"
    | "total-too-large"
    /** Or a name that git refuses. */
    | "unreadable"
    /** A filter of the repository converts it, and git has not stored it as it is now. */
    | "filter"
    /** A submodule with work that exists nowhere else. */
    | "submodule";
  readonly bytes: number;
  /** What it is in particular, as a clause. */
  readonly detail?: string;
}

export interface FileLimits {
  readonly maxFileBytes: number;
  readonly maxTotalBytes: number;
}

/** A worktree, as it is handed out. */
export interface Worktree {
  readonly run: string;
  readonly owner: TreeOwner;
  /** Of its folder, and the last part of its branch. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** Short name; `null`: detached. */
  readonly branch: string | null;
  /** The commit that its files were last set to. */
  readonly base: string;
  /** Made by this call; else it was there, perhaps with work in it. */
  readonly fresh: boolean;
  /** Free when they were given out, and of no other worktree. */
  readonly ports: readonly number[];
  /** What was put on top of the base when its files were last set. */
  readonly holds?: HeldWork;
  /** For names of databases and the like. */
  readonly slug: string;
  /** Files copied for `.worktreeinclude`; empty unless `fresh`. */
  readonly included: IncludeReport;
  /** Absolute: git folders of repositories that were inside before this call set it, kept there. */
  readonly aside?: readonly string[];
}

/** A step's work that was applied onto the base with its conflicts, to be resolved there. */
export interface HeldWork {
  readonly step: string;
  /** Both are in the markers of a conflict. */
  readonly head: string;
  readonly captured: string;
}

export interface WorktreeRequest {
  readonly run: string;
  readonly owner: TreeOwner;
  /** The commit that it is to begin at; of no effect where it exists already. */
  readonly base: string;
}

/** Bounds on the worktrees of one repository, all runs. */
export interface WorktreeLimits {
  /** Worktrees at once, those for verifying not counted: steps that hold one wait for them. */
  readonly maxTrees: number;
  /** What they take of the disk together, before one more is made. */
  readonly maxBytes: number;
}

export interface CaptureRequest {
  readonly tree: Worktree;
  readonly step: string;
  readonly attempt: number;
  /** Absent: {@link DEFAULT_FILE_LIMITS}. */
  readonly limits?: FileLimits;
}

/** What a capture takes; what is larger is omitted. */
export const DEFAULT_FILE_LIMITS: FileLimits = { maxFileBytes: 50 << 20, maxTotalBytes: 500 << 20 };

export interface Capture {
  /** Keeps the commit. */
  readonly ref: string;
  /** The base itself where nothing was changed and nothing committed. */
  readonly commit: string;
  readonly tree: string;
  /** The commit that the attempt began at. */
  readonly base: string;
  /** Relative paths, sorted: what differs between base and commit. */
  readonly changedFiles: readonly string[];
  /** The same, by what their names are and not only how they are shown. */
  readonly changes: readonly PathChange[];
  /** Not ignored and yet not in the commit. */
  readonly omitted: readonly OmittedFile[];
  /** Folders that are repositories of their own: their files are in the commit, their history is not. */
  readonly nested: readonly string[];
  /** Not in the commit although they are not ignored any more: they were there, and ignored, when the worktree was handed over. */
  readonly given: readonly string[];
  /** Commits that the attempt made and that `commit` does not contain; kept under a ref. */
  readonly unreachable: readonly string[];
  /** The folder was gone: what is captured is the last commit. */
  readonly missing: boolean;
  /** False: HEAD was moved off the base, or onto work of others without their files: the work is one commit on top of the base. */
  readonly isOnBase: boolean;
  /** Commits of others that the agent brought in, each with all below it: their content is in the capture and is not its work. */
  readonly brought: readonly string[];
  readonly unfinished: UnfinishedWork;
}

/** A path at which two commits differ. */
export interface PathChange {
  /** Relative, as git has it: a byte that is not UTF-8 is a lone surrogate. */
  readonly path: string;
  /** The same for people. */
  readonly shown: string;
  /** The later commit has nothing there. */
  readonly isGone: boolean;
  /** One of the two has a pointer to a commit of a submodule there: it stands for all that is in the folder. */
  readonly isPointer: boolean;
}

/** What became of a file between two commits. */
export type FileStatus = "added" | "modified" | "deleted" | "renamed";

/** A file that two commits have differently. */
export interface FileChange {
  /** Relative, as it is shown to people. */
  readonly path: string;
  /** Where it was, of one that was renamed. */
  readonly from?: string;
  readonly status: FileStatus;
  /** Lines; `null`: it is not text. */
  readonly added: number | null;
  readonly removed: number | null;
}

/** A unified diff. */
export interface Patch {
  /** In the files' own encodings. */
  readonly bytes: Uint8Array;
  /** It is larger than was asked for; these are its first lines. */
  readonly isCut: boolean;
}

/** A file that differs, with its own part of the diff. */
export interface FilePatch {
  readonly change: FileChange;
  readonly patch: Patch;
}

/** Where git looks for the submodules of a repository. */
export const SUBMODULE_SETTINGS = ".gitmodules";

export interface SubmoduleFinding {
  /** A clause about {@link SUBMODULE_SETTINGS}. */
  readonly text: string;
  /** No repository has it for a good reason, and many that take pushes refuse it. */
  readonly isDangerous: boolean;
}

/** A file that is at another path, perhaps with changes. */
export interface PathMove {
  readonly from: Pick<PathChange, "path" | "shown">;
  readonly to: Pick<PathChange, "path" | "shown">;
}

/** An operation of git that can stop half-way. */
export type GitOperation = "merge" | "cherry-pick" | "revert" | "rebase";

/** What git says is not finished in a worktree: its files are no result. */
export interface UnfinishedWork {
  readonly operation: GitOperation | undefined;
  /** Paths with conflicts that the index has. */
  readonly unmerged: readonly string[];
}

/** What did not pass. */
export interface VerifyFailure {
  /** The command that failed. */
  readonly command: string;
  /** Why, in one line. */
  readonly reason: string;
  /** The end of what the command printed; empty: nothing. */
  readonly output: string;
}

export type VerifyResult = { readonly ok: true } | { readonly ok: false; readonly failure: VerifyFailure };

/** Commands that must pass on a candidate before the branch moves to it. */
export interface MergeCheck {
  readonly commands: readonly string[];
  /** Key of commands and environment: equal keys, equal answers. Absent: every tree is verified again. */
  readonly key?: string;
}

/** Whoever submits work to the queue: one attempt has at most one request in it at a time. */
export interface MergeRequestId {
  readonly step: string;
  readonly attempt: number;
}

/** A candidate to run a check on. `step` and `attempt`: whose check it is. */
export interface VerifyRequest extends MergeRequestId {
  readonly run: string;
  readonly commands: readonly string[];
  readonly commit: string;
  /** Absolute: a worktree of its own whose HEAD and files are the commit's. */
  readonly folder: string;
  readonly ports: readonly number[];
  /** As that of a worktree. */
  readonly slug: string;
}

export type MergeMode = "merge" | "squash" | "rebase";

export interface MergeRequest extends MergeRequestId {
  /** As captured. */
  readonly commit: string;
  /** Place in the plan: decides between requests that come at once. */
  readonly order: number;
  /** Subject, and text after an empty line; absent: the step's id. */
  readonly message?: string;
  /** As captured; absent: nothing. */
  readonly brought?: readonly string[];
  /** Beside Run, Step, Attempt and Captured: Agent, Model, Cost, ... */
  readonly trailers?: readonly (readonly [key: string, value: string])[];
  readonly checks?: readonly MergeCheck[];
  /** Absent: the queue's. */
  readonly mode?: MergeMode;
}

export type MergeOutcome =
  /** `commit`: on the branch. `again`: it was there already. */
  | {
      readonly kind: "merged";
      readonly commit: string;
      readonly onto: string;
      /** The last merge below that, where something is between: a revert, or a merge that may not be recorded. */
      readonly after?: string;
      readonly again: boolean;
    }
  /** The branch has all of it. */
  | { readonly kind: "nothing"; readonly head: string }
  /** `head`: what it did not go together with. */
  | { readonly kind: "conflict"; readonly files: readonly string[]; readonly head: string }
  /** `commit`: what was verified; no branch has it. */
  | { readonly kind: "rejected"; readonly failure: VerifyFailure; readonly commit: string; readonly head: string }
  /** The queue was closed before its turn, or the request cancelled. */
  | { readonly kind: "closed" };

/** Where the integration branch of a run begins. */
export interface IntegrationOrigin {
  readonly run: string;
  /** The run's base commit: what the branch has beyond it is the run's. */
  readonly base: string;
  /** The branch begins here: the base with the work of reused steps on top; absent: at the base. */
  readonly begin?: string;
  /** The last merge that the run's history has; absent: none is known. */
  readonly recorded?: string;
}

/** The integration branch of a run, as it is found. */
export interface IntegrationState {
  /** Short name. */
  readonly branch: string;
  readonly base: string;
  readonly head: string;
  /** What is merged and not reverted, oldest first. */
  readonly merged: readonly MergedStep[];
  /** What had to be put right, as sentences for people. */
  readonly notices: readonly string[];
}

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
  /** `files`: relative, sorted: what the commit changes. */
  | { readonly kind: "reverted"; readonly commit: string; readonly files: readonly string[] }
  | { readonly kind: "not-merged" }
  | { readonly kind: "conflict"; readonly files: readonly string[] }
  /** A check did not pass on the result; the branch is where it was. */
  | { readonly kind: "rejected"; readonly failure: VerifyFailure };

export type BreachKind = "head" | "index" | "files" | "refs" | "stash" | "config" | "hooks";

export interface Breach {
  readonly kind: BreachKind;
  /** What is different: names of files or refs, at most 20. */
  readonly names: readonly string[];
  /** What refs pointed to and do not any more; a ref of heddle's keeps it. */
  readonly lost?: readonly LostRef[];
}

export interface LostRef {
  readonly ref: string;
  readonly id: string;
  /** A command that puts it back. */
  readonly command: string;
}

/** Why a worktree is not made, set to another commit, or removed. */
export interface WorktreeRefusal extends Problem {
  readonly code: "BranchTaken" | "WorktreeLimit" | "WorktreeInUse" | "WorkNotCaptured";
}

export interface RemoveOptions {
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
  /** The last merge below that, where something is between: a revert, or a merge that may not be recorded. */
  readonly after?: string;
  /** Commits of others that came in with it: a revert leaves them. */
  readonly brought?: readonly string[];
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
  /** What would be lost with it, as the end of a sentence; absent: nothing that is known. */
  readonly loss?: string;
}

/** Heddle's own branches and refs of a run. */
export interface RunRefs {
  /** Whole names. */
  readonly refs: readonly string[];
  /** All that was merged in the run is on a branch or tag that is not heddle's. */
  readonly landed: boolean;
  /** How many worktrees the run has. */
  readonly trees: number;
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

/** What one side of a conflict has at a path. */
export interface ConflictSide {
  readonly kind: "file" | "program" | "link" | "submodule" | "folder";
  readonly id: string;
  /** 0 of what is no file. */
  readonly bytes: number;
  /** Absent: it is no text in UTF-8, or longer than 1 MiB. Of a link: where it leads. */
  readonly text?: string;
}

/** How a person wants a file of a conflict to be: as this text, as one side has it, or not there. */
export type FileResolution = { readonly text: string } | { readonly take: "ours" | "theirs" | "none" };

export interface StoreWish {
  /** As it is shown. */
  readonly file: string;
  /** Absent: what was stored is withdrawn. */
  readonly resolution?: FileResolution;
  /** The revision that the person saw. */
  readonly seen: string;
}

/** A path that has to be decided. */
export interface ConflictedPath {
  /** Relative, as it is shown to people. */
  readonly file: string;
  /** `whole`: it is no text, so one side is taken or none. `manual`: only git can settle it, in the worktree. */
  readonly kind: "text" | "whole" | "manual";
  /** `null`: this side has no such file. Without texts. */
  readonly base: ConflictSide | null;
  readonly ours: ConflictSide | null;
  readonly theirs: ConflictSide | null;
  /** Places in it where both sides changed; 0 of what is no text on both sides. */
  readonly regions: number;
  /** `stored`: a person has decided. `settled`: the worktree has something else than the conflict. */
  readonly state: "open" | "settled" | "stored";
  /** Another one, and what is stored or in the worktree is another. */
  readonly revision: string;
}

/** Lines of a text, from 1. `to`: the line behind the last one: equal to `from`, there are none. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** A place where both sides changed, in each of the texts. */
export interface ConflictRegion {
  /** With the lines of the markers. */
  readonly marked: LineRange;
  readonly base: LineRange;
  readonly ours: LineRange;
  readonly theirs: LineRange;
}

/** A path that has to be decided, with its texts. */
export interface ConflictedFile extends Omit<ConflictedPath, "regions"> {
  /** What goes together, with markers around what does not; absent: not both sides are text. */
  readonly marked?: string;
  readonly regions: readonly ConflictRegion[];
  /** What was decided, or is in the worktree; absent: nothing, or no text. */
  readonly result?: FileResolution & { readonly from: "stored" | "worktree" };
}

/** The conflict that a worktree holds. */
export interface ConflictOverview {
  readonly head: string;
  readonly captured: string;
  /** Newest commit that both have; absent: none. */
  readonly fork?: string;
  readonly files: readonly ConflictedPath[];
  /** What the captured work changes besides, and goes together. */
  readonly clean: readonly FileChange[];
}
