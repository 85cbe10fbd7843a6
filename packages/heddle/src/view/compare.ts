/**
 * Comparison of two runs: their steps side by side, by id, with what each moved the makespan, and the first step that differs. Pure; linear
 * in the steps and edges of both.
 *
 * What a step moved is told by the longest paths through the steps: how much longer that of run `a` would be if this step alone had taken as
 * long as in `b`; where it took less, how much shorter that of `b` is than with the time of `a`.
 */
import { defined } from "../base/defined.ts";
import { definitionOf, differingKeys, paramsDiffering } from "../run/fingerprint.ts";
import { stepAt, type RunState } from "../run/state.ts";
import { costByStep, costOfRun } from "../run/usage.ts";
import { longestWays, type LongestWays } from "./longest-ways.ts";
import { runStatus, stepStatus, type RunStatus, type StepStatus } from "./status.ts";
import type { Timeline } from "./timeline.ts";
import { tookText } from "./times.ts";

/** A step in one of the runs. */
export interface ComparedSide {
  readonly status: StepStatus;
  readonly attempts: number;
  /** From when its first attempt could begin to its end, without the time in which no engine had the run; `null`: it has not. */
  readonly tookMs: number | null;
  /** Of that, waiting for its turn. */
  readonly queuedMs: number | null;
  /** US dollars, as far as they are known; `null`: nothing is known. */
  readonly cost: number | null;
}

export interface ComparedStep {
  readonly step: string;
  /** Absent: it is not in this run. */
  readonly a?: ComparedSide;
  readonly b?: ComparedSide;
  /** `changed`: a success of the one says nothing of the other. Absent: it is in one of them alone. */
  readonly definition?: "same" | "changed";
  /** What of it is different: keys of the plan file, and `params.NAME`. */
  readonly changed?: readonly string[];
  /** What it moved the makespan from `a` to `b`, in milliseconds; less than 0: shorter. */
  readonly effectMs: number;
}

export interface ComparedRun {
  readonly run: string;
  readonly plan: string;
  readonly status: RunStatus;
  readonly seq: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Time under an engine. */
  readonly parallelMs: number;
  readonly cost: number | null;
  readonly maxConcurrency: number;
}

/** `GET .../runs/{a}/compare/{b}`. */
export interface RunComparison {
  readonly a: ComparedRun;
  readonly b: ComparedRun;
  readonly counts: {
    readonly same: number;
    readonly changed: number;
    readonly onlyInA: number;
    readonly onlyInB: number;
    /** Steps in both that ended differently. */
    readonly otherStatus: number;
  };
  /** The first step that differs, in one sentence. */
  readonly first: { readonly step?: string; readonly sentence: string };
  /** Those that moved the makespan most come first. */
  readonly steps: readonly ComparedStep[];
  /** What to send as `cursor` for more; absent: there are no more. */
  readonly next?: string;
}

export interface CompareInput {
  readonly state: RunState;
  /** Of the same events as the state. */
  readonly timeline: Timeline;
  /** A process holds the run now. */
  readonly live: boolean;
}

/** A part of the list. */
export interface ComparePage {
  readonly limit: number;
  /** Steps that earlier pages went through. */
  readonly cursor?: number | undefined;
  readonly now: number;
}

export function compareRuns(a: CompareInput, b: CompareInput, { limit, cursor = 0, now }: ComparePage): RunComparison {
  const before = measured(a);
  const after = measured(b);
  const steps = aligned(before, after);
  const counts = {
    same: steps.filter(({ definition }) => definition === "same").length,
    changed: steps.filter(({ definition }) => definition === "changed").length,
    onlyInA: steps.filter((step) => step.b === undefined).length,
    onlyInB: steps.filter((step) => step.a === undefined).length,
    otherStatus: steps.filter((step) => step.a && step.b && step.a.status !== step.b.status).length,
  };
  const first = firstDifference(steps, counts);
  steps.sort((x, y) => Math.abs(y.effectMs) - Math.abs(x.effectMs) || changeOf(y) - changeOf(x));
  const next = cursor + limit < steps.length ? String(cursor + limit) : undefined;
  return defined<RunComparison>({
    a: comparedRun(a, now),
    b: comparedRun(b, now),
    counts,
    first,
    steps: steps.slice(cursor, cursor + limit),
    next,
  });
}

/** Of steps that moved nothing, those come first that are more different. */
function changeOf({ a, b, definition }: ComparedStep): number {
  if (a === undefined || b === undefined) return Infinity;
  const isOther = a.status !== b.status || definition === "changed";
  return Math.abs((b.tookMs ?? 0) - (a.tookMs ?? 0)) + (isOther ? 1e9 : 0);
}

function comparedRun({ state, timeline, live }: CompareInput, now: number): ComparedRun {
  return {
    run: state.run,
    plan: state.plan.name,
    status: runStatus(state, live),
    seq: state.seq,
    startedAt: state.startedAt ?? state.createdAt,
    endedAt: "endedAt" in state.phase ? state.phase.endedAt : null,
    parallelMs: timeline.parallelMs(live ? now : undefined),
    cost: costOfRun(state.usage),
    maxConcurrency: state.options.maxConcurrency,
  };
}

interface Measured extends CompareInput {
  readonly took: readonly (number | null)[];
  readonly ways: LongestWays;
  readonly costs: ReadonlyMap<string, number>;
}

function measured(input: CompareInput): Measured {
  const { state } = input;
  const took = tookTimes(input);
  return {
    ...input,
    took,
    ways: longestWays(state, (step) => took[step] ?? 0),
    costs: costByStep(state.usage),
  };
}

/** By step. */
function tookTimes({ state, timeline }: CompareInput): readonly (number | null)[] {
  const from = new Map<string, number>();
  const to = new Map<string, number>();
  for (const { step, kind, readyAt, startedAt, endedAt } of timeline.spans()) {
    if (kind === "undo") continue;
    if (!from.has(step)) from.set(step, timeline.offset(readyAt ?? startedAt));
    if (endedAt !== null) to.set(step, timeline.offset(endedAt));
  }
  return state.steps.map(({ id }) => {
    const end = to.get(id);
    return end === undefined ? null : Math.max(0, end - (from.get(id) ?? end));
  });
}

/** Each step of the two once: those of `b` in the order of its plan, then those of `a` alone. */
function aligned(before: Measured, after: Measured): ComparedStep[] {
  const found: ComparedStep[] = [];
  for (const [at, { id }] of after.state.steps.entries())
    found.push(compared(before, before.state.index.byId.get(id), after, at));
  for (const [at, { id }] of before.state.steps.entries())
    if (!after.state.index.byId.has(id)) found.push(compared(before, at, after, undefined));
  return found;
}

function compared(before: Measured, inA: number | undefined, after: Measured, inB: number | undefined): ComparedStep {
  const step = inB === undefined ? stepAt(before.state, inA ?? 0) : stepAt(after.state, inB);
  const changed = inA === undefined || inB === undefined ? undefined : changesOf(before.state, inA, after.state, inB);
  const isChanged = changed !== undefined && changed.length > 0;
  return defined<ComparedStep>({
    step: step.id,
    a: inA === undefined ? undefined : sideOf(before, inA),
    b: inB === undefined ? undefined : sideOf(after, inB),
    definition: changed === undefined ? undefined : isChanged ? "changed" : "same",
    changed: isChanged ? changed : undefined,
    effectMs: effectOf(before, inA, after, inB),
  });
}

function changesOf(a: RunState, inA: number, b: RunState, inB: number): readonly string[] {
  const rules = Math.min(a.rules, b.rules);
  const before = stepAt(a, inA);
  const after = stepAt(b, inB);
  const params = paramsDiffering(after, a.plan.params, b.plan.params);
  if (before === after || definitionOf(before, rules) === definitionOf(after, rules)) return params;
  return [...differingKeys(before, after, rules), ...params];
}

function sideOf({ state, timeline, live, took, costs }: Measured, step: number): ComparedSide {
  const { id } = stepAt(state, step);
  return {
    status: stepStatus(state, step, live),
    attempts: state.attempts[step] ?? 0,
    tookMs: took[step] ?? null,
    queuedMs: timeline.lastOf(id)?.queuedMs ?? null,
    cost: costs.get(id) ?? null,
  };
}

function effectOf(before: Measured, inA: number | undefined, after: Measured, inB: number | undefined): number {
  const tookA = inA === undefined ? 0 : (before.took[inA] ?? 0);
  const tookB = inB === undefined ? 0 : (after.took[inB] ?? 0);
  if (inA !== undefined && tookB >= tookA && inB !== undefined) return grown(before.ways, inA, tookB - tookA);
  if (inB !== undefined && inA !== undefined) return 0 - grown(after.ways, inB, tookA - tookB);
  // What is in one alone counts where nothing was longer than the way through it.
  if (inB !== undefined) return after.ways.through(inB) === after.ways.longest ? tookB : 0;
  return inA !== undefined && before.ways.through(inA) === before.ways.longest ? 0 - tookA : 0;
}

/** How much longer the longest way would be if this step took so much longer. */
function grown(ways: LongestWays, step: number, byMs: number): number {
  return Math.max(0, ways.through(step) + byMs - ways.longest);
}

function firstDifference(steps: readonly ComparedStep[], counts: RunComparison["counts"]): RunComparison["first"] {
  const first = steps.find(
    ({ a, b, definition }) => a === undefined || b === undefined || definition === "changed" || a.status !== b.status,
  );
  if (first !== undefined)
    return { step: first.step, sentence: `${first.step} is the first step that differs: ${differenceText(first)}.` };
  const most = steps.reduce<ComparedStep | undefined>(
    (found, step) => (Math.abs(step.effectMs) > Math.abs(found?.effectMs ?? 0) ? step : found),
    undefined,
  );
  const alike = `All ${counts.same} steps are defined alike and ended alike`;
  if (most === undefined) return { sentence: `${alike}.` };
  return {
    step: most.step,
    sentence: `${alike}; ${most.step} moved the makespan most, by ${signedText(most.effectMs)}.`,
  };
}

function differenceText({ a, b, definition, changed = [] }: ComparedStep): string {
  if (a === undefined) return `only the second run has it, where it is ${statusText(b)}`;
  if (b === undefined) return `only the first run has it, where it is ${statusText(a)}`;
  const isOther = a.status !== b.status;
  const ended = isOther
    ? `${statusText(a)} in the first run, ${statusText(b)} in the second`
    : `${statusText(a)} in both`;
  return definition === "changed" ? `its definition changed (${changed.slice(0, 5).join(", ")}), ${ended}` : ended;
}

function statusText(side: ComparedSide | undefined): string {
  return side?.status ?? "unknown";
}

function signedText(ms: number): string {
  return ms < 0 ? `${tookText(-ms)} less` : `${tookText(ms)} more`;
}
