/**
 * Composition root for agents: picks what agent steps need on this machine. Loaded by the rest of the host only when the
 * first agent is about to start, or when worktrees are listed.
 */
import { knownAgents, type LocalAgents, localAgentRunner } from "../agent/adapters/local.ts";
import type { AgentExecutor, AgentMaintenance } from "../agent/port.ts";
import type { TaskServer } from "../agent/tools/port.ts";
import { openTaskServer } from "../agent/tools/task-server.ts";
import { agentExecutor } from "../agent/work/agent-executor.ts";
import { agentMaintenance } from "../agent/work/maintenance.ts";
import { systemClock } from "../base/clock.ts";
import { randomId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { systemGit } from "../git/git.ts";
import { localRepositories } from "../git/local.ts";
import type { Repositories } from "../git/port.ts";
import { worktreesDir } from "../project/layout.ts";
import type { LocalRunners } from "../runner/local.ts";
import { VERSION } from "../version.ts";
import { folderOf } from "../workspace/directory.ts";

/** `scripted`: starts the scripted agent. */
export function openAgentExecutor(
  dir: string,
  runners: LocalRunners,
  { scripted }: Required<Pick<LocalAgents, "scripted">>,
): AgentExecutor {
  const clock = systemClock();
  let taskServer: Promise<TaskServer> | undefined;
  const work = agentExecutor({
    projectDir: dir,
    stateDir: worktreesDir(process.env),
    clock,
    repositories: repositoriesOf(dir),
    resolveFolder: folderOf,
    env: process.env,
    runner: runners.runner,
    agentRunner: async (agents) => localAgentRunner({ scripted, ...agents, ...runners.shared }),
    taskServer: () => (taskServer ??= openTaskServer({ clock, version: VERSION, node: process.execPath })),
  });
  return {
    start: (job, onNote) => work.start(job, onNote),
    finishRun: (run, isDone) => work.finishRun(run, isDone),
    revert: (run, what) => work.revert(run, what),
    async [Symbol.asyncDispose]() {
      await work[Symbol.asyncDispose]();
      await (await taskServer)?.[Symbol.asyncDispose]();
    },
  };
}

/** For commands that look after what agents left; starts nothing but git, and agents with `--version`. */
export function localAgentMaintenance(dir: string): AgentMaintenance {
  return agentMaintenance({
    projectDir: dir,
    repositories: repositoriesOf(dir),
    agents: async () => knownAgents(systemClock(), process.env),
    newRun: () => randomId(systemRandom),
  });
}

/** One for the whole process: what is known of it need not be asked again. */
const GIT = systemGit({ clock: systemClock() });

function repositoriesOf(projectDir: string): Repositories {
  const { env } = process;
  return localRepositories({ projectDir, stateDir: worktreesDir(env), clock: systemClock(), run: GIT, env });
}
