/**
 * Moved repository: finds heddle's worktrees of a repository again whose folder was moved or renamed. Heddle's folder is named after
 * the repository's; git's notes of the worktrees moved with it. Knows files, runs no git.
 *
 * Invariant: worktrees of a repository that is still where it was (this one is a copy of it) are left alone.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { exists } from "./disk-entry.ts";
import { type RepositoryAccess, writeWhole } from "./repository-access.ts";
import { adminEntries } from "./worktree-record.ts";

export async function adoptMoved(repository: RepositoryAccess): Promise<void> {
  const { home } = repository;
  const state = dirname(home);
  for (const { dir, path } of await adminEntries(repository)) {
    if (path === null || path.startsWith(home + sep) || !path.startsWith(state + sep)) continue;
    const [key, run, name, ...more] = relative(state, path).split(sep);
    if (key === undefined || run === undefined || name === undefined || more.length > 0) continue;
    if ((await readFile(join(dir, "locked"), "utf8").catch(() => "")).trim() !== "heddle") continue;
    const [from, to] = [join(state, key, run), join(home, run)];
    if (await isAbandoned(path, dir)) {
      if (await exists(to)) continue;
      await mkdir(home, { recursive: true });
      await rename(from, to);
    }
    // Its folder moved with that of another worktree of the run, now or before this process.
    if ((await exists(path)) || !(await exists(join(to, name)))) continue;
    await writeFile(join(to, name, ".git"), `gitdir: ${dir}\n`);
    await writeWhole(join(dir, "gitdir"), `${join(to, name, ".git")}\n`);
  }
}

/** Whether the worktree belongs to a repository that is not there any more. */
async function isAbandoned(path: string, dir: string): Promise<boolean> {
  const link = await readFile(join(path, ".git"), "utf8").catch(() => "");
  const owner = /^gitdir: (.*)$/m.exec(link)?.[1];
  return owner !== undefined && owner !== dir && !(await exists(owner));
}
