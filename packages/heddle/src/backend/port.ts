/** Backend port: where attempts execute, in this process or on workers. Does not know the order of steps. */
import type { AnswerDecision } from "../run/event.ts";
import type { Outcome, StopReason, Task, Note } from "../run/attempt.ts";

export interface Dispatched {
  readonly outcome: Promise<Outcome>;
  stop(reason: StopReason): void;
  kill(): void;
  /** To the question that the attempt has open (a note `approval.requested` about `permission`); absent: it never has one. */
  answer?(decision: AnswerDecision): void;
}

export interface Backend extends AsyncDisposable {
  dispatch(task: Task, onNote: (note: Note) => void): Dispatched;
  /** Called before the first attempt with the number that may run at once. */
  warm(width: number): void;
  /** Ends processes that dead engines and ended attempts of this run left behind; resolves when none is left. */
  sweep(run: string, graceMs: number, keep?: (step: string, attempt: number) => boolean): Promise<number>;
}

/** Carries out one task: a workspace, a runner, an outcome. Never throws. */
export type Execute = (task: Task, onNote: (note: Note) => void) => Dispatched;
