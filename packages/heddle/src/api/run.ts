/** Runs for programs: a thin layer that opens the project, and starts the plan or resumes its run. */
import { defined } from "../base/defined.ts";
import { caught } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { JsonObject } from "../base/json.ts";
import { systemRandom } from "../base/random.ts";
import { err, ok } from "../base/result.ts";
import { isPlanDefinition } from "../plan/define.ts";
import type { Project } from "../project/port.ts";
import { openFolder, refusable } from "./folder.ts";
import type { Run } from "./handle.ts";
import { LocalRun } from "./local-run.ts";
import { loadedPlan, type Runnable } from "./plan.ts";
import { countProblem, sharedOptions, toStartOptions, type ResumeRunOptions, type RunPlanOptions } from "./settings.ts";

/**
 * Runs a plan. Returns at once; what goes wrong, a plan with errors included, is in the result.
 *
 * ```ts
 * const { status, outputs } = await run(plan("hello", { steps: [greet] })).result;
 * ```
 */
export function run(plan: Runnable, options: RunPlanOptions = {}): Run {
  const id = randomId(systemRandom);
  return new LocalRun(id, options, async (held) => {
    const settings = toStartOptions(options);
    if (!settings.ok) return settings;
    const loaded = await loadedPlan(plan, options.params);
    if (!loaded.ok) return loaded;
    const project = await openFolder(options);
    if (!project.ok) return project;
    held(project.value);
    return refusable(await project.value.runs.start(loaded.value, { ...settings.value, run: id }));
  });
}

/**
 * Continues a recorded run of `plan`: successes are kept, the rest runs. A run that succeeded runs nothing and
 * returns its recorded result.
 */
export function resume(id: string, plan: Runnable, options: ResumeRunOptions = {}): Run {
  return new LocalRun(id, options, async (held) => {
    const problem = countProblem("maxConcurrency", options.maxConcurrency);
    if (problem !== undefined) return err(problem);
    const project = await openFolder(options);
    if (!project.ok) return project;
    held(project.value);
    const params = options.params ?? (isPlanDefinition(plan) ? await recordedParams(project.value, id) : undefined);
    const current = await loadedPlan(plan, params);
    if (!current.ok) return current;
    return refusable(
      await project.value.runs.resume(
        id,
        defined({ ...sharedOptions(options), current: current.value, acceptChanges: options.acceptChanges }),
      ),
    );
  });
}

/** The parameters that the run was created with; none for a run that cannot be read, which the resume will say. */
async function recordedParams(project: Project, id: string): Promise<JsonObject> {
  const recorded = await caught(async () => ok(await project.plans.recorded(id)));
  return recorded.ok ? (recorded.value?.params ?? {}) : {};
}
