/**
 * The one function that changes a run's state: `apply(state, event)`. What happened is never judged here (that is the
 * invariants' work): events are folded as they come, in time proportional to the edges of the step they name.
 */
import { present, unreachable } from "../base/assert.ts";
import { ok, type Result } from "../base/result.ts";
import { buildGraph } from "../graph/build.ts";
import type { Graph, GraphProblem } from "../graph/graph.ts";
import type { Step } from "../plan/plan.ts";
import { recordAfter } from "./agent-record.ts";
import type { Event, EventOf } from "./event.ts";
import { addSteps } from "./add-steps.ts";
import {
  arrive,
  enqueue,
  goesBefore,
  leaveContainer,
  openLayers,
  resetQueues,
  retryHeap,
  returnPlaces,
  takePlaces,
} from "./queue.ts";
import { applyResumed } from "./resume.ts";
import { emptyCounts, forgetAttempts, register, setPhase } from "./step-table.ts";
import { forEachSuccessor, isTolerated, phaseOf, stepAt, WAITING, type RunState, type StepPhase } from "./state.ts";
import { Writing } from "./write-locks.ts";

/** The state after `run.created`. The graph is built from the plan unless it is at hand. */
export function createState(created: EventOf<"run.created">, graph?: Graph): Result<RunState, readonly GraphProblem[]> {
  const { plan, options } = created.data;
  const built: Result<Graph, readonly GraphProblem[]> = graph ? ok(graph) : buildGraph(plan.steps);
  if (!built.ok) return built;
  const state: RunState = {
    run: created.run,
    seq: created.seq,
    createdAt: created.time,
    startedAt: undefined,
    lastTime: created.time,
    phase: { tag: "created" },
    plan,
    options,
    graph: built.value,
    steps: [],
    indexOf: new Map(),
    phases: [],
    attempts: [],
    attemptBase: [],
    firstStart: [],
    startedTimes: [],
    unresolved: [],
    layers: [],
    parents: [],
    items: new Map(),
    containers: new Map(),
    addedBy: new Map(),
    extraSuccessors: new Map(),
    laneOf: [],
    weight: () => 0,
    before: (a, b) => goesBefore(state, a, b),
    conditionHolds: new Set(),
    successes: [],
    gitHead: created.data.gitHead,
    branch: created.data.branch,
    begin: created.data.begin,
    landing: undefined,
    agentRecords: new Map(),
    groupUsers: new Map(),
    lanes: [],
    activeLanes: [],
    laneKeys: new Map(),
    starts: 0,
    readySince: new Map(),
    arrivals: [],
    arrivalsHead: 0,
    finishing: [],
    finishingHead: 0,
    retries: retryHeap(() => state),
    due: new Set(),
    held: new Map(),
    layerLeft: [],
    openLayer: 0,
    asking: new Set(),
    answered: [],
    answeredHead: 0,
    counts: emptyCounts(),
    open: 0,
    fatal: 0,
    slots: 0,
    agents: 0,
    pools: new Map(),
    locks: new Map(),
    writing: new Writing(),
    rollback: undefined,
    rolledBack: false,
  };
  for (let i = 0; i < plan.steps.length; i++) register(state, plan.steps[i] as Step, built.value.layerOf[i] ?? 0, -1);
  return ok(state);
}

/** Folds a whole history, `run.created` first. */
export function fold(events: Iterable<Event>, graph?: Graph): RunState | undefined {
  let state: RunState | undefined;
  for (const event of events) {
    if (state !== undefined) apply(state, event);
    else if (event.type === "run.created") {
      const created = createState(event, graph);
      if (!created.ok) return undefined;
      state = created.value;
    } else return undefined;
  }
  return state;
}

/** Folds one event in. The event names steps of this run: `invariants.ts` and the journal's reader check that first. */
export function apply(state: RunState, event: Event): void {
  const idleMs = Math.max(0, event.time - state.lastTime);
  state.seq = event.seq;
  state.lastTime = event.time;
  switch (event.type) {
    case "run.created":
      return;
    case "run.started":
      state.startedAt = event.time;
      state.phase = { tag: "running" };
      resetQueues(state);
      return;
    case "run.resumed":
      applyResumed(state, event, idleMs);
      return;
    case "run.paused":
      state.phase = { tag: "paused", reason: event.data.reason };
      return;
    case "run.unpaused":
      state.phase = { tag: "running" };
      return;
    case "run.succeeded":
      state.phase = { tag: "succeeded", endedAt: event.time };
      return;
    case "run.failed":
      state.phase = {
        tag: "failed",
        endedAt: event.time,
        ...(event.data.reason === undefined ? {} : { reason: event.data.reason }),
      };
      return;
    case "run.cancelled":
      state.phase = { tag: "cancelled", endedAt: event.time, reason: event.data.reason };
      return;
    case "run.landed":
    case "landing.refused":
      state.landing = event.data;
      return;
    case "rollback.started":
      state.rollback = { steps: event.data.steps.map((id) => numberOf(state, id)), next: 0 };
      return;
    case "rollback.ended":
      state.rollback = undefined;
      state.rolledBack = true;
      return;
    default:
      applyToStep(state, numberOf(state, event.step), event);
  }
}

type StepwiseEvent = Extract<Event, { readonly step: string }>;

function applyToStep(state: RunState, step: number, event: StepwiseEvent): void {
  if (stepAt(state, step).action.kind === "agent") noteAgent(state, event);
  switch (event.type) {
    case "step.started":
      state.attempts[step] = event.attempt;
      state.firstStart[step] ??= event.time;
      state.startedTimes[step] ??= event.time;
      state.due.delete(step);
      state.starts++;
      state.readySince.delete(step);
      setPhase(state, step, { tag: "running", attempt: event.attempt, since: event.time });
      takePlaces(state, step);
      return;
    case "step.progress":
    case "worktree.created":
    case "worktree.merged":
    case "worktree.conflicted":
    case "worktree.removed":
    case "usage.recorded":
      return;
    case "step.succeeded":
      state.successes.push(step);
      end(state, step, {
        tag: "succeeded",
        output: event.data.output,
        durationMs: event.data.durationMs,
        endedAt: event.time,
      });
      return;
    case "step.cached":
      end(state, step, { tag: "cached", output: event.data.output, from: event.data.from, endedAt: event.time });
      return;
    case "step.skipped":
      end(state, step, { tag: "skipped", reason: event.data.reason, endedAt: event.time });
      return;
    case "step.failed":
      applyFailed(state, step, event);
      return;
    case "step.cancelled":
      end(state, step, {
        tag: "cancelled",
        reason: event.data.reason,
        durationMs: event.data.durationMs,
        endedAt: event.time,
      });
      return;
    case "steps.added":
      addSteps(state, step, event);
      return;
    case "approval.requested":
      applyAsked(state, step, event);
      return;
    case "approval.given":
      applyAnswer(state, step, event);
      return;
    case "step.rolledback":
      state.open++;
      setPhase(state, step, WAITING);
      advanceRollback(state);
      return;
    case "rollback.failed":
      advanceRollback(state);
      return;
    default:
      unreachable(event);
  }
}

function noteAgent(state: RunState, event: StepwiseEvent): void {
  const step = stepAt(state, numberOf(state, event.step));
  const { agentRecords, groupUsers } = state;
  const known = agentRecords.get(step.id) ?? {};
  const next = recordAfter(known, event);
  if (next !== known) agentRecords.set(step.id, next);
  if (event.type === "step.started" && step.group !== undefined) groupUsers.set(step.group, step.id);
}

function numberOf(state: RunState, id: string): number {
  return present(state.indexOf.get(id), "step", id);
}

function advanceRollback(state: RunState): void {
  if (state.rollback) state.rollback.next++;
}

function applyFailed(state: RunState, step: number, event: EventOf<"step.failed">): void {
  const { error, durationMs, willRetry } = event.data;
  if (!willRetry) {
    if (!isTolerated(state, step)) state.fatal++;
    end(state, step, { tag: "failed", error, durationMs, endedAt: event.time });
    return;
  }
  returnPlaces(state, step);
  setPhase(state, step, {
    tag: "retrying",
    retryAt: event.data.retryAt ?? event.time,
    delayMs: event.data.retryDelayMs ?? 0,
    error,
  });
  state.retries.push(step);
}

function applyAsked(state: RunState, step: number, event: EventOf<"approval.requested">): void {
  const { about } = event.data;
  const phase = phaseOf(state, step);
  if (about === "permission") {
    if (phase.tag === "running") setPhase(state, step, { ...phase, asks: event.data });
    return;
  }
  if (about === "step") {
    state.attempts[step] = event.attempt;
    state.startedTimes[step] ??= event.time;
  }
  if (about === "conflict" || about === "question") returnPlaces(state, step);
  setPhase(state, step, { ...event.data, tag: "asking", since: event.time });
}

function applyAnswer(state: RunState, step: number, event: EventOf<"approval.given">): void {
  const phase = phaseOf(state, step);
  if (phase.tag === "running") {
    const { asks: _asks, ...rest } = phase;
    setPhase(state, step, rest);
    return;
  }
  if (phase.tag !== "asking") return;
  if (phase.about !== "step" && event.data.decision === "approve") {
    forgetAttempts(state, step);
    setPhase(state, step, WAITING);
    // What the step comes after may itself run again since the question was put.
    if (state.unresolved[step] === 0) arrive(state, step);
    return;
  }
  setPhase(state, step, { ...phase, answer: event.data });
  state.answered.push(step);
}

/** A step reached its end: what waited for it moves on. */
function end(state: RunState, step: number, phase: StepPhase): void {
  returnPlaces(state, step);
  state.due.delete(step);
  setPhase(state, step, phase);
  leaveContainer(state, step);
  state.open--;
  const parent = state.parents[step] ?? -1;
  if (parent === -1) {
    const layer = state.layers[step] ?? 0;
    state.layerLeft[layer] = (state.layerLeft[layer] ?? 0) - 1;
  } else {
    const container = present(state.containers.get(parent), "container of step", step);
    container.left--;
    if (container.left === 0) state.finishing.push(parent);
  }
  forEachSuccessor(state, step, (successor) => {
    const left = (state.unresolved[successor] ?? 0) - 1;
    state.unresolved[successor] = left;
    if (left === 0) arrive(state, successor);
  });
  if (state.options.schedule === "layers") openLayers(state);
}

/** The step's condition was found to hold: {@link decide} goes on with it. */
export function confirmCondition(state: RunState, step: number): void {
  state.conditionHolds.add(step);
}

/** Nothing but a place is wanted any more: the step competes for one. */
export function admit(state: RunState, step: number): void {
  if (state.arrivals[state.arrivalsHead] === step) state.arrivalsHead++;
  if (phaseOf(state, step).tag === "retrying") state.due.add(step);
  enqueue(state, step);
}
