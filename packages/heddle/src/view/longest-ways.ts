/**
 * Longest ways through the steps of a run: for each step, the longest path that goes through it. Children of containers are left out: the
 * container counts for them. Linear in steps and edges, without recursion.
 */
import { forEachSuccessor, type RunState } from "../run/state.ts";

export interface LongestWays {
  /** Milliseconds of the longest path of all. */
  readonly longest: number;
  /** Milliseconds of the longest path through a step; of a child of a container 0. */
  through(step: number): number;
}

export function longestWays(state: RunState, durationOf: (step: number) => number): LongestWays {
  const size = state.steps.length;
  const isTop = (step: number): boolean => (state.parents[step] ?? -1) === -1;
  const visit = (step: number, see: (successor: number) => void): void =>
    forEachSuccessor(state, step, (successor) => {
      if (isTop(successor)) see(successor);
    });
  const waitsFor = new Int32Array(size);
  const order: number[] = [];
  for (let step = 0; step < size; step++)
    if (isTop(step)) visit(step, (successor) => (waitsFor[successor] = (waitsFor[successor] ?? 0) + 1));
  for (let step = 0; step < size; step++) if (isTop(step) && waitsFor[step] === 0) order.push(step);
  /** Until it begins. */
  const until = new Float64Array(size);
  for (const step of order) {
    const end = (until[step] ?? 0) + durationOf(step);
    visit(step, (successor) => {
      until[successor] = Math.max(until[successor] ?? 0, end);
      const left = (waitsFor[successor] ?? 0) - 1;
      waitsFor[successor] = left;
      if (left === 0) order.push(successor);
    });
  }
  /** From its beginning on. */
  const from = new Float64Array(size);
  let longest = 0;
  for (const step of order.toReversed()) {
    let behind = 0;
    visit(step, (successor) => (behind = Math.max(behind, from[successor] ?? 0)));
    from[step] = behind + durationOf(step);
    longest = Math.max(longest, (until[step] ?? 0) + (from[step] ?? 0));
  }
  return { longest, through: (step) => (isTop(step) ? (until[step] ?? 0) + (from[step] ?? 0) : 0) };
}
