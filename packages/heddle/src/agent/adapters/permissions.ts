/**
 * Permission rules: decide whether an agent may do what it asks for. Pure; paths come resolved. Rules bind agents that
 * ask; only a sandbox binds one that does not.
 *
 * Invariants:
 *  1. The first rule that matches decides. A rule that allows must match the whole request (not a path outside its glob,
 *     not a second command after a `;`).
 *  2. A request without paths is not inside any folder.
 */
import path from "node:path";
import type { PermissionPreset, ToolKind } from "../../plan/agents-config.ts";
import type { PermissionDecision, PermissionPolicy, PermissionRequest, PermissionRule } from "./port.ts";

const READING: readonly ToolKind[] = ["read", "search", "think"];
const WRITING: readonly ToolKind[] = ["edit", "delete", "move"];

/** Name of the server of heddle's own tools: always allowed. */
export const OWN_TOOLS = "heddle";

const ownTools: PermissionRule = { tool: `${OWN_TOOLS}/*`, decision: "allow" };

export const PERMISSION_PRESETS: Readonly<Record<PermissionPreset, PermissionPolicy>> = {
  /** Reads, and changes nothing. */
  "read-only": {
    rules: [ownTools, { kind: READING, decision: "allow" }],
    otherwise: "deny",
  },
  /** Does what it likes in its own folder; writes nowhere else. */
  worktree: {
    rules: [
      ownTools,
      { kind: READING, decision: "allow" },
      { kind: WRITING, path: ".git/**", decision: "deny" },
      { kind: WRITING, path: ".git", decision: "deny" },
      { kind: WRITING, path: "**", decision: "allow" },
      { kind: WRITING, decision: "deny" },
      { kind: ["execute", "other", "switch_mode"], decision: "allow" },
      { kind: ["fetch"], decision: "allow" },
    ],
    otherwise: "deny",
  },
  /** Everything. */
  full: { rules: [], otherwise: "allow" },
  /** Reads without asking, and asks for everything else. */
  ask: {
    rules: [ownTools, { kind: READING, decision: "allow" }],
    otherwise: "ask",
  },
};

/** `cwd` is absolute, links followed. */
export function decidePermission(
  policy: PermissionPolicy,
  request: PermissionRequest,
  cwd: string,
): PermissionDecision {
  for (const rule of policy.rules) if (matches(rule, request, cwd)) return rule.decision;
  return policy.otherwise;
}

export type Reach = "read-only" | "worktree" | "full";

/** The reach of a policy, for agents that know no rules: where it may write without asking. */
export function reachOf(policy: PermissionPolicy, cwd: string): Reach {
  const write = (file: string): PermissionDecision =>
    decidePermission(policy, { kind: "edit", title: "", paths: [file] }, cwd);
  if (write(path.resolve(cwd, "..", "outside")) === "allow") return "full";
  return write(path.join(cwd, "inside")) === "allow" ? "worktree" : "read-only";
}

function matches(rule: PermissionRule, request: PermissionRequest, cwd: string): boolean {
  const allows = rule.decision === "allow";
  if (rule.kind !== undefined && !rule.kind.includes(request.kind)) return false;
  if (rule.tool !== undefined && (request.tool === undefined || !wild(rule.tool, request.tool))) return false;
  if (rule.path !== undefined) {
    const glob = path.resolve(cwd, rule.path).split("/");
    const inside = (file: string): boolean => {
      const parts = path.resolve(cwd, file).split("/");
      if (request.isWhole !== true) return globbed(glob, parts);
      if (glob.join("/") === parts.join("/")) return true;
      if (!allows && globbed(glob, parts)) return true;
      // A rule that allows has to allow all that can be in it.
      return allows ? [[ANY], [ANY, ANY]].every((more) => globbed(glob, [...parts, ...more])) : reaches(glob, parts);
    };
    if (request.paths.length === 0) return false;
    if (!(allows ? request.paths.every(inside) : request.paths.some(inside))) return false;
  }
  if (rule.command !== undefined) {
    const { command } = request;
    if (command === undefined) return false;
    const pattern = rule.command;
    if (allows) return wild(pattern, command.trim(), isPlain);
    // Some agents add the folder and what it is for, in brackets.
    return [command, ...command.split(/[;&|\n()`[\]{}]+/)].some((part) => wild(pattern, part.trim()));
  }
  return true;
}

/** Whether a shell treats this character as plain text. */
function isPlain(character: string): boolean {
  return !";&|<>`$()\n\r\\".includes(character);
}

/**
 * Whether `text` is of the form of `pattern`, in which `*` stands for any characters of which each is `allowed`. Takes time in
 * proportion to both lengths multiplied, whatever an agent asks for: only the latest `*` is ever gone back to.
 */
function wild(pattern: string, text: string, allowed: (character: string) => boolean = () => true, one = ""): boolean {
  let at = 0;
  let star = -1;
  let taken = 0;
  let from = 0;
  while (from < text.length) {
    if (pattern[at] === "*") {
      star = at++;
      taken = from;
    } else if (at < pattern.length && (pattern[at] === text[from] || pattern[at] === one)) {
      at++;
      from++;
    } else if (star >= 0 && allowed(text[taken] ?? "")) {
      at = star + 1;
      from = ++taken;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

/** A name that no pattern has but by a wildcard. */
const ANY = "\0";

/** Whether the pattern may match something inside a folder. */
function reaches(pattern: readonly string[], folder: readonly string[]): boolean {
  return pattern.some((part, at) => {
    const before = pattern.slice(0, at);
    const starts = part === "**" ? folder.map((_, length) => folder.slice(0, length)) : [];
    return [folder, ...starts].some((some) => globbed(before, some));
  });
}

/** By parts of a path: `**` stands for any number of them (at the end for at least one), `*` and `?` for characters of one. */
function globbed(pattern: readonly string[], file: readonly string[]): boolean {
  // reached[j]: the pattern so far fits the first j parts.
  let reached: readonly boolean[] = [true, ...file.map(() => false)];
  for (const [at, part] of pattern.entries()) {
    const next = reached.map(() => false);
    if (part === "**") {
      let seen = false;
      for (let j = 0; j < reached.length; j++) {
        if (seen || (reached[j] === true && at < pattern.length - 1)) next[j] = true;
        if (reached[j] === true) seen = true;
      }
    } else {
      for (let j = 1; j < reached.length; j++)
        next[j] = reached[j - 1] === true && wild(part, file[j - 1] ?? "", undefined, "?");
    }
    reached = next;
  }
  return reached.at(-1) === true;
}
