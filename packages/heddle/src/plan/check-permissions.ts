/**
 * Permission checks: refuses rules that an agent cannot be held to in the way in which it is spoken to. Pure. Knows which agents
 * ask before they act, which take rules in their own words, and that changed files are compared with the rules afterwards,
 * whatever the agent; no rule is decided here.
 */
import {
  type AgentEntry,
  type AgentProtocol,
  type AgentsConfig,
  type AgentStepConfig,
  AGENT_DEFAULTS,
  isKnownAgent,
  KNOWN_AGENTS,
  type PermissionRuleConfig,
  type PermissionsConfig,
  type RuleBinding,
  ruleBinding,
  TOOL_KINDS,
  type ToolKind,
} from "./agents-config.ts";
import type { DocumentPath } from "./diagnostic.ts";
import { type PlanIssues, shorten } from "./issues.ts";

/** The protocol of an entry, as the registry chooses it. */
export function protocolOf(name: string, { preset = name, protocol, command }: AgentEntry): AgentProtocol {
  if (protocol !== undefined) return protocol;
  if (isKnownAgent(preset)) return KNOWN_AGENTS[preset][0] ?? "acp";
  return command === undefined ? "acp" : "exec";
}

export interface PermissionPlaces {
  readonly step: DocumentPath;
  /** The `agents:` of this document; absent: they are those of another one. */
  readonly agents?: DocumentPath;
}

/** Checks the permissions that a step's agent works with, where they are written. */
export function checkPermissions(
  config: AgentsConfig,
  own: AgentStepConfig,
  { step, agents }: PermissionPlaces,
  issues: PlanIssues,
): void {
  const stepPlace = [...step, "agent"];
  for (const { message, hint, of, inside } of unenforceable(config, own)) {
    const at = of === "step" ? [...stepPlace, "permissions"] : agents && [...agents, ...entryOf(of), "permissions"];
    const path = at === undefined ? stepPlace : [...at, ...inside];
    issues.addOnce({ code: "RuleNotEnforceable", message, hint, path });
  }
}

function entryOf(of: "plan" | { readonly entry: string }): DocumentPath {
  return of === "plan" ? [] : ["use", of.entry];
}

/** Why the agent of a step that joins a run cannot be held to its permissions; `undefined`: it can. */
export function permissionProblem(config: AgentsConfig, own: AgentStepConfig): string | undefined {
  const [first] = unenforceable(config, own);
  return first === undefined ? undefined : `${first.message}: ${first.hint}`;
}

interface Unenforceable extends Pick<Problem, "inside"> {
  readonly message: string;
  readonly hint: string;
  /** Whose permissions they are. */
  readonly of: "step" | "plan" | { readonly entry: string };
}

function unenforceable(config: AgentsConfig, own: AgentStepConfig): readonly Unenforceable[] {
  const name = own.use ?? config.default ?? AGENT_DEFAULTS.default;
  const { use = {} } = config;
  const entry: AgentEntry = (Object.hasOwn(use, name) ? use[name] : undefined) ?? {};
  const preset = entry.preset ?? name;
  const protocol = protocolOf(name, entry);
  const binding = ruleBinding(isKnownAgent(preset) ? preset : undefined, protocol);
  const permissions = own.permissions ?? entry.permissions ?? config.permissions;
  if (binding === "asks" || permissions === undefined) return [];
  const isBoxed = (own.sandbox ?? entry.sandbox ?? config.sandbox) === "require";
  const of = own.permissions !== undefined ? "step" : entry.permissions !== undefined ? { entry: name } : "plan";
  return problemsOf(permissions, { binding, isBoxed, protocol }).map(({ problem, inside }) => ({
    message: `the agent "${shorten(name)}" (${protocol}) cannot be held to this: ${problem}`,
    hint: HINTS[binding],
    of,
    inside,
  }));
}

const HINTS: Readonly<Record<Exclude<RuleBinding, "asks">, string>> = {
  told: "say `protocol: acp`, over which it asks",
  confined:
    "name an agent that asks, such as claude, gemini or opencode over ACP; or use a preset alone, with `sandbox: require`",
  none: "name an agent that asks: one that speaks ACP (`protocol: acp`); or use a preset alone, with `sandbox: require`",
};

interface Held {
  readonly binding: Exclude<RuleBinding, "asks">;
  readonly protocol: AgentProtocol;
  /** There is always heddle's sandbox around it. */
  readonly isBoxed: boolean;
}

interface Problem {
  readonly problem: string;
  /** Where in the permissions. */
  readonly inside: DocumentPath;
}

function problemsOf(permissions: PermissionsConfig, held: Held): readonly Problem[] {
  const { rules = [], preset } =
    typeof permissions === "string"
      ? { preset: permissions }
      : { rules: permissions.rules, preset: permissions.preset };
  const problems: Problem[] = [];
  // Over ACP codex works read-only then, and asks for what goes beyond that.
  const canAsk = held.binding === "confined" && held.protocol === "acp";
  if (preset === "ask" && !canAsk)
    problems.push({ problem: "it asks nobody", inside: typeof permissions === "string" ? [] : ["preset"] });
  let isFirst = true;
  for (const [at, rule] of rules.entries()) {
    const problem = problemOf(rule, { ...held, isFirst, isNarrow: preset === "read-only" || preset === "ask" });
    if (rule.deny === undefined) isFirst = false;
    if (problem !== undefined) problems.push({ problem, inside: ["rules", at] });
  }
  return problems;
}

interface RuleHeld extends Held {
  /** Only rules that refuse came before it. */
  readonly isFirst: boolean;
  /** What no rule matches is not allowed. */
  readonly isNarrow: boolean;
}

function problemOf(rule: PermissionRuleConfig, held: RuleHeld): string | undefined {
  if (rule.ask !== undefined) return "it asks nobody before it acts";
  if (rule.deny === undefined) return allowProblem(rule, held);
  const kinds = kindsOf(rule.deny);
  const isConditional = rule.command !== undefined || rule.tool !== undefined;
  if (!isConditional && kinds.every((kind) => WRITING.includes(kind))) {
    // Files of its worktree are compared afterwards.
    const isOutside = rule.path !== undefined && /^(\/|~|\.\.(\/|$))/.test(rule.path);
    return isOutside && held.binding === "none" && !held.isBoxed
      ? "what it changes outside its worktree is not seen"
      : undefined;
  }
  switch (held.binding) {
    case "told":
      return toldProblem(rule, kinds, held);
    case "confined": {
      const isFetch = kinds.every((kind) => kind === "fetch") && !isConditional && rule.path === undefined;
      return isFetch && held.protocol === "native" ? undefined : "it only keeps to where it may write";
    }
    case "none":
      return "a plain command knows no rules";
  }
}

const WRITING: readonly ToolKind[] = ["edit", "delete", "move"];
/** Kinds that native claude has tools for. */
const TOLD: readonly ToolKind[] = [...WRITING, "read", "search", "execute", "fetch"];
const TOLD_BY_PATH: readonly ToolKind[] = [...WRITING, "read"];

function kindsOf(named: ToolKind | "all" | readonly (ToolKind | "all")[]): readonly ToolKind[] {
  const list = typeof named === "string" ? [named] : named;
  return list.includes("all") ? TOOL_KINDS : list.filter((kind): kind is ToolKind => kind !== "all");
}

function toldProblem(
  { deny, path, command, tool }: PermissionRuleConfig,
  kinds: readonly ToolKind[],
  { isFirst }: RuleHeld,
): string | undefined {
  if (!isFirst) return "what it is told to refuse cannot have exceptions before it";
  const isAll = deny === "all" || (typeof deny === "object" && deny.includes("all"));
  if (tool !== undefined)
    return /^[\w-]+\/([\w-]+|\*)$/.test(tool) && command === undefined && path === undefined
      ? undefined
      : "it takes whole names of tools only, or all of a server";
  if (command !== undefined)
    return path === undefined && !/[()\n]/.test(command) && kinds.includes("execute")
      ? undefined
      : "it takes no such form of a command";
  if (isAll && path === undefined) return undefined;
  const able = path === undefined ? TOLD : TOLD_BY_PATH;
  const unable = kinds.filter((kind) => !able.includes(kind) && !isAll);
  if (isAll || unable.length === 0) return undefined;
  return path === undefined
    ? `it has no setting for ${unable.join(", ")}`
    : `its settings for ${unable.join(", ")} know no paths`;
}

/** An `allow` only widens: it is one with the preset, unless that allows less. */
function allowProblem(rule: PermissionRuleConfig, { isNarrow }: RuleHeld): string | undefined {
  if (!isNarrow) return undefined;
  const { path, command, tool, allow = [] } = rule;
  const isWhole = path === undefined && command === undefined && tool === undefined;
  return isWhole && kindsOf(allow).includes("edit")
    ? undefined
    : "it can be allowed everything, or what its preset allows";
}
