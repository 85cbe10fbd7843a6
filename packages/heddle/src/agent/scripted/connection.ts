/**
 * JSON-RPC peer of the scripted agent: one message a line over two streams, requests in both directions. Knows no method and
 * no meaning. By hand, since the protocol's library checks every message by schemas that take longer to build than a script
 * to play; heddle's side of the same pipe keeps that check.
 *
 * Invariants:
 *  1. Every request that is read is answered once, in whatever order their handlers end; a notification never.
 *  2. At the end of the input nothing waits for an answer any more: what was asked of the other side fails.
 */
import type { Readable, Writable } from "node:stream";
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { err, ok, type Result } from "../../base/result.ts";

/** What a request is answered with that cannot be met. */
export interface RpcFailure {
  readonly code: number;
  readonly message: string;
  readonly data?: JsonObject;
}

/** The other side of the connection. */
export interface RpcPeer {
  /** Resolves when it is written. */
  notify(method: string, params: JsonObject): Promise<void>;
  request(method: string, params: JsonObject): Promise<Result<JsonObject, RpcFailure>>;
}

/** One method. What it answers a notification is dropped. */
export type RpcHandler = (params: JsonObject, peer: RpcPeer) => Promise<Result<JsonObject, RpcFailure>>;

export interface RpcStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
}

/** Longest message, in characters: more than any prompt. What is longer ends the connection. */
const MAX_LINE = 64 * 1024 * 1024;

const CLOSED: RpcFailure = { code: -32_000, message: "the connection is closed" };

/** Resolves at the end of the input. */
export async function serveRpc(streams: RpcStreams, handlers: Readonly<Record<string, RpcHandler>>): Promise<void> {
  const { stdin } = streams;
  const connection = new Connection(streams.stdout, new Map(Object.entries(handlers)));
  stdin.setEncoding("utf8");
  let rest = "";
  try {
    for await (const chunk of stdin as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") connection.take(line);
      if (rest.length > MAX_LINE) break;
    }
  } catch {
    // A pipe that breaks has ended.
  }
  connection.close();
}

class Connection implements RpcPeer {
  readonly #stdout: Writable;
  readonly #handlers: ReadonlyMap<string, RpcHandler>;
  readonly #asked = new Map<number, (answer: Result<JsonObject, RpcFailure>) => void>();
  #lastId = 0;
  #closed = false;

  constructor(stdout: Writable, handlers: ReadonlyMap<string, RpcHandler>) {
    this.#stdout = stdout;
    this.#handlers = handlers;
  }

  async notify(method: string, params: JsonObject): Promise<void> {
    await this.#write({ method, params });
  }

  async request(method: string, params: JsonObject): Promise<Result<JsonObject, RpcFailure>> {
    if (this.#closed) return err(CLOSED);
    const id = ++this.#lastId;
    const answer = new Promise<Result<JsonObject, RpcFailure>>((resolve) => this.#asked.set(id, resolve));
    await this.#write({ id, method, params });
    return await answer;
  }

  take(line: string): void {
    const message = parsed(line);
    if (message === undefined) {
      this.#fail(null, { code: -32_700, message: "Parse error" });
      return;
    }
    const { id = null, method, params } = message;
    if (typeof method !== "string") this.#answered(message);
    else void this.#handle(id, method, isJsonObject(params) ? params : {});
  }

  close(): void {
    this.#closed = true;
    for (const resolve of this.#asked.values()) resolve(err(CLOSED));
    this.#asked.clear();
  }

  #answered({ id, result, error }: JsonObject): void {
    const resolve = typeof id === "number" ? this.#asked.get(id) : undefined;
    if (resolve === undefined) return;
    this.#asked.delete(id as number);
    if (isJsonObject(error)) resolve(err({ code: Number(error["code"]), message: String(error["message"]) }));
    else resolve(ok(isJsonObject(result) ? result : {}));
  }

  async #handle(id: Json, method: string, params: JsonObject): Promise<void> {
    const handler = this.#handlers.get(method);
    let answer: Result<JsonObject, RpcFailure>;
    try {
      answer =
        handler === undefined
          ? err({ code: -32_601, message: `Method not found: ${method}` })
          : await handler(params, this);
    } catch (thrown) {
      answer = err({ code: -32_603, message: "Internal error", data: { details: messageOf(thrown) } });
    }
    if (id === null) return;
    if (answer.ok) void this.#write({ id, result: answer.value });
    else this.#fail(id, answer.error);
  }

  #fail(id: Json, { code, message, data }: RpcFailure): void {
    void this.#write({ id, error: defined({ code, message, data }) });
  }

  async #write(message: JsonObject): Promise<void> {
    const line = `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
    // Whoever does not read any more has ended, and so does this side: by the end of its input.
    await new Promise<void>((resolve) => void this.#stdout.write(line, () => resolve()));
  }
}

function parsed(line: string): JsonObject | undefined {
  try {
    const value = JSON.parse(line) as unknown;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
