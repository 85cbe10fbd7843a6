/** R9: how near to the optimum schedules are. Published sets are held against the same bar by the nightly tier. */
import { expect, test } from "vitest";
import { generateGraph, lowerBound, optimum, schedule } from "../support/schedules.ts";

const GRAPHS = 60;

test.each([2, 4, 8, 16])(
  "%i workers: schedules of graphs with a known optimum are within 2 %% of it, never below",
  (workers) => {
    let sum = 0;
    for (let seed = 1; seed <= GRAPHS; seed++) {
      const graph = generateGraph(seed, 8, [0.1, 0.25, 0.4][seed % 3] ?? 0.25);
      const { makespan } = schedule(graph, workers);
      const best = optimum(graph, workers, makespan + 1);
      expect(best).toBeGreaterThanOrEqual(lowerBound(graph, workers));
      expect(makespan).toBeGreaterThanOrEqual(best);
      sum += makespan / best;
    }
    expect(sum / GRAPHS).toBeLessThanOrEqual(1.02);
  },
);

test("the optimum is the optimum: a chain, a bag, and one that needs a deliberate wait", () => {
  const node = (id: string, durationMs: number, deps: readonly string[] = []) => ({ id, durationMs, deps });
  expect(optimum({ name: "chain", nodes: [node("a", 3), node("b", 4, ["a"])] }, 2, 99)).toBe(7);
  expect(
    optimum({ name: "bag", nodes: [node("a", 3), node("b", 3), node("c", 2), node("d", 2), node("e", 2)] }, 2, 99),
  ).toBe(6);
  const waits = [node("x", 2), node("long", 10, ["x"]), node("y", 1), node("filler", 6, ["y"]), node("last", 5, ["y"])];
  expect(optimum({ name: "waits", nodes: waits }, 2, 99)).toBe(12);
});

test("large graphs stay near the bound", () => {
  for (const workers of [2, 4, 8, 16]) {
    let sum = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const graph = generateGraph(seed, 200, 0.02);
      sum += schedule(graph, workers).makespan / lowerBound(graph, workers);
    }
    expect(sum / 10).toBeLessThanOrEqual(1.05);
  }
});
