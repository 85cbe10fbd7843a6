/**
 * Maintenance of agents' leftovers: lists, cleans, lands, reverts and removes what agents left in a repository, for
 * commands of people. Knows no plan and starts no step.
 */
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import { HeddleError, messageOf } from "../../base/errors.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { AgentAdapter } from "../adapters/port.ts";
import { items, type RepositoryAccess } from "../../git/repository-access.ts";
import { Integration } from "../../git/integration.ts";
import { replayMerges } from "../../git/replay-merges.ts";
import { land, revertStep } from "../../git/landing.ts";
import { listWorktrees } from "../../git/listing.ts";
import { refsOf, removeRunRefs } from "../../git/run-refs.ts";
import { integrationRef, ownershipRef } from "../../git/ref-names.ts";
import { commitOf, type OpenRepository, openRepository } from "../../git/discover.ts";
import type { TreeListing } from "../../git/types.ts";
import { Worktrees } from "../../git/worktree.ts";
import { landingOf } from "./finish-run.ts";
import type { AgentMaintenance, Replayed, ReplayWish, Reverted, WorktreeLine } from "../port.ts";
import type { AgentExecutorOptions } from "./run-context.ts";
import type { Landing, LandMode } from "../../run/attempt.ts";

export interface AgentMaintenanceOptions extends Pick<
  AgentExecutorOptions,
  "projectDir" | "stateDir" | "clock" | "git" | "env"
> {
  /** The agents that are known without a plan. */
  readonly adapters: () => Promise<readonly AgentAdapter[]>;
  /** The id of a run that is to begin. */
  readonly newRun: () => string;
}

export function agentMaintenance(options: AgentMaintenanceOptions): AgentMaintenance {
  const open = async (begin: { readonly base?: string } = {}): Promise<Result<RepositoryAccess, Problem>> => {
    const { projectDir, stateDir, clock, git, env } = options;
    const opened = await openRepository({ folder: projectDir, run: git, clock, env, stateDir, ...begin });
    return opened.ok ? ok(opened.value.repository) : opened;
  };
  // Whatever state the checkout is in: nothing begins there.
  let any: ReturnType<typeof open> | undefined;
  const openAny = (): ReturnType<typeof open> => (any ??= guarded(async () => await open({ base: "HEAD" })));
  return {
    async check() {
      const repository = await open();
      return repository.ok ? undefined : repository.error;
    },
    async worktrees({ run, sizes }) {
      const repository = await open();
      if (!repository.ok) return repository;
      return await guarded(async () => ok(lines(await list(repository.value, run, sizes), options.projectDir)));
    },
    async clean({ run, keep, dryRun }) {
      const repository = await open();
      if (!repository.ok) return repository;
      return await guarded(async () =>
        ok(await clean(repository.value, run, { keep, dryRun, projectDir: options.projectDir })),
      );
    },
    async land(run, kind, to) {
      const repository = await open();
      if (!repository.ok) return repository;
      return await guarded(async () => await landRun(repository.value, run, kind, to));
    },
    async revert(run, step) {
      const repository = await open();
      if (!repository.ok) return repository;
      return await guarded(async () => await revertIn(repository.value, run, step));
    },
    async refs(run) {
      const repository = await openAny();
      if (!repository.ok) return repository.error.code === "RepositoryUnreadable" ? repository : ok(undefined);
      return await guarded(async () => ok(await refsOf(repository.value, run)));
    },
    async removeRefs(run) {
      const repository = await openAny();
      if (!repository.ok) return repository;
      const { lock } = new Worktrees({ repository: repository.value });
      return await guarded(async () => ok(await removeRunRefs(repository.value, lock, run)));
    },
    async replay(wish) {
      const { projectDir, stateDir, clock, git, env } = options;
      return await guarded(async () => {
        const opened = await openRepository({ folder: projectDir, run: git, clock, env, stateDir });
        return opened.ok ? ok(await replayOnto(opened.value, wish, options.newRun())) : opened;
      });
    },
    async begin({ run, base, begin }) {
      const repository = await open();
      if (!repository.ok) return repository;
      return await guarded(async () => {
        await new Integration(repository.value, run, base, begin).head();
        return ok(undefined);
      });
    },
    async probe() {
      const adapters = await options.adapters();
      return await Promise.all(adapters.map(async (adapter) => ({ agent: adapter.id, ...(await adapter.probe()) })));
    },
  };
}

async function guarded<T>(work: () => Promise<Result<T, Problem>>): Promise<Result<T, Problem>> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof HeddleError) return err(thrown);
    return err({ code: "GitFailed", message: messageOf(thrown), cause: thrown });
  }
}

async function list(
  repository: RepositoryAccess,
  run: string | undefined,
  sizes = true,
): Promise<readonly TreeListing[]> {
  return await listWorktrees(repository, defined({ sizes, run }));
}

/** By the id that people know it by, where it is known: the folder's name may be written otherwise. */
function lineOf({ createdAtMs, owner, ...line }: TreeListing, here: string): WorktreeLine {
  const named =
    owner === null || owner.kind === "pool" ? line.name : owner.kind === "group" ? `@${owner.id}` : owner.id;
  return { ...line, name: named, createdAt: createdAtMs, project: line.project === here ? null : line.project };
}

function lines(listed: readonly TreeListing[], projectDir: string): readonly WorktreeLine[] {
  const here = realpathSync(projectDir);
  return listed.map((one) => lineOf(one, here));
}

/** Leftovers of a project that is gone belong to nobody: none of its runs can continue. */
function isAnothers(line: WorktreeLine): boolean {
  return line.project !== null && existsSync(join(line.project, ".heddle"));
}

async function clean(
  repository: RepositoryAccess,
  run: string | undefined,
  {
    keep,
    dryRun,
    projectDir,
  }: { readonly keep: (run: string) => boolean; readonly dryRun: boolean; readonly projectDir: string },
): Promise<{ readonly removed: readonly WorktreeLine[]; readonly kept: readonly WorktreeLine[] }> {
  const trees = new Worktrees({ repository });
  const removed: WorktreeLine[] = [];
  const kept: WorktreeLine[] = [];
  const here = realpathSync(projectDir);
  for (const listed of await list(repository, run)) {
    const line = lineOf(listed, here);
    const mayGo = listed.state === "saved" && !listed.inUse && !isAnothers(line) && !keep(listed.run);
    const isGone = mayGo && (dryRun || (await remove(trees, listed)));
    (isGone ? removed : kept).push(line);
  }
  await trees.deleteDeferred();
  return { removed, kept };
}

async function remove(trees: Worktrees, { run, owner }: TreeListing): Promise<boolean> {
  const tree = owner === null ? undefined : await trees.find(run, owner);
  return tree !== undefined && (await trees.remove(tree)).ok;
}

async function landRun(
  repository: RepositoryAccess,
  run: string,
  kind: LandMode,
  { name, target }: { readonly name?: string; readonly target?: string },
): Promise<Result<Landing, Problem>> {
  const found = await integrationOf(repository, run);
  if (!found.ok) return found;
  const integration = found.value;
  const trees = new Worktrees({ repository });
  const mode = kind === "branch" ? { kind, name: name ?? `heddle-${run}` } : { kind };
  const outcome = await land(defined({ integration, lock: trees.lock, mode, target }));
  const commits = (await integration.merged()).length;
  return ok({ integration: integration.branch, commits, mode: kind, ...landingOf(outcome, run) });
}

async function replayOnto(
  { repository, base, branch }: OpenRepository,
  wish: ReplayWish,
  run: string,
): Promise<Replayed> {
  const earlier = await integrationOf(repository, wish.from);
  const found = await replayMerges(repository, { ...wish, run, base, earlier: earlier.ok ? earlier.value : undefined });
  return found.kind === "refused" ? found : defined({ ...found, run, base, branch: branch ?? undefined });
}

async function revertIn(repository: RepositoryAccess, run: string, step: string): Promise<Result<Reverted, Problem>> {
  const found = await integrationOf(repository, run);
  if (!found.ok) return found;
  const integration = found.value;
  const outcome = await revertStep(integration, step);
  switch (outcome.kind) {
    case "not-merged":
      return err({
        code: "NotMerged",
        message: `${integration.branch} has no work of ${step}`,
        hint: `\`git log ${integration.branch}\` shows what it has.`,
      });
    case "conflict":
      return err({
        code: "RevertConflict",
        message: `later steps changed the same lines as ${step} in ${outcome.files.join(", ")}`,
        hint: "Revert those steps first, starting with the last, or undo the change by hand after landing.",
      });
    case "reverted": {
      const { commit } = outcome;
      const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", `${commit}^`, commit];
      const files = items((await repository.objectGit(args)).output);
      return ok({ integration: integration.branch, commit, files });
    }
  }
}

async function integrationOf(repository: RepositoryAccess, run: string): Promise<Result<Integration, Problem>> {
  const head = await commitOf(repository, integrationRef(run));
  const base = await commitOf(repository, ownershipRef(run, "integration"));
  if (head !== undefined && base !== undefined) return ok(new Integration(repository, run, base));
  return err({
    code: "NothingToLand",
    message: `nothing has been merged in run ${run}`,
    hint: `\`heddle show ${run}\` shows what its steps did.`,
  });
}
