/**
 * Server application: from a request to its answer. Each route of the table is served the same way, in the order in which the guard is
 * described: where the request comes from, what it may do, its form, its parts, then the handler.
 *
 * Invariants:
 *  1. No handler is called, and no byte of a body read, before the guard has let the request pass.
 *  2. Every answer has the same security headers, whatever it is.
 *  3. What is thrown becomes a problem document; only a `HeddleError` has its message in it.
 */
import type { HttpBindings } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { routePath } from "hono/route";
import { HeddleError } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { textOfUtf8 } from "../base/utf8.ts";
import { allows } from "./authority.ts";
import { corsHeaders, preflightResponse } from "./cors.ts";
import { BODY_LIMIT, bodyTooLarge, formProblem, sourceProblem, type SourceSettings } from "./guard.ts";
import { NO_ROUTE } from "./metrics/server-metrics.ts";
import { detailsOf, problemResponse, tooManyGuesses, type ProblemDetails } from "./problem.ts";
import type { Answered, ApiRoute, Call, RouteAuthority } from "./route.ts";
import { compressed, takesGzip } from "./compressed.ts";
import { keyOf, respondOnce } from "./keyed.ts";
import type { PageFiles } from "./page-files.ts";
import type { FileRoute } from "./routes/page-routes.ts";
import { checkedBody, checkedQuery } from "./checked.ts";
import type { ServerWorld } from "./world.ts";

export interface AppOptions {
  readonly world: ServerWorld;
  readonly routes: readonly ApiRoute[];
  readonly pages: readonly FileRoute[];
  readonly files: PageFiles;
  /** Known when the port is. */
  readonly source: () => SourceSettings;
  /** Called with what no handler expected. */
  readonly onFault: (thrown: unknown) => void;
}

export type ServerApp = Hono<{ Bindings: HttpBindings }>;
type AppContext = Context<{ Bindings: HttpBindings }>;

/** Version of the API that is served. */
export const API_VERSION = "1";

export function serverApp(options: AppOptions): ServerApp {
  const app: ServerApp = new Hono({ strict: true });
  for (const route of options.routes)
    app.on(route.method, route.path, async (context) => {
      const response = await guarded(options, context, route);
      noteAnswer(options, context, route.path, response);
      if (context.req.raw.method !== "HEAD")
        return secured(options, context, await compressed(response, context.req.header("accept-encoding")));
      // Only its head is sent: a stream would go on for nobody.
      await response.body?.cancel();
      return secured(options, context, response);
    });
  for (const route of options.pages)
    app.on("GET", route.path, async (context) => {
      const response = await pageOrFile(options, context, route);
      noteAnswer(options, context, route.path, response);
      return secured(options, context, response);
    });
  app.notFound(async (context) => {
    const response = await unserved(options, context);
    noteAnswer(options, context, NO_ROUTE, response);
    return secured(options, context, response);
  });
  app.onError((thrown, context) => {
    const response = faulted(options, thrown, pathOf(context));
    noteAnswer(options, context, routePath(context), response);
    return secured(options, context, response);
  });
  return app;
}

/** A page or a file of one, which anybody may have who comes from here. */
async function pageOrFile(options: AppOptions, context: AppContext, route: FileRoute): Promise<Response> {
  const path = pathOf(context);
  const { incoming } = context.env;
  const problem = sourceProblem(incoming, route, options.source()) ?? formProblem(incoming, route);
  if (problem !== undefined) return problemResponse(problem, path);
  const file = await route.file(options.files, context.req.param());
  if (file === undefined) {
    const unbuilt = { detail: "The pages are not built", hint: "`npm run build` builds them." };
    return problemResponse({ slug: "not-found", ...(route.kind === "page" ? unbuilt : UNSERVED) }, path);
  }
  const isZipped = file.gzipped !== undefined && takesGzip(context.req.header("accept-encoding"));
  const headers = new Headers({ "content-type": file.type, vary: "Accept-Encoding" });
  if (isZipped) headers.set("content-encoding", "gzip");
  // The name of a file has a hash of its content; the document names the files of its build.
  headers.set("cache-control", route.kind === "asset" ? "public, max-age=31536000, immutable" : "no-cache");
  const body = isZipped ? file.gzipped : file.bytes;
  headers.set("content-length", String(body.length));
  return new Response(context.req.raw.method === "HEAD" ? null : body, { headers });
}

async function guarded(options: AppOptions, context: AppContext, route: ApiRoute): Promise<Response> {
  const refused = (problem: ProblemDetails): Response => problemResponse(problem, pathOf(context));
  const { incoming } = context.env;
  const foreign = sourceProblem(incoming, route, options.source());
  if (foreign !== undefined) return refused(foreign);
  const grant = grantFor(options, context, route.authority);
  if (!grant.ok) return refused(grant.error);
  const version = context.req.header("heddle-api");
  if (version !== undefined && version !== API_VERSION)
    return refused({ slug: "unsupported-version", detail: `This server speaks version ${API_VERSION} of the API` });
  const form = formProblem(incoming, route);
  if (form !== undefined) return refused(form);
  const key = keyOf(route, context.req.raw.headers);
  if (!key.ok) return refused(key.error);
  const url = new URL(context.req.url);
  const query = checkedQuery(route.operation.query, url.searchParams);
  if (!query.ok) return refused(query.error);
  const text = await bodyOf(context, route);
  if (!text.ok) return refused(text.error);
  const body = route.method === "GET" ? ok(undefined) : checkedBody(route.operation.body, text.value);
  if (!body.ok) return refused(body.error);
  const call = {
    world: options.world,
    grant: grant.value,
    params: context.req.param(),
    query: query.value as never,
    body: body.value as never,
    headers: context.req.raw.headers,
    instance: pathOf(context),
    target: `${url.pathname}${url.search}`,
    signal: context.req.raw.signal,
    peer: peerOf(context),
  };
  if (key.value === undefined) return await handled(route, call);
  try {
    const ask = { key: key.value, method: route.method, target: call.target, body: text.value };
    const project = call.params["project"] ?? "";
    const { world, onFault: onUnstored } = options;
    const once = await respondOnce({ ...ask, world, project, onUnstored }, (effect) =>
      handled(route, { ...call, effect }).catch((thrown: unknown) => faulted(options, thrown, call.instance)),
    );
    return once.ok ? once.value : refused(once.error);
  } catch (thrown) {
    if (thrown instanceof HeddleError) return refused(detailsOf(thrown));
    throw thrown;
  }
}

/** What the route's handler answers, or the problem that it met. */
async function handled(route: ApiRoute, call: Call<never, never>): Promise<Response> {
  try {
    const answered = await route.handle(call);
    return answered instanceof Response ? answered : jsonResponse(answered);
  } catch (thrown) {
    if (thrown instanceof HeddleError) return problemResponse(detailsOf(thrown), call.instance);
    throw thrown;
  }
}

function faulted({ onFault }: AppOptions, thrown: unknown, path: string): Response {
  onFault(thrown);
  return problemResponse({ slug: "server-error", detail: "The server met a fault" }, path);
}

/** Paths below `/api` say nothing, not even that there is nothing, to who has no token. */
async function unserved(options: AppOptions, context: AppContext): Promise<Response> {
  const path = pathOf(context);
  const foreign = sourceProblem(context.env.incoming, undefined, options.source());
  if (foreign !== undefined) return problemResponse(foreign, path);
  const preflight = preflightResponse(context.env.incoming, options.source());
  if (preflight !== undefined) return preflight;
  const grant = path.startsWith("/api") ? grantFor(options, context, "read") : ok("none");
  if (!grant.ok) return problemResponse(grant.error, path);
  const methods = [...options.routes, ...options.pages]
    .filter((route) => isAtPath(route.path, path))
    .map(({ method }) => method);
  if (methods.length === 0) return problemResponse({ slug: "not-found", ...UNSERVED }, path);
  const allow = [...new Set(methods)].join(", ");
  const detail = `The address takes ${allow} alone`;
  return problemResponse({ slug: "method-not-allowed", detail, headers: { allow } }, path);
}

/** Whether a path is one of the route's, whatever stands in the place of its names. */
function isAtPath(pattern: string, path: string): boolean {
  const names = pattern.split("/");
  const parts = path.split("/");
  return (
    names.length === parts.length &&
    names.every((name, at) => (name.startsWith(":") ? parts[at] !== "" : name === parts[at]))
  );
}

const UNSERVED = { detail: "Nothing is served at this address" } as const;

/** What the request may do, at least `wanted`. */
function grantFor(
  { world }: AppOptions,
  context: AppContext,
  wanted: RouteAuthority,
): Result<RouteAuthority, ProblemDetails> {
  if (wanted === "none") return ok("none");
  const peer = peerOf(context);
  const silencedMs = world.authority.silencedMs(peer);
  if (silencedMs > 0) return err(tooManyGuesses(silencedMs));
  const header = context.req.header("authorization");
  const held = world.authority.grantOf(header);
  if (held !== undefined && allows(held, wanted)) return ok(held);
  if (held !== undefined) return err({ slug: "forbidden", detail: "The token only allows to read" });
  if (header !== undefined) world.authority.noteGuess(peer);
  return err({
    slug: "unauthorized",
    detail: header === undefined ? "The header `Authorization` is missing" : "The token is not valid",
    hint: "Send `Authorization: Bearer TOKEN`; `heddle open` gives a login link.",
    headers: { "www-authenticate": "Bearer" },
  });
}

async function bodyOf(
  context: AppContext,
  { method, bodyLimit = BODY_LIMIT }: ApiRoute,
): Promise<Result<string, ProblemDetails>> {
  if (method === "GET") return ok("");
  let bytes: Buffer | undefined;
  try {
    bytes = await bytesWithin(context.req.raw, bodyLimit);
  } catch {
    // The client went away; nobody reads this.
    return err({ slug: "bad-request", detail: "The body did not arrive whole" });
  }
  if (bytes === undefined) return err(bodyTooLarge(bodyLimit));
  const text = textOfUtf8(bytes);
  return text.ok ? text : err({ slug: "bad-request", detail: `The body ${text.error.message}` });
}

/** `undefined`: there is more, which is not read. */
async function bytesWithin(request: Request, limit: number): Promise<Buffer | undefined> {
  if (request.body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.length;
    if (bytes > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function jsonResponse({ status, json, headers }: Exclude<Answered, Response>): Response {
  return new Response(JSON.stringify(json), { status, headers: { "content-type": "application/json", ...headers } });
}

function noteAnswer({ world }: AppOptions, context: AppContext, route: string, { status }: Response): void {
  world.metrics.answered({ method: context.req.raw.method, route, status });
}

function pathOf(context: AppContext): string {
  return context.req.path;
}

function peerOf({ env }: AppContext): string {
  return env.incoming.socket.remoteAddress ?? "";
}

const POLICY = "content-security-policy";

/** Of every answer. The page needs no more than this: nothing inline, nothing of other hosts, no HTML made from text. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
    "require-trusted-types-for 'script'; trusted-types 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy":
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()",
  "heddle-api": API_VERSION,
};

/** `no-store` where nothing else is said: only assets may be kept. What an answer forbids by a policy of its own is forbidden, too. */
function secured({ source }: AppOptions, { env }: AppContext, response: Response): Response {
  const all: Record<string, string> = { ...SECURITY_HEADERS, ...corsHeaders(env.incoming, source()) };
  const own = response.headers.get(POLICY);
  if (own !== null) all[POLICY] = `${SECURITY_HEADERS[POLICY]}; ${own}`;
  for (const [name, value] of Object.entries(all))
    if (name !== "vary") response.headers.set(name, value);
    else if (response.headers.get(name) !== value) response.headers.append(name, value);
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  return response;
}
