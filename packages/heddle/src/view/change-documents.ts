/**
 * Change documents: what the HTTP API says of the files that a run and its steps changed, and where agents work. Their shapes are
 * public: fields may be added, none removed.
 */

/** Whose state is shown: the run's branch; what was merged for a step; what its last attempt left; its worktree as it is now. */
export type ChangeSource = "integration" | "merged" | "captured" | "worktree";

/** A file that was changed. */
export interface ChangedPath {
  /** Relative; a name that is not UTF-8 as git quotes it. What the diff of the file is asked for with. */
  readonly file: string;
  /** Where it was, of one that was renamed. */
  readonly from?: string;
  readonly status: "added" | "modified" | "deleted" | "renamed";
  /** Lines; `null`: it is not text. */
  readonly added: number | null;
  readonly removed: number | null;
  /** Other steps that changed it too: the first 20. */
  readonly others: readonly string[];
}

/** Between two states of the repository. */
export interface ChangeSet {
  readonly of: ChangeSource;
  /** Commits. `to`: `null`: no commit, a worktree as it is now. */
  readonly from: string;
  readonly to: string | null;
  /** Files in all; `files` has the first 1,000. */
  readonly count: number;
  /** Lines, of all files that are text. */
  readonly added: number;
  readonly removed: number;
  readonly files: readonly ChangedPath[];
}

export interface StepChanges extends ChangeSet {
  readonly step: string;
  /** Of work that was captured and not merged. */
  readonly attempt?: number;
}

/** `GET .../runs/{run}/changes`, in the order of the plan. Steps that left no work are left out. */
export interface ChangesDocument {
  readonly run: string;
  /** Of the last event of the run as it is shown. */
  readonly seq: number;
  /** A process works on the run: worktrees change without an event. */
  readonly live: boolean;
  /** What would land, on the first page; absent: nothing was merged. */
  readonly integration?: ChangeSet;
  readonly items: readonly StepChanges[];
  /** Steps whose work could not be read, and why. */
  readonly unreadable: readonly { readonly step: string; readonly problem: string }[];
  /** What to send as `cursor` for more; absent: there are no more. */
  readonly next?: string;
}

/** `GET .../runs/{run}/changes/{file}`. */
export interface FileDiffDocument extends Omit<ChangedPath, "others"> {
  readonly run: string;
  /** Absent: of the whole run. */
  readonly step?: string;
  readonly of: ChangeSource;
  readonly attempt?: number;
  readonly before: string;
  readonly after: string | null;
  /** The unified diff as text; bytes that are not UTF-8 are U+FFFD. */
  readonly patch: string;
  /** The file is not text: the diff says no more than that. */
  readonly isBinary: boolean;
  /** Absent: it is whole. Else lines of it that were added and removed are missing. */
  readonly cut?: { readonly added: number; readonly removed: number };
}

/** `GET .../projects/{project}/worktrees`. */
export interface WorktreesDocument {
  readonly worktrees: readonly WorktreeDocument[];
}

export interface WorktreeDocument {
  readonly run: string;
  /** Absolute: the other project in the repository that it belongs to; `null`: this one. */
  readonly project: string | null;
  /** The step's id, or with `@` before it the group's. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly branch: string | null;
  readonly head: string | null;
  /** 0 where sizes were not asked for. */
  readonly bytes: number;
  readonly createdAt: number | null;
  /** A process has its current folder there. */
  readonly inUse: boolean;
  /** `saved`: everything in it is on a branch or under a ref. `unsaved`: it has work that exists nowhere else. */
  readonly state: "saved" | "unsaved" | "unfinished" | "stray";
  /** What would be lost with it; absent: nothing. */
  readonly loss?: string;
}
