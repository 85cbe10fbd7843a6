/**
 * Critical path of a run: the longest path through its steps, added ones included, by how long they took. Linear,
 * without recursion.
 */
import { forEachSuccessor, stepAt, type RunState } from "../run/state.ts";

export interface CriticalPath {
  /** Ids, first to last. */
  readonly steps: readonly string[];
  readonly ms: number;
}

/** Children of containers are omitted: the container counts for them. */
export function criticalPathOf(state: RunState, durationOf: (step: number) => number): CriticalPath {
  const size = state.steps.length;
  const waitsFor = new Int32Array(size);
  const visitSuccessors = (step: number, visit: (successor: number) => void): void => {
    forEachSuccessor(state, step, (successor) => {
      if ((state.parents[successor] ?? -1) === -1) visit(successor);
    });
    for (const added of addedBy.get(step) ?? []) visit(added);
  };
  const addedBy = new Map<number, number[]>();
  for (const [step, adder] of state.addedBy) {
    if ((state.parents[step] ?? -1) !== -1) continue;
    const list = addedBy.get(adder);
    if (list) list.push(step);
    else addedBy.set(adder, [step]);
  }
  const top: number[] = [];
  for (let step = 0; step < size; step++) if ((state.parents[step] ?? -1) === -1) top.push(step);
  for (const step of top) visitSuccessors(step, (successor) => (waitsFor[successor] = (waitsFor[successor] ?? 0) + 1));

  const longest = new Float64Array(size);
  const before = new Int32Array(size).fill(-1);
  const ready = top.filter((step) => waitsFor[step] === 0);
  let last = -1;
  for (let at = 0; at < ready.length; at++) {
    const step = ready[at] ?? 0;
    const until = (longest[step] ?? 0) + durationOf(step);
    longest[step] = until;
    if (last === -1 || until > (longest[last] ?? 0)) last = step;
    visitSuccessors(step, (successor) => {
      if (until > (longest[successor] ?? 0) || before[successor] === -1) {
        longest[successor] = Math.max(until, longest[successor] ?? 0);
        before[successor] = step;
      }
      const left = (waitsFor[successor] ?? 0) - 1;
      waitsFor[successor] = left;
      if (left === 0) ready.push(successor);
    });
  }
  const steps: string[] = [];
  for (let at = last; at !== -1; at = before[at] ?? -1) steps.push(stepAt(state, at).id);
  return { steps: steps.toReversed(), ms: last === -1 ? 0 : (longest[last] ?? 0) };
}
