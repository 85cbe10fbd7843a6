/** Calls about the work of agents: what they changed, and where they work. Knows how requests are named, not how they are sent. */
import type { ChangesDocument, FileDiffDocument, WorktreesDocument } from "../view/change-documents.ts";
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
}

export function workCalls(ask: <T>(call: ApiCall) => Promise<T>): WorkCalls {
  return {
    changes: (run, { signal, ...query } = {}) => ask({ method: "GET", path: ["runs", run, "changes"], query, signal }),
    fileDiff: (run, file, { signal, ...query } = {}) =>
      ask({ method: "GET", path: ["runs", run, "changes", file], query, signal }),
    worktrees: ({ signal, run, sizes } = {}) =>
      ask({ method: "GET", path: ["worktrees"], query: { run, sizes: sizes?.toString() }, signal }),
  };
}
