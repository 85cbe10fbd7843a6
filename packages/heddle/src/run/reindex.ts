/** Index builder: creates an empty index, extends it by one step, and rebuilds it from the facts. */
import { present } from "../base/assert.ts";
import type { Graph } from "../graph/graph.ts";
import { holdsWhileOpen } from "./claims.ts";
import { countFailure } from "./failures.ts";
import { Heap } from "./heap.ts";
import { startListening } from "./listeners.ts";
import { deadlineOf, enterContainer, isHeldByLayer, requeue, retriesAt } from "./queue.ts";
import type { ContainerUse, PhaseCounts, RunIndex } from "./run-index.ts";
import { takeSlots } from "./slots.ts";
import { forEachSuccessor, hasEnded, isWaiting, phaseOf, questionOf, stepAt, type RunState } from "./state.ts";
import { WriteLocks } from "./write-locks.ts";

/** An index of no step. The state comes late since it holds the index. */
export function emptyIndex(graph: Graph, stateOf: () => RunState): RunIndex {
  const places: number[] = [];
  const newHeap = (before: (a: number, b: number) => boolean): Heap => new Heap(before, places);
  const retryAt = (step: number): number => retriesAt(stateOf(), step);
  const deadline = (step: number): number => deadlineOf(stateOf(), step) ?? Number.POSITIVE_INFINITY;
  const arrival = (step: number): number => stateOf().arrivals[step] ?? 0;
  const by =
    (key: (step: number) => number) =>
    (a: number, b: number): boolean => {
      const difference = key(a) - key(b);
      return difference === 0 ? a < b : difference < 0;
    };
  const byNumber = (a: number, b: number): boolean => a < b;
  return {
    graph,
    rank: { weight: () => 0 },
    byId: new Map(),
    extraSuccessors: new Map(),
    unresolved: [],
    counts: emptyCounts(),
    open: 0,
    fatal: 0,
    failing: 0,
    failingPlans: new Set(),
    layerLeft: [],
    openLayer: 0,
    containers: new Map(),
    questions: new Set(),
    listeners: new Map(),
    always: new Set(),
    slots: 0,
    agents: 0,
    pools: new Map(),
    locks: new Map(),
    writing: new WriteLocks(),
    laneOf: [],
    lanes: [],
    laneKeys: new Map(),
    activeLanes: new Set(),
    touched: undefined,
    queueOf: [],
    newHeap,
    arrivals: newHeap(by(arrival)),
    unexamined: newHeap(by(arrival)),
    finishing: newHeap(byNumber),
    answered: newHeap(byNumber),
    retries: newHeap(by(retryAt)),
    deadlines: newHeap(by(deadline)),
    held: new Map(),
  };
}

function emptyCounts(): PhaseCounts {
  return {
    waiting: 0,
    running: 0,
    expanded: 0,
    retrying: 0,
    "waiting-for-answer": 0,
    "waiting-for-signal": 0,
    sleeping: 0,
    interrupted: 0,
    succeeded: 0,
    cached: 0,
    skipped: 0,
    failed: 0,
    cancelled: 0,
  };
}

/** Takes a step that waits into the index: without its edges, and in no queue. */
export function indexStep(index: RunIndex, id: string, step: number): void {
  index.byId.set(id, step);
  index.unresolved.push(0);
  index.laneOf.push(-1);
  index.queueOf.push(undefined);
  index.counts.waiting++;
  index.open++;
}

/** Use of a container without running steps. */
export function newContainerUse({ index, arrivals }: RunState): ContainerUse {
  // Containers that a resume opened again have not arrived.
  const held = index.newHeap((a, b) => ((arrivals[a] ?? 0) - (arrivals[b] ?? 0) || a - b) < 0);
  return { left: 0, running: 0, inside: new Set(), held, slots: 0, agents: 0, failed: 0 };
}

/** Rebuilds the index; what the facts do not contain (rank, graph) is kept. */
export function rebuildIndex(state: RunState): void {
  const { graph, rank } = state.index;
  const fresh = emptyIndex(graph, () => state);
  Object.assign(state.index, fresh, { rank });
  const { index } = state;
  state.steps.forEach(({ id }, step) => indexStep(index, id, step));
  for (let step = graph.size; step < state.steps.length; step++) linkStep(state, step);
  for (const container of state.containers.keys()) index.containers.set(container, newContainerUse(state));
  countPhases(state);
  openedLayers(index, state.options.schedule === "layers");
  enterContainers(state);
  const waiting: number[] = [];
  for (let step = 0; step < state.steps.length; step++) {
    // In no queue, and of a run that is nearly over these are most.
    if (hasEnded(phaseOf(state, step))) continue;
    if (state.arrivals[step] === 0) requeue(state, step);
    else waiting.push(step);
  }
  waiting.sort((a, b) => (state.arrivals[a] ?? 0) - (state.arrivals[b] ?? 0));
  for (const step of waiting) requeue(state, step);
}

/** Records the edges of an added step with its predecessors. */
export function linkStep({ index, steps }: RunState, step: number): void {
  const { deps = [], after = [] } = present(steps[step], "step", step);
  for (const id of [...deps, ...after]) {
    const from = present(index.byId.get(id), "predecessor", id);
    const list = index.extraSuccessors.get(from);
    if (list) list.push(step);
    else index.extraSuccessors.set(from, [step]);
  }
}

function countPhases(state: RunState): void {
  const { index } = state;
  for (let step = 0; step < state.steps.length; step++) {
    const phase = phaseOf(state, step);
    index.counts.waiting--;
    index.counts[phase.tag]++;
    const layer = state.layers[step] ?? 0;
    while (index.layerLeft.length <= layer) index.layerLeft.push(0);
    if (questionOf(phase) !== undefined) index.questions.add(step);
    startListening(index, step, phase);
    if (stepAt(state, step).always === true && !hasEnded(phase)) index.always.add(step);
    const isHolder = holdsWhileOpen(present(state.steps[step], "step"), state.rules);
    if (isHolder ? state.volatile.holding.has(step) : phase.tag === "running") takeSlots(state, step);
    if (phase.tag === "failed") countFailure(state, step, 1);
    if (hasEnded(phase)) {
      index.open--;
      continue;
    }
    forEachSuccessor(state, step, (successor) => {
      index.unresolved[successor] = (index.unresolved[successor] ?? 0) + 1;
    });
    const parent = state.parents[step] ?? -1;
    if (parent === -1) index.layerLeft[layer] = (index.layerLeft[layer] ?? 0) + 1;
    else present(index.containers.get(parent), "container").left++;
  }
}

function openedLayers(index: RunIndex, inLayers: boolean): void {
  if (!inLayers) return;
  while (index.openLayer < index.layerLeft.length - 1 && (index.layerLeft[index.openLayer] ?? 0) <= 0)
    index.openLayer++;
}

/** Open containers, questions and waits take their slots before others do. */
function enterContainers(state: RunState): void {
  for (let step = 0; step < state.steps.length; step++) {
    const { tag } = phaseOf(state, step);
    if (tag === "expanded" || tag === "waiting-for-answer" || isWaiting(tag) || tag === "running")
      enterContainer(state, step);
  }
}

/** Whether a step that waits for its next attempt has to wait for something else first: what it comes after is to run again. */
export function isHeldBack(state: RunState, step: number): boolean {
  return (state.index.unresolved[step] ?? 0) > 0 || isHeldByLayer(state, step);
}
