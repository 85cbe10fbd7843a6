/**
 * Changed paths check: holds what an attempt changed against the rules of its plan, whatever its agent was asked or told. Knows
 * paths and rules; not who made a change, and no git.
 */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { decidePermission } from "../adapters/permissions.ts";
import type { PermissionPolicy } from "../adapters/port.ts";

const MOST_NAMED = 5;

export interface ChangedPaths {
  /** Relative to {@link tree}. */
  readonly files: readonly string[];
  /** The worktree; absolute, links followed. */
  readonly tree: string;
  /** What the rules' paths are relative to; absolute. */
  readonly cwd: string;
}

/** Why the changes break the rules; `undefined`: they do not. That a file is gone is a change of it, and a deletion. */
export function forbiddenChange(policy: PermissionPolicy, { files, tree, cwd }: ChangedPaths): string | undefined {
  const forbidden = files.filter((file) => {
    const path = join(tree, file);
    const isGone = lstatSync(path, { throwIfNoEntry: false }) === undefined;
    const kinds = isGone ? (["edit", "delete"] as const) : (["edit"] as const);
    return kinds.some((kind) => decidePermission(policy, { kind, title: "", paths: [path] }, cwd) === "deny");
  });
  if (forbidden.length === 0) return undefined;
  const more = forbidden.length > MOST_NAMED ? ` and ${forbidden.length - MOST_NAMED} more` : "";
  return `its permissions do not allow changes of ${forbidden.slice(0, MOST_NAMED).join(", ")}${more}`;
}
