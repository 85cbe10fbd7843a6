/**
 * Row about the order of steps: the scheduler on a simulated clock against schedules that are known to be best. Graphs are
 * generated so that their optimum is known; with a folder of published sets (`--dags DIR`) those are taken too.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildGraph } from "../../packages/heddle/src/graph/build.ts";
import type { Step } from "../../packages/heddle/src/plan/plan.ts";
import { expectedMakespan } from "../../packages/heddle/src/view/makespan.ts";
import { seeded } from "../kit/graphs.ts";
import type { Entry, Outcome, Row, Verdict } from "../kit/row.ts";

interface Node {
  readonly id: string;
  readonly deps: readonly string[];
  readonly durationMs?: number;
  readonly resources?: Readonly<Record<string, number>>;
}

interface Published {
  readonly name: string;
  readonly nodes: readonly Node[];
  /** Best makespan by number of workers; `unlimited` where only pools limit. */
  readonly optimal?: Readonly<Record<string, number>>;
  readonly optimalProof?: unknown;
  readonly capacities?: Readonly<Record<string, number>>;
}

const WORKERS = [2, 4, 8, 16];
const BAR = 1.02;

/**
 * Fills `workers` lines without a gap up to one time, cuts them into steps, and draws edges from steps that end before others
 * begin: the lines are a schedule, and none is shorter.
 */
function packed(workers: number, seed: number): Published {
  const random = seeded(seed);
  const end = 600;
  const pieces: { id: string; from: number; to: number; deps: string[] }[] = [];
  for (let line = 0; line < workers; line++) {
    for (let from = 0; from < end;) {
      const wanted = from + 10 + Math.floor(random() * 60);
      const to = wanted > end - 10 ? end : wanted;
      pieces.push({ id: `l${line}-${from}`, from, to, deps: [] });
      from = to;
    }
  }
  pieces.sort((a, b) => a.from - b.from);
  for (const piece of pieces) {
    const before = pieces.filter(({ to }) => to <= piece.from && to > piece.from - 120);
    for (let edges = Math.min(before.length, Math.floor(random() * 3)); edges > 0; edges--) {
      const dep = before[Math.floor(random() * before.length)]?.id;
      if (dep !== undefined && !piece.deps.includes(dep)) piece.deps.push(dep);
    }
  }
  const nodes = pieces.map(({ id, from, to, deps }) => ({ id, deps, durationMs: to - from }));
  return { name: `packed-${workers}-${seed}`, nodes, optimal: { [workers]: end } };
}

function makespan({ nodes, capacities }: Published, workers: number): number {
  const steps = nodes.map(({ id, deps, resources }): Step => {
    const wanted = Object.entries(resources ?? {}).filter(([, units]) => units > 0);
    return {
      id,
      action: { kind: "run", command: "" },
      ...(deps.length === 0 ? {} : { deps }),
      ...(wanted.length === 0 ? {} : { resources: Object.fromEntries(wanted) }),
    };
  });
  const graph = buildGraph(steps);
  if (!graph.ok) throw new Error("no graph");
  const ms = expectedMakespan({
    plan: { name: "bench", steps, ...(capacities === undefined ? {} : { resources: capacities }) },
    graph: graph.value,
    options: { maxConcurrency: workers, maxAgents: 1, schedule: "ready", failure: "continue", rollback: "none" },
    durationOf: (step) => nodes[step]?.durationMs ?? 0,
  });
  if (ms === undefined) throw new Error("the schedule did not end");
  return ms;
}

/** Longest path and evenly spread work: what no schedule beats. */
function lowerBound({ nodes }: Published, workers: number): number {
  const ends = new Map<string, number>();
  let longest = 0;
  let work = 0;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const endOf = (node: Node): number => {
    const known = ends.get(node.id);
    if (known !== undefined) return known;
    const from = Math.max(0, ...node.deps.map((dep) => endOf(byId.get(dep) as Node)));
    ends.set(node.id, from + (node.durationMs ?? 0));
    return from + (node.durationMs ?? 0);
  };
  for (const node of nodes) {
    longest = Math.max(longest, endOf(node));
    work += node.durationMs ?? 0;
  }
  return Math.max(longest, work / workers);
}

interface Ratios {
  readonly title: string;
  readonly ratios: number[];
}

function add(groups: Map<string, Ratios>, title: string, ratio: number): void {
  const group = groups.get(title);
  if (group === undefined) groups.set(title, { title, ratios: [ratio] });
  else group.ratios.push(ratio);
}

/** Graphs of a published set against their best schedules, and where those are not known against the bound. */
function compareSet(groups: Map<string, Ratios>, graph: Published, set: string): void {
  if (graph.capacities !== undefined) {
    const best = Object.values(graph.optimal ?? {})[0];
    if (best !== undefined) add(groups, `${set}, pools`, makespan(graph, graph.nodes.length) / best);
    return;
  }
  for (const workers of WORKERS) {
    const best = graph.optimal?.[workers];
    if (best !== undefined) add(groups, `${set}, ${workers} workers`, makespan(graph, workers) / best);
    else if (graph.optimal === undefined)
      add(
        groups,
        `${set}, ${workers} workers, against the bound`,
        makespan(graph, workers) / lowerBound(graph, workers),
      );
  }
}

function read(folder: string, set: string): readonly Published[] {
  const file = join(folder, `${set}.jsonl`);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Published);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export const schedules: Row = {
  id: "schedules",
  title: "schedules against the best ones known (durations known, simulated clock)",
  bar: "mean makespan / optimum at most 1.02, never below 1",
  command: "heddle plan (its expected makespan); published sets with --dags DIR",
  measure({ quick, dags }): Promise<Outcome> {
    const groups = new Map<string, Ratios>();
    for (const workers of WORKERS) {
      for (let seed = 1; seed <= (quick ? 20 : 100); seed++) {
        add(groups, `generated, ${workers} workers`, makespan(packed(workers, seed), workers) / 600);
      }
    }
    if (dags !== undefined) {
      for (const set of ["stg50", "psplib-j30-sample", "wfinstances-nextflow"]) {
        for (const graph of read(dags, set)) compareSet(groups, graph, set);
      }
    }
    const entries: Entry[] = [];
    const verdicts: Verdict[] = [];
    for (const { title, ratios } of groups.values()) {
      const worst = Math.max(...ratios);
      entries.push({
        who: title,
        value: mean(ratios),
        unit: "x",
        samples: ratios.length,
        note: `worst ${worst.toFixed(3)}, least ${Math.min(...ratios).toFixed(3)}`,
      });
      // Where pools limit, or the optimum is not known, the promise says nothing.
      if (!title.includes("pools") && !title.includes("bound"))
        verdicts.push({ what: title, ours: mean(ratios), bar: BAR, unit: "x" });
    }
    const notes = dags === undefined ? ["without published sets: give --dags DIR"] : [];
    return Promise.resolve({ kind: "measured", entries, verdicts, notes });
  },
};
