/**
 * Cycle finder: finds the shortest cycle among steps that have no layer.
 *
 *  1. The same steps give the same cycle: starts are tried in ascending order, and only a strictly shorter cycle
 *     replaces one.
 *  2. The cycle begins with its smallest step: a step is removed after all cycles through it were searched.
 *  3. Work is bounded: after {@link MOST_EDGE_VISITS} the shortest cycle found so far is returned. Only graphs of tens
 *     of thousands of steps with cycles everywhere come near it.
 */
import { invariant } from "../base/assert.ts";
import type { Step } from "../plan/plan.ts";
import type { Adjacency, CycleEdge } from "./graph.ts";

const MOST_EDGE_VISITS = 50_000_000;

/** Without self-dependencies, which are reported on their own, no cycle is shorter. */
const SHORTEST_POSSIBLE = 2;

export interface EdgeArrays {
  readonly deps: Adjacency;
  readonly after: Adjacency;
  readonly dependents: Adjacency;
  readonly followers: Adjacency;
}

/** The shortest cycle. `isPlaced` marks the steps known to be on none; at least one cycle must exist. */
export function cycleAmong(
  steps: readonly Step[],
  indexOf: ReadonlyMap<string, number>,
  edges: EdgeArrays,
  isPlaced: Uint8Array,
): readonly CycleEdge[] {
  const path = shortestCycle(edges, isPlaced);
  invariant(path.length >= SHORTEST_POSSIBLE, "steps without a layer hold no cycle");
  return path.map((step, k) => {
    const dependsOn = path[k === 0 ? path.length - 1 : k - 1] ?? step;
    return { step, dependsOn, ...placeOfEdge(steps[step], dependsOn, indexOf) };
  });
}

function placeOfEdge(
  step: Step | undefined,
  dependsOn: number,
  indexOf: ReadonlyMap<string, number>,
): Pick<CycleEdge, "field" | "position"> {
  for (const field of ["deps", "after"] as const) {
    const position = step?.[field]?.findIndex((name) => indexOf.get(name) === dependsOn) ?? -1;
    if (position >= 0) return { field, position };
  }
  invariant(false, "a cycle goes along an edge that no step has");
}

/** Steps along the cycle, each a prerequisite of the one after it, the last of the first. */
function shortestCycle(edges: EdgeArrays, isPlaced: Uint8Array): readonly number[] {
  const size = isPlaced.length;
  const isOut = Uint8Array.from(isPlaced);
  const knot = untangler(edges, isOut);
  const cameFrom = new Int32Array(size);
  // visitedBy[step] is the last start (counted from 1) whose search reached it: saves clearing an array per start.
  const visitedBy = new Int32Array(size);
  const queue = new Int32Array(size);
  let best: readonly number[] = [];
  let visits = 0;

  /** Breadth first from `start`, no deeper than what would beat `best`. */
  const search = (start: number): readonly number[] | undefined => {
    let read = 0;
    let written = 0;
    let depth = 1;
    queue[written++] = start;
    let levelEnd = written;
    while (read < written) {
      if (read === levelEnd) {
        depth++;
        levelEnd = written;
      }
      if (best.length > 0 && depth >= best.length) return undefined;
      const step = queue[read++] ?? 0;
      for (const { offsets, targets } of [edges.dependents, edges.followers]) {
        const end = offsets[step + 1] ?? 0;
        for (let e = offsets[step] ?? 0; e < end; e++) {
          visits++;
          const target = targets[e] ?? 0;
          if (target === start) return pathTo(step, start);
          if (isOut[target] === 1 || visitedBy[target] === start + 1) continue;
          visitedBy[target] = start + 1;
          cameFrom[target] = step;
          queue[written++] = target;
        }
      }
    }
    return undefined;
  };

  const pathTo = (last: number, start: number): readonly number[] => {
    const path = [last];
    for (let step = last; step !== start;) {
      step = cameFrom[step] ?? start;
      path.push(step);
    }
    return path.reverse();
  };

  knot.strikeLooseEnds();
  for (let start = 0; start < size; start++) {
    if (isOut[start] === 1) continue;
    if (best.length > 0 && visits > MOST_EDGE_VISITS) break;
    const found = search(start);
    if (found !== undefined) best = found;
    if (best.length === SHORTEST_POSSIBLE) break;
    knot.strike(start);
  }
  return best;
}

interface Knot {
  /** Strikes out what leads to no cycle. */
  strikeLooseEnds(): void;
  /** Strikes out `step` and what is on no cycle without it. */
  strike(step: number): void;
}

/** Keeps `isOut` such that every step still in has a neighbour that is in, on both sides. */
function untangler(edges: EdgeArrays, isOut: Uint8Array): Knot {
  const size = isOut.length;
  const before = [edges.deps, edges.after];
  const behind = [edges.dependents, edges.followers];
  const degree = (step: number, sides: readonly Adjacency[]): number => {
    let count = 0;
    for (const { offsets, targets } of sides) {
      const end = offsets[step + 1] ?? 0;
      for (let e = offsets[step] ?? 0; e < end; e++) if (isOut[targets[e] ?? 0] === 0) count++;
    }
    return count;
  };
  const incoming = Int32Array.from({ length: size }, (_, step) => (isOut[step] === 1 ? 0 : degree(step, before)));
  const outgoing = Int32Array.from({ length: size }, (_, step) => (isOut[step] === 1 ? 0 : degree(step, behind)));

  const strikeAll = (stack: number[]): void => {
    const loosen = (sides: readonly Adjacency[], step: number, counts: Int32Array): void => {
      for (const { offsets, targets } of sides) {
        const end = offsets[step + 1] ?? 0;
        for (let e = offsets[step] ?? 0; e < end; e++) {
          const other = targets[e] ?? 0;
          if (isOut[other] === 1) continue;
          const left = (counts[other] ?? 0) - 1;
          counts[other] = left;
          if (left > 0) continue;
          isOut[other] = 1;
          stack.push(other);
        }
      }
    };
    for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
      loosen(behind, step, incoming);
      loosen(before, step, outgoing);
    }
  };

  return {
    strikeLooseEnds() {
      const stack: number[] = [];
      for (let step = 0; step < size; step++) {
        if (isOut[step] === 1 || (incoming[step] !== 0 && outgoing[step] !== 0)) continue;
        isOut[step] = 1;
        stack.push(step);
      }
      strikeAll(stack);
    },
    strike(step) {
      isOut[step] = 1;
      strikeAll([step]);
    },
  };
}
