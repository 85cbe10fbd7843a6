/**
 * Agent run context: what the agents of one run share: repository, worktrees, merge queue, agent runner, rate limiter.
 * Created with the run's first agent step.
 */
import { join, relative } from "node:path";
import { realpathSync, statSync } from "node:fs";
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import { caught, type Problem } from "../../base/errors.ts";
import { type Result, err, ok } from "../../base/result.ts";
import type { MergeQueue, Repositories, Repository } from "../../git/port.ts";
import type { IntegrationOrigin } from "../../git/types.ts";
import type { Runner } from "../../runner/port.ts";
import type { FolderResolver } from "../../workspace/port.ts";
import type { LocalAgents } from "../adapters/local.ts";
import type { AgentRunner } from "../adapters/port.ts";
import { RateLimiter } from "../adapters/rate-limiter.ts";
import type { AgentJob, AgentRun } from "../port.ts";
import type { TaskServer } from "../tools/port.ts";
import { CheckRouter } from "./check-router.ts";
import { runSettings, type RunSettings } from "./settings.ts";
import { WorktreePool } from "./worktree-pool.ts";

/** All that carrying out agents' steps takes of the outside. */
export interface AgentExecutorOptions {
  /** Absolute: the project folder. */
  readonly projectDir: string;
  /** Absolute: heddle's folder of worktrees, for all repositories. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly repositories: Repositories;
  readonly resolveFolder: FolderResolver;
  /** The environment of this process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Carries out commands. */
  readonly runner: Runner;
  /** The error is a sentence about the plan's `agents`. */
  readonly agentRunner: (agents: LocalAgents) => Promise<Result<AgentRunner, string>>;
  /** Where agents report; opened with the first agent. */
  readonly taskServer: () => Promise<TaskServer>;
}

/** A run of agents, and the folder that files named in its plan are relative to; absolute. */
export type AgentRunIn = AgentRun & { readonly folder: string };

/** What all agents of a run share, also those that need no repository. */
export interface RunAgents {
  readonly run: string;
  readonly settings: RunSettings;
  readonly agents: AgentRunner;
  readonly rateLimiter: RateLimiter;
}

export interface AgentRunContext extends RunAgents {
  readonly repository: Repository;
  /** Where the run's integration branch begins. */
  readonly origin: IntegrationOrigin;
  /** Short name of the user's branch when the run began; `null`: none. */
  readonly branch: string | null;
  /** What is peculiar about the repository, or had to be put right, since the last call: told by the attempt that asks. */
  readonly takeNotes: () => readonly Problem[];
  /** The project folder, relative to the repository's. */
  readonly subfolder: string;
  readonly pool: WorktreePool;
  readonly queue: MergeQueue;
  readonly checks: CheckRouter;
  /** Folders that candidates are verified in, with what was set up there. */
  readonly prepared: Map<string, string>;
  /** Identifies the files that worktrees get besides those of git. */
  readonly includedKey: () => Promise<string>;
}

/** `folder`: what files named in the plan are relative to. The problem: the plan's agents cannot be started. */
export async function openRunAgents(
  options: AgentExecutorOptions,
  { run, config, maxAgents, folder }: AgentRunIn,
): Promise<Result<RunAgents, Problem>> {
  const { clock } = options;
  const settings = runSettings(config, folder);
  return await caught(async () => {
    const agents = await options.agentRunner({ agents: settings.configs });
    if (!agents.ok) return err({ code: "AgentsInvalid", message: agents.error });
    const rateLimiter = new RateLimiter({ maxAgents, now: () => clock.now() });
    return ok({ run, settings, agents: agents.value, rateLimiter });
  });
}

/** The problem: there is no repository that can be worked in. */
export async function openRunContext(
  options: AgentExecutorOptions,
  of: AgentRunIn,
  agents: RunAgents,
): Promise<Result<AgentRunContext, Problem>> {
  return await caught(async () => await open(options, of, agents));
}

async function open(
  { repositories, projectDir }: AgentExecutorOptions,
  { run, base, begin, recorded, ...of }: AgentRunIn,
  agents: RunAgents,
): Promise<Result<AgentRunContext, Problem>> {
  const { settings } = agents;
  const opened = await repositories.open(defined({ base, limits: settings.worktrees }));
  if (!opened.ok) return opened;
  const { repository } = opened.value;
  const origin: IntegrationOrigin = defined({ run, base: opened.value.base, begin, recorded });
  const checks = new CheckRouter();
  const before = await repository.integrations.find(run, recorded);
  let notes = before === undefined ? await opened.value.notes() : [];
  let restored = before?.notices ?? [];
  let included: Promise<string> | undefined;
  return ok({
    ...agents,
    repository,
    origin,
    // Where the base is not on record, neither is the branch: its refs are stored in a way that only git reads.
    branch: base === undefined ? opened.value.branch : (of.branch ?? null),
    takeNotes() {
      const taken = [...notes, ...restored.map((message) => ({ code: "IntegrationRestored", message }))];
      [notes, restored] = [[], []];
      return taken;
    },
    subfolder: relative(repository.topLevel, realpathSync(projectDir)),
    pool: new WorktreePool(repository.worktrees),
    queue: repository.openQueue({
      ...origin,
      mode: settings.merge,
      ...settings.mergeQueue,
      verify: async (request, signal) => await checks.verify(request, signal),
      onNotice: (text) => void (restored = [...restored, text]),
    }),
    checks,
    prepared: new Map(),
    includedKey: () => (included ??= repository.worktrees.includedKey()),
  });
}

/** The project in a worktree: where the plan's setup commands run. Else `WorkspaceMissing`. */
export function projectIn({ subfolder }: Pick<AgentRunContext, "subfolder">, tree: string): Result<string, Problem> {
  const folder = join(tree, subfolder);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return ok(folder);
  return err({
    code: "WorkspaceMissing",
    message: `the project folder ${subfolder} is not in the worktree: none of its files is committed`,
    hint: "Commit it, so that agent steps have it.",
  });
}

/** Where a step would work in a worktree, there or not. */
export function folderIn({ subfolder }: Pick<AgentRunContext, "subfolder">, tree: string, job: AgentJob): string {
  return join(tree, subfolder, job.task.step.cwd ?? ".");
}

/** Where a step works in a worktree as it is now. Else `WorkspaceMissing`, `WorkspaceOutside` or `WorkspaceUnusable`. */
export function workFolder(
  runContext: AgentRunContext,
  resolve: FolderResolver,
  tree: string,
  { task }: AgentJob,
): Result<string, Problem> {
  const project = projectIn(runContext, tree);
  if (!project.ok) return project;
  const real = realpathSync(project.value);
  const { cwd, id } = task.step;
  if (cwd === undefined) return ok(real);
  return resolve(real, cwd, id, "Commit it, or create it in a step that this one depends on.");
}
