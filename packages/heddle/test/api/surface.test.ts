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

test("a module that only defines a plan loads neither engine, journal, reader of histories nor test kit", () => {
  const src = path.resolve(import.meta.dirname, "../../src");
  const loaded = new Set<string>();
  const load = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    const text = readFileSync(path.join(src, file), "utf8");
    for (const [, names = "", from = ""] of text.matchAll(
      /^(?:import|export) (?!type )([^;]*?) from "(\.[^"]+\.ts)";/gm,
    )) {
      const isTypes =
        names.startsWith("{") &&
        names
          .slice(1, -1)
          .split(",")
          .every((name) => /^\s*(?:type .*)?$/.test(name));
      if (!isTypes) load(path.join(path.dirname(file), from));
    }
  };
  load("index.ts");
  expect(loaded.size).toBeGreaterThan(10);
  const late =
    /^(?:engine|journal|runner|backend|host|agent|git|process|testing|cli)\/|^view\/(?:history|html|timeline)|^run\/check\//;
  expect([...loaded].filter((file) => late.test(file))).toEqual([]);
});

test("the documentation names every value", () => {
  const pages = ["guide/typescript.md", "reference/api.md"].map((page) =>
    readFileSync(path.resolve(import.meta.dirname, "../../../../docs", page), "utf8"),
  );
  const unnamed = Object.keys(heddle).filter((name) => !pages.some((page) => page.includes(name)));
  expect(unnamed).toEqual([]);
});
