/** Status names: the only place that maps phases of steps and runs to the words that people and programs see. */
import { unreachable } from "../base/assert.ts";
import { phaseOf, type RunState } from "../run/state.ts";
import { runStatus } from "../run/status.ts";

export { outdatedBy } from "../run/explain.ts";
export { onlyPeopleLeft, RUN_STATUSES, runStatus, stepCounts, type RunStatus, type StepCounts } from "../run/status.ts";

export const STEP_STATUSES = [
  "waiting",
  "running",
  "retrying",
  "succeeded",
  "failed",
  "cancelled",
  "skipped",
  "cached",
  "needs-approval",
  "needs-resolution",
  "interrupted",
] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

export function stepStatus(state: RunState, step: number, live: boolean): StepStatus {
  const phase = phaseOf(state, step);
  switch (phase.tag) {
    case "sleeping":
    case "waiting-for-signal":
      return "waiting";
    case "waiting":
    case "retrying":
    case "succeeded":
    case "cached":
    case "skipped":
    case "failed":
    case "cancelled":
    case "interrupted":
      return phase.tag;
    case "running":
      if (live && phase.asks !== undefined) return "needs-approval";
      return live || runStatus(state, live) === "waiting" ? "running" : "interrupted";
    case "expanded":
      return live || runStatus(state, live) === "waiting" ? "running" : "interrupted";
    case "waiting-for-answer":
      // Answered, and the answer not acted on.
      if (phase.answer !== undefined) return "waiting";
      return phase.about === "conflict" ? "needs-resolution" : "needs-approval";
    default:
      return unreachable(phase);
  }
}

/** Steps by status. */
export type StatusCounts = { readonly [status in StepStatus]: number };

/** Of all steps; each is in exactly one of the counts. Without a scan of the steps: of those with a question alone. */
export function statusCounts(state: RunState, live: boolean): StatusCounts {
  const { counts, questions } = state.index;
  // Without a process nothing is at work, unless the run only waits.
  const isAtWork = live || runStatus(state, live) === "waiting";
  let asking = 0;
  let conflicts = 0;
  let open = 0;
  for (const step of questions) {
    const phase = phaseOf(state, step);
    if (phase.tag === "running") asking += live ? 1 : 0;
    else if (phase.tag === "waiting-for-answer") {
      open++;
      if (phase.about === "conflict") conflicts++;
    }
  }
  const atWork = counts.running + counts.expanded - asking;
  return {
    // An answer that is not acted on is waited for no more.
    waiting: counts.waiting + counts.sleeping + counts["waiting-for-signal"] + counts["waiting-for-answer"] - open,
    running: isAtWork ? atWork : 0,
    retrying: counts.retrying,
    succeeded: counts.succeeded,
    failed: counts.failed,
    cancelled: counts.cancelled,
    skipped: counts.skipped,
    cached: counts.cached,
    "needs-approval": asking + open - conflicts,
    "needs-resolution": conflicts,
    interrupted: counts.interrupted + (isAtWork ? 0 : atWork),
  };
}

/** One character per status, for lines and reports. */
export const STATUS_SYMBOL: { readonly [status in StepStatus]: string } = {
  waiting: "·",
  running: "▶",
  retrying: "⟳",
  succeeded: "✓",
  failed: "✗",
  cancelled: "■",
  skipped: "⊘",
  cached: "↺",
  "needs-approval": "?",
  "needs-resolution": "?",
  interrupted: "!",
};
