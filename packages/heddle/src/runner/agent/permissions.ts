/**
 * Decides what an agent may do when it asks. Pure: paths come resolved. Rules are advice to agents that ask; only a sandbox
 * holds one that does not.
 *
 * Invariants:
 *  1. The first rule that matches decides; a rule that allows never matches what it sees only in part (a path outside its
 *     glob, a second command behind a `;`).
 *  2. A request without paths is not inside any folder.
 */
import path from "node:path";
import type { Decision, PermissionPolicy, PermissionRequest, PermissionRule, ToolKind } from "./port.ts";

const READING: readonly ToolKind[] = ["read", "search", "think"];
const WRITING: readonly ToolKind[] = ["edit", "delete", "move"];

/** Servers of tools that are heddle's own: always allowed. */
export const OWN_TOOLS = "heddle";

const ownTools: PermissionRule = { tool: `mcp*${OWN_TOOLS}*`, decision: "allow" };

export type PermissionPreset = "read-only" | "worktree" | "full" | "ask";

export const PERMISSION_PRESETS: Readonly<Record<PermissionPreset, PermissionPolicy>> = {
  /** Looks, and changes nothing. */
  "read-only": {
    rules: [ownTools, { kind: READING, decision: "allow" }],
    otherwise: "deny",
  },
  /** Works in its own folder as it likes; writes nowhere else. */
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
  /** Reads by itself, and asks for all else. */
  ask: {
    rules: [ownTools, { kind: READING, decision: "allow" }],
    otherwise: "ask",
  },
};

/** `cwd` is absolute, links followed. */
export function decide(policy: PermissionPolicy, request: PermissionRequest, cwd: string): Decision {
  for (const rule of policy.rules) if (matches(rule, request, cwd)) return rule.decision;
  return policy.otherwise;
}

export type Reach = "read-only" | "worktree" | "full";

/** What a policy amounts to, for agents that know no rules: how far it lets writing go without asking. */
export function reachOf(policy: PermissionPolicy, cwd: string): Reach {
  const write = (file: string): Decision => decide(policy, { kind: "edit", title: "", paths: [file] }, cwd);
  if (write(path.resolve(cwd, "..", "outside")) === "allow") return "full";
  return write(path.join(cwd, "inside")) === "allow" ? "worktree" : "read-only";
}

function matches(rule: PermissionRule, request: PermissionRequest, cwd: string): boolean {
  const allows = rule.decision === "allow";
  if (rule.kind !== undefined && !rule.kind.includes(request.kind)) return false;
  if (rule.tool !== undefined && (request.tool === undefined || !wild(rule.tool, "[^]*").test(request.tool)))
    return false;
  if (rule.path !== undefined) {
    const glob = globOf(path.resolve(cwd, rule.path));
    const inside = (file: string): boolean => glob.test(path.resolve(cwd, file));
    if (request.paths.length === 0) return false;
    if (!(allows ? request.paths.every(inside) : request.paths.some(inside))) return false;
  }
  if (rule.command !== undefined) {
    if (request.command === undefined) return false;
    const found = allows
      ? wild(rule.command, "[^;&|<>`$()\\n\\r\\\\]*").test(request.command.trim())
      : [request.command, ...request.command.split(/[;&|\n()`]+/)].some((part) =>
          wild(rule.command ?? "", "[^]*").test(part.trim()),
        );
    if (!found) return false;
  }
  return true;
}

function quote(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** A pattern whose only sign is `*`. Runs of it count once, so that no pattern takes long. */
function wild(pattern: string, star: string): RegExp {
  return new RegExp(`^${pattern.split(/\*+/).map(quote).join(star)}$`);
}

/** `**` crosses folders (`a/**` is everything in `a`), `*` and `?` do not. */
function globOf(pattern: string): RegExp {
  const text = pattern
    .split("/")
    .map((part, at, all) => {
      if (part === "**") return at === all.length - 1 ? "[^]+" : "(?:[^/]+/)*";
      const plain = part
        .split(/(\*+|\?)/)
        .map((piece) => (piece.startsWith("*") ? "[^/]*" : piece === "?" ? "[^/]" : quote(piece)))
        .join("");
      return at === all.length - 1 ? plain : `${plain}/`;
    })
    .join("");
  return new RegExp(`^${text}$`);
}
