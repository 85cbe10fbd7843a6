/** Revert of an agent's step: hands over what its checks need, as for the attempts whose work was merged. Reads no journal. */
import type { AgentRun, Reverted } from "../agent/port.ts";
import type { Problem } from "../base/errors.ts";
import { err, type Result } from "../base/result.ts";
import type { Task } from "../run/attempt.ts";
import type { EnginePorts } from "./ports.ts";
import { filledEnv } from "./templates.ts";

/** `tasks`: of the step, and of those whose own checks have to pass without it. */
export async function revertAgentStep(
  { revertAgents, environment }: EnginePorts,
  run: AgentRun,
  { step, tasks }: { readonly step: string; readonly tasks: readonly Task[] },
): Promise<Result<Reverted, Problem>> {
  const jobs = [];
  for (const task of tasks) {
    const env = await filledEnv(task, environment);
    if (!env.ok) return err({ code: "RevertRejected", message: `${task.step.id} cannot be verified: ${env.error}` });
    jobs.push({ task, env: env.value ?? {} });
  }
  if (revertAgents === undefined)
    return err({ code: "RevertRejected", message: "there is nothing here that could verify it" });
  return await revertAgents(run, { step, jobs });
}
