/** Run progress: the live status of a run and its steps, for the program that runs it. Reads a state and keeps none. */
import { defined } from "../base/defined.ts";
import type { Json } from "../base/json.ts";
import type { StepError } from "../run/event.ts";
import { explainStep } from "../run/explain.ts";
import { outputOf, phaseOf, questionOf, stepAt, type RunState } from "../run/state.ts";
import { runStatus, stepCounts, stepStatus, type RunStatus, type StepCounts, type StepStatus } from "./status.ts";

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
  /** The signal that the step waits for; absent: none. */
  readonly signal?: string;
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
  // What was running when its process died does not run.
  const running = state.phases.flatMap((phase, at) =>
    live && phase.tag === "running" ? [{ step: stepAt(state, at).id, attempt: phase.attempt, since: phase.since }] : [],
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
    question: phase.tag === "waiting-for-answer" ? questionOf(phase)?.question : undefined,
    signal: phase.tag === "waiting-for-signal" ? phase.signal : undefined,
    why: explainStep(state, at, { now, live }),
  });
}

/** Outputs of steps that have one, by id. */
export function outputsById(state: RunState): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    state.steps.flatMap(({ id }, at): [string, Json][] => {
      const output = outputOf(phaseOf(state, at));
      return output === undefined ? [] : [[id, output]];
    }),
  );
}

/** Steps whose last attempt failed, in the order of the plan. */
export function failuresOf(state: RunState): readonly { readonly step: string; readonly error: StepError }[] {
  if (state.index.counts.failed === 0) return [];
  return state.phases.flatMap((phase, at) =>
    phase.tag === "failed" ? [{ step: stepAt(state, at).id, error: phase.error }] : [],
  );
}
