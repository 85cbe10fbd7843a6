/**
 * Session: who the page asks as. A login link has a code in its fragment, which no server sees and no log keeps; it is taken out of the
 * address before anything is fetched, and exchanged once for the token of a session.
 *
 * Invariant: the token stands in the storage of this origin, which other ports do not share, and is sent as a header alone.
 */
export interface Session {
  readonly token: string;
  readonly authority: "read" | "act";
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const KEY = "heddle.session";

/** The code of a login link, taken out of the address. */
export function takeLoginCode(): string | undefined {
  const code = /^#login=([\w-]{1,200})$/.exec(location.hash)?.[1];
  if (location.hash.startsWith("#login="))
    history.replaceState(history.state, "", `${location.pathname}${location.search}`);
  return code;
}

/** What a person pasted: a whole login link, or its code. */
export function codeIn(text: string): string | undefined {
  return /^(?:\S*#login=)?([\w-]{1,200})$/.exec(text.trim())?.[1];
}

/** `undefined`: there is none, or its time is over. */
export function storedSession(now: number): Session | undefined {
  const text = localStorage.getItem(KEY);
  if (text === null) return undefined;
  try {
    const session = JSON.parse(text) as Partial<Session>;
    const { token, authority, expiresAt } = session;
    if (typeof token !== "string" || typeof expiresAt !== "number" || expiresAt <= now) return undefined;
    return { token, authority: authority === "act" ? "act" : "read", expiresAt };
  } catch {
    return undefined;
  }
}

export function storeSession(session: Session): void {
  localStorage.setItem(KEY, JSON.stringify(session));
}

/** `token`: of the session that is over; another tab may have stored a new one since. */
export function forgetSession(token: string): void {
  if (storedSession(Date.now())?.token === token) localStorage.removeItem(KEY);
}

/** Throws an `Error` with what a person can do about it. */
export async function login(code: string): Promise<Session> {
  const response = await fetch("/api/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code }),
  });
  const answer = (await response.json()) as Partial<Session> & { readonly detail?: string };
  const { token, authority, expiresAt, detail } = answer;
  if (!response.ok || typeof token !== "string" || typeof expiresAt !== "number")
    throw new Error(detail ?? "The server did not take the code");
  const session: Session = { token, authority: authority === "act" ? "act" : "read", expiresAt };
  storeSession(session);
  return session;
}
