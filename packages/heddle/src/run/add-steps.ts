/** Added steps of a run: children of a container, and siblings that a step added. */
import { present } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import type { EventOf } from "./event.ts";
import { arrive } from "./queue.ts";
import { indexStep, linkStep, newContainerUse } from "./reindex.ts";
import { setPhase } from "./set-phase.ts";
import type { Container } from "./facts.ts";
import { hasEnded, phaseOf, stepAt, type RunState } from "./state.ts";
import { addRow, newRow, type StepRow } from "./step-table.ts";

/** Folds `steps.added` in. */
export function addSteps(state: RunState, parent: number, event: EventOf<"steps.added">): void {
  if (event.data.kind === "children") addChildren(state, parent, event);
  else addSiblings(state, parent, event);
}

function addChildren(state: RunState, parent: number, event: EventOf<"steps.added">): void {
  const enclosing = enclosingContainer(state, parent);
  const definition = stepAt(state, parent);
  const kind = definition.forEach === undefined ? "plan" : "forEach";
  const { maxConcurrency, settings } = event.data;
  const container: Container = defined({
    kind,
    children: [],
    maxConcurrency,
    prefix: kind === "plan" ? `${definition.id}/` : (enclosing?.prefix ?? ""),
    params: event.data.params ?? enclosing?.params ?? state.plan.params ?? {},
    content: event.data.content,
    settings,
  });
  const use = newContainerUse(state);
  state.containers.set(parent, container);
  state.index.containers.set(parent, use);
  const layer = state.layers[parent] ?? 0;
  const added = event.data.steps.map((step, position) => {
    const child = add(state, newRow(step, layer, parent));
    container.children.push(child);
    const item = event.data.items === undefined ? state.items.get(parent) : event.data.items[position];
    if (item !== undefined) state.items.set(child, item);
    return child;
  });
  use.left = added.length;
  setPhase(state, parent, { tag: "expanded", since: event.time });
  connect(state, added);
}

function add(state: RunState, row: StepRow): number {
  const step = addRow(state, row);
  indexStep(state.index, row.step.id, step);
  if (row.step.always === true) state.index.always.add(step);
  return step;
}

function addSiblings(state: RunState, adder: number, event: EventOf<"steps.added">): void {
  const parent = state.parents[adder] ?? -1;
  const added = event.data.steps.map((step) => {
    const sibling = add(state, newRow(step, 0, parent));
    state.addedBy.set(sibling, adder);
    return sibling;
  });
  if (parent === -1) assignLayers(state, adder, added);
  else {
    const container = present(state.containers.get(parent), "container");
    container.children.push(...added);
    present(state.index.containers.get(parent), "container").left += added.length;
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
    const { layerLeft } = state.index;
    while (layerLeft.length <= layer) layerLeft.push(0);
    layerLeft[layer] = (layerLeft[layer] ?? 0) + 1;
    for (const next of dependents.get(index) ?? []) {
      const left = (wanted.get(next) ?? 0) - 1;
      wanted.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
}

function predecessors(state: RunState, step: number): number[] {
  const { deps, after } = stepAt(state, step);
  return [...(deps ?? []), ...(after ?? [])].map((id) => present(state.index.byId.get(id), "predecessor", id));
}

function connect(state: RunState, added: readonly number[]): void {
  for (const index of added) linkStep(state, index);
  for (const index of added) {
    state.index.unresolved[index] = predecessors(state, index).filter((from) => !hasEnded(phaseOf(state, from))).length;
  }
  for (const index of added) if (state.index.unresolved[index] === 0) arrive(state, index);
}

/** The innermost container around a step, itself not counted. */
export function enclosingContainer(state: RunState, step: number): Container | undefined {
  const parent = state.parents[step] ?? -1;
  return parent === -1 ? undefined : state.containers.get(parent);
}
