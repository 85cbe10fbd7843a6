/**
 * Event log: histories and run records in a database. Rows are written by `append.ts` and read by `read.ts`. Does not
 * know what events mean.
 *
 * Invariants: 1 to 6 of the port; and after a failed append nothing more is appended through this object.
 */
import type { Problem } from "../../base/errors.ts";
import { err } from "../../base/result.ts";
import type { LeaseRules } from "../lease.ts";
import { refuseTasks, type EventLog } from "../port.ts";
import type { Appender } from "./append.ts";
import type { EventRules } from "./codec.ts";
import type { Database } from "./database.ts";
import { guarded, isSystemFailure, problemOf, removedProblem } from "./failures.ts";
import { readEvents, readMarks, readPage, recordOf, recordsOf } from "./read.ts";
import { SQL } from "./sql.ts";
import { watchWrites } from "./watch.ts";

export interface EventLogOptions {
  readonly appender: Appender;
  readonly events: EventRules;
  readonly leases: LeaseRules;
}

export function sqliteEventLog(db: Database, { appender, events: rules, leases }: EventLogOptions): EventLog {
  let failure: Problem | undefined;
  return {
    async append(lease, events, options = {}) {
      refuseTasks(options);
      if (failure !== undefined) return err({ kind: "unknown", problem: failure });
      try {
        const appended = appender.append(lease, events, options);
        // Checked after the commit: nothing follows from events in a file that was removed by then.
        if (!appended.ok || db.isInPlace()) return appended;
        failure = removedProblem(db.file);
      } catch (thrown) {
        if (!isSystemFailure(thrown)) throw thrown;
        failure = problemOf(thrown, db.file);
      }
      return err({ kind: "unknown", problem: failure });
    },
    read: (run, options = {}) => readEvents(db, rules, run, options),
    async runs({ limit = -1, plan } = {}) {
      return guarded(db, () => {
        const rows = plan === undefined ? db.sql(SQL.runs).all(limit) : db.sql(SQL.runsOfPlan).all(plan, limit);
        return recordsOf(db, rows, leases);
      });
    },
    runPage: async (options) => guarded(db, () => readPage(db, options, leases)),
    marks: async (member) => guarded(db, () => readMarks(db, member)),
    async get(run) {
      return guarded(db, () => {
        const row = db.sql(SQL.run).get(run);
        return row === undefined ? undefined : recordOf(db, row, leases);
      });
    },
    async find(prefix) {
      const rows = guarded(db, () => db.sql(SQL.findRuns).all(prefix, `${prefix}\u{10ffff}`));
      return rows.map((row) => String(row[0]));
    },
    watch: () => watchWrites(db),
  };
}
