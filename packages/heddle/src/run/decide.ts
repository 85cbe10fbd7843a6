/**
 * Decision: `decide(state, world)` returns the commands that follow from the state and the world. Changes neither facts
 * nor index and remembers nothing: `transition.ts` carries each command out and asks again, until there is none.
 *
 * Invariants:
 *  1. A step starts only when each of its predecessors has ended, its hard ones with success if it is not `always` to run.
 *  2. Nothing starts in a run that is halted, but for what is sheltered, or paused or ended, or above a limit.
 *  3. The run ends only when nothing is running.
 */
import { present } from "../base/assert.ts";
import type { Command } from "./command.ts";
import type { CancelReason, MachineShortage } from "./event.ts";
import {
  cancelInside,
  cancelLate,
  closeDown,
  closeInside,
  endOfContainer,
  freeSheltered,
  haltReason,
  isWorkLeft,
  lateError,
} from "./finish.ts";
import { blockerOf, deadlineOf, retriesAt } from "./queue.ts";
import type { Lane } from "./run-index.ts";
import type { StepPhase } from "./facts.ts";
import { nextTaker } from "./listeners.ts";
import { hasSheltered } from "./shelter.ts";
import { areSlotsTaken, asksForHeld, fits, goesBefore, isFull, NOTHING_RESERVED, reserve } from "./slots.ts";
import {
  isContainerStep,
  isRunEnded,
  isWaiting,
  isWaitStep,
  phaseOf,
  rootCause,
  satisfies,
  stepAt,
  type RunState,
} from "./state.ts";
import type { Volatile } from "./volatile.ts";

/** What is seen of the world when it is decided what follows. */
export interface Readings {
  /** On the engine's clock, in milliseconds. */
  readonly now: number;
  /** What the machine lacks; `undefined`: it can take one more attempt. */
  readonly load: MachineShortage | undefined;
  /** Steps whose locks are held for them over all runs of the project. */
  readonly locks: ReadonlySet<number>;
}

/** Examinations at once. They take no slot. */
export const MOST_EXAMINATIONS = 8;

const NOTHING: readonly Command[] = [];

export function decide(state: RunState, readings: Readings): readonly Command[] {
  const { index, volatile } = state;
  if (state.rollback) return goOnUndoing(state);
  if (isRunEnded(state.phase) || state.phase.tag === "created") return NOTHING;

  const answered = index.answered.first;
  if (answered !== undefined)
    return [{ kind: isWaiting(phaseOf(state, answered).tag) ? "end-wait" : "answer", step: answered }];
  const taker = nextTaker(state);
  if (taker !== undefined) return [{ kind: "take-signal", step: taker }];
  const finished = index.finishing.first;
  if (finished !== undefined) return [endOfContainer(state, finished)];

  if (volatile.halt === undefined && (volatile.endsAt ?? Infinity) <= readings.now)
    return [{ kind: "halt", reason: "run-timeout" }];
  const halt = haltReason(state);
  if (halt !== undefined && needsStop(volatile, halt)) return [{ kind: "stop-all", reason: halt }];
  // What a rollback put back to waiting is for the next resume.
  if (index.open === 0 || state.rolledBack) return closeDown(state);
  if (halt === undefined) return goOn(state, readings);
  if (!hasSheltered(state)) return closeDown(state);
  const late = cancelLate(state, halt);
  if (late.length > 0) return late;
  const next = goOn(state, readings);
  if (next.length > 0 || isWorkLeft(state)) return next;
  const freed = freeSheltered(state, halt);
  return freed.length > 0 ? freed : closeDown(state);
}

/** A cancel after a failure bounds what is sheltered: those attempts are told too. */
function needsStop({ stoppedAt, cancelledAt }: Volatile, halt: CancelReason): boolean {
  return stoppedAt === undefined || (halt !== "fail-fast" && cancelledAt === undefined);
}

/** What follows in a run that goes on. In one that ends early only what is sheltered is in the queues. */
function goOn(state: RunState, readings: Readings): readonly Command[] {
  const { index, volatile } = state;
  const overdue = index.deadlines.first;
  if (overdue !== undefined && (deadlineOf(state, overdue) ?? Infinity) <= readings.now)
    return [whenDue(state, overdue, readings.now)];
  // One container at a time: of two that timed out one may be inside the other.
  for (const container of volatile.expired.keys()) {
    const late = cancelInside(state, container, "step-timeout");
    if (late.length > 0) return late;
  }
  for (const subplan of index.failingPlans) {
    if (!volatile.stopped.has(subplan)) return [{ kind: "stop-inside", step: subplan }];
    const rest = closeInside(state, subplan);
    if (rest.length > 0) return rest;
  }

  const layer = layerToPauseBefore(state);
  if (layer !== undefined) return [{ kind: "pause-before-layer", layer }];
  const arrival = lookAtArrival(state);
  if (arrival !== undefined) return [arrival];
  if (state.phase.tag === "paused") return NOTHING;

  const unexamined = index.unexamined.first;
  if (unexamined !== undefined && volatile.examining.size < MOST_EXAMINATIONS)
    return [{ kind: "examine", step: unexamined }];
  const due = index.retries.first;
  if (due !== undefined && retriesAt(state, due) <= readings.now) return [{ kind: "retry", step: due }];

  return nextToStart(state, readings);
}

/** When the passing of time alone changes what follows, later than now; `undefined`: it does not. */
export function nextDue(state: RunState): number | undefined {
  // Undos are let finish, whatever else is due meanwhile.
  if (isRunEnded(state.phase) || state.phase.tag === "created" || state.rollback !== undefined) return undefined;
  const { index, volatile } = state;
  const due = [volatile.halt === undefined ? volatile.endsAt : undefined];
  // In a run that ends early only what is sheltered is in the queues.
  if (index.deadlines.first !== undefined) due.push(deadlineOf(state, index.deadlines.first));
  if (index.retries.first !== undefined && state.phase.tag !== "paused")
    due.push(retriesAt(state, index.retries.first));
  const next = Math.min(...due.map((time) => time ?? Infinity));
  return next === Infinity ? undefined : next;
}

function deadlineIn(phase: StepPhase): number | undefined {
  return "deadline" in phase ? phase.deadline : undefined;
}

function whenDue(state: RunState, step: number, now: number): Command {
  const phase = phaseOf(state, step);
  if (phase.tag === "expanded") {
    const error = lateError(state, step, now);
    return error === undefined ? { kind: "expire", step } : { kind: "fail", step, error };
  }
  // Its own time is not over: that of what is sheltered is.
  const ownEnd = phase.tag === "sleeping" ? phase.at : phase.tag === "running" ? now : deadlineIn(phase);
  if ((ownEnd ?? Infinity) > now) return { kind: "cancel", step, reason: haltReason(state) ?? "step-timeout" };
  return { kind: isWaiting(phase.tag) ? "fire" : "expire-question", step };
}

/** The layer before which a run that is let through layer by layer stops now. */
function layerToPauseBefore({ phase, index, volatile }: RunState): number | undefined {
  if (!volatile.policy.pausesBeforeLayers || phase.tag !== "running" || volatile.stoppedAt !== undefined)
    return undefined;
  return index.openLayer === volatile.passedLayer ? undefined : index.openLayer;
}

/** What the first step is wanted for whose predecessors have ended and that needs more than a slot. */
function lookAtArrival(state: RunState): Command | undefined {
  const step = state.index.arrivals.first;
  if (step === undefined) return undefined;
  const attempt = (state.attempts[step] ?? 0) + 1;
  const definition = stepAt(state, step);
  if (phaseOf(state, step).tag === "interrupted") {
    if (definition.onInterrupt === "ask") return { kind: "ask", step, attempt: attempt - 1, about: "interrupt" };
    const message = "heddle died while the step was running, and the plan says `onInterrupt: fail`";
    return { kind: "fail", step, error: { code: "interrupted", message } };
  }
  const isUnasked = definition.if !== undefined && !state.volatile.holds.has(step);
  const blocker = blockerOf(state, step);
  // A dep without an output overrules no condition of the step's own: that is asked first.
  const isMissingOutput = blocker !== undefined && satisfies(phaseOf(state, blocker));
  if (blocker !== undefined && !(isUnasked && isMissingOutput))
    return { kind: "skip", step, reason: { kind: "dependency", cause: rootCause(state, blocker) } };
  if (state.phase.tag === "paused") return undefined;
  if (isUnasked) return { kind: "evaluate", step };
  if (isContainerStep(definition)) return { kind: "expand", step, attempt };
  if (isWaitStep(definition)) return { kind: "wait", step, attempt };
  return { kind: "ask", step, attempt, about: "step" };
}

/**
 * How many other starts a step waits for before its resources are reserved for it. Smaller steps may go first for a
 * while, because that shortens most runs, but not forever.
 */
const PATIENCE = 16;

/**
 * The first ready step that has a slot, and the steps ahead of it that first have to be granted their locks. What a step ahead
 * of it has asked for in vain for a while is reserved for that one, all of it and not only what is short: a large step is not
 * starved by streams of small ones that take turns with its pools and locks. Not where it waits for an open container.
 */
function nextToStart(state: RunState, { load, locks }: Readings): readonly Command[] {
  const { index } = state;
  if (areSlotsTaken(state)) return NOTHING;
  if (load !== undefined && index.slots > 0) return NOTHING;
  const candidates = readyLanes(state);
  if (candidates.length === 0) return NOTHING;
  const commands: Command[] = [];
  let reserved = NOTHING_RESERVED;
  for (let at = 0; at < candidates.length; at++) {
    if (at < 2) bringForward(state, candidates, at);
    const lane = candidates[at] as Lane;
    const step = firstOf(lane);
    if (!fits(state, lane, reserved)) {
      const hasWaited = state.starts - (state.readySince.get(step) ?? 0) >= PATIENCE;
      if (hasWaited && !asksForHeld(state, lane)) reserved = reserve(lane, reserved);
    } else if (!lane.isShared || locks.has(step)) {
      commands.push(startOf(state, lane, step));
      return commands;
    } else commands.push({ kind: "lock", step });
  }
  return commands;
}

function startOf(state: RunState, lane: Lane, step: number): Command {
  if (phaseOf(state, step).tag === "expanded") return { kind: "hold", step };
  return { kind: lane.takesSlot ? "start" : "expand", step, attempt: (state.attempts[step] ?? 0) + 1 };
}

/** Lanes with a step that no limit of its own stops. */
function readyLanes(state: RunState): Lane[] {
  const ready: Lane[] = [];
  for (const lane of state.index.activeLanes)
    if (lane.heap.first !== undefined && !isFull(state, lane)) ready.push(lane);
  return ready;
}

/** The step of a ready lane whose turn it is. */
function firstOf(lane: Lane): number {
  return present(lane.heap.first, "first step of a ready lane");
}

/** Puts the candidates in order from `at` on: the first alone, as it mostly fits; all others when it did not. */
function bringForward(state: RunState, candidates: Lane[], at: number): void {
  if (at > 0) {
    const rest = candidates.splice(at).sort((a, b) => (goesBefore(state, firstOf(a), firstOf(b)) ? -1 : 1));
    for (const candidate of rest) candidates.push(candidate);
    return;
  }
  for (let other = 1; other < candidates.length; other++) {
    const candidate = candidates[other] as Lane;
    const first = candidates[0] as Lane;
    if (!goesBefore(state, firstOf(candidate), firstOf(first))) continue;
    candidates[0] = candidate;
    candidates[other] = first;
  }
}

function goOnUndoing({ rollback, volatile }: RunState): readonly Command[] {
  if (volatile.isUndoing || rollback === undefined) return NOTHING;
  const step = rollback.steps[rollback.next];
  return step === undefined ? [{ kind: "end-rollback" }] : [{ kind: "undo", step }];
}
