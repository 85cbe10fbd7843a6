import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkRequest } from "../../../src/http/request-guard.ts";
import type { TaskAccess, TaskServer } from "../../../src/agent/tools/port.ts";
import { call, type Heard, httpClient, messageIn, openServer, send, stdioClient, taskOf } from "./rig.ts";

let server: TaskServer;
let heard: Heard[];
let faults: string[];
let access: TaskAccess;

beforeEach(async () => {
  heard = [];
  faults = [];
  server = await openServer({ onFault: (message) => faults.push(message) });
  access = server.issueToken(taskOf(heard));
});

afterEach(() => server[Symbol.asyncDispose]());

const PROGRESS = call("task_progress", { message: "m" });

describe("the token", () => {
  test("has 256 random bits and opens the tools", async () => {
    expect(Buffer.from(access.token, "base64url")).toHaveLength(32);
    expect((await send(access)).status).toBe(200);
  });

  test.each<[string, (right: string) => string | undefined]>([
    ["none", () => undefined],
    ["empty", () => "Bearer "],
    ["a wrong one", (right) => `Bearer ${right.startsWith("A") ? "B" : "A"}${right.slice(1)}`],
    ["one cut short", (right) => `Bearer ${right.slice(0, -1)}`],
    ["one with more behind it", (right) => `Bearer ${right}A`],
    ["another scheme", (right) => `Basic ${right}`],
    ["a very long one", () => `Bearer ${"A".repeat(8000)}`],
  ])("%s: 401, and nobody hears of it", async (_, headerOf) => {
    const answered = await send(access, { headers: { authorization: headerOf(access.token) }, body: PROGRESS });
    expect(answered.status).toBe(401);
    expect(answered.headers["www-authenticate"]).toBe("Bearer");
    expect(messageIn(answered)).toMatchObject({ jsonrpc: "2.0", id: null, error: { code: -32000 } });
    expect(heard).toEqual([]);
  });

  test("ends with its attempt, others go on", async () => {
    const other = server.issueToken(taskOf(heard, { step: "other" }));
    server.revoke(access.token);
    server.revoke(access.token);
    server.revoke("never issued");
    expect((await send(access, { body: PROGRESS })).status).toBe(401);
    expect((await send(other, { body: PROGRESS })).status).toBe(200);
    expect(heard).toHaveLength(1);
  });

  test("revoked while a body comes in: 401, and nobody hears of it", async () => {
    const { port } = new URL(access.url);
    const headers = { authorization: `Bearer ${access.token}`, "content-type": "application/json" };
    const outgoing = request({
      port,
      path: "/mcp",
      method: "POST",
      headers: { ...headers, host: `127.0.0.1:${port}` },
    });
    const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
    outgoing.write(PROGRESS.slice(0, 10));
    // Whoever answers a later request has read the head of this one.
    expect((await send(access)).status).toBe(200);
    server.revoke(access.token);
    outgoing.end(PROGRESS.slice(10));
    const [response] = await answered;
    response.resume();
    expect(response.statusCode).toBe(401);
    expect(heard).toEqual([]);
  });

  test("revoked while a call waits: the call ends, the listener's late answer goes nowhere", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<{ readonly kind: "answered"; readonly answer: string }>();
    const waiting = server.issueToken(
      taskOf(heard, {
        over: {
          asked() {
            asked.resolve();
            return answer.promise;
          },
        },
      }),
    );
    const reply = send(waiting, { body: call("task_ask", { question: "q" }) });
    await asked.promise;
    server.revoke(waiting.token);
    const answered = await reply.catch(() => undefined);
    answer.resolve({ kind: "answered", answer: "secret of the next attempt" });
    expect(answered?.body ?? "").not.toContain("secret");
    if (answered?.status === 200) expect(answered.body).toContain("has ended");
  });

  test("stands in no list of processes, no log and no fault", async () => {
    const said: string[] = [];
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, "write").mockImplementation((text) => (said.push(String(text)), true));
    const { client, pid } = await stdioClient(access);
    let listed: string;
    try {
      listed = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      await client.callTool({ name: "task_progress", arguments: { message: "m" } });
      await send(access, { body: "{" });
      await send(access, { headers: { "content-type": "text/plain" } });
      await send(access, { headers: { "mcp-protocol-version": "1999-01-01" } });
      await client.close();
    } finally {
      vi.restoreAllMocks();
    }
    expect(listed).toContain("stdio-worker");
    expect(access.stdio.args.join(" ")).not.toContain(access.token);
    for (const text of [listed, ...said, ...faults]) expect(text).not.toContain(access.token);
    expect(access.url).not.toContain(access.token);
  });
});

describe("the gate", () => {
  const port = (): string => new URL(access.url).port;

  test.each<[string, () => Record<string, string | string[]>]>([
    ["a name that leads here", () => ({ host: `evil.example:${port()}` })],
    ["another port", () => ({ host: "127.0.0.1:1" })],
    ["no port", () => ({ host: "127.0.0.1" })],
    ["a longer name", () => ({ host: `127.0.0.1:${port()}.evil.example` })],
  ])("turns away a Host that is %s", async (_, headers) => {
    const answered = await send(access, { headers: headers(), body: PROGRESS });
    expect(answered.status).toBe(403);
    expect(answered.body).toContain("Host");
    expect(heard).toEqual([]);
  });

  test.each(["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", "http://localhost", ""])(
    "turns away the Origin %j",
    async (origin) => {
      const answered = await send(access, { headers: { origin }, body: PROGRESS });
      expect(answered.status).toBe(403);
      expect(answered.headers["access-control-allow-origin"]).toBeUndefined();
      expect(heard).toEqual([]);
    },
  );

  test("turns away a web page's question whether it may ask", async () => {
    const headers = { origin: "http://evil.example", authorization: undefined };
    expect((await send(access, { method: "OPTIONS", headers, body: "" })).status).toBe(403);
  });

  test("turns away what names no Host", () => {
    const headers = { authorization: `Bearer ${access.token}` };
    expect(checkRequest({ method: "POST", url: "/mcp", headers, rawHeaders: [] }, 80)).toMatchObject({
      ok: false,
      rejection: { status: 403 },
    });
  });

  test("lets in its own names", async () => {
    expect((await send(access, { headers: { host: `localhost:${port()}` } })).status).toBe(200);
    expect((await send(access, { headers: { origin: access.url.replace("/mcp", "") } })).status).toBe(200);
  });

  test("turns away headers sent twice", async () => {
    const twice = [`Bearer ${access.token}`, "Bearer other"];
    expect((await send(access, { headers: { authorization: twice } })).status).toBe(400);
  });

  test.each<[string, string, number]>([
    ["GET", "/mcp", 405],
    ["DELETE", "/mcp", 405],
    ["POST", "/", 404],
    ["POST", "/mcp/../secret", 404],
    ["POST", "/mcp?token=1", 404],
  ])("answers %s %s with %i", async (method, path, status) => {
    expect((await send(access, { method, path })).status).toBe(status);
  });
});

test.each(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])("the protocol of %s is spoken", async (version) => {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: "c", version: "1" } };
  const initialize = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params });
  const greeted = messageIn(await send(access, { body: initialize }));
  expect(greeted).toMatchObject({ id: 0, result: { protocolVersion: version, serverInfo: { name: "heddle" } } });
  const headers = { "mcp-protocol-version": version };
  const told = await send(access, { headers, body: '{"jsonrpc":"2.0","method":"notifications/initialized"}' });
  expect(told.status).toBe(202);
  const called = messageIn(await send(access, { headers, body: PROGRESS }));
  expect(called).toMatchObject({ id: 1, result: { content: [{ type: "text" }] } });
  expect(heard).toHaveLength(1);
});

describe("the body", () => {
  test.each<[string, string, number, number]>([
    ["no JSON", "{", 400, -32700],
    ["nothing", "", 400, -32700],
    ["no JSON-RPC", '{"a":1}', 400, -32600],
    ["an empty batch", "[]", 400, -32600],
    ["a wrong version", '{"jsonrpc":"1.0","id":1,"method":"tools/list"}', 400, -32600],
  ])("%s: a clear JSON-RPC error", async (_, body, status, code) => {
    const answered = await send(access, { body });
    expect(answered.status).toBe(status);
    expect(messageIn(answered)).toMatchObject({ jsonrpc: "2.0", error: { code } });
    expect(answered.body).not.toMatch(/at .*\.(?:ts|js|mjs):\d/);
  });

  test("an unknown method", async () => {
    const answered = await send(access, { body: '{"jsonrpc":"2.0","id":7,"method":"task/steal"}' });
    expect(messageIn(answered)).toMatchObject({ id: 7, error: { code: -32601 } });
  });

  test("another content type", async () => {
    expect((await send(access, { headers: { "content-type": "text/plain" } })).status).toBe(415);
  });

  test.each<[string, Record<string, string>]>([
    ["announced", {}],
    ["unannounced", { "transfer-encoding": "chunked" }],
  ])("too large, %s: 413, and the next request is served", async (_, headers) => {
    const body = Buffer.alloc(2 * 1024 * 1024 + 1, "x");
    const answered = await send(access, { headers, body });
    expect(answered.status).toBe(413);
    expect(messageIn(answered)).toMatchObject({ error: { message: expect.stringMatching(/larger than/) as string } });
    expect((await send(access)).status).toBe(200);
  });

  test("a plan of the largest size is taken", async () => {
    const planner = server.issueToken(taskOf(heard, { tools: ["plan_submit"] }));
    const plan = "é".repeat(256 * 1024);
    expect((await send(planner, { body: call("plan_submit", { plan }) })).status).toBe(200);
    expect(heard).toEqual([{ method: "planSubmitted", report: { plan } }]);
  });
});

describe("the socket", () => {
  test("is bound to the loopback address alone", async () => {
    const port = Number(new URL(access.url).port);
    const wanted = port.toString(16).toUpperCase().padStart(4, "0");
    const listening = ["/proc/net/tcp", "/proc/net/tcp6"]
      .flatMap((file) => readFileSync(file, "utf8").split("\n"))
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => state === "0A" && local?.endsWith(`:${wanted}`) === true)
      .map(([, local]) => local);
    expect(listening).toEqual([`0100007F:${wanted}`]);
    const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    for (const { address, internal } of others) if (!internal) expect(await accepts(address, port)).toBe(false);
  });

  test("is gone after the server was closed, with every connection on it", async () => {
    const client = await httpClient(access);
    await client.callTool({ name: "task_get", arguments: {} });
    const port = Number(new URL(access.url).port);
    const idle = connect(port, "127.0.0.1");
    await new Promise((resolve) => idle.once("connect", resolve));
    idle.on("error", () => undefined);
    const cut = new Promise((resolve) => idle.once("close", resolve));
    await server[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await cut;
    expect(await accepts("127.0.0.1", port)).toBe(false);
    expect(() => server.issueToken(taskOf([]))).toThrow(/closed/);
    await client.close();
  });

  test("leaves a program that closed its server nothing to wait for", async () => {
    const source = new URL("../../../src/", import.meta.url).href;
    const program = `
      import { openTaskServer } from "${source}agent/tools/task-server.ts";
      import { systemClock } from "${source}base/clock.ts";
      const server = await openTaskServer({ clock: systemClock(), version: "0", node: process.execPath });
      const { url, token } = server.issueToken({ brief: { run: "r", step: "s", attempt: 1 }, tools: ["task_get"], listener: {} });
      const headers = { authorization: "Bearer " + token, "content-type": "application/json", accept: "application/json, text/event-stream" };
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "task_get", arguments: {} } });
      const response = await fetch(url, { method: "POST", headers, body });
      await response.text();
      await server[Symbol.asyncDispose]();
      console.log(response.status);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect([out.trim(), code]).toEqual(["200", 0]);
  });
});

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 5000 });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}
