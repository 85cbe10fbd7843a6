/**
 * Cross-origin answers: what browsers are told where a page of an origin that the user named asks (`--cors`). All other answers have no such
 * header. Gives no authority: that is a token, which such a page needs like every client.
 */
import type { RequestHead } from "../http/request-guard.ts";
import type { SourceSettings } from "./guard.ts";

const SENT =
  "authorization, content-type, heddle-api, idempotency-key, if-match, if-none-match, if-range, last-event-id, range";
const READ =
  "accept-ranges, content-location, content-range, etag, heddle-api, heddle-log-bytes, heddle-log-lines, idempotency-replayed, location, retry-after";
const METHODS = "GET, HEAD, POST, PUT";
const KEPT_SECONDS = 600;

/** Of the answer to a request that the guard has let pass. */
export function corsHeaders({ headers }: RequestHead, { cors }: SourceSettings): Readonly<Record<string, string>> {
  const { origin } = headers;
  if (typeof origin !== "string" || !cors.has(origin)) return {};
  return { "access-control-allow-origin": origin, "access-control-expose-headers": READ, vary: "origin" };
}

/** The answer to a browser that asks whether its page may send a request; `undefined`: it is no such question. */
export function preflightResponse(head: RequestHead, source: SourceSettings): Response | undefined {
  const allowed = corsHeaders(head, source);
  const isAsked = head.method === "OPTIONS" && head.headers["access-control-request-method"] !== undefined;
  if (!isAsked || allowed["access-control-allow-origin"] === undefined) return undefined;
  return new Response(null, {
    status: 204,
    headers: {
      ...allowed,
      "access-control-allow-methods": METHODS,
      "access-control-allow-headers": SENT,
      "access-control-max-age": String(KEPT_SECONDS),
    },
  });
}
