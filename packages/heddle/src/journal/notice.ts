/**
 * Notices: the rules that every journal keeps of them. Pure; does not know where notices are stored.
 *
 * Invariants:
 *  1. One that is settled as sent or failed is never given out again.
 *  2. The right to send one holds while its process lives and {@link NOTICE_TERM_MS} have not passed; the rule is that of leases.
 */
import { BugError } from "../base/assert.ts";
import { inForce, type LeaseRow, type LeaseRules } from "./lease.ts";
import { MOST_NOTICE, NOTICE_TERM_MS, type NoticeRecord, type StoredNotice } from "./port.ts";

export type NoticeState = NoticeRecord["state"];

/** Whether a pending notice may be given out: nobody has taken it, or who has is gone. */
export function isFree(lease: LeaseRow | undefined, rules: LeaseRules): boolean {
  return lease === undefined || !inForce(lease, { ...rules, termMs: NOTICE_TERM_MS });
}

/** Throws a `BugError` for a notice that is not short. */
export function checkNotice({ target, body }: StoredNotice): void {
  if (target.length + body.length > MOST_NOTICE) throw new BugError("a notice is longer than a journal stores");
}
