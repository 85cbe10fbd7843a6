/**
 * Run view: the document of `show --json`, on which other faces build. Its shape is public: fields may be added, none
 * removed. Times are milliseconds since the epoch.
 */
import { defined } from "../base/defined.ts";
import type { Json } from "../base/json.ts";
import { explainStep } from "../run/explain.ts";
import type { QuestionAbout, SkipReason, StepError, ResourceUsage } from "../run/event.ts";
import {
  isContainerStep,
  isWaitStep,
  isRunEnded,
  outputOf,
  phaseOf,
  questionOf,
  stepAt,
  type RunState,
} from "../run/state.ts";
import type { LandingRecord, StepPhase } from "../run/facts.ts";
import { readyAt, reasonsOf, waitsUntil, type Reason } from "../run/reasons.ts";
import { costByStep, costOfRun, totalUsage } from "../run/usage.ts";
import type { ChangedBySeveral } from "./changed-files.ts";
import { criticalPathOf } from "./critical.ts";
import {
  runStatus,
  statusCounts,
  stepCounts,
  stepStatus,
  type RunStatus,
  type StatusCounts,
  type StepCounts,
  type StepStatus,
} from "./status.ts";
import type { Timeline } from "./timeline.ts";

export interface StepView {
  readonly id: string;
  readonly status: StepStatus;
  /** From 1. */
  readonly layer: number;
  /** Attempts started so far. */
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Of the latest attempt; `null` while it runs and where there was none. */
  readonly durationMs: number | null;
  /** How long the latest attempt was ready before it began; absent: there was none, or its history does not tell. */
  readonly queuedMs?: number;
  readonly description?: string;
  readonly output?: Json;
  readonly error?: StepError;
  /** Of a skipped step: why. */
  readonly reason?: SkipReason["kind"];
  /** The step because of which this one was skipped. */
  readonly cause?: string;
  /** One sentence: why the step is where it is. */
  readonly why: string;
  /** Why it does not go on now; empty: it is at work or has ended. */
  readonly reasons: readonly Reason[];
  readonly usage?: ResourceUsage;
  /** US dollars, as far as its agents reported them. */
  readonly cost?: number;
  /** The file of the latest attempt's log; `null` where nothing of the kind is written. */
  readonly log: string | null;
  /** The `forEach` or `plan` step that this one belongs to. */
  readonly parent?: string;
  /** What a person is asked. */
  readonly question?: string;
  /** The kind of question: `question` is an agent's and needs text as its answer. */
  readonly about?: QuestionAbout;
  /** Answers to choose from. */
  readonly options?: readonly string[];
  /** When the next attempt is due. */
  readonly retryAt?: number;
  /** The signal that the step waits for; absent: none, or it has come. */
  readonly signal?: string;
  /** When the wait of the step ends by itself, or the time for an answer or a signal is over. */
  readonly until?: number;
  /** Since when a running step waits, or a person is asked, or a step that has all it depends on waits for its turn. */
  readonly waitsSince?: number;
}

export interface RunView {
  readonly run: string;
  readonly plan: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** `upToDate`: of the skipped ones, those that have a result that still holds. */
  readonly counts: StepCounts & { readonly upToDate: number };
  /** Steps by the status that they have in {@link steps}: all eleven. */
  readonly byStatus: StatusCounts;
  /** Steps that may be at work at once. */
  readonly maxConcurrency: number;
  readonly steps: readonly StepView[];
  /** The attempts one after another. */
  readonly sequentialMs: number;
  /** Time under an engine. */
  readonly parallelMs: number;
  readonly speedup: number | null;
  readonly criticalPathMs: number;
  /** US dollars that agents told; `null`: none. More than this where {@link turnsWithoutCost} is not 0. */
  readonly cost: number | null;
  /** Turns of agents that told no cost: what they cost is unknown. */
  readonly turnsWithoutCost: number;
  /** What came of bringing the work of agents to the user's branch; `null`: it has not been tried. */
  readonly landing: LandingRecord | null;
  /** Files of merged work that more than one step changed. */
  readonly changedBySeveral: ChangedBySeveral;
  /** Of the last event. */
  readonly seq: number;
}

/** The members of the document. */
export const RUN_FIELDS: readonly (keyof RunView)[] = [
  "run",
  "plan",
  "status",
  "startedAt",
  "endedAt",
  "counts",
  "byStatus",
  "maxConcurrency",
  "steps",
  "sequentialMs",
  "parallelMs",
  "speedup",
  "criticalPathMs",
  "cost",
  "turnsWithoutCost",
  "landing",
  "changedBySeveral",
  "seq",
];

export interface RunViewInput {
  readonly state: RunState;
  /** Of the same events as the state. */
  readonly timeline: Timeline;
  /** A process holds the run now. */
  readonly live: boolean;
  readonly now: number;
  readonly logFile: (step: string, attempt: number) => string | null;
}

export function runView(input: RunViewInput): RunView {
  const { state, timeline, live, now } = input;
  const ended = isRunEnded(state.phase);
  const costs = costByStep(state.usage);
  const sequentialMs = timeline.sequentialMs;
  const parallelMs = timeline.parallelMs(live && !ended ? now : undefined);
  return {
    run: state.run,
    plan: state.plan.name,
    status: runStatus(state, live),
    startedAt: state.startedAt ?? state.createdAt,
    endedAt: "endedAt" in state.phase ? state.phase.endedAt : null,
    counts: { ...stepCounts(state, live), upToDate: upToDateIn(state) },
    byStatus: statusCounts(state, live),
    maxConcurrency: state.options.maxConcurrency,
    steps: state.steps.map((_, step) => stepView(input, step, costs)),
    sequentialMs,
    parallelMs,
    speedup: speedupOf(sequentialMs, parallelMs),
    criticalPathMs: criticalPathOf(state, (step) => durationOf(state, step)).ms,
    cost: costOfRun(state.usage),
    turnsWithoutCost: totalUsage(state.usage).turnsWithoutUsd,
    landing: state.landing ?? null,
    changedBySeveral: timeline.changedFiles.bySeveral(),
    seq: state.seq,
  };
}

function upToDateIn({ phases }: RunState): number {
  return phases.filter((phase) => phase.tag === "skipped" && phase.reason.kind === "up-to-date").length;
}

/** How much longer the attempts would have taken one after another: two decimals; `null` where no time passed. */
export function speedupOf(sequentialMs: number, parallelMs: number): number | null {
  return parallelMs > 0 ? Math.round((sequentialMs / parallelMs) * 100) / 100 : null;
}

/** Milliseconds of the attempt that decided; 0 for steps that did not run to an end. */
export function durationOf(state: RunState, step: number): number {
  return tookOf(phaseOf(state, step)) ?? 0;
}

/** Milliseconds of the attempt that decided; `null`: none has. How long a wait is to take is not meant. */
export function tookOf(phase: StepPhase): number | null {
  return "endedAt" in phase && "durationMs" in phase ? phase.durationMs : null;
}

function stepView(
  { state, timeline, live, now, logFile }: RunViewInput,
  step: number,
  costs: ReadonlyMap<string, number>,
): StepView {
  const definition = stepAt(state, step);
  const phase = phaseOf(state, step);
  const attempts = state.attempts[step] ?? 0;
  const output = outputOf(phase);
  const last = timeline.lastOf(definition.id);
  const cost = costs.get(definition.id);
  const parent = state.parents[step] ?? -1;
  const reasons = reasonsOf(state, step, { now, live });
  return defined({
    id: definition.id,
    status: stepStatus(state, step, live),
    layer: (state.layers[step] ?? 0) + 1,
    attempts,
    startedAt: state.startedTimes[step] ?? null,
    endedAt: "endedAt" in phase ? phase.endedAt : null,
    durationMs: tookOf(phase),
    queuedMs: last?.queuedMs ?? undefined,
    description: definition.description,
    output,
    error: "error" in phase ? phase.error : undefined,
    reason: phase.tag === "skipped" ? phase.reason.kind : undefined,
    cause: phase.tag === "skipped" && phase.reason.kind === "dependency" ? phase.reason.cause : undefined,
    why: explainStep(state, step, { now, live }, reasons),
    reasons,
    usage: last?.usage,
    cost,
    log: attempts > 0 && writesLog(state, step) ? logFile(definition.id, attempts) : null,
    parent: parent === -1 ? undefined : stepAt(state, parent).id,
    ...questionView(phase, live),
    retryAt: phase.tag === "retrying" ? phase.retryAt : undefined,
    signal: listensTo(state, step),
    until: untilOf(state, step, live),
    waitsSince: waitsSince(state, step, live),
  });
}

function waitsSince(state: RunState, step: number, live: boolean): number | undefined {
  const phase = phaseOf(state, step);
  switch (phase.tag) {
    case "running":
      if (!live) return undefined;
      return phase.asks === undefined ? phase.waits?.since : state.askedAt.get(step);
    case "waiting-for-answer":
    case "sleeping":
    case "waiting-for-signal":
      return phase.since;
    case "waiting":
      if (!live || state.index.unresolved[step] !== 0) return undefined;
      return state.lockWaits.get(step)?.since ?? readyAt(state, step);
    default:
      return undefined;
  }
}

/** The signal that the step waits for; `undefined`: none, or it has come. */
export function listensTo(state: RunState, step: number): string | undefined {
  const phase = phaseOf(state, step);
  return phase.tag === "waiting-for-signal" && !state.signals.has(phase.signal) ? phase.signal : undefined;
}

/** When the wait of the step ends by itself, or the time for an answer or a signal is over. */
export function untilOf(state: RunState, step: number, live: boolean): number | undefined {
  const phase = phaseOf(state, step);
  if (phase.tag === "retrying" || (phase.tag === "running" && !live)) return undefined;
  if (phase.tag === "waiting-for-answer" && phase.answer !== undefined) return undefined;
  return waitsUntil(state, step);
}

function questionView(phase: StepPhase, live: boolean): Pick<StepView, "question" | "about" | "options"> {
  // That of an attempt at work ended with its engine.
  const asked = live || phase.tag !== "running" ? questionOf(phase) : undefined;
  if (asked === undefined) return {};
  const { question, about, options } = asked;
  return defined({ question, about, options });
}

/** Whether attempts of the step write a log: approvals, waits and containers do not. */
export function writesLog(state: RunState, step: number): boolean {
  const definition = stepAt(state, step);
  return definition.action.kind !== "approve" && !isWaitStep(definition) && !isContainerStep(definition);
}
