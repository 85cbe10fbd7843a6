/**
 * Replay cursors: runs as pages show them at any event, for those who go through a history: a few followers of runs are kept where somebody
 * looked last, so that going forward costs the events in between and not the whole run.
 *
 * Invariants:
 *  1. What is given is what the history up to the event gives, whoever looked at what before.
 *  2. A cursor serves one at a time: it is taken out while it is moved.
 *  3. At most {@link MOST_CURSORS} are kept, with at most {@link MOST_STEPS} steps together.
 */
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { EventLog } from "../journal/port.ts";
import { RunFollower } from "../view/follower.ts";
import { replayPatch, type LiveRunAt, type ReplayPatch } from "../view/run-replay.ts";
import { emptyRun, tooFewEvents } from "./read-run.ts";
import type { RunSnapshots } from "./run-snapshots.ts";

const MOST_CURSORS = 8;
const MOST_STEPS = 100_000;
/** Events that a cursor goes forward; behind them a snapshot is nearer. */
const MOST_AHEAD = 2000;

interface Cursor {
  readonly run: string;
  /** Tells a run from one that has its id after it was removed. */
  readonly createdAt: number;
  /** At the event that it has shown last. */
  readonly follower: RunFollower;
}

export class ReplayCursors {
  readonly #log: Pick<EventLog, "get" | "read">;
  readonly #snapshots: RunSnapshots;
  /** Those used last are last. */
  #kept: readonly Cursor[] = [];

  constructor(log: Pick<EventLog, "get" | "read">, snapshots: RunSnapshots) {
    this.#log = log;
    this.#snapshots = snapshots;
  }

  /** The run after event `seq`. A damaged record is thrown as a `HeddleError`. */
  async at(run: string, seq: number): Promise<Result<LiveRunAt, Problem>> {
    const cursor = await this.#cursorAt(run, seq);
    if (!cursor.ok) return cursor;
    const shown = shownBy(cursor.value);
    this.#keep(cursor.value);
    return shown === undefined ? err(emptyRun(run)) : ok(shown);
  }

  /** What makes the run after event `from` the run after event `to`. A damaged record is thrown as a `HeddleError`. */
  async patch(run: string, from: number, to: number): Promise<Result<ReplayPatch, Problem>> {
    const cursor = await this.#cursorAt(run, from);
    if (!cursor.ok) return cursor;
    const before = shownBy(cursor.value);
    if (before === undefined) return err(emptyRun(run));
    if (to >= from && to - from <= MOST_AHEAD) {
      const last = await this.#forward(cursor.value, to);
      if (last < to) return err(tooFewEvents(run, last));
      const { follower } = cursor.value;
      const ops = follower.patch()?.ops ?? [];
      this.#keep(cursor.value);
      return ok({ from, to, time: follower.reader.state?.lastTime ?? before.time, ops });
    }
    const after = await this.at(run, to);
    return after.ok ? ok(replayPatch(before, after.value)) : after;
  }

  async #cursorAt(run: string, seq: number): Promise<Result<Cursor, Problem>> {
    const createdAt = (await this.#log.get(run))?.createdAt ?? 0;
    const near = this.#take(run, createdAt, seq);
    if (near !== undefined) {
      const last = await this.#forward(near, seq);
      near.follower.patch();
      if (last < seq) this.#keep(near);
      return last < seq ? err(tooFewEvents(run, last)) : ok(near);
    }
    const { reader, seq: last } = await this.#snapshots.readerAt(this.#log, run, seq);
    // A process held the run when the event was recorded.
    return last < seq ? err(tooFewEvents(run, last)) : ok({ run, createdAt, follower: new RunFollower(true, reader) });
  }

  /** The number of the event that it is at then. */
  async #forward({ run, follower }: Cursor, to: number): Promise<number> {
    if (follower.seq < to)
      for await (const batch of this.#log.read(run, { after: follower.seq, before: to + 1 }))
        for (const event of batch) follower.add(event);
    return follower.seq;
  }

  /** The nearest one before the event. */
  #take(run: string, createdAt: number, seq: number): Cursor | undefined {
    let nearest: Cursor | undefined;
    for (const cursor of this.#kept) {
      const at = cursor.follower.seq;
      if (cursor.run !== run || cursor.createdAt !== createdAt || at > seq || seq - at > MOST_AHEAD) continue;
      if (nearest === undefined || at > nearest.follower.seq) nearest = cursor;
    }
    this.#kept = this.#kept.filter((cursor) => cursor !== nearest);
    return nearest;
  }

  #keep(cursor: Cursor): void {
    let steps = 0;
    const newest = [...this.#kept, cursor].toReversed().filter(({ follower }, at) => {
      steps += follower.reader.state?.steps.length ?? 0;
      return at < MOST_CURSORS && (at === 0 || steps <= MOST_STEPS);
    });
    this.#kept = newest.toReversed();
  }
}

function shownBy({ follower }: Cursor): LiveRunAt | undefined {
  const shown = follower.snapshot();
  return shown && { ...shown, time: follower.reader.state?.lastTime ?? 0 };
}
