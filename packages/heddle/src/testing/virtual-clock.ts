/**
 * Virtual clock: time that stands still until {@link VirtualClock.advance} takes it to the next timer. Timers of one moment fire in
 * the order in which they were set. Knows no run.
 */
import type { CancelTimer, Clock } from "../base/clock.ts";

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly fire: () => void;
  isOn: boolean;
}

export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  /** A heap, the earliest first. */
  readonly #timers: Timer[] = [];

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  /** Timers that have not fired nor been cancelled. */
  get pending(): number {
    return this.#timers.filter(({ isOn }) => isOn).length;
  }

  after(delayMs: number, fire: () => void): CancelTimer {
    const timer: Timer = { due: this.#now + Math.max(0, delayMs), order: this.#order++, fire, isOn: true };
    this.#push(timer);
    return () => {
      timer.isOn = false;
    };
  }

  /** A promise that resolves `delayMs` from now. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** Goes to the next timer and fires it; `false`: there is none. */
  advance(): boolean {
    for (;;) {
      const timer = this.#pop();
      if (timer === undefined) return false;
      if (!timer.isOn) continue;
      timer.isOn = false;
      this.#now = Math.max(this.#now, timer.due);
      timer.fire();
      return true;
    }
  }

  #push(timer: Timer): void {
    const timers = this.#timers;
    let at = timers.length;
    timers.push(timer);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(timer, timers[above] as Timer)) break;
      timers[at] = timers[above] as Timer;
      at = above;
    }
    timers[at] = timer;
  }

  #pop(): Timer | undefined {
    const timers = this.#timers;
    const [first] = timers;
    const last = timers.pop();
    if (last === undefined || first === undefined || timers.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= timers.length) break;
      if (child + 1 < timers.length && isBefore(timers[child + 1] as Timer, timers[child] as Timer)) child++;
      if (!isBefore(timers[child] as Timer, last)) break;
      timers[at] = timers[child] as Timer;
      at = child;
    }
    timers[at] = last;
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.due === b.due ? a.order < b.order : a.due < b.due;
}

/** Lets everything happen that needs no time: promises, and modules that are loaded on the way. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}
