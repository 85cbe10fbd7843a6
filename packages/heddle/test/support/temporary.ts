/** Temporary folders of tests. Git never looks above them for a repository: see {@link CEILINGS}. */
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** A folder in memory where the system has one: git waits for a disk at every commit. */
export const IN_MEMORY: string = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

const ROOTS = [...new Set([tmpdir(), IN_MEMORY, "/var/tmp", "/tmp"])];

/** For `GIT_CEILING_DIRECTORIES`: whatever lies in the folders that hold temporary ones is no test's matter. */
export const CEILINGS: string = ROOTS.join(path.delimiter);

/** Names the folder, in each of those, that holds all temporary ones of one run of the tests. */
const OF_THE_RUN = "TESTS_FOLDER";

/** From now on temporary folders of this process, and of those that it starts, are in folders that {@link removeAll} removes. */
export function beginRun(): void {
  process.env[OF_THE_RUN] = `heddle-tests-${process.pid}`;
}

/** What tests that were killed or failed left behind as well. */
export function removeAll(): void {
  const name = process.env[OF_THE_RUN];
  if (name === undefined) return;
  for (const root of ROOTS) rmSync(path.join(root, name), { recursive: true, force: true, maxRetries: 3 });
}

/** A new folder, by its real path. Its maker removes it. */
export function temporaryFolder(name: string, under: string = tmpdir()): string {
  const folder = path.join(under, process.env[OF_THE_RUN] ?? "");
  mkdirSync(folder, { recursive: true });
  return realpathSync(mkdtempSync(path.join(folder, `heddle-${name}-`)));
}
