/**
 * Conflict documents: what the HTTP API says of a conflict that waits for a person, file by file. Their shapes are public: fields may be
 * added, none removed. `ours` is the run's branch, `theirs` the step's work.
 */

/** What was wanted of a step whose work meets another's. */
export interface StepIntent {
  readonly step: string;
  readonly description?: string;
  /** How its prompt begins: the first 2,000 characters. */
  readonly prompt?: string;
  /** When its work was merged, in milliseconds since the epoch; absent: it is not. */
  readonly mergedAt?: number;
  /** Files of the conflict that it changed: the first 20. */
  readonly files: readonly string[];
}

/** One side of a file. */
export interface FileSideDocument {
  readonly kind: "file" | "program" | "link" | "submodule" | "folder";
  readonly bytes: number;
  /** Absent: it is no text in UTF-8, or longer than 1 MiB. Of a link: where it leads. In the list of files: never there. */
  readonly text?: string;
}

export interface ConflictFileLine {
  /** Relative; a name that is not UTF-8 as git quotes it. What the file is asked for with. */
  readonly file: string;
  /** `whole`: it is no text, so one side is taken or none. `manual`: only git can settle it, in the worktree. */
  readonly kind: "text" | "whole" | "manual";
  /** `null`: this side has no such file. */
  readonly base: FileSideDocument | null;
  readonly ours: FileSideDocument | null;
  readonly theirs: FileSideDocument | null;
  /** Places in it where both sides changed; 0 of what is no text on both sides. */
  readonly regions: number;
  /** `stored`: a person has decided. `settled`: the worktree has something else than the conflict. */
  readonly state: "open" | "settled" | "stored";
  /** What to send as `If-Match` with a decision. */
  readonly etag: string;
}

/** `GET .../steps/{step}/conflict`. */
export interface ConflictDocument {
  readonly run: string;
  readonly step: string;
  /** Of the last event of the run as it is shown. */
  readonly seq: number;
  readonly question: string;
  readonly askedAt: number | null;
  /** Absolute: the worktree, where it can be settled by hand. */
  readonly worktree: string;
  /** Commits: the branch as it was, and the step's work. */
  readonly head: string;
  readonly captured: string;
  readonly intents: {
    /** Steps whose merged work it conflicts with, the latest first: the first 20. */
    readonly ours: readonly StepIntent[];
    readonly theirs: StepIntent;
  };
  /** Those that conflict: the first 1,000. */
  readonly files: readonly ConflictFileLine[];
  readonly count: number;
  /** What the step's work changes besides: the first 1,000. */
  readonly clean: readonly {
    readonly file: string;
    readonly status: "added" | "modified" | "deleted" | "renamed";
    readonly added: number | null;
    readonly removed: number | null;
  }[];
  readonly cleanCount: number;
  /** Commands that must pass on the merged commit before the branch moves. */
  readonly verify: readonly string[];
  /** What the last decision failed on; absent: it was not verified yet. */
  readonly rejected?: { readonly output: string };
}

/** Lines of a text, from 1. `to`: the line behind the last one; equal to `from`: there are none. */
export interface LinesDocument {
  readonly from: number;
  readonly to: number;
}

/** How a file is to be: as this text, as one side has it, or not there. */
export type FileDecision = { readonly text: string } | { readonly take: "ours" | "theirs" | "none" };

/** `GET` and `PUT .../steps/{step}/conflict/{file}`. */
export interface ConflictFileDocument extends Omit<ConflictFileLine, "regions"> {
  readonly run: string;
  readonly step: string;
  readonly head: string;
  readonly captured: string;
  /** What goes together, with markers around what does not; absent: not both sides are text. */
  readonly marked?: string;
  /** Places where both sides changed, in each of the texts; in `marked` with the lines of the markers. */
  readonly regions: readonly {
    readonly marked: LinesDocument;
    readonly base: LinesDocument;
    readonly ours: LinesDocument;
    readonly theirs: LinesDocument;
  }[];
  /** What was decided, or is in the worktree; absent: nothing, or no text. */
  readonly result?: FileDecision & { readonly from: "stored" | "worktree" };
}
