/**
 * Repository lock: a queue inside this process and a lock file between processes. Knows no git.
 *
 * Invariants:
 *  1. A lock whose owner has ended is taken over. The owner is a process id with its start time, so that a new process
 *     with an old id is not mistaken for it.
 *  2. The file appears complete: it is written elsewhere and linked into place.
 */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { HeddleError, systemCode } from "../base/errors.ts";

const POLL_MS = 15;
const LONGEST_WAIT_MS = 120_000;

export class RepositoryLock {
  readonly #path: string;
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();

  /** `path`: absolute; its folder is made. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** `work` alone among all processes that use this path. Fails with `WorktreeLockBusy` after two minutes of waiting. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      const token = await this.#acquire();
      try {
        return await work();
      } finally {
        await this.#release(token);
      }
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #acquire(): Promise<string> {
    const folder = dirname(this.#path);
    await mkdir(folder, { recursive: true });
    const me = await processIdentity(process.pid);
    const token = JSON.stringify({ ...me, token: randomUUID() });
    const draft = join(folder, `.lock.${process.pid}-${randomUUID()}`);
    await writeFile(draft, token);
    try {
      const since = this.#clock.now();
      while (!(await linked(draft, this.#path))) {
        await this.#breakStale();
        if (this.#clock.now() - since > LONGEST_WAIT_MS) throw busy(this.#path);
        await new Promise<void>((resolve) => void this.#clock.after(POLL_MS, resolve));
      }
      return token;
    } finally {
      await rm(draft, { force: true });
    }
  }

  async #breakStale(): Promise<void> {
    const text = await readText(this.#path);
    if (text === undefined || (await isAlive(text))) return;
    const aside = `${this.#path}.${process.pid}-${randomUUID()}`;
    try {
      await rename(this.#path, aside);
    } catch (thrown) {
      if (systemCode(thrown) === "ENOENT") return;
      throw thrown;
    }
    // Another process may have broken the lock and taken it meanwhile: then it was its lock that went aside, and goes back.
    if ((await readText(aside)) !== text) await linked(aside, this.#path);
    await rm(aside, { force: true });
  }

  async #release(token: string): Promise<void> {
    if ((await readText(this.#path)) === token) await rm(this.#path, { force: true });
  }
}

function busy(path: string): HeddleError {
  return new HeddleError({
    code: "WorktreeLockBusy",
    message: "another heddle process has been creating worktrees of this repository for two minutes",
    hint: `If none is running, remove ${path}.`,
  });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === "EEXIST") return false;
    throw thrown;
  }
}

async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}

export interface ProcessIdentity {
  readonly pid: number;
  /** Its start time in the system's units; empty if the system does not provide it. */
  readonly started: string;
}

export async function processIdentity(pid: number): Promise<ProcessIdentity> {
  const text = await readText(`/proc/${pid}/stat`);
  // The 22nd field; the second may hold spaces and ends with the last `)`.
  const started = text?.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  return { pid, started };
}

/** Whether the process that `text` (an identity as JSON) names is there. What cannot be read is nobody's. */
export async function isAlive(text: string): Promise<boolean> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  if (typeof value !== "object" || value === null || !("pid" in value) || !("started" in value)) return false;
  const { pid, started } = value;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if (systemCode(thrown) !== "EPERM") return false;
  }
  const found = await processIdentity(pid);
  return found.started === "" || found.started === started;
}
