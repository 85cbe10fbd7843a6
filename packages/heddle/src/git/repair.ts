/**
 * Repair: fixes what a crash left while worktrees of a run were created or removed. Called under the repository's lock,
 * before anything else is done for the run. Removes nothing that may have work, and nothing that is not certainly
 * heddle's.
 */
import { readFile, readdir, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { systemCode } from "../base/errors.ts";
import type { RepositoryAccess } from "./repository-access.ts";
import { dropIntent, leftIntent } from "./intent-log.ts";
import { type AdminEntry, type WorktreePlace, adminEntries } from "./worktree-record.ts";
import { dropStaleClaims } from "./network-ports.ts";
import { checkRun } from "./ref-names.ts";
import { moveToTrash } from "./deferred-delete.ts";
import { exists } from "./disk-entry.ts";

/** A git that is at work holds a lock file for milliseconds; one of this age has no owner. */
const LOCK_AGE_MS = 2000;

export async function repair(repository: RepositoryAccess, run: string): Promise<void> {
  await healIntent(repository);
  await healAsides(repository, run);
  const home = join(repository.home, checkRun(run)) + sep;
  for (const entry of await adminEntries(repository))
    if (entry.path?.startsWith(home) === true) await healEntry(repository, entry);
  await dropNotes(repository, run);
  await dropRefLocks(repository, run);
  await dropDrafts(repository, run);
  await dropStaleClaims(dirname(repository.home), repository.clock.now());
}

/** Lock files on refs of the run whose git was killed. One that is at work is waited for: it holds its own for milliseconds. */
export async function dropRefLocks(repository: RepositoryAccess, run: string): Promise<void> {
  const { commonDir } = repository.facts;
  for (const folder of [`refs/heads/heddle/${run}`, `refs/heddle/${run}`])
    await dropLocks(repository, join(commonDir, folder));
}

async function healIntent(repository: RepositoryAccess): Promise<void> {
  const left = await leftIntent(repository);
  if (left === undefined) return;
  const { before, removing = [], locks = [] } = left.intent;
  for (const entry of await adminEntries(repository)) {
    const name = basename(entry.dir);
    // Without a path nobody can use it; and it was not there before ours was begun.
    const halfAdded = before !== undefined && !before.includes(name) && entry.path === null;
    const halfRemoved =
      removing.includes(name) && (entry.path === null || entry.path.startsWith(repository.home + sep));
    if (halfAdded) await waitForAge(repository, entry.dir);
    if (halfAdded || halfRemoved) await removeAdmin(entry.dir);
  }
  for (const lock of locks) {
    const found = await stat(lock).catch(() => undefined);
    if (found === undefined || found.mtimeMs < left.sinceMs) continue;
    await waitForAge(repository, lock);
    const still = await stat(lock).catch(() => undefined);
    if (still?.ino === found.ino) await rm(lock, { force: true });
  }
  await dropIntent(repository);
}

/** Notes on worktrees that are gone: a removal that was stopped before its end. */
async function dropNotes(repository: RepositoryAccess, run: string): Promise<void> {
  const home = join(repository.home, run);
  const meta = join(home, ".meta");
  for (const name of await readdir(meta).catch(() => []))
    if (!(await exists(join(home, name)))) await rm(join(meta, name), { recursive: true, force: true });
  for (const folder of [meta, home]) await rmdir(folder).catch(() => {});
}

/** A crash while a folder was put to a new note of git's: `X.aside` has the files. */
async function healAsides(repository: RepositoryAccess, run: string): Promise<void> {
  const home = join(repository.home, run);
  for (const name of await readdir(home).catch(() => [])) {
    if (!name.endsWith(".aside")) continue;
    const path = join(home, name.slice(0, -".aside".length));
    const inside = await readdir(path).catch(() => undefined);
    if (inside !== undefined && inside.some((entry) => entry !== ".git")) continue;
    await rm(path, { recursive: true, force: true });
    await rename(join(home, name), path);
  }
}

async function healEntry(repository: RepositoryAccess, entry: AdminEntry): Promise<void> {
  const { dir, path } = entry;
  if (path === null) return;
  if (!(await exists(path))) return await removeAdmin(dir);
  await dropLocks(repository, dir);
  const whole = (await exists(join(dir, "HEAD"))) && (await exists(join(dir, "commondir")));
  if (!whole) {
    await removeAdmin(dir);
    // A folder with nothing but git's link holds no work; any other is taken up again, with all that is in it.
    const inside = await readdir(path);
    if (inside.every((name) => name === ".git")) await moveToTrash(repository, path);
    return;
  }
  const lock = join(dir, "locked");
  if ((await readFile(lock, "utf8").catch(() => "")).trim() === "initializing") await writeFile(lock, "heddle\n");
}

/** Removes git's note of a worktree, and the folder of notes if it was the last. */
export async function removeAdmin(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  await rmdir(join(dir, "..")).catch(() => {});
}

/** Restores the worktree's `.git` link. An agent may have removed it, or created another repository. */
export async function repairLink(place: WorktreePlace, admin: AdminEntry): Promise<void> {
  const link = join(place.path, ".git");
  const wanted = `gitdir: ${admin.dir}\n`;
  const found = await stat(link).catch(() => undefined);
  // A repository of the agent's own stays: it was captured, and `reset` and `remove` will ask about it.
  if (found?.isDirectory() === true) return;
  if ((await readFile(link, "utf8").catch(() => "")) !== wanted) await writeFile(link, wanted);
}

async function dropLocks(repository: RepositoryAccess, folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names) {
    if (!name.endsWith(".lock")) continue;
    const path = join(folder, name);
    await waitForAge(repository, path);
    await rm(path, { force: true });
  }
}

/** What processes were writing when they ended: each draft has its process in its name. */
async function dropDrafts(repository: RepositoryAccess, run: string): Promise<void> {
  const { home } = repository;
  for (const folder of [
    home,
    join(home, ".tmp"),
    join(home, ".attributes"),
    join(home, ".isolated"),
    join(home, run, ".meta"),
  ]) {
    const deep = folder !== home && !folder.endsWith(".attributes");
    for (const name of await readdir(folder, { recursive: deep }).catch(() => [])) {
      const pid = /\.(\d+)-[^/]+$/.exec(name)?.[1];
      if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return systemCode(thrown) === "EPERM";
  }
}

async function ageMs(repository: RepositoryAccess, path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : repository.clock.now() - found.mtimeMs;
}

async function waitForAge(repository: RepositoryAccess, path: string): Promise<void> {
  const age = await ageMs(repository, path);
  if (age === undefined || age >= LOCK_AGE_MS) return;
  await new Promise<void>((resolve) => void repository.clock.after(LOCK_AGE_MS - Math.max(0, age), resolve));
}
