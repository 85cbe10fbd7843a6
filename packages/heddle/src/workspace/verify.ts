/**
 * Runs the caller's verification on a commit, in a worktree of its own that is used again. Knows worktrees, not what is verified.
 *
 * Invariants:
 *  1. What is verified is that commit: the worktree's HEAD is at it and its files are the commit's.
 *  2. What passed once under a key and a tree passes without running.
 */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { HeddleError } from "../base/errors.ts";
import type { Worktree, Worktrees } from "./worktree.ts";
import type { TreeOwner, Verification, VerifyResult } from "./trees.ts";

/** What passed. Lines of key and tree. */
export interface PassedStore {
  has(key: string, tree: string): Promise<boolean>;
  add(key: string, tree: string): Promise<void>;
}

/** `path`: absent, only this process remembers. */
export function passedStore(path?: string): PassedStore {
  let known: Promise<Set<string>> | undefined;
  const load = async (): Promise<Set<string>> => {
    const text = path === undefined ? "" : await readFile(path, "utf8").catch(() => "");
    return new Set(text.split("\n"));
  };
  return {
    async has(key, tree) {
      return (await (known ??= load())).has(`${JSON.stringify(key)} ${tree}`);
    },
    async add(key, tree) {
      const entry = `${JSON.stringify(key)} ${tree}`;
      (await (known ??= load())).add(entry);
      if (path === undefined) return;
      await mkdir(dirname(path), { recursive: true });
      await appendFile(path, `\n${entry}\n`);
    },
  };
}

export class VerifyPool {
  readonly #worktrees: Worktrees;
  readonly #run: string;
  readonly #passed: PassedStore;
  readonly #free: number[] = [];
  #made = 0;

  constructor(worktrees: Worktrees, run: string, passed: PassedStore) {
    this.#worktrees = worktrees;
    this.#run = run;
    this.#passed = passed;
  }

  /** Answers that all of `verifications` gave; the first that failed ends it. */
  async verify(
    verifications: readonly Verification[],
    candidate: { readonly commit: string; readonly tree: string },
    signal: AbortSignal,
  ): Promise<VerifyResult> {
    const due: Verification[] = [];
    const keys = new Set<string>();
    for (const one of verifications) {
      if (one.key !== undefined && (keys.has(one.key) || (await this.#passed.has(one.key, candidate.tree)))) continue;
      if (one.key !== undefined) keys.add(one.key);
      due.push(one);
    }
    if (due.length === 0) return { ok: true };
    const slot = this.#free.pop() ?? ++this.#made;
    try {
      const tree = await this.#treeAt(slot, candidate.commit);
      for (const one of due) {
        const result = await one.run(tree.path, { commit: candidate.commit, signal, ports: tree.ports });
        if (!result.ok) return result;
        if (one.key !== undefined && !signal.aborted) await this.#passed.add(one.key, candidate.tree);
      }
      return { ok: true };
    } finally {
      this.#free.push(slot);
    }
  }

  /** Removes the worktrees of the pool, those of an earlier process too. One that somebody works in stays, and is listed. */
  async close(): Promise<void> {
    for (let slot = 1; ; slot++) {
      const tree = await this.#worktrees.find(this.#run, poolOwner(slot));
      if (tree === undefined && slot > this.#made) return;
      try {
        if (tree !== undefined) await this.#worktrees.remove(tree);
      } catch (thrown) {
        if (!(thrown instanceof HeddleError) || thrown.code !== "WorktreeInUse") throw thrown;
      }
    }
  }

  async #treeAt(slot: number, commit: string): Promise<Worktree> {
    const tree = await this.#worktrees.ensure({ run: this.#run, owner: poolOwner(slot), base: commit });
    return tree.fresh && tree.base === commit ? tree : await this.#worktrees.reset(tree, commit);
  }
}

function poolOwner(slot: number): TreeOwner {
  return { kind: "pool", id: slot };
}
