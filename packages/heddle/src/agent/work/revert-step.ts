/**
 * Step revert: takes a step's merged work back out of the integration branch, verified as merges are where the plan says how. Knows
 * the run's branch, and commands for the checks; no agent and no queue.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Repository, RevertChecks } from "../../git/port.ts";
import type { IntegrationState, RevertOutcome } from "../../git/types.ts";
import type { AgentJob, Reverted, RevertWork } from "../port.ts";
import { Cancellation } from "./cancellation.ts";
import { transcriptOf } from "./commands.ts";
import { verifyIn } from "./merge-step.ts";
import type { AgentExecutorOptions, AgentRunContext } from "./run-context.ts";
import { stepSettings } from "./settings.ts";

/** With the plan's checks, and those of the steps that were built on it. `folder`: what files named in the plan are relative to. */
export async function revertVerified(
  options: AgentExecutorOptions,
  runContext: AgentRunContext,
  { step, jobs, folder }: RevertWork & { readonly folder: string },
): Promise<Result<Reverted, Problem>> {
  const { run, settings, origin, repository } = runContext;
  const logs = await mkdtemp(join(tmpdir(), "heddle-revert-"));
  try {
    const all = new Map(
      jobs.map(({ task, env }): [string, AgentJob] => {
        const logFile = join(logs, "revert.log");
        return [task.step.id, { task, env, prompt: "", folder, logFile }];
      }),
    );
    const checks: RevertChecks["checks"] = [...all.values()].flatMap(({ task }) => {
      const commands = task.step.id === step ? settings.verify : (task.step.verify ?? []);
      return commands.length === 0 ? [] : [{ step: task.step.id, attempt: task.attempt, commands }];
    });
    const verify: RevertChecks["verify"] = async (request, signal) => {
      const job = all.get(request.step);
      if (job === undefined) return { ok: true };
      const { action } = job.task.step;
      const own = action.kind === "agent" ? (action.options ?? {}) : {};
      const of = stepSettings(job.task.agent?.config ?? {}, own, folder);
      const cancellation = new Cancellation(options.clock);
      return await verifyIn({ options, settings: of, runContext, job, cancellation }, request, signal);
    };
    return await revertIn(repository, run, defined({ step, recorded: origin.recorded, checks: { checks, verify } }));
  } finally {
    await rm(logs, { recursive: true, force: true });
  }
}

export async function revertIn(
  repository: Repository,
  run: string,
  { step, recorded, checks }: { readonly step: string; readonly recorded?: string; readonly checks?: RevertChecks },
): Promise<Result<Reverted, Problem>> {
  const found = await integrationOf(repository, run, recorded);
  if (!found.ok) return found;
  const { branch, base, head } = found.value;
  const outcome = await repository.integrations.revert({ run, base, recorded: head }, step, checks);
  return revertedOf(outcome, { branch, step, isVerified: checks !== undefined && checks.checks.length > 0 });
}

function revertedOf(
  outcome: RevertOutcome,
  { branch, step, isVerified }: { readonly branch: string; readonly step: string; readonly isVerified: boolean },
): Result<Reverted, Problem> {
  switch (outcome.kind) {
    case "not-merged":
      return err({
        code: "NotMerged",
        message: `${branch} has no work of ${step}`,
        hint: `\`git log ${branch}\` shows what it has.`,
      });
    case "conflict":
      return err({
        code: "RevertConflict",
        message: `later steps changed the same lines as ${step} in ${outcome.files.join(", ")}`,
        hint: "Revert those steps first, starting with the last, or undo the change by hand after landing.",
      });
    case "rejected":
      return err({
        code: "RevertRejected",
        message: `without the work of ${step} the rest does not pass: ${transcriptOf(outcome.failure)}`,
        hint: "Revert the steps that were built on it first, or undo the change by hand after landing.",
      });
    case "reverted":
      return ok(
        defined({
          integration: branch,
          commit: outcome.commit,
          files: outcome.files,
          verified: isVerified ? (true as const) : undefined,
        }),
      );
  }
}

/** The integration branch of a run as its history has it. */
export async function integrationOf(
  repository: Repository,
  run: string,
  recorded: string | undefined,
): Promise<Result<IntegrationState, Problem>> {
  const found = await repository.integrations.find(run, recorded);
  if (found !== undefined) return ok(found);
  return err({
    code: "NothingToLand",
    message: `nothing has been merged in run ${run}`,
    hint: `\`heddle show ${run}\` shows what its steps did.`,
  });
}
