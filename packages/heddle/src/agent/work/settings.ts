/** Agent settings: combines a plan's settings of agents, those of a step, and the defaults. Pure. */
import { isAbsolute, join, resolve } from "node:path";
import { defined } from "../../base/defined.ts";
import { parseDuration, type WrittenDuration } from "../../base/duration.ts";
import type { MergeMode } from "../../git/types.ts";
import {
  AGENT_DEFAULTS,
  type AgentEntry,
  type AgentLimitsConfig,
  type AgentsConfig,
  type AgentStepConfig,
  type ExpectedChanges,
  SCRIPTED,
} from "../../plan/agents-config.ts";
import { changesPolicyOf, policyOf } from "../adapters/policy.ts";
import type { AgentLimits, PermissionPolicy } from "../adapters/port.ts";
import type { AgentConfig } from "../adapters/registry.ts";

/** Of the whole run. */
export interface RunSettings {
  readonly configs: Readonly<Record<string, AgentConfig>>;
  /** Run in every new worktree, and where candidates are verified. */
  readonly setup: readonly string[];
  /** Run on every candidate, before the step's own. */
  readonly verify: readonly string[];
  readonly merge: MergeMode;
  /** As in `MergeQueueOptions`. */
  readonly mergeQueue: { readonly ahead: number; readonly batch: number };
  readonly land: Land;
  readonly allowNewSteps: boolean;
  readonly keepWorktrees: boolean;
  /** Accept work although some files are not captured: too large, or unreadable. */
  readonly allowOmitted: boolean;
  readonly worktrees: { readonly maxTrees: number; readonly maxBytes: number };
}

export type Land = { readonly kind: "none" | "ff" | "merge" } | { readonly kind: "branch"; readonly name?: string };

/** Of one step. */
export interface StepSettings {
  readonly agent: string;
  /** Absent: the agent's own choice. */
  readonly model?: string;
  readonly expect: ExpectedChanges;
  readonly policy: PermissionPolicy;
  /** What changed files are held against. */
  readonly changesPolicy: PermissionPolicy;
  readonly sandbox: "auto" | "off" | "require";
  readonly limits: Pick<AgentLimits, "startMs" | "idleMs" | "toolIdleMs" | "askMs">;
  /** How long one turn waits in total for a provider that refuses requests. */
  readonly waitMs: number;
  /** One verification, setup included. */
  readonly verifyMs: number;
  readonly passEnv: readonly string[];
  readonly onConflict: readonly ("agent" | "human")[];
  /** How often the agent may try to fix work that was not merged. */
  readonly tries: number;
  /** A private HOME, absolute; absent: the caller's. */
  readonly home?: string;
  /** Beside its worktree, in a sandbox; absolute. */
  readonly writable: readonly string[];
}

/** `folder`: what files are relative to; absolute. */
export function runSettings(config: AgentsConfig, folder: string): RunSettings {
  const entries = Object.entries(config.use ?? {});
  const worktrees = { ...AGENT_DEFAULTS.worktrees, ...config.worktrees };
  return {
    configs: Object.fromEntries(entries.map(([name, entry]) => [name, programOf(entry, folder)])),
    setup: list(config.setup ?? AGENT_DEFAULTS.setup),
    verify: list(config.verify ?? AGENT_DEFAULTS.verify),
    merge: config.merge ?? AGENT_DEFAULTS.merge,
    mergeQueue: { ...AGENT_DEFAULTS.mergeQueue, ...config.mergeQueue },
    land: landOf(config.land ?? AGENT_DEFAULTS.land),
    allowNewSteps: config.allowNewSteps ?? AGENT_DEFAULTS.allowNewSteps,
    keepWorktrees: worktrees.keep,
    allowOmitted: worktrees.allowOmitted,
    worktrees: { maxTrees: worktrees.max, maxBytes: worktrees.maxMb * 2 ** 20 },
  };
}

/** The step's setting wins, then that of its agent's entry, then the plan's. */
export function stepSettings(config: AgentsConfig, own: AgentStepConfig, folder: string): StepSettings {
  const agent = own.use ?? config.default ?? AGENT_DEFAULTS.default;
  const entry = entryOf(config, agent);
  const model = own.model ?? entry.model ?? config.model;
  const home = own.home ?? entry.home ?? config.home;
  const permissions = own.permissions ?? entry.permissions ?? config.permissions ?? AGENT_DEFAULTS.permissions;
  const limits: Required<AgentLimitsConfig> = {
    ...AGENT_DEFAULTS.limits,
    ...config.limits,
    ...entry.limits,
    ...own.limits,
  };
  // Its files are its own, and what it does is in the plan: no box by default.
  const sandbox = (entry.preset ?? agent) === SCRIPTED ? "off" : AGENT_DEFAULTS.sandbox;
  return defined({
    agent,
    // `auto` leaves the choice to the agent's own default until there are records to choose by.
    model: model === "auto" ? undefined : model,
    expect: own.expect ?? AGENT_DEFAULTS.expect,
    policy: policyOf(permissions),
    changesPolicy: changesPolicyOf(permissions),
    sandbox: own.sandbox ?? entry.sandbox ?? config.sandbox ?? sandbox,
    limits: {
      startMs: msOf(limits.start),
      idleMs: msOf(limits.idle),
      toolIdleMs: msOf(limits.toolIdle),
      askMs: msOf(limits.ask),
    },
    waitMs: msOf(limits.wait),
    verifyMs: msOf(limits.verify),
    passEnv: [...(config.passEnv ?? []), ...(entry.passEnv ?? [])],
    onConflict: own.onConflict ?? config.onConflict ?? AGENT_DEFAULTS.onConflict,
    tries: own.tries ?? config.tries ?? AGENT_DEFAULTS.tries,
    writable: (own.writable ?? entry.writable ?? config.writable ?? AGENT_DEFAULTS.writable).map((one) =>
      resolve(folder, one),
    ),
    home: home === undefined ? undefined : resolve(folder, home),
  });
}

const NOTHING: AgentEntry = {};

function entryOf({ use = {} }: AgentsConfig, agent: string): AgentEntry {
  return (Object.hasOwn(use, agent) ? use[agent] : undefined) ?? NOTHING;
}

/** An entry for the registry: a script becomes the argument of its agent. */
function programOf(entry: AgentEntry, folder: string): AgentConfig {
  const { preset, protocol, command, args, env, provider, model, script } = entry;
  const words = script === undefined ? args : [isAbsolute(script) ? script : join(folder, script), ...(args ?? [])];
  return defined({
    preset,
    protocol,
    command: command === undefined ? undefined : wordsOf(command),
    args: words,
    env,
    provider,
    model,
  });
}

function wordsOf(command: string | readonly string[]): readonly [string, ...string[]] {
  const [first = "", ...rest] = typeof command === "string" ? command.trim().split(/\s+/) : command;
  return [first, ...rest];
}

function landOf(land: NonNullable<AgentsConfig["land"]>): Land {
  return typeof land === "string" ? { kind: land } : { kind: "branch", name: land.branch };
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}

/** Only for what was checked. */
function msOf(duration: WrittenDuration): number {
  return parseDuration(duration) ?? 0;
}
