/** How many steps run again when some are named. */
import { expect, test } from "vitest";
import type { LiveRun } from "../../../../packages/heddle/src/view/live-run.ts";
import type { RunGraph } from "../../../../packages/heddle/src/view/run-graph.ts";
import { openBeforeStep } from "../../src/run/run-graph.ts";
import { retryReach } from "../../src/steps/retry-reach.ts";
import { row } from "./rows.ts";

const run = {
  steps: [
    row("a", { status: "succeeded" }),
    row("b", { status: "succeeded" }),
    row("c", { status: "skipped" }),
    row("d", { status: "failed" }),
    row("e", { status: "waiting" }),
    row("f", { status: "succeeded" }),
  ],
} as unknown as LiveRun;
const graph = {
  deps: [[], [0], [1], [1], [2, 3], []],
  after: [[], [], [], [], [], [0]],
} as unknown as RunGraph;

test.each([
  [["a"], { named: 1, behind: 3, undone: 1 }],
  [["b"], { named: 1, behind: 1, undone: 1 }],
  [["d"], { named: 1, behind: 0, undone: 0 }],
  [["a", "f"], { named: 2, behind: 2, undone: 1 }],
  [["gone"], { named: 0, behind: 0, undone: 1 }],
])("%j: %j", (ids, reach) => expect(retryReach(run, graph, ids)).toEqual(reach));

test("a step waits for what has not ended as it needs", () => {
  expect(openBeforeStep(run, graph, 4)).toEqual(["d"]);
  expect(openBeforeStep(run, graph, 5)).toEqual([]);
});
