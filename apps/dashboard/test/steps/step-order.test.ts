/** Which steps the table shows, in which order, and that they stay where they are. */
import { describe, expect, test } from "vitest";
import {
  nextSort,
  orderChanges,
  orderedSteps,
  queuedMs,
  ranMs,
  sortIn,
  sortText,
  SORT_COLUMNS,
  toggledStatus,
} from "../../src/steps/step-order.ts";
import { row } from "./rows.ts";

const ALL = { statuses: [], text: "" } as const;
const NOW = 10_000;

const STEPS = [
  row("b10", { status: "succeeded", durationMs: 500, cost: 0.5, attempts: 1 }),
  row("b9", { status: "running", startedAt: 4000, attempts: 3 }),
  row("a1", { status: "failed", durationMs: 9000, cost: 2, layer: 2 }),
  row("c", { status: "waiting", layer: 3 }),
];

describe("the order", () => {
  test.each([
    [undefined, [0, 1, 2, 3]],
    ["id", [2, 1, 0, 3]],
    ["-id", [3, 0, 1, 2]],
    ["status", [2, 1, 3, 0]],
    // What is not known comes last, whichever way.
    ["cost", [0, 2, 1, 3]],
    ["-cost", [2, 0, 1, 3]],
    ["-ran", [2, 1, 0, 3]],
    ["ran", [0, 1, 2, 3]],
    ["-attempts", [1, 0, 2, 3]],
    ["layer", [0, 1, 2, 3]],
    ["nonsense", [0, 1, 2, 3]],
  ])("by %s", (sort, order) => {
    expect(orderedSteps(STEPS, ALL, sortIn(sort), NOW)).toEqual(order);
  });

  test("shows what is asked for, by status and by part of a name", () => {
    expect(orderedSteps(STEPS, { statuses: ["failed", "running"], text: "" }, undefined, NOW)).toEqual([1, 2]);
    expect(orderedSteps(STEPS, { statuses: [], text: "b" }, sortIn("-id"), NOW)).toEqual([0, 1]);
    expect(orderedSteps(STEPS, { statuses: ["cached"], text: "" }, undefined, NOW)).toEqual([]);
  });

  test("stays as it was made: what has changed since is counted", () => {
    const filter = { statuses: ["running"], text: "" } as const;
    const order = orderedSteps(STEPS, filter, undefined, NOW);
    expect(orderChanges(STEPS, order, filter)).toEqual({ more: 0, fewer: 0 });
    const later = STEPS.map((step) => ({
      ...step,
      status: step.id === "b9" ? ("succeeded" as const) : step.id === "c" ? ("running" as const) : step.status,
    }));
    expect(orderChanges([...later, row("d", { status: "running" })], order, filter)).toEqual({ more: 2, fewer: 1 });
  });
});

test("a column sorts the useful way first, then the other, then not at all", () => {
  for (const column of SORT_COLUMNS) {
    const once = nextSort(undefined, column);
    const twice = nextSort(once, column);
    expect([once?.isDown, twice?.isDown, nextSort(twice, column)]).toEqual([!twice?.isDown, !once?.isDown, undefined]);
    expect(sortIn(sortText(once))).toEqual(once);
  }
  expect(nextSort({ column: "id", isDown: true }, "cost")).toEqual({ column: "cost", isDown: true });
});

test("statuses are named in one order, however they were chosen", () => {
  expect(toggledStatus(toggledStatus(["failed"], "running"), "waiting")).toEqual(["waiting", "running", "failed"]);
  expect(toggledStatus(["waiting", "failed"], "waiting")).toEqual(["failed"]);
});

test.each([
  [{}, null, null],
  [{ waits: "deps" as const }, null, null],
  [{ waits: "ready" as const, readyAt: 4000 }, 6000, null],
  [{ status: "retrying" as const, waits: "retry-delay" as const, readyAt: 20_000 }, null, null],
  [{ status: "running" as const, readyAt: 4000, startedAt: 9000 }, 5000, 1000],
  [{ status: "succeeded" as const, readyAt: 4000, startedAt: 4500, durationMs: 700 }, 500, 700],
  // It waits for its signal since it began, and was ready for a moment.
  [{ waits: "signal" as const, readyAt: 4000, startedAt: 4000 }, 0, null],
])("%j was queued for %s and ran for %s", (more, queued, ran) => {
  expect([queuedMs(row("a", more), NOW), ranMs(row("a", more), NOW)]).toEqual([queued, ran]);
});
