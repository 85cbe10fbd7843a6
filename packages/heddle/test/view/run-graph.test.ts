/** How steps hang together: by number, with those that joined on the way, containers, groups and the critical path. */
import { expect, test } from "vitest";
import type { Plan, Step } from "../../src/plan/plan.ts";
import { runGraphOf, type RunGraph } from "../../src/view/run-graph.ts";
import { DIAMOND, history, read, started, succeeded, type Happening } from "./histories.ts";

function graphOf(
  plan: Plan,
  happenings: readonly Happening[] = [],
  expected: Readonly<Record<string, number>> = {},
): RunGraph {
  const { state } = read(history(plan, happenings));
  if (state === undefined) throw new Error("no state");
  return runGraphOf(state, new Map(Object.entries(expected)));
}

function step(id: string, more: Partial<Step> = {}): Step {
  return { id, action: { kind: "run", command: id }, ...more };
}

test("steps are numbers, and each edge is there once", () => {
  const plan: Plan = {
    name: "p",
    steps: [step("a"), step("b", { deps: ["a"], after: ["a"] }), step("c", { after: ["b"] })],
  };
  expect(graphOf(plan)).toMatchObject({ run: "r1", seq: 2, steps: ["a", "b", "c"], deps: [[], [0], []] });
  expect(graphOf(plan).after).toEqual([[], [], [1]]);
});

test("children are in their container, and what a step adds comes after it", () => {
  const plan: Plan = {
    name: "p",
    steps: [step("all", { forEach: { items: [1, 2] } }), step("late", { deps: ["all"] }), step("adder")],
  };
  const child = (at: number): Step => step(`all[${at}]`, at === 1 ? { deps: ["all[0]"] } : {});
  const graph = graphOf(plan, [
    [1010, started("all")],
    [
      1010,
      { type: "steps.added", step: "all", data: { kind: "children", steps: [child(0), child(1)], items: [1, 2] } },
    ],
    [1020, started("adder")],
    [1020, { type: "steps.added", step: "adder", data: { kind: "siblings", steps: [step("more")] } }],
  ]);
  expect(graph.steps).toEqual(["all", "late", "adder", "all[0]", "all[1]", "more"]);
  expect(graph.containers).toEqual([{ step: 0, kind: "forEach", children: [3, 4] }]);
  expect([graph.deps[1], graph.deps[4], graph.after[5]]).toEqual([[0], [3], [2]]);
});

test("groups have the steps that are labelled alike", () => {
  const plan: Plan = {
    name: "p",
    steps: [step("a", { group: "web" }), step("b", { group: "api" }), step("c"), step("d", { group: "web" })],
  };
  expect(graphOf(plan).groups).toEqual([
    { name: "web", steps: [0, 3] },
    { name: "api", steps: [1] },
  ]);
});

test("the critical path goes by what steps took, and what is expected of the others", () => {
  const path = (happenings: readonly Happening[], expected: Readonly<Record<string, number>>): readonly number[] =>
    graphOf(DIAMOND, happenings, expected).criticalPath;
  expect(path([], { a: 10, b: 20, c: 5, d: 5 })).toEqual([1, 2, 3]);
  const took: readonly Happening[] = [
    [1010, started("a")],
    [1100, succeeded("a", 90)],
  ];
  expect(path(took, { a: 10, b: 20, c: 5, d: 5 })).toEqual([0, 2, 3]);
});
