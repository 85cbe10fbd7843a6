/**
 * Plan tasks: what is asked of plans that may take long, and needs nothing but the project's folder and its journal: to find
 * plan files, to look at a plan, to validate it, to simulate it or what is left of a run. Carried out in a thread of its own, where the project is opened to be read.
 *
 * Invariant: no plan that is a program is run.
 */
import { availableParallelism } from "node:os";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import { forecastOf } from "../view/forecast.ts";
import type { PlanDocument } from "../view/plan-document.ts";
import { planTimes } from "../view/plan-times.ts";
import { remainingWork } from "../view/remaining.ts";
import { whatIf, WORKER_COUNTS } from "../view/what-if.ts";
import { loadAskedPlan } from "./asked-plan.ts";
import type { PlanAsk, PlanTask, PlanTaskAnswer, PlanTaskKind, SimulatePlanAsk } from "./plan-ask.ts";
import type { Project } from "./port.ts";
import { planOptions, viewPlan } from "./view-plan.ts";

/** Told of one plan. */
const MOST_DIAGNOSTICS = 200;

/** Opens the project of a folder to be read. */
export type OpenToRead = (dir: string) => Promise<Result<Project, Problem>>;

export async function carryOutPlanTask(task: PlanTask, open: OpenToRead): Promise<PlanTaskAnswer> {
  switch (task.kind) {
    case "files":
      return filesOf(task, open);
    case "document":
      return documentOf(task, open);
    case "validate":
      return validated(task);
    case "simulate":
      return task.ask.run === undefined ? simulated(task, open) : simulatedRest(task, task.ask.run, open);
    case "forecast":
      return forecast(task, open);
  }
}

type Task<Kind extends PlanTaskKind> = Extract<PlanTask, { readonly kind: Kind }>;

async function loaded({ dir, ask }: { readonly dir: string; readonly ask: PlanAsk }) {
  return loadAskedPlan(ask.asked, { dir, params: ask.params ?? {}, withoutModules: true, allowMissingParams: true });
}

async function filesOf({ dir }: Task<"files">, open: OpenToRead): Promise<PlanTaskAnswer> {
  const { planFiles } = await import("./plan-files.ts");
  const opened = await open(dir);
  if (!opened.ok) return ok(await planFiles(dir));
  await using project = opened.value;
  return ok(await planFiles(dir, project));
}

async function documentOf(task: Task<"document">, open: OpenToRead): Promise<PlanTaskAnswer> {
  const plan = await loaded(task);
  if (!plan.ok) {
    const { problem, diagnostics } = plan.error;
    if (diagnostics.length === 0) return err({ problem, diagnostics });
    return ok({ valid: false, params: [], plan: null, ...diagnosed(diagnostics) });
  }
  const { maxConcurrency } = task.ask;
  const recorded = await recordedOf(task.dir, plan.value.plan.name, open);
  const view = viewPlan(plan.value, defined({ maxConcurrency, recorded }));
  const params = Object.entries(plan.value.plan.paramSpecs ?? {}).map(([name, spec]) => ({ name, ...spec }));
  return ok({ valid: true, params, plan: view, ...diagnosed(plan.value.warnings ?? []) });
}

async function validated(task: Task<"validate">): Promise<PlanTaskAnswer> {
  const plan = await loaded(task);
  if (plan.ok) {
    const { name, steps } = plan.value.plan;
    return ok({ valid: true, name, steps: steps.length, ...diagnosed(plan.value.warnings ?? []) });
  }
  const { problem, diagnostics } = plan.error;
  return diagnostics.length === 0 ? err({ problem, diagnostics }) : ok({ valid: false, ...diagnosed(diagnostics) });
}

async function simulated(task: Task<"simulate">, open: OpenToRead): Promise<PlanTaskAnswer> {
  const plan = await loaded(task);
  if (!plan.ok) return plan;
  const { ask, dir } = task;
  const recorded = await recordedOf(dir, plan.value.plan.name, open);
  const { durationOf, unknown } = planTimes(plan.value.plan, withGiven(recorded, ask.durations));
  const workers = ask.workers ?? WORKER_COUNTS;
  const options = planOptions(plan.value, availableParallelism());
  return ok(
    whatIf({ ...graphOf(plan.value), options, durationOf, unknownDurations: unknown, workers: ascending(workers) }),
  );
}

async function simulatedRest(task: Task<"simulate">, run: string, open: OpenToRead): Promise<PlanTaskAnswer> {
  const read = await readRest(task, run, open, task.ask.durations);
  if (!read.ok) return read;
  const { state, expected } = read.value;
  const work = remainingWork(state, { expected, now: task.now });
  if (work === undefined)
    return ok({ steps: 0, points: [], knee: null, criticalPath: [], criticalPathMs: 0, unknownDurations: 0 });
  return ok(whatIf({ ...work, workers: ascending(task.ask.workers ?? WORKER_COUNTS) }));
}

async function forecast(task: Task<"forecast">, open: OpenToRead): Promise<PlanTaskAnswer> {
  const read = await readRest(task, task.ask.run, open);
  return read.ok ? ok(forecastOf(read.value.state, { expected: read.value.expected, now: task.now })) : read;
}

async function readRest(
  { dir }: Pick<PlanTask, "dir">,
  run: string,
  open: OpenToRead,
  given: SimulatePlanAsk["durations"] = {},
) {
  const opened = await open(dir);
  if (!opened.ok) return err({ problem: opened.error, diagnostics: [] });
  await using project = opened.value;
  const read = await project.runs.read(run);
  if (!read.ok) return err({ problem: read.error, diagnostics: [] });
  const { state } = read.value;
  return ok({ state, expected: withGiven(await project.plans.expectedDurations(state.plan.name), given) });
}

/** Without a journal nothing was recorded yet; with a damaged one the plan can still be looked at. */
async function recordedOf(dir: string, plan: string, open: OpenToRead): Promise<ReadonlyMap<string, number>> {
  const opened = await open(dir);
  if (!opened.ok) return new Map();
  await using project = opened.value;
  return await project.plans.expectedDurations(plan);
}

function withGiven(
  recorded: ReadonlyMap<string, number>,
  given: SimulatePlanAsk["durations"] = {},
): ReadonlyMap<string, number> {
  return new Map([...recorded, ...Object.entries(given)]);
}

function graphOf({ plan, graph }: LoadedPlan): Pick<LoadedPlan, "plan" | "graph"> {
  return { plan, graph };
}

/** Each once. */
function ascending(workers: readonly number[]): readonly number[] {
  return [...new Set(workers)].sort((a, b) => a - b);
}

function diagnosed(all: readonly Diagnostic[]): Pick<PlanDocument, "diagnostics" | "diagnosticsInAll"> {
  return { diagnostics: all.slice(0, MOST_DIAGNOSTICS), diagnosticsInAll: all.length };
}
