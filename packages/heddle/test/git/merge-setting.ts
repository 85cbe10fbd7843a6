/** A repository with what a merge queue is tried with: attempts' commits, requests to merge them, checks that answer as a test says. */
import { LocalMergeQueue, type LocalQueueOptions } from "../../src/git/merge-queue.ts";
import type { Verify } from "../../src/git/port.ts";
import type { MergeCheck, MergeOutcome, MergeRequest, VerifyRequest, VerifyResult } from "../../src/git/types.ts";
import type { LocalWorktrees } from "../../src/git/worktree.ts";
import { type TestRepository, testRepository } from "./test-repository.ts";

export interface MergeSetting extends Disposable {
  readonly repository: TestRepository;
  readonly base: string;
  readonly trees: LocalWorktrees;
  queue(options?: Partial<LocalQueueOptions>): LocalMergeQueue;
  /** A commit on the base with these files, as a capture would give. */
  commit(files: { readonly [path: string]: string }, onto?: string): string;
  entry(step: string, files: { readonly [path: string]: string }, more?: Partial<MergeRequest>): MergeRequest;
  read(path: string): string;
}

export async function mergeSetting(prepare?: (at: TestRepository) => void): Promise<MergeSetting> {
  const at = testRepository();
  prepare?.(at);
  const { base } = await at.open();
  const trees = await at.worktrees();
  const commit: MergeSetting["commit"] = (files, onto = base) => at.commitOnto(onto, files);
  let order = 0;
  return {
    repository: at,
    base,
    trees,
    commit,
    queue: (options = {}) =>
      new LocalMergeQueue({ worktrees: trees, run: "r1", base, verify: verifyAsTold, ...options }),
    entry: (step, files, more = {}) => ({ step, attempt: 1, commit: commit(files), order: order++, ...more }),
    read: (path) => at.git(["cat-file", "blob", `heddle/r1/integration:${path}`]),
    [Symbol.dispose]: () => at[Symbol.dispose](),
  };
}

export function subjects(at: TestRepository): readonly string[] {
  return at.git(["log", "--reverse", "--first-parent", "--format=%s", "main..heddle/r1/integration"]).split("\n");
}

/** What a test does where a queue has a check run. */
export type Check = (request: VerifyRequest, signal: AbortSignal) => Promise<VerifyResult>;

const CHECKS = new Map<string, Check>();

/** Checks are known to a queue by their commands alone. */
export const verifyAsTold: Verify = async (request, signal) => {
  const check = CHECKS.get(request.commands[0] ?? "");
  return check === undefined ? { ok: true } : await check(request, signal);
};

/** A check that a test runs itself. */
export function checkBy(check: Check, key?: string): readonly MergeCheck[] {
  const command = `check ${CHECKS.size}`;
  CHECKS.set(command, check);
  return [{ commands: [command], ...(key === undefined ? {} : { key }) }];
}

/** Answers as the test says; remembers on what. */
export function answering(
  answer: (folder: string, commit: string) => boolean | Promise<boolean>,
  key?: string,
): { readonly checks: readonly MergeCheck[]; readonly seen: string[] } {
  const seen: string[] = [];
  const check: Check = async ({ folder, commit }) => {
    seen.push(commit);
    return (await answer(folder, commit))
      ? { ok: true }
      : { ok: false, failure: { command: "check", reason: "red", output: "" } };
  };
  return { checks: checkBy(check, key), seen };
}

export const kinds: (outcomes: readonly MergeOutcome[]) => readonly string[] = (outcomes) =>
  outcomes.map(({ kind }) => kind);
