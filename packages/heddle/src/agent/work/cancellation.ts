/**
 * Cancellation: passes a cancel, a message or an answer to whatever a running attempt is doing: an agent, a command, a
 * wait. Knows none of them.
 */
import type { Clock } from "../../base/clock.ts";
import type { RunningAttempt } from "../../runner/port.ts";
import type { Outcome, StopReason } from "../../run/attempt.ts";

export class Cancellation {
  readonly #clock: Clock;
  readonly #running = new Set<RunningAttempt>();
  readonly #abort = new AbortController();
  #reason: StopReason | undefined;
  #killed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why it was asked to end, if it was. */
  get reason(): StopReason | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  stop(reason: StopReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#abort.abort();
    for (const running of this.#running) running.stop(reason);
  }

  kill(): void {
    this.#killed = true;
    this.#reason ??= "cancel";
    this.#abort.abort();
    for (const running of this.#running) running.kill();
  }

  /** Follows something that was started until its end. */
  async follow(running: RunningAttempt): Promise<Outcome> {
    this.#running.add(running);
    if (this.#killed) running.kill();
    else if (this.#reason !== undefined) running.stop(this.#reason);
    try {
      return await running.outcome;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Waits, or until it is asked to end. */
  async wait(ms: number): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(ms, resolve);
    const wake = (): void => resolve();
    this.#abort.signal.addEventListener("abort", wake, { once: true });
    await promise;
    cancel();
    this.#abort.signal.removeEventListener("abort", wake);
  }
}
