/** Leases as rows. `journal/lease.ts` has the rule when a lease is valid. */
import { err, ok, type Result } from "../../base/result.ts";
import { decodeRun, runSum } from "./codec.ts";
import type { Database, Row } from "./database.ts";
import { inForce, type LeaseRow, type LeaseRules } from "../lease.ts";
import type { Holder, Lease, LeaseError, Leases } from "../port.ts";
import { guarded, isSystemFailure, problemOf } from "./failures.ts";
import { LEASE_AT, SQL } from "./sql.ts";

/** `onReleased` is called with a run whose lease this journal released. */
export function sqliteLeases(db: Database, rules: LeaseRules, onReleased: (run: string) => void): Leases {
  return {
    create: async (run, holder) => leasing(db, () => createRun(db, rules, run, holder)),
    acquire: async (run, holder) => leasing(db, () => acquireRun(db, rules, run, holder)),
    async heartbeat(lease) {
      try {
        return db.sql(SQL.beat).run(rules.now(), lease.run, lease.fence) === 1;
      } catch (thrown) {
        if (!isSystemFailure(thrown)) throw thrown;
        // A renewal that cannot be written is not a lost lease: ask who has it. The next append reports what is
        // wrong.
        return guarded(db, () => holds(db, lease));
      }
    },
    async release(lease) {
      guarded(db, () => releaseLease(db, lease));
      onReleased(lease.run);
    },
  };
}

function leasing(db: Database, work: () => Result<Lease, LeaseError>): Result<Lease, LeaseError> {
  try {
    return work();
  } catch (thrown) {
    if (!isSystemFailure(thrown)) throw thrown;
    return err({ kind: "failed", problem: problemOf(thrown, db.file) });
  }
}

function holds(db: Database, lease: Lease): boolean {
  const row = db.sql(SQL.run).get(lease.run);
  const current = row === undefined ? undefined : leaseOf(row, LEASE_AT);
  return current !== undefined && current.fence === lease.fence && !current.released;
}

/** The lease in a row whose lease columns begin at `at`; `undefined` if there is none. */
export function leaseOf(row: Row, at: number): LeaseRow | undefined {
  const [fence, pid, started, title, boot, space, beat, released] = row.slice(at);
  if (typeof fence !== "number" || typeof pid !== "number" || typeof beat !== "number") return undefined;
  return {
    fence,
    holder: { pid, started: String(started), title: String(title) },
    machine: { boot: String(boot), space: String(space) },
    beat,
    released: released !== 0,
  };
}

/** Of the run with this number. */
export function currentLease(db: Database, run: number): LeaseRow | undefined {
  const row = db.sql(SQL.lease).get(run);
  return row === undefined ? undefined : leaseOf(row, 0);
}

function createRun(
  db: Database,
  rules: LeaseRules,
  run: { readonly run: string; readonly plan: string; readonly createdAt: number },
  holder: Holder,
): Result<Lease, LeaseError> {
  return db.transaction(() => {
    const sum = runSum(run.run, run.plan, run.createdAt, 0, "null");
    if (db.sql(SQL.insertRun).run(run.run, run.plan, run.createdAt, sum) === 0) {
      const problem = {
        code: "RunExists",
        message: `run ${run.run} exists already in ${db.file}`,
        hint: "Resume it, or start a run with another id.",
      };
      return err({ kind: "failed", problem });
    }
    return ok(putLease(db, rules, Number(db.sql(SQL.runId).get(run.run)?.[0]), run.run, 1, holder));
  });
}

function acquireRun(db: Database, rules: LeaseRules, run: string, holder: Holder): Result<Lease, LeaseError> {
  return db.transaction(() => {
    const row = db.sql(SQL.run).get(run);
    if (row === undefined) return err({ kind: "unknown-run" });
    const { id } = decodeRun(row, db.file);
    const current = leaseOf(row, LEASE_AT);
    if (current !== undefined && inForce(current, rules)) return err({ kind: "held", holder: current.holder });
    const fence = current?.fence ?? 0;
    db.sql(SQL.dropLocksUpTo).run(id, fence);
    return ok(putLease(db, rules, id, run, fence + 1, holder));
  });
}

function putLease(db: Database, rules: LeaseRules, id: number, run: string, fence: number, holder: Holder): Lease {
  const { boot, space } = rules.machine;
  db.sql(SQL.putLease).run(id, fence, holder.pid, holder.started, holder.title, boot, space, rules.now());
  return { run, fence, holder };
}

function releaseLease(db: Database, lease: Lease): void {
  db.transaction(() => {
    const id = db.sql(SQL.runId).get(lease.run)?.[0];
    if (typeof id !== "number") return;
    db.sql(SQL.release).run(id, lease.fence);
    db.sql(SQL.dropLocksUpTo).run(id, lease.fence);
  });
}
