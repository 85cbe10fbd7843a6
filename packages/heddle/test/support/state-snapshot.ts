/** Snapshots of a run's state for deep comparison: facts and index as plain data, with what has no order put in one. */
import { BugError } from "../../src/base/assert.ts";
import { buildGraph } from "../../src/graph/build.ts";
import type { Facts } from "../../src/run/facts.ts";
import type { Heap } from "../../src/run/heap.ts";
import type { RunIndex } from "../../src/run/run-index.ts";
import { emptyIndex, rebuildIndex } from "../../src/run/reindex.ts";
import type { RunState } from "../../src/run/state.ts";

type Plain = { readonly [member: string]: unknown };

/** The facts, copied. A fact that is no plain data cannot be copied, and throws. */
export function factsSnapshot({ index: _index, volatile: _volatile, ...facts }: RunState): Facts {
  return structuredClone(facts);
}

/** The run from a copy of its facts: graph and index are made anew, and what only the engine knows is taken over. */
export function stateOfCopy({ index, volatile, ...facts }: RunState): RunState {
  const copy = structuredClone(facts);
  const graph = buildGraph(copy.plan.steps);
  if (!graph.ok) throw new BugError("the plan of a run is no graph");
  const state: RunState = { ...copy, index: emptyIndex(graph.value, () => state), volatile };
  state.index.rank = index.rank;
  rebuildIndex(state);
  return state;
}

/** The index to the last entry of each queue, in the order in which it is kept: for what must not touch it at all. */
export function exactIndex(index: RunIndex): Plain {
  return indexSnapshot(index, ({ items }) => [...items]);
}

/** The index without the orders that chance gives it: equal where every question to it has the same answer. */
export function indexMeaning(index: RunIndex): Plain {
  return indexSnapshot(index, ({ items }) => [...items].sort((a, b) => a - b));
}

function indexSnapshot(index: RunIndex, read: (heap: Heap) => readonly number[]): Plain {
  const lanes = index.lanes.map((lane, at) => ({
    key: [...index.laneKeys].find(([, number]) => number === at)?.[0] ?? "",
    items: read(lane.heap),
    isActive: index.activeLanes.has(lane),
  }));
  return {
    byId: sorted(index.byId),
    extraSuccessors: sorted(index.extraSuccessors),
    unresolved: [...index.unresolved],
    counts: { ...index.counts },
    open: index.open,
    fatal: index.fatal,
    layerLeft: [...index.layerLeft],
    openLayer: index.openLayer,
    containers: [...index.containers]
      .map(([step, { left, running, inside, held }]) => [step, left, running, [...inside].sort(byNumber), read(held)])
      .sort(([a], [b]) => byNumber(a as number, b as number)),
    questions: [...index.questions].sort(byNumber),
    always: [...index.always].sort(byNumber),
    listeners: sorted(index.listeners).map(([name, steps]) => [name, [...steps].sort(byNumber)]),
    slots: index.slots,
    agents: index.agents,
    pools: sorted(index.pools).filter(([, units]) => units !== 0),
    locks: sorted(index.locks).filter(([, { readers, writers }]) => readers + writers > 0),
    writing: index.writing.held,
    // Lanes are made when a step first asks for one.
    lanes: lanes.filter(({ items }) => items.length > 0).sort((a, b) => (a.key < b.key ? -1 : 1)),
    arrivals: read(index.arrivals),
    unexamined: read(index.unexamined),
    finishing: read(index.finishing),
    answered: read(index.answered),
    retries: read(index.retries),
    deadlines: read(index.deadlines),
    held: sorted(index.held)
      .map(([layer, heap]) => [layer, read(heap)] as const)
      .filter(([, items]) => items.length > 0),
    queued: index.queueOf.flatMap((queue, step) => (queue === undefined ? [] : [step])),
  };
}

function sorted<K extends string | number, V>(map: ReadonlyMap<K, V>): (readonly [K, V])[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function byNumber(a: number, b: number): number {
  return a - b;
}
