/** Two runs on one axis: times without an engine are taken out. */
import { expect, test } from "vitest";
import { workSpans } from "../../src/compare/compare-axis.ts";
import { bar } from "../timeline/bars.ts";

test("a bar stands where the work of its run was, its wait before it", () => {
  const gaps = [{ from: 1100, to: 5000 }];
  const spans = workSpans(
    { startedAt: 1000, gaps },
    [
      bar("a", 1010, 1100, { status: "interrupted" }),
      bar("a", 5000, 5040, { attempt: 2, readyAt: 4990, queuedMs: 10 }),
      bar("b", 5050, null),
      bar("u", 5050, 5060, { kind: "undo" }),
    ],
    5100,
  );
  expect(Object.fromEntries(spans)).toEqual({
    a: [
      { from: 10, to: 100, queuedFrom: 10, status: "interrupted" },
      { from: 100, to: 140, queuedFrom: 100, status: "succeeded" },
    ],
    b: [{ from: 150, to: 200, queuedFrom: 150, status: "running" }],
  });
});
