/**
 * Maintenance of agents' leftovers: lists, cleans, lands, reverts and removes what agents left in a repository, for
 * commands of people. Knows no plan and starts no step.
 */
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { defined } from "../../base/defined.ts";
import { HeddleError, messageOf, type Problem } from "../../base/errors.ts";
import { err, ok, type Result } from "../../base/result.ts";
import {
  notInConflict,
  type OpenRepository,
  type Repositories,
  type Repository,
  type Worktrees,
} from "../../git/port.ts";
import type { HeldWork, TreeListing, Worktree } from "../../git/types.ts";
import type { Landing, LandMode } from "../../run/attempt.ts";
import type { AgentForm } from "../adapters/port.ts";
import {
  type AgentLine,
  type AgentMaintenance,
  type AskedConflict,
  conflictNotHeld,
  type Replayed,
  type ReplayWish,
  type WorktreeLine,
} from "../port.ts";
import { readChanges } from "./read-changes.ts";
import { landingOf } from "./finish-run.ts";
import { integrationOf, revertIn } from "./revert-step.ts";

export interface AgentMaintenanceOptions {
  /** Absolute: the project folder. */
  readonly projectDir: string;
  readonly repositories: Repositories;
  /** The agents that are known without a plan. */
  readonly agents: () => Promise<readonly AgentForm[]>;
  /** The id of a run that is to begin. */
  readonly newRun: () => string;
}

export function agentMaintenance({ projectDir, repositories, ...options }: AgentMaintenanceOptions): AgentMaintenance {
  const within = async <T>(
    work: (opened: OpenRepository) => Promise<Result<T, Problem>>,
  ): Promise<Result<T, Problem>> => {
    return await guarded(async () => {
      const opened = await repositories.open();
      return opened.ok ? await work(opened.value) : opened;
    });
  };
  // Whatever state the checkout is in: nothing begins there.
  let any: Promise<Result<OpenRepository, Problem>> | undefined;
  const openAny = (): Promise<Result<OpenRepository, Problem>> =>
    (any ??= guarded(async () => await repositories.open({ base: "HEAD" })));
  return {
    async check() {
      const opened = await within(async () => ok(undefined));
      return opened.ok ? undefined : opened.error;
    },
    worktrees: async ({ run, sizes = true }) =>
      await within(async ({ repository }) => {
        const here = realpathSync(projectDir);
        const listed = await repository.worktrees.list(defined({ run, sizes }));
        return ok(listed.map((one) => lineOf(one, here)));
      }),
    clean: async (which) =>
      await within(async ({ repository }) => ok(await clean(repository.worktrees, realpathSync(projectDir), which))),
    land: async (run, kind, to) => await within(async ({ repository }) => await landRun(repository, run, kind, to)),
    revert: async (run, what) => await within(async ({ repository }) => await revertIn(repository, run, what)),
    async refs(run) {
      const opened = await openAny();
      if (!opened.ok) return opened.error.code === "RepositoryUnreadable" ? opened : ok(undefined);
      return await guarded(async () => ok(await opened.value.repository.refs.find(run)));
    },
    async removeRefs(run) {
      const opened = await openAny();
      if (!opened.ok) return opened;
      return await guarded(async () => ok(await opened.value.repository.refs.remove(run)));
    },
    async changes(run, of, options = {}) {
      const opened = await openAny();
      if (!opened.ok) return opened;
      return await guarded(async () => ok(await readChanges(opened.value.repository, { ...options, run, of })));
    },
    async conflict(run, step) {
      const opened = await openAny();
      if (!opened.ok) return opened;
      const { repository } = opened.value;
      return await guarded(async () => {
        const tree = await repository.worktrees.find(run, { kind: "step", id: step });
        return ok(tree?.holds === undefined ? undefined : askedConflict(repository, tree, tree.holds));
      });
    },
    replay: async (wish) =>
      await within(async (opened) => ok(await replayOnto(opened, wish, wish.run ?? options.newRun()))),
    begin: async ({ run, base, begin }) =>
      await within(async ({ repository }) => ok(await repository.integrations.begin({ run, base, begin }))),
    async probe() {
      const forms = await options.agents();
      return await Promise.all(forms.map(lineOfAgent));
    },
  };
}

async function lineOfAgent({ adapter, protocol, rules, login, sandbox }: AgentForm): Promise<AgentLine> {
  const probed = await adapter.probe();
  if (!probed.found) return { agent: adapter.id, protocol, rules, ...probed };
  const box = await sandbox();
  return {
    agent: adapter.id,
    protocol,
    rules,
    ...probed,
    login: login(),
    sandbox: box.ok ? { works: true } : { works: false, why: box.error },
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

function askedConflict({ conflicts }: Repository, tree: Worktree, { step, head, captured }: HeldWork): AskedConflict {
  return {
    path: tree.path,
    head,
    captured,
    overview: async () =>
      await guarded(async () => {
        const found = await conflicts.overview(tree);
        return found === undefined ? err(conflictNotHeld(tree.run, step)) : ok(found);
      }),
    file: async (name) =>
      await guarded(async () => {
        const found = await conflicts.file(tree, name);
        return found === undefined ? err(notInConflict(name)) : ok(found);
      }),
    store: async (wish) => await guarded(async () => await conflicts.store(tree, wish)),
    apply: async (seen) => await guarded(async () => await conflicts.apply(tree, seen)),
  };
}

/** By the id that people know it by, where it is known: the folder's name may be written otherwise. */
function lineOf({ createdAtMs, owner, ...line }: TreeListing, here: string): WorktreeLine {
  const named =
    owner === null || owner.kind === "pool" ? line.name : owner.kind === "group" ? `@${owner.id}` : owner.id;
  return { ...line, name: named, createdAt: createdAtMs, project: line.project === here ? null : line.project };
}

/** Leftovers of a project that is gone belong to nobody: none of its runs can continue. */
function isAnothers(line: WorktreeLine): boolean {
  return line.project !== null && existsSync(join(line.project, ".heddle"));
}

async function clean(
  worktrees: Worktrees,
  here: string,
  { run, keep, dryRun }: Parameters<AgentMaintenance["clean"]>[0],
): Promise<{ readonly removed: readonly WorktreeLine[]; readonly kept: readonly WorktreeLine[] }> {
  const removed: WorktreeLine[] = [];
  const kept: WorktreeLine[] = [];
  for (const listed of await worktrees.list(defined({ run }))) {
    const line = lineOf(listed, here);
    const mayGo = listed.state === "saved" && !listed.inUse && !isAnothers(line) && !keep(listed.run);
    const isGone = mayGo && (dryRun || (await remove(worktrees, listed)));
    (isGone ? removed : kept).push(line);
  }
  await worktrees.deleteDeferred();
  return { removed, kept };
}

async function remove(worktrees: Worktrees, { run, owner }: TreeListing): Promise<boolean> {
  const tree = owner === null ? undefined : await worktrees.find(run, owner);
  return tree !== undefined && (await worktrees.remove(tree)).ok;
}

async function landRun(
  repository: Repository,
  run: string,
  kind: LandMode,
  { name, target, recorded }: { readonly name?: string; readonly target?: string; readonly recorded?: string },
): Promise<Result<Landing, Problem>> {
  const found = await integrationOf(repository, run, recorded);
  if (!found.ok) return found;
  const { branch, base, head, merged, notices } = found.value;
  const mode = kind === "branch" ? { kind, name: name ?? `heddle-${run}` } : { kind };
  const outcome = await repository.integrations.land({ run, base, recorded: head }, mode, target);
  const told = notices.length === 0 ? {} : { notices };
  const isMerge = outcome.kind === "landed" && merged.at(-1)?.commit === head;
  const landed = { ...told, ...landingOf(outcome, run), head: isMerge ? head : undefined };
  return ok(defined({ integration: branch, commits: merged.length, mode: kind, ...landed }));
}

async function replayOnto(
  { repository, base, branch }: OpenRepository,
  wish: ReplayWish,
  run: string,
): Promise<Replayed> {
  const found = await repository.integrations.replay({ ...wish, run, base });
  return found.kind === "refused" ? found : defined({ ...found, run, base, branch: branch ?? undefined });
}
