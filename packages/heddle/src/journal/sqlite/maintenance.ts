/** Maintenance: removes runs, copies a journal file, and checks it as a whole. */
import { HeddleError, type Problem } from "../../base/errors.ts";
import { inForce, type LeaseRules } from "../lease.ts";
import type { IntegrityReport, Maintenance } from "../port.ts";
import { decodeRun, type EventRules } from "./codec.ts";
import type { Database } from "./database.ts";
import { guarded, problemOf } from "./failures.ts";
import { checkKeyedRequests } from "./idempotency.ts";
import { leaseOf } from "./leases.ts";
import type { NoticeTable } from "./outbox.ts";
import { readEvents } from "./read.ts";
import { LEASE_AT, REMOVE_RUN, SQL } from "./sql.ts";

/** More would not be read by a person; a damaged file may have millions. */
const MAX_PROBLEMS = 100;

export interface MaintenanceOptions {
  readonly events: EventRules;
  readonly leases: LeaseRules;
  readonly notices: NoticeTable;
  readonly onRemoved: (run: string) => void;
}

export function sqliteMaintenance(db: Database, options: MaintenanceOptions): Maintenance {
  return {
    async remove(run) {
      const removed = guarded(db, () => removeRun(db, options, run));
      if (removed) options.onRemoved(run);
      return removed;
    },
    async backup(path) {
      try {
        await db.copyTo(path);
      } catch (thrown) {
        throw thrown instanceof HeddleError ? thrown : new HeddleError(problemOf(thrown, path));
      }
    },
    check: () => checkAll(db, options.events),
  };
}

/** `false`: the run is unknown or somebody holds it. */
function removeRun(
  db: Database,
  { leases: rules, notices }: Pick<MaintenanceOptions, "leases" | "notices">,
  run: string,
): boolean {
  return db.transaction(() => {
    const row = db.sql(SQL.run).get(run);
    const id = row?.[0];
    if (row === undefined || typeof id !== "number") return false;
    const lease = leaseOf(row, LEASE_AT);
    if (lease !== undefined && inForce(lease, rules)) return false;
    notices.remove(id);
    for (const statement of REMOVE_RUN) db.sql(statement).run(id);
    return true;
  });
}

async function checkAll(db: Database, rules: EventRules): Promise<IntegrityReport> {
  const problems: Problem[] = [];
  const note = (problem: Problem): void => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  let events = 0;
  attempt(db, note, () => {
    for (const [said] of db.sql(SQL.integrityCheck).all()) {
      if (said !== "ok") note(damagedFile(db.file, String(said)));
    }
  });
  const rows = attempt(db, note, () => db.sql(SQL.runs).all(-1)) ?? [];
  for (const row of rows) {
    const run = attempt(db, note, () => decodeRun(row, db.file));
    if (run === undefined) continue;
    try {
      for await (const batch of readEvents(db, rules, run.run, {})) events += batch.length;
    } catch (thrown) {
      note(problemOf(thrown, db.file));
    }
  }
  attempt(db, note, () => checkKeyedRequests(db, (thrown) => note(problemOf(thrown, db.file))));
  const orphans = attempt(db, note, () => Number(db.sql(SQL.orphans).get()?.[0])) ?? 0;
  if (orphans > 0) note(damagedFile(db.file, `${orphans} events belong to no run`));
  return { ok: problems.length === 0, events, problems };
}

function damagedFile(file: string, said: string): Problem {
  return { code: "JournalDamaged", message: `${file} is damaged: ${said}`, hint: "Restore the file from a backup." };
}

function attempt<T>(db: Database, note: (problem: Problem) => void, work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    note(problemOf(thrown, db.file));
    return undefined;
  }
}
