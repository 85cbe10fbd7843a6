/**
 * Local agents: creates the adapters of this machine from presets and configuration, and the sandbox. Loaded with the
 * first agent.
 */
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import { type Result, ok } from "../../base/result.ts";
import { systemProcessTable } from "../../process/process.ts";
import { sharedTable } from "../../process/table.ts";
import { type AgentConfig, agentRegistry } from "./registry.ts";
import type { AgentAdapter, AgentRunner } from "./port.ts";
import { type AgentRunnerOptions, agentRunner } from "./runner.ts";
import { bubblewrapSandbox } from "./sandbox.ts";
import type { AgentWorld } from "./process.ts";

/** What the composition root may say of agents. */
export interface LocalAgents {
  /** Entries in addition to, or instead of, those of the presets. */
  readonly agents?: Readonly<Record<string, AgentConfig>>;
  /** Starts the scripted agent: `[process.execPath, file of scripted-worker]`. */
  readonly scripted?: readonly [string, ...string[]];
}

export interface LocalAgentsOptions extends LocalAgents, Pick<AgentRunnerOptions, "bases" | "memory" | "onLeftovers"> {
  readonly world: AgentWorld;
}

/** The error says, for people, what is wrong with the configuration. */
export function localAgentRunner(options: LocalAgentsOptions): Result<AgentRunner, string> {
  const { world, bases, memory, onLeftovers, agents, scripted } = options;
  const adapters = agentRegistry(defined({ world, agents, scripted }));
  if (!adapters.ok) return adapters;
  const sandbox = bubblewrapSandbox(world);
  return ok(agentRunner(defined({ adapters: adapters.value, bases, memory, sandbox, onLeftovers })));
}

/** The known agents, to find out which are installed. */
export function knownAgents(clock: Clock, env: Readonly<Record<string, string | undefined>>): readonly AgentAdapter[] {
  const table = sharedTable(systemProcessTable());
  const world = { clock, table, owner: "probe", path: env["PATH"] ?? "" };
  const adapters = agentRegistry({ world });
  return adapters.ok ? [...adapters.value.values()] : [];
}
