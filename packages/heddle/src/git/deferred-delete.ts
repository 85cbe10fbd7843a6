/** Deferred delete: moves a folder out of the way by a rename and deletes it later. Knows no git. */
import { randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, readlink, rename, rm } from "node:fs/promises";
import { join, sep } from "node:path";
import { systemCode } from "../base/errors.ts";
import type { RepositoryAccess } from "./repository-access.ts";

/** Does nothing if there is no such folder. */
export async function moveToTrash(repository: RepositoryAccess, path: string): Promise<void> {
  const trash = join(repository.home, ".trash");
  await mkdir(trash, { recursive: true });
  try {
    await rename(path, join(trash, randomUUID()));
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOENT") throw thrown;
  }
}

/** Deletes what was deferred, by whomever. */
export async function deleteDeferred(repository: RepositoryAccess): Promise<void> {
  const trash = join(repository.home, ".trash");
  for (const name of await readdir(trash).catch(() => [])) await deleteWhole(join(trash, name));
}

async function deleteWhole(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === "ENOTEMPTY") return await rm(path, { recursive: true, force: true, maxRetries: 3 });
    if (code !== "EACCES" && code !== "EPERM") throw thrown;
    // Caches of some tools are folders that forbid their owner to write.
    await makeWritable(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
}

/** Whether a process has its current folder in `path`. Only known on systems with `/proc`; otherwise false. */
export async function inUse(path: string): Promise<boolean> {
  const names = await readdir("/proc").catch(() => []);
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const cwd = await readlink(`/proc/${name}/cwd`).catch(() => "");
    if (cwd === path || cwd.startsWith(path + sep)) return true;
  }
  return false;
}
