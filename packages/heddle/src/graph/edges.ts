/**
 * Edges: the layers of a graph of which nothing but the edges is known, and the edges seen from their other ends. Linear in nodes and edges,
 * without recursion.
 */
import type { Adjacency, Graph } from "./graph.ts";

/** A graph whose nodes have no names. */
export type LayeredEdges = Omit<Graph, "ids" | "indexOf">;

/** `isPlaced`: there is a cycle, and these nodes are not behind it. */
export function layeredEdges(deps: Adjacency, after: Adjacency): LayeredEdges & { readonly isPlaced?: Uint8Array } {
  const size = deps.offsets.length - 1;
  const dependents = reversed(deps, size);
  const followers = reversed(after, size);
  const { layerOf, layerCount, placed, isPlaced } = layersOf(size, deps, after, dependents, followers);
  const order = byLayer(layerOf, layerCount);
  const edges = { size, deps, after, dependents, followers, layerOf, layerCount, order };
  return placed < size ? { ...edges, isPlaced } : edges;
}

/** The targets of each node, one list after another. */
export function adjacencyOf(lists: readonly (readonly number[])[]): Adjacency {
  const offsets = new Int32Array(lists.length + 1);
  for (const [at, list] of lists.entries()) offsets[at + 1] = (offsets[at] ?? 0) + list.length;
  return { offsets, targets: Int32Array.from(lists.flat()) };
}

/** The same edges seen from the other end; each list ascending. */
function reversed({ offsets, targets }: Adjacency, size: number): Adjacency {
  const counts = new Int32Array(size + 1);
  for (const target of targets) counts[target + 1] = (counts[target + 1] ?? 0) + 1;
  for (let i = 0; i < size; i++) counts[i + 1] = (counts[i + 1] ?? 0) + (counts[i] ?? 0);
  const next = counts.slice(0, size);
  const sources = new Int32Array(targets.length);
  for (let i = 0; i < size; i++) {
    const end = offsets[i + 1] ?? 0;
    for (let e = offsets[i] ?? 0; e < end; e++) {
      const target = targets[e] ?? 0;
      const at = next[target] ?? 0;
      sources[at] = i;
      next[target] = at + 1;
    }
  }
  return { offsets: counts, targets: sources };
}

interface Layers {
  readonly layerOf: Int32Array;
  readonly layerCount: number;
  /** Nodes that have a layer: fewer than all exactly when there is a cycle. */
  readonly placed: number;
  readonly isPlaced: Uint8Array;
}

function layersOf(
  size: number,
  deps: Adjacency,
  after: Adjacency,
  dependents: Adjacency,
  followers: Adjacency,
): Layers {
  const layerOf = new Int32Array(size);
  const waitsFor = new Int32Array(size);
  const queue = new Int32Array(size);
  const isPlaced = new Uint8Array(size);
  let placed = 0;
  let queued = 0;
  let layerCount = 0;
  for (let i = 0; i < size; i++) {
    const edges =
      (deps.offsets[i + 1] ?? 0) - (deps.offsets[i] ?? 0) + (after.offsets[i + 1] ?? 0) - (after.offsets[i] ?? 0);
    waitsFor[i] = edges;
    if (edges === 0) queue[queued++] = i;
  }
  const release = ({ offsets, targets }: Adjacency, step: number, layer: number): void => {
    const end = offsets[step + 1] ?? 0;
    for (let e = offsets[step] ?? 0; e < end; e++) {
      const target = targets[e] ?? 0;
      if ((layerOf[target] ?? 0) < layer) layerOf[target] = layer;
      const left = (waitsFor[target] ?? 0) - 1;
      waitsFor[target] = left;
      if (left === 0) queue[queued++] = target;
    }
  };
  while (placed < queued) {
    const step = queue[placed++] ?? 0;
    const next = (layerOf[step] ?? 0) + 1;
    isPlaced[step] = 1;
    if (next > layerCount) layerCount = next;
    release(dependents, step, next);
    release(followers, step, next);
  }
  return { layerOf, layerCount, placed, isPlaced };
}

function byLayer(layerOf: Int32Array, layerCount: number): Int32Array {
  const next = new Int32Array(layerCount + 1);
  for (const layer of layerOf) next[layer + 1] = (next[layer + 1] ?? 0) + 1;
  for (let layer = 0; layer < layerCount; layer++) next[layer + 1] = (next[layer + 1] ?? 0) + (next[layer] ?? 0);
  const order = new Int32Array(layerOf.length);
  for (let i = 0; i < layerOf.length; i++) {
    const layer = layerOf[i] ?? 0;
    const at = next[layer] ?? 0;
    order[at] = i;
    next[layer] = at + 1;
  }
  return order;
}
