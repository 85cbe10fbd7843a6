/** Disk usage of worktrees, and its limit (G6). Knows folders, no git. */
import { lstat, opendir, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { RepositoryAccess } from "./repository-access.ts";
import { isPoolName } from "./ref-names.ts";
import type { TreeOwner, WorktreeLimits, WorktreeRefusal } from "./types.ts";

export const DEFAULT_WORKTREE_LIMITS: WorktreeLimits = { maxTrees: 100, maxBytes: 50 * 2 ** 30 };

/** What a folder takes of the disk; a file with several names counts once. */
export async function folderBytes(folder: string): Promise<number> {
  const seen = new Set<string>();
  let bytes = 0;
  const waiting = [folder];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const entries = await opendir(at).catch(() => undefined);
    if (entries === undefined) continue;
    for await (const entry of entries) {
      const path = join(at, entry.name);
      const found = await lstat(path).catch(() => undefined);
      if (found === undefined) continue;
      if (found.isDirectory()) waiting.push(path);
      else if (found.nlink > 1) {
        const file = `${found.dev}:${found.ino}`;
        if (seen.has(file)) continue;
        seen.add(file);
      }
      bytes += found.blocks * 512;
    }
  }
  return bytes;
}

/** Folders of worktrees of a repository, all runs. */
export async function treeFolders(repository: RepositoryAccess): Promise<readonly string[]> {
  const folders: string[] = [];
  for (const run of await readdir(repository.home, { withFileTypes: true }).catch(() => [])) {
    if (!run.isDirectory() || run.name.startsWith(".")) continue;
    for (const tree of await readdir(join(repository.home, run.name)).catch(() => []))
      if (!tree.startsWith(".")) folders.push(join(repository.home, run.name, tree));
  }
  return folders;
}

const REFRESH_MS = 60_000;

/**
 * What worktrees were found to take. Looking takes seconds for large ones, so it is done aside: a bound on bytes is held to
 * what was last seen, at most a minute ago where worktrees are being made.
 */
export class DiskUse {
  readonly #repository: RepositoryAccess;
  readonly #limits: WorktreeLimits;
  readonly #bytes = new Map<string, number>();
  #since = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(repository: RepositoryAccess, limits: WorktreeLimits = DEFAULT_WORKTREE_LIMITS) {
    this.#repository = repository;
    this.#limits = limits;
  }

  /** The first call waits for the look; later ones do not. Never fails. */
  async refresh(): Promise<void> {
    const first = this.#looking === undefined;
    const due = this.#repository.clock.now() - this.#since > REFRESH_MS;
    if (first || due) {
      this.#since = this.#repository.clock.now();
      this.#looking = this.#look();
    }
    if (first) await this.#looking;
  }

  async #look(): Promise<void> {
    const folders = await treeFolders(this.#repository);
    for (const known of this.#bytes.keys()) if (!folders.includes(known)) this.#bytes.delete(known);
    for (const folder of folders) this.#bytes.set(folder, await folderBytes(folder));
  }

  /** Why no worktree may be made for `owner`. */
  async limitFor(owner: TreeOwner): Promise<WorktreeRefusal | undefined> {
    const folders = await treeFolders(this.#repository);
    const counted = folders.filter((folder) => !isPoolName(basename(folder)));
    const { maxTrees, maxBytes } = this.#limits;
    const hint =
      "`heddle worktrees` lists them with their sizes, `heddle worktrees clean` removes those not needed any more.";
    if (owner.kind !== "pool" && counted.length >= maxTrees)
      return {
        code: "WorktreeLimit",
        message: `the limit of ${counted.length} worktrees of this repository is reached`,
        hint,
      };
    const bytes = folders.reduce((sum, folder) => sum + (this.#bytes.get(folder) ?? 0), 0);
    if (bytes < maxBytes) return undefined;
    return {
      code: "WorktreeLimit",
      message: `the worktrees of this repository use ${Math.round(bytes / 2 ** 20)} MB, which is the limit`,
      hint,
    };
  }
}
