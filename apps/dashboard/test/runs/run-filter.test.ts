/** What the search box of the runs means. */
import { expect, test } from "vitest";
import type { RunLine } from "heddle/client";
import { beginningOf, isInFilter, runFilterOf } from "../../src/runs/run-filter.ts";

test.each([
  ["", {}],
  ["plan:release", { plan: "release" }],
  ['plan:"two words" status:failed', { plan: "two words", status: ["failed"] }],
  ["status:failed,waiting status:paused", { status: ["failed", "waiting", "paused"] }],
  ["status:,", {}],
  ["  7f3a  ", { text: "7f3a" }],
  ["nightly plan:x build", { plan: "x", text: "nightly build" }],
  ["other:thing", { text: "other:thing" }],
  ['"plan:x"', { text: "plan:x" }],
  ["plan:", { text: "plan:" }],
])("%j", (query, meant) => {
  expect(runFilterOf(query)).toEqual({ ...meant, problems: [] });
});

test("a status that is none is said, with those that there are", () => {
  expect(runFilterOf("status:failed,done").problems).toEqual([
    "no run has the status done; there are: running, paused, waiting, succeeded, failed, cancelled, interrupted",
  ]);
});

const LINE = { run: "7f3a", plan: "Release", status: "failed", startedAt: 1000 } as RunLine;

test.each([
  ["", undefined, true],
  ["plan:Release status:failed,paused 7f", 1000, true],
  ["release", undefined, true],
  ["plan:release", undefined, false],
  ["status:paused", undefined, false],
  ["", 1001, false],
  ["nightly", undefined, false],
])("%j since %j", (query, since, is) => {
  expect(isInFilter(LINE, runFilterOf(query), since)).toBe(is);
});

test("a period begins at a whole minute", () => {
  const day = 24 * 3_600_000;
  expect(beginningOf("7d", 30 * day + 61_234)).toBe(23 * day + 60_000);
  expect(beginningOf(undefined, 1)).toBeUndefined();
});
