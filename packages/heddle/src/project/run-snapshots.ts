/**
 * Run snapshots: the state of a run at any event without folding its whole history: what was known at each 1,000th event, as
 * far as somebody looked. In memory alone.
 *
 * Invariants:
 *  1. A state is the one that folding the history from its beginning gives.
 *  2. Of all runs at most {@link SnapshotBounds.most} bytes are kept, about: those of runs that nobody looks at go first, then
 *     every other one of the run.
 */
import type { EventLog } from "../journal/port.ts";
import { HistoryReader, type SavedReader } from "../view/history.ts";

export interface SnapshotBounds {
  /** Events from one snapshot to the next, at first. */
  readonly every: number;
  /** Bytes. */
  readonly most: number;
}

const BOUNDS: SnapshotBounds = { every: 1000, most: 64 * 1024 * 1024 };
/** Of a step and of an attempt in a snapshot, about, in bytes: 2.7 MB of 20,000 steps of which half have ended. */
const STEP_BYTES = 110;
const SPAN_BYTES = 48;

interface Snapshot {
  readonly seq: number;
  readonly saved: SavedReader;
  readonly bytes: number;
}

interface RunShots {
  /** Tells a run from one that has its id after it was removed. */
  readonly createdAt: number;
  every: number;
  /** In the order of their events. */
  shots: Snapshot[];
}

export class RunSnapshots {
  readonly #bounds: SnapshotBounds;
  /** Those looked at last are last. */
  readonly #runs = new Map<string, RunShots>();
  #bytes = 0;

  constructor(bounds: Partial<SnapshotBounds> = {}) {
    this.#bounds = { ...BOUNDS, ...bounds };
  }

  /** Bytes that are kept, about. */
  get size(): number {
    return this.#bytes;
  }

  /**
   * The run after event `seq`, and the number of the last event that there is up to it. The reader is the caller's own. A damaged
   * record is thrown as a `HeddleError`.
   */
  async readerAt(
    log: Pick<EventLog, "get" | "read">,
    run: string,
    seq: number,
  ): Promise<{ readonly reader: HistoryReader; readonly seq: number }> {
    const createdAt = (await log.get(run))?.createdAt ?? 0;
    const from = this.#shotsOf(run, createdAt).shots.findLast((shot) => shot.seq <= seq);
    const reader = new HistoryReader(from?.saved);
    let at = from?.seq ?? 0;
    for await (const batch of log.read(run, { after: at, before: seq + 1 })) {
      for (const event of batch) {
        reader.add(event);
        at = event.seq;
        this.#note(run, createdAt, at, reader);
      }
    }
    const own = this.#runs.get(run);
    // Of a run that is too short for any nothing is kept.
    if (own?.shots.length === 0 && own.every === this.#bounds.every) this.#runs.delete(run);
    return { reader, seq: at };
  }

  #shotsOf(run: string, createdAt: number): RunShots {
    let known = this.#runs.get(run);
    if (known !== undefined && known.createdAt !== createdAt) {
      this.#drop(run);
      known = undefined;
    }
    const shots = known ?? { createdAt, every: this.#bounds.every, shots: [] };
    this.#runs.delete(run);
    this.#runs.set(run, shots);
    return shots;
  }

  #note(run: string, createdAt: number, seq: number, reader: HistoryReader): void {
    const known = this.#runs.get(run);
    if (known === undefined || known.createdAt !== createdAt || seq % known.every !== 0) return;
    if ((known.shots.at(-1)?.seq ?? 0) >= seq) return;
    const bytes = (reader.state?.steps.length ?? 0) * STEP_BYTES + reader.timeline.spans().length * SPAN_BYTES;
    known.shots.push({ seq, saved: reader.save(), bytes });
    this.#bytes += bytes;
    this.#keepBounds(run, known);
  }

  #keepBounds(run: string, own: RunShots): void {
    for (const [other] of this.#runs) {
      if (this.#bytes <= this.#bounds.most) return;
      if (other !== run) this.#drop(other);
    }
    while (this.#bytes > this.#bounds.most && own.shots.length > 0) {
      own.every *= 2;
      const gone = own.shots.filter((shot) => shot.seq % own.every !== 0);
      own.shots = own.shots.filter((shot) => shot.seq % own.every === 0);
      for (const { bytes } of gone) this.#bytes -= bytes;
    }
  }

  #drop(run: string): void {
    for (const { bytes } of this.#runs.get(run)?.shots ?? []) this.#bytes -= bytes;
    this.#runs.delete(run);
  }
}
