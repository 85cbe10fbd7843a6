/**
 * Verification: runs the caller's checks on a commit, in a separate worktree that is reused. Does not know what is
 * checked.
 *
 * Invariants:
 *  1. Exactly that commit is verified: the worktree's HEAD is at it and its files are the commit's.
 *  2. What passed once for a key and a tree passes without running, as long as it is remembered.
 */
import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { HeddleError, orThrow } from "../base/errors.ts";
import { writeWhole } from "./repository-access.ts";
import type { Verify } from "./port.ts";
import type { LocalWorktrees } from "./worktree.ts";
import type { MergeCheck, MergeRequestId, TreeOwner, VerifyResult, Worktree } from "./types.ts";

/** What passed, by key and tree; both only as a hash. */
export interface PassedStore {
  has(key: string, tree: string): Promise<boolean>;
  add(key: string, tree: string): Promise<void>;
}

/** What a key cannot hold changes: programs outside the repository, the network, the time. */
export const REMEMBERED_MS: number = 7 * 86_400_000;
/** Of the youngest. */
export const REMEMBERED: number = 2000;

/** `path`: absent, only this process remembers. A file of lines: when (epoch, milliseconds) and what passed. */
export function passedStore(clock: Clock, path?: string): PassedStore {
  let known: Promise<Map<string, number>> | undefined;
  const load = async (): Promise<Map<string, number>> => {
    const text = path === undefined ? "" : await readFile(path, "utf8").catch(() => "");
    const found = new Map<string, number>();
    const lines = text.split("\n").filter((one) => one !== "");
    for (const line of lines) {
      const [, at, hash] = /^(\d+) ([0-9a-f]{64})$/.exec(line) ?? [];
      if (at !== undefined && hash !== undefined && isYoung(Number(at))) found.set(hash, Number(at));
    }
    if (path !== undefined && (lines.length > found.size || found.size > REMEMBERED)) await shorten(path, found);
    return found;
  };
  const isYoung = (at: number): boolean => clock.now() - at <= REMEMBERED_MS;
  return {
    async has(key, tree) {
      const at = (await (known ??= load())).get(hashOf(key, tree));
      return at !== undefined && isYoung(at);
    },
    async add(key, tree) {
      const all = await (known ??= load());
      const hash = hashOf(key, tree);
      all.delete(hash);
      all.set(hash, clock.now());
      if (path === undefined) return dropOldest(all);
      await mkdir(dirname(path), { recursive: true });
      await appendFile(path, `\n${clock.now()} ${hash}\n`);
      // At most twice as many, so that the file is not rewritten each time.
      if (all.size >= 2 * REMEMBERED) await shorten(path, all);
    },
  };
}

function hashOf(key: string, tree: string): string {
  return createHash("sha256")
    .update(JSON.stringify([key, tree]))
    .digest("hex");
}

function dropOldest(all: Map<string, number>): void {
  for (const hash of all.keys()) {
    if (all.size <= REMEMBERED) return;
    all.delete(hash);
  }
}

/** What another process adds meanwhile may be lost: it is verified again then. */
async function shorten(path: string, all: Map<string, number>): Promise<void> {
  dropOldest(all);
  await writeWhole(path, [...all].map(([hash, at]) => `${at} ${hash}\n`).join(""));
}

/** A check, and the attempt that submitted it. */
export interface CheckOf extends MergeCheck, MergeRequestId {}

export interface VerifyPoolOptions {
  readonly worktrees: LocalWorktrees;
  readonly run: string;
  readonly verify: Verify;
  readonly passed: PassedStore;
  /** Number before that of its first worktree; absent: 0. */
  readonly first?: number;
}

export class VerifyPool {
  readonly #options: VerifyPoolOptions;
  readonly #free: number[] = [];
  #made = 0;

  constructor(options: VerifyPoolOptions) {
    this.#options = options;
  }

  get #first(): number {
    return this.#options.first ?? 0;
  }

  /** Whether all of `checks` pass; the first that fails ends it. */
  async verify(
    checks: readonly CheckOf[],
    candidate: { readonly commit: string; readonly tree: string },
    signal: AbortSignal,
  ): Promise<VerifyResult> {
    const { run, verify, passed } = this.#options;
    const due = await this.#due(checks, candidate.tree);
    if (due.length === 0) return { ok: true };
    const slot = this.#free.pop() ?? this.#first + ++this.#made;
    try {
      const { path, ports, slug } = await this.#treeAt(slot, candidate.commit);
      for (const { step, attempt, commands, key } of due) {
        const request = { run, step, attempt, commands, commit: candidate.commit, folder: path, ports, slug };
        const result = await verify(request, signal);
        if (!result.ok) return result;
        if (key !== undefined && !signal.aborted) await passed.add(key, candidate.tree);
      }
      return { ok: true };
    } finally {
      this.#free.push(slot);
    }
  }

  /** Each key once, and none that passed on this tree before. */
  async #due(checks: readonly CheckOf[], tree: string): Promise<readonly CheckOf[]> {
    const due: CheckOf[] = [];
    const keys = new Set<string>();
    for (const check of checks) {
      const { key } = check;
      if (key !== undefined && (keys.has(key) || (await this.#options.passed.has(key, tree)))) continue;
      if (key !== undefined) keys.add(key);
      due.push(check);
    }
    return due;
  }

  /** Removes the worktrees of the pool, those of an earlier process too. One that somebody works in stays, and is listed. */
  async close(): Promise<void> {
    for (let slot = this.#first + 1; ; slot++) {
      const tree = await this.#options.worktrees.find(this.#options.run, poolOwner(slot));
      if (tree === undefined && slot > this.#first + this.#made) return;
      if (tree === undefined) continue;
      const removed = await this.#options.worktrees.remove(tree);
      if (!removed.ok && removed.error.code !== "WorktreeInUse") throw new HeddleError(removed.error);
    }
  }

  /** What is refused here is of the machine, as what git fails at: no answer to what is verified. */
  async #treeAt(slot: number, commit: string): Promise<Worktree> {
    const tree = orThrow(
      await this.#options.worktrees.ensure({ run: this.#options.run, owner: poolOwner(slot), base: commit }),
    );
    return tree.fresh && tree.base === commit ? tree : orThrow(await this.#options.worktrees.reset(tree, commit));
  }
}

function poolOwner(slot: number): TreeOwner {
  return { kind: "pool", id: slot };
}
