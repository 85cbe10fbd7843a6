/** Whatever inputs come, in any order: the history keeps its rules, and the run comes to its end. */
import { expect, test } from "vitest";
import { fuzzRun } from "../support/fuzz-reducer.ts";

/** More of them: `HEDDLE_SEEDS=2000`; tens of thousands each night. */
const SEEDS = Number(process.env["HEDDLE_SEEDS"] ?? 120);

const types = new Set<string>();

test.each(Array.from({ length: 6 }, (_, part) => part))("generated runs with inputs of chance, part %i", (part) => {
  for (let seed = 1 + part; seed <= SEEDS; seed += 6) for (const { type } of fuzzRun(seed)) types.add(type);
});

test("everything that only the reducer decides on comes up in them", () => {
  expect([...types].sort()).toEqual([
    "approval.given",
    "approval.requested",
    "rollback.ended",
    "rollback.failed",
    "rollback.started",
    "run.cancelled",
    "run.created",
    "run.failed",
    "run.paused",
    "run.resumed",
    "run.started",
    "run.succeeded",
    "run.unpaused",
    "signal.received",
    "step.cached",
    "step.cancelled",
    "step.examined",
    "step.failed",
    "step.progress",
    "step.rolledback",
    "step.skipped",
    "step.started",
    "step.succeeded",
    "steps.added",
    "timer.fired",
    "timer.set",
  ]);
});
