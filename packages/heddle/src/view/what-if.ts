/**
 * What-if: how long a plan, or what is left of a run, would take with other numbers of workers, by the rules of real runs on a simulated
 * clock. Pure.
 *
 * Of each number it says what binds: what alone would keep the run from being shorter. That is the greatest of these: the longest path, the
 * work for each slot, for each agent's slot and for each unit of a pool, and what holds one lock or worktree after the other.
 */
import { criticalPath } from "../graph/paths.ts";
import { targetsOf } from "../graph/graph.ts";
import { withConcurrency } from "../run/concurrency.ts";
import { groupLock, isContainerStep, isWaitStep } from "../run/state.ts";
import { simulatedRun, type MakespanInput, type SimulatedRun } from "./makespan.ts";

/** Counts of workers that are looked at where nobody names some. */
export const WORKER_COUNTS: readonly number[] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
/** Named of a path. */
const MOST_PATH = 200;
/** What is not shorter than this share of the best is no gain. */
const NO_GAIN = 1.01;

/** What keeps a run from being shorter. */
export interface Bound {
  /** `path`: what comes after one another. */
  readonly kind: "path" | "slot" | "agent-slot" | "pool" | "lock" | "group";
  /** Of the pool, lock or group. */
  readonly name?: string;
  /** No schedule is shorter. */
  readonly ms: number;
}

export interface WorkersPoint {
  readonly workers: number;
  readonly makespanMs: number;
  /** Share of the time in which the slots would work, 0 to 1. */
  readonly utilisation: number;
  readonly binds: Bound;
  /** The steps that one after another take that long: each begins when the one before has ended, or has left its place. At most 200. */
  readonly path: readonly string[];
}

/** `POST .../plans/simulate`. */
export interface WhatIf {
  /** Steps that were simulated. */
  readonly steps: number;
  /** In the order of their workers. */
  readonly points: readonly WorkersPoint[];
  /** The fewest workers with which it takes as long as with the most, to a hundredth; `null`: of no number it is known. */
  readonly knee: { readonly workers: number; readonly makespanMs: number } | null;
  /** The longest path: with any number of workers it takes at least so long. At most 200 steps. */
  readonly criticalPath: readonly string[];
  readonly criticalPathMs: number;
  /** Steps of which nobody knows how long they take. */
  readonly unknownDurations: number;
}

export interface WhatIfInput extends MakespanInput {
  readonly unknownDurations: number;
  /** Ascending. */
  readonly workers: readonly number[];
}

export function whatIf({ unknownDurations, workers, ...input }: WhatIfInput): WhatIf {
  const { graph, durationOf, options } = input;
  const path = criticalPath(graph, durationOf);
  const criticalPathMs = path.reduce((sum, step) => sum + durationOf(step), 0);
  const load = loadOf(input);
  let wider: SimulatedRun | undefined;
  // The most first: with no fewer than are in use at once, it goes the same way.
  const points = workers.toReversed().flatMap((count): readonly WorkersPoint[] => {
    const isSame = wider !== undefined && wider.slots <= count;
    const run = isSame ? wider : simulatedRun({ ...input, options: withConcurrency(options, count) });
    if (run === undefined) return [];
    wider = run;
    const { makespanMs } = run;
    const share = makespanMs === 0 ? 0 : load.slotMs / (makespanMs * count);
    const bounds = [{ kind: "path", ms: criticalPathMs } as const, slotBound(load, count), ...load.bounds];
    const binds = bounds.reduce((most, bound) => (bound.ms > most.ms ? bound : most));
    const utilisation = Math.min(1, Math.round(share * 1000) / 1000);
    return [{ workers: count, makespanMs, utilisation, binds, path: idsOf(input, pathThrough(input, run)) }];
  });
  points.reverse();
  return {
    steps: graph.size,
    points,
    knee: kneeOf(points),
    criticalPath: idsOf(input, path),
    criticalPathMs,
    unknownDurations,
  };
}

function kneeOf(points: readonly WorkersPoint[]): WhatIf["knee"] {
  const best = points.reduce((least, { makespanMs }) => Math.min(least, makespanMs), Infinity);
  const knee = points.find(({ makespanMs }) => makespanMs <= best * NO_GAIN);
  return knee === undefined ? null : { workers: knee.workers, makespanMs: knee.makespanMs };
}

function idsOf({ graph }: Pick<MakespanInput, "graph">, steps: readonly number[]): readonly string[] {
  return steps.slice(0, MOST_PATH).map((step) => graph.ids[step] ?? "");
}

interface Load {
  /** All work that takes slots, one after another. */
  readonly slotMs: number;
  /** Of everything but slots and the longest path. */
  readonly bounds: readonly Bound[];
}

function slotBound({ slotMs }: Load, workers: number): Bound {
  return { kind: "slot", ms: slotMs / workers };
}

function loadOf({ plan, options, durationOf }: MakespanInput): Load {
  let slotMs = 0;
  let agentMs = 0;
  const pools = new Map<string, number>();
  const locks = new Map<string, number>();
  const groups = new Map<string, number>();
  for (const [at, step] of plan.steps.entries()) {
    const ms = durationOf(at);
    const takesSlot = !isContainerStep(step) && !isWaitStep(step) && step.action.kind !== "approve";
    if (takesSlot) slotMs += ms;
    if (takesSlot && step.action.kind === "agent") agentMs += ms;
    for (const [pool, units] of Object.entries(step.resources ?? {})) add(pools, pool, ms * units);
    for (const lock of step.locks?.write ?? []) add(locks, lock, ms);
    if (takesSlot && groupLock(step) !== undefined) add(groups, step.group ?? "", ms);
  }
  const bounds: Bound[] = agentMs > 0 ? [{ kind: "agent-slot", ms: agentMs / Math.max(1, options.maxAgents) }] : [];
  for (const [name, ms] of pools)
    bounds.push({ kind: "pool", name, ms: ms / Math.max(1, plan.resources?.[name] ?? 1) });
  for (const [name, ms] of locks) bounds.push({ kind: "lock", name, ms });
  for (const [name, ms] of groups) bounds.push({ kind: "group", name, ms });
  return { slotMs, bounds };
}

function add(sums: Map<string, number>, name: string, ms: number): void {
  sums.set(name, (sums.get(name) ?? 0) + ms);
}

/** From what ends last back to what nothing was waited for. */
function pathThrough({ graph }: Pick<MakespanInput, "graph">, { startsAt, endsAt }: SimulatedRun): readonly number[] {
  /** Those that ended at a time: one of them made room for what began then. */
  const ended = new Map<number, number>();
  let last = -1;
  for (const [step, end] of endsAt.entries()) {
    if (end < 0) continue;
    if (last === -1 || end > (endsAt[last] ?? 0)) last = step;
    if (end > (startsAt[step] ?? 0)) ended.set(end, step);
  }
  const path: number[] = [];
  for (let step = last; step !== -1 && path.length < graph.size;) {
    path.push(step);
    const start = startsAt[step] ?? 0;
    if (start === 0 && !hasBefore(graph, step)) break;
    step = latestBefore(graph, step, start, endsAt) ?? ended.get(start) ?? -1;
  }
  return path.toReversed();
}

function hasBefore(graph: MakespanInput["graph"], step: number): boolean {
  return targetsOf(graph.deps, step).length + targetsOf(graph.after, step).length > 0;
}

/** What the step comes after, and ended when it began; `undefined`: it waited for something else. */
function latestBefore(
  graph: MakespanInput["graph"],
  step: number,
  start: number,
  endsAt: Float64Array,
): number | undefined {
  for (const side of [graph.deps, graph.after])
    for (const before of targetsOf(side, step)) if (endsAt[before] === start) return before;
  return undefined;
}
