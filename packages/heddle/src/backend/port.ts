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
  /** Told how many attempts may run at once, before the first. */
  warm(width: number): void;
  /** Ends what dead engines left of this run, and what ended attempts left behind; resolves when nothing is left. */
  sweep(run: string, graceMs: number, keep?: (step: string, attempt: number) => boolean): Promise<number>;
}

/** Carries out one task: a workspace, a runner, an outcome. Never throws. */
export type Execute = (task: Task, onNote: (note: Note) => void) => Dispatched;
