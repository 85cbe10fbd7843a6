/** Used last: a map that keeps the entries that were used last, so many at most. */
export class UsedLast<K, V> {
  readonly #most: number;
  /** Those used last are last. */
  readonly #kept = new Map<K, V>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts as a use. */
  get(key: K): V | undefined {
    const value = this.#kept.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  /** The entry used longest ago goes where there are too many. */
  set(key: K, value: V): void {
    this.#kept.delete(key);
    this.#kept.set(key, value);
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= this.#most) break;
      this.#kept.delete(oldest);
    }
  }

  delete(key: K): void {
    this.#kept.delete(key);
  }

  keys(): Iterable<K> {
    return this.#kept.keys();
  }
}
