/** Progress: how far a run is and how long it still takes. */
import { remainingPath } from "../graph/paths.ts";
import { hasEnded, phaseOf, type RunState } from "../run/state.ts";
import { stepCounts, type StepCounts } from "./status.ts";

export interface Progress {
  readonly counts: StepCounts;
  readonly ended: number;
  readonly total: number;
  /** Expected milliseconds to the end; `undefined` where nothing is known about how long steps take. */
  readonly leftMs: number | undefined;
}

/**
 * The time left is the longest expected path through what has not ended, or all that work shared by the slots, whichever is
 * longer. A step of unknown length counts as long as the known ones on average. Linear in the steps of the plan.
 */
export function progressOf(state: RunState, expected: ReadonlyMap<string, number>, now: number): Progress {
  const counts = stepCounts(state, true);
  const total = state.steps.length;
  return { counts, ended: total - state.index.open, total, leftMs: leftMs(state, expected, now) };
}

function leftMs(state: RunState, expected: ReadonlyMap<string, number>, now: number): number | undefined {
  const known: (number | undefined)[] = [];
  let sum = 0;
  let count = 0;
  for (let step = 0; step < state.index.graph.size; step++) {
    const phase = phaseOf(state, step);
    const definition = state.steps[step];
    const ms =
      phase.tag === "succeeded" ? phase.durationMs : (expected.get(definition?.id ?? "") ?? definition?.estimateMs);
    known.push(ms);
    if (ms === undefined) continue;
    sum += ms;
    count++;
  }
  if (count === 0) return undefined;
  const average = sum / count;
  let work = 0;
  const left = (step: number): number => {
    const phase = phaseOf(state, step);
    if (hasEnded(phase)) return 0;
    const whole = known[step] ?? average;
    const since = phase.tag === "running" || phase.tag === "expanded" ? phase.since : now;
    return Math.max(0, whole - (now - since));
  };
  const remaining = remainingPath(state.index.graph, (step) => {
    const ms = left(step);
    work += ms;
    return ms;
  });
  const longest = remaining.reduce((most, ms) => Math.max(most, ms), 0);
  return Math.max(longest, work / Math.max(1, state.options.maxConcurrency));
}
