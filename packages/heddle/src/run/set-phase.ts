/** Phase change: changes a step's phase with everything that follows: counts, slots, its dependents, its queue. */
import { present } from "../base/assert.ts";
import { holdsWhileOpen } from "./claims.ts";
import { countFailure, noteFailingPlan } from "./failures.ts";
import type { StepPhase } from "./facts.ts";
import { startListening, stopListening } from "./listeners.ts";
import { arrive, leaveContainer, openLayers, requeue } from "./queue.ts";
import { releaseSlots, takeSlots } from "./slots.ts";
import { forEachSuccessor, hasEnded, phaseOf, questionOf, stepAt, type RunState } from "./state.ts";

/** Called by `apply` and its parts alone. */
export function setPhase(state: RunState, step: number, phase: StepPhase): void {
  const { index } = state;
  const before = phaseOf(state, step);
  const isHolder = holdsWhileOpen(stepAt(state, step), state.rules);
  if (isHolder) giveBackHold(state, step, phase);
  else if (before.tag === "running" && phase.tag !== "running") releaseSlots(state, step);
  state.phases[step] = phase;
  index.counts[before.tag]--;
  index.counts[phase.tag]++;
  if (questionOf(before) !== undefined) index.questions.delete(step);
  if (questionOf(phase) !== undefined) index.questions.add(step);
  stopListening(index, step, before);
  startListening(index, step, phase);
  if (isHolder) takeHold(state, step, phase);
  else if (phase.tag === "running" && before.tag !== "running") takeSlots(state, step);
  if (before.tag === "retrying") state.volatile.due.delete(step);
  state.volatile.checking.delete(step);
  state.lockWaits.delete(step);
  if (before.tag === "failed") countFailure(state, step, -1);
  if (phase.tag === "failed") countFailure(state, step, 1);
  noteFailingPlan(state, step);
  if (stepAt(state, step).always === true) {
    if (hasEnded(phase)) index.always.delete(step);
    else index.always.add(step);
  }
  const isReopened = hasEnded(before) && !hasEnded(phase);
  if (isReopened) state.arrivals[step] = 0;
  requeue(state, step);
  if (hasEnded(phase) && !hasEnded(before)) onEnd(state, step);
  if (isReopened) onReopen(state, step);
}

/** A container that is started takes its locks and pools, and has them until it ends. */
function takeHold(state: RunState, step: number, { tag }: StepPhase): void {
  if (tag !== "running" || state.volatile.holding.has(step)) return;
  state.volatile.holding.add(step);
  takeSlots(state, step);
}

function giveBackHold(state: RunState, step: number, { tag }: StepPhase): void {
  if (tag === "running" || tag === "expanded" || !state.volatile.holding.delete(step)) return;
  releaseSlots(state, step);
}

/** A step reached its end: what waited for it moves on. */
function onEnd(state: RunState, step: number): void {
  const { index } = state;
  leaveContainer(state, step);
  index.open--;
  const parent = state.parents[step] ?? -1;
  if (parent === -1) {
    const layer = state.layers[step] ?? 0;
    index.layerLeft[layer] = (index.layerLeft[layer] ?? 0) - 1;
  } else {
    const container = present(index.containers.get(parent), "container of step", step);
    container.left--;
    if (container.left === 0) requeue(state, parent);
  }
  forEachSuccessor(state, step, (successor) => {
    const left = (index.unresolved[successor] ?? 0) - 1;
    index.unresolved[successor] = left;
    if (left === 0) arrive(state, successor);
  });
  if (state.options.schedule === "layers") openLayers(state);
}

/** A step that had ended was undone: what comes after it waits for it again. */
function onReopen(state: RunState, step: number): void {
  const { index } = state;
  index.open++;
  const parent = state.parents[step] ?? -1;
  if (parent === -1) {
    const layer = state.layers[step] ?? 0;
    index.layerLeft[layer] = (index.layerLeft[layer] ?? 0) + 1;
    closeLayersAfter(state, layer);
  } else present(index.containers.get(parent), "container of step", step).left++;
  forEachSuccessor(state, step, (successor) => {
    index.unresolved[successor] = (index.unresolved[successor] ?? 0) + 1;
    state.arrivals[successor] = 0;
    requeue(state, successor);
  });
}

/** Steps of later layers wait again until the undone one has ended. */
function closeLayersAfter(state: RunState, layer: number): void {
  const { index } = state;
  if (state.options.schedule !== "layers" || layer >= index.openLayer) return;
  index.openLayer = layer;
  index.queueOf.forEach((queue, step) => {
    // In a run that ends early what has arrived may be in none.
    if (queue !== undefined || (state.arrivals[step] !== 0 && phaseOf(state, step).tag === "waiting"))
      requeue(state, step);
  });
}
