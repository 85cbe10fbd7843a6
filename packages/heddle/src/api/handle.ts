/** Run handle: what a caller of the library sees of a run: its status, its steps and its result. Types alone. */
import type { HeddleError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import type { StepValue } from "../plan/define.ts";
import type { Event, StepError } from "../project/port.ts";
import type { RunProgress, StepProgress } from "../view/run-progress.ts";

/**
 * A run that this process runs. Iterating gives every event from the run's first on, each after it is on disk; several
 * readers at once and readers that begin late see the same. Iterating a refused run throws its `HeddleError`.
 */
export interface Run extends AsyncIterable<Event> {
  /** The run's id. */
  readonly run: string;
  /** The result. Rejects only on a bug in heddle: check `status`. */
  readonly result: Promise<RunResult>;
  /** The run's current status. Visits every step: not for tight loops over large plans. */
  status(): RunProgress;
  /** A step's current status; `undefined`: the run has no such step (yet). */
  step(id: string): StepProgress | undefined;
  /**
   * Ends running steps with grace, then the run as `cancelled`; returns how many were running. Called again: at once, without
   * grace. The run can be resumed.
   */
  cancel(): number;
  /**
   * From now on so many steps at once. Steps that are running continue; no step starts until fewer are. A resume keeps it.
   * @throws {HeddleError} `InvalidOption` where it is no whole number from 1.
   */
  setConcurrency(maxConcurrency: number): void;
  /** No new step starts until {@link unpause}; running steps continue. */
  pause(reason?: string): void;
  /** Takes a {@link pause} back. */
  unpause(): void;
  /** Answers an `approve` step that asks. @throws {HeddleError} `NotAsked` where it does not. */
  approve(step: string, answer?: AnswerOptions): void;
  /** As {@link approve}, with no. The step fails. */
  reject(step: string, answer?: AnswerOptions): void;
  /** Answers an agent's question with `text`, or with the number of one of its options. @throws {HeddleError} `NotAsked`, `InvalidAnswer`. */
  answer(step: string, text: string, answer?: Pick<AnswerOptions, "by">): void;
  /**
   * Decides a conflict. `ours`: where they conflict, what was merged stays; `theirs`: the step's work counts; `continue`: the
   * step's worktree as it is now. @throws {HeddleError} `NotAsked`, `InvalidAnswer`.
   */
  resolve(step: string, choice: ConflictChoice, answer?: AnswerOptions): void;
  /**
   * Sends a signal to the step that waits for it, now or later; `value` becomes that step's output, default: `null`.
   * Rejects with a {@link HeddleError}: `UnknownSignal`, `SignalNotAwaited` where no step takes it, `SignalTooLate` where its time is over,
   * `InvalidSignal` where the step's `output` schema refuses the value.
   */
  signal(name: string, value?: Json, answer?: Pick<AnswerOptions, "by">): Promise<void>;
}

/** Whose side of a conflict counts. */
export type ConflictChoice = "ours" | "theirs" | "continue";

export interface AnswerOptions {
  /** Who answers, for the record; default: `api`. */
  readonly by?: string;
  /** Why, for the record; default: none. */
  readonly comment?: string;
}

export interface RunResult {
  /** The run's id. */
  readonly run: string;
  /**
   * `waiting`: the run needs a person's answer or a signal: answer and resume. `refused`: nothing was run, `error` says why.
   * `stopped`: the engine could not continue (a full disk, a lost lease), `error` says why: fix it and resume.
   */
  readonly status: "succeeded" | "failed" | "cancelled" | "waiting" | "refused" | "stopped";
  /** Outputs of succeeded steps by id. */
  readonly outputs: Readonly<Record<string, Json>>;
  /** Steps whose last attempt failed, in the order of the plan; those marked `optional` too. */
  readonly failures: readonly {
    /** The step's id. */
    readonly step: string;
    /** Of its last attempt. */
    readonly error: StepError;
  }[];
  /** Why the run was refused or stopped; absent: it was neither. */
  readonly error?: HeddleError;
  /** The output of a step, typed by its definition; `undefined` where it has none. */
  output<Output>(step: StepValue<Output>): Output | undefined;
}
