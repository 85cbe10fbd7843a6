/**
 * Run overviews: what lists show of runs, each folded once for the events that it has. In memory alone.
 *
 * Invariant: at most {@link MOST_KEPT} are kept; those asked for last stay.
 */
import { HeddleError } from "../base/errors.ts";
import { UsedLast } from "../base/used-last.ts";
import type { EventLog } from "../journal/port.ts";
import { RunFollower } from "../view/follower.ts";
import { runOverview, type RunOverview } from "../view/run-overview.ts";
import { emptyRun } from "./read-run.ts";

const MOST_KEPT = 2000;

export type ReadOverview = RunOverview | { readonly run: string; readonly problem: string };

export class RunOverviews {
  readonly #log: Pick<EventLog, "get" | "read">;
  readonly #kept = new UsedLast<string, RunOverview>(MOST_KEPT);

  constructor(log: Pick<EventLog, "get" | "read">) {
    this.#log = log;
  }

  /** In the order of the ids. A run that is not there, or cannot be read, has its problem. */
  async of(runs: readonly string[]): Promise<readonly ReadOverview[]> {
    const found: ReadOverview[] = [];
    // One after another: what else the process does goes on in between.
    for (const run of runs) found.push(await this.#read(run));
    return found;
  }

  async #read(run: string): Promise<ReadOverview> {
    try {
      return await this.#overviewOf(run);
    } catch (thrown) {
      if (!(thrown instanceof HeddleError)) throw thrown;
      return { run, problem: thrown.message };
    }
  }

  async #overviewOf(run: string): Promise<RunOverview> {
    const record = await this.#log.get(run);
    const live = (record?.holder ?? null) !== null;
    const known = this.#kept.get(run);
    if (known !== undefined && known.seq === record?.lastSeq && known.head.live === live) return known;
    // What is not so any more is not given if it cannot be read anew.
    this.#kept.delete(run);
    const follower = new RunFollower(live);
    for await (const events of this.#log.read(run)) for (const event of events) follower.add(event);
    const view = follower.snapshot();
    if (view === undefined) throw new HeddleError(emptyRun(run));
    const overview = runOverview(view);
    this.#kept.set(run, overview);
    return overview;
  }
}
