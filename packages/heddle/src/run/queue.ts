/**
 * Queues of a run: put each step that has not ended into the queue that its phase, predecessors, layer and container
 * require. Called when one of these changes, by `set-phase.ts` and `reindex.ts`.
 *
 * Invariants:
 *  1. A step is in at most one queue, and in none that it does not belong to: the first entry of a queue can be acted
 *     upon.
 *  2. {@link requeue} changes only the index; {@link arrive} also records the order of arrival, as a fact.
 */
import { isWait, type Step } from "../plan/plan.ts";
import { holdsWhileOpen } from "./claims.ts";
import type { Heap } from "./heap.ts";
import { standsBefore } from "./plan-order.ts";
import { isHoldWanted, isSheltered, isShutDown, SHELTER_MS, waitEndsAt, workEndsAt } from "./shelter.ts";
import type { ContainerUse } from "./run-index.ts";
import { contends, laneFor } from "./slots.ts";
import {
  forEachDep,
  hasEnded,
  isContainerStep,
  isWaiting,
  outputOf,
  phaseOf,
  questionOf,
  requiredOutputs,
  satisfies,
  stepAt,
  type RunState,
} from "./state.ts";

/** All that the step comes after has ended, or what else held it back is gone: from now on it waits in the order of arrival. */
export function arrive(state: RunState, step: number): void {
  const { tag } = phaseOf(state, step);
  if (tag === "waiting" || tag === "interrupted") {
    state.arrivals[step] = ++state.arrived;
    state.arrivedTimes[step] = state.lastTime;
    if (contends(state, step)) state.readySince.set(step, state.starts);
  }
  requeue(state, step);
  letIn(state, step);
}

/** Puts the step into the queue that it belongs to now. */
export function requeue(state: RunState, step: number): void {
  const { index } = state;
  index.touched?.add(step);
  dequeue(state, step);
  const queue = queueFor(state, step);
  if (queue === undefined) return;
  queue.push(step);
  index.queueOf[step] = queue;
  const lane = index.lanes[index.laneOf[step] ?? -1];
  if (lane?.heap === queue) index.activeLanes.add(lane);
}

function dequeue({ index }: RunState, step: number): void {
  const queue = index.queueOf[step];
  if (queue === undefined) return;
  queue.delete(step);
  index.queueOf[step] = undefined;
  const lane = index.lanes[index.laneOf[step] ?? -1];
  if (lane?.heap === queue && queue.size === 0) index.activeLanes.delete(lane);
}

function queueFor(state: RunState, step: number): Heap | undefined {
  const { index, volatile } = state;
  const phase = phaseOf(state, step);
  switch (phase.tag) {
    case "waiting":
    case "interrupted":
      return state.arrivals[step] === 0 ? undefined : queueOfArrived(state, step);
    case "retrying":
      if (isShutDown(state, step)) return undefined;
      if (!volatile.due.has(step)) return index.retries;
      return isShutOut(state, step) ? undefined : laneFor(state, step).heap;
    case "running":
      return queueOfTimed(state, step);
    case "waiting-for-answer":
      return phase.answer !== undefined ? index.answered : queueOfTimed(state, step);
    case "sleeping":
    case "waiting-for-signal":
      if (volatile.checking.has(step)) return undefined;
      return phase.fired === true ? index.answered : queueOfTimed(state, step);
    case "expanded": {
      const around = limitedContainer(state, step);
      if (around !== undefined && !enterContainer(state, step)) return around.held;
      if (index.containers.get(step)?.left === 0)
        return volatile.checking.has(step) ? queueOfTimed(state, step) : index.finishing;
      if (!hasItsHold(state, step))
        return isShutOut(state, step) || !isHoldWanted(state, step) ? undefined : laneFor(state, step).heap;
      return queueOfTimed(state, step);
    }
    default:
      return undefined;
  }
}

function queueOfTimed(state: RunState, step: number): Heap | undefined {
  return isShutDown(state, step) || deadlineOf(state, step) === undefined ? undefined : state.index.deadlines;
}

function queueOfArrived(state: RunState, step: number): Heap | undefined {
  const { index, volatile } = state;
  if (isShutOut(state, step)) return undefined;
  // When its layer opens, it arrives: a fact, whatever comes of it.
  if (isHeldByLayer(state, step)) return heldBy(state, state.layers[step] ?? 0);
  const around = limitedContainer(state, step);
  if (around !== undefined && !enterContainer(state, step)) return around.held;
  if (isShutDown(state, step)) return undefined;
  const definition = stepAt(state, step);
  if (needsLook(state, step, definition)) return index.arrivals;
  if (volatile.policy.examines && isExaminable(definition) && !state.examined.has(step))
    return volatile.examining.has(step) ? undefined : index.unexamined;
  return laneFor(state, step).heap;
}

function needsLook(state: RunState, step: number, definition: Step): boolean {
  if (isSlotless(definition) && !holdsWhileOpen(definition, state.rules)) return true;
  if (definition.if !== undefined && !state.volatile.holds.has(step)) return true;
  return phaseOf(state, step).tag === "interrupted" || blockerOf(state, step) !== undefined;
}

/** Whether a stored result may be used for the step. */
function isExaminable({ cache }: Step): boolean {
  return cache === true;
}

/**
 * The dep that keeps `step` from ever running: the first in plan order that did not succeed, or whose output is needed and
 * absent. Asked once all predecessors have ended, so that the answer does not depend on which of them ended first.
 */
export function blockerOf(state: RunState, step: number): number | undefined {
  const definition = stepAt(state, step);
  if (definition.deps === undefined || definition.always === true) return undefined;
  let blocker: number | undefined;
  forEachDep(state, step, (dep) => {
    if (!satisfies(phaseOf(state, dep)) && (blocker === undefined || standsBefore(state, dep, blocker))) blocker = dep;
  });
  if (blocker !== undefined) return blocker;
  for (const id of requiredOutputs(definition)) {
    const dep = state.index.byId.get(id);
    if (dep === undefined || outputOf(phaseOf(state, dep)) !== undefined) continue;
    if (blocker === undefined || standsBefore(state, dep, blocker)) blocker = dep;
  }
  return blocker;
}

/**
 * When an open question is answered for whoever was asked, or the time of a wait or of a subplan is over. Time in which no engine works on
 * the run counts. `undefined`: never.
 */
export function deadlineOf(state: RunState, step: number): number | undefined {
  const at = endsAt(state, step);
  return at === Infinity ? undefined : at;
}

/** When the next attempt is due: one that is sheltered waits no longer than its time, where something around it was cancelled. Infinite: never. */
export function retriesAt(state: RunState, step: number): number {
  const phase = phaseOf(state, step);
  return phase.tag === "retrying" ? Math.min(phase.retryAt, workEndsAt(state, step)) : Infinity;
}

/** When the time for an answer, or for a signal, is over: that of the step, or of a container around it. Infinite: never. */
export function closesAt(state: RunState, step: number): number {
  let closes = Infinity;
  for (let at = step; at !== -1; at = state.parents[at] ?? -1) {
    const over = at === step || isSheltered(state, step, at) ? undefined : state.volatile.expired.get(at);
    closes = Math.min(closes, over ?? endsAt(state, at));
  }
  return closes;
}

/** Infinite: never. */
function endsAt(state: RunState, step: number): number {
  const phase = phaseOf(state, step);
  switch (phase.tag) {
    case "sleeping":
      return phase.fired === true ? Infinity : Math.min(phase.at ?? Infinity, waitEndsAt(state, step));
    case "waiting-for-signal":
      return phase.fired === true ? Infinity : (phase.deadline ?? waitEndsAt(state, step));
    case "expanded": {
      if (state.volatile.expired.has(step)) return Infinity;
      const limit = timeLimitOf(state, step);
      return limit === Infinity ? shelterEndsAt(state, step) : phase.since + limit;
    }
    case "waiting-for-answer":
      return phase.answer === undefined ? (phase.deadline ?? waitEndsAt(state, step)) : Infinity;
    default:
      return questionOf(phase)?.deadline ?? Infinity;
  }
}

/** Nothing starts in a paused run: the time of what is sheltered and waits for that begins when the run goes on. */
function shelterEndsAt(state: RunState, container: number): number {
  const end = workEndsAt(state, container);
  if (end === Infinity || state.phase.tag === "paused") return Infinity;
  return Math.max(end, state.unpausedAt + SHELTER_MS);
}

/** How long the subplan may take, by its step and by what it says itself. A `forEach` hands the limits of its step down. */
export function timeLimitOf(state: RunState, step: number): number {
  const { action, forEach, timeoutMs = Infinity, totalTimeoutMs = Infinity } = stepAt(state, step);
  if (action.kind !== "plan" || (forEach !== undefined && state.rules >= 3)) return Infinity;
  return Math.min(timeoutMs, totalTimeoutMs, state.containers.get(step)?.settings?.timeoutMs ?? Infinity);
}

/** Whether the step's layer is still closed. */
export function isHeldByLayer(state: RunState, step: number): boolean {
  return (
    state.options.schedule === "layers" &&
    state.parents[step] === -1 &&
    (state.layers[step] ?? 0) > state.index.openLayer
  );
}

function heldBy({ index, arrivals }: RunState, layer: number): Heap {
  let heap = index.held.get(layer);
  if (heap === undefined) {
    heap = index.newHeap((a, b) => (arrivals[a] ?? 0) < (arrivals[b] ?? 0));
    index.held.set(layer, heap);
  }
  return heap;
}

/** Closed layers open when all of the layer before them ended. */
export function openLayers(state: RunState): void {
  const { index } = state;
  while (index.openLayer < index.layerLeft.length - 1 && (index.layerLeft[index.openLayer] ?? 0) <= 0) {
    index.openLayer++;
    const heap = index.held.get(index.openLayer);
    for (let step = heap?.first; step !== undefined; step = heap?.first) arrive(state, step);
    index.held.delete(index.openLayer);
  }
}

/** Puts all that waits into its queue again: what ends early is out of all of them, and what is sheltered has other deadlines. */
export function requeueAll(state: RunState): void {
  for (let step = 0; step < state.steps.length; step++)
    if (state.index.queueOf[step] !== undefined || isOpenEnded(state, step)) requeue(state, step);
}

function isOpenEnded(state: RunState, step: number): boolean {
  const { tag } = phaseOf(state, step);
  return tag === "expanded" || tag === "waiting-for-answer" || isWaiting(tag);
}

/**
 * A container, question or wait among the items of a limited container takes one of its slots from its arrival to its end; false:
 * there is none, and the step waits for one. Steps that take a slot are counted when they start.
 */
export function enterContainer(state: RunState, step: number): boolean {
  const container = limitedContainer(state, step);
  if (container === undefined || !isSlotless(stepAt(state, step)) || container.inside.has(step)) return true;
  if (container.running >= limitOf(state, step)) return false;
  container.inside.add(step);
  container.running++;
  return true;
}

/** The limited container around the step whose items at once are as many as may be, where the step takes no slot of the run. */
export function fullAround(
  state: RunState,
  step: number,
): { readonly container: number; readonly limit: number } | undefined {
  const around = limitedContainer(state, step);
  if (around === undefined || !isSlotless(stepAt(state, step))) return undefined;
  const limit = limitOf(state, step);
  return around.running < limit ? undefined : { container: state.parents[step] ?? -1, limit };
}

/** Whether a container around the step is one too many among the items of its own: so it is after a resume that opened several again. */
function isShutOut(state: RunState, step: number): boolean {
  for (let at = state.parents[step] ?? -1; at !== -1; at = state.parents[at] ?? -1) {
    const container = limitedContainer(state, at);
    if (container !== undefined && !container.inside.has(at) && !hasEnded(phaseOf(state, at))) return true;
    if (phaseOf(state, at).tag === "expanded" && !hasItsHold(state, at)) return true;
  }
  return false;
}

/** Whether the container has what it holds while it is open, or holds nothing. */
function hasItsHold(state: RunState, container: number): boolean {
  return state.volatile.holding.has(container) || !holdsWhileOpen(stepAt(state, container), state.rules);
}

/** An open container has its locks and pools again: what is inside goes on. */
export function enterHold(state: RunState, container: number): void {
  requeue(state, container);
  letIn(state, container);
}

/** Releases what {@link enterContainer} took. */
export function leaveContainer(state: RunState, step: number): void {
  const container = limitedContainer(state, step);
  if (container === undefined || !container.inside.delete(step)) return;
  container.running--;
  while (container.running < limitOf(state, step)) {
    const next = container.held.first;
    if (next === undefined) return;
    requeue(state, next);
    letIn(state, next);
  }
}

/** The steps of an open container that got its slot after a resume: they have arrived, and were shut out until now. */
function letIn(state: RunState, container: number): void {
  if (phaseOf(state, container).tag !== "expanded" || !enterContainer(state, container)) return;
  if (!hasItsHold(state, container)) return requeue(state, container);
  for (const child of state.containers.get(container)?.children ?? []) {
    if (state.index.queueOf[child] === undefined) requeue(state, child);
    letIn(state, child);
  }
}

/** The container around the step, if it has a limit of its own. */
function limitedContainer(state: RunState, step: number): ContainerUse | undefined {
  const parent = state.parents[step] ?? -1;
  return state.containers.get(parent)?.maxConcurrency === undefined ? undefined : state.index.containers.get(parent);
}

function limitOf(state: RunState, step: number): number {
  return state.containers.get(state.parents[step] ?? -1)?.maxConcurrency ?? Infinity;
}

/** Whether the step takes no slot of the run. */
export function isSlotless(step: Step): boolean {
  return isContainerStep(step) || step.action.kind === "approve" || isWait(step);
}
