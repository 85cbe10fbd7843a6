/**
 * Notices as rows, of format 3: the first `append` that has some makes their table, no reading does. `journal/notice.ts` has the rules.
 *
 * Invariant: a notice is taken, and what came of it stored, in a transaction: of two processes that ask at once, one is first.
 */
import type { LeaseRules } from "../lease.ts";
import { checkNotice, isFree, type NoticeState } from "../notice.ts";
import {
  MOST_NOTICES,
  type Holder,
  type NoticeEnd,
  type NoticeRecord,
  type Outbox,
  type StoredNotice,
  type TakenNotice,
} from "../port.ts";
import type { Database, Row } from "./database.ts";
import { guarded } from "./failures.ts";
import { leaseOf } from "./leases.ts";
import { migrate, NOTICES_FORMAT } from "./migrations.ts";
import { NOTICE_LEASE_AT, SQL } from "./sql.ts";

const STATES: readonly NoticeState[] = ["pending", "sent", "failed"];
const PENDING = STATES.indexOf("pending");

/** The table, which may not be there. */
export class NoticeTable {
  readonly #db: Database;
  readonly #writer: string;
  #isThere = false;

  constructor(db: Database, writer: string) {
    this.#db = db;
    this.#writer = writer;
  }

  /** Whether there is one. Another process may make it at any time. */
  get isThere(): boolean {
    this.#isThere ||= this.#db.sql(SQL.hasNotices).get() !== undefined;
    return this.#isThere;
  }

  /** Makes it where it is not there. Not to be called in a transaction. */
  make(): void {
    if (!this.isThere) migrate(this.#db, { writer: this.#writer, to: NOTICES_FORMAT });
  }

  /** In the transaction of the events that they are about. `run`: its number. */
  insert(run: number, notices: readonly StoredNotice[]): void {
    for (const notice of notices) {
      checkNotice(notice);
      this.#db.sql(SQL.insertNotice).run(run, notice.seq, notice.target, notice.body);
    }
    const [count] = this.#db.sql(SQL.countNotices).get() ?? [];
    const over = Number(count) - MOST_NOTICES;
    if (over > 0) this.#db.sql(SQL.dropNotices).run(over);
  }

  remove(run: number): void {
    if (this.isThere) this.#db.sql(SQL.dropNoticesOfRun).run(run);
  }
}

export function sqliteOutbox(db: Database, rules: LeaseRules, table: NoticeTable): Outbox {
  return {
    async takeNotices(now, most, holder) {
      return guarded(db, () => {
        // Most looks find nothing: they write nothing.
        if (!table.isThere || db.sql(SQL.dueNotice).get(now) === undefined) return [];
        return db.transaction(() => takeDue(db, rules, { now, most, holder }));
      });
    },
    async settleNotice({ claim, attempt }, end) {
      return guarded(db, () => table.isThere && db.sql(SQL.settleNotice).run(...settled(end), claim, attempt) === 1);
    },
    async nextNotice() {
      return guarded(db, () => {
        const due = table.isThere ? db.sql(SQL.nextNotice).get()?.[0] : null;
        return typeof due === "number" ? due : undefined;
      });
    },
    async notices({ limit, run = null, state }) {
      return guarded(db, () => {
        if (!table.isThere) return [];
        const wanted = state === undefined ? null : STATES.indexOf(state);
        return db.sql(SQL.notices).all(run, wanted, limit).map(recordOf);
      });
    },
  };
}

function takeDue(
  db: Database,
  rules: LeaseRules,
  { now, most, holder }: { readonly now: number; readonly most: number; readonly holder: Holder },
): readonly TakenNotice[] {
  const { boot, space } = rules.machine;
  return db
    .sql(SQL.dueNotices)
    .all(now)
    .filter((row) => isFree(leaseOf(row, NOTICE_LEASE_AT), rules))
    .slice(0, most)
    .map(([id, run, seq, target, body, attempts]) => {
      const attempt = Number(attempts) + 1;
      const { pid, started, title } = holder;
      db.sql(SQL.takeNotice).run(attempt, pid, started, title, boot, space, rules.now(), Number(id));
      return {
        claim: Number(id),
        run: String(run),
        seq: Number(seq),
        target: String(target),
        body: String(body),
        attempt,
      };
    });
}

function settled(end: NoticeEnd): [state: number, due: number, why: string | null] {
  switch (end.kind) {
    case "sent":
      return [STATES.indexOf("sent"), 0, null];
    case "again":
      return [PENDING, end.at, end.why];
    case "failed":
      return [STATES.indexOf("failed"), 0, end.why];
  }
}

function recordOf([run, seq, target, attempts, state, why]: Row): NoticeRecord {
  const record = {
    run: String(run),
    seq: Number(seq),
    target: String(target),
    attempts: Number(attempts),
    state: STATES[Number(state)] ?? "failed",
  };
  return typeof why === "string" ? { ...record, why } : record;
}
