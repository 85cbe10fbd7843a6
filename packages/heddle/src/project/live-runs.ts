/**
 * Registry of this process's runs: the code of their plans, and their handles. Knows no engine.
 *
 * Invariant: an entry is removed when the handle of its run has settled, so that a process of a thousand runs holds only
 * live ones.
 */
import type { RunHandle } from "../engine/api.ts";
import type { PlanCode } from "../engine/executor.ts";

interface LiveRun {
  readonly code: PlanCode;
  readonly handle: RunHandle;
}

export class LiveRuns {
  readonly #runs = new Map<string, LiveRun>();
  readonly #leaving = new Set<Promise<void>>();
  readonly #onLeft: (run: string) => Promise<void>;

  /** `onLeft` is called when a run's handle has settled, or the registry is closed before. */
  constructor(onLeft: (run: string) => Promise<void>) {
    this.#onLeft = onLeft;
  }

  /** How many there are. */
  get size(): number {
    return this.#runs.size;
  }

  /** Called with the handle of a run before anything of it has run. */
  add(handle: RunHandle, code: PlanCode): void {
    const live: LiveRun = { code, handle };
    this.#runs.set(handle.run, live);
    const remove = (): Promise<void> => this.#remove(handle.run, live);
    // What fails there is told by `close`.
    handle.result.then(remove, remove).catch(() => undefined);
  }

  codeFor(run: string): PlanCode | undefined {
    return this.#runs.get(run)?.code;
  }

  handleOf(run: string): RunHandle | undefined {
    return this.#runs.get(run)?.handle;
  }

  /** Called when no attempt is under way any more. Rejects with what went wrong on the way of any run. */
  async close(): Promise<void> {
    for (const [run, live] of this.#runs) await this.#remove(run, live);
    await Promise.all(this.#leaving);
  }

  async #remove(run: string, live: LiveRun): Promise<void> {
    // Taken up again meanwhile, it is another entry's.
    if (this.#runs.get(run) !== live) return;
    this.#runs.delete(run);
    const leaving = this.#onLeft(run);
    this.#leaving.add(leaving);
    await leaving;
    this.#leaving.delete(leaving);
  }
}
