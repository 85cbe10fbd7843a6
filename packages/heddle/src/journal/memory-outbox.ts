/** Outbox of a memory journal. `notice.ts` has the rules. */
import { defined } from "../base/defined.ts";
import type { LeaseRow, LeaseRules } from "./lease.ts";
import { checkNotice, isFree, type NoticeState } from "./notice.ts";
import { MOST_NOTICES, type NoticeRecord, type Outbox, type StoredNotice, type TakenNotice } from "./port.ts";

export interface KeptNotice extends StoredNotice {
  readonly id: number;
  readonly run: string;
  state: NoticeState;
  due: number;
  attempts: number;
  why: string | undefined;
  lease: LeaseRow | undefined;
}

interface NoticeStore {
  /** Oldest first. */
  notices: KeptNotice[];
  lastNotice: number;
  version: number;
}

/** With the events that they are about. */
export function keepNotices(store: NoticeStore, run: string, notices: readonly StoredNotice[]): void {
  for (const notice of notices) {
    checkNotice(notice);
    const isKnown = store.notices.some(
      (kept) => kept.run === run && kept.seq === notice.seq && kept.target === notice.target,
    );
    if (isKnown) continue;
    const fresh = { state: "pending", due: 0, attempts: 0, why: undefined, lease: undefined } as const;
    store.notices.push({ ...notice, ...fresh, run, id: ++store.lastNotice });
  }
  for (const isPending of [false, true])
    while (store.notices.length > MOST_NOTICES) {
      const at = store.notices.findIndex(({ state }) => (state === "pending") === isPending);
      if (at === -1) break;
      store.notices.splice(at, 1);
    }
}

export function memoryOutbox({ store, rules }: { readonly store: NoticeStore; readonly rules: LeaseRules }): Outbox {
  const pending = (): KeptNotice[] => store.notices.filter(({ state }) => state === "pending");
  return {
    async takeNotices(now, most, holder) {
      const due = pending().filter((one) => one.due <= now && isFree(one.lease, rules));
      const taken = due.toSorted((a, b) => a.due - b.due || a.id - b.id).slice(0, most);
      if (taken.length > 0) store.version++;
      return taken.map((one): TakenNotice => {
        const attempt = ++one.attempts;
        one.lease = { fence: attempt, holder, machine: rules.machine, beat: rules.now(), released: false };
        const { id: claim, run, seq, target, body } = one;
        return { claim, run, seq, target, body, attempt };
      });
    },
    async settleNotice({ claim, attempt }, end) {
      const one = pending().find(({ id, attempts }) => id === claim && attempts === attempt);
      if (one === undefined) return false;
      one.state = end.kind === "again" ? "pending" : end.kind;
      one.due = end.kind === "again" ? end.at : 0;
      one.why = end.kind === "sent" ? undefined : end.why;
      one.lease = undefined;
      store.version++;
      return true;
    },
    async nextNotice() {
      const due = pending().map((one) => one.due);
      return due.length === 0 ? undefined : Math.min(...due);
    },
    async notices({ limit, run, state }) {
      return store.notices
        .filter((one) => (run === undefined || one.run === run) && (state === undefined || one.state === state))
        .toReversed()
        .slice(0, limit)
        .map(({ run: of, seq, target, attempts, state: now, why }) =>
          defined<NoticeRecord>({ run: of, seq, target, attempts, state: now, why }),
        );
    },
  };
}
