/** The agents of this machine, put together: adapters from presets and configuration, and the sandbox. Loaded with the first agent. */
import type { Attempt, Runner } from "../../runner/port.ts";
import { type AgentConfig, agentRegistry } from "./registry.ts";
import { type AgentRunnerOptions, agentRunner } from "./runner.ts";
import { bubblewrapSandbox } from "./sandbox.ts";
import type { AgentWorld } from "./process.ts";

/** What the composition root may say of agents. */
export interface LocalAgents {
  /** Entries beside, or in place of, those of the presets: see `readAgentConfigs`. */
  readonly agents?: Readonly<Record<string, AgentConfig>>;
  /** Starts the scripted agent: `[process.execPath, file of scripted-worker]`. */
  readonly scripted?: readonly [string, ...string[]];
  /** See {@link AgentRunnerOptions.changedFiles}. */
  readonly changedFiles?: (attempt: Attempt) => Promise<readonly string[] | undefined>;
}

export interface LocalAgentsOptions extends LocalAgents, Pick<AgentRunnerOptions, "bases" | "memory" | "onLoose"> {
  readonly world: AgentWorld;
}

/** Throws, with a message for people, where the configuration is wrong. */
export function localAgentRunner(options: LocalAgentsOptions): Runner {
  const { world, bases, memory, onLoose, changedFiles, agents, scripted } = options;
  const adapters = agentRegistry({
    world,
    ...(agents === undefined ? {} : { agents }),
    ...(scripted === undefined ? {} : { scripted }),
  });
  if (!adapters.ok) throw new TypeError(adapters.error);
  return agentRunner({
    adapters: adapters.value,
    bases,
    memory,
    sandbox: bubblewrapSandbox(world),
    ...(onLoose === undefined ? {} : { onLoose }),
    ...(changedFiles === undefined ? {} : { changedFiles }),
  });
}
