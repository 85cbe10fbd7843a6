/** Runs for programs: a thin layer that opens the project, and starts the plan, resumes its run or runs part of it again. */
import { defined } from "../base/defined.ts";
import { caught, HeddleError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { JsonObject } from "../base/json.ts";
import { systemRandom } from "../base/random.ts";
import { err, ok, type Result } from "../base/result.ts";
import { isPlanDefinition, type PlanDefinition } from "../plan/define.ts";
import type { OptionsWith, ParamsInput, ParamSpecs } from "../plan/param-values.ts";
import { planToGoOn } from "../project/begin-run.ts";
import type { LoadedPlan, Project, StepsAgain } from "../project/port.ts";
import type { RerunRefusal } from "../project/rerun.ts";
import { PlanError } from "./errors.ts";
import { openFolder, refusable } from "./folder.ts";
import type { Run } from "./handle.ts";
import { LocalRun } from "./local-run.ts";
import { loadedPlan, type CheckedPlan, type Runnable } from "./plan.ts";
import {
  countProblem,
  sharedOptions,
  toStartOptions,
  type RerunRunOptions,
  type ResumeRunOptions,
  type RunPlanOptions,
} from "./settings.ts";

/** Options may be left out where each of the plan's parameters has a default. */
type RunArguments<P extends ParamSpecs> = OptionsWith<Omit<RunPlanOptions, "params">, ParamsInput<P>>;

/**
 * Runs a plan. Returns at once; what goes wrong, a plan with errors included, is in the result.
 *
 * ```ts
 * const { status, outputs } = await run(plan("hello", { steps: [greet] })).result;
 * ```
 */
export function run<P extends ParamSpecs>(plan: PlanDefinition<P> | CheckedPlan, ...[options]: RunArguments<P>): Run;
export function run(plan: Runnable, options: RunPlanOptions = {}): Run {
  const id = randomId(systemRandom);
  return new LocalRun(id, options, async (held) => {
    const settings = toStartOptions(options);
    if (!settings.ok) return settings;
    const loaded = await loadedPlan(plan, options.params, options);
    if (!loaded.ok) return loaded;
    const project = await openFolder(options);
    if (!project.ok) return project;
    held(project.value);
    return refusable(await project.value.runs.start(loaded.value, { ...settings.value, run: id }));
  });
}

/**
 * Continues a recorded run: successes are kept, the rest runs. A run that succeeded runs nothing and returns its recorded
 * result. `plan` absent: as the run's plan file says now, or as it was recorded if the file is gone. A plan made by code has to
 * be given: without its functions the run is refused (`FunctionsNotLoaded`), and nothing is recorded.
 */
export function resume<P extends ParamSpecs>(
  id: string,
  plan?: PlanDefinition<P> | CheckedPlan,
  options: ResumeRunOptions<P> = {},
): Run {
  return new LocalRun(id, options, async (held) => {
    const problem = countProblem("maxConcurrency", options.maxConcurrency);
    if (problem !== undefined) return err(problem);
    const project = await openFolder(options);
    if (!project.ok) return project;
    held(project.value);
    const current = await (plan === undefined
      ? currentPlan(project.value, id, options)
      : givenPlan(project.value, id, { plan, params: options.params, projectDir: options.projectDir }));
    if (!current.ok) return current;
    return refusable(
      await project.value.runs.resume(
        id,
        defined({
          ...sharedOptions(options),
          current: current.value,
          acceptChanges: options.acceptChanges,
          again: stepsAgain(options),
        }),
      ),
    );
  });
}

/**
 * Runs the step `from`, and everything that depends on it, of a recorded run again in a new run, and reuses its other results.
 * `plan` `undefined`: as the run's plan file says now. A plan made by code has to be given.
 */
export function rerun<P extends ParamSpecs>(
  id: string,
  plan: PlanDefinition<P> | CheckedPlan | undefined,
  options: RerunRunOptions<P>,
): Run {
  const newRun = randomId(systemRandom);
  return new LocalRun(newRun, options, async (held) => {
    const problem = countProblem("maxConcurrency", options.maxConcurrency);
    if (problem !== undefined) return err(problem);
    const opened = await openFolder({ projectDir: options.projectDir, access: "change" });
    if (!opened.ok) return opened;
    const project = opened.value;
    held(project);
    const old = refusable(await project.runs.find(String(id)));
    if (!old.ok) return old;
    const loaded =
      plan && (await givenPlan(project, old.value, { plan, params: options.params, projectDir: options.projectDir }));
    if (loaded?.ok === false) return loaded;
    const begun = await project.runs.rerun(
      old.value,
      defined({ ...sharedOptions(options), from: options.from, plan: loaded?.value, run: newRun }),
    );
    return begun.ok ? ok(begun.value.handle) : err(refusalError(begun.error));
  });
}

function stepsAgain({ again, downstream }: Pick<ResumeRunOptions, "again" | "downstream">): StepsAgain | undefined {
  return again === undefined ? undefined : defined<StepsAgain>({ steps: again.map(String), downstream });
}

/** With the parameters that are given, else those that the run was created with. */
async function givenPlan(
  project: Project,
  id: string,
  {
    plan,
    params,
    projectDir,
  }: { readonly plan: Runnable; readonly params: JsonObject | undefined; readonly projectDir: string | undefined },
): Promise<Result<LoadedPlan, HeddleError>> {
  const values = params ?? (isPlanDefinition(plan) ? await recordedParams(project, id) : undefined);
  return await loadedPlan(plan, values, { projectDir, allowMissingFiles: true });
}

/** As the file says now; `undefined`: the run has none, or it is gone. */
async function currentPlan(
  project: Project,
  id: string,
  { again }: Pick<ResumeRunOptions, "again">,
): Promise<Result<LoadedPlan | undefined, HeddleError>> {
  const current = await caught(async () => ok(await project.plans.current(id)));
  // A run that cannot be read: the resume will say so.
  if (!current.ok) return ok(undefined);
  const plan = planToGoOn(id, current.value, { again });
  return plan.ok ? plan : err(refusalError(plan.error));
}

/** The parameters that the run was created with; none for a run that cannot be read, which the resume will say. */
async function recordedParams(project: Project, id: string): Promise<JsonObject> {
  const recorded = await caught(async () => ok(await project.plans.recorded(id)));
  return recorded.ok ? (recorded.value?.params ?? {}) : {};
}

function refusalError(refusal: RerunRefusal): HeddleError {
  return refusal.kind === "plan" ? new PlanError(refusal.diagnostics) : new HeddleError(refusal.problem);
}
