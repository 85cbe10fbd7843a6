/**
 * Graph builder: turns a list of steps into a {@link Graph}, or returns everything that prevents it. Linear in steps and
 * edges, without recursion: a million steps and chains of any length. Knows nothing of files or texts: problems name
 * positions in the list.
 *
 *  1. All problems are returned at once, in the order of the steps, the cycle last.
 *  2. An edge counts once, however often it is written; one that is both hard and soft is hard.
 *  3. The same list gives the same graph and the same problems.
 */
import { defined } from "../base/defined.ts";
import { suggest } from "../base/suggest.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Step } from "../plan/plan.ts";
import { cycleAmong } from "./cycle.ts";
import type { Adjacency, Graph, GraphProblem } from "./graph.ts";

/** Names compared in the search for what was meant, over all unknown deps of a list. */
const MOST_COMPARISONS = 2_000_000;

export function buildGraph(steps: readonly Step[]): Result<Graph, readonly GraphProblem[]> {
  if (steps.length === 0) return err([{ kind: "empty" }]);
  const names = indexNames(steps);
  const { deps, after, problems } = resolveEdges(steps, names, () => false);
  const dependents = reversed(deps, steps.length);
  const followers = reversed(after, steps.length);
  const layers = layersOf(steps.length, deps, after, dependents, followers);
  if (layers.placed < steps.length) {
    const cycle = cycleAmong(steps, names.indexOf, { deps, after, dependents, followers }, layers.isPlaced);
    return err([...problems, { kind: "cycle", edges: cycle }]);
  }
  if (problems.length > 0) return err(problems);
  const { layerOf, layerCount } = layers;
  return ok({
    size: steps.length,
    ids: names.ids,
    indexOf: names.indexOf,
    deps,
    after,
    dependents,
    followers,
    layerOf,
    layerCount,
    order: byLayer(layerOf, layerCount),
  });
}

/**
 * Checks steps that are to join a graph while its run goes on; costs what they cost, not what the graph does.
 * `isKnown`: whether an id is in the graph: then it can be a dep, and cannot be used again (a `duplicate` whose
 * `first` is -1).
 */
export function checkAddition(steps: readonly Step[], isKnown: (id: string) => boolean): readonly GraphProblem[] {
  if (steps.length === 0) return [{ kind: "empty" }];
  const names = indexNames(steps);
  const taken = steps.flatMap((step, second): GraphProblem[] =>
    isKnown(step.id) ? [{ kind: "duplicate", id: step.id, first: -1, second }] : [],
  );
  const { deps, after, problems } = resolveEdges(steps, names, isKnown);
  const dependents = reversed(deps, steps.length);
  const followers = reversed(after, steps.length);
  const layers = layersOf(steps.length, deps, after, dependents, followers);
  if (layers.placed === steps.length) return [...taken, ...problems];
  const cycle = cycleAmong(steps, names.indexOf, { deps, after, dependents, followers }, layers.isPlaced);
  return [...taken, ...problems, { kind: "cycle", edges: cycle }];
}

interface Names {
  readonly ids: readonly string[];
  /** The first step of each id. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** Steps whose id an earlier one has, ascending. */
  readonly duplicates: readonly number[];
}

function indexNames(steps: readonly Step[]): Names {
  const ids = steps.map((step) => step.id);
  const indexOf = new Map<string, number>();
  const duplicates: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    indexOf.set(ids[i] ?? "", i);
    if (indexOf.size + duplicates.length === i) duplicates.push(i);
  }
  // One look-up per step as long as ids are unique; where they are not, the first of each is put back.
  if (duplicates.length > 0) for (let i = ids.length - 1; i >= 0; i--) indexOf.set(ids[i] ?? "", i);
  return { ids, indexOf, duplicates };
}

interface Edges {
  readonly deps: Adjacency;
  readonly after: Adjacency;
  readonly problems: readonly GraphProblem[];
}

function resolveEdges(steps: readonly Step[], names: Names, isKnownElsewhere: (id: string) => boolean): Edges {
  const problems: GraphProblem[] = [];
  const guess = guesser(names.ids);
  // seen[target] is the last step (counted from 1) that has an edge to it: the test for edges written twice.
  const seen = new Int32Array(steps.length);
  const deps = edgeList(steps.length, (step) => step.deps);
  const after = edgeList(steps.length, (step) => step.after);

  function edgeList(size: number, read: (step: Step) => readonly string[] | undefined): EdgeList {
    let written = 0;
    for (const step of steps) written += read(step)?.length ?? 0;
    return { offsets: new Int32Array(size + 1), targets: new Int32Array(written), length: 0 };
  }

  function add(list: EdgeList, step: number, field: "deps" | "after", written: readonly string[] | undefined): void {
    for (let position = 0; written !== undefined && position < written.length; position++) {
      const name = written[position] ?? "";
      const target = names.indexOf.get(name);
      if (target === step || name === steps[step]?.id) problems.push({ kind: "self-dep", step, field, position });
      else if (target === undefined) {
        if (isKnownElsewhere(name)) continue;
        const suggestion = guess(name);
        problems.push(defined({ kind: "unknown-dep", step, field, position, name, suggestion }));
      } else if (seen[target] !== step + 1) {
        seen[target] = step + 1;
        list.targets[list.length++] = target;
      }
    }
    list.offsets[step + 1] = list.length;
  }

  let duplicate = 0;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i];
    if (step === undefined) continue;
    if (names.duplicates[duplicate] === i) {
      duplicate++;
      problems.push({ kind: "duplicate", id: step.id, first: names.indexOf.get(step.id) ?? i, second: i });
    }
    add(deps, i, "deps", step.deps);
    add(after, i, "after", step.after);
  }
  return { deps: trimmed(deps), after: trimmed(after), problems };
}

interface EdgeList {
  readonly offsets: Int32Array;
  readonly targets: Int32Array;
  length: number;
}

function trimmed(list: EdgeList): Adjacency {
  const { offsets, targets, length } = list;
  return { offsets, targets: length === targets.length ? targets : targets.slice(0, length) };
}

/** {@link suggest} over `ids`, each name asked for once, silent when {@link MOST_COMPARISONS} are used up. */
function guesser(ids: readonly string[]): (name: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  let left = Math.max(1, Math.floor(MOST_COMPARISONS / ids.length));
  return (name) => {
    if (!known.has(name) && left > 0) {
      left--;
      known.set(name, suggest(name, ids));
    }
    return known.get(name);
  };
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
  /** Steps that have a layer: fewer than all exactly when there is a cycle. */
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
