/**
 * Keyed requests: the rules that every journal keeps of them. Pure; does not know where keys are stored.
 *
 * Invariants:
 *  1. A request that has an answer is never claimed again while its key is remembered.
 *  2. A claim holds while its process lives and {@link KEY_TERM_MS} have not passed; the rule is that of leases.
 *  3. What is claimed again keeps the name of its effect.
 */
import { inForce, type LeaseRow, type LeaseRules } from "./lease.ts";
import { KEY_TERM_MS, MOST_ANSWER_BYTES, type BegunRequest, type FirstAnswer, type KeyedRequest } from "./port.ts";

/** What is stored of one key. */
export interface KeptRequest {
  readonly digest: string;
  readonly effect: string;
  /** Of the claim; its fence is that of {@link KeyClaim}. */
  readonly lease: LeaseRow;
  /** Absent: under way, or abandoned. */
  readonly answer: FirstAnswer | undefined;
}

/** What is answered to a request whose key is known; `undefined`: it may be claimed anew. */
export function answerOfKept(kept: KeptRequest, request: KeyedRequest, rules: LeaseRules): BegunRequest | undefined {
  if (kept.digest !== request.digest) return { kind: "other-request" };
  if (kept.answer !== undefined) return { kind: "done", answer: kept.answer };
  return inForce(kept.lease, { ...rules, termMs: KEY_TERM_MS }) ? { kind: "under-way" } : undefined;
}

export function answerSize({ headers, body }: FirstAnswer): number {
  return JSON.stringify(headers).length + body.length;
}

export function isStorable(answer: FirstAnswer): boolean {
  return answerSize(answer) <= MOST_ANSWER_BYTES;
}
