/**
 * Authority: who may do what with the server. Two tokens of the server itself, sessions that a login code was given for, and tickets
 * for what cannot send a header. Everything is kept as hashes and in memory: a new start of the server ends all sessions.
 *
 * Invariants:
 *  1. A code and a ticket count once, and for a short time.
 *  2. Nobody gets more than who asked: a read-only session mints read-only codes and tickets.
 *  3. After {@link MOST_GUESSES} wrong tokens within a minute an address is not listened to for the rest of it.
 */
import type { Clock } from "../base/clock.ts";
import { Tokens } from "../http/tokens.ts";

/** `act` includes `read`. */
export type Grant = "read" | "act";

export const CODE_MS = 60_000;
export const TICKET_MS = 30_000;
export const SESSION_MS: number = 12 * 3_600_000;
/** The oldest goes. */
export const MOST_SESSIONS = 16;
export const MOST_GUESSES = 20;
const GUESSES_MS = 60_000;
const MOST_PENDING = 1024;
const MOST_PEERS = 4096;

export interface TokenHolder {
  readonly grant: Grant;
  /** `undefined`: as long as the server. */
  readonly until: number | undefined;
}

/** What a ticket opens. */
export interface Ticket {
  readonly grant: Grant;
  /** The only project that it is for; absent: all. */
  readonly project: string | undefined;
  /** For whose token it was given: what it opens ends with that. */
  readonly holder: TokenHolder | undefined;
}

export interface ServerTokens {
  readonly act: string;
  readonly read: string;
}

export interface AuthorityOptions {
  /** Called with each address that is not listened to any more, once for each time. */
  readonly onSilenced?: (peer: string) => void;
}

export class Authority {
  readonly #clock: Clock;
  readonly #onSilenced: (peer: string) => void;
  readonly #standing = new Tokens<TokenHolder>();
  readonly #sessions = new Tokens<TokenHolder>();
  readonly #codes = new Tokens<TokenHolder>();
  readonly #tickets = new Tokens<Ticket & { readonly until: number }>();
  readonly #guesses = new Map<string, { count: number; readonly since: number }>();
  readonly tokens: ServerTokens;

  /** `given`: the tokens that the user gave, two different ones; a new one for each that is absent. */
  constructor(clock: Clock, given: Partial<ServerTokens> = {}, { onSilenced = () => {} }: AuthorityOptions = {}) {
    this.#clock = clock;
    this.#onSilenced = onSilenced;
    const standing = (grant: Grant): string => {
      const holder = { grant, until: undefined };
      const token = given[grant];
      return token === undefined ? this.#standing.issue(holder) : this.#standing.keep(token, holder);
    };
    this.tokens = { act: standing("act"), read: standing("read") };
  }

  /** What the value of the header `Authorization` allows; `undefined`: nothing. */
  grantOf(header: string | undefined): Grant | undefined {
    return this.holderOf(header)?.grant;
  }

  /** Whose token the value of the header is; `undefined`: nobody's. */
  holderOf(header: string | undefined): TokenHolder | undefined {
    const token = bearerOf(header);
    return token === undefined ? undefined : (this.#standing.holderOf(token) ?? this.#sessionOf(token));
  }

  /** Whether its token still counts: its session has not ended. */
  isValid(holder: TokenHolder): boolean {
    if (this.#standing.isHeld(holder)) return true;
    return this.#sessions.isHeld(holder) && (holder.until ?? Infinity) > this.#clock.now();
  }

  /** A code for {@link login}. */
  mintCode(grant: Grant): string {
    if (this.#codes.size >= MOST_PENDING) this.#codes.revokeOldest();
    return this.#codes.issue({ grant, until: this.#clock.now() + CODE_MS });
  }

  /** A session for a code; `undefined`: the code is unknown, used, or too old. */
  login(code: string): { readonly token: string; readonly grant: Grant; readonly until: number } | undefined {
    const held = this.#codes.revoke(code);
    if (held === undefined || (held.until ?? 0) <= this.#clock.now()) return undefined;
    const until = this.#clock.now() + SESSION_MS;
    const token = this.#sessions.issue({ grant: held.grant, until });
    while (this.#sessions.size > MOST_SESSIONS) this.#sessions.revokeOldest();
    return { token, grant: held.grant, until };
  }

  /** Ends the session of the header's token. The server's own tokens stay. */
  logout(header: string | undefined): void {
    const token = bearerOf(header);
    if (token !== undefined) this.#sessions.revoke(token);
  }

  mintTicket(ticket: Ticket): string {
    if (this.#tickets.size >= MOST_PENDING) this.#tickets.revokeOldest();
    return this.#tickets.issue({ ...ticket, until: this.#clock.now() + TICKET_MS });
  }

  /** What a ticket opens, once. */
  redeem(ticket: string): Ticket | undefined {
    const held = this.#tickets.revoke(ticket);
    return held === undefined || held.until <= this.#clock.now() ? undefined : held;
  }

  /** Counts a wrong token. */
  noteGuess(peer: string): void {
    const now = this.#clock.now();
    const known = this.#guesses.get(peer);
    if (known !== undefined && now - known.since < GUESSES_MS) {
      known.count++;
      if (known.count === MOST_GUESSES) this.#onSilenced(peer);
      return;
    }
    if (this.#guesses.size >= MOST_PEERS) this.#guesses.clear();
    this.#guesses.set(peer, { count: 1, since: now });
  }

  /** For how long nothing of this address is answered; 0: it is. */
  silencedMs(peer: string): number {
    const known = this.#guesses.get(peer);
    if (known === undefined || known.count < MOST_GUESSES) return 0;
    return Math.max(0, known.since + GUESSES_MS - this.#clock.now());
  }

  #sessionOf(token: string): TokenHolder | undefined {
    const held = this.#sessions.holderOf(token);
    return held === undefined || (held.until ?? Infinity) <= this.#clock.now() ? undefined : held;
  }
}

/** Whether what is held includes what is wanted. */
export function allows(held: Grant | undefined, wanted: Grant): boolean {
  return held === "act" || held === wanted;
}

function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([\w.~+/-]+=*)$/i.exec(header ?? "")?.[1];
}
