/**
 * Run beginning for clients of servers: starts the plan or part that is asked for, or goes on with a recorded run, and stays for the
 * answers of people. Knows no protocol.
 */
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ResumeOptions, RunHandle, StartOptions } from "../engine/api.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import type { Project } from "./port.ts";

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
  const current = await project.plans.current(run, params);
  if (params !== undefined && (current.kind === "none" || current.kind === "gone")) return err(noFileForParams(run));
  const isNeeded = params !== undefined || options.again !== undefined;
  if (current.kind === "invalid" && (current.isNeeded || isNeeded))
    return err({ code: "PlanInvalid", message: `${current.file}: ${current.diagnostics[0]?.message ?? ""}` });
  const plan = current.kind === "loaded" ? current.plan : undefined;
  return project.runs.resume(run, defined({ ...options, current: plan, wait: true }));
}

/** Why a run cannot go on with other values of its parameters. */
export function noFileForParams(run: string): Problem {
  return {
    code: "NoPlanFile",
    message: `the parameters of run ${run} cannot be changed: there is no plan file that says what they mean`,
    hint: "Go on without other values, or start the plan again with them.",
  };
}
