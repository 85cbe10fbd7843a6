/**
 * Server guard: decides from the head of a request whether it may pass, the same for every route and for upgrades, before any handler.
 * Pages of other origins and names that were rebound to this address are turned away whatever else they send; authority is a header
 * that no browser adds by itself, so there is no cookie to steal or to send along. Knows no token: {@link SourceSettings} and heads.
 */
import type { RequestHead } from "../http/request-guard.ts";
import type { RouteHead } from "./route.ts";
import type { ProblemDetails } from "./problem.ts";

export interface SourceSettings {
  /** What `Host` may be, lower case, with the port where one belongs to it. */
  readonly hosts: ReadonlySet<string>;
  /** What `Origin` may be. */
  readonly origins: ReadonlySet<string>;
  /** Those among them that are no page of this server: their browsers are told that they may read the answers. */
  readonly cors: ReadonlySet<string>;
}

const LONGEST_URL = 8192;
export const BODY_LIMIT: number = 1024 * 1024;

/** Names of this machine itself, and those that the user allowed for a proxy in front. */
export function sourceSettings(
  port: number,
  { allowHosts = [], cors = [] }: { readonly allowHosts?: readonly string[]; readonly cors?: readonly string[] } = {},
): SourceSettings {
  const own = ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${port}`);
  // A browser leaves out the port that its scheme has anyway.
  if (port === 80) own.push("127.0.0.1", "localhost", "[::1]");
  const allowed = allowHosts.map((name) => name.toLowerCase());
  const named = [...allowed, ...allowed.filter((name) => !/:\d+$/.test(name)).map((name) => `${name}:${port}`)];
  const origins = [
    ...own.map((host) => `http://${host}`),
    ...named.flatMap((host) => [`http://${host}`, `https://${host}`]),
  ];
  return { hosts: new Set([...own, ...named]), origins: new Set([...origins, ...cors]), cors: new Set(cors) };
}

/** What is wrong with where a request comes from; `undefined`: nothing. `route`: absent where nothing is served. */
export function sourceProblem(
  head: RequestHead,
  route: Pick<RouteHead, "kind" | "method"> | undefined,
  { hosts, origins }: SourceSettings,
): ProblemDetails | undefined {
  const host = sent(head, "host");
  // Counted among the raw lines: what lies between may read another one than we do.
  if (host.length !== 1 || host[0] === undefined || !hosts.has(host[0].toLowerCase()))
    return {
      slug: "wrong-host",
      detail: "The header `Host` is not a name of this server",
      hint: "Use the address that `heddle serve` printed, or allow the name with --allow-host.",
    };
  for (const name of ["origin", "authorization", "content-type", "sec-websocket-protocol", "idempotency-key"])
    if (sent(head, name).length > 1)
      return { slug: "bad-request", detail: `The header \`${name}\` was sent more than once` };
  const [origin] = sent(head, "origin");
  if (origin !== undefined)
    return origins.has(origin)
      ? undefined
      : { slug: "foreign-origin", detail: "The header `Origin` names another page" };
  const [site] = sent(head, "sec-fetch-site");
  if (site === undefined || site === "same-origin" || site === "none") return undefined;
  const isOpened = sent(head, "sec-fetch-mode")[0] === "navigate" && sent(head, "sec-fetch-dest")[0] === "document";
  // A link from a chat opens the page: it has no data, and the request no authority.
  if (route?.kind === "page" && route.method === "GET" && isOpened) return undefined;
  return { slug: "foreign-origin", detail: "A page of another site made this request" };
}

/** What is wrong with the form of a request, before its body is read. */
export function formProblem(
  head: RequestHead,
  { method, bodyLimit = BODY_LIMIT }: RouteHead,
): ProblemDetails | undefined {
  if ((head.url ?? "").length > LONGEST_URL)
    return { slug: "url-too-long", detail: `The address is longer than ${LONGEST_URL} characters` };
  if (method === "GET") return undefined;
  const [length] = sent(head, "content-length");
  const hasBody = sent(head, "transfer-encoding").length > 0 || (length !== undefined && Number(length) > 0);
  const [type] = sent(head, "content-type");
  const isJson = /^application\/json\s*(;|$)/i.test(type ?? "");
  if (type === undefined ? hasBody : !isJson)
    return { slug: "unsupported-media-type", detail: "The body is not `application/json`" };
  return Number(length ?? 0) > bodyLimit ? bodyTooLarge(bodyLimit) : undefined;
}

export function bodyTooLarge(limit: number): ProblemDetails {
  return { slug: "body-too-large", detail: `The body is larger than ${limit} bytes` };
}

/** The values of a header as they were sent. */
function sent({ rawHeaders }: RequestHead, name: string): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() === name) found.push(rawHeaders[at + 1] ?? "");
  return found;
}
