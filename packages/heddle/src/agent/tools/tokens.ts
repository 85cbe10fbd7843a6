/**
 * Attempt tokens: issues a token per attempt and finds the attempt of a token. Stores and compares only hashes, so the
 * time of a lookup reveals nothing about valid tokens. Knows nothing of HTTP.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const TOKEN_BYTES = 32;

/** Longer ones are refused before they are hashed. */
const LONGEST_TOKEN = 200;

export class Tokens<T> {
  readonly #held = new Map<string, { readonly digest: Buffer; readonly holder: T }>();

  /** A new token of 256 random bits for `holder`. */
  issue(holder: T): string {
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    const digest = digestOf(token);
    this.#held.set(digest.toString("hex"), { digest, holder });
    return token;
  }

  holderOf(token: string): T | undefined {
    if (token.length > LONGEST_TOKEN) return undefined;
    const digest = digestOf(token);
    const found = this.#held.get(digest.toString("hex"));
    return found !== undefined && timingSafeEqual(found.digest, digest) ? found.holder : undefined;
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
