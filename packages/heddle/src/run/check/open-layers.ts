/** Open layers: counts the steps of each layer that have not ended, for the history checker. */
import { type CheckedStep, isClosed } from "./rules.ts";

export class OpenLayers {
  #open: number[] = [];
  /** No layer before this one is open. */
  #lowest = 0;

  /** Counts all steps of the run anew. */
  reset(steps: Iterable<Pick<CheckedStep, "layer" | "status">>): void {
    this.#open = [];
    this.#lowest = 0;
    for (const { layer, status } of steps) this.change(layer, isClosed(status) ? 0 : 1);
  }

  /** `by`: -1 if a step of the layer ends, 1 if one is open (again), 0 if one has ended. Layer -1: none. */
  change(layer: number, by: number): void {
    if (layer === -1) return;
    while (this.#open.length <= layer) this.#open.push(0);
    this.#open[layer] = (this.#open[layer] ?? 0) + by;
    if (by > 0) this.#lowest = Math.min(this.#lowest, layer);
  }

  first(): number {
    while (this.#lowest < this.#open.length && this.#open[this.#lowest] === 0) this.#lowest++;
    return this.#lowest;
  }
}
