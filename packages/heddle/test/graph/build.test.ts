import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildGraph, checkAddition } from "../../src/graph/build.ts";
import { targetsOf, type CycleEdge, type Graph } from "../../src/graph/graph.ts";
import { layersOf } from "../../src/graph/paths.ts";
import type { Step } from "../../src/plan/plan.ts";
import { cycleIn, graphOf, problemsOf, step, stepsOf } from "./steps.ts";

function layers(graph: Graph): string[][] {
  return layersOf(graph).map((layer) => layer.map((i) => graph.ids[i] ?? ""));
}

describe("layers and order", () => {
  test("a diamond has three layers", () => {
    const graph = graphOf({ a: [], b: ["a"], c: ["a"], d: ["b", "c"] });
    expect(layers(graph)).toEqual([["a"], ["b", "c"], ["d"]]);
    expect([...graph.order]).toEqual([0, 1, 2, 3]);
    expect([...targetsOf(graph.dependents, 0)]).toEqual([1, 2]);
  });

  test("a chain has one step a layer, independent steps one layer", () => {
    expect(layers(graphOf({ c: ["b"], b: ["a"], a: [] }))).toEqual([["a"], ["b"], ["c"]]);
    expect(layers(graphOf({ a: [], b: [], c: [] }))).toEqual([["a", "b", "c"]]);
  });

  test("fan-out and fan-in", () => {
    const middle = Array.from({ length: 50 }, (_, i) => `m${i}`);
    const plan: Record<string, string[]> = { start: [] };
    for (const id of middle) plan[id] = ["start"];
    expect(layers(graphOf({ ...plan, end: middle }))).toEqual([["start"], middle, ["end"]]);
  });

  test("the longest distance counts, not the shortest", () => {
    expect(layers(graphOf({ a: [], b: ["a"], c: ["a", "b"] }))).toEqual([["a"], ["b"], ["c"]]);
  });

  test("`after` orders too, and is left out where it is hard as well", () => {
    const graph = graphOf([step("a"), step("b", [], ["a"]), step("c", ["a", "a"], ["a", "b", "b"])]);
    expect(layers(graph)).toEqual([["a"], ["b"], ["c"]]);
    expect([...targetsOf(graph.deps, 2)]).toEqual([0]);
    expect([...targetsOf(graph.after, 2)]).toEqual([1]);
    expect([...targetsOf(graph.followers, 0)]).toEqual([1]);
  });
});

describe("problems", () => {
  test("an empty list", () => {
    expect(problemsOf([])).toEqual([{ kind: "empty" }]);
  });

  test("all come at once, in the order of the steps", () => {
    const steps = [
      step("schema", ["shema"]),
      step("ui", ["ui"], ["schema"]),
      step("schema", []),
      step("x", ["schema", "nowhere-near"], ["scheme"]),
      step("p", ["q"]),
      step("q", ["p"]),
    ];
    expect(problemsOf(steps)).toEqual([
      { kind: "unknown-dep", step: 0, field: "deps", position: 0, name: "shema", suggestion: "schema" },
      { kind: "self-dep", step: 1, field: "deps", position: 0 },
      { kind: "duplicate", id: "schema", first: 0, second: 2 },
      { kind: "unknown-dep", step: 3, field: "deps", position: 1, name: "nowhere-near" },
      { kind: "unknown-dep", step: 3, field: "after", position: 0, name: "scheme", suggestion: "schema" },
      {
        kind: "cycle",
        edges: [
          { step: 4, dependsOn: 5, field: "deps", position: 0 },
          { step: 5, dependsOn: 4, field: "deps", position: 0 },
        ],
      },
    ]);
  });

  test("three of one id: both later ones name the first", () => {
    expect(problemsOf([step("z"), step("a"), step("a"), step("a")])).toEqual([
      { kind: "duplicate", id: "a", first: 1, second: 2 },
      { kind: "duplicate", id: "a", first: 1, second: 3 },
    ]);
  });

  test("ids that are names of object members are plain ids", () => {
    const graph = graphOf(
      Object.fromEntries([
        ["constructor", []],
        ["toString", ["constructor"]],
      ]),
    );
    expect(layers(graph)).toEqual([["constructor"], ["toString"]]);
    expect(problemsOf([step("a", ["hasOwnProperty"])])).toMatchObject([
      { kind: "unknown-dep", name: "hasOwnProperty" },
    ]);
  });

  test("100,000 unknown deps cost a bounded search", () => {
    const steps = Array.from({ length: 100_000 }, (_, i) => step(`step-${i}`, [`stop-${i}`]));
    const problems = problemsOf(steps);
    expect(problems).toHaveLength(100_000);
    expect(problems[0]).toMatchObject({ kind: "unknown-dep", suggestion: "step-0" });
    expect(problems.at(-1)).not.toHaveProperty("suggestion");
  });
});

describe("cycles", () => {
  test("the shortest is shown, from its smallest step, each entry depending on the one before", () => {
    const edges = cycleIn(
      stepsOf({ a: ["e"], b: ["a"], c: ["b"], d: ["c"], e: ["d"], x: ["e", "z"], y: ["x"], z: ["y"] }),
    );
    expect(edges.map((edge) => edge.step)).toEqual([5, 6, 7]);
    expect(edges[0]).toEqual({ step: 5, dependsOn: 7, field: "deps", position: 1 });
  });

  test("a longer one further on does not replace it", () => {
    const edges = cycleIn(stepsOf({ a: ["c"], b: ["a"], c: ["b"], d: ["g"], e: ["d"], f: ["e"], g: ["f"] }));
    expect(edges.map((edge) => edge.step)).toEqual([0, 1, 2]);
  });

  test("through `after`, and beside duplicates", () => {
    expect(cycleIn([step("a", [], ["b"]), step("b", ["a"]), step("a")])).toEqual([
      { step: 0, dependsOn: 1, field: "after", position: 0 },
      { step: 1, dependsOn: 0, field: "deps", position: 0 },
    ]);
  });

  test("a cycle of 20,000 steps", () => {
    const size = 20_000;
    const steps = Array.from({ length: size }, (_, i) => step(`s${i}`, [`s${(i + size - 1) % size}`]));
    expect(cycleIn(steps).map((edge) => edge.step)).toEqual(steps.map((_, i) => i));
  });

  test("found exactly where a naive search finds one, and as short", () => {
    fc.assert(
      fc.property(anyEdges(12), ({ size, edges }) => {
        const result = buildGraph(fromEdges(size, edges));
        const shortest = naiveGirth(size, edges);
        expect(result.ok).toBe(shortest === undefined);
        if (shortest === undefined) return;
        const cycle = result.ok ? [] : cycleOf(result.error);
        expect(cycle).toHaveLength(shortest);
        cycle.forEach((edge, k) => {
          expect(edge.dependsOn).toBe(cycle.at(k - 1)?.step);
          expect(edges).toContainEqual([edge.dependsOn, edge.step]);
        });
        expect(cycle[0]?.step).toBe(Math.min(...cycle.map((edge) => edge.step)));
      }),
      { numRuns: 2000 },
    );
  });
});

test("layers, order and the reversed lists of any graph hold together", () => {
  fc.assert(
    fc.property(anyEdges(20), fc.array(fc.boolean()), ({ size, edges }, soft) => {
      const forward = edges.filter(([from, to]) => from < to);
      const graph = graphOf(fromEdges(size, forward, soft));
      const place = new Map([...graph.order].map((i, k) => [i, k]));
      const layer = (i: number): number => graph.layerOf[i] ?? -1;
      for (let i = 0; i < size; i++) {
        const before = [...targetsOf(graph.deps, i), ...targetsOf(graph.after, i)];
        expect(new Set(before)).toEqual(new Set(forward.filter(([, to]) => to === i).map(([from]) => from)));
        expect(layer(i)).toBe(Math.max(-1, ...before.map(layer)) + 1);
        for (const dep of targetsOf(graph.deps, i)) expect([...targetsOf(graph.dependents, dep)]).toContain(i);
        for (const dep of targetsOf(graph.after, i)) expect([...targetsOf(graph.followers, dep)]).toContain(i);
        for (const dep of before) expect(place.get(dep)).toBeLessThan(place.get(i) ?? -1);
      }
      expect(graph.layerCount).toBe(Math.max(...graph.layerOf) + 1);
      expect(graph.dependents.targets.length).toBe(graph.deps.targets.length);
      expect(graph.followers.targets.length).toBe(graph.after.targets.length);
      const byLayer = [...graph.order].map((i) => [layer(i), i] as const);
      expect(byLayer).toEqual(byLayer.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
    }),
  );
});

test("a chain of 100,000 steps", () => {
  const size = 100_000;
  const steps = Array.from({ length: size }, (_, i): Step => step(`s${i}`, i === 0 ? [] : [`s${i - 1}`]));
  const graph = graphOf(steps);
  expect(graph.layerCount).toBe(size);
  expect(graph.order[size - 1]).toBe(size - 1);
});

describe("steps added while a run goes on", () => {
  const known = (id: string): boolean => id === "old" || id === "older";

  test("may name known ids and each other", () => {
    expect(checkAddition([step("new", ["old"]), step("newer", ["new"], ["older"])], known)).toEqual([]);
  });

  test("may not take a known id, name an unknown one, or go round", () => {
    expect(checkAddition([step("old"), step("a", ["gone"]), step("b", ["c"]), step("c", ["b"])], known)).toMatchObject([
      { kind: "duplicate", id: "old", first: -1, second: 0 },
      { kind: "unknown-dep", step: 1, name: "gone" },
      { kind: "cycle", edges: [{ step: 2 }, { step: 3 }] },
    ]);
    expect(checkAddition([], known)).toEqual([{ kind: "empty" }]);
  });
});

function cycleOf(problems: readonly { readonly kind: string }[]): readonly CycleEdge[] {
  const last = problems.at(-1);
  return last !== undefined && "edges" in last ? (last.edges as readonly CycleEdge[]) : [];
}

type Edge = readonly [from: number, to: number];

/** Edges without loops among `size` steps, in any direction. */
function anyEdges(most: number): fc.Arbitrary<{ readonly size: number; readonly edges: readonly Edge[] }> {
  return fc.integer({ min: 1, max: most }).chain((size) => {
    const node = fc.nat({ max: size - 1 });
    return fc
      .array(fc.tuple(node, node), { maxLength: size * 2, size: "max" })
      .map((pairs) => ({ size, edges: pairs.filter(([from, to]) => from !== to) }));
  });
}

/** The k-th edge is an `after` where `soft[k]`. */
function fromEdges(size: number, edges: readonly Edge[], soft: readonly boolean[] = []): readonly Step[] {
  const pick = (to: number, isSoft: boolean): string[] =>
    edges.flatMap((edge, k) => (edge[1] === to && (soft[k] ?? false) === isSoft ? [`n${edge[0]}`] : []));
  return Array.from({ length: size }, (_, i) => step(`n${i}`, pick(i, false), pick(i, true)));
}

/** Length of the shortest cycle by repeated products of the adjacency matrix; `undefined` where there is none. */
function naiveGirth(size: number, edges: readonly Edge[]): number | undefined {
  const direct = Array.from({ length: size }, (_, a) =>
    Array.from({ length: size }, (_, b) => edges.some(([from, to]) => from === a && to === b)),
  );
  let walks = direct;
  for (let length = 1; length <= size; length++) {
    if (walks.some((row, i) => row[i])) return length;
    walks = walks.map((row) => direct[0]?.map((_, b) => row.some((reaches, k) => reaches && direct[k]?.[b])) ?? []);
  }
  return undefined;
}
