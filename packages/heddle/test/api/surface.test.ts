/** The public list, whole: a name that comes or goes is seen in review. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import * as heddle from "../../src/index.ts";

test("values", () => {
  expect(Object.keys(heddle).toSorted()).toEqual([
    "HeddleError",
    "PlanError",
    "agent",
    "approve",
    "command",
    "forEach",
    "load",
    "open",
    "openProject",
    "parallel",
    "plan",
    "rerun",
    "resume",
    "run",
    "runs",
    "sequence",
    "signal",
    "sleep",
    "step",
    "subplan",
    "when",
  ]);
});

test("types", () => {
  const text = readFileSync(path.resolve(import.meta.dirname, "../../src/index.ts"), "utf8");
  const types = [...text.matchAll(/export type \{([^}]*)\}/g)].flatMap((match) => (match[1] ?? "").match(/\w+/g) ?? []);
  expect(types.toSorted().join(" ")).toBe(
    "AgentEntry AgentOptions AgentStepConfig AgentsConfig AnswerOptions ApproveOptions CancelReason CheckedPlan CollectedRuns " +
      "CommandOptions CommonOptions ConflictChoice DataOptions Delivery Deps Diagnostic Event EventOf EventType EventsOptions " +
      "FailureMode FindRunsOptions FollowOptions ForEachOptions GcRunsOptions InputsOf Json JsonObject ListRunsOptions LogOptions " +
      "MergeRunOptions MergedWork OpenOptions OpenedProject OpenedRun ParamSpec ParamSpecs ParamsInput ParamsOf PermissionsConfig " +
      "Plan PlanDefinition PlanOptions Problem RecordedResult RerunRunOptions ResumeRunOptions RollbackMode Run RunLine " +
      "RunPlanOptions RunProgress RunResult RunStatus Runnable Schedule SharedOptions SignalOptions SkipReason SleepOptions StandardSchema Step StepContext StepCounts StepError StepGroup " +
      "StepOptions StepProgress StepStatus StepValue Steps SubplanOptions",
  );
});

test("the documentation names every value", () => {
  const pages = ["guide/typescript.md", "reference/api.md"].map((page) =>
    readFileSync(path.resolve(import.meta.dirname, "../../../../docs", page), "utf8"),
  );
  const unnamed = Object.keys(heddle).filter((name) => !pages.some((page) => page.includes(name)));
  expect(unnamed).toEqual([]);
});
