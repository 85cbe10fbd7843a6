/**
 * Run handle: what a caller of the library sees of a run: its status, steps and result. Types, and how they are read
 * from a state.
 */
import { defined } from "../base/defined.ts";
import type { HeddleError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import type { StepValue } from "../plan/define.ts";
import type { Event, StepError } from "../run/event.ts";
import { explainStep } from "../run/explain.ts";
import { outputOf, phaseOf, stepAt, type RunState } from "../run/state.ts";
import { runStatus, stepCounts, stepStatus, type RunStatus, type StepCounts, type StepStatus } from "../view/status.ts";

/**
 * A run that this process conducts. Iterating gives every event from the run's first on, each after it is on disk; several
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
  /** No new step starts until {@link unpause}; running steps continue. */
  pause(reason?: string): void;
  /** Takes a {@link pause} back. */
  unpause(): void;
  /** Answers an `approve` step that asks. @throws {HeddleError} `NotAsked` where it does not. */
  approve(step: string, answer?: AnswerOptions): void;
  /** As {@link approve}, with no. The step fails. */
  reject(step: string, answer?: AnswerOptions): void;
}

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
   * `waiting`: the run needs a person's answer: answer and resume. `refused`: nothing was run, `error` says why.
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

export interface RunProgress {
  /** The run's id. */
  readonly run: string;
  /** As `heddle runs` shows it; `starting`: nothing is recorded yet. */
  readonly status: RunStatus | "starting" | "refused";
  /** Number of the last event. */
  readonly seq: number;
  /** Steps by status. */
  readonly counts: StepCounts;
  /** Attempts that run now. */
  readonly running: readonly {
    /** The step's id. */
    readonly step: string;
    /** Its number, from 1. */
    readonly attempt: number;
    /** When it began, in milliseconds since the epoch. */
    readonly since: number;
  }[];
  /** Steps at the same time. */
  readonly maxConcurrency: number;
  /** Why nothing starts although steps are ready; absent: nothing is held back. */
  readonly waitingFor?: string;
}

export interface StepProgress {
  /** The step's id. */
  readonly id: string;
  /** As `heddle show` shows it. */
  readonly status: StepStatus;
  /** Attempts started so far. */
  readonly attempts: number;
  /** What it gave; absent: it has not succeeded. */
  readonly output?: Json;
  /** Of its last attempt; absent: that did not fail. */
  readonly error?: StepError;
  /** The step because of which this one was skipped; absent: it was not. */
  readonly cause?: string;
  /** What a person is asked; absent: nothing. */
  readonly question?: string;
  /** One sentence: why the step is where it is. */
  readonly why: string;
}

const NO_COUNTS: StepCounts = {
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  skipped: 0,
  cached: 0,
  waiting: 0,
  running: 0,
};

/** The status of a run without state: it is being started, or was refused. */
export function noProgress(run: string, status: "starting" | "refused"): RunProgress {
  return { run, status, seq: 0, counts: NO_COUNTS, running: [], maxConcurrency: 0 };
}

/** `live`: the engine is at work on it. */
export function runProgressOf(state: RunState, live: boolean, waitingFor: string | undefined): RunProgress {
  const running = state.phases.flatMap((phase, at) =>
    phase.tag === "running" ? [{ step: stepAt(state, at).id, attempt: phase.attempt, since: phase.since }] : [],
  );
  return defined({
    run: state.run,
    status: runStatus(state, live),
    seq: state.seq,
    counts: stepCounts(state, live),
    running,
    maxConcurrency: state.options.maxConcurrency,
    waitingFor,
  });
}

export function stepProgressOf(state: RunState, id: string, live: boolean, now: number): StepProgress | undefined {
  const at = state.index.byId.get(id);
  if (at === undefined) return undefined;
  const phase = phaseOf(state, at);
  const output = outputOf(phase);
  return defined({
    id,
    status: stepStatus(state, at, live),
    attempts: state.attempts[at] ?? 0,
    output,
    error: "error" in phase ? phase.error : undefined,
    cause: phase.tag === "skipped" && phase.reason.kind === "dependency" ? phase.reason.cause : undefined,
    question: phase.tag === "asking" ? phase.question : undefined,
    why: explainStep(state, at, now),
  });
}

export function failuresOf(state: RunState): RunResult["failures"] {
  if (state.index.counts.failed === 0) return [];
  return state.phases.flatMap((phase, at) =>
    phase.tag === "failed" ? [{ step: stepAt(state, at).id, error: phase.error }] : [],
  );
}
