/**
 * Clock: the only owner of time. Everything else gets a {@link Clock} as an argument, so that tests and the simulation
 * control it.
 */

/** Ends a timer before it fires; calling it again, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

export interface Clock {
  /**
   * Milliseconds since the epoch. Never goes back within one process, whatever happens to the machine's clock: it is
   * read once and continued by the monotonic clock.
   */
  now(): number;
  /** Calls `fire` once, `delayMs` from now. Any delay is accepted: long ones are cut into pieces that the platform's timers can hold. */
  after(delayMs: number, fire: () => void): CancelTimer;
}

/** The platform's timers hold 2^31-1 ms; a longer wait is made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. `now()` is whole milliseconds. */
export function systemClock(): Clock {
  const offset = Date.now() - monotonicMs();
  return {
    now: () => Math.floor(offset + monotonicMs()),
    after(delayMs, fire) {
      const due = monotonicMs() + delayMs;
      let timer: NodeJS.Timeout;
      const arm = (): void => {
        const left = Math.max(0, due - monotonicMs());
        timer = left > LONGEST_TIMER_MS ? setTimeout(arm, LONGEST_TIMER_MS) : setTimeout(fire, left);
      };
      arm();
      return () => clearTimeout(timer);
    },
  };
}

/** `performance.now()` would load a module at each start, for 2 ms. */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
