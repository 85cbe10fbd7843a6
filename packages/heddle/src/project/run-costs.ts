/**
 * Run costs: what the agents of a project's runs used, read from their histories and kept in memory, so that asking again costs only the
 * events that have come since.
 *
 * Invariant: of at most {@link MOST_KEPT} runs something is kept, those that were asked for last.
 */
import { UsedLast } from "../base/used-last.ts";
import { HeddleError } from "../base/errors.ts";
import type { EventLog, RunFilter, RunRecord } from "../journal/port.ts";
import { defined } from "../base/defined.ts";
import { CostReader, costsDocument, type CostsDocument, type CostsOfRun } from "../view/costs.ts";

/** Newest runs that one answer looks at. */
const MOST_RUNS = 200;
const MOST_KEPT = 1000;

export interface CostFilter extends Pick<RunFilter, "plan" | "since" | "until"> {
  /** Of this run alone. */
  readonly run?: string;
}

export class CostReaders {
  /** By the run and when it was created; those asked for last are last. */
  readonly #kept = new UsedLast<string, { readonly reader: CostReader; reading: Promise<void> }>(MOST_KEPT);

  async costs(log: Pick<EventLog, "get" | "read" | "runPage">, filter: CostFilter): Promise<CostsDocument> {
    const { records, next } = await recordsOf(log, filter);
    const runs: CostsOfRun[] = [];
    const unreadable: { readonly run: string; readonly problem: string }[] = [];
    for (const record of records) {
      const { run, plan, createdAt: startedAt } = record;
      try {
        runs.push({ run, plan, startedAt, costs: await this.#readerOf(log, record) });
      } catch (thrown) {
        if (!(thrown instanceof HeddleError)) throw thrown;
        unreadable.push({ run, problem: thrown.message });
      }
    }
    return costsDocument(runs, { isPartial: next !== undefined, unreadable });
  }

  async #readerOf(log: Pick<EventLog, "read">, { run, createdAt, lastSeq }: RunRecord): Promise<CostReader> {
    const key = `${run} ${createdAt}`;
    const kept = this.#kept.get(key) ?? { reader: new CostReader(), reading: Promise.resolve() };
    this.#kept.set(key, kept);
    const reading = kept.reading.then(async () => {
      if (kept.reader.seq >= lastSeq) return;
      for await (const batch of log.read(run, { after: kept.reader.seq }))
        for (const event of batch) kept.reader.add(event);
    });
    // The next one begins where this one came to, also where it was damaged.
    kept.reading = reading.catch(() => undefined);
    await reading;
    return kept.reader;
  }
}

async function recordsOf(
  log: Pick<EventLog, "get" | "runPage">,
  { run, ...filter }: CostFilter,
): Promise<{ readonly records: readonly RunRecord[]; readonly next?: string }> {
  if (run === undefined) return log.runPage(defined({ ...filter, limit: MOST_RUNS }));
  const record = await log.get(run);
  return { records: record === undefined ? [] : [record] };
}
