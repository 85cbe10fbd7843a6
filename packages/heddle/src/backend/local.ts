/**
 * Local backend: executes attempts in this process, and sweeps up processes that ended commands left behind. Knows
 * neither plans nor the order of steps.
 */
import type { Clock } from "../base/clock.ts";
import type { Sweeper } from "../runner/port.ts";
import type { AnswerDecision } from "../run/event.ts";
import type { Note, Outcome, StopReason, Task } from "../run/attempt.ts";
import type { Backend, Dispatched, Execute, RunningTask } from "./port.ts";

export interface LocalBackendOptions {
  readonly execute: Execute;
  readonly sweeper: Sweeper;
  readonly clock: Clock;
  /** Whether commands that ended here may have left processes behind since the last call; absent: always. */
  readonly mayHaveLeftovers?: (run: string) => boolean;
  /** Makes runners ready for commands. */
  readonly warm?: () => void;
  /** Called when the backend is disposed of, after its attempts ended: the runners' end. */
  readonly dispose?: () => PromiseLike<void>;
}

/** Least time between two sweeps while attempts run. */
const SWEEP_INTERVAL_MS = 1000;

export function localBackend(options: LocalBackendOptions): Backend {
  return new LocalBackend(options);
}

class LocalBackend implements Backend {
  readonly #options: LocalBackendOptions;
  /** Running attempts, with what distinguishes their processes from leftovers. */
  readonly #running = new Map<Dispatched, Task>();
  /** Runs with a dispatch here. */
  readonly #dispatched = new Set<string>();
  /** Runs that another engine may have left processes of: swept before their first attempt here. */
  readonly #inherited = new Set<string>();
  /** Runs in which a command ended since their last sweep. */
  readonly #stale = new Map<string, number>();
  #cancelSweep: (() => void) | undefined;
  #sweeping: Promise<unknown> | undefined;

  constructor(options: LocalBackendOptions) {
    this.#options = options;
  }

  dispatch(task: Task, onNote: (note: Note) => void): Dispatched {
    const dispatched = new LocalAttempt(this.#options.execute, task, onNote);
    this.#running.set(dispatched, task);
    this.#dispatched.add(task.run);
    const end = (): void => this.#ended(dispatched, task);
    void dispatched.outcome.then(end, end);
    return dispatched;
  }

  warm(): void {
    this.#options.warm?.();
  }

  sweep(run: string, graceMs: number, keep?: (step: string, attempt: number) => boolean): Promise<number> {
    this.#stale.delete(run);
    if (!this.#dispatched.has(run)) this.#inherited.add(run);
    // Runners know which of their own attempts may have left processes; of another engine's they know nothing.
    else if (!this.#inherited.has(run) && this.#options.mayHaveLeftovers?.(run) === false) return Promise.resolve(0);
    return this.#options.sweeper.sweep(run, {
      graceMs,
      keep: (step, attempt) => this.#isRunning(run, step, attempt) || (keep?.(step, attempt) ?? false),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = [...this.#running.keys()];
    for (const dispatched of left) dispatched.kill();
    await Promise.all(left.map((dispatched) => dispatched.outcome));
    this.#cancelSweep?.();
    this.#stale.clear();
    await this.#sweeping;
    await this.#options.dispose?.();
  }

  #isRunning(run: string, step: string, attempt: number): boolean {
    for (const task of this.#running.values()) {
      if (task.run === run && task.step.id === step && task.attempt === attempt) return true;
    }
    return false;
  }

  #ended(dispatched: Dispatched, task: Task): void {
    this.#running.delete(dispatched);
    // A function starts no processes that carry a tag.
    if (task.step.action.kind === "function") return;
    this.#stale.set(task.run, task.graceMs);
    if (this.#running.size > 0) this.#sweepSoon();
  }

  #sweepSoon(): void {
    if (this.#cancelSweep !== undefined || this.#sweeping !== undefined) return;
    this.#cancelSweep = this.#options.clock.after(SWEEP_INTERVAL_MS, () => {
      this.#cancelSweep = undefined;
      // With nothing under way the engine sweeps itself before it reports the run's end.
      if (this.#running.size === 0) return;
      const runs = [...this.#stale];
      this.#sweeping = Promise.all(runs.map(([run, graceMs]) => this.sweep(run, graceMs))).finally(() => {
        this.#sweeping = undefined;
      });
    });
  }
}

/** It dies with this process, and another engine would begin it anew: released, it is ended. */
class LocalAttempt implements Dispatched {
  readonly outcome: Promise<Outcome>;
  readonly #running: RunningTask;
  #isReleased = false;

  constructor(execute: Execute, task: Task, onNote: (note: Note) => void) {
    this.#running = execute(task, (note) => {
      if (!this.#isReleased) onNote(note);
    });
    this.outcome = this.#running.outcome;
  }

  stop(reason: StopReason): void {
    this.#running.stop(reason);
  }

  kill(): void {
    this.#running.kill();
  }

  answer(decision: AnswerDecision): void {
    this.#running.answer?.(decision);
  }

  release(): void {
    this.#isReleased = true;
    this.#running.kill();
  }
}
