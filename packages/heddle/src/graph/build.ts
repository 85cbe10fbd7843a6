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
import { layeredEdges } from "./edges.ts";
import type { Adjacency, Graph, GraphProblem } from "./graph.ts";

/** Names compared in the search for what was meant, over all unknown deps of a list. */
const MOST_COMPARISONS = 2_000_000;

export function buildGraph(steps: readonly Step[]): Result<Graph, readonly GraphProblem[]> {
  if (steps.length === 0) return err([{ kind: "empty" }]);
  const names = indexNames(steps);
  const { deps, after, problems } = resolveEdges(steps, names, () => false);
  const { isPlaced, ...edges } = layeredEdges(deps, after);
  if (isPlaced !== undefined) {
    const cycle = cycleAmong(steps, names.indexOf, edges, isPlaced);
    return err([...problems, { kind: "cycle", edges: cycle }]);
  }
  if (problems.length > 0) return err(problems);
  return ok({ ids: names.ids, indexOf: names.indexOf, ...edges });
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
  const { isPlaced, ...edges } = layeredEdges(deps, after);
  if (isPlaced === undefined) return [...taken, ...problems];
  const cycle = cycleAmong(steps, names.indexOf, edges, isPlaced);
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
