/** The words by which people and programs know where a run and its steps are. The only place that maps phases to them. */
import { unreachable } from "../base/assert.ts";
import { hasReady } from "../run/decide.ts";
import { phaseOf, type RunState } from "../run/state.ts";

export const RUN_STATUSES = [
  "running",
  "paused",
  "waiting",
  "succeeded",
  "failed",
  "cancelled",
  "interrupted",
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

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

/** `live`: a process holds the run now. Without one, a run that has not ended waits for a person, or was interrupted. */
export function runStatus(state: RunState, live: boolean): RunStatus {
  const { phase } = state;
  switch (phase.tag) {
    case "succeeded":
    case "failed":
    case "cancelled":
      return phase.tag;
    case "paused":
      return live ? "paused" : "interrupted";
    case "created":
      return live ? "running" : "interrupted";
    case "running":
      if (onlyPeopleLeft(state)) return "waiting";
      return live ? "running" : "interrupted";
    default:
      return unreachable(phase);
  }
}

/** Whether somebody is asked and nothing else can go on. */
function onlyPeopleLeft(state: RunState): boolean {
  const { asking, running, retrying, interrupted } = state.counts;
  return (
    asking > 0 &&
    running === 0 &&
    retrying === 0 &&
    interrupted === 0 &&
    state.rollback === undefined &&
    state.answered.length === 0 &&
    !hasArrival(state) &&
    !hasReady(state)
  );
}

/** Whether a step is still to be looked at; what was dealt with is left in the list. */
function hasArrival(state: RunState): boolean {
  for (let at = state.arrivalsHead; at < state.arrivals.length; at++) {
    if (phaseOf(state, state.arrivals[at] ?? 0).tag === "waiting") return true;
  }
  return false;
}

export function stepStatus(state: RunState, step: number, live: boolean): StepStatus {
  const phase = phaseOf(state, step);
  switch (phase.tag) {
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
    case "asking":
      return phase.about === "conflict" ? "needs-resolution" : "needs-approval";
    default:
      return unreachable(phase);
  }
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

export interface StepCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly skipped: number;
  readonly cached: number;
  /** Not started, between two attempts, before a person's answer, or interrupted. */
  readonly waiting: number;
  readonly running: number;
}

/** Every step is in exactly one of the counts. */
export function stepCounts(state: RunState, live: boolean): StepCounts {
  const { succeeded, failed, cancelled, skipped, cached, waiting, retrying, asking, interrupted, running, expanded } =
    state.counts;
  const open = waiting + retrying + asking + interrupted;
  const busy = running + expanded;
  const goesOn = live || runStatus(state, live) === "waiting";
  return {
    succeeded,
    failed,
    cancelled,
    skipped,
    cached,
    waiting: goesOn ? open : open + busy,
    running: goesOn ? busy : 0,
  };
}
