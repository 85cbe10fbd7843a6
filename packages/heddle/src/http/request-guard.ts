/**
 * Request guard: accepts only requests that a local program sends to this address with a valid token. Requests that a
 * web page makes a browser send (DNS rebinding) are rejected by `Host` or `Origin`, whatever else they contain. Looks at
 * headers only.
 */
import { defined } from "../base/defined.ts";

/** The one path that is served. */
export const TOOLS_PATH = "/mcp";

/** Why a request is turned away: HTTP status, and what to say in the JSON-RPC error. */
export interface Rejection {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** As `node:http` gives them. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Names and values in turn: shows headers that were sent twice, which `headers` hides. */
  readonly rawHeaders: readonly string[];
}

export type RequestCheck =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly rejection: Rejection };

/** `port`: the one listened on. Says nothing about whether the token is valid. */
export function checkRequest(head: RequestHead, port: number): RequestCheck {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const { authorization, host, origin } = head.headers;
  // Other software on the way might read the other one.
  for (const name of ["host", "origin", "authorization"])
    if (timesSent(head, name) > 1) return reject(400, `the header \`${name}\` was sent more than once`);
  if (typeof host !== "string" || !hosts.includes(host.toLowerCase()))
    return reject(403, "wrong `Host`: use the address that heddle gave");
  if (origin !== undefined && !hosts.some((own) => origin === `http://${own}`))
    return reject(403, "foreign `Origin`: requests from web pages are refused");
  if (head.url !== TOOLS_PATH) return reject(404, `only ${TOOLS_PATH} is served`);
  if (typeof authorization !== "string") return unauthorized("a bearer token is needed");
  const token = /^Bearer +([\w-]+)$/i.exec(authorization)?.[1];
  if (token === undefined) return unauthorized("the header `Authorization` is not `Bearer TOKEN`");
  if (head.method !== "POST") return reject(405, "only POST is served: there are no sessions", { allow: "POST" });
  return { ok: true, token };
}

/** For tokens that are not valid: unknown, or of an ended attempt. */
export const UNKNOWN_TOKEN: Rejection = rejectionOf("the token is not valid; a token expires with its attempt");

function unauthorized(message: string): RequestCheck {
  return { ok: false, rejection: rejectionOf(message) };
}

function rejectionOf(message: string): Rejection {
  return { status: 401, message, headers: { "www-authenticate": "Bearer" } };
}

function reject(status: number, message: string, headers?: Readonly<Record<string, string>>): RequestCheck {
  return { ok: false, rejection: defined({ status, message, headers }) };
}

function timesSent(head: RequestHead, name: string): number {
  return head.rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === name).length;
}
