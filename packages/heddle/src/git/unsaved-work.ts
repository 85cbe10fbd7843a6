/**
 * Unsaved work check: finds work in a worktree that exists nowhere else. Asked before every removal. Reads the files and
 * git, not heddle's records.
 */
import { join } from "node:path";
import { defined } from "../base/defined.ts";
import { agentCommits, savedTrees, unreachableCommits } from "./reflog-commits.ts";
import { treeOf } from "./commits.ts";
import type { RepositoryAccess } from "./repository-access.ts";
import { type AdminEntry, type WorktreePlace, adminOf, readRecord } from "./worktree-record.ts";
import { commitOf } from "./discover.ts";
import { shownName } from "./path-bytes.ts";
import { ownershipRef } from "./ref-names.ts";
import { DEFAULT_FILE_LIMITS, type FileLimits, type RemoveOptions } from "./types.ts";
import { type TreeSnapshot, takeSnapshot } from "./checkout-files.ts";
import { exists } from "./disk-entry.ts";
import { readHandover } from "./handover.ts";
import { withoutHandover } from "./take-handover.ts";

/** What would be lost, as the end of a sentence; `undefined`: nothing. `branch`: whether that goes too. */
export async function unsavedWork(
  repository: RepositoryAccess,
  place: WorktreePlace,
  options: {
    readonly acceptOmitted: boolean;
    readonly branch?: RemoveOptions["branch"];
    /** Gets the repositories inside, which then are no reason: the caller keeps them. */
    readonly onNested?: (folders: readonly string[]) => void;
  },
): Promise<string | undefined> {
  if (!(await exists(place.path))) return undefined;
  const record = await readRecord(place);
  // Nobody has worked here yet. A folder without notes may hold anything.
  if (record?.populated === false) return undefined;
  const base = record?.base ?? (await commitOf(repository, ownershipRef(place.run, place.name)));
  if (base === undefined) return "heddle has no record of it";
  const admin = await adminOf(repository, place.path);
  const made = await agentCommits(repository, admin?.dir);
  const now = await snapshotOf(repository, { place, base, admin, head: made.head, limits: DEFAULT_FILE_LIMITS });
  const baseTree = await treeOf(repository, base);
  const { trees: saved, tip: branchTip } = await savedTrees(repository, place.run, place.branch);
  if (now.tree !== baseTree && !saved.has(now.tree)) return "changed files";
  if (!options.acceptOmitted) {
    const [left] = now.omitted;
    if (left !== undefined) return `${shownName(left.path)}, which was omitted (${left.reason})`;
    const [nested] = now.nested;
    options.onNested?.(now.nested);
    if (nested !== undefined && options.onNested === undefined)
      return `a nested git repository in ${shownName(nested)}`;
    if (now.ownRepository) return "another git repository in place of the worktree's .git";
  }
  const tip = options.branch === "delete" ? branchTip : undefined;
  const commits = tip === undefined || made.all.includes(tip) ? made.all : [...made.all, tip];
  const lost = await unreachableCommits(repository, place.run, commits, [base]);
  return lost.length === 0 ? undefined : `commit ${lost[0] ?? ""}`;
}

export interface PlaceSnapshot extends TreeSnapshot {
  /** `.git` is a folder: another repository was created here. */
  readonly ownRepository: boolean;
}

/** The files of a worktree as they are; its folder exists. `head`: where the HEAD of `admin` is. */
export async function snapshotOf(
  repository: RepositoryAccess,
  options: {
    readonly place: WorktreePlace;
    readonly base: string;
    readonly admin: AdminEntry | undefined;
    readonly head: string | undefined;
    readonly limits: FileLimits;
  },
): Promise<PlaceSnapshot> {
  const { place, base, admin, head, limits } = options;
  const handover = await readHandover(place);
  const found = await takeSnapshot(
    repository,
    defined({
      path: place.path,
      index: place.index,
      base,
      limits,
      handover,
      agentIndex: admin === undefined ? undefined : join(admin.dir, "index"),
      agentHead: head,
    }),
  );
  const taken = await withoutHandover(repository, { place, base }, { taken: found, handover });
  return { ...taken, ownRepository: await exists(join(place.path, ".git", "HEAD")) };
}
