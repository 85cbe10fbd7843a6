/**
 * Leases and the locks that hang on them, as rows. The rule of when a lease is in force is in `journal/lease.ts`.
 */
import { err, ok, type Result } from "../../base/result.ts";
import { decodeRun, runSum } from "./codec.ts";
import type { Database, Row } from "./database.ts";
import { inForce, type LeaseRow, type LeaseRules } from "../lease.ts";
import type { Holder, Lease, LeaseError } from "../port.ts";
import { REMOVE_RUN, SQL } from "./sql.ts";

/** The lease in a row whose lease columns begin at `at`; `undefined` where there is none. */
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

export function createRun(
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
        message: `${db.file} has a run ${run.run} already`,
        hint: "Resume it, or start one with another id.",
      };
      return err({ kind: "failed", problem });
    }
    return ok(putLease(db, rules, Number(db.sql(SQL.runId).get(run.run)?.[0]), run.run, 1, holder));
  });
}

export function acquireRun(db: Database, rules: LeaseRules, run: string, holder: Holder): Result<Lease, LeaseError> {
  return db.transaction(() => {
    const row = db.sql(SQL.run).get(run);
    if (row === undefined) return err({ kind: "unknown-run" });
    const { id } = decodeRun(row, db.file);
    const current = leaseOf(row, 7);
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

export function releaseLease(db: Database, lease: Lease): void {
  db.transaction(() => {
    const id = db.sql(SQL.runId).get(lease.run)?.[0];
    if (typeof id !== "number") return;
    db.sql(SQL.release).run(id, lease.fence);
    db.sql(SQL.dropLocksUpTo).run(id, lease.fence);
  });
}

/** `false`: the run is unknown or somebody holds it. */
export function removeRun(db: Database, rules: LeaseRules, run: string): boolean {
  return db.transaction(() => {
    const row = db.sql(SQL.run).get(run);
    const id = row?.[0];
    if (row === undefined || typeof id !== "number") return false;
    const lease = leaseOf(row, 7);
    if (lease !== undefined && inForce(lease, rules)) return false;
    for (const statement of REMOVE_RUN) db.sql(statement).run(id);
    return true;
  });
}

interface Wanted {
  readonly name: string;
  readonly write: boolean;
}

/** Takes all or none; returns the run in the way. A lost lease gets no lock: its own run is in its way. */
export function takeLocks(
  db: Database,
  rules: LeaseRules,
  lease: Lease,
  step: string,
  names: { readonly read: readonly string[]; readonly write: readonly string[] },
): string | undefined {
  const wanted: Wanted[] = [];
  for (const name of new Set(names.write)) wanted.push({ name, write: true });
  for (const name of new Set(names.read)) if (!names.write.includes(name)) wanted.push({ name, write: false });
  return db.transaction(() => {
    const id = db.sql(SQL.runId).get(lease.run)?.[0];
    const current = typeof id === "number" ? currentLease(db, id) : undefined;
    if (typeof id !== "number" || current === undefined || current.fence !== lease.fence || current.released)
      return lease.run;
    for (const want of wanted) {
      const inTheWay = whoHolds(db, rules, id, step, want);
      if (inTheWay !== undefined) return inTheWay;
    }
    for (const { name, write } of wanted) db.sql(SQL.putLock).run(name, id, step, lease.fence, write ? 1 : 0);
    return undefined;
  });
}

function whoHolds(db: Database, rules: LeaseRules, id: number, step: string, want: Wanted): string | undefined {
  for (const [run, fence, holder, write, name] of db.sql(SQL.locksNamed).all(want.name)) {
    if (typeof run !== "number" || (run === id && holder === step)) continue;
    if (!want.write && write === 0) continue;
    const lease = currentLease(db, run);
    // Locks of a lease that is no longer in force do not count; its run drops them when it is taken again.
    if (lease !== undefined && lease.fence === fence && (run === id || inForce(lease, rules))) return String(name);
  }
  return undefined;
}

function currentLease(db: Database, run: number): LeaseRow | undefined {
  const row = db.sql(SQL.lease).get(run);
  return row === undefined ? undefined : leaseOf(row, 0);
}

export function dropLocks(db: Database, lease: Lease, step: string): void {
  db.transaction(() => {
    const id = db.sql(SQL.runId).get(lease.run)?.[0];
    // A lease that was taken over lost its locks with it: those there now are the new holder's.
    if (typeof id === "number" && currentLease(db, id)?.fence === lease.fence)
      db.sql(SQL.dropLocksOfStep).run(id, step);
  });
}
