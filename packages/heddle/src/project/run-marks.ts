/**
 * Run marks: where in a run's history things happened that people look for, kept in memory so that asking again costs only the events
 * that have come since. Knows no page.
 *
 * Invariant: of at most {@link MOST_RUNS} runs something is kept, those that were asked for last.
 */
import { UsedLast } from "../base/used-last.ts";
import type { EventLog } from "../journal/port.ts";
import { MarkReader, type HistoryMarks } from "../view/marks.ts";

const MOST_RUNS = 16;

interface KeptMarks {
  /** Tells a run from one that has its id after it was removed. */
  readonly createdAt: number;
  readonly reader: MarkReader;
  /** Settled when the last one who asked has read on. */
  reading: Promise<void>;
}

export class MarkReaders {
  readonly #kept = new UsedLast<string, KeptMarks>(MOST_RUNS);

  /** A damaged record is thrown as a `HeddleError`. */
  async marks(log: Pick<EventLog, "get" | "read">, run: string): Promise<HistoryMarks> {
    const createdAt = (await log.get(run))?.createdAt ?? 0;
    const known = this.#kept.get(run);
    const kept =
      known?.createdAt === createdAt ? known : { createdAt, reader: new MarkReader(), reading: Promise.resolve() };
    this.#kept.set(run, kept);
    const reading = kept.reading.then(() => readOn(log, run, kept.reader));
    // The next one begins where this one came to, also where it was damaged.
    kept.reading = reading.catch(() => undefined);
    await reading;
    return kept.reader.marks(run);
  }
}

async function readOn(log: Pick<EventLog, "read">, run: string, reader: MarkReader): Promise<void> {
  for await (const batch of log.read(run, { after: reader.seq })) for (const event of batch) reader.add(event);
}
