/** Active attempts: dispatches attempts, limits their time, stops them together, and reports each end once. */
import type { Backend, Dispatched } from "../backend/port.ts";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { AnswerDecision } from "../run/event.ts";
import { checkOutcome } from "../run/outcome-check.ts";
import type { Outcome, StopReason, Note, Task } from "../run/attempt.ts";

interface ActiveAttempt {
  readonly task: Task;
  readonly dispatched: Dispatched;
  cancelTimer: CancelTimer | undefined;
}

export interface DispatchOptions {
  /** The attempt is stopped as timed out after so long. */
  readonly limitMs: number | undefined;
  readonly onNote: (note: Note) => void;
  /** Called once, when nothing of the attempt runs any more. */
  readonly onEnd: (outcome: Outcome) => void;
}

export class ActiveAttempts {
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #active = new Set<ActiveAttempt>();
  #stop: { readonly reason: StopReason; readonly isMeant: (step: string) => boolean } | undefined;
  #killed = false;
  #released = false;

  constructor(backend: Backend, clock: Clock) {
    this.#backend = backend;
    this.#clock = clock;
  }

  get size(): number {
    return this.#active.size;
  }

  dispatch(task: Task, { limitMs, onNote, onEnd }: DispatchOptions): void {
    const dispatched = this.#backend.dispatch(task, onNote);
    const cancelTimer =
      limitMs === undefined ? undefined : this.#clock.after(limitMs, () => dispatched.stop("timeout"));
    const attempt: ActiveAttempt = { task, dispatched, cancelTimer };
    this.#active.add(attempt);
    if (this.#released) dispatched.release();
    else if (this.#killed) dispatched.kill();
    else if (this.#stop !== undefined && !isUndo(task) && this.#stop.isMeant(task.step.id))
      dispatched.stop(this.#stop.reason);
    const end = (outcome: unknown): void => {
      attempt.cancelTimer?.();
      this.#active.delete(attempt);
      onEnd(checkOutcome(outcome));
    };
    // A backend does not reject; one that does must not end the engine.
    void dispatched.outcome.then(end, (thrown: unknown) =>
      end({ kind: "failed", error: { code: "error", message: `the attempt has no outcome: ${messageOf(thrown)}` } }),
    );
  }

  /** Asks the attempts that are meant to end, those dispatched later too; undos are let finish. The first reason counts. */
  stopAll(reason: StopReason, isMeant: (step: string) => boolean): void {
    if (this.#stop !== undefined) return;
    this.#stop = { reason, isMeant };
    for (const { task, dispatched } of this.#active)
      if (!isUndo(task) && isMeant(task.step.id)) dispatched.stop(reason);
  }

  /** Asks the attempts of some steps to end. */
  stopThose(reason: StopReason, isMeant: (step: string) => boolean): void {
    for (const { task, dispatched } of this.#active) if (isMeant(task.step.id)) dispatched.stop(reason);
  }

  /** Stops attempts of some steps that have no limit as timed out when `limitMs` have passed. */
  limitThose(limitMs: number, isMeant: (step: string) => boolean): void {
    for (const attempt of this.#active) {
      const { task, dispatched } = attempt;
      if (attempt.cancelTimer !== undefined || isUndo(task) || !isMeant(task.step.id)) continue;
      attempt.cancelTimer = this.#clock.after(limitMs, () => dispatched.stop("timeout"));
    }
  }

  /** Passes a person's answer to the attempt that asked. */
  answer(step: string, attempt: number, decision: AnswerDecision): void {
    for (const { task, dispatched } of this.#active)
      if (task.step.id === step && task.attempt === attempt) dispatched.answer?.(decision);
  }

  /** Ends every attempt at once. */
  killAll(): void {
    this.#killed = true;
    for (const { dispatched } of this.#active) dispatched.kill();
  }

  /** Gives every attempt up, those dispatched later too: this engine holds the run no longer. */
  releaseAll(): void {
    this.#released = true;
    for (const { dispatched } of this.#active) dispatched.release();
  }

  /** Resolves when all that were live have ended. */
  async drained(): Promise<void> {
    await Promise.allSettled([...this.#active].map(({ dispatched }) => dispatched.outcome));
  }
}

/** An undo comes when all else has ended, often because of the very reason that ended it: half an undo would be worse. */
function isUndo(task: Task): boolean {
  return task.attempt === 0;
}
