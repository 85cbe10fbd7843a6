/** The run's line in lists: stored beside its events, so that listing a thousand runs folds none of them. */
import type { JsonObject } from "../base/json.ts";
import { isRunEnded, type RunState } from "../run/state.ts";
import type { RunStatus } from "./api.ts";

/** Counts under the names of the stable `--json` shapes. */
export function countsOf(
  state: RunState,
): Record<"succeeded" | "failed" | "cancelled" | "skipped" | "cached" | "waiting" | "running", number> {
  const { counts } = state;
  return {
    succeeded: counts.succeeded,
    failed: counts.failed,
    cancelled: counts.cancelled,
    skipped: counts.skipped,
    cached: counts.cached,
    waiting: counts.waiting + counts.retrying + counts.asking + counts.interrupted,
    running: counts.running + counts.expanded,
  };
}

/** `live`: an engine holds the run now. */
export function statusOf(state: RunState, live: boolean): RunStatus {
  const { phase, counts } = state;
  if (phase.tag === "succeeded" || phase.tag === "failed" || phase.tag === "cancelled") return phase.tag;
  const onlyAsks = counts.asking > 0 && counts.running === 0 && counts.retrying === 0;
  if (!live) return onlyAsks ? "waiting" : "interrupted";
  if (phase.tag === "paused") return "paused";
  return onlyAsks && state.slots === 0 ? "waiting" : "running";
}

/** `{status, startedAt, endedAt, counts}`; `status` as a live engine sees it: whoever finds no live holder reads `interrupted`. */
export function summaryOf(state: RunState): JsonObject {
  const { phase } = state;
  const ended = isRunEnded(phase) && "endedAt" in phase ? phase.endedAt : null;
  return { status: statusOf(state, true), startedAt: state.startedAt ?? null, endedAt: ended, counts: countsOf(state) };
}
