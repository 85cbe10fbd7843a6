/** What screen readers are told of a run: failures, questions, the end, each once. */
import { expect, test } from "vitest";
import type { LiveRun, StepStatus } from "../../../../packages/heddle/src/view/index.ts";
import { toldChanges } from "../../src/run/told-changes.ts";

/** A run with these statuses; only what is looked at is there. */
function runOf(statuses: readonly StepStatus[], status = "running", run = "a1b2"): LiveRun {
  return {
    head: { run, status, endedAt: status === "running" ? null : 1 },
    steps: statuses.map((one, at) => ({ id: `s${at}`, status: one })),
  } as unknown as LiveRun;
}

test.each([
  [["running"], ["succeeded"], undefined],
  [["running", "waiting"], ["failed", "skipped"], "s0 failed."],
  [["failed"], ["failed"], undefined],
  [["running", "running"], ["needs-approval", "needs-resolution"], "s0, s1 need you."],
  [["needs-approval"], ["needs-resolution"], undefined],
  [
    ["running", "running", "running", "running", "running"],
    ["failed", "failed", "failed", "failed", "failed"],
    "s0, s1, s2 and 2 more failed.",
  ],
  [[], ["failed"], "s0 failed."],
] as const)("%j -> %j", (before, after, said) => {
  expect(toldChanges(runOf(before), runOf(after))).toBe(said);
});

test("the end is told once, and nothing of another run", () => {
  expect(toldChanges(runOf(["running"]), runOf(["failed"], "failed"))).toBe("s0 failed. The run ended: failed.");
  expect(toldChanges(runOf(["failed"], "failed"), runOf(["failed"], "failed"))).toBeUndefined();
  expect(toldChanges(runOf(["running"], "running", "c3"), runOf(["failed"]))).toBeUndefined();
});
