/**
 * State of a run: its facts, its index, and what only its engine knows; and the queries on it. `apply.ts` has the one
 * function that changes facts.
 *
 * Invariants:
 *  1. Facts are a function of the history alone.
 *  2. The index is a function of the facts and of what is volatile: `rebuildIndex` gives the same at every point.
 *  3. No query scans: what can start, what must be skipped and what is due are updated as they change.
 */
import { present } from "../base/assert.ts";
import type { Json } from "../base/json.ts";
import { isWait, type Step, worksInWorktree } from "../plan/plan.ts";
import type { OpenQuestion } from "./event.ts";
import type { Facts, RunPhase, StepPhase } from "./facts.ts";
import type { RunIndex } from "./run-index.ts";
import type { Volatile } from "./volatile.ts";

/**
 * The facts of a run, with what is derived from them ({@link RunIndex}) and what only the engine that holds it knows
 * ({@link Volatile}).
 */
export interface RunState extends Facts {
  readonly index: RunIndex;
  readonly volatile: Volatile;
}

export const WAITING: StepPhase = { tag: "waiting" };

export function phaseOf(state: RunState, step: number): StepPhase {
  return present(state.phases[step], "phase of step", step);
}

/** What a person is asked about the step now, and has not answered. */
export function questionOf(phase: StepPhase): OpenQuestion | undefined {
  if (phase.tag === "running") return phase.asks;
  return phase.tag === "waiting-for-answer" && phase.answer === undefined ? phase : undefined;
}

/** When the question was asked that the step has open, in milliseconds since the epoch; `undefined`: it has none. */
export function askedAt(
  { phases, askedAt: asked }: Pick<RunState, "phases" | "askedAt">,
  step: number,
): number | undefined {
  const phase = phases[step];
  if (phase === undefined || questionOf(phase) === undefined) return undefined;
  return phase.tag === "waiting-for-answer" ? phase.since : asked.get(step);
}

/** Whether the phase is that of a step that waits for a time or a signal. */
export function isWaiting(tag: StepPhase["tag"]): tag is "sleeping" | "waiting-for-signal" {
  return tag === "sleeping" || tag === "waiting-for-signal";
}

export function stepAt(state: RunState, step: number): Step {
  return present(state.steps[step], "step", step);
}

export function hasEnded(phase: StepPhase): boolean {
  switch (phase.tag) {
    case "succeeded":
    case "cached":
    case "skipped":
    case "failed":
    case "cancelled":
      return true;
    default:
      return false;
  }
}

/**
 * Whether dependents may build on the step. A step skipped by its condition counts: callers that need its output ask
 * {@link outputOf}.
 */
export function satisfies(phase: StepPhase): boolean {
  if (phase.tag === "succeeded" || phase.tag === "cached") return true;
  return phase.tag === "skipped" && (phase.reason.kind === "condition" || phase.reason.kind === "up-to-date");
}

/** The recorded output, or `undefined` where the step has none. */
export function outputOf(phase: StepPhase): Json | undefined {
  if (phase.tag === "succeeded" || phase.tag === "cached") return phase.output;
  if (phase.tag === "skipped" && phase.reason.kind === "up-to-date") return phase.reason.output;
  return undefined;
}

/** Deps whose output the step cannot do without. */
export function requiredOutputs(step: Step): readonly string[] {
  const needs = step.action.kind === "function" && step.action.needs ? Object.values(step.action.needs) : [];
  return step.reads ? [...step.reads, ...needs] : needs;
}

/** Whether the failure of this step leaves the run unharmed: it, or a container around it, is optional. */
export function isTolerated(state: RunState, step: number): boolean {
  for (let at = step; at !== -1; at = state.parents[at] ?? -1) {
    if (stepAt(state, at).optional === true) return true;
  }
  return false;
}

export function isRunEnded(phase: RunPhase): boolean {
  return phase.tag === "succeeded" || phase.tag === "failed" || phase.tag === "cancelled";
}

/** The step that a skip or failure of `step` goes back to: itself, unless it was skipped for another's sake. */
export function rootCause(state: RunState, step: number): string {
  const phase = phaseOf(state, step);
  return phase.tag === "skipped" && phase.reason.kind === "dependency" ? phase.reason.cause : stepAt(state, step).id;
}

/** The outermost step around a step: of the plan itself, or added beside its steps. */
export function outermostAround(state: RunState, step: number): number {
  let at = step;
  for (let parent = state.parents[at] ?? -1; parent !== -1; parent = state.parents[at] ?? -1) at = parent;
  return at;
}

/** The recorded merge that no other was made on top of, or what the integration branch begins at; `undefined`: neither. */
export function lastMerge({ merges, begin }: Pick<RunState, "merges" | "begin">): string | undefined {
  const ontos = new Set(merges.map(({ onto }) => onto));
  return merges.findLast(({ commit }) => !ontos.has(commit))?.commit ?? begin;
}

/** Whether agents of the run worked in worktrees, or began on what others had merged: there is work to land and to look after. */
export function hasAgentWork({ begin, agentRecords, steps, index }: RunState): boolean {
  if (begin !== undefined) return true;
  for (const id of agentRecords.keys()) {
    const step = steps[index.byId.get(id) ?? -1];
    if (step !== undefined && worksInWorktree(step)) return true;
  }
  return false;
}

/** Whether somewhere a ready step competes for a slot: with free slots it waits for pools, locks or the machine. */
export function hasReady({ index }: RunState): boolean {
  return index.activeLanes.size > 0;
}

/** Visits every step that waits for `step`, hard or soft. */
export function forEachSuccessor(state: RunState, step: number, visit: (successor: number) => void): void {
  const { graph } = state.index;
  if (step < graph.size) {
    for (const list of [graph.dependents, graph.followers]) {
      const end = list.offsets[step + 1] ?? 0;
      for (let at = list.offsets[step] ?? 0; at < end; at++) visit(list.targets[at] as number);
    }
  }
  const extra = state.index.extraSuccessors.get(step);
  if (extra) for (const successor of extra) visit(successor);
}

/** Visits the numbers of the step's hard predecessors, in no order; without looking up names where the graph knows them. */
export function forEachDep(state: RunState, step: number, visit: (dep: number) => void): void {
  const { size, deps } = state.index.graph;
  if (step >= size) return depsOf(state, step).forEach(visit);
  const end = deps.offsets[step + 1] ?? 0;
  for (let at = deps.offsets[step] ?? 0; at < end; at++) visit(deps.targets[at] as number);
}

/** The numbers of the step's hard predecessors, in the order of its `deps`. */
export function depsOf(state: RunState, step: number): number[] {
  return (stepAt(state, step).deps ?? []).map((id) => present(state.index.byId.get(id), "dep", id));
}

/** Whether the step is a container, which takes no slot. */
export function isContainerStep(step: Step): boolean {
  return step.forEach !== undefined || step.action.kind === "plan";
}

/** A wait itself; a `forEach` of waits is a container. */
export function isWaitStep(step: Step): boolean {
  return step.forEach === undefined && isWait(step);
}

/** The exclusive lock that agents of one group take in turns, since they share a worktree. No lock of a plan has such a name. */
export function groupLock(step: Step): string | undefined {
  return step.action.kind === "agent" && step.group !== undefined ? `group ${step.group}` : undefined;
}
