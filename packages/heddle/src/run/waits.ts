/**
 * Waits of a run: `sleep` and `signal` steps, their timers, and the signals that were received. Knows no clock: when the time of a
 * wait is over, `decide.ts` says.
 *
 * Invariants:
 *  1. A wait takes no slot and no attempt of a backend, and a resume leaves it as it is: its time goes on while no engine lives.
 *  2. Each signal is taken once, by the step that has waited for its name longest; until then it is kept.
 */
import { defined } from "../base/defined.ts";
import type { EventOf } from "./event.ts";
import { setPhase } from "./set-phase.ts";
import { phaseOf, type RunState } from "./state.ts";

/** Folds `step.started` of a wait in. */
export function beginWait(state: RunState, step: number, { time, data }: EventOf<"step.started">): void {
  const { signal } = data;
  setPhase(
    state,
    step,
    signal === undefined ? { tag: "sleeping", since: time } : { tag: "waiting-for-signal", since: time, signal },
  );
}

/** Folds `timer.set` in. */
export function applyTimerSet(state: RunState, step: number, { data }: EventOf<"timer.set">): void {
  const phase = phaseOf(state, step);
  const { at, durationMs } = data;
  if (phase.tag === "sleeping") setPhase(state, step, defined({ ...phase, at, durationMs }));
  else if (phase.tag === "waiting-for-signal") setPhase(state, step, defined({ ...phase, deadline: at, durationMs }));
}

/** Folds `signal.received` in. */
export function keepSignal({ signals, signalIds }: RunState, { time, data }: EventOf<"signal.received">): void {
  const { signal, value, id } = data;
  signals.set(signal, [...(signals.get(signal) ?? []), { value, time, size: JSON.stringify(value).length }]);
  if (id !== undefined) signalIds.add(id);
}

/** A step that waited for a signal ends by one: the oldest of that name is its, unless its time was over before one came. */
export function takeSignal({ signals, phases }: RunState, step: number, byOne = true): void {
  const phase = phases[step];
  if (!byOne || phase?.tag !== "waiting-for-signal" || phase.fired === true) return;
  const [_taken, ...rest] = signals.get(phase.signal) ?? [];
  if (rest.length === 0) signals.delete(phase.signal);
  else signals.set(phase.signal, rest);
}
