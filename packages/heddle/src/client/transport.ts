/**
 * Transport: one request and its answer, over the `fetch` that it is given. Knows no operation of the API.
 *
 * Invariants:
 *  1. The token goes to the server's own address and nowhere else: no redirect is followed, and no part of a path leads out of its place.
 *  2. What answers is a heddle server of this version of the API, or the call is rejected: its documents have the shapes of `view`.
 *  3. Every rejection is an {@link ApiProblem}, or the reason of the caller's own signal.
 */
import type { Json } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import { ApiProblem, invalidCall, problemIn } from "./problem.ts";

/** Of the API. */
const VERSION = "1";

/** What the client takes from its platform. */
export interface ClientPlatform {
  readonly fetch: typeof globalThis.fetch;
  readonly openSocket: (url: string, protocols: readonly string[]) => ClientSocket;
  /** Calls `fire` once; what it gives back prevents that. */
  readonly after: (delayMs: number, fire: () => void) => () => void;
  /** Milliseconds since the epoch, for people. */
  readonly now: () => number;
  /** For the spread of waits. */
  readonly random: Random;
  /** 128 bits as hexadecimal digits, not to be guessed. */
  readonly newKey: () => string;
}

/** The part of a `WebSocket` that is used. */
export type ClientSocket = Pick<WebSocket, "addEventListener" | "send" | "close">;

export interface Endpoint {
  /** With the path that the API stands below, without a slash at its end. */
  readonly url: string;
  readonly token: string;
}

export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT";
  /** Its parts, not yet encoded. */
  readonly path: readonly string[];
  readonly query?: { readonly [name: string]: string | number | undefined };
  /** Of a `POST` or `PUT`. Members that are `undefined` are not sent. */
  readonly body?: { readonly [name: string]: unknown };
  readonly key?: string | undefined;
  readonly ifMatch?: string | undefined;
  /** Bytes of the answer that are wanted, `to` not among them. */
  readonly range?: { readonly from: number; readonly to: number };
  readonly signal?: AbortSignal | undefined;
  /** A page that is left while this is sent does not end it. Of a long body it does: browsers allow no more. */
  readonly outlivesPage?: true;
}

/** What a browser sends for pages that are gone, in bytes, with room for what else is on its way. */
const KEPT_ALIVE_BYTES = 48 << 10;

/** Where and as whom the client asks. Throws an {@link ApiProblem}. */
export function endpointOf({ url, token }: Endpoint): Endpoint {
  let parsed: URL | undefined;
  try {
    parsed = new URL(url);
  } catch {
    // Said below.
  }
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw invalidCall(`${JSON.stringify(url)} is no address of a server`, "Use what `heddle serve` printed.");
  if (parsed.username !== "" || parsed.password !== "" || parsed.search !== "" || parsed.hash !== "")
    throw invalidCall("The address of a server has no name, password, query or fragment in it");
  if (!/^[\w.~+/-]+=*$/.test(token))
    throw invalidCall("The token is empty, or has characters that no token has", "Use HEDDLE_TOKEN of the server.");
  return { url: `${parsed.origin}${parsed.pathname.replace(/\/+$/, "")}`, token };
}

/** The answer's JSON. `T`: what the operation answers with. */
export async function send<T>(platform: ClientPlatform, endpoint: Endpoint, call: ApiCall): Promise<T> {
  const { response, body } = await answerTo(platform, endpoint, call);
  const json = jsonOf(body);
  if (json === undefined) throw unexpected(response);
  return json as T;
}

/** The answer's text, of an operation that answers with text. */
export async function sendForText(platform: ClientPlatform, endpoint: Endpoint, call: ApiCall): Promise<string> {
  return textOf((await answerTo(platform, endpoint, call)).body);
}

/** The answer's bytes, to a call with a range; `size`: of all that there is. */
export async function sendForBytes(
  platform: ClientPlatform,
  endpoint: Endpoint,
  call: ApiCall,
): Promise<{ readonly bytes: Uint8Array; readonly from: number; readonly size: number }> {
  const { response, body } = await answerTo(platform, endpoint, call);
  const [, from, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "") ?? [];
  if (response.status !== 206 || from === undefined || size === undefined) throw unexpected(response);
  return { bytes: new Uint8Array(body), from: Number(from), size: Number(size) };
}

/** An answer that is no problem. */
async function answerTo(
  { fetch }: ClientPlatform,
  { url, token }: Endpoint,
  call: ApiCall,
): Promise<{ readonly response: Response; readonly body: ArrayBuffer }> {
  const { method, key, ifMatch, signal } = call;
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, "heddle-api": VERSION };
  if (key !== undefined) headers["idempotency-key"] = key;
  if (ifMatch !== undefined) headers["if-match"] = ifMatch;
  if (call.range !== undefined) headers["range"] = `bytes=${call.range.from}-${call.range.to - 1}`;
  const init: RequestInit = { method, headers, redirect: "error", credentials: "omit", cache: "no-store" };
  if (method !== "GET") {
    headers["content-type"] = "application/json";
    const text = JSON.stringify(call.body ?? {});
    init.body = text;
    if (call.outlivesPage === true && new TextEncoder().encode(text).length <= KEPT_ALIVE_BYTES) init.keepalive = true;
  }
  if (signal !== undefined) init.signal = signal;
  const address = `${url}${pathOf(call.path)}${queryOf(call.query)}`;
  signal?.throwIfAborted();
  let response: Response;
  let body: ArrayBuffer;
  try {
    response = await fetch(address, init);
    body = await response.arrayBuffer();
  } catch (thrown) {
    signal?.throwIfAborted();
    throw new ApiProblem({
      code: "unreachable",
      status: 0,
      detail: `No answer from ${url}`,
      hint: "See whether `heddle serve` runs there, and whether the address is right.",
      cause: thrown,
    });
  }
  const problem = response.ok ? undefined : problemIn(response.status, jsonOf(body));
  if (problem !== undefined) throw problem;
  if (!response.ok || response.headers.get("heddle-api") !== VERSION) throw unexpected(response);
  return { response, body };
}

function unexpected({ status }: Response): ApiProblem {
  return new ApiProblem({
    code: "unexpected-answer",
    status,
    detail: `The answer (${status}) is not one of a heddle server with version ${VERSION} of the API`,
    hint: "See what answers at this address: a proxy, another program, or another version of heddle.",
  });
}

function pathOf(parts: readonly string[]): string {
  return parts
    .map((part) => {
      // A browser takes these for steps along the path, also when they are encoded.
      if (part === "" || part === "." || part === "..")
        throw invalidCall(`${JSON.stringify(part)} is no name that can stand in an address`);
      return `/${encodeURIComponent(part)}`;
    })
    .join("");
}

function queryOf(query: ApiCall["query"] = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? "" : `?${given.toString()}`;
}

function textOf(body: ArrayBuffer): string {
  return new TextDecoder().decode(body);
}

/** `undefined`: it is no JSON. */
function jsonOf(body: ArrayBuffer): Json | undefined {
  try {
    return JSON.parse(textOf(body)) as Json;
  } catch {
    return undefined;
  }
}
