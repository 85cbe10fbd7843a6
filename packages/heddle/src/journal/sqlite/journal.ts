/**
 * SQLite journal: one object of all concerns, each in its own file. Knows neither tables nor the driver.
 *
 * Invariants: those of the port.
 */
import type { LeaseRules } from "../lease.ts";
import type { Journal } from "../port.ts";
import { Appender } from "./append.ts";
import type { EventRules } from "./codec.ts";
import type { Database } from "./database.ts";
import { sqliteEventLog } from "./event-log.ts";
import { guarded } from "./failures.ts";
import { sqliteIdempotency } from "./idempotency.ts";
import { sqliteLeases } from "./leases.ts";
import { sqliteLocks } from "./locks.ts";
import { sqliteMailbox } from "./mailbox.ts";
import { sqliteMaintenance } from "./maintenance.ts";
import { NoticeTable, sqliteOutbox } from "./outbox.ts";
import { sqliteStatistics } from "./statistics.ts";

export interface JournalOptions {
  readonly events: EventRules;
  readonly leases: LeaseRules;
  /** The program and its version. */
  readonly writer: string;
}

export function sqliteJournal(db: Database, { events, leases, writer }: JournalOptions): Journal {
  const notices = new NoticeTable(db, writer);
  const appender = new Appender(db, { rules: events, leases, notices });
  const forget = (run: string): void => appender.forget(run);
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    guarded(db, () => db.close());
  };
  return {
    ...sqliteEventLog(db, { appender, events, leases }),
    ...sqliteLeases(db, leases, forget),
    ...sqliteMailbox(db),
    ...sqliteLocks(db, leases),
    ...sqliteStatistics(db),
    ...sqliteIdempotency(db, leases, writer),
    ...sqliteOutbox(db, leases, notices),
    ...sqliteMaintenance(db, { events, leases, notices, onRemoved: forget }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
