/**
 * Event reader: reads histories and run records from a database and checks each one. Knows rows, not what events mean.
 *
 * Invariants:
 *  1. A history is returned complete, in order and as it was written, or reading throws and says where: a gap and a
 *     missing end are damage like a wrong checksum.
 *  2. No transaction stays open between two batches: a slow reader does not keep the journal's log from being
 *     checkpointed.
 */
import { HeddleError } from "../../base/errors.ts";
import type { Event } from "../../run/event.ts";
import { damaged, decodeEvent, decodeRun, parseJson, type EventRules, type RowSource } from "./codec.ts";
import type { Database, Row } from "./database.ts";
import { guarded } from "./failures.ts";
import { inForce, type LeaseRules } from "../lease.ts";
import { placeOf, type ReadOptions, type RunMark, type RunPage, type RunPageOptions, type RunRecord } from "../port.ts";
import { LEASE_AT, ROWS_AT_ONCE, SQL } from "./sql.ts";
import { leaseOf } from "./leases.ts";

const BATCH = 1000;
const EVERYTHING = 2 ** 52;

export async function* readEvents(
  db: Database,
  rules: EventRules,
  run: string,
  options: ReadOptions,
): AsyncGenerator<readonly Event[]> {
  const found = guarded(db, () => db.sql(SQL.run).get(run));
  if (found === undefined) return;
  const { id, lastSeq } = guarded(db, () => decodeRun(found, db.file));
  const source = rowSource(db, rules, run, id);
  const { step, backwards = false, before } = options;
  const range = { after: options.after ?? 0, before: before ?? EVERYTHING };
  let left = options.limit ?? EVERYTHING;
  // Where the next event must be, of a history that is read without leaving any out.
  let expected = backwards ? Math.min(lastSeq, range.before - 1) : range.after + 1;
  // What is recorded while it is read backwards would be behind its beginning.
  if (backwards) range.before = expected + 1;
  while (left > 0) {
    const size = Math.min(BATCH, left);
    const events = guarded(db, () => readBatch(db, source, id, { ...range, step, backwards, size }));
    const last = events.at(-1);
    if (last !== undefined) {
      if (step === undefined) expected = checkOrder(db.file, events, expected, backwards ? -1 : 1);
      if (backwards) range.before = last.seq;
      else range.after = last.seq;
      left -= events.length;
      yield events;
    }
    if (events.length < size) break;
  }
  if (step !== undefined || left === 0) return;
  const isMissing = backwards ? expected > range.after : expected < range.before && expected <= lastSeq;
  if (isMissing && guarded(db, () => db.sql(SQL.runId).get(run)) !== undefined) {
    const where = backwards ? "" : `: the history ends before event ${Math.min(lastSeq, range.before - 1)}`;
    throw damaged(db.file, `is missing${where}`, run, expected);
  }
}

interface Batch {
  readonly after: number;
  readonly before: number;
  readonly step: string | undefined;
  readonly backwards: boolean;
  readonly size: number;
}

function readBatch(
  db: Database,
  source: RowSource,
  id: number,
  { after, before, step, backwards, size }: Batch,
): readonly Event[] {
  if (step === undefined)
    return db
      .sql(backwards ? SQL.eventsBackwards : SQL.events)
      .all(id, after, before, size)
      .map((row) => decodeEvent(row, source));
  const number = db.sql(SQL.stepId).get(id, step)?.[0];
  if (typeof number !== "number") return [];
  return db
    .sql(backwards ? SQL.eventsOfStepBackwards : SQL.eventsOfStep)
    .all(id, after, before, number, size)
    .map((row) => decodeEvent(row, source));
}

/** Returns the number that has to come next. */
function checkOrder(file: string, events: readonly Event[], first: number, by: 1 | -1): number {
  let expected = first;
  for (const event of events) {
    if (event.seq !== expected) throw damaged(file, "is missing", event.run, expected);
    expected += by;
  }
  return expected;
}

/** Names for the numbers of one run, read when first met: a writer may add some while a reader reads. */
function rowSource(db: Database, rules: EventRules, run: string, id: number): RowSource {
  const types = new Map<number, { readonly name: string; readonly version: number }>();
  const steps = new Map<number, string>();
  return {
    file: db.file,
    run,
    rules,
    typeOf(number) {
      if (!types.has(number)) {
        for (const [type, name, version] of db.sql(SQL.types).all()) {
          if (typeof type === "number" && typeof name === "string" && typeof version === "number")
            types.set(type, { name, version });
        }
      }
      return types.get(number);
    },
    stepOf(number) {
      // Events near each other are of steps whose numbers are, forwards and backwards; who reads a few reads no more names than that.
      if (!steps.has(number))
        for (const [step, name] of db.sql(SQL.stepsFrom).all(id, number - (number % ROWS_AT_ONCE), ROWS_AT_ONCE))
          if (typeof step === "number" && typeof name === "string") steps.set(step, name);
      return steps.get(number);
    },
  };
}

/** A row of `SQL.run` or `SQL.runs` as a record; throws on damage. */
export function recordOf(db: Database, row: Row, leases: LeaseRules): RunRecord {
  const { run, plan, createdAt, lastSeq, summary } = decodeRun(row, db.file);
  const lease = leaseOf(row, LEASE_AT);
  const holder = lease !== undefined && inForce(lease, leases) ? lease.holder : null;
  return { run, plan, createdAt, lastSeq, summary: parseJson(summary, db.file, `the summary of run ${run}`), holder };
}

/** Damaged records are left out, so that one of them does not hide the others: `check` names them. */
export function recordsOf(db: Database, rows: readonly Row[], leases: LeaseRules): readonly RunRecord[] {
  const records: RunRecord[] = [];
  for (const row of rows) {
    try {
      records.push(recordOf(db, row, leases));
    } catch (thrown) {
      if (!(thrown instanceof HeddleError)) throw thrown;
    }
  }
  return records;
}

/** Of all runs, in the order in which they lie. */
export function readMarks(db: Database, member: string): readonly RunMark[] {
  return db
    .sql(SQL.marks)
    .all(memberPath(member))
    .map(([run, lastSeq, value]) => ({
      run: String(run),
      lastSeq: Number(lastSeq),
      member: typeof value === "string" ? value : null,
    }));
}

/** Of a member of a summary, as SQLite's functions for JSON take it. */
function memberPath(member: string): string {
  return `$.${JSON.stringify(member)}`;
}

/** A part of the list of runs, newest first. */
export function readPage(db: Database, options: RunPageOptions, leases: LeaseRules): RunPage {
  const { limit, cursor, plan = null, since = -EVERYTHING, until = EVERYTHING, text = null, summary } = options;
  const path = summary === undefined ? null : memberPath(summary.member);
  const values = JSON.stringify(summary?.oneOf ?? []);
  const found = db.sql(SQL.runPage).all(placeOf(cursor), plan, since, until, text, path, values, limit + 1);
  const rows = found.slice(0, limit);
  const records = recordsOf(db, rows, leases);
  const last = rows.at(-1)?.[0];
  return found.length > limit && last !== undefined ? { records, next: String(last) } : { records };
}
