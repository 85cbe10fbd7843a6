/** Clients that do what no honest one does: nothing of them is left behind, and nobody else is harmed. */
import { EventEmitter } from "node:events";
import { connect } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { StreamConnection } from "../../src/server/connection.ts";
import { eventSource } from "../../src/server/event-source.ts";
import type { AskedRun } from "../../src/server/asked-run.ts";
import { JOURNAL_STREAM } from "../../src/server/journal-stream.ts";
import { PROGRESS_STREAM } from "../../src/server/progress-stream.ts";
import type { OpenStream } from "../../src/server/stream-route.ts";
import type { TailItem, TailOptions } from "../../src/project/tail.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";
import { until } from "../support/until.ts";
import { pass, ServerRig } from "./rig.ts";

const RUNS = "/api/projects/demo/runs";
const START = "/api/projects/demo/parallel/start";

/** A run under way, whose events never come. `open`: of how many tails nobody has said that they may end. */
function endlessRun(): { readonly asked: AskedRun; readonly open: () => number } {
  const signals: (AbortSignal | undefined)[] = [];
  const runs = {
    find: async () => ({ ok: true, value: "r1" }),
    watch: () => ({ changed: () => false }),
    async *tail(_run: string, { signal }: TailOptions = {}): AsyncGenerator<TailItem> {
      signals.push(signal);
      await new Promise<void>((resolve) => {
        if (signal?.aborted === true) resolve();
        signal?.addEventListener("abort", () => resolve());
      });
      yield { kind: "end" };
    },
  };
  const asked = { project: { runs }, run: "r1", location: {} } as unknown as AskedRun;
  return { asked, open: () => signals.filter((signal) => signal?.aborted !== true).length };
}

/** As `ws` gives it; what is sent is forgotten. */
class FakeSocket extends EventEmitter {
  readonly bufferedAmount = 0;
  code: number | undefined;
  /** Nothing leaves: what is called when it has is not called. */
  send(): void {}
  ping(): void {}
  close(code: number): void {
    this.code = code;
  }
  terminate(): void {
    this.emit("close");
  }
  say(message: unknown): void {
    this.emit("message", Buffer.from(JSON.stringify(message)), false);
  }
}

test("who is cut off opens nothing any more", async () => {
  const { asked, open } = endlessRun();
  const clock = new VirtualClock();
  const socket = new FakeSocket();
  const connection = new StreamConnection(socket as unknown as WebSocket, clock);
  const world = { clock, projects: { get: async () => asked.project } };
  const onFault = (thrown: unknown): never => {
    throw thrown;
  };
  const ticket = { grant: "read", project: undefined };
  JOURNAL_STREAM.open({ world, connection, params: {}, ticket, onFault } as unknown as OpenStream);
  const ask = (id: number): void =>
    socket.say({ op: "open", id: String(id), kind: "events", project: "demo", run: "r1" });
  ask(0);
  await settle();
  expect(open()).toBe(1);
  // One more than there may be closes the connection; what still arrives then is not heard.
  for (let id = 1; id < 80; id++) ask(id);
  for (let id = 1; id < 10; id++) ask(id);
  await settle();
  expect(connection.signal.aborted).toBe(true);
  expect(open()).toBe(0);
});

test("a run that is removed while it is looked at does not end the progress", async () => {
  const clock = new VirtualClock();
  const connection = new StreamConnection(new FakeSocket() as unknown as WebSocket, clock);
  let looks = 0;
  const runs = {
    watch: () => ({ changed: () => true }),
    list: async () => [{ run: "r1" }],
    find: async () => {
      looks++;
      return { ok: false, error: { code: "UnknownRun", message: "there is no run r1" } };
    },
  };
  const faults: unknown[] = [];
  const world = { clock, projects: { get: async () => ({ runs }) } };
  const onFault = (thrown: unknown): void => void faults.push(thrown);
  PROGRESS_STREAM.open({ world, connection, params: { project: "demo" }, onFault } as unknown as OpenStream);
  await settle();
  pass(clock, 200);
  await settle();
  expect([faults, connection.signal.aborted, looks]).toEqual([[], false, 2]);
});

test("who takes nothing of a history is cut off, and waits for nothing any more", async () => {
  const clock = new VirtualClock();
  const socket = new FakeSocket();
  const connection = new StreamConnection(socket as unknown as WebSocket, clock);
  const sent = [connection.sendInTurn("first"), connection.sendInTurn("second")];
  await settle();
  pass(clock, 29_000);
  expect(socket.code).toBeUndefined();
  pass(clock, 2000);
  expect(socket.code).toBe(4408);
  await Promise.all(sent);
});

test("who asks for what is not there takes no channel with it", async () => {
  const clock = new VirtualClock();
  const socket = new FakeSocket();
  const connection = new StreamConnection(socket as unknown as WebSocket, clock);
  const world = { clock, projects: { get: async () => ({}) } };
  const ticket = { grant: "read", project: "demo" };
  JOURNAL_STREAM.open({ world, connection, params: {}, ticket, onFault: () => undefined } as unknown as OpenStream);
  for (let id = 0; id < 200; id++) {
    socket.say({ op: "open", id: String(id), kind: "runs", project: "other" });
    await settle();
  }
  expect(connection.signal.aborted).toBe(false);
  socket.terminate();
});

test("a history that cannot be read ends the stream of its events, and not the server", async () => {
  const clock = new VirtualClock();
  const { asked } = endlessRun();
  const broken = {
    ...asked,
    project: {
      runs: {
        async *tail(): AsyncGenerator<TailItem> {
          yield { kind: "caught-up" };
          throw new Error("the disk is gone");
        },
      },
    },
  } as unknown as AskedRun;
  const response = eventSource(broken, {
    after: 0,
    signal: new AbortController().signal,
    clock,
    onOpened: () => undefined,
  });
  await expect(response.text()).rejects.toThrow("the disk is gone");
  // What is left fires: a timer that throws ends the process.
  pass(clock, 60_000);
});

test("HEAD of a stream leaves none open", async () => {
  const clock = new VirtualClock();
  await using rig = await ServerRig.start({ clock });
  const { json } = await rig.ask(RUNS, { body: { plan: { steps: [{ id: "w", signal: "go" }] } } });
  const timers = clock.pending;
  const head = await rig.ask(`${RUNS}/${String(json["run"])}/events/stream`, { method: "HEAD", key: null });
  expect([head.status, head.headers["content-type"]]).toEqual([200, "text/event-stream"]);
  expect(clock.pending).toBe(timers);
});

test("a client whose upgrade is refused holds no connection, although it keeps its own side open", async () => {
  const rig = await ServerRig.start();
  const lines = ["GET /api/stream HTTP/1.1", `Host: 127.0.0.1:${rig.server.port}`];
  const more = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA"];
  const socket = connect({ port: rig.server.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined).write(`${[...lines, ...more].join("\r\n")}\r\n\r\n`);
  const text = await new Promise<string>((resolve) => {
    let heard = "";
    socket.on("data", (chunk: Buffer) => (heard += chunk.toString())).on("end", () => resolve(heard));
  });
  expect(text).toMatch(/^HTTP\/1\.1 401 /);
  // It waits for every connection.
  await rig[Symbol.asyncDispose]();
  socket.destroy();
});

test("of two starts at once one begins", async () => {
  await using rig = await ServerRig.start();
  writeFileSync(join(rig.dir, "demo", "heddle.json"), JSON.stringify({ steps: [{ id: "w", signal: "go" }] }));
  const both = await Promise.all([rig.ask(START, { body: {} }), rig.ask(START, { body: {} })]);
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
  expect(((await rig.ask(RUNS)).json["runs"] as readonly unknown[]).length).toBe(1);
});

test("a run that goes on holds the next start up, also where a later one has ended", async () => {
  await using rig = await ServerRig.start();
  writeFileSync(join(rig.dir, "demo", "heddle.json"), JSON.stringify({ steps: [{ id: "w", signal: "go" }] }));
  expect((await rig.ask(START, { body: {} })).status).toBe(201);
  const { json } = await rig.ask(RUNS, { body: { plan: { steps: [{ id: "a", run: "true" }] } } });
  await until(async () => (await rig.ask(`${RUNS}/${String(json["run"])}`)).json["status"] === "succeeded");
  expect((await rig.ask(START, { body: {} })).status).toBe(409);
});

test.each([
  ["is not UTF-8", Buffer.from('{"plan":{"steps":[{"id":"a","run":"echo \xe9"}]}}', "latin1"), 400],
  [
    "is nested deeper than any stack",
    Buffer.from(`{"params":{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`),
    422,
  ],
])("a body that %s is refused, and is no fault", async (_, body, status) => {
  await using rig = await ServerRig.start();
  const answer = await fetch(`${rig.server.url}${RUNS}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${rig.server.tokens.act}`,
      "content-type": "application/json",
      "idempotency-key": "k",
    },
    body,
  });
  expect([answer.status, rig.faults]).toEqual([status, []]);
});

test("a client that goes away within its body is no fault", async () => {
  await using rig = await ServerRig.start();
  const socket = connect(rig.server.port, "127.0.0.1");
  const head = [`POST ${RUNS} HTTP/1.1`, `Host: 127.0.0.1:${rig.server.port}`, "Content-Length: 1000"];
  const more = [
    `Authorization: Bearer ${rig.server.tokens.act}`,
    "Content-Type: application/json",
    "Idempotency-Key: k",
  ];
  await new Promise<void>((resolve) =>
    socket.write(`${[...head, ...more].join("\r\n")}\r\n\r\n{"plan"`, () => resolve()),
  );
  // It is in the handler now: an answer to a later request says so.
  await rig.ask("/api/health");
  socket.destroy();
  await rig.ask("/api/health");
  await rig.server[Symbol.asyncDispose]();
  expect(rig.faults).toEqual([]);
});

test("who offers another protocol is answered in this one, as curl --http2 is", async () => {
  await using rig = await ServerRig.start();
  const head = ["GET /api/health HTTP/1.1", `Host: 127.0.0.1:${rig.server.port}`];
  const answer = await rig.raw([...head, "Connection: Upgrade, close", "Upgrade: h2c"]);
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('"ok":true')]);
});
