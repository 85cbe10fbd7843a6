/** Named timers: arming one again replaces it, and all end together. */
import type { CancelTimer, Clock } from "../base/clock.ts";

export class Timers {
  readonly #clock: Clock;
  readonly #timers = new Map<string, CancelTimer>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  arm(name: string, delayMs: number, fire: () => void): void {
    if (this.#closed) return;
    this.#timers.get(name)?.();
    this.#timers.set(name, this.#clock.after(Math.max(0, delayMs), fire));
  }

  /** Ends all; later calls of {@link arm} do nothing. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers.values()) cancel();
  }
}
