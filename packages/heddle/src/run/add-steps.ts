/** Steps that join a run while it goes on: children of a container, and siblings that a step added. */
import { present } from "../base/assert.ts";
import type { EventOf } from "./event.ts";
import { arrive, linkStep } from "./queue.ts";
import { hasEnded, phaseOf, stepAt, type Container, type RunState } from "./state.ts";
import { register } from "./step-table.ts";

/** Folds `steps.added` in. */
export function addSteps(state: RunState, parent: number, event: EventOf<"steps.added">): void {
  if (event.data.kind === "children") addChildren(state, parent, event);
  else addSiblings(state, parent, event);
}

function addChildren(state: RunState, parent: number, event: EventOf<"steps.added">): void {
  const enclosing = enclosingContainer(state, parent);
  const definition = stepAt(state, parent);
  const kind = definition.forEach === undefined ? "plan" : "forEach";
  const container: Container = {
    kind,
    children: [],
    left: 0,
    running: 0,
    inside: new Set(),
    held: [],
    heldHead: 0,
    maxConcurrency: event.data.maxConcurrency ?? Infinity,
    prefix: kind === "plan" ? `${definition.id}/` : (enclosing?.prefix ?? ""),
    params: event.data.params ?? enclosing?.params ?? state.plan.params ?? {},
  };
  state.containers.set(parent, container);
  state.counts[phaseOf(state, parent).tag]--;
  state.counts.expanded++;
  state.phases[parent] = { tag: "expanded", since: event.time };
  const layer = state.layers[parent] ?? 0;
  const added = event.data.steps.map((step, position) => {
    const index = register(state, step, layer, parent);
    container.children.push(index);
    const item = event.data.items === undefined ? state.items.get(parent) : event.data.items[position];
    if (item !== undefined) state.items.set(index, item);
    return index;
  });
  container.left = added.length;
  if (added.length === 0) state.finishing.push(parent);
  connect(state, added);
}

function addSiblings(state: RunState, adder: number, event: EventOf<"steps.added">): void {
  const parent = state.parents[adder] ?? -1;
  const added = event.data.steps.map((step) => {
    const index = register(state, step, 0, parent);
    state.addedBy.set(index, adder);
    return index;
  });
  if (parent === -1) assignLayers(state, adder, added);
  else {
    const container = present(state.containers.get(parent), "container");
    container.children.push(...added);
    container.left += added.length;
    for (const index of added) state.layers[index] = state.layers[parent] ?? 0;
  }
  connect(state, added);
}

/** One more than the deepest predecessor, the adder included. Added steps may name each other in any order. */
function assignLayers(state: RunState, adder: number, added: readonly number[]): void {
  const first = added[0] ?? 0;
  const floor = (state.layers[adder] ?? 0) + 1;
  const wanted = new Map<number, number>();
  const dependents = new Map<number, number[]>();
  for (const index of added) {
    state.layers[index] = floor;
    const inside = predecessors(state, index).filter((from) => from >= first);
    wanted.set(index, inside.length);
    for (const from of inside) {
      const list = dependents.get(from);
      if (list) list.push(index);
      else dependents.set(from, [index]);
    }
  }
  const ready = added.filter((index) => wanted.get(index) === 0);
  for (let at = 0; at < ready.length; at++) {
    const index = ready[at] as number;
    let layer = floor;
    for (const from of predecessors(state, index)) layer = Math.max(layer, (state.layers[from] ?? 0) + 1);
    state.layers[index] = layer;
    while (state.layerLeft.length <= layer) state.layerLeft.push(0);
    state.layerLeft[layer] = (state.layerLeft[layer] ?? 0) + 1;
    for (const next of dependents.get(index) ?? []) {
      const left = (wanted.get(next) ?? 0) - 1;
      wanted.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
}

function predecessors(state: RunState, step: number): number[] {
  const { deps, after } = stepAt(state, step);
  return [...(deps ?? []), ...(after ?? [])].map((id) => present(state.indexOf.get(id), "predecessor", id));
}

function connect(state: RunState, added: readonly number[]): void {
  for (const index of added) linkStep(state, index);
  for (const index of added) {
    state.unresolved[index] = predecessors(state, index).filter((from) => !hasEnded(phaseOf(state, from))).length;
  }
  for (const index of added) if (state.unresolved[index] === 0) arrive(state, index);
}

/** The innermost container around a step, itself not counted. */
export function enclosingContainer(state: RunState, step: number): Container | undefined {
  const parent = state.parents[step] ?? -1;
  return parent === -1 ? undefined : state.containers.get(parent);
}
