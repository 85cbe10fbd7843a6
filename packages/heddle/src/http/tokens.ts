/**
 * Tokens: issues random tokens, each for a holder, and finds the holder of a token. Stores and compares only hashes, so the
 * time of a lookup reveals nothing about valid tokens. Knows nothing of HTTP.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const TOKEN_BYTES = 32;

/** Longer ones are refused before they are hashed. */
const LONGEST_TOKEN = 200;

/** Whether a client can send it in the header `Authorization`, and it is looked up then. */
export function isBearerToken(token: string): boolean {
  return token.length <= LONGEST_TOKEN && /^[\w.~+/-]+=*$/.test(token);
}

/** Each token is of 256 random bits, as base64url. */
export class Tokens<T> {
  readonly #held = new Map<string, { readonly digest: Buffer; readonly holder: T }>();

  /** A new token for `holder`. */
  issue(holder: T): string {
    return this.keep(randomBytes(TOKEN_BYTES).toString("base64url"), holder);
  }

  /** Has a token that was made elsewhere stand for `holder`, and gives it back. */
  keep(token: string, holder: T): string {
    const digest = digestOf(token);
    this.#held.set(digest.toString("hex"), { digest, holder });
    return token;
  }

  /** The token that was issued first of those that are held is no longer valid. */
  revokeOldest(): void {
    const [oldest] = this.#held.keys();
    if (oldest !== undefined) this.#held.delete(oldest);
  }

  get size(): number {
    return this.#held.size;
  }

  holderOf(token: string): T | undefined {
    if (token.length > LONGEST_TOKEN) return undefined;
    const digest = digestOf(token);
    const found = this.#held.get(digest.toString("hex"));
    return found !== undefined && timingSafeEqual(found.digest, digest) ? found.holder : undefined;
  }

  /** Whether some token stands for it. */
  isHeld(holder: T): boolean {
    return this.#held.values().some((one) => one.holder === holder);
  }

  /** The holder that the token stood for until now. */
  revoke(token: string): T | undefined {
    const holder = this.holderOf(token);
    if (holder !== undefined) this.#held.delete(digestOf(token).toString("hex"));
    return holder;
  }

  /** All holders; their tokens are no longer valid. */
  revokeAll(): readonly T[] {
    const holders = [...this.#held.values()].map(({ holder }) => holder);
    this.#held.clear();
    return holders;
  }
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token, "utf8").digest();
}
