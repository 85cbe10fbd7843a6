/**
 * Event index: of which type and step the events of a run are, by number, for thousands of them in little memory. Pure.
 *
 * Invariant: it knows the events 1 to {@link EventIndex.size}, without a gap.
 */
import type { RunEvent } from "heddle/view";

export interface EventFilter {
  /** Empty: all. */
  readonly types: readonly string[];
  /** `undefined`: all, and those of no step. */
  readonly step: string | undefined;
}

export class EventIndex {
  readonly #types = new Names();
  readonly #steps = new Names();
  readonly #typeOf: number[] = [];
  readonly #stepOf: number[] = [];
  readonly #counts: number[] = [];

  get size(): number {
    return this.#typeOf.length;
  }

  /** Those that are known already, or are not next, are passed over. */
  add(events: readonly RunEvent[]): void {
    for (const event of events) {
      if (event.seq !== this.size + 1) continue;
      const type = this.#types.numberOf(event.type);
      this.#typeOf.push(type);
      this.#stepOf.push("step" in event && typeof event.step === "string" ? this.#steps.numberOf(event.step) : -1);
      this.#counts[type] = (this.#counts[type] ?? 0) + 1;
    }
  }

  /** Types in the order in which they came first, each with how many events are of it. */
  get types(): readonly (readonly [type: string, count: number])[] {
    return this.#types.all.map((type, at) => [type, this.#counts[at] ?? 0]);
  }

  /** Numbers of the events behind number `after` that the filter lets through. */
  matches({ types, step }: EventFilter, after = 0): readonly number[] {
    const wanted = new Set(types.flatMap((type) => this.#types.find(type) ?? []));
    const of = step === undefined ? undefined : (this.#steps.find(step) ?? Number.NaN);
    const found: number[] = [];
    for (let at = after; at < this.size; at++) {
      if (types.length > 0 && !wanted.has(this.#typeOf[at] ?? -1)) continue;
      if (of !== undefined && this.#stepOf[at] !== of) continue;
      found.push(at + 1);
    }
    return found;
  }
}

/** Names with numbers, from 0. */
class Names {
  readonly all: string[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.all.length);
    return this.all.push(name) - 1;
  }

  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }
}
