/**
 * Attention of a project: what of its runs waits for people, as often as somebody asks: a run in which nothing has happened since is not
 * read again.
 *
 * Invariants:
 *  1. What is given is what reading each run from its beginning would give.
 *  2. The states of at most {@link MOST_READERS} runs are kept; any other is read from its beginning when something has happened in it.
 */
import { HeddleError } from "../base/errors.ts";
import { UsedLast } from "../base/used-last.ts";
import type { EventLog, Statistics } from "../journal/port.ts";
import type { RunStatus } from "../run/status.ts";
import { attentionOf, type RunAttention } from "../view/attention.ts";
import { HistoryReader } from "../view/history.ts";
import { listPage } from "./list-runs.ts";
import { emptyRun } from "./read-run.ts";

export interface ProjectAttention {
  readonly items: readonly RunAttention[];
  /** Runs that cannot be read, and why. */
  readonly unreadable: readonly { readonly run: string; readonly problem: string }[];
  /** There are runs that were not looked at. */
  readonly isPartial: boolean;
}

/** Of each kind below. */
const MOST_RUNS = 200;
const LOOKED_AT: readonly (readonly RunStatus[])[] = [["running", "paused", "waiting"], ["interrupted"]];
const MOST_READERS = 16;

/** What is known of a run that may ask something. */
interface Known {
  readonly seq: number;
  readonly live: boolean;
  readonly items: readonly RunAttention[];
}

/** A run whose history cannot be read, and at which event that was found. */
interface Damaged {
  readonly lastSeq: number;
  readonly createdAt: number;
  readonly problem: string;
}

export class AttentionReader {
  readonly #log: Pick<EventLog, "runPage" | "get" | "read"> & Pick<Statistics, "expectedDurations">;
  #known = new Map<string, Known>();
  #damaged: ReadonlyMap<string, Damaged> = new Map();
  readonly #readers = new UsedLast<string, HistoryReader>(MOST_READERS);
  /** One look after another: two would add the same events to a reader. */
  #last: Promise<unknown> = Promise.resolve();
  /** The look that has not begun yet: it sees all that happened before anybody asked for it. */
  #next: Promise<ProjectAttention> | undefined;

  constructor(log: Pick<EventLog, "runPage" | "get" | "read"> & Pick<Statistics, "expectedDurations">) {
    this.#log = log;
  }

  /** What is asked for while a look goes on is answered by the one after it, for all who asked. */
  look(): Promise<ProjectAttention> {
    if (this.#next !== undefined) return this.#next;
    const begin = (): Promise<ProjectAttention> => {
      this.#next = undefined;
      return this.#look();
    };
    const look = this.#last.then(begin, begin);
    this.#next = look;
    this.#last = look;
    return look;
  }

  async #look(): Promise<ProjectAttention> {
    const items: RunAttention[] = [];
    const unreadable: ProjectAttention["unreadable"][number][] = [];
    const known = new Map<string, Known>();
    const damaged = new Map<string, Damaged>();
    let isPartial = false;
    for (const statuses of LOOKED_AT) {
      const page = await listPage(this.#log, { limit: MOST_RUNS, statuses });
      isPartial ||= page.next !== undefined;
      for (const { run } of page.runs) {
        try {
          const damage = await this.#damageOf(run);
          if (damage !== undefined) {
            unreadable.push({ run, problem: damage.problem });
            damaged.set(run, damage);
            continue;
          }
          const now = await this.#lookAt(run);
          known.set(run, now);
          items.push(...now.items);
        } catch (thrown) {
          if (!(thrown instanceof HeddleError)) throw thrown;
          this.#readers.delete(run);
          unreadable.push({ run, problem: thrown.message });
          // What is wrong may be wrong with that too: then it is looked at again.
          const record = thrown.code === "JournalDamaged" ? await this.#log.get(run).catch(() => undefined) : undefined;
          if (record !== undefined) damaged.set(run, { ...record, problem: thrown.message });
        }
      }
    }
    this.#known = known;
    this.#damaged = damaged;
    for (const run of this.#readers.keys()) if (!known.has(run)) this.#readers.delete(run);
    return { items, unreadable, isPartial };
  }

  /** Of a run in which nothing has happened since it was found damaged. */
  async #damageOf(run: string): Promise<Damaged | undefined> {
    const found = this.#damaged.get(run);
    if (found === undefined) return undefined;
    const record = await this.#log.get(run);
    return record?.lastSeq === found.lastSeq && record.createdAt === found.createdAt ? found : undefined;
  }

  async #lookAt(run: string): Promise<Known> {
    const record = await this.#log.get(run);
    const live = (record?.holder ?? null) !== null;
    const known = this.#known.get(run);
    if (known !== undefined && known.live === live && known.seq === record?.lastSeq) return known;
    const reader = this.#readerOf(run);
    for await (const events of this.#log.read(run, { after: reader.state?.seq ?? 0 }))
      for (const event of events) reader.add(event);
    const { state } = reader;
    if (state === undefined) throw new HeddleError(emptyRun(run));
    const asks = state.index.questions.size > 0;
    const expected = asks ? await this.#log.expectedDurations(state.plan.name) : new Map<string, number>();
    return { seq: state.seq, live, items: attentionOf(state, { live, expected }) };
  }

  #readerOf(run: string): HistoryReader {
    const reader = this.#readers.get(run) ?? new HistoryReader();
    this.#readers.set(run, reader);
    return reader;
  }
}
