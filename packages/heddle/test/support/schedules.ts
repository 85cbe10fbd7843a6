/**
 * How good schedules are: weighted graphs from a seed or from published sets, what the scheduler makes of them on virtual time,
 * and the optimum to hold it against.
 */
import { seededRandom } from "../../src/base/random.ts";
import { present } from "../../src/base/assert.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { DryRun } from "./dry-run.ts";
import { whole } from "./plans.ts";

export interface WeightedNode {
  readonly id: string;
  readonly deps: readonly string[];
  readonly durationMs: number;
  readonly resources?: { readonly [pool: string]: number };
}

/** One line of a published set. */
export interface WeightedGraph {
  readonly name: string;
  readonly nodes: readonly WeightedNode[];
  /** Workers to makespan in milliseconds. */
  readonly optimal?: { readonly [workers: string]: number };
  readonly capacities?: { readonly [pool: string]: number };
}

/** Graphs in JSON lines. */
export function parseGraphs(text: string): readonly WeightedGraph[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as WeightedGraph);
}

/** `size` nodes; about `density` of the possible edges to earlier nodes. */
export function generateGraph(seed: number, size: number, density: number): WeightedGraph {
  const random = seededRandom(seed);
  const nodes: WeightedNode[] = [];
  for (let at = 0; at < size; at++) {
    const deps = nodes.filter(() => random() < density).map(({ id }) => id);
    nodes.push({ id: `n${at}`, deps, durationMs: 1 + whole(random, 9) });
  }
  return { name: `generated ${seed}`, nodes };
}

export function planOfGraph({ name, nodes, capacities }: WeightedGraph): Plan {
  return {
    name,
    ...(capacities !== undefined && { resources: capacities }),
    steps: nodes.map(({ id, deps, durationMs, resources }) => ({
      id,
      action: { kind: "run", command: "true" },
      estimateMs: durationMs,
      ...(deps.length > 0 && { deps }),
      ...(resources !== undefined && { resources }),
    })),
  };
}

/** What the scheduler makes of a graph whose durations it knows. */
export function schedule(graph: WeightedGraph, workers: number): DryRun {
  const durations = new Map(graph.nodes.map(({ id, durationMs }) => [id, durationMs]));
  const attempt = ({ id }: { readonly id: string }): { durationMs: number } => ({ durationMs: durations.get(id) ?? 0 });
  return DryRun.start(planOfGraph(graph), { attempt }, { maxConcurrency: workers }).run();
}

/** No schedule is shorter: the longest path, and the work shared out evenly. */
export function lowerBound({ nodes }: WeightedGraph, workers: number): number {
  const ends = new Map<string, number>();
  const left = [...nodes];
  let path = 0;
  while (left.length > 0) {
    const at = left.findIndex(({ deps }) => deps.every((id) => ends.has(id)));
    const [node] = left.splice(at, 1);
    const { id, deps, durationMs } = present(node, "node of an acyclic graph");
    const end = durationMs + Math.max(0, ...deps.map((dep) => ends.get(dep) ?? 0));
    ends.set(id, end);
    path = Math.max(path, end);
  }
  const work = nodes.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return Math.max(path, Math.ceil(work / workers));
}

/**
 * The shortest possible makespan, by trying every order in which nodes can be placed, each at its earliest moment: some such
 * order gives an optimal schedule, deliberate waits included. For graphs of up to about ten nodes.
 */
export function optimum(graph: WeightedGraph, workers: number, upTo: number): number {
  const { nodes } = graph;
  const least = lowerBound(graph, workers);
  const start = new Map<string, number>();
  let best = upTo;
  const place = (makespan: number): void => {
    if (best === least || makespan >= best) return;
    if (start.size === nodes.length) {
      best = makespan;
      return;
    }
    for (const node of nodes) {
      if (start.has(node.id) || !node.deps.every((id) => start.has(id))) continue;
      const at = earliest(nodes, start, node, workers);
      start.set(node.id, at);
      place(Math.max(makespan, at + node.durationMs));
      start.delete(node.id);
    }
  };
  place(0);
  return best;
}

function earliest(
  nodes: readonly WeightedNode[],
  start: ReadonlyMap<string, number>,
  node: WeightedNode,
  workers: number,
): number {
  const placed = nodes.flatMap(({ id, durationMs }) => {
    const from = start.get(id);
    return from === undefined ? [] : [{ id, from, to: from + durationMs }];
  });
  const ready = Math.max(0, ...placed.filter(({ id }) => node.deps.includes(id)).map(({ to }) => to));
  const moments = [ready, ...placed.map(({ to }) => to).filter((to) => to > ready)].sort((a, b) => a - b);
  const busyAt = (moment: number): number => placed.filter(({ from, to }) => from <= moment && moment < to).length;
  for (const at of moments) {
    const inside = placed.map(({ from }) => from).filter((from) => from >= at && from < at + node.durationMs);
    if ([at, ...inside].every((moment) => busyAt(moment) < workers)) return at;
  }
  return present(moments.at(-1), "a moment at which all is over");
}

/** Most units of each pool, and most attempts, in use at one instant, from the history alone. */
export function mostInUse(graph: WeightedGraph, { events }: DryRun): ReadonlyMap<string, number> {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  for (const event of events) {
    if (event.type !== "step.started" && event.type !== "step.succeeded") continue;
    const by = event.type === "step.started" ? 1 : -1;
    for (const [pool, units] of Object.entries({ ...nodes.get(event.step)?.resources, attempts: 1 })) {
      const used = (now.get(pool) ?? 0) + by * units;
      now.set(pool, used);
      most.set(pool, Math.max(most.get(pool) ?? 0, used));
    }
  }
  return most;
}
