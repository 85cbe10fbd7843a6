/**
 * Backend port: where attempts execute, in this process or on workers. Does not know the order of steps. What crosses it is plain
 * data, and an attempt is known by its run, step and number alone: it may execute in another process than the one that holds
 * its run, and be there longer than that.
 */
import type { AnswerDecision } from "../run/event.ts";
import type { Outcome, StopReason, Task, Note } from "../run/attempt.ts";

/** An attempt that is being carried out. */
export interface RunningTask {
  /** Settles once, when nothing of the attempt runs any more. */
  readonly outcome: Promise<Outcome>;
  /** Asks it to end. The first reason counts. */
  stop(reason: StopReason): void;
  /** Ends it at once. */
  kill(): void;
  /** To the question that the attempt has open (a note `approval.requested` about `permission`); absent: it never has one. */
  answer?(decision: AnswerDecision): void;
}

/** An attempt as the engine that holds its run sees it. */
export interface Dispatched extends RunningTask {
  /**
   * The engine holds the run no longer, without having ended it: it lost its lease, or cannot record any more. No note of the
   * attempt is passed on any more, and its outcome, which nobody looks at, settles as soon as the engine need not wait for it.
   * Where attempts outlive their engine this one goes on, for whoever holds the run next; where they do not, it is ended.
   */
  release(): void;
}

export interface Backend extends AsyncDisposable {
  dispatch(task: Task, onNote: (note: Note) => void): Dispatched;
  /** Called before the first attempt of a run that has commands. */
  warm(): void;
  /** Ends processes that dead engines and ended attempts of this run left behind; resolves when none is left. */
  sweep(run: string, graceMs: number, keep?: (step: string, attempt: number) => boolean): Promise<number>;
}

/** Carries out one task: a workspace, a runner, an outcome. Never throws. */
export type Execute = (task: Task, onNote: (note: Note) => void) => RunningTask;
