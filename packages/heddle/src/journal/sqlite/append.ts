/**
 * Event writer: writes events to a database, one batch per transaction. Knows rows and fences, not what events mean.
 *
 * Invariants: 1 to 5 of the port; and numbers of steps and types that were not stored are not kept.
 */
import { BugError, invariant } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { EVENT_VERSION, type Event } from "../../run/event.ts";
import { decodeRun, encodeEvent, runSum, type EncodedEvent, type EventRules, type RunRow } from "./codec.ts";
import type { Database, Param } from "./database.ts";
import { inForce, type LeaseRules } from "../lease.ts";
import type { AppendError, AppendOptions, Lease, StoredNotice } from "../port.ts";
import type { NoticeTable } from "./outbox.ts";
import { LEASE_AT, ROWS_AT_ONCE, SQL } from "./sql.ts";
import { leaseOf } from "./leases.ts";

/** Of a row beside its data, about. */
const ROW_BYTES = 40;

const NONE: readonly StoredNotice[] = [];

/** Columns of {@link SQL.insertStep} and {@link SQL.insertEvent}. */
const STEP_CELLS = 3;
const EVENT_CELLS = 8;

/** The numbers of one run's steps, valid for one lease: nobody else writes them. */
interface StepNumbers {
  readonly run: string;
  readonly fence: number;
  readonly numbers: Map<string, number>;
}

export interface AppenderOptions {
  readonly rules: EventRules;
  readonly leases: LeaseRules;
  readonly notices: NoticeTable;
}

export class Appender {
  readonly #db: Database;
  readonly #rules: EventRules;
  readonly #leases: LeaseRules;
  readonly #notices: NoticeTable;
  #types: ReadonlyMap<string, number> = new Map();
  /** Of the runs that append through this journal now; bounded by {@link Appender.forget}. */
  readonly #steps = new Map<string, StepNumbers>();

  constructor(db: Database, { rules, leases, notices }: AppenderOptions) {
    this.#db = db;
    this.#rules = rules;
    this.#leases = leases;
    this.#notices = notices;
  }

  /** Throws what the driver throws: then nobody knows whether the events are stored. */
  append(
    lease: Lease,
    events: readonly Event[],
    { summary, notices = NONE }: AppendOptions,
  ): Result<void, AppendError> {
    const encoded: EncodedEvent[] = [];
    let bytes = 0;
    for (const event of events) {
      if (event.run !== lease.run)
        throw new BugError(`event of run ${event.run} appended under the lease of ${lease.run}`);
      const one = encodeEvent(event, this.#rules);
      encoded.push(one);
      bytes += ROW_BYTES + one.data.length;
    }
    const summaryText = summary === undefined ? undefined : JSON.stringify(summary);
    this.#db.makeRoom(bytes);
    if (notices.length > 0) this.#notices.make();
    try {
      return this.#db.transaction(() => this.#store(lease, encoded, summaryText, notices));
    } catch (thrown) {
      // Numbers given out in what was undone are not stored.
      this.#steps.clear();
      this.#types = new Map();
      throw thrown;
    }
  }

  forget(run: string): void {
    this.#steps.delete(run);
  }

  #store(
    lease: Lease,
    events: readonly EncodedEvent[],
    summary: string | undefined,
    notices: readonly StoredNotice[],
  ): Result<void, AppendError> {
    const row = this.#db.sql(SQL.run).get(lease.run);
    const current = row === undefined ? undefined : leaseOf(row, LEASE_AT);
    if (row === undefined || current === undefined || current.fence !== lease.fence || current.released) {
      this.#steps.delete(lease.run);
      return err({
        kind: "fenced",
        holder: current !== undefined && inForce(current, this.#leases) ? current.holder : null,
      });
    }
    const run = decodeRun(row, this.#db.file);
    const first = events[0];
    if (first !== undefined && first.seq <= run.lastSeq) return this.#again(run, events);
    let expected = run.lastSeq + 1;
    for (const event of events) {
      if (event.seq !== expected) return err({ kind: "conflict", expected, actual: event.seq });
      expected++;
    }
    this.#insert(run, lease.fence, events);
    if (notices.length > 0) this.#notices.insert(run.id, notices);
    const lastSeq = run.lastSeq + events.length;
    const text = summary ?? run.summary;
    if (first !== undefined || summary !== undefined) {
      this.#db.sql(SQL.updateRun).run(lastSeq, text, runSum(run.run, run.plan, run.createdAt, lastSeq, text), run.id);
    }
    return ok(undefined);
  }

  #insert(run: RunRow, fence: number, events: readonly EncodedEvent[]): void {
    const steps = this.#stepNumbers(run, fence);
    const newSteps: Param[] = [];
    const rows: Param[] = [];
    for (const { seq, time, type, step, attempt, data, sum } of events) {
      const typeId = this.#types.get(type) ?? this.#addType(type);
      let stepId: number | null = null;
      if (step !== null) {
        stepId = steps.get(step) ?? steps.size + 1;
        if (stepId > steps.size) {
          steps.set(step, stepId);
          newSteps.push(run.id, stepId, step);
        }
      }
      rows.push(run.id, seq, time, typeId, stepId, attempt, data, sum);
    }
    this.#insertRows(newSteps, STEP_CELLS, { one: SQL.insertStep, many: SQL.insertSteps });
    this.#insertRows(rows, EVENT_CELLS, { one: SQL.insertEvent, many: SQL.insertEvents });
  }

  /** `cells`: of all rows, one after the other. */
  #insertRows(
    cells: readonly Param[],
    perRow: number,
    { one, many }: { readonly one: string; readonly many: string },
  ): void {
    const perCall = perRow * ROWS_AT_ONCE;
    let at = 0;
    for (; at + perCall <= cells.length; at += perCall) this.#db.sql(many).run(...cells.slice(at, at + perCall));
    for (; at < cells.length; at += perRow) this.#db.sql(one).run(...cells.slice(at, at + perRow));
  }

  /** Events that are stored already: accepted when each is the same, refused as a conflict otherwise. */
  #again(run: RunRow, events: readonly EncodedEvent[]): Result<void, AppendError> {
    const actual = events[0]?.seq ?? 0;
    const conflict = err<AppendError>({ kind: "conflict", expected: run.lastSeq + 1, actual });
    const last = actual + events.length - 1;
    if (last > run.lastSeq || events.some((event, index) => event.seq !== actual + index)) return conflict;
    const rows = this.#db.sql(SQL.events).all(run.id, actual - 1, last + 1, events.length);
    // The checksum covers every field; the data are compared too, since two texts may share a checksum.
    const same =
      rows.length === events.length && rows.every((row, i) => row[5] === events[i]?.data && row[6] === events[i]?.sum);
    return same ? ok(undefined) : conflict;
  }

  #stepNumbers(run: RunRow, fence: number): Map<string, number> {
    const known = this.#steps.get(run.run);
    if (known !== undefined && known.fence === fence) return known.numbers;
    const numbers = new Map<string, number>();
    for (const [id, name] of this.#db.sql(SQL.steps).all(run.id)) {
      if (typeof id === "number" && typeof name === "string") numbers.set(name, id);
    }
    this.#steps.set(run.run, { run: run.run, fence, numbers });
    return numbers;
  }

  #addType(type: string): number {
    const find = (): number | undefined => {
      const known = new Map<string, number>();
      for (const [id, name, version] of this.#db.sql(SQL.types).all()) {
        if (typeof id === "number" && typeof name === "string" && version === EVENT_VERSION) known.set(name, id);
      }
      this.#types = known;
      return known.get(type);
    };
    const known = find();
    if (known !== undefined) return known;
    this.#db.sql(SQL.insertType).run(type, EVENT_VERSION);
    const added = find();
    invariant(added !== undefined, `type ${type} was stored and is not there`);
    return added;
  }
}
