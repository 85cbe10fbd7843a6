/**
 * Shelter: which steps still run while what is around them is brought to its end early: steps that are `always` to run, and what is
 * inside of them. Knows why a run ends early from what is volatile, and changes nothing.
 *
 * Invariants:
 *  1. What is sheltered is neither stopped nor kept from starting, until somebody kills the run.
 *  2. It is bounded: where a run or container is cancelled, or its time is over, by the step's own timeout, else by {@link SHELTER_MS};
 *     a question or wait, which nobody else would end, also after a failure. What begins later has this time from its own start on.
 */
import { phaseOf, stepAt, type RunState } from "./state.ts";

/** How long a step without a timeout may take where what is around it is cancelled. */
export const SHELTER_MS: number = 5 * 60_000;

/**
 * Whether the step, or a step around it, is always to run. `within`: a container that is ended, and whose own `always` says nothing about
 * what is inside of it; -1: the run.
 */
export function isSheltered(state: RunState, step: number, within = -1): boolean {
  if (state.volatile.isKilled) return false;
  for (let at = step; at !== within && at !== -1; at = state.parents[at] ?? -1)
    if (stepAt(state, at).always === true && !isItem(state, at)) return true;
  return false;
}

/** An item has the keys of its `forEach`: its `always` is that of the whole. */
function isItem(state: RunState, step: number): boolean {
  return state.containers.get(state.parents[step] ?? -1)?.kind === "forEach" && !state.addedBy.has(step);
}

/** Whether a step that is always to run has not ended, in a run that nobody has killed. */
export function hasSheltered({ index, volatile }: RunState): boolean {
  return index.always.size > 0 && !volatile.isKilled;
}

/** Whether the end of the run has come, and this step has no part in what is still done. */
export function isShutDown(state: RunState, step: number): boolean {
  return state.volatile.stoppedAt !== undefined && !isSheltered(state, step);
}

/** Whether what the container holds is still wanted at the run's end: for itself, or for something inside that is always to run. */
export function isHoldWanted(state: RunState, container: number): boolean {
  if (!isShutDown(state, container)) return true;
  for (const step of state.volatile.isKilled ? [] : state.index.always)
    for (let at = state.parents[step] ?? -1; at !== -1; at = state.parents[at] ?? -1) if (at === container) return true;
  return false;
}

interface Cut {
  /** When the end of something around the step began. */
  readonly since: number;
  /** When something around it was cancelled, or its time was over; infinite: nothing was. */
  readonly cancelledAt: number;
}

/** What is being ended around a sheltered step; `undefined`: nothing, or the step is not sheltered. */
function cutAround(state: RunState, step: number): Cut | undefined {
  if (!isSheltered(state, step)) return undefined;
  const { stoppedAt = Infinity, cancelledAt: runAt = Infinity, expired, stopped } = state.volatile;
  let since = stoppedAt;
  let cancelledAt = runAt;
  for (let at = state.parents[step] ?? -1; at !== -1; at = state.parents[at] ?? -1) {
    const over = expired.get(at) ?? Infinity;
    cancelledAt = Math.min(cancelledAt, over);
    since = Math.min(since, over, stopped.get(at) ?? Infinity);
  }
  return since === Infinity ? undefined : { since, cancelledAt };
}

/** When a question or a wait without an end of its own is over; infinite: never. */
export function waitEndsAt(state: RunState, step: number): number {
  return Math.max(cutAround(state, step)?.since ?? Infinity, begunAt(state, step)) + SHELTER_MS;
}

/** When an attempt or a container without a limit of its own is over; infinite: never. */
export function workEndsAt(state: RunState, step: number): number {
  return Math.max(cutAround(state, step)?.cancelledAt ?? Infinity, begunAt(state, step)) + SHELTER_MS;
}

function begunAt(state: RunState, step: number): number {
  const phase = phaseOf(state, step);
  return "since" in phase ? phase.since : 0;
}
