/**
 * Fold: which nodes a drawing of a run's graph has. A container or a group with many steps is one node until it is opened. Pure; knows no
 * status and no place.
 *
 * Invariants:
 *  1. Each step is shown by one node: its own, or that of the outermost closed fold around it.
 *  2. The nodes are a graph without cycles: a group that others lie between stays open.
 *  3. An open container comes before its children, and what depends on it comes after them.
 */
import { adjacencyOf, layeredEdges, targetsOf, type Adjacency, type LayeredEdges, type RunGraph } from "heddle/view";

/** From so many steps on a fold is closed at first. */
export const FOLDED_FROM = 9;
/** An open container's ends are joined with what depends on it by at most so many edges; else the container itself is. */
const MOST_JOINTS = 400;

export interface GraphNode {
  /** The same for as long as the run has it. */
  readonly key: string;
  readonly label: string;
  readonly kind: "step" | "forEach" | "plan" | "group";
  /** What a click opens; absent: a group has no step of its own. */
  readonly step?: number;
  /** The steps whose status it shows. */
  readonly members: readonly number[];
  /** Steps directly in the fold. */
  readonly size: number;
  /** Absent: there is nothing to open. */
  readonly fold?: "open" | "closed";
  /** Key of the innermost open fold around it; absent: none. */
  readonly inside?: string;
}

export interface FoldedGraph {
  readonly nodes: readonly GraphNode[];
  /** The node that shows a step. */
  readonly nodeOf: Int32Array;
  readonly edges: LayeredEdges;
}

interface Fold {
  readonly key: string;
  readonly name: string;
  readonly kind: "forEach" | "plan" | "group";
  readonly steps: readonly number[];
  readonly isClosed: boolean;
}

/** `toggled`: keys of the folds that a person opened or closed. */
export function foldedGraph(graph: RunGraph, toggled: ReadonlySet<string>): FoldedGraph {
  const isClosed = (key: string, size: number): boolean => size >= FOLDED_FROM !== toggled.has(key);
  const containers = new Map<number, Fold>();
  const parents = new Int32Array(graph.steps.length).fill(-1);
  for (const { step, kind, children } of graph.containers) {
    for (const child of children) parents[child] = step;
    const name = graph.steps[step] ?? "";
    const key = `s ${name}`;
    containers.set(step, { key, name, kind, steps: children, isClosed: isClosed(key, children.length) });
  }
  let groups = graph.groups.flatMap(({ name, steps }): readonly Fold[] => {
    // In one line: the address has them one below the other.
    const key = `g ${graph.steps[parents[steps[0] ?? 0] ?? -1] ?? ""} ${name}`.replaceAll(/\s+/g, " ");
    return steps.length < FOLDED_FROM
      ? []
      : [{ key, name, kind: "group", steps, isClosed: isClosed(key, steps.length) }];
  });
  for (;;) {
    const shown = nodesOf(graph, { containers, parents, groups });
    const { cycle, edges } = edgesOf(graph, { containers, parents, ...shown });
    const { nodes, nodeOf } = shown;
    if (cycle === undefined) return { nodes, nodeOf, edges };
    const before = groups.length;
    groups = groups.filter(({ key }) => !nodes.some((node, at) => node.key === key && cycle.has(at)));
    // A graph with a cycle of its own is none of heddle's.
    if (groups.length === before) return { nodes, nodeOf, edges };
  }
}

interface Folds {
  readonly containers: ReadonlyMap<number, Fold>;
  readonly parents: Int32Array;
  readonly groups: readonly Fold[];
}

interface Shown {
  readonly nodes: readonly GraphNode[];
  readonly nodeOf: Int32Array;
}

/** A node whose steps are not all known yet. */
interface DraftNode extends GraphNode {
  readonly members: number[];
}

function nodesOf(graph: RunGraph, { containers, parents, groups }: Folds): Shown {
  const groupOf = new Map(groups.flatMap((group) => group.steps.map((step) => [step, group] as const)));
  const nodes: DraftNode[] = [];
  const nodeOf = new Int32Array(graph.steps.length);
  const nodeOfGroup = new Map<string, number>();
  // A container comes before its children.
  for (const [step, id] of graph.steps.entries()) {
    const parent = parents[step] ?? -1;
    const around = parent === -1 ? undefined : (nodeOf[parent] ?? 0);
    const group = groupOf.get(step);
    const isFolded = around !== undefined && (nodes[around]?.step !== parent || nodes[around].fold === "closed");
    const known = isFolded ? around : group?.isClosed === true ? nodeOfGroup.get(group.key) : undefined;
    const node = known ?? nodes.length;
    if (known === undefined && group?.isClosed === true) {
      nodeOfGroup.set(group.key, node);
      nodes.push(foldNode(group, []));
    } else if (known === undefined) {
      const own = containers.get(step);
      const inside = (group ?? containers.get(parent))?.key;
      const draft: DraftNode =
        own === undefined
          ? { key: `s ${id}`, label: id, kind: "step", step, members: [], size: 0 }
          : { ...foldNode(own, []), step };
      nodes.push(inside === undefined ? draft : { ...draft, inside });
    }
    nodes[node]?.members.push(step);
    nodeOf[step] = node;
  }
  return { nodes, nodeOf };
}

function foldNode({ key, name, kind, steps, isClosed }: Fold, members: number[]): DraftNode {
  return { key, label: name, kind, members, size: steps.length, fold: isClosed ? "closed" : "open" };
}

interface NodeEdges {
  readonly edges: LayeredEdges;
  /** Nodes on cycles, or between two of them; absent: there are none. */
  readonly cycle: ReadonlySet<number> | undefined;
}

function edgesOf(graph: RunGraph, shown: Shown & Pick<Folds, "containers" | "parents">): NodeEdges {
  const { nodes, nodeOf } = shown;
  const deps: Set<number>[] = nodes.map(() => new Set());
  const after: Set<number>[] = nodes.map(() => new Set());
  const ends = endsOf(graph, shown);
  for (let step = 0; step < graph.steps.length; step++) {
    const to = nodeOf[step] ?? 0;
    const parent = shown.parents[step] ?? -1;
    // What a container comes after, its children come after through it.
    const isHere = (dep: number): boolean => parent === -1 || shown.parents[dep] === parent;
    let isRoot = true;
    for (const [lists, sources] of [
      [graph.deps, deps],
      [graph.after, after],
    ] as const)
      for (const dep of (lists[step] ?? []).filter(isHere)) {
        isRoot = false;
        for (const from of ends(dep)) if (from !== to) sources[to]?.add(from);
      }
    const around = nodeOf[parent];
    if (isRoot && around !== undefined && around !== to) deps[to]?.add(around);
  }
  const lists = (sets: readonly ReadonlySet<number>[]): Adjacency =>
    adjacencyOf(sets.map((set) => [...set].toSorted((a, b) => a - b)));
  for (const [to, sources] of after.entries()) for (const from of deps[to] ?? []) sources.delete(from);
  const { isPlaced, ...edges } = layeredEdges(lists(deps), lists(after));
  if (isPlaced === undefined) return { edges, cycle: undefined };
  const back = layeredEdges(edges.dependents, edges.followers).isPlaced;
  return { edges, cycle: new Set([...isPlaced.keys()].filter((at) => isPlaced[at] === 0 && back?.[at] === 0)) };
}

/** The nodes that edges from a step begin at: of an open container the last of its children. */
function endsOf(
  graph: RunGraph,
  { nodes, nodeOf, containers }: Shown & Pick<Folds, "containers">,
): (step: number) => readonly number[] {
  const dependents = new Int32Array(graph.steps.length);
  for (const lists of [graph.deps, graph.after])
    for (const list of lists) for (const dep of list) dependents[dep] = (dependents[dep] ?? 0) + 1;
  const known = new Map<number, readonly number[]>();
  const find = (step: number): readonly number[] => {
    const own = nodeOf[step] ?? 0;
    const container = containers.get(step);
    if (container === undefined || nodes[own]?.step !== step || nodes[own].fold !== "open") return [own];
    const last = container.steps.filter((child) => dependents[child] === 0);
    const all = [...new Set(last.flatMap((child) => ends(child)))];
    return all.length === 0 || all.length * (dependents[step] ?? 0) > MOST_JOINTS ? [own] : all;
  };
  const ends = (step: number): readonly number[] => {
    const before = known.get(step);
    if (before !== undefined) return before;
    const found = find(step);
    known.set(step, found);
    return found;
  };
  return ends;
}

/** All nodes before the node, or behind it, along edges; itself included. */
export function reachedFrom({ edges }: FoldedGraph, node: number, towards: "before" | "behind"): ReadonlySet<number> {
  const lists = towards === "before" ? [edges.deps, edges.after] : [edges.dependents, edges.followers];
  const reached = new Set([node]);
  for (const one of reached) for (const list of lists) for (const next of targetsOf(list, one)) reached.add(next);
  return reached;
}
