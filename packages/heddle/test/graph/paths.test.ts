import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { targetsOf } from "../../src/graph/graph.ts";
import { criticalPath, layersOf, maxParallelism, remainingPath } from "../../src/graph/paths.ts";
import { marked, withAncestors, withDependents, withDeps, withDescendants } from "../../src/graph/select.ts";
import { graphOf, step } from "./steps.ts";

const DIAMOND = { a: [], b: ["a"], c: ["a"], d: ["b", "c"] };

describe("paths", () => {
  test("the longest weighted path from each step, itself included", () => {
    const weights = [1, 10, 2, 5];
    const weightOf = (i: number): number => weights[i] ?? 0;
    expect([...remainingPath(graphOf(DIAMOND), weightOf)]).toEqual([16, 15, 7, 5]);
    expect(criticalPath(graphOf(DIAMOND), weightOf)).toEqual([0, 1, 3]);
  });

  test("ties go to the earlier step, also between deps and after", () => {
    expect(criticalPath(graphOf(DIAMOND), () => 1)).toEqual([0, 1, 3]);
    expect(criticalPath(graphOf([step("a"), step("soft", [], ["a"]), step("hard", ["a"])]), () => 1)).toEqual([0, 1]);
    expect(criticalPath(graphOf({ a: [], b: [] }), () => 0)).toEqual([0]);
  });

  test("the critical path is as long as the longest remaining path, whatever the weights", () => {
    const plans = fc.array(fc.tuple(fc.nat(5), fc.array(fc.nat(30), { maxLength: 4 })), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(plans, (rows) => {
        const steps = rows.map(([, deps], i) =>
          step(
            `n${i}`,
            deps.filter((dep) => dep < i).map((dep) => `n${dep}`),
          ),
        );
        const graph = graphOf(steps);
        const weightOf = (i: number): number => rows[i]?.[0] ?? 0;
        const path = criticalPath(graph, weightOf);
        const length = path.reduce((sum, i) => sum + weightOf(i), 0);
        expect(length).toBe(Math.max(...remainingPath(graph, weightOf)));
        path.slice(1).forEach((i, k) => expect([...targetsOf(graph.deps, i)]).toContain(path[k]));
      }),
    );
  });

  test("max parallelism is the widest layer", () => {
    expect(maxParallelism(graphOf(DIAMOND))).toBe(2);
    expect(layersOf(graphOf(DIAMOND))).toEqual([[0], [1, 2], [3]]);
  });
});

describe("selections", () => {
  // 0 a -> 1 b -> 3 d; 0 a -> 2 c; 4 e after d
  const graph = graphOf([step("a"), step("b", ["a"]), step("c", ["a"]), step("d", ["b"]), step("e", [], ["d"])]);

  test("with what they need, with what needs them", () => {
    expect(marked(withDeps(graph, [3]))).toEqual([0, 1, 3]);
    expect(marked(withDeps(graph, [4]))).toEqual([4]);
    expect(marked(withAncestors(graph, [4]))).toEqual([0, 1, 3, 4]);
    expect(marked(withDependents(graph, [1, 2]))).toEqual([1, 2, 3]);
    expect(marked(withDescendants(graph, [1]))).toEqual([1, 3, 4]);
    expect(marked(withDescendants(graph, []))).toEqual([]);
  });

  test("along a chain of 100,000", () => {
    const chain = graphOf(Array.from({ length: 100_000 }, (_, i) => step(`s${i}`, i === 0 ? [] : [`s${i - 1}`])));
    expect(marked(withDeps(chain, [99_999]))).toHaveLength(100_000);
    expect(criticalPath(chain, () => 1)).toHaveLength(100_000);
  });
});
