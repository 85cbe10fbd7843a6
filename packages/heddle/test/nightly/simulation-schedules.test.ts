/**
 * R9 and R11 on published sets, where `HEDDLE_DAGS` names a folder with graphs in JSON lines
 * (`{name, nodes: [{id, deps, durationMs, resources?}], optimal?: {workers: makespan}, capacities?}`), and on generated projects.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import { whole } from "../support/plans.ts";
import { generateGraph, mostInUse, parseGraphs, schedule, type WeightedGraph } from "../support/schedules.ts";
import { report, scaled } from "./scale.ts";

const FOLDER = process.env["HEDDLE_DAGS"];
const graphs: readonly WeightedGraph[] =
  FOLDER === undefined
    ? []
    : readdirSync(FOLDER)
        .filter((file) => file.endsWith(".jsonl"))
        .flatMap((file) => parseGraphs(readFileSync(path.join(FOLDER, file), "utf8")));

describe.skipIf(graphs.length === 0)("published graphs", () => {
  test.each([2, 4, 8, 16])("%i workers: within 2 %% of the optimum on average, never below it (R9)", (workers) => {
    const known = graphs.filter(
      ({ optimal, capacities }) => optimal?.[workers] !== undefined && capacities === undefined,
    );
    const ratios = known.map((graph) => schedule(graph, workers).makespan / (graph.optimal?.[workers] ?? Number.NaN));
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
    report(
      `R9: ${workers} workers, ${known.length} graphs: mean ${mean.toFixed(4)}, least ${least.toFixed(4)}, most ${most.toFixed(4)} of the optimum`,
    );
    expect(mean).toBeLessThanOrEqual(1.02);
    expect(least).toBeGreaterThanOrEqual(1);
  });

  test("limits hold (R11)", () => {
    const limited = graphs.filter(({ capacities }) => capacities !== undefined);
    for (const workers of [4, 64]) for (const graph of limited) expectWithin(graph, workers);
    report(`R11: ${limited.length} published projects with resources, 4 and 64 workers: no instant past a capacity`);
  });
});

test("limits hold over generated resource-constrained projects (R11)", () => {
  const projects = scaled(500);
  for (let seed = 1; seed <= projects; seed++) {
    const random = seededRandom(seed);
    const capacities = { r1: 1 + whole(random, 9), r2: 1 + whole(random, 9), r3: 1 + whole(random, 3) };
    const bare = generateGraph(seed, 20 + whole(random, 60), 0.05);
    const nodes = bare.nodes.map((node) => {
      const wanted = Object.entries(capacities).filter(() => random() < 0.5);
      return {
        ...node,
        resources: Object.fromEntries(wanted.map(([pool, most]) => [pool, 1 + whole(random, most - 1)])),
      };
    });
    expectWithin({ ...bare, nodes, capacities }, 2 + whole(random, 30));
  }
  report(`R11: ${projects} generated projects with resources: no instant past a capacity`);
});

function expectWithin(graph: WeightedGraph, workers: number): void {
  const run = schedule(graph, workers);
  const most = mostInUse(graph, run);
  expect([graph.name, run.state.phase.tag]).toEqual([graph.name, "succeeded"]);
  expect(most.get("attempts") ?? 0).toBeLessThanOrEqual(workers);
  for (const [pool, capacity] of Object.entries(graph.capacities ?? {})) {
    expect([graph.name, pool, (most.get(pool) ?? 0) <= capacity]).toEqual([graph.name, pool, true]);
  }
}
