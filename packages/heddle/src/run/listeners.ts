/** Listeners of a run: which steps wait for which signal, kept with the phases, and which of them takes one. */
import type { StepPhase } from "./facts.ts";
import { closesAt } from "./queue.ts";
import type { RunIndex } from "./run-index.ts";
import { phaseOf, type RunState } from "./state.ts";

/** Notes for which signal the step waits. */
export function startListening({ listeners }: RunIndex, step: number, phase: StepPhase): void {
  if (phase.tag !== "waiting-for-signal") return;
  const known = listeners.get(phase.signal);
  if (known === undefined) listeners.set(phase.signal, new Set([step]));
  else known.add(step);
}

/** Called when the step is in `phase` no longer. */
export function stopListening({ listeners }: RunIndex, step: number, phase: StepPhase): void {
  if (phase.tag !== "waiting-for-signal") return;
  const known = listeners.get(phase.signal);
  known?.delete(step);
  if (known?.size === 0) listeners.delete(phase.signal);
}

/** The step that takes a signal now, if one does. A signal that came when the time of a step was over is not for that one. */
export function nextTaker(state: RunState): number | undefined {
  for (const [name, [oldest]] of state.signals) {
    let taker: number | undefined;
    const listeners = state.index.listeners.get(name);
    // The oldest is being checked for the step that takes it.
    if (state.volatile.checking.size > 0 && listeners?.values().some((step) => state.volatile.checking.has(step)))
      continue;
    for (const step of listeners ?? []) {
      const phase = phaseOf(state, step);
      if (phase.tag !== "waiting-for-signal" || phase.fired === true || oldest === undefined) continue;
      if (oldest.time >= closesAt(state, step)) continue;
      if (taker === undefined || waitsLonger(state, step, taker)) taker = step;
    }
    if (taker !== undefined) return taker;
  }
  return undefined;
}

function waitsLonger(state: RunState, step: number, than: number): boolean {
  const since = sinceOf(state, step) - sinceOf(state, than);
  return since === 0 ? step < than : since < 0;
}

function sinceOf(state: RunState, step: number): number {
  const phase = phaseOf(state, step);
  return "since" in phase ? phase.since : 0;
}
