/**
 * Started runs: those that this server carries out, and how they end with it: as Ctrl-C ends a run of the command line.
 *
 * Invariant: after {@link StartedRuns.end} none goes on, also one that comes later.
 */
import type { RunHandle } from "../project/port.ts";

type Handle = Pick<RunHandle, "result" | "cancel" | "stopWaiting">;

export class StartedRuns {
  readonly #handles = new Set<Handle>();
  #isEnding = false;

  add(handle: Handle): void {
    this.#handles.add(handle);
    // Its outcome is in the journal. A bug in it is no reason for the server to end.
    const remove = (): void => void this.#handles.delete(handle);
    handle.result.then(remove, remove);
    if (this.#isEnding) endOne(handle);
  }

  /** With grace; called again, without. What only waits stays open for a later resume. */
  end(): void {
    this.#isEnding = true;
    for (const handle of this.#handles) endOne(handle);
  }

  /** Resolves when none is left. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#handles].map(({ result }) => result));
  }
}

function endOne(handle: Handle): void {
  if (!handle.stopWaiting()) handle.cancel();
}
