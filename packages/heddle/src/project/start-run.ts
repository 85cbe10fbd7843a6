/**
 * Run starter: starts, resumes, retries and undoes runs in this process, and registers the code of their plans. Knows
 * how a run's code is found; the engine knows what a run does.
 */
import { availableParallelism } from "node:os";
import { dirname, relative, resolve } from "node:path";
import type { AgentMaintenance } from "../agent/port.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import { ok, type Result } from "../base/result.ts";
import type { ResumeOptions, RunHandle, StartOptions } from "../engine/api.ts";
import type { PlanCode } from "../engine/executor.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import type { EventLog } from "../journal/port.ts";
import { NO_FUNCTIONS, type Plan, worksInWorktree } from "../plan/plan.ts";
import { isPlanModule } from "./find-plan.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { CurrentPlan } from "./recorded-plan.ts";
import type { Engine } from "../engine/open.ts";

export interface StartPorts {
  /** Absolute: the project folder. */
  readonly dir: string;
  readonly log: Pick<EventLog, "get" | "read">;
  readonly random: Random;
  readonly live: LiveRuns;
  readonly engine: () => Promise<Engine>;
  readonly agents: () => Promise<AgentMaintenance>;
}

/** A new run. */
export async function startNew(
  ports: StartPorts,
  plan: LoadedPlan,
  options: StartOptions,
): Promise<Result<RunHandle, Problem>> {
  const planFile = options.planFile ?? (plan.file === undefined ? undefined : relative(ports.dir, plan.file));
  const maxConcurrency = options.maxConcurrency ?? plan.plan.maxConcurrency ?? availableParallelism();
  const beginning = options.reuse?.beginning;
  const run = beginning?.run ?? options.run ?? randomId(ports.random);
  if (beginning !== undefined) {
    // Before the run is: what is recorded to be there is.
    const begun = await (await ports.agents()).begin(beginning);
    if (!begun.ok) return begun;
  }
  const engine = await ports.engine();
  const started = await engine.start(plan, defined({ ...options, planFile, run, maxConcurrency }));
  return register(ports, started, plan);
}

/** A recorded run goes on, or what of it failed is tried again. */
export async function resumeRecorded(
  ports: StartPorts,
  run: string,
  options: ResumeOptions,
): Promise<Result<RunHandle, Problem>> {
  const file = options.current?.file === undefined ? await recordedFile(ports, run) : undefined;
  const engine = await ports.engine();
  return register(ports, await engine.resume(run, options), options.current, file);
}

/** Runs the undos of a run that has ended. */
export async function rollBackRecorded(ports: StartPorts, run: string): Promise<Result<RunHandle, Problem>> {
  const file = await recordedFile(ports, run);
  const engine = await ports.engine();
  return register(ports, await engine.rollback(run), undefined, file);
}

/** Ends a run that nobody works on: what of it is always to run runs here. */
export async function cancelRecorded(ports: StartPorts, run: string): Promise<Result<"done", Problem>> {
  const file = await recordedFile(ports, run);
  const current = file === undefined || !isPlanModule(file) ? undefined : await currentModule(ports, run);
  const plan = current?.kind === "loaded" ? current.plan : undefined;
  const unloaded = current?.kind === "invalid" ? current.diagnostics[0]?.message : undefined;
  const engine = await ports.engine();
  return await engine.cancel(
    run,
    { functions: plan?.functions, unloaded },
    (handle) => void register(ports, ok(handle), plan, file),
  );
}

/** Its functions are needed: what is always to run may be one. */
async function currentModule({ log, dir }: StartPorts, run: string): Promise<CurrentPlan> {
  const { currentPlan } = await import("./recorded-plan.ts");
  return await currentPlan(log, dir, run);
}

async function recordedFile({ log }: StartPorts, run: string): Promise<string | undefined> {
  const { recordedPlan } = await import("./recorded-plan.ts");
  return (await recordedPlan(log, run))?.file;
}

/** Where the engine gave a handle: nothing of its run has asked for code yet. */
function register(
  { dir, live }: StartPorts,
  begun: Result<RunHandle, Problem>,
  plan: LoadedPlan | undefined,
  planFile?: string,
): Result<RunHandle, Problem> {
  if (!begun.ok) return begun;
  const file = plan?.file ?? (planFile === undefined ? undefined : resolve(dir, planFile));
  const code: PlanCode = defined({
    functions: plan?.functions ?? NO_FUNCTIONS,
    folder: file === undefined ? dir : dirname(file),
    planModule: file,
  });
  live.add(begun.value, code);
  return begun;
}

/** Why agents of the plan cannot work in its folder, if so; asked only if it needs a repository. */
export async function agentsProblem(plan: Plan, agents: () => Promise<AgentMaintenance>): Promise<Problem | undefined> {
  return needsRepository(plan) ? await (await agents()).check() : undefined;
}

/** Whether a step of the plan, or of one inside it, works in a worktree: it needs a repository. */
function needsRepository(plan: Plan): boolean {
  return plan.steps.some(
    (step) =>
      worksInWorktree(step) ||
      (step.action.kind === "plan" && step.action.plan !== undefined && needsRepository(step.action.plan)),
  );
}
