/**
 * Run summary: the run's line in lists, stored beside its events, so that listing a thousand runs folds none of them.
 */
import type { JsonObject } from "../base/json.ts";
import { isRunEnded, type RunState } from "./state.ts";
import { runStatus, stepCounts } from "./status.ts";

/**
 * `{status, startedAt, endedAt, counts}` as the process that holds the run sees them; `statusNow` and `countsNow`
 * give the current values.
 */
export function summaryOf(state: RunState): JsonObject {
  const { phase } = state;
  const ended = isRunEnded(phase) && "endedAt" in phase ? phase.endedAt : null;
  return {
    status: runStatus(state, true),
    startedAt: state.startedAt ?? null,
    endedAt: ended,
    counts: { ...stepCounts(state, true) },
  };
}
