/**
 * Local agents: creates the adapters of this machine from presets and configuration, and the sandbox. Loaded with the
 * first agent.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import { type Result, ok } from "../../base/result.ts";
import { systemProcessTable } from "../../process/process.ts";
import { sharedTable } from "../../process/table.ts";
import { isKnownAgent, KNOWN_AGENTS, ruleBinding } from "../../plan/agents-config.ts";
import type { LoginState } from "../port.ts";
import { PRESETS, type Preset } from "./presets.ts";
import { type AgentConfig, agentRegistry } from "./registry.ts";
import type { AgentForm, AgentRunner } from "./port.ts";
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

/** The known agents, to find out which are installed and what they can do here. */
export function knownAgents(clock: Clock, env: Readonly<Record<string, string | undefined>>): readonly AgentForm[] {
  const table = sharedTable(systemProcessTable());
  const world = { clock, table, owner: "probe", path: env["PATH"] ?? "" };
  const sandbox = bubblewrapSandbox(world);
  return Object.entries(PRESETS).flatMap(([name, preset]) => {
    const protocols = isKnownAgent(name) ? KNOWN_AGENTS[name] : [];
    return protocols.flatMap((protocol): AgentForm[] => {
      const made = agentRegistry({ world, agents: { [name]: { protocol } } });
      const adapter = made.ok ? made.value.get(name) : undefined;
      if (adapter === undefined) return [];
      return [
        {
          adapter,
          protocol,
          rules: ruleBinding(name, protocol),
          login: () => loginOf(preset, env),
          sandbox: async () => await (adapter.nestsSandbox ? sandbox.probeNested() : sandbox.probe()),
        },
      ];
    });
  });
}

function loginOf({ keys, loginFiles }: Preset, env: Readonly<Record<string, string | undefined>>): LoginState {
  const name = keys.find((key) => /KEY|TOKEN/.test(key) && (env[key] ?? "") !== "");
  if (name !== undefined) return { kind: "key", name };
  const home = env["HOME"];
  const files = home === undefined ? [] : loginFiles.map((file) => join(home, file));
  const codexHome = env["CODEX_HOME"];
  if (keys.includes("CODEX_HOME") && codexHome !== undefined) files.unshift(join(codexHome, "auth.json"));
  const path = files.find((file) => existsSync(file));
  return path === undefined ? { kind: "none" } : { kind: "file", path };
}
