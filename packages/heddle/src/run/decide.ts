/**
 * What happens next: `decide(state, conditions)` names the commands that follow from what is recorded and from what the
 * engine sees of the world. It changes nothing, reads no clock and remembers nothing: the engine records each command as
 * events, folds them in, and asks again until there is none.
 *
 * Invariants:
 *  1. A step starts only when each of its predecessors has ended, its hard ones with success.
 *  2. Nothing starts in a run that is halted, paused or ended, nor past a limit.
 *  3. The run ends only when nothing runs any more.
 */
import type { RollbackMode } from "../plan/plan.ts";
import type { CancelReason, SkipReason, StepError } from "./event.ts";
import { closeDown } from "./close.ts";
import { blockerOf } from "./queue.ts";
import { isRunEnded, phaseOf, rootCause, stepAt, type Lane, type RunState } from "./state.ts";

/** What the engine knows and the history does not. */
export interface Conditions {
  /** On the engine's clock, for retries. */
  readonly now: number;
  /** Somebody or a timeout ended the run. */
  readonly halt: CancelReason | undefined;
  /** False while the machine is short of memory or CPU. */
  readonly admits: boolean;
  /** False for steps whose locks another run holds. */
  readonly locksFree: (step: number) => boolean;
  /** An undo is being carried out. */
  readonly undoing: boolean;
}

export type Command =
  /** Record `step.started`, then dispatch the attempt. */
  | { readonly kind: "start"; readonly step: number; readonly attempt: number }
  /** Record `step.started`, then find out the children of a container. */
  | { readonly kind: "expand"; readonly step: number; readonly attempt: number }
  /** Evaluate the step's condition: record a skip, or {@link admit} the step. */
  | { readonly kind: "evaluate"; readonly step: number }
  /** The step's condition holds or its wait is over: `admit` it. */
  | { readonly kind: "admit"; readonly step: number }
  | { readonly kind: "ask"; readonly step: number; readonly attempt: number; readonly about: "step" | "interrupt" }
  /** An answer was given: record the step's end. */
  | { readonly kind: "answer"; readonly step: number }
  | { readonly kind: "skip"; readonly step: number; readonly reason: SkipReason }
  | { readonly kind: "fail"; readonly step: number; readonly error: StepError }
  | { readonly kind: "cancel"; readonly step: number; readonly reason: CancelReason }
  /** All children of a container have ended. */
  | { readonly kind: "finish"; readonly step: number }
  | { readonly kind: "rollback"; readonly mode: RollbackMode; readonly steps: readonly number[] }
  | { readonly kind: "undo"; readonly step: number }
  | { readonly kind: "end-rollback" }
  | { readonly kind: "end"; readonly status: "succeeded" | "failed" | "cancelled"; readonly reason?: CancelReason };

const NOTHING: readonly Command[] = [];

export function decide(state: RunState, conditions: Conditions): readonly Command[] {
  if (state.rollback) return goOnUndoing(state, conditions);
  if (isRunEnded(state.phase) || state.phase.tag === "created") return NOTHING;

  const answered = state.answered.find((step) => hasAnswer(state, step));
  if (answered !== undefined) return [{ kind: "answer", step: answered }];
  const finished = nextFinished(state);
  if (finished !== undefined) return [{ kind: "finish", step: finished }];

  const halt = conditions.halt ?? (state.fatal > 0 && state.options.failure === "fail-fast" ? "fail-fast" : undefined);
  if (halt !== undefined || state.open === 0) return closeDown(state, halt);

  const arrival = lookAtArrival(state);
  if (arrival !== undefined) return [arrival];
  if (state.phase.tag === "paused") return NOTHING;

  const due = state.retries.top((step) => phaseOf(state, step).tag === "retrying" && !state.due.has(step));
  if (due !== undefined && dueAt(state, due) <= conditions.now) return [{ kind: "admit", step: due }];

  const step = nextToStart(state, conditions);
  return step === undefined ? NOTHING : [{ kind: "start", step, attempt: (state.attempts[step] ?? 0) + 1 }];
}

/** When the next waiting attempt is due, for the engine's timer; `undefined`: none waits. */
export function nextDue(state: RunState): number | undefined {
  const step = state.retries.top((candidate) => phaseOf(state, candidate).tag === "retrying" && !state.due.has(candidate));
  return step === undefined ? undefined : dueAt(state, step);
}

/** Whether somewhere a ready step competes for a place: with free slots it waits for pools, locks or admission. */
export function hasReady(state: RunState): boolean {
  return state.lanes.some((lane) => topOf(state, lane) !== undefined);
}

function dueAt(state: RunState, step: number): number {
  const phase = phaseOf(state, step);
  return phase.tag === "retrying" ? phase.retryAt : Number.POSITIVE_INFINITY;
}

function hasAnswer(state: RunState, step: number): boolean {
  const phase = phaseOf(state, step);
  return phase.tag === "asking" && phase.answer !== undefined;
}

function nextFinished(state: RunState): number | undefined {
  for (; state.finishingHead < state.finishing.length; state.finishingHead++) {
    const step = state.finishing[state.finishingHead] as number;
    if (phaseOf(state, step).tag === "expanded" && state.containers.get(step)?.left === 0) return step;
  }
  return undefined;
}

/** The first step whose predecessors have ended and that needs more than a place. Entries that were dealt with are dropped. */
function lookAtArrival(state: RunState): Command | undefined {
  for (; state.arrivalsHead < state.arrivals.length; state.arrivalsHead++) {
    const step = state.arrivals[state.arrivalsHead] as number;
    const phase = phaseOf(state, step);
    const attempt = (state.attempts[step] ?? 0) + 1;
    if (phase.tag === "interrupted") {
      if (stepAt(state, step).onInterrupt === "ask") return { kind: "ask", step, attempt: attempt - 1, about: "interrupt" };
      const message = "the engine died while the step ran, and its plan says `onInterrupt: fail`";
      return { kind: "fail", step, error: { code: "interrupted", message } };
    }
    if (phase.tag !== "waiting") continue;
    const blocker = blockerOf(state, step);
    if (blocker !== undefined) return { kind: "skip", step, reason: { kind: "dependency", cause: rootCause(state, blocker) } };
    if (state.phase.tag === "paused") return undefined;
    const definition = stepAt(state, step);
    if (definition.if !== undefined && !state.conditionHolds.has(step)) return { kind: "evaluate", step };
    if (definition.forEach !== undefined || definition.action.kind === "plan") return { kind: "expand", step, attempt };
    if (definition.action.kind === "approve") return { kind: "ask", step, attempt, about: "step" };
    return { kind: "admit", step };
  }
  return undefined;
}

/**
 * The first ready step that has a place. What a step ahead of it waits for is kept for that one: a large step is not starved
 * by a stream of small ones.
 */
function nextToStart(state: RunState, conditions: Conditions): number | undefined {
  if (state.slots >= state.options.maxConcurrency) return undefined;
  if (!conditions.admits && state.slots > 0) return undefined;
  const candidates: { readonly lane: Lane; readonly step: number }[] = [];
  for (const lane of state.lanes) {
    const step = topOf(state, lane);
    if (step !== undefined) candidates.push({ lane, step });
  }
  if (candidates.length === 0) return undefined;
  if (candidates.length > 1) candidates.sort((a, b) => (state.before(a.step, b.step) ? -1 : 1));
  const keptPools = new Set<string>();
  const keptLocks = new Set<string>();
  for (const { lane, step } of candidates) {
    if (lane.agent && state.agents >= state.options.maxAgents) continue;
    if (lane.container !== -1 && isContainerFull(state, lane.container)) continue;
    const short = lane.resources.filter(([pool, units]) => (state.pools.get(pool) ?? 0) + units > (state.plan.resources?.[pool] ?? 0));
    const busy = busyLocks(state, lane);
    const keeps = lane.resources.some(([pool]) => keptPools.has(pool)) || [...lane.read, ...lane.write].some((name) => keptLocks.has(name));
    if (short.length === 0 && busy.length === 0 && !keeps && conditions.locksFree(step)) return step;
    for (const [pool] of short) keptPools.add(pool);
    for (const name of busy) keptLocks.add(name);
  }
  return undefined;
}

function topOf(state: RunState, lane: Lane): number | undefined {
  return lane.heap.top((step) => phaseOf(state, step).tag === "waiting" || state.due.has(step));
}

function isContainerFull(state: RunState, container: number): boolean {
  const found = state.containers.get(container);
  return found !== undefined && found.running >= found.maxConcurrency;
}

function busyLocks(state: RunState, lane: Lane): string[] {
  const writersOf = (name: string): number => state.locks.get(name)?.writers ?? 0;
  const readersOf = (name: string): number => state.locks.get(name)?.readers ?? 0;
  return [
    ...lane.read.filter((name) => writersOf(name) > 0),
    ...lane.write.filter((name) => writersOf(name) + readersOf(name) > 0),
  ];
}

function goOnUndoing(state: RunState, conditions: Conditions): readonly Command[] {
  if (conditions.undoing || state.rollback === undefined) return NOTHING;
  const step = state.rollback.steps[state.rollback.next];
  return step === undefined ? [{ kind: "end-rollback" }] : [{ kind: "undo", step }];
}
