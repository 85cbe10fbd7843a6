/**
 * Worktree pool: limits the number of a run's worktrees. A step waits while other steps of the run hold theirs;
 * worktrees that could not be removed are tried again before a step is refused. Knows who holds a worktree, not what is
 * done in it.
 *
 * Invariants:
 *  1. A step that waits holds no worktree, and a holder needs no second one: no step waits for ever.
 *  2. If no step of the run holds a worktree, a refusal is returned at once.
 */
import type { Result } from "../../base/result.ts";
import type { Worktrees } from "../../git/port.ts";
import type { Worktree, WorktreeRefusal, WorktreeRequest } from "../../git/types.ts";

/** A holder of a worktree, and what ends it. */
export interface WorktreeHolder {
  readonly signal: AbortSignal;
}

export class WorktreePool {
  readonly #trees: Pick<Worktrees, "ensure" | "remove">;
  readonly #holders = new Set<WorktreeHolder>();
  readonly #leftovers = new Map<string, Worktree>();
  #given: { readonly promise: Promise<void>; readonly resolve: () => void } = Promise.withResolvers<void>();

  constructor(trees: Pick<Worktrees, "ensure" | "remove">) {
    this.#trees = trees;
  }

  /** As {@link Worktrees.ensure}; `onWait`: called once if it has to wait. The holder calls {@link release}. */
  async acquire(
    holder: WorktreeHolder,
    request: WorktreeRequest,
    onWait: () => void,
  ): Promise<Result<Worktree, WorktreeRefusal>> {
    for (let isFirst = true; ;) {
      const given = this.#given;
      const made = await this.#trees.ensure(request);
      if (made.ok) {
        this.#holders.add(holder);
        // It is worked in again.
        this.#leftovers.delete(made.value.path);
        return made;
      }
      if (made.error.code !== "WorktreeLimit") return made;
      if (await this.tidy()) continue;
      const isSame = given === this.#given;
      if (holder.signal.aborted || (isSame && this.#holders.size === 0)) return made;
      if (isSame && isFirst) onWait();
      isFirst &&= !isSame;
      await orAborted(given.promise, holder.signal);
    }
  }

  /** The holder is done with its worktree, whether or not it is there still. */
  release(holder: WorktreeHolder): void {
    if (this.#holders.delete(holder)) this.#wake();
  }

  /**
   * Removes it with its branch: everything in it is captured. `false`: it is in use, or has more; it is tried again
   * later.
   */
  async remove(tree: Worktree): Promise<boolean> {
    const removed = await this.#trees.remove(tree, { branch: "delete" });
    if (!removed.ok) {
      this.#leftovers.set(tree.path, tree);
      return false;
    }
    this.#leftovers.delete(tree.path);
    this.#wake();
    return true;
  }

  /** Tries those again that could not be removed. Whether one could. */
  async tidy(): Promise<boolean> {
    let any = false;
    for (const tree of this.#leftovers.values()) any = (await this.remove(tree)) || any;
    return any;
  }

  #wake(): void {
    this.#given.resolve();
    this.#given = Promise.withResolvers<void>();
  }
}

async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  await Promise.race([promise, aborted]);
  signal.removeEventListener("abort", end);
}
