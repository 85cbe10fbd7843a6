/** A repository with what a merge queue is tried with: attempts' commits, entries of them, verifications that answer as a test says. */
import { join } from "node:path";
import { MergeQueue, type MergeQueueOptions } from "../../src/git/merge-queue.ts";
import type { MergeEntry, MergeOutcome, Verification } from "../../src/git/types.ts";
import type { Worktrees } from "../../src/git/worktree.ts";
import { type Rig, rig } from "./rig.ts";

export interface Shop extends Disposable {
  readonly at: Rig;
  readonly base: string;
  readonly trees: Worktrees;
  queue(options?: Partial<MergeQueueOptions>): MergeQueue;
  /** A commit on the base with these files, as a capture would give. */
  commit(files: { readonly [path: string]: string }, onto?: string): string;
  entry(step: string, files: { readonly [path: string]: string }, more?: Partial<MergeEntry>): MergeEntry;
  read(path: string): string;
}

export async function shop(prepare?: (at: Rig) => void): Promise<Shop> {
  const at = rig();
  prepare?.(at);
  const { base } = await at.open();
  const trees = await at.worktrees();
  at.git(["worktree", "add", "-q", "--detach", "../scratch", base]);
  const scratch = join(at.folder, "scratch");
  const commit: Shop["commit"] = (files, onto = base) => {
    at.git(["checkout", "-q", "--detach", onto], scratch);
    for (const [path, text] of Object.entries(files)) at.write(path, text, scratch);
    at.git(["add", "-A"], scratch);
    at.git(["commit", "-q", "-m", Object.keys(files).join(" ")], scratch);
    return at.git(["rev-parse", "HEAD"], scratch);
  };
  let order = 0;
  return {
    at,
    base,
    trees,
    commit,
    queue: (options = {}) => new MergeQueue({ worktrees: trees, run: "r1", base, ...options }),
    entry: (step, files, more = {}) => ({ step, attempt: 1, commit: commit(files), order: order++, ...more }),
    read: (path) => at.git(["cat-file", "blob", `heddle/r1/integration:${path}`]),
    [Symbol.dispose]: () => at[Symbol.dispose](),
  };
}

export function subjects(at: Rig): readonly string[] {
  return at.git(["log", "--reverse", "--first-parent", "--format=%s", "main..heddle/r1/integration"]).split("\n");
}

/** Runs as the test says; remembers on what. */
export function checks(answer: (folder: string, commit: string) => boolean | Promise<boolean>): {
  readonly verify: readonly Verification[];
  readonly seen: string[];
} {
  const seen: string[] = [];
  const run: Verification["run"] = async (folder, { commit }) => {
    seen.push(commit);
    return (await answer(folder, commit)) ? { ok: true } : { ok: false, output: "red" };
  };
  return { verify: [{ run }], seen };
}

export const kinds: (outcomes: readonly MergeOutcome[]) => readonly string[] = (outcomes) =>
  outcomes.map(({ kind }) => kind);
