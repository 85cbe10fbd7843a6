/** Keyed requests of a memory journal. `keyed-request.ts` has the rules. */
import { answerOfKept, answerSize, isStorable, type KeptRequest } from "./keyed-request.ts";
import type { LeaseRules } from "./lease.ts";
import { KEY_KEPT_MS, MOST_KEY_BYTES, MOST_KEYS, type Idempotency, type KeyClaim } from "./port.ts";

export interface StoredKey extends KeptRequest {
  readonly time: number;
  /** An earlier claim ended without a word: the name of its effect is not forgotten. */
  readonly isRetaken: boolean;
}

interface KeyStore {
  readonly keys: Map<string, StoredKey>;
  lastClaim: number;
  version: number;
}

export function memoryIdempotency(world: { readonly store: KeyStore; readonly rules: LeaseRules }): Idempotency {
  const { store, rules } = world;
  const held = ({ key, claim }: KeyClaim): StoredKey | undefined => {
    const stored = store.keys.get(key);
    return stored?.lease.fence === claim && stored.answer === undefined ? stored : undefined;
  };
  return {
    async beginRequest(request, holder) {
      const { key, digest, time } = request;
      for (const [old, kept] of store.keys) if (kept.time <= time - KEY_KEPT_MS) store.keys.delete(old);
      const known = store.keys.get(key);
      const told = known && answerOfKept(known, request, rules);
      if (told !== undefined) return told;
      const fence = ++store.lastClaim;
      const effect = known?.effect ?? request.effect;
      const lease = { fence, holder, machine: rules.machine, beat: rules.now(), released: false };
      store.keys.delete(key);
      store.keys.set(key, { digest, effect, time, lease, answer: undefined, isRetaken: known !== undefined });
      store.version++;
      keepBounds(store, key);
      return { kind: "new", claim: { key, claim: fence, effect } };
    },

    async finishRequest(claim, answer) {
      const stored = held(claim);
      if (stored === undefined || !isStorable(answer)) return false;
      store.keys.set(claim.key, { ...stored, answer });
      store.version++;
      return true;
    },

    async abandonRequest(claim) {
      const stored = held(claim);
      if (stored === undefined) return;
      if (stored.isRetaken) store.keys.set(claim.key, { ...stored, lease: { ...stored.lease, released: true } });
      else store.keys.delete(claim.key);
      store.version++;
    },
  };
}

function keepBounds({ keys }: KeyStore, newest: string): void {
  let bytes = 0;
  for (const { answer } of keys.values()) if (answer !== undefined) bytes += answerSize(answer);
  for (const isAnswered of [true, false]) {
    for (const [key, { answer }] of keys) {
      if (keys.size <= MOST_KEYS && bytes <= MOST_KEY_BYTES) return;
      if ((answer !== undefined) !== isAnswered || key === newest) continue;
      if (answer !== undefined) bytes -= answerSize(answer);
      keys.delete(key);
    }
  }
}
