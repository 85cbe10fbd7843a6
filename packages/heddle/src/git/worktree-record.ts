/**
 * Worktree record: where a worktree is and what is stored about it. Knows folders and files, runs no git.
 *
 * Invariant: the record saves work and names things; git says whether a worktree, branch or commit exists.
 */
import { mkdir, readFile, readdir, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RepositoryAccess } from "./repository-access.ts";
import { writeWhole } from "./repository-access.ts";
import { branchRef, checkRun, treeName } from "./ref-names.ts";
import type { GitOperation, HeldWork, TreeOwner } from "./types.ts";

/** All that follows from run and owner. */
export interface WorktreePlace {
  readonly run: string;
  readonly owner: TreeOwner;
  readonly name: string;
  /** Absolute: the worktree's folder. */
  readonly path: string;
  /** Absolute: heddle's record of it, outside the worktree. */
  readonly meta: string;
  /** Absolute: heddle's own index of the worktree, out of the agent's way: its times and sizes of files can be believed. */
  readonly index: string;
  /** Whole ref; `null`: detached. */
  readonly branch: string | null;
}

export interface TreeRecord {
  readonly run: string;
  readonly owner: TreeOwner;
  /** Absolute: the folder of the project whose run it is; absent: not known. */
  readonly project?: string;
  /** The commit that the files were last set to. */
  readonly base: string;
  /** All files are there: from now on it may hold work. */
  readonly populated: boolean;
  /** Epoch, milliseconds. */
  readonly createdAtMs: number;
  readonly ports: readonly number[];
  /** What setup was done for; absent: none was. */
  readonly setup?: string;
  readonly holds?: HeldWork;
  /** The commit that the files are being set to: what a crash leaves meanwhile is not a step's work. */
  readonly setting?: Setting;
}

export interface Setting {
  readonly commit: string;
  /** A tree; absent: the commit's. */
  readonly files?: string;
  readonly holds?: HeldWork;
  /** Pointers that conflict, as the index is to have them. */
  readonly pointers?: readonly {
    readonly mode: string;
    readonly id: string;
    readonly stage: number;
    readonly path: string;
  }[];
}

export function worktreePlaceOf(repository: RepositoryAccess, run: string, owner: TreeOwner): WorktreePlace {
  const name = treeName(owner);
  const home = join(repository.home, checkRun(run));
  const meta = join(home, ".meta", name);
  return {
    run,
    owner,
    name,
    path: join(home, name),
    meta,
    index: join(meta, "index"),
    branch: owner.kind === "pool" ? null : branchRef(run, name),
  };
}

export async function readRecord(place: WorktreePlace): Promise<TreeRecord | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(place.meta, "record.json"), "utf8"));
    // Written by `writeRecord` alone, whole or not at all.
    return value as TreeRecord;
  } catch {
    return undefined;
  }
}

export async function writeRecord(place: WorktreePlace, record: TreeRecord): Promise<void> {
  await mkdir(place.meta, { recursive: true });
  await writeWhole(join(place.meta, "record.json"), JSON.stringify(record));
}

/** A worktree as the repository has it noted, under `worktrees/` of its git folder. */
export interface AdminEntry {
  /** Absolute: git's folder for it. */
  readonly dir: string;
  /** Absolute: the worktree's folder; `null`: git was stopped before it wrote that. */
  readonly path: string | null;
}

/** Read from the files that git documents: its own list leaves out what a stopped `worktree add` left. */
export async function adminEntries(repository: RepositoryAccess): Promise<readonly AdminEntry[]> {
  const folder = join(repository.facts.commonDir, "worktrees");
  const names = await readdir(folder).catch(() => []);
  return await Promise.all(
    names.sort().map(async (name) => {
      const dir = join(folder, name);
      const text = await readFile(join(dir, "gitdir"), "utf8").catch(() => "");
      const target = text.trim();
      if (target === "") return { dir, path: null };
      const path = dirname(target.startsWith("/") ? target : join(dir, target));
      return { dir, path: await realpath(path).catch(() => path) };
    }),
  );
}

export async function adminOf(repository: RepositoryAccess, path: string): Promise<AdminEntry | undefined> {
  return (await adminEntries(repository)).find((entry) => entry.path === path);
}

/** Git operations that stop half-way, by what they leave in the git folder of a worktree. */
const OPERATIONS: Readonly<Record<string, GitOperation>> = {
  MERGE_HEAD: "merge",
  CHERRY_PICK_HEAD: "cherry-pick",
  REVERT_HEAD: "revert",
  "rebase-merge": "rebase",
  "rebase-apply": "rebase",
  sequencer: "cherry-pick",
};

/** What git leaves of an operation that was not finished, in a worktree's git folder. */
export const OPERATION_FILES: readonly string[] = [...Object.keys(OPERATIONS), "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE"];

/** The operation that the worktree is in the middle of. */
export async function operationIn({ dir }: AdminEntry): Promise<GitOperation | undefined> {
  const names: readonly string[] = await readdir(dir).catch(() => []);
  const [found] = Object.entries(OPERATIONS).filter(([name]) => names.includes(name));
  return found?.[1];
}
