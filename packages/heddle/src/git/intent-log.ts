/**
 * Intent log: records an operation in a repository's own folder before it is done, so that leftovers of a crash can be
 * distinguished from what belongs to others. One intent at a time: the writer holds the repository's lock.
 */
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type RepositoryAccess, writeWhole } from "./repository-access.ts";

export interface Intent {
  /** Names under `worktrees/` that were there before one was added; absent: none is being added. */
  readonly before?: readonly string[];
  /** Names under `worktrees/` that are being removed. */
  readonly removing?: readonly string[];
  /** Lock files that git makes meanwhile, absolute. */
  readonly locks?: readonly string[];
}

export async function withIntent<T>(repository: RepositoryAccess, intent: Intent, work: () => Promise<T>): Promise<T> {
  const path = intentPath(repository);
  await writeWhole(path, JSON.stringify(intent));
  const result = await work();
  await rm(path, { force: true });
  return result;
}

/** That of a process which did not come to its end. `sinceMs`: when it was written, epoch. */
export async function leftIntent(
  repository: RepositoryAccess,
): Promise<{ readonly intent: Intent; readonly sinceMs: number } | undefined> {
  const path = intentPath(repository);
  try {
    const { mtimeMs } = await stat(path);
    // Written by `withIntent` alone, whole or not at all.
    return { intent: JSON.parse(await readFile(path, "utf8")) as Intent, sinceMs: mtimeMs };
  } catch {
    return undefined;
  }
}

export async function dropIntent(repository: RepositoryAccess): Promise<void> {
  await rm(intentPath(repository), { force: true });
}

function intentPath(repository: RepositoryAccess): string {
  return join(repository.home, ".intent.json");
}
