/**
 * The state of a run: what folding its history gives. This file has its shape and its questions; `apply.ts` has the one
 * function that changes it. Steps are numbers: their place in the plan, then in the order in which they were added.
 *
 * Invariants:
 *  1. The state is a function of the history alone, but for {@link RunState.weight}, which only orders what may start.
 *  2. Nothing here is found by a scan: what may start, what must be skipped and what is due are kept as they change.
 */
import { present } from "../base/assert.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Graph } from "../graph/graph.ts";
import type { Plan, Step } from "../plan/plan.ts";
import type { AgentRecord } from "./agent-record.ts";
import type { CancelReason, EventOf, OpenQuestion, RunOptions, SkipReason, StepError } from "./event.ts";
import type { Heap } from "./heap.ts";
import type { Writing } from "./write-locks.ts";

export type StepPhase =
  /** Not started, or to be run again: its predecessors, its layer, a slot or a person's word are still wanted. */
  | { readonly tag: "waiting" }
  /** `asks`: it goes on, and has a question open meanwhile. */
  | { readonly tag: "running"; readonly attempt: number; readonly since: number; readonly asks?: OpenQuestion }
  /** A container whose children are in the run; it ends when they have. */
  | { readonly tag: "expanded"; readonly since: number }
  | { readonly tag: "retrying"; readonly retryAt: number; readonly delayMs: number; readonly error: StepError }
  | ({
      readonly tag: "asking";
      readonly since: number;
      /** Given, and its consequence not yet recorded. */
      readonly answer?: EventOf<"approval.given">["data"];
    } & OpenQuestion)
  /** Started by an engine that died, and its plan wants more than a new attempt (`onInterrupt`). */
  | { readonly tag: "interrupted" }
  | { readonly tag: "succeeded"; readonly output: Json; readonly durationMs: number; readonly endedAt: number }
  | { readonly tag: "cached"; readonly output: Json; readonly from: string; readonly endedAt: number }
  | { readonly tag: "skipped"; readonly reason: SkipReason; readonly endedAt: number }
  | { readonly tag: "failed"; readonly error: StepError; readonly durationMs: number; readonly endedAt: number }
  | { readonly tag: "cancelled"; readonly reason: CancelReason; readonly durationMs: number; readonly endedAt: number };

export type RunPhase =
  | { readonly tag: "created" }
  | { readonly tag: "running" }
  | { readonly tag: "paused"; readonly reason: string }
  | { readonly tag: "succeeded"; readonly endedAt: number }
  | { readonly tag: "failed"; readonly endedAt: number; readonly reason?: string }
  | { readonly tag: "cancelled"; readonly endedAt: number; readonly reason: CancelReason };

/** A step that stands for others: a `forEach` over its items, or a `plan` over the steps of a subplan. */
export interface Container {
  readonly kind: "forEach" | "plan";
  readonly children: number[];
  /** Children that have not ended. */
  left: number;
  /** Children that take one of its places now. */
  running: number;
  /** Of those, the ones that take no slot of the run: containers and questions. */
  readonly inside: Set<number>;
  /** Containers and questions among the children that wait for one of its places, from `heldHead` on. */
  readonly held: number[];
  heldHead: number;
  readonly maxConcurrency: number;
  /** What is cut from the front of a child's id to get the id it has inside the subplan. */
  readonly prefix: string;
  /** Parameters that expressions of the children see. */
  readonly params: JsonObject;
}

/** Ready steps that ask for the same things: if the first one has no place, neither have the others. */
export interface Lane {
  readonly heap: Heap;
  /** Whether it is among {@link RunState.activeLanes}. */
  isActive: boolean;
  readonly resources: readonly (readonly [pool: string, units: number])[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** Globs for which its steps take turns with whoever may write the same files. */
  readonly turns: readonly string[];
  readonly agent: boolean;
  /** The container whose limit counts, or -1. */
  readonly container: number;
}

export interface LockUse {
  readers: number;
  writers: number;
}

/** Counts of steps by phase, kept as they change. */
export type PhaseCounts = Record<StepPhase["tag"], number>;

export interface RunState {
  readonly run: string;
  /** Of the last event folded in. */
  seq: number;
  readonly createdAt: number;
  startedAt: number | undefined;
  lastTime: number;
  phase: RunPhase;
  plan: Plan;
  options: RunOptions;
  /** The plan's own steps; added ones have their edges in {@link extraSuccessors}. */
  graph: Graph;

  readonly steps: Step[];
  readonly indexOf: Map<string, number>;
  readonly phases: StepPhase[];
  /** Attempts started so far, over all resumes. */
  readonly attempts: number[];
  /** Attempts that no longer count for `retry`: those before the last resume. */
  readonly attemptBase: number[];
  /** When the first attempt since the last resume started: `totalTimeout` counts from there. */
  readonly firstStart: (number | undefined)[];
  /** When the first attempt of all started. */
  readonly startedTimes: (number | undefined)[];
  /** Predecessors, hard and soft, that have not ended. */
  readonly unresolved: number[];
  readonly layers: number[];
  /** The container that a step is a child of, or -1. */
  readonly parents: number[];
  readonly items: Map<number, Json>;
  readonly containers: Map<number, Container>;
  /** The step that added this one while it ran; absent for steps of the plan and children. */
  readonly addedBy: Map<number, number>;
  readonly extraSuccessors: Map<number, number[]>;
  /** Which lane a step competes in, or -1 while unknown. */
  readonly laneOf: number[];
  /** Longest expected remaining path from the step on; set by the engine, 0 before. */
  weight: (step: number) => number;
  /** Which of two ready steps goes first; a strict order. */
  before: (a: number, b: number) => boolean;
  /** Steps whose condition was found to hold in this stay of the engine. */
  readonly conditionHolds: Set<number>;
  /** Successes in the order in which they were recorded (with what was undone since still in). */
  readonly successes: number[];

  /** Commit of the project's checkout when the run was created. */
  readonly gitHead: string | undefined;
  /** The branch that it was on; `undefined`: none. */
  readonly branch: string | undefined;
  /** What the integration branch begins at, if not at {@link gitHead}. */
  readonly begin: string | undefined;
  /** How its work landed, or why not; `undefined`: it has not been tried since the run went on last. */
  landing: Landed | undefined;
  /** What is known of agents' steps, by id. */
  readonly agentRecords: Map<string, AgentRecord>;
  /** Who worked last in a group's worktree: ids of steps by group. */
  readonly groupUsers: Map<string, string>;

  readonly lanes: Lane[];
  /** Lanes with entries, in no order: an empty one leaves when it is next looked at. */
  readonly activeLanes: Lane[];
  readonly laneKeys: Map<string, number>;
  /** Attempts started since the queues were last made anew. */
  starts: number;
  /** Of those, how many there were when a step that wants pools or locks became ready. */
  readonly readySince: Map<number, number>;
  /** Steps whose predecessors have ended and that need a look before they compete: conditions, questions, containers, skips. */
  readonly arrivals: number[];
  arrivalsHead: number;
  /** Containers whose children have all ended. */
  readonly finishing: number[];
  finishingHead: number;
  /** Steps that wait for their next attempt, the earliest first. */
  retries: Heap;
  /** Of those, the ones whose wait is over: they compete for a place. */
  readonly due: Set<number>;
  /** Steps that wait for their layer, by layer. */
  readonly held: Map<number, number[]>;
  /** Top-level steps that have not ended, by layer. */
  readonly layerLeft: number[];
  openLayer: number;
  /** Steps with a question: in phase `asking`, or running meanwhile. */
  readonly asking: Set<number>;
  /** Steps in phase `asking` whose answer was given. */
  readonly answered: number[];
  answeredHead: number;

  counts: PhaseCounts;
  /** Steps that have not ended. */
  open: number;
  /** Failed steps that fail the run. */
  fatal: number;
  /** Slots taken: running attempts. */
  slots: number;
  agents: number;
  readonly pools: Map<string, number>;
  readonly locks: Map<string, LockUse>;
  readonly writing: Writing;
  /** An undo of succeeded steps is going on. */
  rollback: { readonly steps: readonly number[]; next: number } | undefined;
  /** A rollback of this stay of the engine is done. */
  rolledBack: boolean;
}

/** As recorded. */
export type Landed = EventOf<"run.landed" | "landing.refused">["data"];

export const WAITING: StepPhase = { tag: "waiting" };

export function phaseOf(state: RunState, step: number): StepPhase {
  return present(state.phases[step], "phase of step", step);
}

/** What a person is asked about the step now, and has not answered. */
export function questionOf(phase: StepPhase): OpenQuestion | undefined {
  if (phase.tag === "running") return phase.asks;
  return phase.tag === "asking" && phase.answer === undefined ? phase : undefined;
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

/** Whether dependents may build on the step. A step skipped by its condition counts: whoever needs its output asks {@link outputOf}. */
export function satisfies(phase: StepPhase): boolean {
  if (phase.tag === "succeeded" || phase.tag === "cached") return true;
  return phase.tag === "skipped" && phase.reason.kind !== "dependency";
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

/** Visits every step that waits for `step`, hard or soft. */
export function forEachSuccessor(state: RunState, step: number, visit: (successor: number) => void): void {
  const { graph } = state;
  if (step < graph.size) {
    for (const list of [graph.dependents, graph.followers]) {
      const end = list.offsets[step + 1] ?? 0;
      for (let at = list.offsets[step] ?? 0; at < end; at++) visit(list.targets[at] as number);
    }
  }
  const extra = state.extraSuccessors.get(step);
  if (extra) for (const successor of extra) visit(successor);
}

/** Visits the numbers of the step's hard predecessors, in no order; without looking up names where the graph knows them. */
export function forEachDep(state: RunState, step: number, visit: (dep: number) => void): void {
  const { size, deps } = state.graph;
  if (step >= size) return depsOf(state, step).forEach(visit);
  const end = deps.offsets[step + 1] ?? 0;
  for (let at = deps.offsets[step] ?? 0; at < end; at++) visit(deps.targets[at] as number);
}

/** The numbers of the step's hard predecessors, in the order of its `deps`. */
export function depsOf(state: RunState, step: number): number[] {
  return (stepAt(state, step).deps ?? []).map((id) => present(state.indexOf.get(id), "dep", id));
}

/** Whether the step stands for others and takes no slot of its own. */
export function isContainerStep(step: Step): boolean {
  return step.forEach !== undefined || step.action.kind === "plan";
}

/** The exclusive place that agents of one group take in turns, since they share a worktree. No lock of a plan has such a name. */
export function groupTurn(step: Step): string | undefined {
  return step.action.kind === "agent" && step.group !== undefined ? `group ${step.group}` : undefined;
}
