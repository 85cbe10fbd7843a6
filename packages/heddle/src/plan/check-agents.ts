/**
 * Agent checks: problems of agent settings that need more than one key: unknown names, entries without a program,
 * protocols that an agent does not speak. Pure. Whether a program exists is found out when it starts.
 */
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { suggest } from "../base/suggest.ts";
import {
  type AgentEntry,
  agentNames,
  type AgentsConfig,
  isKnownAgent,
  KNOWN_AGENTS,
  SCRIPTED,
} from "./agents-config.ts";
import type { DocumentPath } from "./diagnostic.ts";
import { checkValue, type PlanIssues, shorten, unknownKey } from "./issues.ts";
import { AGENT_SHAPES } from "./schema/agents.ts";
import type { Lazy } from "./schema/parts.ts";

/** Allowed names of an agent: they are used in messages and refs, and typed by people. */
const AGENT_NAME = /^[a-z][\w-]*$/i;
/** A variable in which the scripted agent finds its script's name as well. */
const SCRIPT_VARIABLE = "HEDDLE_SCRIPT";

/**
 * The plan's `agents:`, which is at `path`, with everything that is wrong with it. An error in one key does not keep
 * the others from being checked; an entry of `use` that has one is known by its name.
 */
export function readAgents(raw: Json, path: DocumentPath, issues: PlanIssues): AgentsConfig {
  if (!isJsonObject(raw)) {
    const message = '"agents": expected a mapping such as {default: claude, verify: npm test}';
    issues.add({ code: "InvalidValue", message, path });
    return {};
  }
  const shape: Readonly<Record<string, Lazy>> = AGENT_SHAPES.plan;
  const checked: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(raw)) {
    const at = [...path, key];
    const schema = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (value === undefined) continue;
    if (schema === undefined) issues.add(unknownKey(at, Object.keys(shape), '"agents"'));
    else if (key === "use" && isJsonObject(value)) checked[key] = readEntries(value, at, issues);
    else if (checkValue(schema(), value, at, issues)) checked[key] = value;
  }
  const config = checked as AgentsConfig;
  if (config.default !== undefined) checkAgentName(config.default, config, [...path, "default"], issues);
  if (typeof config.land === "object") checkBranch(config.land.branch, [...path, "land", "branch"], issues);
  return config;
}

function readEntries(raw: JsonObject, path: DocumentPath, issues: PlanIssues): Readonly<Record<string, AgentEntry>> {
  const entries: [string, AgentEntry][] = [];
  for (const [name, written] of Object.entries(raw)) {
    if (written === undefined) continue;
    const at = [...path, name];
    if (!AGENT_NAME.test(name)) {
      const message = `"${shorten(name)}" is not a valid name for an agent`;
      const hint = "begin with a letter, then use letters, digits, _ and -";
      issues.add({ code: "InvalidName", message, hint, path: at, isKey: true });
    }
    const isSound = checkValue(AGENT_SHAPES.entry(), written, at, issues);
    const entry = isSound ? (written as AgentEntry) : {};
    if (isSound) checkEntry(name, entry, at, issues);
    entries.push([name, entry]);
  }
  return Object.fromEntries(entries);
}

/** Checks the name of an agent at `path`: the plan's default, or a step's `use`. */
export function checkAgentName(name: string, config: AgentsConfig, path: DocumentPath, issues: PlanIssues): void {
  const names = agentNames(config);
  if (!names.includes(name)) {
    const meant = suggest(name, names);
    const hint =
      meant === undefined
        ? `known are ${names.join(", ")}; declare another: agents: {use: {${shorten(name)}: {command: ...}}}`
        : `did you mean "${meant}"?`;
    issues.add({ code: "UnknownAgent", message: `there is no agent "${shorten(name)}"`, hint, path });
  } else if (name === SCRIPTED && config.use?.[SCRIPTED] === undefined && !isPassed(config)) {
    issues.add({ ...WITHOUT_SCRIPT, path });
  }
}

const WITHOUT_SCRIPT = {
  code: "MissingScript",
  message: "the scripted agent has no script",
  hint: "name one: agents: {use: {scripted: {script: script.yaml}}}",
} as const;

function checkEntry(name: string, entry: AgentEntry, path: DocumentPath, issues: PlanIssues): void {
  const { preset, command, protocol } = entry;
  if (preset !== undefined && !isKnownAgent(preset)) {
    const known = Object.keys(KNOWN_AGENTS);
    const meant = suggest(preset, known);
    const hint = meant === undefined ? `known are ${known.join(", ")}` : `did you mean "${meant}"?`;
    issues.add({
      code: "UnknownPreset",
      message: `there is no preset "${shorten(preset)}"`,
      hint,
      path: [...path, "preset"],
    });
    return;
  }
  const base = preset ?? name;
  // A command of its own takes the place of heddle's program for the preset; under the mere name it is another agent.
  if (base === SCRIPTED && (preset !== undefined || command === undefined)) return checkScripted(entry, path, issues);
  const known = base !== SCRIPTED && isKnownAgent(base) ? KNOWN_AGENTS[base] : undefined;
  if (command === undefined && (known === undefined || protocol === "exec")) {
    const what =
      known === undefined ? `the agent "${shorten(name)}" has no command` : "a plain command has to be named";
    const hint =
      known === undefined
        ? `add one: command: [my-agent, --flag], or say which known agent it is: preset: ${Object.keys(KNOWN_AGENTS).join(" | ")}`
        : "add one: command: [my-agent, --flag], or remove `protocol: exec`";
    issues.add({ code: "MissingCommand", message: what, hint, path, isKey: true });
  } else if (protocol === "native" && known?.includes("native") !== true) {
    const natives = Object.entries(KNOWN_AGENTS).flatMap(([id, speaks]) => (speaks.includes("native") ? [id] : []));
    const message = `"${shorten(name)}" has no native form`;
    const hint = `there is one for ${natives.join(" and ")}: say \`protocol: acp\`, or \`exec\` for a plain command`;
    issues.add({ code: "UnknownProtocol", message, hint, path: [...path, "protocol"] });
  }
}

/** Whether a variable of the user's may name the script. */
function isPassed({ passEnv = [] }: Pick<AgentsConfig, "passEnv">): boolean {
  return passEnv.includes(SCRIPT_VARIABLE);
}

function checkScripted(entry: AgentEntry, path: DocumentPath, issues: PlanIssues): void {
  const { script, command, args, env, protocol } = entry;
  if (protocol !== undefined && protocol !== "acp") {
    const message = `the scripted agent does not speak "${protocol}"`;
    issues.add({ code: "UnknownProtocol", message, hint: "remove `protocol`", path: [...path, "protocol"] });
  }
  if (
    script === undefined &&
    command === undefined &&
    args === undefined &&
    env?.[SCRIPT_VARIABLE] === undefined &&
    !isPassed(entry)
  )
    issues.add({ ...WITHOUT_SCRIPT, path, isKey: true });
}

/** By git's rules for the name of a branch. */
function checkBranch(name: string, path: DocumentPath, issues: PlanIssues): void {
  const isName =
    !/^[-/]|^HEAD$|[/.]$|\.\.|\/\/|@\{|^@$|[\u0000-\u0020\u007f~^:?*[\\]/.test(name) &&
    name.split("/").every((part) => !part.startsWith(".") && !part.endsWith(".lock"));
  if (isName && !name.startsWith("heddle/")) return;
  const message = isName
    ? "branches in heddle/ are reserved for heddle"
    : `"${shorten(name)}" is not a valid name for a branch`;
  issues.add({ code: "InvalidName", message, hint: "give it another name, such as feature/checkout", path });
}
