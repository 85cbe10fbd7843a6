/**
 * Run finisher: removes worktrees that are not needed any more and lands the integration branch as the plan says, at the
 * end of a run.
 */
import { defined } from "../../base/defined.ts";
import { land } from "../../git/landing.ts";
import { listWorktrees } from "../../git/listing.ts";
import type { LandTarget, LandOutcome } from "../../git/types.ts";
import type { AgentRunContext } from "./run-context.ts";
import type { Land } from "./settings.ts";
import type { Landing } from "../../run/attempt.ts";

export async function finishRun(runContext: AgentRunContext, isDone: boolean): Promise<Landing | undefined> {
  await runContext.queue.close();
  if (isDone && !runContext.settings.keepWorktrees) await removeTrees(runContext);
  await runContext.pool.tidy();
  await runContext.trees.deleteDeferred();
  const commits = (await runContext.queue.merged()).length;
  const integration = runContext.queue.integration.branch;
  // Where nothing was merged there is nothing that could be in the way.
  const isBare = commits === 0 && (await runContext.queue.head()) === runContext.base;
  if (!isDone || isBare) return { integration, commits };
  return { integration, commits, ...(await landing(runContext)) };
}

/** Worktrees of groups that are not needed any more. Never one with work that exists nowhere else. */
async function removeTrees(runContext: AgentRunContext): Promise<void> {
  for (const listed of await listWorktrees(runContext.repository, { run: runContext.run, sizes: false })) {
    if (listed.state !== "saved" || listed.inUse || listed.owner?.kind !== "group") continue;
    const tree = await runContext.trees.find(runContext.run, listed.owner);
    // One that cannot be removed stays listed.
    if (tree !== undefined) await runContext.trees.remove(tree, { branch: "delete" });
  }
}

async function landing(runContext: AgentRunContext): Promise<Partial<Landing>> {
  const mode = modeOf(runContext.settings.land, runContext.run);
  if (mode.kind === "none") return {};
  const { integration } = runContext.queue;
  if (mode.kind !== "branch" && runContext.branch === null)
    return {
      mode: mode.kind,
      problem: {
        code: "NotOnBranch",
        message: "no branch was checked out when the run began",
        hint: `Check a branch out and land there, or merge ${integration.branch} yourself.`,
      },
    };
  const target = runContext.branch ?? undefined;
  const outcome = await land(defined({ integration, lock: runContext.trees.lock, mode, target }));
  return { mode: mode.kind, ...landingOf(outcome, runContext.run) };
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
