/** Open layers: counts the steps of each layer that have not ended, for the history checker. */
export class OpenLayers {
  #open: number[] = [];
  /** No layer before this one is open. */
  #lowest = 0;

  /** Resets: all layers of the plan's steps, and those of them that are open. */
  reset(steps: Iterable<{ readonly layer: number; readonly isOpen: boolean }>): void {
    this.#open = [];
    this.#lowest = 0;
    for (const { layer, isOpen } of steps) this.change(layer, isOpen ? 1 : 0);
  }

  /** `by`: -1 if a step of the layer ends, 1 if one starts again. Layer -1: none. */
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
