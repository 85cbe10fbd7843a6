/**
 * What a plan says of agents (`agents:` of the plan, `agent:` of a step), read and merged: the step's word before the plan's.
 * Pure. Knows the options' text form, not what carries them out.
 *
 * Invariant: a key that is not known, or a value of the wrong kind, is an error that names the place; nothing is guessed.
 */
import { parseDuration } from "../../base/duration.ts";
import { type JsonObject, isJsonObject } from "../../base/json.ts";
import { type Result, err, ok } from "../../base/result.ts";
import { PERMISSION_PRESETS, type PermissionPreset } from "./permissions.ts";
import type { AgentLimits, AgentWork, Decision, PermissionPolicy, PermissionRule, ToolKind } from "./port.ts";

/** Options of an agent step, as far as they are this room's; the rest (`fallback`, budgets) is its caller's. */
export type AgentOptions = Pick<
  AgentWork,
  "agent" | "model" | "policy" | "limits" | "sandbox" | "writable" | "home" | "expect"
>;

/** Read by others: of the plan, and of a step. */
const OTHERS = {
  plan: ["use", "budget", "fallback", "learning", "prices", "weights", "domains"],
  step: ["prompt", "fallback"],
};

/** `model: auto` is left as it is: choosing is its caller's. `fallback`: the agent where nobody names one. */
export function readAgentOptions(
  plan: JsonObject | undefined,
  step: JsonObject | undefined,
  fallback: string = "claude",
): Result<AgentOptions, string> {
  const of = readPart(plan ?? {}, "agents", "default", OTHERS.plan);
  if (!of.ok) return of;
  const own = readPart(step ?? {}, "agent", "use", OTHERS.step);
  if (!own.ok) return own;
  const limits = { ...of.value.limits, ...own.value.limits };
  return ok({
    ...of.value,
    ...own.value,
    agent: own.value.agent ?? of.value.agent ?? fallback,
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  });
}

type Part = { -readonly [K in keyof AgentOptions]?: AgentOptions[K] };

function readPart(raw: JsonObject, at: string, name: string, others: readonly string[]): Result<Part, string> {
  const part: Part = {};
  for (const [key, value] of Object.entries(raw)) {
    if (key === "agent") return err(`${at}.agent is not known; say ${name}`);
    const problem = readOption(part, key === name ? "agent" : key, value);
    if (problem === undefined) continue;
    if (problem !== UNKNOWN) return err(`${at}.${key} ${problem}`);
    if (!others.includes(key)) {
      const known = [name, "model", "permissions", "sandbox", "limits", "writable", "home", "expect", ...others];
      return err(`${at}.${key} is not known; known are ${known.join(", ")}`);
    }
  }
  return ok(part);
}

const UNKNOWN = "unknown";
const SANDBOXES = ["auto", "off", "require"] as const;

function readOption(part: Part, key: string, value: unknown): string | undefined {
  switch (key) {
    case "agent":
    case "model":
      if (typeof value !== "string" || value === "") return "is no name";
      part[key] = value;
      return undefined;
    case "home":
      if (typeof value !== "string" || !value.startsWith("/")) return "is no absolute path";
      part.home = value;
      return undefined;
    case "sandbox": {
      // In YAML 1.1 `off` is false.
      const mode = value === false ? "off" : SANDBOXES.find((one) => one === value);
      if (mode === undefined) return `is none of ${SANDBOXES.join(", ")}`;
      part.sandbox = mode;
      return undefined;
    }
    case "writable":
      if (!isTexts(value) || !value.every((folder) => folder.startsWith("/"))) return "is no list of absolute paths";
      part.writable = value;
      return undefined;
    case "expect":
      if (value === "changes" || value === "none") part.expect = value;
      else if (isJsonObject(value) && isTexts(value["files"])) part.expect = { files: value["files"] };
      else return "is neither changes, none nor {files: [...]}";
      return undefined;
    case "limits": {
      const limits = readLimits(value);
      if (typeof limits === "string") return limits;
      part.limits = limits;
      return undefined;
    }
    case "permissions": {
      const policy = readPolicy(value);
      if (typeof policy === "string") return policy;
      part.policy = policy;
      return undefined;
    }
    default:
      return UNKNOWN;
  }
}

const LIMITS: Readonly<Record<string, keyof AgentLimits>> = {
  start: "startMs",
  idle: "idleMs",
  toolIdle: "toolIdleMs",
  attempt: "attemptMs",
  cancel: "cancelMs",
  exit: "exitMs",
  ask: "askMs",
};

function readLimits(raw: unknown): Partial<AgentLimits> | string {
  if (!isJsonObject(raw)) return "is no mapping such as {idle: 10m}";
  const limits: { -readonly [K in keyof AgentLimits]?: number } = {};
  for (const [key, value] of Object.entries(raw)) {
    const name = Object.hasOwn(LIMITS, key) ? LIMITS[key] : undefined;
    if (name === undefined) return `has ${key}, which is not known; known are ${Object.keys(LIMITS).join(", ")}`;
    const ms = typeof value === "string" || typeof value === "number" ? parseDuration(value) : undefined;
    if (ms === undefined || ms === 0) return `has ${key}, which is no duration such as 90s`;
    limits[name] = ms;
  }
  return limits;
}

const DECISIONS: readonly Decision[] = ["allow", "deny", "ask"];
const KINDS: readonly ToolKind[] = [
  "read",
  "edit",
  "delete",
  "move",
  "search",
  "execute",
  "think",
  "fetch",
  "switch_mode",
  "other",
];

/** The name of a preset, or rules: `[{allow: edit, path: src/**}, ...]` before those of a `preset` (else `worktree`). */
export function readPolicy(raw: unknown): PermissionPolicy | string {
  if (typeof raw === "string") return presetOf(raw);
  if (!isJsonObject(raw) || !Array.isArray(raw["rules"])) return "is neither a preset nor {rules: [...], preset: name}";
  for (const key of Object.keys(raw))
    if (key !== "rules" && key !== "preset") return `has ${key}, which is not known; known are rules, preset`;
  const preset = raw["preset"] ?? "worktree";
  const base = typeof preset === "string" ? presetOf(preset) : "has a preset that is no name";
  if (typeof base === "string") return base;
  const rules: PermissionRule[] = [];
  for (const [index, one] of raw["rules"].entries()) {
    const rule = readRule(one);
    if (typeof rule === "string") return `has rules[${index}], which ${rule}`;
    rules.push(rule);
  }
  return { rules: [...rules, ...base.rules], otherwise: base.otherwise };
}

function presetOf(name: string): PermissionPolicy | string {
  if (Object.hasOwn(PERMISSION_PRESETS, name)) return PERMISSION_PRESETS[name as PermissionPreset];
  return `names no preset; there are ${Object.keys(PERMISSION_PRESETS).join(", ")}`;
}

function readRule(raw: unknown): PermissionRule | string {
  if (!isJsonObject(raw)) return "is no mapping such as {allow: edit, path: src/**}";
  const decisions = DECISIONS.filter((one) => one in raw);
  const [decision] = decisions;
  if (decision === undefined || decisions.length > 1) return "needs one of allow, deny, ask";
  for (const key of Object.keys(raw)) {
    if (key === decision) continue;
    if (key !== "path" && key !== "command" && key !== "tool")
      return `has ${key}, which is not known; known are path, command, tool`;
    if (typeof raw[key] !== "string" || raw[key] === "") return `has a ${key} that is no pattern`;
  }
  const { [decision]: kinds, path, command, tool } = raw;
  const kind = (typeof kinds === "string" ? [kinds] : kinds) as unknown;
  if (!isTexts(kind) || !kind.every((one) => one === "all" || (KINDS as readonly string[]).includes(one)))
    return `has a kind that is none of all, ${KINDS.join(", ")}`;
  return {
    decision,
    ...(kind.includes("all") ? {} : { kind: kind as readonly ToolKind[] }),
    ...(typeof path === "string" ? { path } : {}),
    ...(typeof command === "string" ? { command } : {}),
    ...(typeof tool === "string" ? { tool } : {}),
  };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
