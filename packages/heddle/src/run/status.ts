/**
 * Run status and counts of steps: the one function for lists, views and the engine. Knows no process: the caller says
 * whether a process holds the run.
 */
import { unreachable } from "../base/assert.ts";
import { hasStartable } from "./slots.ts";
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

/** `live`: a process holds the run now. Without one, a run that has not ended waits for a person, a signal or a time, or was interrupted. */
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
      // Answered, and nobody has acted on it: a process would do so at once, so it is a resume that is waited for.
      return onlyWaitsLeft(state) || (state.endsAnswered && !isAtWork(state)) ? "waiting" : "running";
    default:
      return unreachable(phase);
  }
}

/** Whether a person's answer or a signal is waited for, and nothing else can continue: no timer either. */
export function onlyPeopleLeft(state: RunState): boolean {
  return onlyWaitsLeft(state) && state.index.counts.sleeping === 0;
}

/** Whether nothing is left but what goes on while no process works on the run: questions, and waits for times and signals. */
export function onlyWaitsLeft(state: RunState): boolean {
  const { counts, answered, arrivals, unexamined } = state.index;
  const { examining, checking } = state.volatile;
  const isDue = answered.size + arrivals.size + unexamined.size + examining.size + checking.size > 0;
  const waits = counts["waiting-for-answer"] + counts["waiting-for-signal"] + counts.sleeping;
  return state.phase.tag === "running" && waits > 0 && !isAtWork(state) && !isDue && !hasStartable(state);
}

function isAtWork({ index, rollback }: RunState): boolean {
  const { running, retrying, interrupted } = index.counts;
  return running > 0 || retrying > 0 || interrupted > 0 || rollback !== undefined;
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
  const {
    succeeded,
    failed,
    cancelled,
    skipped,
    cached,
    waiting,
    retrying,
    "waiting-for-answer": asked,
    "waiting-for-signal": listening,
    sleeping,
    interrupted,
    running,
    expanded,
  } = state.index.counts;
  const counts = {
    succeeded,
    failed,
    cancelled,
    skipped,
    cached,
    waiting: waiting + retrying + asked + listening + sleeping + interrupted,
    running: running + expanded,
  };
  return countsNow(counts, runStatus(state, live));
}

/** What counts that were recorded by the run's engine have come to: nothing of an interrupted run runs. */
export function countsNow(recorded: StepCounts, status: RunStatus): StepCounts {
  if (status !== "interrupted") return recorded;
  return { ...recorded, waiting: recorded.waiting + recorded.running, running: 0 };
}
