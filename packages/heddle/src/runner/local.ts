/** The runners of this machine, put together: commands by helpers, functions in this process, and the sweep that goes with them. */
import type { Clock } from "../base/clock.ts";
import { lazyAgentRunner } from "./agent/lazy.ts";
import type { LocalAgents } from "../agent/adapters/local.ts";
import type { AgentAdapter } from "../agent/adapters/port.ts";
import { baseEnvironments } from "./environment.ts";
import { type HelperCommands, helperCommands } from "./helper.ts";
import { memoryWatch } from "./memory.ts";
import { moduleRunner } from "./module.ts";
import type { Runner, Sweeper } from "./port.ts";
import { systemProcessTable } from "./process.ts";
import { sharedTable } from "./processes.ts";
import { runnerRegistry } from "./registry.ts";
import { shellRunner } from "./shell.ts";
import { sweeper } from "./sweep.ts";

export interface LocalRunnersOptions {
  readonly clock: Clock;
  /** The environment of whoever started heddle. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Random text, new for each process: letters and digits. */
  readonly owner: string;
  /** The program of worker threads (the compiled `isolated.ts` beside the composition root); absent: no `isolate`. */
  readonly workerEntry?: URL;
  /** How agents are started; absent: those of the presets, found on PATH. */
  readonly agents?: LocalAgents;
}

export interface LocalRunners {
  readonly runner: Runner;
  readonly sweeper: Sweeper;
  /** Whether commands of the run may have left processes behind since it was last asked. */
  readonly loose: (run: string) => boolean;
  readonly commands: HelperCommands;
  /** A runner of agents as a plan configures them. Rejects, with a message for people, where that is wrong. */
  readonly agentsOf: (agents: LocalAgents) => Promise<Runner>;
}

export function localRunners({ clock, env, owner, workerEntry, agents = {} }: LocalRunnersOptions): LocalRunners {
  const bases = baseEnvironments(env);
  const table = sharedTable(systemProcessTable());
  const commands = helperCommands({ clock, table, bases, owner });
  const loose = new Set<string>();
  const memory = memoryWatch(clock);
  const shell = shellRunner({ commands, bases, memory, onLoose: (run) => loose.add(run) });
  const modules = moduleRunner({ clock, bases, ...(workerEntry === undefined ? {} : { workerEntry }) });
  async function agentsOf(more: LocalAgents): Promise<Runner> {
    const { localAgentRunner } = await import("../agent/adapters/local.ts");
    const world = { clock, table, owner, path: env["PATH"] ?? "", guard: () => commands.warm(1) };
    return localAgentRunner({ ...agents, ...more, world, bases, memory, onLoose: (run) => loose.add(run) });
  }
  const agent = lazyAgentRunner(() => agentsOf({}));
  return {
    runner: runnerRegistry([shell, modules, agent]),
    sweeper: sweeper({ clock, table, spare: (pid) => commands.isHelper(pid) }),
    loose: (run) => loose.delete(run),
    commands,
    agentsOf,
  };
}

/** The agents that need no plan to be known, to be asked whether they are here. */
export async function knownAgents(
  clock: Clock,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly AgentAdapter[]> {
  const { agentRegistry } = await import("../agent/adapters/registry.ts");
  const table = sharedTable(systemProcessTable());
  const world = { clock, table, owner: "probe", path: env["PATH"] ?? "" };
  const adapters = agentRegistry({ world });
  return adapters.ok ? [...adapters.value.values()] : [];
}
