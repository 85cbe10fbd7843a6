/**
 * Folder snapshot: the files of a folder and their last changes, to find what was created, changed or deleted between
 * two snapshots. Reads names and inodes, no content. Does not know who changed something.
 *
 * Invariant: bounded. Of a folder with more entries than {@link MOST_ENTRIES} the first are compared, in an order that
 * both snapshots share.
 */
import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join, relative } from "node:path";

export interface FolderSnapshot {
  /** A mark of each entry, by its path in the folder. */
  readonly entries: ReadonlyMap<string, string>;
  /** There are more entries than are looked at. */
  readonly isPartial: boolean;
}

const MOST_ENTRIES = 200_000;
/** Their programs touch them whenever they read: git its index, a package manager its cache. */
const PASSED_OVER: ReadonlySet<string> = new Set([".git", "node_modules"]);

/** `passOver`: names in the folder itself that are not looked at. */
export async function takeFolderSnapshot(folder: string, passOver: readonly string[] = []): Promise<FolderSnapshot> {
  const entries = new Map<string, string>();
  const waiting = [folder];
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
    const found: readonly Dirent[] = await readdir(at, { withFileTypes: true }).catch(() => []);
    const names = found.map(({ name }) => name).toSorted();
    for (const name of names) {
      if (PASSED_OVER.has(name) || (at === folder && passOver.includes(name))) continue;
      if (entries.size >= MOST_ENTRIES) return { entries, isPartial: true };
      const path = join(at, name);
      const stats = await lstat(path).catch(() => undefined);
      if (stats === undefined) continue;
      // What was written to a folder is seen in what is in it; its own times change with files that came and went.
      const mark = stats.isDirectory()
        ? `${stats.mode}`
        : `${stats.mode} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
      entries.set(relative(folder, path), mark);
      if (stats.isDirectory()) waiting.push(path);
    }
  }
  return { entries, isPartial: false };
}

/** Paths of what differs, sorted. */
export function changedPaths(before: FolderSnapshot, after: FolderSnapshot): readonly string[] {
  const paths = new Set([...before.entries.keys(), ...after.entries.keys()]);
  return [...paths].filter((path) => before.entries.get(path) !== after.entries.get(path)).toSorted();
}
