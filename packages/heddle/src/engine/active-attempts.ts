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
  readonly cancelTimer: CancelTimer | undefined;
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
  readonly #active = new Map<string, ActiveAttempt>();
  #stopReason: StopReason | undefined;
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
    const key = keyOf(task.step.id, task.attempt);
    this.#active.set(key, { task, dispatched, cancelTimer });
    if (this.#released) dispatched.release();
    else if (this.#killed) dispatched.kill();
    else if (this.#stopReason !== undefined && !isUndo(task)) dispatched.stop(this.#stopReason);
    const end = (outcome: unknown): void => {
      cancelTimer?.();
      this.#active.delete(key);
      onEnd(checkOutcome(outcome));
    };
    // A backend does not reject; one that does must not end the engine.
    void dispatched.outcome.then(end, (thrown: unknown) =>
      end({ kind: "failed", error: { code: "error", message: `the attempt has no outcome: ${messageOf(thrown)}` } }),
    );
  }

  /** Asks every attempt to end, those dispatched later too; undos are let finish. The first reason counts. */
  stopAll(reason: StopReason): void {
    if (this.#stopReason !== undefined) return;
    this.#stopReason = reason;
    for (const { task, dispatched } of this.#active.values()) if (!isUndo(task)) dispatched.stop(reason);
  }

  /** Asks the attempts of some steps to end. */
  stopThose(reason: StopReason, isMeant: (step: string) => boolean): void {
    for (const { task, dispatched } of this.#active.values()) if (isMeant(task.step.id)) dispatched.stop(reason);
  }

  /** Passes a person's answer to the attempt that asked. */
  answer(step: string, attempt: number, decision: AnswerDecision): void {
    this.#active.get(keyOf(step, attempt))?.dispatched.answer?.(decision);
  }

  /** Ends every attempt at once. */
  killAll(): void {
    this.#killed = true;
    for (const { dispatched } of this.#active.values()) dispatched.kill();
  }

  /** Gives every attempt up, those dispatched later too: this engine holds the run no longer. */
  releaseAll(): void {
    this.#released = true;
    for (const { dispatched } of this.#active.values()) dispatched.release();
  }

  /** Resolves when all that were live have ended. */
  async drained(): Promise<void> {
    await Promise.allSettled([...this.#active.values()].map(({ dispatched }) => dispatched.outcome));
  }
}

function keyOf(step: string, attempt: number): string {
  return `${attempt}:${step}`;
}

/** An undo comes when all else has ended, often because of the very reason that ended it: half an undo would be worse. */
function isUndo(task: Task): boolean {
  return task.attempt === 0;
}
