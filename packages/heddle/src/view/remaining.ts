/**
 * Remaining work of a run as a plan of its own, to be simulated: the steps that have not ended, with what of them is still to come. Pure;
 * linear in the steps and edges of the run.
 *
 * What runs goes first, with the time that is left of it. An open container is a wait for its children, which take their turns like other
 * steps; limits of containers on their own children are not kept.
 */
import { buildGraph } from "../graph/build.ts";
import { hasEnded, isContainerStep, phaseOf, type RunState } from "../run/state.ts";
import { defined } from "../base/defined.ts";
import type { MakespanInput } from "./makespan.ts";
import { sleepMsOf, waitsForOthers } from "./plan-times.ts";

type Step = RunState["steps"][number];

export interface RemainingWork extends MakespanInput {
  /** Steps of which nobody knows how long they take: each counts as long as the known ones on average. */
  readonly unknownDurations: number;
}

export interface RemainingOptions {
  /** Milliseconds by step id. */
  readonly expected: ReadonlyMap<string, number>;
  readonly now: number;
}

/** `undefined`: nothing is left. */
export function remainingWork(state: RunState, options: RemainingOptions): RemainingWork | undefined {
  const left = state.steps.flatMap((_, step) => (hasEnded(phaseOf(state, step)) ? [] : [step]));
  if (left.length === 0) return undefined;
  const isLeft = new Set(left.map((step) => state.steps[step]?.id ?? ""));
  const steps = left.map((step) => simplified(state, step, isLeft));
  const graph = buildGraph(steps);
  if (!graph.ok) return undefined;
  const { known, average, unknown } = lengthsOf(state, left, options.expected);
  const lengths = left.map((step, at) => leftOf(state, step, known[at] ?? average, options.now));
  const { params: _params, ...plan } = state.plan;
  return {
    plan: { ...plan, steps },
    graph: graph.value,
    options: state.options,
    durationOf: (step) => lengths[step] ?? 0,
    unknownDurations: unknown,
  };
}

/** What of a step the rules of starting look at. */
function simplified(state: RunState, at: number, isLeft: ReadonlySet<string>): Step {
  const step = state.steps[at] as Step;
  const phase = phaseOf(state, at);
  const still = (ids: readonly string[] = []): readonly string[] => ids.filter((id) => isLeft.has(id));
  const { id, resources, locks, group, writes } = step;
  const after = still(step.after);
  if (phase.tag === "expanded") {
    const children = state.containers.get(at)?.children ?? [];
    const deps = still(children.map((child) => state.steps[child]?.id ?? ""));
    return { id, action: { kind: "sleep", time: "0ms" }, deps, after };
  }
  const priority = phase.tag === "running" ? Number.MAX_SAFE_INTEGER : step.priority;
  return defined<Step>({
    id,
    action: simplifiedAction(step),
    deps: still(step.deps),
    after,
    resources,
    locks,
    group,
    writes,
    priority,
  });
}

function simplifiedAction(step: Step): Step["action"] {
  if (isContainerStep(step)) return { kind: "plan", file: "" };
  switch (step.action.kind) {
    case "agent":
      return { kind: "agent", prompt: "" };
    case "approve":
      return { kind: "approve", question: "" };
    case "sleep":
    case "signal":
      return { kind: "sleep", time: "0ms" };
    default:
      return { kind: "run", command: "" };
  }
}

interface Lengths {
  /** Of the steps that are left, in milliseconds. */
  readonly known: readonly (number | undefined)[];
  readonly average: number;
  readonly unknown: number;
}

function lengthsOf(state: RunState, left: readonly number[], expected: ReadonlyMap<string, number>): Lengths {
  const known = left.map((at) => {
    const step = state.steps[at];
    if (phaseOf(state, at).tag === "expanded") return 0;
    if (waitsForOthers(step)) return 0;
    return sleepMsOf(step) ?? expected.get(step?.id ?? "") ?? step?.estimateMs;
  });
  // What took long in this run tells of what is like it.
  const told = known.filter((ms) => ms !== undefined && ms > 0) as number[];
  for (const phase of state.phases) if (phase.tag === "succeeded" && phase.durationMs > 0) told.push(phase.durationMs);
  const average = told.length === 0 ? 1 : told.reduce((sum, ms) => sum + ms, 0) / told.length;
  return { known, average, unknown: known.filter((ms) => ms === undefined).length };
}

function leftOf(state: RunState, step: number, whole: number, now: number): number {
  const phase = phaseOf(state, step);
  switch (phase.tag) {
    case "running":
      return Math.max(0, whole - Math.max(0, now - phase.since));
    case "retrying":
      return whole + Math.max(0, phase.retryAt - now);
    case "sleeping":
      return phase.at === undefined ? whole : Math.max(0, phase.at - now);
    default:
      return whole;
  }
}
