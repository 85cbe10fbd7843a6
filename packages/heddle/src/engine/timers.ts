/** Timers by name: arming one again replaces it, and all end together. */
import type { CancelTimer, Clock } from "../base/clock.ts";
import { hasReady, nextDue } from "../run/decide.ts";
import { phaseOf, questionOf, stepAt, type RunState } from "../run/state.ts";
import type { Answer } from "../run/control.ts";
import { SAMPLE_MS } from "./machine-load.ts";

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

export interface DeadlinesOptions {
  readonly state: RunState;
  readonly timers: Timers;
  readonly wakeUp: () => void;
  readonly answer: (step: string, answer: Answer) => void;
  /** The time of a subplan is over. */
  readonly endSubplan: (step: number) => void;
}

export class Deadlines {
  readonly #options: DeadlinesOptions;
  /** Subplans whose time runs. */
  readonly #timed = new Set<number>();

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  /** Called before the scheduler waits; `now` on the engine's clock. */
  arm(now: number): void {
    const { state, timers, wakeUp } = this.#options;
    const due = nextDue(state);
    if (due !== undefined) timers.arm("retry", due - now, wakeUp);
    if (state.plan.limits !== undefined && hasReady(state)) timers.arm("admission", SAMPLE_MS, wakeUp);
    for (const step of state.asking) this.#armQuestion(step, now);
    if (state.counts.expanded > 0) this.#armSubplans();
  }

  #armQuestion(step: number, now: number): void {
    const { state, timers } = this.#options;
    const { deadline } = questionOf(phaseOf(state, step)) ?? {};
    if (deadline === undefined) return;
    const { id, action } = stepAt(state, step);
    const decision = action.kind === "approve" && action.onTimeout === "approve" ? "approve" : "reject";
    const answer: Answer = { decision, by: "timeout", comment: "nobody answered in time" };
    timers.arm(`question:${id}`, deadline - now, () => {
      // Not to another question that the step has asked since.
      if (questionOf(phaseOf(state, step))?.deadline === deadline) this.#options.answer(id, answer);
    });
  }

  /** The time of a subplan runs from its expansion, or from the resume that went on with it. */
  #armSubplans(): void {
    const { state, timers, endSubplan } = this.#options;
    for (const step of state.containers.keys()) {
      const { id, action, timeoutMs = Infinity, totalTimeoutMs = Infinity } = stepAt(state, step);
      const limit = Math.min(timeoutMs, totalTimeoutMs);
      if (action.kind !== "plan" || limit === Infinity || this.#timed.has(step)) continue;
      if (phaseOf(state, step).tag !== "expanded") continue;
      this.#timed.add(step);
      timers.arm(`subplan:${id}`, limit, () => endSubplan(step));
    }
  }
}
