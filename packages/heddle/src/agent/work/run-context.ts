/**
 * Agent run context: what the agents of one run share: repository, worktrees, merge queue, agent runner, rate limiter.
 * Created with the run's first agent step.
 */
import { join, relative } from "node:path";
import { realpathSync, statSync } from "node:fs";
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import { HeddleError, type Problem } from "../../base/errors.ts";
import { RateLimiter } from "../adapters/rate-limiter.ts";
import type { LocalAgents } from "../adapters/local.ts";
import type { AgentRunner } from "../adapters/port.ts";
import type { Result } from "../../base/result.ts";
import type { Runner } from "../../runner/port.ts";
import type { TaskServer } from "../tools/port.ts";
import { folderOf } from "../../workspace/directory.ts";
import type { RepositoryAccess } from "../../git/repository-access.ts";
import type { GitRun } from "../../git/git.ts";
import { includedKey } from "../../git/include.ts";
import { MergeQueue } from "../../git/merge-queue.ts";
import { integrationRef } from "../../git/ref-names.ts";
import { commitOf, openRepository } from "../../git/discover.ts";
import { passedStore } from "../../git/verify.ts";
import { Worktrees } from "../../git/worktree.ts";
import type { AgentJob, AgentRun } from "../port.ts";
import { WorktreePool } from "./worktree-pool.ts";
import { runSettings, type RunSettings } from "./settings.ts";

/** All that carrying out agents' steps takes of the outside. */
export interface AgentExecutorOptions {
  /** Absolute: the project folder. */
  readonly projectDir: string;
  /** Absolute: heddle's folder of worktrees, for all repositories. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly git: GitRun;
  /** The environment of this process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Carries out commands. */
  readonly runner: Runner;
  /** The error is a sentence about the plan's `agents`. */
  readonly agentRunner: (agents: LocalAgents) => Promise<Result<AgentRunner, string>>;
  /** Where agents report; opened with the first agent. */
  readonly taskServer: () => Promise<TaskServer>;
}

export interface AgentRunContext {
  readonly run: string;
  readonly settings: RunSettings;
  readonly repository: RepositoryAccess;
  readonly base: string;
  /** Short name of the user's branch when the run began; `null`: none. */
  readonly branch: string | null;
  /** Notices about the repository, if the run begins with this context; taken by whoever reports them. */
  readonly notes: Problem[];
  /** The project folder, relative to the repository's. */
  readonly subfolder: string;
  readonly trees: Worktrees;
  readonly pool: WorktreePool;
  readonly queue: MergeQueue;
  readonly agents: AgentRunner;
  readonly rateLimiter: RateLimiter;
  /** Folders that candidates are verified in, with what was set up there. */
  readonly prepared: Map<string, string>;
  /** Identifies the files that worktrees get besides those of git. */
  readonly included: () => Promise<string>;
}

/** Throws a `HeddleError` if there is no usable repository, or the plan's agents cannot be started. */
export async function openRunContext(
  options: AgentExecutorOptions,
  { run, config, maxAgents, base, begin, ...of }: AgentRun & { readonly folder: string },
): Promise<AgentRunContext> {
  const { clock, git, env, stateDir, projectDir } = options;
  const settings = runSettings(config, of.folder);
  const opened = await openRepository(defined({ folder: projectDir, run: git, clock, env, stateDir, base }));
  if (!opened.ok) throw new HeddleError(opened.error);
  const { repository, base: commit } = opened.value;
  // Where the base is not on record, neither is the branch: its refs are stored in a way that only git reads.
  const branch = base === undefined ? opened.value.branch : (of.branch ?? null);
  const trees = new Worktrees({ repository, limits: settings.worktrees, project: realpathSync(projectDir) });
  let included: Promise<string> | undefined;
  const agents = await options.agentRunner({ agents: settings.configs });
  if (!agents.ok) throw new HeddleError({ code: "AgentsInvalid", message: agents.error });
  return {
    run,
    settings,
    repository,
    base: commit,
    branch,
    notes: (await commitOf(repository, integrationRef(run))) === undefined ? [...opened.value.notes] : [],
    subfolder: relative(repository.facts.topLevel, realpathSync(projectDir)),
    trees,
    pool: new WorktreePool(trees),
    queue: new MergeQueue(
      defined({
        worktrees: trees,
        run,
        base: commit,
        begin,
        mode: settings.merge,
        ...settings.mergeQueue,
        passed: passedStore(clock, join(repository.home, ".passed")),
      }),
    ),
    agents: agents.value,
    rateLimiter: new RateLimiter({ maxAgents, now: () => clock.now() }),
    prepared: new Map(),
    included: () => (included ??= includedKey(repository)),
  };
}

/** The project in a worktree: where the plan's setup commands run. Fails with `WorkspaceMissing`. */
export function projectIn(runContext: AgentRunContext, tree: string): string {
  const folder = join(tree, runContext.subfolder);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return folder;
  throw new HeddleError({
    code: "WorkspaceMissing",
    message: `the project folder ${runContext.subfolder} is not in the worktree: none of its files is committed`,
    hint: "Commit it, so that agent steps have it.",
  });
}

/** Where a step would work in a worktree, there or not. */
export function folderIn(runContext: AgentRunContext, tree: string, job: AgentJob): string {
  return join(tree, runContext.subfolder, job.task.step.cwd ?? ".");
}

/** Where a step works in a worktree as it is now. Fails with `WorkspaceMissing` or `WorkspaceOutside`. */
export function workFolder(runContext: AgentRunContext, tree: string, { task }: AgentJob): string {
  const project = realpathSync(projectIn(runContext, tree));
  const { cwd, id } = task.step;
  if (cwd === undefined) return project;
  return folderOf(project, cwd, id, "Commit it, or create it in a step that this one depends on.");
}
