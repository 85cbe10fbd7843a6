/**
 * Changed paths check: holds what an attempt changed against the rules of its plan, whatever its agent was asked or told. Knows
 * changes and rules; not who made a change, and no disk.
 *
 * Invariant: rules are held against what a file is called, never against how its name is shown.
 */
import { join } from "node:path";
import type { PathChange } from "../../git/types.ts";
import { decidePermission } from "../adapters/permissions.ts";
import type { PermissionPolicy } from "../adapters/port.ts";

const MOST_NAMED = 5;

export interface ChangedPaths {
  /** Their paths are relative to {@link tree}. */
  readonly changes: readonly PathChange[];
  /** The worktree; absolute, links followed. */
  readonly tree: string;
  /** What the rules' paths are relative to; absolute. */
  readonly cwd: string;
}

/** Why the changes break the rules; `undefined`: they do not. That a file is gone is a change of it, and a deletion. */
export function forbiddenChange(policy: PermissionPolicy, { changes, tree, cwd }: ChangedPaths): string | undefined {
  const forbidden = changes.filter(({ path, isGone }) => {
    const paths = [join(tree, path)];
    const kinds = isGone ? (["edit", "delete"] as const) : (["edit"] as const);
    return kinds.some((kind) => decidePermission(policy, { kind, title: "", paths }, cwd) === "deny");
  });
  if (forbidden.length === 0) return undefined;
  const named = forbidden.slice(0, MOST_NAMED).map(({ shown }) => shown);
  const more = forbidden.length > MOST_NAMED ? ` and ${forbidden.length - MOST_NAMED} more` : "";
  return `its permissions do not allow changes of ${named.join(", ")}${more}`;
}
