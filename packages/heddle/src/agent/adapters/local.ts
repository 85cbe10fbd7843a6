/** The agents of this machine, put together: adapters from presets and configuration, and the sandbox. Loaded with the first agent. */
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import type { Runner } from "../../runner/port.ts";
import { systemProcessTable } from "../../runner/process.ts";
import { sharedTable } from "../../runner/processes.ts";
import { type AgentConfig, agentRegistry } from "./registry.ts";
import type { AgentAdapter } from "./port.ts";
import { type AgentRunnerOptions, agentRunner } from "./runner.ts";
import { bubblewrapSandbox } from "./sandbox.ts";
import type { AgentWorld } from "./process.ts";

/** What the composition root may say of agents. */
export interface LocalAgents {
  /** Entries beside, or in place of, those of the presets: see `readAgentConfigs`. */
  readonly agents?: Readonly<Record<string, AgentConfig>>;
  /** Starts the scripted agent: `[process.execPath, file of scripted-worker]`. */
  readonly scripted?: readonly [string, ...string[]];
}

export interface LocalAgentsOptions extends LocalAgents, Pick<AgentRunnerOptions, "bases" | "memory" | "onLoose"> {
  readonly world: AgentWorld;
}

/** Throws, with a message for people, where the configuration is wrong. */
export function localAgentRunner(options: LocalAgentsOptions): Runner {
  const { world, bases, memory, onLoose, agents, scripted } = options;
  const adapters = agentRegistry(defined({ world, agents, scripted }));
  if (!adapters.ok) throw new TypeError(adapters.error);
  return agentRunner(defined({ adapters: adapters.value, bases, memory, sandbox: bubblewrapSandbox(world), onLoose }));
}

/** The agents that need no plan to be known, to be asked whether they are here. */
export function knownAgents(clock: Clock, env: Readonly<Record<string, string | undefined>>): readonly AgentAdapter[] {
  const table = sharedTable(systemProcessTable());
  const world = { clock, table, owner: "probe", path: env["PATH"] ?? "" };
  const adapters = agentRegistry({ world });
  return adapters.ok ? [...adapters.value.values()] : [];
}
