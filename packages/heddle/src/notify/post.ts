/**
 * Post: sends one body to an address outside, over HTTP. Knows nothing of what it sends.
 *
 * Invariants:
 *  1. It connects to the very addresses that were checked: the name is resolved once.
 *  2. Unless they are allowed, no address is connected to that is not public, and none of a name of which one is not.
 *  3. No redirect is followed, no proxy of the environment used, and of the answer no more than its head read.
 */
import { lookup as resolve } from "node:dns/promises";
import { Agent as PlainAgent, request as plainRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent, request as secureRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { messageOf, systemCode } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { addressProblem } from "../plan/check-notify.ts";
import { isPublicAddress } from "./public-address.ts";

export interface Letter {
  readonly url: string;
  readonly allowPrivate: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Resolved {
  readonly address: string;
  readonly family: number;
}

export type Resolver = (host: string) => Promise<readonly Resolved[]>;

export interface PostFailure {
  /** For people; without the address, which may be a secret. */
  readonly why: string;
  /** It would fail again. */
  readonly isFinal: boolean;
}

export interface PostAnswer {
  readonly status: number;
  /** What the receiver asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

export const systemResolver: Resolver = (host) => resolve(host, { all: true, order: "verbatim" });

/** `signal` ends it wherever it is. */
export async function post(
  { url: address, allowPrivate, headers, body }: Letter,
  { resolver, signal }: { readonly resolver: Resolver; readonly signal: AbortSignal },
): Promise<Result<PostAnswer, PostFailure>> {
  const wrong = addressProblem(address, allowPrivate);
  if (wrong !== undefined) return failed(wrong.message, true);
  const url = new URL(address);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const found = await addressesOf(host, { resolver, signal });
  if (!found.ok) return found;
  const refused = allowPrivate ? undefined : found.value.find((one) => !isPublicAddress(one.address));
  if (refused !== undefined)
    return failed(`${host} is ${refused.address}, which is no public address; \`allowPrivate\` allows it`, true);
  try {
    const { statusCode = 0, headers: answer } = await answerOf(url, {
      headers,
      body,
      lookup: only(found.value),
      signal,
    });
    return ok({ status: statusCode, retryAfterMs: secondsOf(answer["retry-after"]) });
  } catch (thrown) {
    return failed(`${host} cannot be reached (${signal.aborted ? "it took too long" : reasonOf(thrown)})`);
  }
}

function failed(why: string, isFinal = false): Result<never, PostFailure> {
  return err({ why, isFinal });
}

async function addressesOf(
  host: string,
  { resolver, signal }: { readonly resolver: Resolver; readonly signal: AbortSignal },
): Promise<Result<readonly Resolved[], PostFailure>> {
  const family = isIP(host);
  if (family !== 0) return ok([{ address: host, family }]);
  const late = Promise.withResolvers<never>();
  const end = (): void => late.reject(new Error("it took too long"));
  signal.addEventListener("abort", end, { once: true });
  try {
    const found = await Promise.race([resolver(host), late.promise]);
    return found.length === 0 ? failed(`${host} has no address`) : ok(found);
  } catch (thrown) {
    return failed(`${host} cannot be found (${reasonOf(thrown)})`);
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** Gives these addresses, whatever is asked for. */
function only(addresses: readonly Resolved[]): LookupFunction {
  return (_, options, tell) => {
    const [first] = addresses;
    if (options.all === true) tell(null, [...addresses]);
    else if (first !== undefined) tell(null, first.address, first.family);
  };
}

interface Sending {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly lookup: LookupFunction;
  readonly signal: AbortSignal;
}

async function answerOf(url: URL, { headers, body, lookup, signal }: Sending): Promise<IncomingMessage> {
  const isSecure = url.protocol === "https:";
  // Of its own: a shared one may be a proxy's.
  const agent = isSecure ? new Agent({ keepAlive: false }) : new PlainAgent({ keepAlive: false });
  let request: ClientRequest | undefined;
  try {
    return await new Promise<IncomingMessage>((resolved, rejected) => {
      const length = { "content-length": String(Buffer.byteLength(body)) };
      const options = { method: "POST", headers: { ...headers, ...length }, agent, lookup, signal };
      request = (isSecure ? secureRequest : plainRequest)(url, options, resolved);
      request.on("error", rejected).end(body);
    });
  } finally {
    // Whatever else it would say.
    request?.on("error", () => undefined).destroy();
    agent.destroy();
  }
}

function reasonOf(thrown: unknown): string {
  return systemCode(thrown) ?? messageOf(thrown);
}

function secondsOf(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : undefined;
}
