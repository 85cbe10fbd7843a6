/**
 * The journal over an SQL database. Knows tables through its neighbours; not the driver, not the meaning of events.
 *
 * Invariants: those of the port. In addition: after a failed append nothing is appended through this object any more.
 */
import { HeddleError, type Problem } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { err, type Result } from "../../base/result.ts";
import type { Event } from "../../run/event.ts";
import { parseJson, type EventRules } from "./codec.ts";
import type { Database, Param } from "./database.ts";
import { durationsText, KEPT_DURATIONS, medians } from "../durations.ts";
import { isSystemFailure, problemOf, removedProblem } from "./failures.ts";
import type { LeaseRules } from "../lease.ts";
import type {
  AppendError,
  AppendOptions,
  Holder,
  IntegrityReport,
  Journal,
  Lease,
  LeaseError,
  ReadOptions,
  RunRecord,
  RunRequest,
  Watcher,
} from "../port.ts";
import { SQL } from "./sql.ts";
import { Appender } from "./append.ts";
import { acquireRun, createRun, dropLocks, leaseOf, releaseLease, removeRun, takeLocks } from "./leases.ts";
import { checkAll, guarded, readEvents, recordOf, recordsOf } from "./read.ts";

export class SqliteJournal implements Journal {
  readonly #db: Database;
  readonly #events: EventRules;
  readonly #leases: LeaseRules;
  readonly #appender: Appender;
  #failure: Problem | undefined;
  #closed = false;

  constructor(db: Database, events: EventRules, leases: LeaseRules) {
    this.#db = db;
    this.#events = events;
    this.#leases = leases;
    this.#appender = new Appender(db, events, leases);
  }

  async create(
    run: { readonly run: string; readonly plan: string; readonly createdAt: number },
    holder: Holder,
  ): Promise<Result<Lease, LeaseError>> {
    return this.#leasing(() => createRun(this.#db, this.#leases, run, holder));
  }

  async acquire(run: string, holder: Holder): Promise<Result<Lease, LeaseError>> {
    return this.#leasing(() => acquireRun(this.#db, this.#leases, run, holder));
  }

  #leasing(work: () => Result<Lease, LeaseError>): Result<Lease, LeaseError> {
    try {
      return work();
    } catch (thrown) {
      if (!isSystemFailure(thrown)) throw thrown;
      return err({ kind: "failed", problem: problemOf(thrown, this.#db.file) });
    }
  }

  async heartbeat(lease: Lease): Promise<boolean> {
    try {
      return this.#db.sql(SQL.beat).run(this.#leases.now(), lease.run, lease.fence) === 1;
    } catch (thrown) {
      if (!isSystemFailure(thrown)) throw thrown;
      // A sign of life that cannot be written is no lost lease: ask who has it. The next append tells what is wrong.
      return guarded(this.#db, () => this.#holds(lease));
    }
  }

  #holds(lease: Lease): boolean {
    const row = this.#db.sql(SQL.run).get(lease.run);
    const current = row === undefined ? undefined : leaseOf(row, 7);
    return current !== undefined && current.fence === lease.fence && !current.released;
  }

  async release(lease: Lease): Promise<void> {
    guarded(this.#db, () => releaseLease(this.#db, lease));
    this.#appender.forget(lease.run);
  }

  async append(lease: Lease, events: readonly Event[], options?: AppendOptions): Promise<Result<void, AppendError>> {
    if (this.#failure !== undefined) return err({ kind: "unknown", problem: this.#failure });
    try {
      const appended = this.#appender.append(lease, events, options?.summary);
      // Looked at after the commit: nobody is told of events in a file that was gone by then.
      if (!appended.ok || this.#db.isInPlace()) return appended;
      this.#failure = removedProblem(this.#db.file);
      return err({ kind: "unknown", problem: this.#failure });
    } catch (thrown) {
      if (!isSystemFailure(thrown)) throw thrown;
      this.#failure = problemOf(thrown, this.#db.file);
      return err({ kind: "unknown", problem: this.#failure });
    }
  }

  read(run: string, options: ReadOptions = {}): AsyncIterable<readonly Event[]> {
    return readEvents(this.#db, this.#events, run, options);
  }

  async runs(options: { readonly limit?: number; readonly plan?: string } = {}): Promise<readonly RunRecord[]> {
    const { limit = -1, plan } = options;
    return guarded(this.#db, () => {
      const rows =
        plan === undefined ? this.#db.sql(SQL.runs).all(limit) : this.#db.sql(SQL.runsOfPlan).all(plan, limit);
      return recordsOf(this.#db, rows, this.#leases);
    });
  }

  async get(run: string): Promise<RunRecord | undefined> {
    return guarded(this.#db, () => {
      const row = this.#db.sql(SQL.run).get(run);
      return row === undefined ? undefined : recordOf(this.#db, row, this.#leases);
    });
  }

  async find(prefix: string): Promise<readonly string[]> {
    const rows = guarded(this.#db, () => this.#db.sql(SQL.findRuns).all(prefix, `${prefix}\u{10ffff}`));
    return rows.map((row) => String(row[0]));
  }

  async remove(run: string): Promise<boolean> {
    const removed = guarded(this.#db, () => removeRun(this.#db, this.#leases, run));
    if (removed) this.#appender.forget(run);
    return removed;
  }

  async request(run: string, time: number, body: Json): Promise<number> {
    const id = guarded(this.#db, () => this.#db.sql(SQL.insertRequest).get(time, JSON.stringify(body), run)?.[0]);
    if (typeof id !== "number") throw unknownRun(run);
    return id;
  }

  async requests(run: string, after: number): Promise<readonly RunRequest[]> {
    const rows = guarded(this.#db, () => this.#db.sql(SQL.requests).all(run, after));
    return rows.map(([id, time, body]) => ({
      id: Number(id),
      run,
      time: Number(time),
      body: parseJson(body, this.#db.file, `request ${id}`),
    }));
  }

  async settle(run: string, id: number): Promise<void> {
    this.#write(SQL.settle, id, run);
  }

  watch(): Watcher {
    let seenOthers: unknown;
    let seenOwn: unknown;
    return {
      changed: () => {
        const others = guarded(this.#db, () => this.#db.sql(SQL.dataVersion).get()?.[0]);
        const own = guarded(this.#db, () => this.#db.sql(SQL.ownChanges).get()?.[0]);
        const changed = others !== seenOthers || own !== seenOwn;
        seenOthers = others;
        seenOwn = own;
        return changed;
      },
    };
  }

  async lock(
    lease: Lease,
    step: string,
    names: { readonly read: readonly string[]; readonly write: readonly string[] },
  ): Promise<string | undefined> {
    if (names.read.length === 0 && names.write.length === 0) return undefined;
    return guarded(this.#db, () => takeLocks(this.#db, this.#leases, lease, step, names));
  }

  async unlock(lease: Lease, step: string): Promise<void> {
    guarded(this.#db, () => dropLocks(this.#db, lease, step));
  }

  async recordDurations(run: string, plan: string, durations: ReadonlyMap<string, number>): Promise<void> {
    const data = durationsText(durations);
    guarded(this.#db, () =>
      this.#db.transaction(() => {
        this.#db.sql(SQL.putDurations).run(plan, data, run);
        this.#db.sql(SQL.trimDurations).run(plan, KEPT_DURATIONS);
      }),
    );
  }

  async expectedDurations(plan: string): Promise<ReadonlyMap<string, number>> {
    const rows = guarded(this.#db, () => this.#db.sql(SQL.durations).all(plan, KEPT_DURATIONS));
    return medians(rows.map((row) => String(row[0])));
  }

  async backup(path: string): Promise<void> {
    try {
      await this.#db.copyTo(path);
    } catch (thrown) {
      throw thrown instanceof HeddleError ? thrown : new HeddleError(problemOf(thrown, path));
    }
  }

  async check(): Promise<IntegrityReport> {
    return checkAll(this.#db, this.#events);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    guarded(this.#db, () => this.#db.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #write(text: string, ...params: readonly Param[]): void {
    guarded(this.#db, () => this.#db.sql(text).run(...params));
  }
}

function unknownRun(run: string): HeddleError {
  return new HeddleError({
    code: "UnknownRun",
    message: `the journal has no run ${run}`,
    hint: "List runs with `heddle runs`.",
  });
}
