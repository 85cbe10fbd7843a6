/** Late: by how much what is expected begins later than was expected: not before now. Pure. */
import type { ForecastBar } from "heddle/client";
import type { LiveStep } from "heddle/view";
import { hasBegun } from "./step-rows.ts";

/** The first time at which something is expected to begin that has not; `undefined`: there is nothing. */
export class FirstExpected {
  #forecast: readonly ForecastBar[] = [];
  #ascending: readonly ForecastBar[] = [];
  #steps: readonly LiveStep[] = [];
  #numberOf = new Map<string, number>();

  at(forecast: readonly ForecastBar[], steps: readonly LiveStep[]): number | undefined {
    if (forecast !== this.#forecast) this.#ascending = forecast.toSorted((a, b) => a.startsAt - b.startsAt);
    this.#forecast = forecast;
    if (steps.length !== this.#steps.length) this.#numberOf = new Map(steps.map(({ id }, at) => [id, at]));
    this.#steps = steps;
    return this.#ascending.find(({ step }) => {
      const row = steps[this.#numberOf.get(step) ?? -1];
      return row?.id !== step || !hasBegun(row);
    })?.startsAt;
  }
}

/** What comes behind it is as much later. */
export function lateBy(first: number | undefined, now: number): number {
  return Math.max(0, now - (first ?? now));
}
