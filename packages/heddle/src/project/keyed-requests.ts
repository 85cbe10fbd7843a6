/**
 * Keyed requests: carries a request out once for the key that its sender chose, and gives the first answer again to whoever sends
 * it again. Knows no HTTP: an answer is what the caller makes of it.
 *
 * Invariants:
 *  1. Of all that are under way with one key, in whichever process, one is carried out.
 *  2. An answer is given only after what followed from the request is recorded; it is stored before it is given, or the caller is
 *     told that it could not be.
 */
import type { Clock } from "../base/clock.ts";
import { caught, type Problem } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import { ok } from "../base/result.ts";
import type { FirstAnswer, Holder, Idempotency, KeyClaim } from "../journal/port.ts";

export interface KeyedRequestPorts {
  readonly journal: Idempotency;
  readonly clock: Clock;
  readonly random: Random;
  /** This process. */
  readonly holder: () => Holder;
}

/** What became of a request that was carried out. */
export interface CarriedOut {
  readonly answer: FirstAnswer;
  /** `false`: nothing followed from it, so that it may be tried again under the same key. */
  readonly hadEffect: boolean;
}

export type OnceAnswer =
  /** `unstored`: why the answer cannot be given again. */
  | { readonly kind: "first"; readonly answer: FirstAnswer; readonly unstored: Problem | undefined }
  | { readonly kind: "again"; readonly answer: FirstAnswer }
  | { readonly kind: "under-way" | "other-request" };

/**
 * `carryOut` is called with an id for what follows from the request: the same one where an earlier process died over it. What it
 * throws is thrown on, and the key stays taken for a while: nobody knows what came about. A damaged journal is thrown as a
 * `HeddleError`.
 */
export async function carryOutOnce(
  { journal, clock, random, holder }: KeyedRequestPorts,
  { key, digest }: { readonly key: string; readonly digest: string },
  carryOut: (effect: string) => Promise<CarriedOut>,
): Promise<OnceAnswer> {
  const request = { key, digest, time: clock.now(), effect: randomId(random) };
  const begun = await journal.beginRequest(request, holder());
  if (begun.kind === "done") return { kind: "again", answer: begun.answer };
  if (begun.kind !== "new") return { kind: begun.kind };
  const { answer, hadEffect } = await carryOut(begun.claim.effect);
  return { kind: "first", answer, unstored: await settle(journal, begun.claim, hadEffect ? answer : undefined) };
}

/** Stores the answer, or frees the key where there is none to store. */
async function settle(journal: Idempotency, claim: KeyClaim, answer?: FirstAnswer): Promise<Problem | undefined> {
  const settled = await caught(async () => {
    if (answer !== undefined) return ok(await journal.finishRequest(claim, answer));
    await journal.abandonRequest(claim);
    return ok(true);
  });
  if (!settled.ok) return settled.error;
  if (settled.value) return undefined;
  return { code: "AnswerNotStored", message: `the answer to the request with the key ${claim.key} cannot be stored` };
}
