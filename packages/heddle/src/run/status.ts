/**
 * Run status and counts of steps: the one function for lists, views and the engine. Knows no process: the caller says
 * whether a process holds the run.
 */
import { unreachable } from "../base/assert.ts";
import { hasReady } from "./decide.ts";
import type { RunState } from "./state.ts";

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

/** `live`: a process holds the run now. Without one, a run that has not ended waits for a person, or was interrupted. */
export function runStatus(state: RunState, live: boolean): RunStatus {
  return statusNow(heldStatus(state), live);
}

/** What a status that was recorded by the run's engine has come to. */
export function statusNow(recorded: RunStatus, live: boolean): RunStatus {
  return !live && (recorded === "running" || recorded === "paused") ? "interrupted" : recorded;
}

function heldStatus(state: RunState): RunStatus {
  const { phase } = state;
  switch (phase.tag) {
    case "succeeded":
    case "failed":
    case "cancelled":
    case "paused":
      return phase.tag;
    case "created":
      return "running";
    case "running":
      return waitsForPeople(state) ? "waiting" : "running";
    default:
      return unreachable(phase);
  }
}

/** Whether a question is open, or answered and the answer not acted on, and nothing else can continue. */
function waitsForPeople(state: RunState): boolean {
  const { counts, arrivals, unexamined } = state.index;
  const { asking, running, retrying, interrupted } = counts;
  const isAtWork = running > 0 || retrying > 0 || interrupted > 0 || state.rollback !== undefined;
  const isDue = arrivals.size > 0 || unexamined.size > 0 || state.volatile.examining.size > 0;
  return asking > 0 && !isAtWork && !isDue && !hasReady(state);
}

/** Whether nothing of the run can continue before a person answers. */
export function onlyPeopleLeft(state: RunState): boolean {
  return state.index.answered.size === 0 && heldStatus(state) === "waiting";
}

export interface StepCounts {
  /** Steps that succeeded in this run. */
  readonly succeeded: number;
  /** Steps whose last attempt failed. */
  readonly failed: number;
  /** Steps that were cancelled. */
  readonly cancelled: number;
  /** Steps that do not run in this run, for a reason. */
  readonly skipped: number;
  /** Steps that stand with a result of an earlier run. */
  readonly cached: number;
  /** Not started, between two attempts, before a person's answer, or interrupted. */
  readonly waiting: number;
  /** Steps with an attempt at work, or with parts of their own at work. */
  readonly running: number;
}

/** Every step is in exactly one of the counts. */
export function stepCounts(state: RunState, live: boolean): StepCounts {
  const { succeeded, failed, cancelled, skipped, cached, waiting, retrying, asking, interrupted, running, expanded } =
    state.index.counts;
  const counts = {
    succeeded,
    failed,
    cancelled,
    skipped,
    cached,
    waiting: waiting + retrying + asking + interrupted,
    running: running + expanded,
  };
  return countsNow(counts, runStatus(state, live));
}

/** What counts that were recorded by the run's engine have come to: nothing of an interrupted run runs. */
export function countsNow(recorded: StepCounts, status: RunStatus): StepCounts {
  if (status !== "interrupted") return recorded;
  return { ...recorded, waiting: recorded.waiting + recorded.running, running: 0 };
}
