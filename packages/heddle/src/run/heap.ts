/**
 * A binary heap of step numbers. Entries are not removed from the middle: the owner leaves stale ones in and drops them when
 * they come up ({@link Heap.top} takes a test for that), so that every operation stays logarithmic.
 */
export class Heap {
  readonly #items: number[] = [];
  readonly #before: (a: number, b: number) => boolean;

  /** `before(a, b)`: whether `a` comes up earlier; a strict order without ties, so that the outcome is always the same. */
  constructor(before: (a: number, b: number) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as number;
      if (!this.#before(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  /** The first entry for which `valid` holds, left in place; entries ahead of it are dropped. */
  top(valid: (item: number) => boolean): number | undefined {
    let first = this.#items[0];
    while (first !== undefined && !valid(first)) {
      this.#drop();
      first = this.#items[0];
    }
    return first;
  }

  #drop(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    const size = items.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(items[child + 1] as number, items[child] as number)) child++;
      const below = items[child] as number;
      if (!this.#before(below, last)) break;
      items[at] = below;
      at = child;
    }
    items[at] = last;
  }
}
