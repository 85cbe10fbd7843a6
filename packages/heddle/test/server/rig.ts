/** A server under test: real sockets, projects in folders of their own, a clock that stands still, and requests written byte by byte. */
import { connect } from "node:net";
import { join } from "node:path";
import { mkdirSync } from "node:fs";
import { openProject } from "../../src/host/open.ts";
import type { Json } from "../../src/base/json.ts";
import { orThrow } from "../../src/base/errors.ts";
import { serve, type RunningServer, type ServeOptions } from "../../src/server/serve.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Answer extends RawAnswer {
  readonly json: Record<string, Json>;
}

export interface Ask {
  readonly method?: string;
  /** Absent: everything; `null`: none. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** The request's `Idempotency-Key`; absent: a new one, unless it is a `GET`; `null`: none. */
  readonly key?: string | null;
}

let keys = 0;

export class ServerRig implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly dir: string;
  readonly server: RunningServer;
  readonly faults: unknown[];

  private constructor(dir: string, clock: VirtualClock, server: RunningServer, faults: unknown[]) {
    this.dir = dir;
    this.clock = clock;
    this.server = server;
    this.faults = faults;
  }

  static async start(
    options: Partial<ServeOptions> & { readonly projects?: readonly string[] } = {},
  ): Promise<ServerRig> {
    const dir = temporaryFolder("heddle-server-");
    const clock = new VirtualClock(1_700_000_000_000);
    const faults: unknown[] = [];
    const { projects = ["demo"], ...more } = options;
    const dirs = projects.map((name) => join(dir, name));
    for (const one of dirs) mkdirSync(one, { recursive: true });
    const server = await serve({
      dirs,
      open: (one) => openProject(one, { title: "heddle serve" }),
      clock,
      env: { HOME: dir },
      port: 0,
      title: "heddle serve",
      actor: "tester over HTTP",
      onFault: (thrown) => faults.push(thrown),
      ...more,
    });
    return new ServerRig(dir, clock, orThrow(server), faults);
  }

  async ask(path: string, { method, token, headers = {}, body, key }: Ask = {}): Promise<Answer> {
    const verb = method ?? (body === undefined ? "GET" : "POST");
    const response = await fetch(`${this.server.url}${path}`, {
      method: verb,
      headers: {
        ...(key === null || verb === "GET" ? {} : { "idempotency-key": key ?? `key-${++keys}` }),
        ...(token === null ? {} : { authorization: `Bearer ${token ?? this.server.tokens.act}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = text !== "" && (response.headers.get("content-type") ?? "").includes("json");
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text,
      json: isJson ? (JSON.parse(text) as Record<string, Json>) : {},
    };
  }

  /** The lines of a request's head, and its body, as they are. */
  raw(lines: readonly string[], body = ""): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.server.port, "127.0.0.1", () => socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`));
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
      socket.once("error", reject).once("close", () => resolve(parsed(text)));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** Lets so much time go by, with all that is due meanwhile. */
export function pass(clock: VirtualClock, ms: number): void {
  let isOver = false;
  clock.after(ms, () => (isOver = true));
  while (!isOver) clock.advance();
}

function parsed(text: string): RawAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(":")).toLowerCase(),
    line.slice(line.indexOf(":") + 2),
  ]);
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(first)?.[1] ?? 0),
    headers: Object.fromEntries(headers) as Record<string, string>,
    text: rest.join("\r\n\r\n"),
  };
}
