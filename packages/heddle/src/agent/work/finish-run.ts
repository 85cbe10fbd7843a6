/**
 * Run finisher: removes worktrees that are not needed any more and lands the integration branch as the plan says, at the
 * end of a run.
 */
import { defined } from "../../base/defined.ts";
import { caught } from "../../base/errors.ts";
import { ok } from "../../base/result.ts";
import type { LandTarget, LandOutcome } from "../../git/types.ts";
import type { Landing } from "../../run/attempt.ts";
import type { AgentRunContext } from "./run-context.ts";
import type { Land } from "./settings.ts";

export async function finishRun(runContext: AgentRunContext, isDone: boolean): Promise<Landing | undefined> {
  const { queue, pool, repository, settings, origin } = runContext;
  await queue.close();
  if (isDone && !settings.keepWorktrees) await removeTrees(runContext);
  await pool.tidy();
  await repository.worktrees.deleteDeferred();
  const found = await caught(async () => ok({ head: await queue.head(), merged: await queue.merged() }));
  if (!found.ok) {
    const { land } = settings;
    const problem = land.kind === "none" || !isDone ? {} : { mode: land.kind, problem: found.error };
    return { integration: queue.branch, commits: 0, ...problem };
  }
  const { head, merged } = found.value;
  const commits = merged.length;
  // Where nothing was merged there is nothing that could be in the way.
  const isBare = commits === 0 && head === origin.base;
  const landed = isDone && !isBare ? await landing(runContext, head) : {};
  const isMerge = landed.commit !== undefined && merged.at(-1)?.commit === head;
  return defined({ integration: queue.branch, commits, ...landed, head: isMerge ? head : undefined });
}

/** Worktrees of groups that are not needed any more. Never one with work that exists nowhere else. */
async function removeTrees({ run, repository: { worktrees } }: AgentRunContext): Promise<void> {
  for (const listed of await worktrees.list({ run, sizes: false })) {
    if (listed.state !== "saved" || listed.inUse || listed.owner?.kind !== "group") continue;
    const tree = await worktrees.find(run, listed.owner);
    // One that cannot be removed stays listed.
    if (tree !== undefined) await worktrees.remove(tree, { branch: "delete" });
  }
}

/** `head`: what is to land, and nothing else. */
async function landing(
  { run, settings, queue, branch, repository, origin }: AgentRunContext,
  head: string,
): Promise<Partial<Landing>> {
  const mode = modeOf(settings.land, run);
  if (mode.kind === "none") return {};
  if (mode.kind !== "branch" && branch === null)
    return {
      mode: mode.kind,
      problem: {
        code: "NotOnBranch",
        message: "no branch was checked out when the run began",
        hint: `Check a branch out and land there, or merge ${queue.branch} yourself.`,
      },
    };
  const outcome = await repository.integrations.land({ ...origin, recorded: head }, mode, branch ?? undefined);
  return { mode: mode.kind, ...landingOf(outcome, run) };
}

/** The result of a landing, as a message for people. */
export function landingOf(outcome: LandOutcome, run: string): Partial<Landing> {
  switch (outcome.kind) {
    case "none":
      return {};
    case "landed":
      return { branch: outcome.branch, commit: outcome.commit };
    case "refused":
      return { problem: outcome.problem };
    case "conflict":
      return {
        problem: {
          code: "LandingConflict",
          message: `the run's work conflicts with your branch in ${outcome.files.join(", ")}`,
          hint: `Merge heddle/${run}/integration yourself, or land it as a branch: \`heddle merge ${run} --branch NAME\`.`,
        },
      };
  }
}

function modeOf(wanted: Land, run: string): LandTarget {
  return wanted.kind === "branch" ? { kind: "branch", name: wanted.name ?? `heddle-${run}` } : { kind: wanted.kind };
}
