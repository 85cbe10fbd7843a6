/** Calls about the work of agents: what they changed, and where they work. Knows how requests are named, not how they are sent. */
import type { ChangesDocument, FileDiffDocument, WorktreesDocument } from "../view/change-documents.ts";
import type { ConflictDocument, ConflictFileDocument, FileDecision } from "../view/conflict-documents.ts";
import type { ApiCall } from "./transport.ts";

/** Ends the call: it rejects with the signal's reason. */
type SignalOption = Pick<ApiCall, "signal">;

export interface WorkCalls {
  /** The files that the steps of a run changed, step by step; `cursor`: `next` of the page before. */
  changes(
    run: string,
    options?: SignalOption & { readonly limit?: number; readonly cursor?: string },
  ): Promise<ChangesDocument>;
  /** The diff of one file, as `changes` names it: of a step, or of what the run merged. */
  fileDiff(run: string, file: string, options?: SignalOption & { readonly step?: string }): Promise<FileDiffDocument>;
  /** The worktrees of agents, of one run or of all. `sizes`: say how much of the disk each takes. */
  worktrees(options?: SignalOption & { readonly run?: string; readonly sizes?: boolean }): Promise<WorktreesDocument>;
  /** The conflict that a step asks about. */
  conflict(run: string, step: string, options?: SignalOption): Promise<ConflictDocument>;
  /** One file of it, as `conflict` names it, with both sides. */
  conflictFile(run: string, step: string, file: string, options?: SignalOption): Promise<ConflictFileDocument>;
  /**
   * Keeps how a file of it is to be, or withdraws that, until `steps.resolve(run, step, "stored")`. `seen`: the document that was seen: if
   * the file has moved on since, nothing is done (`precondition-failed`).
   */
  decide(
    run: string,
    step: string,
    decision: FileDecision | "withdraw",
    options: SignalOption & { readonly seen: Pick<ConflictFileDocument, "file" | "etag">; readonly key?: string },
  ): Promise<ConflictFileDocument>;
}

export function workCalls(ask: <T>(call: ApiCall) => Promise<T>): WorkCalls {
  return {
    changes: (run, { signal, ...query } = {}) => ask({ method: "GET", path: ["runs", run, "changes"], query, signal }),
    fileDiff: (run, file, { signal, ...query } = {}) =>
      ask({ method: "GET", path: ["runs", run, "changes", file], query, signal }),
    worktrees: ({ signal, run, sizes } = {}) =>
      ask({ method: "GET", path: ["worktrees"], query: { run, sizes: sizes?.toString() }, signal }),
    conflict: (run, step, { signal } = {}) =>
      ask({ method: "GET", path: ["runs", run, "steps", step, "conflict"], signal }),
    conflictFile: (run, step, file, { signal } = {}) =>
      ask({ method: "GET", path: ["runs", run, "steps", step, "conflict", file], signal }),
    decide: (run, step, decision, { seen: { file, etag }, key, signal }) =>
      ask({
        method: "PUT",
        path: ["runs", run, "steps", step, "conflict", file],
        body: decision === "withdraw" ? { withdraw: true } : { ...decision },
        ifMatch: etag,
        key,
        signal,
        outlivesPage: true,
      }),
  };
}
