/** The client's event stream over sockets of the test's: order, gaps, lost connections, refusals, slow readers. */
import { expect, test } from "vitest";
import { connectOn } from "../../src/client/client.ts";
import { MOST_QUEUED, type EventStreamOptions } from "../../src/client/events.ts";
import type { ApiProblem } from "../../src/client/problem.ts";
import { RECONNECT_MS, SILENT_MS } from "../../src/client/reconnect.ts";
import type { ClientSocket } from "../../src/client/transport.ts";
import { FakeSocket, FakeWire, jsonAnswer as json, turns } from "./fake-wire.ts";

class Rig extends FakeWire {
  read(options?: EventStreamOptions): AsyncIterator<{ readonly seq: number }> {
    return this.client.project("demo").events("r", options)[Symbol.asyncIterator]();
  }
}

/** A failure as a value. */
function thrown(failure: unknown): unknown {
  return failure;
}

test("goes on behind the last event when a connection is lost, and waits longer each time that one gives nothing", async () => {
  const rig = new Rig();
  const events = rig.read({ after: 4 });
  const first = events.next();
  const socket = await rig.socket(0);
  expect(rig.offered[0]).toEqual(["heddle.v1", "ticket.t"]);
  expect(JSON.parse(socket.sent[0] ?? "")).toEqual({
    op: "open",
    id: "events",
    kind: "events",
    project: "demo",
    run: "r",
    after: 4,
  });
  socket.events(5, 6);
  expect([(await first).value?.seq, (await events.next()).value?.seq]).toEqual([5, 6]);
  const third = events.next();
  socket.lose();
  const waited: number[] = [];
  for (let at = 1; at <= 6; at++) {
    waited.push(await rig.wait());
    const next = await rig.socket(at);
    expect(JSON.parse(next.sent[0] ?? "")).toMatchObject({ after: 6 });
    next.lose();
  }
  expect(waited).toEqual([...RECONNECT_MS, RECONNECT_MS.at(-1)]);
  await rig.wait();
  const last = await rig.socket(7);
  // What is sent again is not given again.
  last.events(6, 7);
  expect((await third).value?.seq).toBe(7);
  const end = events.next();
  last.lose();
  expect(await rig.wait()).toBe(RECONNECT_MS[0]);
  (await rig.socket(8)).say({ type: "end", id: "events", run: "r", seq: 7 });
  expect(await end).toEqual({ done: true, value: undefined });
  expect(rig.sockets.at(-1)?.isClosed).toBe(true);
  expect(rig.timers).toEqual([]);
});

test.each<[string, (socket: FakeSocket) => void]>([
  ["an event is missing", (socket) => socket.events(3)],
  [
    "an event is missing within a message",
    (socket) => socket.say({ type: "events", id: "events", events: [{ seq: 2 }, { seq: 4 }] }),
  ],
  ["the end comes before the last event", (socket) => socket.say({ type: "end", id: "events", seq: 9 })],
  ["what comes is no JSON", (socket) => socket.tell("{")],
  ["what comes has no number", (socket) => socket.say({ type: "events", id: "events", events: [{}] })],
])("%s: the connection is made anew, and nothing is guessed", async (_, wrong) => {
  const rig = new Rig();
  const events = rig.read();
  const first = events.next();
  const socket = await rig.socket(0);
  socket.events(1);
  await first;
  const second = events.next();
  wrong(socket);
  await rig.wait();
  expect(socket.isClosed).toBe(true);
  const next = await rig.socket(1);
  expect(JSON.parse(next.sent[0] ?? "")).toMatchObject({ after: 1 });
  next.events(2);
  expect((await second).value?.seq).toBe(2);
});

test("a connection on which nothing is said is dead; a ping keeps it", async () => {
  const rig = new Rig();
  const events = rig.read();
  const first = events.next();
  const socket = await rig.socket(0);
  const [before] = rig.timers;
  socket.say({ type: "ping" });
  const [after] = rig.timers;
  expect([before?.ms, after?.ms, before === after]).toEqual([SILENT_MS, SILENT_MS, false]);
  after?.fire();
  await rig.wait();
  (await rig.socket(1)).events(1);
  expect((await first).value?.seq).toBe(1);
});

test("a server that is away for a moment is waited for; a refusal is thrown", async () => {
  const rig = new Rig();
  const problem = (status: number, code: string): Response => json(status, { code, detail: code, hint: "do" });
  rig.answers.push(
    new TypeError("fetch failed"),
    new Response("<html>", { status: 502 }),
    problem(429, "too-many-requests"),
  );
  rig.answers.push(problem(401, "unauthorized"));
  const failure = rig.read().next().catch(thrown);
  const expected = {
    name: "ApiProblem",
    code: "unauthorized",
    status: 401,
    hint: "do",
  };
  for (let at = 0; at < 3; at++) await rig.wait();
  expect(await failure).toMatchObject(expected);
  expect(rig.sockets).toEqual([]);
});

test("what cannot be opened is thrown, with the server's words", async () => {
  const rig = new Rig();
  const failure = rig.read().next().catch(thrown);
  const expected = {
    code: "unknown-run",
    status: 404,
    detail: "no run",
    hint: undefined,
  };
  (await rig.socket(0)).say({
    type: "problem",
    id: "events",
    status: 404,
    code: "unknown-run",
    detail: "no run",
    hint: null,
  });
  expect(await failure).toMatchObject(expected);
  expect([rig.sockets[0]?.isClosed, rig.timers]).toEqual([true, []]);
});

test("a slow reader is not filled up: the connection is closed, and made again when all was read", async () => {
  const rig = new Rig();
  const events = rig.read();
  const first = events.next();
  const socket = await rig.socket(0);
  const seqs = Array.from({ length: MOST_QUEUED + 2 }, (_, at) => at + 1);
  socket.events(...seqs.slice(0, 1));
  await first;
  socket.events(...seqs.slice(1));
  expect(socket.isClosed).toBe(true);
  socket.events(MOST_QUEUED + 3);
  const given: number[] = [];
  while (given.length < seqs.length - 1) given.push((await events.next()).value?.seq ?? 0);
  expect(given).toEqual(seqs.slice(1));
  const next = events.next();
  await rig.wait();
  const again = await rig.socket(1);
  expect(JSON.parse(again.sent[0] ?? "")).toMatchObject({ after: MOST_QUEUED + 2 });
  again.events(MOST_QUEUED + 3);
  expect((await next).value?.seq).toBe(MOST_QUEUED + 3);
});

test.each<[string, (rig: Rig) => Promise<unknown>]>([
  ["a message", (rig) => rig.socket(0)],
  [
    "the next try",
    async (rig) => {
      (await rig.socket(0)).lose();
      await turns(() => rig.timers.some(({ ms }) => ms !== SILENT_MS));
    },
  ],
])("an abort ends the wait for %s with its reason, and leaves nothing", async (_, reached) => {
  const rig = new Rig();
  const stop = new AbortController();
  const failure = rig.read({ signal: stop.signal }).next().catch(thrown);
  await reached(rig);
  stop.abort(new Error("enough"));
  expect(await failure).toEqual(new Error("enough"));
  expect([rig.sockets.every(({ isClosed }) => isClosed), rig.timers]).toEqual([true, []]);
});

test("leaving the loop closes the connection; with `follow` the end of the work is not the end", async () => {
  const rig = new Rig();
  const events = rig.read({ follow: true });
  const first = events.next();
  const socket = await rig.socket(0);
  socket.say({ type: "end", id: "events", seq: 0 });
  socket.events(1);
  expect((await first).value?.seq).toBe(1);
  await events.return?.();
  expect([socket.isClosed, rig.timers]).toEqual([true, []]);
});

test("a start without an answer is sent again with its key; a refusal is not", async () => {
  const sent: { readonly headers: Record<string, string>; readonly body: unknown }[] = [];
  const answers: (Response | Error)[] = [
    new TypeError("fetch failed"),
    json(409, { code: "request-under-way", detail: "x" }),
    json(201, { run: "r", plan: "p", status: "running" }),
    json(422, { code: "plan-invalid", detail: "x", diagnostics: [{ code: "CycleDetected" }] }),
  ];
  const client = connectOn(
    {
      fetch: async (_input, init) => {
        sent.push({ headers: init?.headers as Record<string, string>, body: init?.body });
        const answer = answers.shift();
        if (answer instanceof Response) return answer;
        throw answer;
      },
      openSocket: () => new FakeSocket() as unknown as ClientSocket,
      after: (_, fire) => {
        queueMicrotask(fire);
        return () => undefined;
      },
      now: () => 0,
      random: () => 0,
      newKey: () => `key-${sent.length}`,
    },
    { url: "http://127.0.0.1:1", token: "token" },
  );
  const { runs } = client.project("demo");
  expect((await runs.start({ plan: "x.yaml" })).run).toBe("r");
  expect(new Set(sent.map(({ headers, body }) => `${headers["idempotency-key"]} ${String(body)}`))).toEqual(
    new Set(['key-0 {"plan":"x.yaml"}']),
  );
  expect(sent.length).toBe(3);
  await expect(runs.start()).rejects.toMatchObject({ code: "plan-invalid", diagnostics: [{ code: "CycleDetected" }] });
  expect(sent.length).toBe(4);
  expect(sent[3]?.headers["idempotency-key"]).toBe("key-3");
});

test.each<[string, { readonly url: string; readonly token: string }]>([
  ["no address", { url: "localhost:4747", token: "t" }],
  ["another protocol", { url: "file:///etc", token: "t" }],
  ["a password", { url: "http://a:b@127.0.0.1", token: "t" }],
  ["a login link", { url: "http://127.0.0.1:4747/#login=x", token: "t" }],
  ["no token", { url: "http://127.0.0.1", token: "" }],
  ["a line break", { url: "http://127.0.0.1", token: "a\r\nx: y" }],
])("%s is no server to ask", (_, options) => {
  expect(() => connectOn({} as never, options)).toThrow(
    expect.objectContaining({ code: "invalid-call" }) as ApiProblem,
  );
});
