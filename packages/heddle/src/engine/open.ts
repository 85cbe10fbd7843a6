/** Engine handle: what an engine can do, as one value over its ports. Knows no implementation of them. */
import type { Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import type { AgentRun, Reverted } from "../agent/port.ts";
import type { Landing, Task } from "../run/attempt.ts";
import type { ResumeOptions, RunHandle, StartOptions } from "./api.ts";
import { recordRequest, type RecordedRequest } from "./control-channel.ts";
import { cancelRun, resumeRun, rollbackRun, startRun } from "./engine.ts";
import { recordLanding } from "./landing.ts";
import { revertAgentStep } from "./revert.ts";
import type { EnginePorts } from "./ports.ts";
import type { CancelOptions } from "./recovery.ts";

/** Disposing of it ends the attempts under way and the helpers. */
export interface Engine extends AsyncDisposable {
  /** The handle comes back before anything has run; so with the next two. */
  start(
    plan: LoadedPlan,
    options: StartOptions & { readonly maxConcurrency: number },
  ): Promise<Result<RunHandle, Problem>>;
  resume(run: string, options: ResumeOptions): Promise<Result<RunHandle, Problem>>;
  rollback(run: string): Promise<Result<RunHandle, Problem>>;
  /** Ends a run that nobody works on; resolves when that is recorded. `onTaken` is called before anything has run. */
  cancel(run: string, options: CancelOptions, onTaken: (handle: RunHandle) => void): Promise<Result<"done", Problem>>;
  recordLanding(run: string, landing: Landing): Promise<void>;
  /** Takes the work of a step back out of a run's branch where its checks pass. `tasks`: of the step, and of those built on it. */
  revert(
    run: AgentRun,
    work: { readonly step: string; readonly tasks: readonly Task[] },
  ): Promise<Result<Reverted, Problem>>;
  /** Records an answer or a signal for a run that nobody works on. */
  record(run: string, request: RecordedRequest): Promise<Result<"done", Problem>>;
}

export function engineOver(ports: EnginePorts): Engine {
  return {
    start: (plan, options) => startRun(ports, plan, options),
    resume: (run, options) => resumeRun(ports, run, options),
    rollback: (run) => rollbackRun(ports, run),
    cancel: (run, options, onTaken) => cancelRun(ports, run, options, onTaken),
    recordLanding: (run, landing) => recordLanding(ports, run, landing),
    revert: (run, work) => revertAgentStep(ports, run, work),
    record: (run, request) => recordRequest(ports, run, request),
    [Symbol.asyncDispose]: () => ports.backend[Symbol.asyncDispose](),
  };
}
