/** A server whose listener writes down what it hears, real clients for it, and raw requests with any header. */
import { request } from "node:http";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { openTaskServer } from "../../../src/agent/tools/task-server.ts";
import {
  type AttemptTask,
  type TaskAccess,
  type TaskServer,
  type TaskServerOptions,
  type TaskListener,
  type ToolName,
  WORKER_TOOLS,
} from "../../../src/agent/tools/port.ts";

export interface Heard {
  readonly method: keyof TaskListener;
  readonly report: unknown;
}

/** Accepts everything, defers questions; `over` replaces single methods. */
export function listenerOf(heard: Heard[], over: Partial<TaskListener> = {}): TaskListener {
  const note = (method: keyof TaskListener, report: unknown): void => void heard.push({ method, report });
  const usual: TaskListener = {
    progress: () => undefined,
    completed: () => Promise.resolve({ kind: "accepted" }),
    failed: () => Promise.resolve({ kind: "accepted" }),
    asked: () => Promise.resolve({ kind: "deferred" }),
    proposed: () => Promise.resolve({ kind: "added", step: "new-one" }),
    learned: () => Promise.resolve({ kind: "accepted" }),
    planSubmitted: () => Promise.resolve({ kind: "accepted", steps: 3 }),
    ...over,
  };
  return {
    progress: (report) => (note("progress", report), usual.progress(report)),
    completed: (report) => (note("completed", report), usual.completed(report)),
    failed: (report) => (note("failed", report), usual.failed(report)),
    asked: (report) => (note("asked", report), usual.asked(report)),
    proposed: (report) => (note("proposed", report), usual.proposed(report)),
    learned: (report) => (note("learned", report), usual.learned(report)),
    planSubmitted: (report) => (note("planSubmitted", report), usual.planSubmitted(report)),
  };
}

export function taskOf(
  heard: Heard[],
  options: { step?: string; tools?: readonly ToolName[]; over?: Partial<TaskListener> } = {},
): AttemptTask {
  return {
    brief: { run: "r1", step: options.step ?? "build", attempt: 1, prompt: "Build it." },
    tools: options.tools ?? WORKER_TOOLS,
    listener: listenerOf(heard, options.over),
  };
}

export function openServer(options: Partial<TaskServerOptions> = {}): Promise<TaskServer> {
  return openTaskServer({ clock: systemClock(), version: "1.2.3", node: process.execPath, ...options });
}

/** What an era of the protocol is called by the client that speaks it. */
export type Era = "auto" | "legacy";

export async function httpClient(access: TaskAccess, era: Era = "auto"): Promise<Client> {
  const headers = { authorization: `Bearer ${access.token}` };
  const client = newClient(era);
  await client.connect(new StreamableHTTPClientTransport(new URL(access.url), { requestInit: { headers } }));
  return client;
}

export async function stdioClient(
  access: TaskAccess,
  era: Era = "auto",
): Promise<{ readonly client: Client; readonly pid: number }> {
  const { args, command, env } = access.stdio;
  const transport = new StdioClientTransport({ command, args: [...args], env: { ...env }, stderr: "inherit" });
  const client = newClient(era);
  await client.connect(transport);
  if (transport.pid === null) throw new Error("the program has no pid");
  return { client, pid: transport.pid };
}

function newClient(era: Era): Client {
  return new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode: era } });
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request as a hostile program would send it. `headers` replace the usual ones; `undefined` leaves one out. */
export function send(
  access: TaskAccess,
  options: {
    readonly method?: string;
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
    readonly body?: string | Buffer;
  } = {},
): Promise<Answered> {
  const { hostname, pathname, port } = new URL(access.url);
  const wanted: Record<string, string | string[] | undefined> = {
    authorization: `Bearer ${access.token}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...options.headers,
  };
  const headers = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        path: options.path ?? pathname,
        method: options.method ?? "POST",
        headers: headers as Record<string, string | string[]>,
        agent: false,
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (body += text));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
        response.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end(options.body ?? call("task_get"));
  });
}

/** A call in the older protocols' form, which needs nothing beside it. */
export function call(tool: string, input: object = {}, id: number | string = 1): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name: tool, arguments: input } });
}

/** The JSON-RPC message in a response, whichever way it was sent. */
export function messageIn({ body, headers }: Answered): { readonly [key: string]: unknown } {
  const type = String(headers["content-type"]);
  const text = type.startsWith("text/event-stream") ? (/^data: ?(.*)$/m.exec(body)?.[1] ?? "") : body;
  return JSON.parse(text) as { readonly [key: string]: unknown };
}

/** Time that passes when it is told to. */
export function handClock(): Clock & { readonly advance: (ms: number) => void } {
  let now = 0;
  const timers = new Set<{ readonly due: number; readonly fire: () => void }>();
  return {
    now: () => now,
    after(delayMs, fire) {
      const timer = { due: now + delayMs, fire };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(ms) {
      now += ms;
      for (const timer of [...timers].filter(({ due }) => due <= now)) {
        timers.delete(timer);
        timer.fire();
      }
    },
  };
}
