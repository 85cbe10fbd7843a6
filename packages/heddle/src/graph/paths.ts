/**
 * Path lengths: layers, longest paths and critical path of a graph, for the scheduler's ranking and for `plan`. Linear,
 * without recursion.
 */
import type { Adjacency, Graph } from "./graph.ts";

/**
 * The longest weighted path from each step to an end of the graph, its own weight included, over deps and after. Weights
 * are numbers from 0 in any unit; the result has the same.
 */
export function remainingPath(graph: Graph, weightOf: (step: number) => number): Float64Array {
  const remaining = new Float64Array(graph.size);
  for (let k = graph.size - 1; k >= 0; k--) {
    const step = graph.order[k] ?? 0;
    const beyond = Math.max(longestOf(graph.dependents, step, remaining), longestOf(graph.followers, step, remaining));
    remaining[step] = weightOf(step) + beyond;
  }
  return remaining;
}

function longestOf({ offsets, targets }: Adjacency, step: number, remaining: Float64Array): number {
  let longest = 0;
  const end = offsets[step + 1] ?? 0;
  for (let e = offsets[step] ?? 0; e < end; e++) {
    const length = remaining[targets[e] ?? 0] ?? 0;
    if (length > longest) longest = length;
  }
  return longest;
}

/** The steps of the longest weighted path, first to last; of several the one through the earliest steps of the plan. */
export function criticalPath(graph: Graph, weightOf: (step: number) => number): readonly number[] {
  const remaining = remainingPath(graph, weightOf);
  let step = -1;
  for (let i = 0; i < graph.size; i++) {
    if (graph.layerOf[i] === 0 && (step < 0 || (remaining[i] ?? 0) > (remaining[step] ?? 0))) step = i;
  }
  const path: number[] = [];
  while (step >= 0) {
    path.push(step);
    step = heaviestSuccessor(graph, step, remaining);
  }
  return path;
}

/** -1 at an end of the graph. */
function heaviestSuccessor(graph: Graph, step: number, remaining: Float64Array): number {
  let best = -1;
  for (const { offsets, targets } of [graph.dependents, graph.followers]) {
    const end = offsets[step + 1] ?? 0;
    for (let e = offsets[step] ?? 0; e < end; e++) {
      const target = targets[e] ?? 0;
      const gain = (remaining[target] ?? 0) - (best < 0 ? -1 : (remaining[best] ?? 0));
      if (gain > 0 || (gain === 0 && target < best)) best = target;
    }
  }
  return best;
}

/** Steps of each layer, in the order of the plan. */
export function layersOf(graph: Graph): readonly (readonly number[])[] {
  const layers: number[][] = Array.from({ length: graph.layerCount }, () => []);
  for (const step of graph.order) layers[graph.layerOf[step] ?? 0]?.push(step);
  return layers;
}

/** Steps in the widest layer: what waves could use at once, with as many workers as wanted. */
export function maxParallelism(graph: Graph): number {
  const width = new Int32Array(graph.layerCount);
  let widest = 0;
  for (const layer of graph.layerOf) {
    const now = (width[layer] ?? 0) + 1;
    width[layer] = now;
    if (now > widest) widest = now;
  }
  return widest;
}
