/**
 * Stdio proxy of the task tools, for agents that cannot use HTTP: forwards each line to the HTTP endpoint and the answer
 * back, and adds the headers that HTTP needs. Knows no tool and keeps no state except the protocol version. Loads no
 * library, because it is started once per agent.
 */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { messageOf } from "../../base/errors.ts";
import { markIds, unmarkIds } from "./exact-ids.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";

/** The environment of the program: where the endpoint is, and the secret that opens it. */
export const URL_VARIABLE = "HEDDLE_TASKS_URL";
export const TOKEN_VARIABLE = "HEDDLE_TASKS_TOKEN";

/** Characters of a line, as many as the endpoint takes bytes. */
const LONGEST_LINE = 2 * 1024 * 1024;

const MOST_IN_FLIGHT = 64;

/** What is still on its way when the agent closes its end may take so long to arrive. */
const LINGER_MS = 3000;

/** Where the stateless protocol has its version, in every request. */
const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";

/** What requests are about, for the header `Mcp-Name`. */
const NAMED_BY: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};

export interface ProxyPorts {
  readonly input: Readable;
  readonly output: Writable;
  readonly url: string;
  readonly token: string;
  readonly fetch: typeof globalThis.fetch;
}

/** Resolves when the input has ended and what it asked for is answered or given up. */
export async function proxyStdio(ports: ProxyPorts): Promise<void> {
  const gone = new AbortController();
  ports.output.once("error", () => gone.abort());
  const session: Session = { ports, version: undefined, inFlight: new Map(), gone: gone.signal };
  const under = new Set<Promise<void>>();
  for await (const line of linesOf(ports.input)) {
    if (gone.signal.aborted) break;
    if (line.trim() === "") continue;
    const work = carry(session, line).finally(() => under.delete(work));
    under.add(work);
    if (under.size >= MOST_IN_FLIGHT) await Promise.race(under);
  }
  const linger = setTimeout(() => gone.abort(), LINGER_MS);
  await Promise.all(under);
  clearTimeout(linger);
}

/** A line that is too long is dropped after its limit. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of input.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = (lines.pop() ?? "").slice(0, LONGEST_LINE + 1);
    yield* lines;
  }
  yield rest;
}

interface Session {
  readonly ports: ProxyPorts;
  /** Of the older protocols, once it is agreed on. */
  version: string | undefined;
  readonly inFlight: Map<unknown, AbortController>;
  readonly gone: AbortSignal;
}

/** Never rejects. */
async function carry(session: Session, line: string): Promise<void> {
  // The endpoint gets the line as it is; here its ids are texts where numbers would be rounded.
  const message = line.length > LONGEST_LINE ? undefined : parsed(markIds(line) ?? line);
  const id = isJsonObject(message) && "method" in message ? (message["id"] ?? undefined) : undefined;
  if (message === undefined) {
    const what = line.length > LONGEST_LINE ? "the line is too long" : "the line is not JSON";
    return write(session, failure(null, line.length > LONGEST_LINE ? -32600 : -32700, what));
  }
  if (isJsonObject(message) && message["method"] === "notifications/cancelled") {
    const about = message["params"];
    if (isJsonObject(about)) session.inFlight.get(about["requestId"])?.abort();
  }
  const cancelled = new AbortController();
  if (id !== undefined) session.inFlight.set(id, cancelled);
  try {
    const { ports } = session;
    const response = await ports.fetch(ports.url, {
      method: "POST",
      headers: headersOf(session, message),
      body: line,
      redirect: "error",
      signal: AbortSignal.any([cancelled.signal, session.gone]),
    });
    await sendBack(session, response, message, id);
  } catch (thrown) {
    // A cancelled call needs no answer.
    if (id !== undefined && !cancelled.signal.aborted)
      await write(session, failure(id, -32000, `cannot reach the run's task tools: ${messageOf(thrown)}`));
  } finally {
    session.inFlight.delete(id);
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

function headersOf({ ports, version }: Session, message: unknown): Record<string, string> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${ports.token}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const { method, params } = isJsonObject(message) ? message : {};
  const meta = isJsonObject(params) ? params["_meta"] : undefined;
  const own = isJsonObject(meta) ? meta[VERSION_KEY] : undefined;
  if (typeof own !== "string") return version === undefined ? headers : { ...headers, "mcp-protocol-version": version };
  headers["mcp-protocol-version"] = headerText(own);
  if (typeof method !== "string") return headers;
  headers["mcp-method"] = headerText(method);
  const name = isJsonObject(params) ? params[NAMED_BY[method] ?? ""] : undefined;
  if (typeof name === "string") headers["mcp-name"] = headerText(name);
  return headers;
}

/** Headers hold visible ASCII; for other texts the protocol has this form. */
function headerText(text: string): string {
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(text) && !text.startsWith("=?base64?")) return text;
  return `=?base64?${Buffer.from(text, "utf8").toString("base64")}?=`;
}

async function sendBack(session: Session, response: Response, message: unknown, id: unknown): Promise<void> {
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("text/event-stream")) {
    for await (const event of events(response)) await pass(session, event, message, id);
    return;
  }
  const text = await response.text();
  if (text !== "") return pass(session, text, message, id);
  if (!response.ok && id !== undefined)
    await write(session, failure(id, -32000, `the run's task tools answered with status ${response.status}`));
}

/** The `data` of each event of a stream. */
async function* events(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  let rest = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const lines = block.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      const data = lines.map((line) => line.slice(5).trimStart()).join("\n");
      if (data !== "") yield data;
    }
  }
}

async function pass(session: Session, text: string, asked: unknown, id: unknown): Promise<void> {
  const answer = parsed(markIds(text) ?? text);
  if (!isJsonObject(answer)) {
    if (Array.isArray(answer)) await write(session, answer);
    else if (id !== undefined)
      await write(session, failure(id, -32000, "the run's task tools did not answer with JSON"));
    return;
  }
  const result = answer["result"];
  if (isJsonObject(asked) && asked["method"] === "initialize" && isJsonObject(result)) {
    if (typeof result["protocolVersion"] === "string") session.version = result["protocolVersion"];
  }
  // An error from before the request was read has no id, and would be an answer to nothing.
  if (answer["id"] === null && "error" in answer) {
    if (id !== undefined) await write(session, { ...answer, id });
    else if (!isJsonObject(asked) || !("method" in asked)) await write(session, answer);
    return;
  }
  await write(session, answer);
}

function failure(id: unknown, code: number, message: string): JsonObject {
  return { jsonrpc: "2.0", id, error: { code, message } } as JsonObject;
}

async function write({ gone, ports }: Session, message: unknown): Promise<void> {
  if (gone.aborted || ports.output.destroyed) return;
  if (ports.output.write(`${unmarkIds(JSON.stringify(message))}\n`)) return;
  // An output that is gone never drains.
  await once(ports.output, "drain", { signal: gone }).catch(() => undefined);
}
