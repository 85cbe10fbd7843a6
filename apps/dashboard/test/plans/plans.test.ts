/** Plans: values for a start from texts, and what is said of numbers of workers. */
import { expect, test } from "vitest";
import type { PlanParam, WhatIf, WorkersPoint } from "heddle/client";
import { startValues } from "../../src/start/start-values.ts";
import { boundText, curveText, pointAt, shareOfWorkers } from "../../src/plans/what-if-scale.ts";

const PARAMS: readonly PlanParam[] = [
  { name: "env", type: "string" },
  { name: "n", type: "number", default: 2 },
  { name: "dry", type: "boolean", default: true },
  { name: "tags", type: "json", default: [] },
  { name: "__proto__", type: "string", default: "x" },
];

test("texts become values of their types; what is empty is left to the plan", () => {
  const { params, wrong } = startValues(PARAMS, { env: " prod ", n: "1e3", dry: "false", tags: '["a"]' });
  expect([params, [...wrong]]).toEqual([{ env: "prod", n: 1000, dry: false, tags: ["a"] }, []]);
});

test("what is wrong is said by parameter, and nothing of it is sent", () => {
  const { params, wrong } = startValues(PARAMS, { n: "many", dry: "maybe", tags: "{" });
  expect([params, [...wrong]]).toEqual([
    {},
    [
      ["env", "needs a value"],
      ["n", "must be a number"],
      ["dry", "must be a boolean"],
      ["tags", "must be JSON"],
    ],
  ]);
});

const point = (workers: number, makespanMs: number): WorkersPoint => ({
  workers,
  makespanMs,
  utilisation: 1,
  binds: { kind: "path", ms: makespanMs },
  path: [],
});
const CURVE: Pick<WhatIf, "points" | "knee"> = {
  points: [point(1, 1_200_000), point(6, 550_000), point(8, 540_000)],
  knee: { workers: 8, makespanMs: 540_000 },
};

test("the point of a number of workers is its own, or that of the next smaller one", () => {
  expect([0, 1, 5, 6, 7, 64].map((workers) => pointAt(CURVE, workers)?.workers)).toEqual([1, 1, 1, 6, 6, 8]);
  expect(pointAt({ points: [] }, 3)).toBeUndefined();
});

test("what is said names the time, and from where on more gain nothing", () => {
  expect(curveText(CURVE, point(6, 550_000))).toBe("6 workers: 9:10; 8 would take 9:00, more gains nothing");
  expect(curveText(CURVE, point(8, 540_000))).toBe("8 workers: 9:00; more than 8 gains nothing");
  expect(curveText({ knee: null }, point(1, 540_000))).toBe("1 worker: 9:00");
  expect([boundText({ kind: "pool", name: "gpu", ms: 1 }), boundText({ kind: "slot", ms: 1 })]).toEqual([
    "the pool gpu",
    "the number of workers",
  ]);
});

test("the curve goes from one worker to sixty-four", () => {
  expect([1, 8, 64].map(shareOfWorkers)).toEqual([0, 0.5, 1]);
});
