/**
 * Changed paths check: holds what an attempt changed against the rules of its plan, whatever its agent was asked or told. Knows
 * changes and rules; not who made a change, and no disk.
 *
 * Invariants:
 *  1. Rules are held against what a file is called, never against how its name is shown.
 *  2. A pointer to a commit of a submodule stands for all that is in its folder.
 */
import { join } from "node:path";
import type { PathChange, PathMove } from "../../git/types.ts";
import { decidePermission } from "../adapters/permissions.ts";
import type { PermissionPolicy } from "../adapters/port.ts";
import type { ToolKind } from "../../plan/agents-config.ts";

const MOST_NAMED = 5;

export interface ChangedPaths {
  /** Their paths are relative to {@link tree}. */
  readonly changes: readonly PathChange[];
  /** The same of what moved. */
  readonly moves?: readonly PathMove[];
  /** The worktree; absolute, links followed. */
  readonly tree: string;
  /** What the rules' paths are relative to; absolute. */
  readonly cwd: string;
}

/** Names of what the rules forbid; empty: nothing. That a file is gone is a change of it, and a deletion. */
export function forbiddenPaths(
  policy: PermissionPolicy,
  { changes, moves = [], tree, cwd }: ChangedPaths,
): readonly string[] {
  const denies = (kind: ToolKind, path: string, isWhole: boolean): boolean => {
    const request = { kind, title: "", paths: [join(tree, path)] };
    return decidePermission(policy, isWhole ? { ...request, isWhole } : request, cwd) === "deny";
  };
  const changed = changes.filter(({ path, isGone, isPointer }) =>
    (isGone ? (["edit", "delete"] as const) : (["edit"] as const)).some((kind) => denies(kind, path, isPointer)),
  );
  const moved = moves.flatMap(({ from, to }) => [from, to]).filter(({ path }) => denies("move", path, false));
  return [...new Set([...changed, ...moved].map(({ shown }) => shown))];
}

/** Whether rules can forbid a change; `kind`: of this kind, apart from others. */
export function canForbid({ rules, otherwise }: PermissionPolicy, kind?: ToolKind): boolean {
  return (
    otherwise === "deny" ||
    rules.some((rule) => rule.decision === "deny" && (kind === undefined || (rule.kind ?? [kind]).includes(kind)))
  );
}

/** Why the work breaks the rules, as a clause. */
export function forbiddenText(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  return `its permissions do not allow changes of ${names.slice(0, MOST_NAMED).join(", ")}${more}`;
}
