/**
 * ACP message stream: reads and writes JSON-RPC messages of the Agent Client Protocol, one per line, and checks
 * everything that comes from the agent. Does not know what the messages ask for.
 *
 * Invariants:
 *  1. The stream ends, with one sentence why, at the first line that is not a JSON-RPC message, at an answer to a
 *     request that was not made, and at a line or a flood above the limits. Before the agent's first message a few other
 *     lines (the banner of a wrapper) are allowed.
 *  2. Session updates go to `update` at once and in order, ahead of any answer that came after them.
 */
import type { AnyMessage, Stream } from "@agentclientprotocol/sdk";
import { type JsonObject, isJsonObject } from "../../base/json.ts";
import { lineReader } from "./line-reader.ts";

/** Bytes of one message. */
const MAX_LINE = 16 * 1024 * 1024;
/** Requests of the agent that wait for an answer at once. */
const MAX_REQUESTS = 64;
/** Lines that are not messages, before the first message. */
const MAX_STRAY = 20;

export interface WireEvents {
  readonly write: (line: string) => void;
  /** Parameters of a `session/update`. */
  readonly update: (params: JsonObject) => void;
  /** A well-formed message arrived. */
  readonly heard: () => void;
  /** A line before the first message that was ignored. */
  readonly stray: (line: string) => void;
  readonly broken: (why: string) => void;
}

export interface Wire {
  readonly stream: Stream;
  push(chunk: Buffer): void;
  /** No more will come. */
  end(): void;
}

export function acpWire(events: WireEvents): Wire {
  const asked = new Set<unknown>();
  const toAnswer = new Set<unknown>();
  let controller: ReadableStreamDefaultController<AnyMessage> | undefined;
  let isOpen = true;
  let strays = 0;
  let greeted = false;

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    try {
      controller?.close();
    } catch {
      // The reader has gone away already.
    }
  }
  function broken(why: string): void {
    if (!isOpen) return;
    close();
    events.broken(why);
  }
  function line(text: string): void {
    if (!isOpen) return;
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      if (greeted || ++strays > MAX_STRAY) return broken(`it printed a line that is not a message: ${preview(text)}`);
      return events.stray(text);
    }
    const problem = judge(message);
    if (problem !== undefined) return broken(`${problem}: ${preview(text)}`);
  }
  /** Passes a message on, or returns what is wrong with it. */
  function judge(message: unknown): string | undefined {
    if (!isJsonObject(message) || message["jsonrpc"] !== "2.0") return "it printed a line that is not a message";
    const { method, id } = message;
    if (method === undefined) {
      if (!asked.delete(id)) return "it answered a request that was not made";
      if ("result" in message === "error" in message) return "it gave an invalid answer";
      const { error } = message;
      if ("error" in message && !(isJsonObject(error) && Number.isInteger(error["code"])))
        return "it gave an error without a code";
    } else if (typeof method !== "string") return "it printed a line that is not a message";
    else if ("id" in message) {
      if (typeof id !== "string" && typeof id !== "number") return "it made a request without an id";
      if (toAnswer.has(id)) return "it made two requests under one id";
      toAnswer.add(id);
      if (toAnswer.size > MAX_REQUESTS) return `it made more than ${MAX_REQUESTS} requests at once`;
    }
    greeted = true;
    events.heard();
    if (method === "session/update") {
      if (!isJsonObject(message["params"]) || !isJsonObject(message["params"]["update"]))
        return "it sent an empty update";
      events.update(message["params"]);
    } else controller?.enqueue(message as unknown as AnyMessage);
    return undefined;
  }
  const reader = lineReader(MAX_LINE, {
    line,
    tooLong: () => broken(`it printed a line of more than ${MAX_LINE / 1024 / 1024} MB`),
  });
  const readable = new ReadableStream<AnyMessage>({
    start(given) {
      controller = given;
    },
    cancel() {
      isOpen = false;
    },
  });
  const writable = new WritableStream<AnyMessage>({
    write(message) {
      if ("id" in message) {
        if ("method" in message) asked.add(message.id);
        else toAnswer.delete(message.id);
      }
      events.write(`${JSON.stringify(message)}\n`);
    },
  });
  return {
    stream: { readable, writable },
    push: (chunk) => {
      if (isOpen) reader.push(chunk);
    },
    end() {
      if (isOpen) reader.end();
      close();
    },
  };
}

function preview(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
