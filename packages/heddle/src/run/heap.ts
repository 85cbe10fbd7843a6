/**
 * Binary heap of step numbers that can remove any entry: a step leaves its queue as soon as it does not belong there, so
 * reading the first entry changes nothing. Every operation is logarithmic.
 */
export class Heap {
  readonly #items: number[] = [];
  readonly #before: (a: number, b: number) => boolean;
  readonly #places: number[];

  /**
   * `before(a, b)`: whether `a` comes up earlier; a strict order without ties, so that the outcome is always the
   * same. `places`: the index of each step in its heap. Heaps can share one if a step is never in two of them.
   */
  constructor(before: (a: number, b: number) => boolean, places: number[] = []) {
    this.#before = before;
    this.#places = places;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): number | undefined {
    return this.#items[0];
  }

  /** In no order. */
  get items(): readonly number[] {
    return this.#items;
  }

  push(item: number): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }

  /** Takes the item out, whatever has become of its order since it was pushed. */
  delete(item: number): void {
    const items = this.#items;
    const at = this.#places[item] ?? -1;
    const last = items.pop();
    if (last === undefined || last === item) return;
    const above = at === 0 ? undefined : items[(at - 1) >> 1];
    if (above !== undefined && this.#before(last, above)) this.#rise(at, last);
    else this.#sink(at, last);
  }

  #rise(from: number, item: number): void {
    const items = this.#items;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as number;
      if (!this.#before(item, above)) break;
      this.#put(at, above);
      at = parent;
    }
    this.#put(at, item);
  }

  #sink(from: number, item: number): void {
    const items = this.#items;
    const size = items.length;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(items[child + 1] as number, items[child] as number)) child++;
      const below = items[child] as number;
      if (!this.#before(below, item)) break;
      this.#put(at, below);
      at = child;
    }
    this.#put(at, item);
  }

  #put(at: number, item: number): void {
    this.#items[at] = item;
    this.#places[item] = at;
  }
}
