/** Engine API: what the faces (command line, library, server) see of the engine. */
import type { Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";
import type { Answer, ConcurrencyChange, RunOutcome, Signal } from "../run/control.ts";
import type { CancelReason, EarlierEnd, Event, ReusedResult, RunOptions } from "../run/event.ts";
import type { RunState } from "../run/state.ts";
import type { Beginning } from "../run/attempt.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";

export interface StartOptions extends Partial<RunOptions>, WaitOptions {
  /** Id of the new run; absent: a random one. */
  readonly run?: string;
  /** Recorded successes of an earlier run, by step id: recorded as `step.reused`. */
  readonly reuse?: {
    readonly run: string;
    readonly results: ReadonlyMap<string, ReusedResult>;
    /** Steps that ended without a result there and do not run here: how; absent: none. */
    readonly ended?: ReadonlyMap<string, EarlierEnd>;
    /** Where the run's agents begin, with what that run merged for these steps; absent: it merged nothing for them. */
    readonly beginning?: Beginning;
  };
}

export interface WaitOptions {
  /** Keep waiting for people's answers and for signals instead of ending as `waiting`: a terminal that asks, `--wait`. */
  readonly wait?: boolean;
  /** Pauses before each layer until {@link RunHandle.unpause}; only with `schedule: layers`. */
  readonly pauseBeforeLayers?: boolean;
  /** Listens from the first event that is recorded from here on, as {@link RunHandle.subscribe} would. */
  readonly onEvent?: (event: Event) => void;
}

export interface ResumeOptions extends WaitOptions {
  /** Run again what has another definition now, and what depends on it. */
  readonly acceptChanges?: boolean;
  /** The plan as its file says now; absent: the recorded one. */
  readonly current?: LoadedPlan;
  readonly maxConcurrency?: number;
  /** `retry`: refuses a run that has nothing failed, cancelled or interrupted, unless steps are to run {@link again}. */
  readonly mode?: "resume" | "retry";
  /** Steps that run again whatever came of them; what did not succeed does so anyway. */
  readonly again?: StepsAgain;
}

export interface StepsAgain {
  /** Ids. */
  readonly steps: readonly string[];
  /** With what depends on them; absent: yes. */
  readonly downstream?: boolean;
}

/** A run in this process. */
export interface RunHandle {
  readonly run: string;
  /** Settles when the engine is done with the run; rejects only on a bug. */
  readonly result: Promise<RunOutcome>;
  /** Calls `listener` with every event from now on, in order, once it is on disk. Returns how to stop. */
  subscribe(listener: (event: Event) => void): () => void;
  /** The state now; live, not to be changed. */
  state(): RunState;
  /** Ends running steps with grace and the run `cancelled`. Called again: at once, without grace. */
  cancel(reason?: CancelReason): void;
  /**
   * Leaves the run to a later resume where nothing but questions and waits are left: it ends as `waiting`, they stay open.
   * False: something else goes on, and nothing happens.
   */
  stopWaiting(): boolean;
  /** Ends all processes at once and leaves a resumable journal. */
  kill(): void;
  /** From now on so many steps at once. What is at work stays so; nothing starts until fewer are. */
  setConcurrency(change: ConcurrencyChange): Result<void, Problem>;
  pause(reason: string): void;
  unpause(): void;
  answer(step: string, answer: Answer): Result<void, Problem>;
  /** Passes a signal to the step that waits for it; before one does, it is kept. Taken in this turn of the event loop, unless its value takes time to check. */
  signal(signal: Signal): Promise<Result<void, Problem>>;
  /** Why nothing starts although steps are ready, if so: `memory`, `cpu`, `locks held by run ...`. */
  waitingFor(): string | undefined;
}
