/**
 * What may start, kept as it changes: arrivals (a look is needed), lanes (they compete for places), layers held back, and
 * the places taken. Called by `apply` alone; read by `decide`.
 */
import { present } from "../base/assert.ts";
import type { Step } from "../plan/plan.ts";
import { Heap } from "./heap.ts";
import { standsBefore } from "./plan-order.ts";
import {
  forEachDep,
  forEachSuccessor,
  hasEnded,
  isContainerStep,
  outputOf,
  phaseOf,
  requiredOutputs,
  satisfies,
  stepAt,
  WAITING,
  type Container,
  groupTurn,
  type Lane,
  type RunState,
} from "./state.ts";
import { turnsOf } from "./write-locks.ts";

/** All predecessors of `step` have ended: it may be looked at, unless its layer is still closed. */
export function arrive(state: RunState, step: number): void {
  const phase = phaseOf(state, step);
  if (phase.tag === "expanded") {
    if (enterContainer(state, step)) arriveInside(state, step);
    return;
  }
  if (phase.tag !== "waiting" && phase.tag !== "interrupted") return;
  if (isShutOut(state, step)) return;
  const layer = state.layers[step] ?? 0;
  if (state.options.schedule === "layers" && state.parents[step] === -1 && layer > state.openLayer) {
    const list = state.held.get(layer);
    if (list) list.push(step);
    else state.held.set(layer, [step]);
    return;
  }
  if (!enterContainer(state, step)) return;
  if (phase.tag === "interrupted" || needsLook(stepAt(state, step)) || blockerOf(state, step) !== undefined)
    state.arrivals.push(step);
  else enqueue(state, step);
}

function needsLook(step: Step): boolean {
  return (
    step.if !== undefined || step.forEach !== undefined || step.action.kind === "plan" || step.action.kind === "approve"
  );
}

/**
 * The dep that keeps `step` from ever running: the first in plan order that did not succeed, or whose output is needed and
 * absent. Asked once all predecessors have ended, so that the answer does not depend on which of them ended first.
 */
export function blockerOf(state: RunState, step: number): number | undefined {
  const definition = stepAt(state, step);
  if (definition.deps === undefined) return undefined;
  let blocker: number | undefined;
  forEachDep(state, step, (dep) => {
    if (!satisfies(phaseOf(state, dep)) && (blocker === undefined || standsBefore(state, dep, blocker))) blocker = dep;
  });
  if (blocker !== undefined) return blocker;
  for (const id of requiredOutputs(definition)) {
    const dep = state.indexOf.get(id);
    if (dep === undefined || outputOf(phaseOf(state, dep)) !== undefined) continue;
    if (blocker === undefined || standsBefore(state, dep, blocker)) blocker = dep;
  }
  return blocker;
}

/** The steps that wait for their next attempt, the earliest first. The state comes late since it holds the heap. */
export function retryHeap(stateOf: () => RunState): Heap {
  const dueAt = (step: number): number => {
    const phase = stateOf().phases[step];
    return phase?.tag === "retrying" ? phase.retryAt : Number.NEGATIVE_INFINITY;
  };
  return new Heap((a, b) => (dueAt(a) === dueAt(b) ? a < b : dueAt(a) < dueAt(b)));
}

/** Puts a step among those that compete for a place. */
export function enqueue(state: RunState, step: number): void {
  const lane = present(state.lanes[laneOf(state, step)], "lane");
  lane.heap.push(step);
  if (lane.resources.length + lane.read.length + lane.write.length + lane.turns.length > 0)
    state.readySince.set(step, state.starts);
  if (lane.isActive) return;
  lane.isActive = true;
  state.activeLanes.push(lane);
}

/**
 * A container or question among the items of a limited container takes one of its places from its arrival to its end; false:
 * there is none, and the step waits for one. Steps that take a slot are counted when they start.
 */
function enterContainer(state: RunState, step: number): boolean {
  const container = limitedContainerOf(state, step);
  if (container === undefined || !isSlotless(stepAt(state, step)) || container.inside.has(step)) return true;
  if (container.running >= container.maxConcurrency) {
    container.held.push(step);
    return false;
  }
  container.inside.add(step);
  container.running++;
  return true;
}

/** Whether a container around the step is one too many among the items of its own: so it is after a resume that opened several again. */
function isShutOut(state: RunState, step: number): boolean {
  for (let at = state.parents[step] ?? -1; at !== -1; at = state.parents[at] ?? -1) {
    const container = limitedContainerOf(state, at);
    if (container !== undefined && !container.inside.has(at)) return true;
  }
  return false;
}

/** The steps of a container that got its place after a resume. */
function arriveInside(state: RunState, container: number): void {
  for (const child of state.containers.get(container)?.children ?? []) {
    if (state.unresolved[child] === 0) arrive(state, child);
  }
}

/** Gives back what {@link enterContainer} took, to whoever is next. */
export function leaveContainer(state: RunState, step: number): void {
  const container = limitedContainerOf(state, step);
  if (container === undefined || !container.inside.delete(step)) return;
  container.running--;
  while (container.running < container.maxConcurrency && container.heldHead < container.held.length) {
    const next = container.held[container.heldHead++] as number;
    if (!container.inside.has(next)) arrive(state, next);
  }
}

function limitedContainerOf(state: RunState, step: number): Container | undefined {
  const container = state.containers.get(state.parents[step] ?? -1);
  return container && Number.isFinite(container.maxConcurrency) ? container : undefined;
}

function isSlotless(step: Step): boolean {
  return isContainerStep(step) || step.action.kind === "approve";
}

/** Closed layers open when all of the layer before them ended. */
export function openLayers(state: RunState): void {
  while (state.openLayer < state.layerLeft.length - 1 && (state.layerLeft[state.openLayer] ?? 0) <= 0) {
    state.openLayer++;
    const list = state.held.get(state.openLayer);
    if (!list) continue;
    state.held.delete(state.openLayer);
    for (const step of list) arrive(state, step);
  }
}

/** Makes every queue and count of places anew from the phases: at the start of each engine's stay. */
export function resetQueues(state: RunState): void {
  state.lanes.length = 0;
  state.activeLanes.length = 0;
  state.laneKeys.clear();
  state.starts = 0;
  state.readySince.clear();
  state.laneOf.fill(-1);
  state.arrivals.length = 0;
  state.arrivalsHead = 0;
  state.finishing.length = 0;
  state.finishingHead = 0;
  state.asking.clear();
  state.answered.length = 0;
  state.answeredHead = 0;
  state.retries = retryHeap(() => state);
  state.due.clear();
  state.conditionHolds.clear();
  state.held.clear();
  state.layerLeft.length = 0;
  state.openLayer = 0;
  state.slots = 0;
  state.agents = 0;
  state.pools.clear();
  state.locks.clear();
  state.writing.clear();
  state.fatal = 0;
  linkAddedSteps(state);
  countOpen(state);
  if (state.options.schedule === "layers") openLayers(state);
  for (let step = 0; step < state.steps.length; step++) {
    const phase = phaseOf(state, step);
    if (phase.tag === "retrying") takeUpRetry(state, step);
    if (phase.tag === "asking") state.asking.add(step);
    if (phase.tag === "asking" && phase.answer) state.answered.push(step);
    if (phase.tag === "expanded" && state.containers.get(step)?.left === 0) state.finishing.push(step);
    if (state.unresolved[step] === 0 && phase.tag !== "expanded") arrive(state, step);
  }
}

/** A step that waits for its next attempt, while something that it or its layer comes after is to run again, waits for that first. */
function takeUpRetry(state: RunState, step: number): void {
  const isHeld =
    state.options.schedule === "layers" && state.parents[step] === -1 && (state.layers[step] ?? 0) > state.openLayer;
  if (state.unresolved[step] === 0 && !isHeld) {
    state.retries.push(step);
    return;
  }
  state.phases[step] = WAITING;
  state.counts.retrying--;
  state.counts.waiting++;
}

function linkAddedSteps(state: RunState): void {
  state.extraSuccessors.clear();
  for (let step = state.graph.size; step < state.steps.length; step++) linkStep(state, step);
}

/** Records the edges of an added step with its predecessors. */
export function linkStep(state: RunState, step: number): void {
  const definition = stepAt(state, step);
  for (const id of [...(definition.deps ?? []), ...(definition.after ?? [])]) {
    const from = present(state.indexOf.get(id), "predecessor", id);
    const list = state.extraSuccessors.get(from);
    if (list) list.push(step);
    else state.extraSuccessors.set(from, [step]);
  }
}

function countOpen(state: RunState): void {
  state.unresolved.fill(0);
  for (const container of state.containers.values()) {
    container.left = 0;
    container.running = 0;
    container.inside.clear();
    container.held.length = 0;
    container.heldHead = 0;
  }
  for (let step = 0; step < state.steps.length; step++) {
    const layer = state.layers[step] ?? 0;
    state.layerLeft[layer] ??= 0;
    if (hasEnded(phaseOf(state, step))) continue;
    forEachSuccessor(state, step, (successor) => {
      state.unresolved[successor] = (state.unresolved[successor] ?? 0) + 1;
    });
    const parent = state.parents[step] ?? -1;
    if (parent === -1) state.layerLeft[layer] = (state.layerLeft[layer] ?? 0) + 1;
    else {
      present(state.containers.get(parent), "container").left++;
      const { tag } = phaseOf(state, step);
      if (tag === "expanded" || tag === "asking") enterContainer(state, step);
    }
  }
  for (let layer = 0; layer < state.layerLeft.length; layer++) state.layerLeft[layer] ??= 0;
}

/** The attempt of `step` takes its slot, pools and locks. Containers and questions take none. */
export function takePlaces(state: RunState, step: number): void {
  changePlaces(state, step, 1);
}

/** Gives back what {@link takePlaces} took; does nothing for a step that is not running. */
export function returnPlaces(state: RunState, step: number): void {
  if (phaseOf(state, step).tag === "running") changePlaces(state, step, -1);
}

function changePlaces(state: RunState, step: number, by: 1 | -1): void {
  const definition = stepAt(state, step);
  if (isContainerStep(definition)) return;
  const lane = present(state.lanes[laneOf(state, step)], "lane");
  state.slots += by;
  if (lane.agent) state.agents += by;
  for (const [pool, units] of lane.resources) state.pools.set(pool, (state.pools.get(pool) ?? 0) + by * units);
  for (const name of lane.read) lockUse(state, name).readers += by;
  for (const name of lane.write) lockUse(state, name).writers += by;
  if (by === 1) state.writing.take(step, lane.turns);
  else state.writing.give(step);
  if (lane.container !== -1) present(state.containers.get(lane.container), "container").running += by;
}

function lockUse(state: RunState, name: string): { readers: number; writers: number } {
  let use = state.locks.get(name);
  if (use === undefined) {
    use = { readers: 0, writers: 0 };
    state.locks.set(name, use);
  }
  return use;
}

function laneOf(state: RunState, step: number): number {
  const known = state.laneOf[step] ?? -1;
  if (known !== -1) return known;
  const definition = stepAt(state, step);
  const parent = state.parents[step] ?? -1;
  const limited =
    parent !== -1 && Number.isFinite(state.containers.get(parent)?.maxConcurrency ?? Infinity) ? parent : -1;
  const turns = turnsOf(state.plan, definition);
  const key = laneKey(definition, limited, turns);
  let lane = state.laneKeys.get(key);
  if (lane === undefined) {
    lane = state.lanes.length;
    state.lanes.push(newLane(state, definition, limited, turns));
    state.laneKeys.set(key, lane);
  }
  state.laneOf[step] = lane;
  return lane;
}

function laneKey(step: Step, container: number, turns: readonly string[]): string {
  const agent = step.action.kind === "agent";
  const turn = groupTurn(step);
  if (!step.resources && !step.locks && container === -1 && turn === undefined && turns.length === 0)
    return agent ? "agent" : "";
  return JSON.stringify([agent, container, step.resources ?? null, step.locks ?? null, turn ?? null, turns]);
}

function newLane(state: RunState, step: Step, container: number, turns: readonly string[]): Lane {
  const turn = groupTurn(step);
  const write = [...new Set([...(step.locks?.write ?? []), ...(turn === undefined ? [] : [turn])])];
  return {
    heap: new Heap(state.before),
    isActive: false,
    resources: Object.entries(step.resources ?? {}),
    read: [...new Set(step.locks?.read ?? [])].filter((name) => !write.includes(name)),
    write,
    turns,
    agent: step.action.kind === "agent",
    container,
  };
}

/** Priority first, then the longest expected remaining path, then the place in the plan. */
export function goesBefore(state: RunState, a: number, b: number): boolean {
  if (state.options.sequential === true) {
    const layers = (state.layers[a] ?? 0) - (state.layers[b] ?? 0);
    return layers === 0 ? a < b : layers < 0;
  }
  const priorityA = stepAt(state, a).priority ?? 0;
  const priorityB = stepAt(state, b).priority ?? 0;
  if (priorityA !== priorityB) return priorityA > priorityB;
  const weightA = state.weight(a);
  const weightB = state.weight(b);
  return weightA === weightB ? a < b : weightA > weightB;
}
