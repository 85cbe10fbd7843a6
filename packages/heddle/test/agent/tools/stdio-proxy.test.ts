import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import type { TaskAccess } from "../../../src/agent/tools/port.ts";
import { proxyStdio } from "../../../src/agent/tools/stdio-proxy.ts";
import { call, type Heard, openServer, taskOf } from "./rig.ts";

interface Sent {
  readonly headers: Headers;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** The proxy over streams in memory, with an endpoint that the test plays. */
function proxyOf(answer: (sent: Sent) => Promise<Response>) {
  const input = new PassThrough();
  const output = new PassThrough();
  const sent: Sent[] = [];
  const fetch = (_: unknown, init: RequestInit = {}): Promise<Response> => {
    const one = { headers: new Headers(init.headers), body: String(init.body), signal: init.signal ?? neverAborted() };
    sent.push(one);
    return answer(one);
  };
  const done = proxyStdio({ input, output, url: "http://127.0.0.1:1/mcp", token: "tok", fetch: fetch as never });
  const lines = async (): Promise<unknown[]> => {
    await done;
    output.end();
    const text = Buffer.concat(await output.toArray()).toString();
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as unknown);
  };
  return { input, sent, lines };
}

function neverAborted(): AbortSignal {
  return new AbortController().signal;
}

function json(value: unknown, status = 200): Promise<Response> {
  return Promise.resolve(Response.json(value, { status }));
}

const VERSION = { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } };

test("adds the headers that the stateless protocol asks for", async () => {
  const { input, lines, sent } = proxyOf(() => json({ jsonrpc: "2.0", id: 1, result: {} }));
  input.end(
    `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "tâche", ...VERSION } })}\r\n\n`,
  );
  await lines();
  expect(sent).toHaveLength(1);
  expect(Object.fromEntries(sent[0]?.headers ?? [])).toEqual({
    authorization: "Bearer tok",
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": `=?base64?${Buffer.from("tâche").toString("base64")}?=`,
  });
});

test("names the older protocol's version once it is agreed on", async () => {
  const { input, lines, sent } = proxyOf(({ body }) => {
    const { id } = JSON.parse(body) as { id: number };
    return json({ jsonrpc: "2.0", id, result: { protocolVersion: "2025-06-18" } });
  });
  input.write('{"jsonrpc":"2.0","id":1,"method":"initialize"}\n');
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  input.end('{"jsonrpc":"2.0","id":2,"method":"tools/list"}\n');
  expect(await lines()).toHaveLength(2);
  expect(sent.map(({ headers }) => headers.get("mcp-protocol-version"))).toEqual([null, "2025-06-18"]);
});

describe("errors", () => {
  test("of a line that is no JSON, or too long", async () => {
    const { input, lines, sent } = proxyOf(() => json({}));
    input.end(`{"jsonrpc"\n"${"x".repeat(5 * 1024 * 1024)}"\n${call("task_get")}\n`);
    expect(await lines()).toEqual([
      { jsonrpc: "2.0", id: null, error: { code: -32700, message: "the line is not JSON" } },
      { jsonrpc: "2.0", id: null, error: { code: -32600, message: "the line is too long" } },
      {},
    ]);
    expect(sent).toHaveLength(1);
  });

  test("that came before the request was read get the request's id", async () => {
    const error = { code: -32000, message: "the token is not valid" };
    const { input, lines } = proxyOf(() => json({ jsonrpc: "2.0", id: null, error }, 401));
    input.write(`${call("task_get", {}, "seven")}\n`);
    input.end('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    expect(await lines()).toEqual([{ jsonrpc: "2.0", id: "seven", error }]);
  });

  test("of an endpoint that is gone, or answers otherwise", async () => {
    let count = 0;
    const { input, lines } = proxyOf(() =>
      count++ === 0 ? Promise.reject(new Error("refused")) : Promise.resolve(new Response("<html>", { status: 502 })),
    );
    input.end(`${call("task_get", {}, 1)}\n${call("task_get", {}, 2)}\n`);
    const answers = (await lines()) as { readonly id: number; readonly error: { readonly message: string } }[];
    expect(answers.map(({ error, id }) => [id, error.message]).sort()).toEqual([
      [1, "cannot reach the run's task tools: refused"],
      [2, "the run's task tools did not answer with JSON"],
    ]);
  });
});

test("gives a stream's events one by one", async () => {
  const parts = [
    'event: message\ndata: {"jsonrpc":"2.0","me',
    'thod":"a"}\n\n: ping\n\ndata: {"jsonrpc":"2.0",',
    '\ndata: "id":1,"result":{}}\n\n',
  ];
  const body = new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
  const { input, lines } = proxyOf(() =>
    Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } })),
  );
  input.end(`${call("task_get")}\n`);
  expect(await lines()).toEqual([
    { jsonrpc: "2.0", method: "a" },
    { jsonrpc: "2.0", id: 1, result: {} },
  ]);
});

test("cancels what the agent cancels, and gives no answer to it", async () => {
  const aborted = Promise.withResolvers<void>();
  const { input, lines, sent } = proxyOf(({ body, signal }) => {
    if (!body.includes('"id":1')) return Promise.resolve(new Response(null, { status: 202 }));
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        aborted.resolve();
        reject(new Error("aborted"));
      });
    });
  });
  input.write(`${call("task_ask", { question: "q" }, 1)}\n`);
  input.write('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n');
  // While the input is open, nothing else ends it.
  await aborted.promise;
  input.end();
  expect(await lines()).toEqual([]);
  expect(sent).toHaveLength(2);
});

/** Runs the program with `lines` on its stdin, which then ends. */
async function program(
  env: Readonly<Record<string, string>>,
  access: Pick<TaskAccess["stdio"], "command" | "args">,
  lines: string,
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const child = spawn(access.command, access.args, { env: { ...env }, stdio: "pipe" });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(lines);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, err };
}

describe("the program", () => {
  test("answers what was asked before its input ended, and ends by itself", async () => {
    await using server = await openServer();
    const heard: Heard[] = [];
    const { stdio } = server.issueToken(taskOf(heard));
    const { code, err, out } = await program(stdio.env, stdio, `${call("task_progress", { message: "m" })}\n`);
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ id: 1, result: { structuredContent: { status: "recorded" } } });
    expect(heard).toHaveLength(1);
  });

  test("goes past the user's proxy", async () => {
    await using server = await openServer();
    const { stdio } = server.issueToken(taskOf([]));
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(JSON.stringify([request.url, request.headers]));
      response.writeHead(502).end();
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const address = proxy.address();
    const there = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    const env = { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: there, http_proxy: there, ...stdio.env };
    const { out } = await program(env, stdio, `${call("task_get")}\n`);
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
    expect(asked).toEqual([]);
    expect(JSON.parse(out)).toMatchObject({ result: { structuredContent: { step: "build" } } });
  });

  test("does not wait for what is not answered", async () => {
    await using server = await openServer();
    const { stdio } = server.issueToken(taskOf([], { over: { asked: () => new Promise(() => undefined) } }));
    const { code } = await program(stdio.env, stdio, `${call("task_ask", { question: "q" })}\n`);
    expect(code).toBe(0);
  });

  test("with a revoked token tells so in its answers", async () => {
    await using server = await openServer();
    const { stdio, token } = server.issueToken(taskOf([]));
    server.revoke(token);
    const { code, out } = await program(stdio.env, stdio, `${call("task_get", {}, 9)}\n`);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id: 9, error: { message: expect.stringMatching(/not valid/) as string } });
  });

  test("without its variables says what is missing", async () => {
    await using server = await openServer();
    const { stdio } = server.issueToken(taskOf([]));
    const { code, err } = await program({}, stdio, "");
    expect(code).toBe(2);
    expect(err).toContain("HEDDLE_TASKS_TOKEN");
  });
});
