/**
 * Agent registry: the agents that a plan can name, from presets, the scripted agent, and the configuration. Creates
 * adapters; starts nothing.
 */
import { defined } from "../../base/defined.ts";
import { type Result, err, ok } from "../../base/result.ts";
import { acpAdapter } from "./acp.ts";
import { claudeAdapter } from "./claude.ts";
import { codexAdapter } from "./codex.ts";
import { execAdapter } from "./exec.ts";
import { PRESETS, type Preset, defaultModelOf } from "./presets.ts";
import { type AgentProtocol, SCRIPTED } from "../../plan/agents-config.ts";
import type { AgentAdapter } from "./port.ts";
import type { AgentWorld } from "./process.ts";
import type { Program } from "./program.ts";

/** The program behind one entry of a plan's `agents.use`: a preset with changes, or the user's own command. */
export interface AgentConfig {
  /** Absent: the entry's own name. */
  readonly preset?: string;
  /** How it is spoken to; absent: the preset's first, `exec` for a command. */
  readonly protocol?: AgentProtocol;
  /** The program and its first arguments; absent: the preset's. */
  readonly command?: readonly [string, ...string[]];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whose limits and prices apply; absent: the preset's, else the entry's name. */
  readonly provider?: string;
  /** For attempts that name none; absent: the preset's. */
  readonly model?: string;
}

export interface RegistryOptions {
  readonly world: AgentWorld;
  readonly agents?: Readonly<Record<string, AgentConfig>>;
  /** Starts the scripted agent: this Node and the file of its program. Absent: there is none. */
  readonly scripted?: readonly [string, ...string[]];
}

/** An error names the entry. */
export function agentRegistry(options: RegistryOptions): Result<ReadonlyMap<string, AgentAdapter>, string> {
  const adapters = new Map<string, AgentAdapter>();
  const add = (id: string, config: AgentConfig): string | undefined => {
    const made = adapterOf(options, id, config);
    if (!made.ok) return made.error;
    const defaultModel = config.model ?? defaultModelOf(config.preset ?? id);
    adapters.set(id, defaultModel === undefined ? made.value : { ...made.value, defaultModel });
    return undefined;
  };
  for (const id of Object.keys(PRESETS)) add(id, {});
  if (options.scripted !== undefined)
    adapters.set(SCRIPTED, scriptedAdapter(options.world, SCRIPTED, options.scripted, {}));
  for (const [id, config] of Object.entries(options.agents ?? {})) {
    const problem = add(id, config);
    if (problem !== undefined) return err(`agents.${id}: ${problem}`);
  }
  return ok(adapters);
}

/** Whose limits an agent of this name shares, as its adapter says too. */
export function providerOf(id: string, config: AgentConfig = {}): string {
  const name = config.preset ?? id;
  return config.provider ?? (Object.hasOwn(PRESETS, name) ? PRESETS[name]?.provider : undefined) ?? id;
}

function adapterOf(options: RegistryOptions, id: string, config: AgentConfig): Result<AgentAdapter, string> {
  const { world } = options;
  const name = config.preset ?? id;
  if (name === SCRIPTED && (config.preset !== undefined || config.command === undefined)) {
    const command = config.command ?? options.scripted;
    if (command === undefined) return err("the scripted agent is missing");
    return ok(scriptedAdapter(world, id, command, config));
  }
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset === undefined && config.preset !== undefined)
    return err(`there is no preset ${config.preset}; there are ${Object.keys(PRESETS).join(", ")}, scripted`);
  if (preset === undefined && config.command === undefined) return err("an agent without a preset needs a `command`");
  const protocol = config.protocol ?? (preset === undefined ? "exec" : preset.acp === undefined ? "native" : "acp");
  const provider = providerOf(id, config);
  const env = config.env ?? {};
  switch (protocol) {
    case "acp": {
      const program = programOf(config, preset?.acp?.program);
      if (program === undefined) return err("has no command that speaks the Agent Client Protocol: add a `command`");
      return ok(
        acpAdapter(
          world,
          defined({
            id,
            provider,
            program,
            args: (context) => [...(preset?.acp?.args?.(context) ?? []), ...(config.args ?? [])],
            env: (context) => ({ ...preset?.env(context), ...env }),
            quirks: preset?.acp?.quirks,
            homePaths: preset?.homePaths,
            homeFiles: preset?.homeFiles,
            nestsSandbox: preset?.nestsSandbox,
            keys: preset?.keys,
          }),
        ),
      );
    }
    case "native":
      return native(world, id, provider, config, preset, env);
    case "exec": {
      const program = programOf(config, undefined);
      if (program === undefined) return err("needs a `command`");
      return ok(execAdapter(world, { id, provider, program, args: config.args ?? [], env }));
    }
  }
}

function native(
  world: AgentWorld,
  id: string,
  provider: string,
  config: AgentConfig,
  preset: Preset | undefined,
  env: Readonly<Record<string, string>>,
): Result<AgentAdapter, string> {
  const program = programOf(config, preset?.native?.program);
  if (preset?.native === undefined || program === undefined)
    return err("has no native form (only claude and codex have one): use `protocol: acp` or `exec`");
  const agent = {
    id,
    provider,
    program,
    args: config.args ?? [],
    env: (context: Parameters<Preset["env"]>[0]) => ({ ...preset.env(context), ...env }),
    homePaths: preset.homePaths,
    homeFiles: preset.homeFiles ?? [],
    nestsSandbox: preset.nestsSandbox === true,
  };
  return ok(preset.native.form === "claude" ? claudeAdapter(world, agent) : codexAdapter(world, agent));
}

function scriptedAdapter(
  world: AgentWorld,
  id: string,
  command: readonly [string, ...string[]],
  config: AgentConfig,
): AgentAdapter {
  const [program, ...args] = command;
  return acpAdapter(world, {
    id,
    provider: providerOf(id, config),
    program: { command: program, args: [...args, ...(config.args ?? [])] },
    env: () => config.env ?? {},
    quirks: { costPerProcess: true },
  });
}

function programOf(config: AgentConfig, preset: Program | undefined): Program | undefined {
  if (config.command === undefined) return preset;
  const [command, ...args] = config.command;
  return { command, args };
}
