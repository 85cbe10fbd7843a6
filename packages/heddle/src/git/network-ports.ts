/**
 * Network ports: reserves a block of ports per worktree, by a file that names the worktree. Nothing listens on the ports
 * of a block when it is reserved; later use by other programs is not known.
 */
import { createServer } from "node:net";
import { mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../base/errors.ts";
import { exists } from "./disk-entry.ts";

export interface PortRange {
  readonly first: number;
  readonly count: number;
  readonly perTree: number;
}

/** Empty where none are left: a step that needs ports will say so better than a refusal to start. */
export async function claimPorts(stateDir: string, path: string, range: PortRange): Promise<readonly number[]> {
  const folder = join(stateDir, ".ports");
  await mkdir(folder, { recursive: true });
  const blocks = Math.floor(range.count / range.perTree);
  for (let block = 0; block < blocks; block++) {
    const first = range.first + block * range.perTree;
    if (!(await claimed(join(folder, String(first)), path))) continue;
    const ports = Array.from({ length: range.perTree }, (_, index) => first + index);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return ports;
    await rm(join(folder, String(first)), { force: true });
  }
  return [];
}

export async function releasePorts(stateDir: string, path: string): Promise<void> {
  const folder = join(stateDir, ".ports");
  for (const name of await readdir(folder).catch(() => []))
    if ((await readFile(join(folder, name), "utf8").catch(() => "")) === path)
      await rm(join(folder, name), { force: true });
}

/** A claim is written in one go; an empty one of this age is that of a process which was killed in between. */
const EMPTY_AGE_MS = 2000;

/** Removes the claims of worktrees that are gone, whichever repository they were of. `now`: epoch, milliseconds. */
export async function dropStaleClaims(stateDir: string, now: number): Promise<void> {
  const folder = join(stateDir, ".ports");
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name);
    const owner = await readFile(file, "utf8").catch(() => undefined);
    if (owner === undefined) continue;
    const age = owner === "" ? now - ((await stat(file).catch(() => undefined))?.mtimeMs ?? now) : 0;
    if (owner === "" ? age > EMPTY_AGE_MS : !(await exists(owner))) await rm(file, { force: true });
  }
}

/** A block of a worktree that is gone is nobody's. */
async function claimed(file: string, path: string): Promise<boolean> {
  for (let tries = 0; tries < 2; tries++) {
    try {
      await writeFile(file, path, { flag: "wx" });
      return true;
    } catch (thrown) {
      if (systemCode(thrown) !== "EEXIST") throw thrown;
    }
    const owner = await readFile(file, "utf8").catch(() => "");
    if (owner === path) return true;
    if (owner === "" || (await exists(owner))) return false;
    await rm(file, { force: true });
  }
  return false;
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", () => resolve(false));
  server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  return promise;
}
