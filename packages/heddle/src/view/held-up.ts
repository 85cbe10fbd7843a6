/**
 * Held up: how much of a run comes behind a step that does not go on. Pure; linear in the steps and edges of the run for each step that is
 * asked for, without recursion.
 */
import { forEachSuccessor, hasEnded, phaseOf, type RunState } from "../run/state.ts";

export interface HeldUp {
  /** Steps that have not ended and cannot end before this one has, the containers that it is in included. */
  readonly holdsUp: number;
  /** Nothing that is left takes longer, as far as is known, than this step with what comes behind it. */
  readonly onCriticalPath: boolean;
}

/** `expected`: durations by id, in milliseconds. A step of unknown length counts as long as the known ones on average. */
export function heldUpBy(
  state: RunState,
  steps: readonly number[],
  expected: ReadonlyMap<string, number>,
): readonly HeldUp[] {
  if (steps.length === 0) return [];
  const remaining = remainingOf(state, lengthsOf(state, expected));
  const longest = remaining.reduce((most, ms) => Math.max(most, ms), 0);
  return steps.map((step) => ({
    holdsUp: behind(state, step),
    onCriticalPath: !hasEnded(phaseOf(state, step)) && remaining[step] === longest,
  }));
}

/** Visits what waits for the step: what comes after it, and the container that it is in. */
function forEachWaiting(state: RunState, step: number, visit: (waiting: number) => void): void {
  forEachSuccessor(state, step, visit);
  const parent = state.parents[step] ?? -1;
  if (parent !== -1) visit(parent);
}

function behind(state: RunState, from: number): number {
  const seen = new Set([from]);
  let count = 0;
  for (const step of seen)
    forEachWaiting(state, step, (waiting) => {
      if (seen.has(waiting) || hasEnded(phaseOf(state, waiting))) return;
      seen.add(waiting);
      count++;
    });
  return count;
}

function lengthsOf(state: RunState, expected: ReadonlyMap<string, number>): (step: number) => number {
  const known = state.steps.map(({ id, estimateMs }) => expected.get(id) ?? estimateMs);
  const given = known.filter((ms) => ms !== undefined);
  const average = given.length === 0 ? 1 : given.reduce((sum, ms) => sum + ms, 0) / given.length;
  return (step) => known[step] ?? average;
}

/** For each step that has not ended the longest way through what is left, from its own beginning; 0 for the others. */
function remainingOf(state: RunState, lengthOf: (step: number) => number): Float64Array {
  const remaining = new Float64Array(state.steps.length);
  const waitingOf = (step: number): readonly number[] => {
    const waiting: number[] = [];
    forEachWaiting(state, step, (one) => {
      if (!hasEnded(phaseOf(state, one))) waiting.push(one);
    });
    return waiting;
  };
  const isKnown = new Uint8Array(state.steps.length);
  for (let start = 0; start < state.steps.length; start++) {
    const open = [start];
    while (open.length > 0) {
      const step = open.at(-1) ?? 0;
      if (isKnown[step] === 1 || hasEnded(phaseOf(state, step))) {
        open.pop();
        continue;
      }
      const waiting = waitingOf(step);
      const unknown = waiting.filter((one) => isKnown[one] === 0);
      open.push(...unknown);
      if (unknown.length > 0) continue;
      const longest = waiting.reduce((most, one) => Math.max(most, remaining[one] ?? 0), 0);
      // A container is as long as what is in it, which counts by itself.
      remaining[step] = longest + (isOpenContainer(state, step) ? 0 : lengthOf(step));
      isKnown[step] = 1;
    }
  }
  return remaining;
}

function isOpenContainer(state: RunState, step: number): boolean {
  return phaseOf(state, step).tag === "expanded";
}
