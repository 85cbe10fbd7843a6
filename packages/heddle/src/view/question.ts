/** Open question of a step. */
import type { OpenQuestion } from "../run/event.ts";
import { questionOf, type RunState } from "../run/state.ts";

/** `undefined`: nothing, or there is no such step. */
export function questionAt(state: RunState, step: number): OpenQuestion | undefined {
  const phase = state.phases[step];
  return phase === undefined ? undefined : questionOf(phase);
}
