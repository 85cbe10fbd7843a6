/** Temporary folders of tests. Git never looks above them for a repository: see {@link CEILINGS}. */
import { existsSync, mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** A folder in memory where the system has one: git waits for a disk at every commit. */
export const IN_MEMORY: string = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** For `GIT_CEILING_DIRECTORIES`: whatever lies in the folders that hold temporary ones is no test's matter. */
export const CEILINGS: string = [...new Set([tmpdir(), IN_MEMORY, "/var/tmp", "/tmp"])].join(path.delimiter);

/** A new folder, by its real path. Its maker removes it. */
export function temporaryFolder(name: string, under: string = tmpdir()): string {
  return realpathSync(mkdtempSync(path.join(under, `heddle-${name}-`)));
}
