/**
 * Run beginning for clients of servers: starts the plan or part that is asked for, or goes on with a recorded run, and stays for the
 * answers of people. Knows no protocol.
 */
import { unreachable } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ResumeOptions, RunHandle, StartOptions } from "../engine/api.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import type { Project } from "./port.ts";
import type { CurrentPlan } from "./recorded-plan.ts";
import type { RerunRefusal } from "./rerun.ts";

type Beginner = Pick<Project, "plans" | "runs">;

export interface BegunRun {
  readonly handle: RunHandle;
  /** Steps that run although they have a result, each with why: sentences for people. */
  readonly again: readonly string[];
}

/** `only`: these steps, with results of earlier runs for the others; empty: all. */
export async function beginRun(
  project: Beginner,
  plan: LoadedPlan,
  { only = [], options }: { readonly only?: readonly string[] | undefined; readonly options: StartOptions },
): Promise<Result<BegunRun, Problem>> {
  const unusable = await project.plans.agentsProblem(plan.plan);
  if (unusable !== undefined) return err(unusable);
  // A person who answers later finds the run going on.
  const all: StartOptions = { ...options, wait: true };
  if (only.length === 0) return begun(await project.runs.start(plan, all), []);
  const selected = await project.runs.select(plan, defined({ only, from: undefined, newRun: options.run }));
  if (!selected.ok) return selected;
  const { plan: part, again, only: chosen, reuse } = selected.value;
  return begun(await project.runs.start(part, defined({ ...all, only: chosen, reuse })), again);
}

function begun(started: Result<RunHandle, Problem>, again: readonly string[]): Result<BegunRun, Problem> {
  return started.ok ? ok({ handle: started.value, again }) : started;
}

export interface GoOnChoices extends Pick<ResumeOptions, "mode" | "maxConcurrency" | "acceptChanges" | "again"> {
  /** Values that some of the plan's parameters have from now on. */
  readonly params?: JsonObject;
}

/** With the plan as its file says now. */
export async function goOnWithRun(
  project: Beginner,
  run: string,
  { params, ...options }: GoOnChoices,
): Promise<Result<RunHandle, Problem>> {
  const current = planToGoOn(run, await project.plans.current(run, params), { params, again: options.again });
  if (current.ok) return project.runs.resume(run, defined({ ...options, current: current.value, wait: true }));
  const refusal = current.error;
  if (refusal.kind !== "plan") return err(refusal.problem);
  return err({ code: "PlanInvalid", message: `${refusal.file}: ${refusal.diagnostics[0]?.message ?? ""}` });
}

/**
 * The plan that a run goes on with: as its file says now, or, `undefined`, as it was recorded. A file with a fault is refused where
 * something of it would be carried out, or is asked for.
 */
export function planToGoOn(
  run: string,
  current: CurrentPlan,
  { params, again }: { readonly params?: unknown; readonly again?: unknown } = {},
): Result<LoadedPlan | undefined, RerunRefusal> {
  switch (current.kind) {
    case "loaded":
      return ok(current.plan);
    case "none":
    case "gone":
      return params === undefined ? ok(undefined) : err({ kind: "unfit", problem: noFileForParams(run) });
    case "invalid": {
      const { file, diagnostics, isNeeded } = current;
      const isMeant = isNeeded || params !== undefined || again !== undefined;
      return isMeant ? err({ kind: "plan", file, diagnostics }) : ok(undefined);
    }
    default:
      return unreachable(current);
  }
}

/** Why a run cannot go on with other values of its parameters. */
function noFileForParams(run: string): Problem {
  return {
    code: "NoPlanFile",
    message: `the parameters of run ${run} cannot be changed: there is no plan file that says what they mean`,
    hint: "Go on without other values, or start the plan again with them.",
  };
}
