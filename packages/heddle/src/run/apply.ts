/**
 * State change: `apply(state, event)` is the one function that changes a run's facts. Does not judge events (the history
 * checker does): it folds them as they come, in time proportional to the edges of their step.
 */
import { type AttemptWait, waitAfter, waitIn } from "./attempt-wait.ts";
import { present, unreachable } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import { ok, type Result } from "../base/result.ts";
import { buildGraph } from "../graph/build.ts";
import type { Graph, GraphProblem } from "../graph/graph.ts";
import { recordAfter } from "./agent-record.ts";
import type { Event, EventOf } from "./event.ts";
import { addSteps } from "./add-steps.ts";
import { withConcurrency } from "./concurrency.ts";
import { arrive, requeue, requeueAll } from "./queue.ts";
import { emptyIndex, rebuildIndex } from "./reindex.ts";
import { applyResumed, takeUp } from "./resume.ts";
import { setPhase } from "./set-phase.ts";
import { contends } from "./slots.ts";
import { addRow, forgetAttempts, newRow } from "./step-table.ts";
import { applyTimerSet, beginWait, keepSignal, takeSignal } from "./waits.ts";
import { isRunEnded, isWaitStep, phaseOf, stepAt, WAITING, type RunState } from "./state.ts";
import { recordUsage } from "./usage.ts";
import { newVolatile } from "./volatile.ts";

/** The state after `run.created`. The graph is built from the plan unless it is passed in. */
export function createState(created: EventOf<"run.created">, graph?: Graph): Result<RunState, readonly GraphProblem[]> {
  const { plan, options, gitHead, branch, begin, rules = 1 } = created.data;
  const built: Result<Graph, readonly GraphProblem[]> = graph ? ok(graph) : buildGraph(plan.steps);
  if (!built.ok) return built;
  const state: RunState = {
    run: created.run,
    seq: created.seq,
    createdAt: created.time,
    startedAt: undefined,
    lastTime: created.time,
    workedMs: 0,
    takenUpAt: created.time,
    workedUntil: created.time,
    endsAnswered: false,
    phase: { tag: "created" },
    unpausedAt: 0,
    plan,
    options,
    rules,
    steps: [],
    phases: [],
    attempts: [],
    pastAttempts: new Map(),
    attemptBase: [],
    firstStart: [],
    startedTimes: [],
    layers: [],
    parents: [],
    arrivals: [],
    arrivedTimes: [],
    arrived: 0,
    starts: 0,
    readySince: new Map(),
    lockWaits: new Map(),
    shortage: undefined,
    items: new Map(),
    containers: new Map(),
    addedBy: new Map(),
    askedAt: new Map(),
    successes: [],
    examined: new Map(),
    signals: new Map(),
    signalIds: new Set(),
    gitHead,
    branch,
    begin,
    merges: [],
    landing: undefined,
    agentRecords: new Map(),
    groupUsers: new Map(),
    usage: new Map(),
    rollback: undefined,
    rolledBack: false,
    index: emptyIndex(built.value, () => state),
    volatile: newVolatile(),
  };
  plan.steps.forEach((step, at) => addRow(state, newRow(step, built.value.layerOf[at] ?? 0)));
  rebuildIndex(state);
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

/** Folds one event in. The event names steps of this run: the history checker and the journal's reader check that first. */
export function apply(state: RunState, event: Event): void {
  const idleMs = Math.max(0, event.time - state.lastTime);
  state.seq = event.seq;
  state.lastTime = event.time;
  state.endsAnswered = event.type === "approval.given" || event.type === "signal.received";
  if (event.type === "run.resumed") countWork(state, event.time);
  if (!state.endsAnswered) state.workedUntil = event.time;
  switch (event.type) {
    case "run.created":
      return;
    case "run.started":
      state.startedAt = event.time;
      takeUp(state);
      state.phase = { tag: "running" };
      return;
    case "run.resumed":
      applyResumed(state, event, idleMs);
      return;
    case "run.options":
      return applyOptions(state, event.data.maxConcurrency);
    case "machine.short":
      state.shortage = event.data;
      return;
    case "run.paused":
      state.phase = { tag: "paused", reason: event.data.reason };
      state.shortage = undefined;
      return requeueSheltered(state);
    case "run.unpaused":
      state.phase = { tag: "running" };
      state.unpausedAt = event.time;
      return requeueSheltered(state);
    case "run.succeeded":
      state.phase = { tag: "succeeded", endedAt: event.time };
      return;
    case "run.failed":
      state.phase = defined({ tag: "failed", endedAt: event.time, reason: event.data.reason });
      return;
    case "run.cancelled":
      state.phase = { tag: "cancelled", endedAt: event.time, reason: event.data.reason };
      return;
    case "run.landed":
    case "landing.refused":
      state.landing = event.data;
      return;
    case "signal.received":
      keepSignal(state, event);
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

/** Steps that are begun one at a time are begun in another order: their queues are built anew where that is over. */
function applyOptions(state: RunState, maxConcurrency: number): void {
  const { sequential } = state.options;
  state.options = withConcurrency(state.options, maxConcurrency);
  if (state.options.sequential !== sequential) rebuildIndex(state);
}

/** What is always to run has other deadlines in a paused run. */
function requeueSheltered(state: RunState): void {
  if (state.index.always.size > 0) requeueAll(state);
}

/** The time of a run that has ended begins anew when it goes on: somebody decided so. */
function countWork(state: RunState, now: number): void {
  const worked = state.workedMs + Math.max(0, state.workedUntil - state.takenUpAt);
  state.workedMs = isRunEnded(state.phase) ? 0 : worked;
  state.takenUpAt = now;
}

type StepwiseEvent = Extract<Event, { readonly step: string }>;

function applyToStep(state: RunState, step: number, event: StepwiseEvent): void {
  if (stepAt(state, step).action.kind === "agent") noteAgent(state, event);
  switch (event.type) {
    case "step.started":
      state.attempts[step] = event.attempt;
      state.firstStart[step] ??= event.time;
      state.startedTimes[step] ??= event.time;
      if (isWaitStep(stepAt(state, step))) return beginWait(state, step, event);
      state.starts++;
      state.shortage = undefined;
      state.readySince.delete(step);
      setPhase(state, step, { tag: "running", attempt: event.attempt, since: event.time });
      return;
    case "step.examined":
      state.examined.set(step, event.data);
      requeue(state, step);
      return;
    case "timer.set":
      return applyTimerSet(state, step, event);
    case "timer.fired": {
      const phase = phaseOf(state, step);
      if (phase.tag === "sleeping" || phase.tag === "waiting-for-signal")
        setPhase(state, step, { ...phase, fired: true });
      return;
    }
    case "worktree.merged":
      state.merges.push({ commit: event.data.commit, onto: event.data.onto });
      return;
    case "step.progress":
      return followWait(state, step, event);
    case "worktree.created":
      return setWait(state, step, undefined);
    case "worktree.conflicted":
    case "worktree.removed":
    case "lesson.recorded":
      return;
    case "usage.recorded":
      recordUsage(state.usage, event);
      return;
    case "step.succeeded":
      takeSignal(state, step);
      state.successes.push(step);
      setPhase(state, step, {
        tag: "succeeded",
        output: event.data.output,
        durationMs: event.data.durationMs,
        endedAt: event.time,
      });
      return;
    case "step.cached":
      setPhase(state, step, { tag: "cached", output: event.data.output, from: event.data.from, endedAt: event.time });
      return;
    case "step.reused":
      setPhase(state, step, { ...event.data, tag: "cached", endedAt: event.time });
      return;
    case "step.skipped":
      setPhase(state, step, { tag: "skipped", reason: event.data.reason, endedAt: event.time });
      return;
    case "step.failed":
      takeSignal(state, step, event.data.error.code === "output");
      applyFailed(state, step, event);
      return;
    case "step.cancelled":
      setPhase(state, step, {
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
      forgetAttempts(state, step);
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
  return present(state.index.byId.get(id), "step", id);
}

function advanceRollback(state: RunState): void {
  if (state.rollback) state.rollback = { ...state.rollback, next: state.rollback.next + 1 };
}

function applyFailed(state: RunState, step: number, event: EventOf<"step.failed">): void {
  const { error, durationMs, willRetry } = event.data;
  if (!willRetry) {
    setPhase(state, step, { tag: "failed", error, durationMs, endedAt: event.time });
    return;
  }
  if (contends(state, step)) state.readySince.set(step, state.starts);
  setPhase(state, step, {
    tag: "retrying",
    retryAt: event.data.retryAt ?? event.time,
    delayMs: event.data.retryDelayMs ?? 0,
    error,
  });
}

function followWait(state: RunState, step: number, event: EventOf<"step.progress">): void {
  const phase = phaseOf(state, step);
  if (phase.tag === "running") return setWait(state, step, waitAfter(phase.waits, event));
  const wait = waitIn(event.data, event.time);
  if (wait?.for === "lock") state.lockWaits.set(step, wait);
}

/** No change of its phase: it holds what it held, and is where it was. */
function setWait(state: RunState, step: number, waits: AttemptWait | undefined): void {
  const phase = phaseOf(state, step);
  if (phase.tag !== "running" || phase.waits === waits) return;
  const { waits: _before, ...rest } = phase;
  state.phases[step] = waits === undefined ? rest : { ...rest, waits };
}

function applyAsked(state: RunState, step: number, event: EventOf<"approval.requested">): void {
  const { about } = event.data;
  const phase = phaseOf(state, step);
  if (about === "permission") {
    state.askedAt.set(step, event.time);
    if (phase.tag === "running") setPhase(state, step, { ...phase, asks: event.data });
    return;
  }
  if (about === "step") {
    state.attempts[step] = event.attempt;
    state.startedTimes[step] ??= event.time;
  }
  setPhase(state, step, { ...event.data, tag: "waiting-for-answer", since: event.time });
}

function applyAnswer(state: RunState, step: number, event: EventOf<"approval.given">): void {
  const phase = phaseOf(state, step);
  if (phase.tag === "running") {
    const { asks: _asks, ...rest } = phase;
    setPhase(state, step, rest);
    return;
  }
  if (phase.tag !== "waiting-for-answer") return;
  if (phase.about !== "step" && event.data.decision === "approve") {
    forgetAttempts(state, step);
    setPhase(state, step, WAITING);
    // What the step comes after may itself run again since the question was put.
    if (state.index.unresolved[step] === 0) arrive(state, step);
    return;
  }
  setPhase(state, step, { ...phase, answer: event.data });
}
