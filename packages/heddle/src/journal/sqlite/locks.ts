/** Named locks as rows. A lock is valid as long as its run's lease: see `journal/lease.ts`. */
import { inForce, type LeaseRules } from "../lease.ts";
import type { Lease, LockNames, Locks } from "../port.ts";
import type { Database } from "./database.ts";
import { guarded } from "./failures.ts";
import { currentLease } from "./leases.ts";
import { SQL } from "./sql.ts";

export function sqliteLocks(db: Database, rules: LeaseRules): Locks {
  return {
    async lock(lease, step, names) {
      if (names.read.length === 0 && names.write.length === 0) return undefined;
      return guarded(db, () => takeLocks(db, rules, lease, step, names));
    },
    async unlock(lease, step) {
      guarded(db, () => dropLocks(db, lease, step));
    },
  };
}

interface Wanted {
  readonly name: string;
  readonly write: boolean;
}

/** Takes all or none; returns the run in the way. A lost lease gets no lock: its own run is in its way. */
function takeLocks(db: Database, rules: LeaseRules, lease: Lease, step: string, names: LockNames): string | undefined {
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

function dropLocks(db: Database, lease: Lease, step: string): void {
  db.transaction(() => {
    const id = db.sql(SQL.runId).get(lease.run)?.[0];
    // A lease that was taken over lost its locks with it: those there now are the new holder's.
    if (typeof id === "number" && currentLease(db, id)?.fence === lease.fence)
      db.sql(SQL.dropLocksOfStep).run(id, step);
  });
}
