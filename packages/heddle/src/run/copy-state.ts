/**
 * State copies: a run's facts at one event, kept apart from the state that goes on. Knows which facts are never changed in
 * place (values of steps, outputs, plans) and shares those; what is a list, a map or a set is copied to its depth.
 *
 * Invariant: neither a state nor its copy changes by an event that is applied to the other.
 */
import type { Graph } from "../graph/graph.ts";
import type { Container, Facts } from "./facts.ts";
import { emptyIndex, rebuildIndex } from "./reindex.ts";
import type { RunState } from "./state.ts";
import type { Volatile } from "./volatile.ts";

/** A state without its index, which follows from the rest. */
export interface SavedState {
  readonly facts: Facts;
  readonly volatile: Volatile;
  readonly graph: Graph;
}

export function saveState({ index, volatile, ...facts }: RunState): SavedState {
  return copySaved({ facts, volatile, graph: index.graph });
}

/** A state of its own. The order in which the engine would start equals is that of the plan. */
export function restoreState(saved: SavedState): RunState {
  const { facts, volatile, graph } = copySaved(saved);
  const state: RunState = { ...facts, volatile, index: emptyIndex(graph, () => state) };
  rebuildIndex(state);
  return state;
}

function copySaved({ facts, volatile, graph }: SavedState): SavedState {
  const copy = { ...copyMembers(facts), containers: new Map<number, Container>() };
  for (const [step, container] of facts.containers)
    copy.containers.set(step, { ...container, children: [...container.children] });
  return { facts: copy, volatile: copyMembers(volatile), graph };
}

function copyMembers<T extends object>(of: T): T {
  return Object.fromEntries(Object.entries(of).map(([name, value]) => [name, copyCollection(value)])) as T;
}

function copyCollection(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice();
  if (value instanceof Map) return new Map(value);
  if (value instanceof Set) return new Set(value);
  return value;
}
