/** Open question of a step. */
import type { OpenQuestion } from "../run/event.ts";
import { questionOf, type RunState } from "../run/state.ts";

/** `undefined`: nothing, or there is no such step. */
export function questionAt(state: RunState, step: number): OpenQuestion | undefined {
  const phase = state.phases[step];
  return phase === undefined ? undefined : questionOf(phase);
}

/** A number selects the option with that number, from 1; other words are the answer themselves. */
export function optionOf({ options = [] }: Pick<OpenQuestion, "options">, said: string): string {
  return /^[1-9]\d?$/.test(said) ? (options[Number(said) - 1] ?? said) : said;
}
