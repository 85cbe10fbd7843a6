/**
 * What a plan says that an agent may do (`permissions:`), read into rules. Pure. Knows the text form, not who asks.
 *
 * Invariant: what is not known, or of the wrong kind, is an error that names the place; nothing is guessed.
 */
import { defined } from "../../base/defined.ts";
import { isJsonObject } from "../../base/json.ts";
import { PERMISSION_PRESETS, type PermissionPreset } from "./permissions.ts";
import type { Decision, PermissionPolicy, PermissionRule, ToolKind } from "./port.ts";

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

/** A preset's name, or `{rules, preset}`: rules come before those of the preset (absent: `worktree`). A text: what is wrong. */
export function readPolicy(raw: unknown): PermissionPolicy | string {
  if (typeof raw === "string") return presetOf(raw);
  const given = isJsonObject(raw) ? (raw["rules"] ?? []) : undefined;
  if (!isJsonObject(raw) || !Array.isArray(given)) return "is neither a preset nor {rules: [...], preset: name}";
  for (const key of Object.keys(raw))
    if (key !== "rules" && key !== "preset") return `has the unknown key ${key}; known are rules and preset`;
  const preset = raw["preset"] ?? "worktree";
  const base = typeof preset === "string" ? presetOf(preset) : "has a preset that is not a name";
  if (typeof base === "string") return base;
  const rules: PermissionRule[] = [];
  for (const [index, one] of given.entries()) {
    const rule = readRule(one);
    if (typeof rule === "string") return `has rules[${index}], which ${rule}`;
    rules.push(rule);
  }
  return { rules: [...rules, ...base.rules], otherwise: base.otherwise };
}

function presetOf(name: string): PermissionPolicy | string {
  if (Object.hasOwn(PERMISSION_PRESETS, name)) return PERMISSION_PRESETS[name as PermissionPreset];
  return `is not a known preset; known are ${Object.keys(PERMISSION_PRESETS).join(", ")}`;
}

function readRule(raw: unknown): PermissionRule | string {
  if (!isJsonObject(raw)) return "is not a mapping such as {allow: edit, path: src/**}";
  const decisions = DECISIONS.filter((one) => one in raw);
  const [decision] = decisions;
  if (decision === undefined || decisions.length > 1) return "needs one of allow, deny, ask";
  for (const key of Object.keys(raw)) {
    if (key === decision) continue;
    if (key !== "path" && key !== "command" && key !== "tool")
      return `has the unknown key ${key}; known are path, command and tool`;
    if (typeof raw[key] !== "string" || raw[key] === "") return `has a ${key} that is not a pattern`;
  }
  const { [decision]: kinds, path, command, tool } = raw;
  const kind = (typeof kinds === "string" ? [kinds] : kinds) as unknown;
  if (!isTexts(kind) || !kind.every((one) => one === "all" || (KINDS as readonly string[]).includes(one)))
    return `has an unknown kind; known are all, ${KINDS.join(", ")}`;
  return defined({
    decision,
    kind: kind.includes("all") ? undefined : (kind as readonly ToolKind[]),
    path: typeof path === "string" ? path : undefined,
    command: typeof command === "string" ? command : undefined,
    tool: typeof tool === "string" ? tool : undefined,
  });
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
