/**
 * Merge chain: the recorded merges of a run, each on top of another. Knows events alone. They may be recorded in another order than
 * they were made: what a process that died had merged is recorded by whoever finds it.
 */
import type { EventOf } from "../event.ts";

export class MergeChain {
  /** What the first merge is on top of; `undefined`: not on record. */
  readonly #begin: string | undefined;
  /** By the merge that it is on top of. */
  readonly #above = new Map<string, string>();
  readonly #commits = new Set<string>();
  /** Merges that others are on top of, with something between that was not recorded. */
  readonly #covered = new Set<string>();

  constructor(begin: string | undefined) {
    this.#begin = begin;
  }

  /** Why this merge cannot be; `undefined`: it can. */
  add({ commit, onto, after }: EventOf<"worktree.merged">["data"]): string | undefined {
    this.#commits.add(commit);
    if (after !== undefined) {
      this.#covered.add(after);
      return undefined;
    }
    const other = this.#above.get(onto);
    this.#above.set(onto, commit);
    if (other === undefined || other === commit) return undefined;
    return `${commit} and ${other} were both merged on top of ${onto}`;
  }

  /** A merge that is on top of something that was not recorded. */
  gap(): string | undefined {
    let first = 0;
    for (const [onto, commit] of this.#above) {
      if (this.#commits.has(onto) || onto === this.#begin) continue;
      // Where it is not on record what the first one is on top of, there is one such.
      if (this.#begin === undefined && first++ === 0) continue;
      return `${commit} was merged on top of ${onto}, which is no recorded merge`;
    }
    return undefined;
  }

  /** Why this cannot land: it is not the merge that nothing was merged on top of. */
  land({ head }: EventOf<"run.landed">["data"]): string | undefined {
    if (head === undefined) return undefined;
    const isLast = this.#commits.has(head) && !this.#above.has(head) && !this.#covered.has(head);
    return isLast ? undefined : `${head} landed, which is not the last recorded merge`;
  }
}
