/** Permission policy parser: reads `permissions:` of a plan into rules. Pure. Does not know who asks. */
import { defined } from "../../base/defined.ts";
import { type PermissionRuleConfig, type PermissionsConfig, type ToolKind } from "../../plan/agents-config.ts";
import { PERMISSION_PRESETS } from "./permissions.ts";
import type { PermissionDecision, PermissionPolicy, PermissionRule } from "./port.ts";

/** The plan's rules come before those of its preset. */
export function policyOf(permissions: PermissionsConfig): PermissionPolicy {
  if (typeof permissions === "string") return PERMISSION_PRESETS[permissions];
  const { rules = [], preset = "worktree" } = permissions;
  const base = PERMISSION_PRESETS[preset];
  return { rules: [...rules.map(ruleOf), ...base.rules], otherwise: base.otherwise };
}

/**
 * What changed files are held against: the plan's own rules, and whether it may only read. What a preset says of folders is for
 * tools: a shell may write beside its folder in the worktree.
 */
export function changesPolicyOf(permissions: PermissionsConfig): PermissionPolicy {
  const { rules = [], preset } = typeof permissions === "string" ? { preset: permissions } : permissions;
  return { rules: rules.map(ruleOf), otherwise: preset === "read-only" ? "deny" : "allow" };
}

/** Of a turn that may only read, whatever is permitted otherwise. What is refused otherwise is refused here too. */
export function readOnlyPolicy({ rules }: PermissionPolicy): PermissionPolicy {
  const base = PERMISSION_PRESETS["read-only"];
  return { rules: [...rules.filter(({ decision }) => decision === "deny"), ...base.rules], otherwise: base.otherwise };
}

const DECISIONS: readonly PermissionDecision[] = ["allow", "deny", "ask"];

/** Of a rule that was checked: it decides once. */
function ruleOf(rule: PermissionRuleConfig): PermissionRule {
  const decision = DECISIONS.find((one) => rule[one] !== undefined) ?? "deny";
  const named = rule[decision] ?? [];
  const kinds = typeof named === "string" ? [named] : named;
  const { path, command, tool } = rule;
  return defined({
    decision,
    kind: kinds.includes("all") ? undefined : kinds.filter((kind): kind is ToolKind => kind !== "all"),
    path,
    command,
    tool,
  });
}
