/** The live connection over sockets of the test's: what a page is told, and how a connection that is lost comes back. */
import { expect, test } from "vitest";
import { LINGER_MS, MOST_CHANNELS, type LiveConnection } from "../../src/client/live.ts";
import type { ApiProblem } from "../../src/client/problem.ts";
import { RECONNECT_MS, SILENT_MS } from "../../src/client/reconnect.ts";
import type { LiveRun, RunPatch } from "../../src/view/live-run.ts";
import { FakeWire, jsonAnswer, turns, type FakeSocket } from "./fake-wire.ts";

const VIEW = { seq: 4, head: { status: "running" }, queues: {}, steps: [{ id: "a" }] } as unknown as LiveRun;

function patch(from: number, to: number, status: string): RunPatch {
  return { from, to, ops: [{ op: "head", set: { status } as never }] };
}

class Page {
  readonly wire = new FakeWire();
  readonly live: LiveConnection = this.wire.client.live();
  readonly told: string[] = [];
  readonly states: string[] = [];

  constructor() {
    this.live.onState(() => this.states.push(`${this.live.state.kind} ${this.live.state.since}`));
  }

  run(run = "r"): () => void {
    return this.live.run("demo", run, {
      onRun: ({ seq, head }) => void this.told.push(`${run} ${seq} ${head.status}`),
      onProblem: this.problem,
    });
  }

  runs(): () => void {
    return this.live.runs("demo", {
      onRuns: (runs) => void this.told.push(`${runs.length} runs`),
      onProblem: this.problem,
    });
  }

  readonly problem = ({ code }: ApiProblem): void => void this.told.push(code);
}

/** What was sent last. */
function sent(socket: FakeSocket): readonly Record<string, unknown>[] {
  return socket.sent.map((text) => JSON.parse(text) as Record<string, unknown>);
}

test("asks for nothing before something is looked at; then one socket carries all of it, and is live when all is there", async () => {
  const page = new Page();
  const { wire } = page;
  await Promise.resolve();
  expect([page.live.state, wire.asked, wire.sockets.length]).toEqual([{ kind: "idle", since: 0 }, [], 0]);
  wire.now = 5;
  page.run();
  page.runs();
  const socket = await wire.socket(0);
  expect(wire.asked).toEqual(["http://127.0.0.1:1/api/tickets {}"]);
  expect(wire.offered).toEqual([["heddle.v1", "ticket.t"]]);
  expect(sent(socket)).toEqual([
    { op: "open", id: "3", kind: "run", project: "demo", run: "r" },
    { op: "open", id: "4", kind: "runs", project: "demo" },
  ]);
  wire.now = 7;
  socket.say({ type: "snapshot", id: "4", runs: [{}, {}] });
  expect(page.states).toEqual(["connecting 5"]);
  socket.say({ type: "snapshot", id: "3", seq: 4, view: VIEW });
  expect(page.states).toEqual(["connecting 5", "live 7"]);
  socket.say({ type: "patch", id: "3", ...patch(4, 6, "succeeded") });
  expect(page.told).toEqual(["2 runs", "r 4 running", "r 6 succeeded"]);
  // What comes later does not make it less live.
  page.run("s");
  expect(sent(socket).at(-1)).toMatchObject({ op: "open", id: "5", run: "s" });
  expect(page.live.state.kind).toBe("live");
  page.live.close();
  expect([socket.isClosed, wire.timers, page.live.state.kind]).toEqual([true, [], "idle"]);
});

test("a patch that does not fit is not applied: the channel is opened again, and what was on its way to it is not heard", async () => {
  const page = new Page();
  page.run();
  const socket = await page.wire.socket(0);
  socket.say({ type: "snapshot", id: "2", seq: 4, view: VIEW });
  socket.say({ type: "patch", id: "2", ...patch(5, 6, "failed") });
  expect(sent(socket).slice(1)).toEqual([
    { op: "close", id: "2" },
    { op: "open", id: "3", kind: "run", project: "demo", run: "r" },
  ]);
  socket.say({ type: "patch", id: "2", ...patch(4, 6, "failed") });
  socket.say({ type: "snapshot", id: "3", seq: 6, view: { ...VIEW, seq: 6 } });
  expect(page.told).toEqual(["r 4 running", "r 6 running"]);
});

test("a lost connection is made again, later each time, and is live when each channel has what it missed", async () => {
  const page = new Page();
  const { wire } = page;
  page.run();
  page.runs();
  const first = await wire.socket(0);
  first.say({ type: "snapshot", id: "3", seq: 4, view: VIEW });
  first.say({ type: "snapshot", id: "4", runs: [] });
  wire.now = 100;
  const waited: number[] = [];
  let socket = first;
  for (let at = 1; at <= 6; at++) {
    socket.lose();
    wire.now += 10;
    waited.push(await wire.wait());
    socket = await wire.socket(at);
  }
  expect(waited).toEqual([...RECONNECT_MS, RECONNECT_MS.at(-1)]);
  expect(page.states.slice(2, 6)).toEqual(["offline 100", "connecting 110", "offline 100", "connecting 120"]);
  const [run, runs] = sent(socket).map(({ id }) => id);
  wire.now = 200;
  socket.say({ type: "snapshot", id: run, seq: 9, view: { ...VIEW, seq: 9 } });
  expect(page.live.state.kind).toBe("connecting");
  socket.say({ type: "snapshot", id: runs, runs: [{}] });
  expect(page.live.state).toEqual({ kind: "live", since: 200 });
  expect(page.told.slice(2)).toEqual(["r 9 running", "1 runs"]);
  // Of what is left nothing is heard.
  first.say({ type: "snapshot", id: run, seq: 5, view: VIEW });
  first.lose();
  expect([page.told.length, page.live.state.kind]).toEqual([4, "live"]);
  socket.lose();
  expect(await wire.wait()).toBe(RECONNECT_MS[0]);
});

test("a page that comes online does not wait for the next try", async () => {
  const page = new Page();
  const { wire } = page;
  wire.answers.push(new TypeError("fetch failed"), new TypeError("fetch failed"));
  page.runs();
  await wire.wait();
  await turns(() => wire.asked.length === 2 && wire.timers.every(({ ms }) => ms !== SILENT_MS));
  expect(page.states).toEqual(["connecting 0", "offline 0"]);
  page.live.wake();
  await wire.socket(0);
  // There is nothing to be woken up.
  page.live.wake();
  await Promise.resolve();
  expect([wire.asked.length, wire.timers.map(({ ms }) => ms)]).toEqual([3, [SILENT_MS]]);
});

test("a connection or a try on which nothing is said is dead; a ping keeps it", async () => {
  const page = new Page();
  const { wire } = page;
  page.runs();
  const socket = await wire.socket(0);
  const [before] = wire.timers;
  socket.say({ type: "ping" });
  expect([wire.timers.length, wire.timers[0]?.ms, wire.timers[0] === before]).toEqual([1, SILENT_MS, false]);
  wire.timers.pop()?.fire();
  expect([socket.isClosed, page.live.state.kind]).toEqual([true, "offline"]);
  await wire.wait();
  await turns(() => wire.sockets[1] !== undefined);
  wire.timers.pop()?.fire();
  expect([wire.sockets[1]?.isClosed, page.live.state.kind]).toEqual([true, "offline"]);
});

test("a session that is over is told, and nothing is tried until somebody wants it", async () => {
  const page = new Page();
  const { wire } = page;
  wire.answers.push(jsonAnswer(401, { code: "unauthorized", detail: "The token is not valid" }));
  page.runs();
  await turns(() => page.live.state.kind === "refused");
  const { state } = page.live;
  expect(state.kind === "refused" && state.problem.code).toBe("unauthorized");
  expect([wire.timers, wire.asked.length]).toEqual([[], 1]);
  page.run();
  expect([wire.timers, wire.asked.length]).toEqual([[], 1]);
  page.live.wake();
  const socket = await wire.socket(0);
  expect([page.live.state.kind, sent(socket).length]).toEqual(["connecting", 2]);
});

test("what cannot be looked at is told to its own listener, and holds nothing else up", async () => {
  const page = new Page();
  page.run("nope");
  page.runs();
  const socket = await page.wire.socket(0);
  const [nope, runs] = sent(socket).map(({ id }) => id);
  socket.say({ type: "snapshot", id: runs, runs: [] });
  expect(page.live.state.kind).toBe("connecting");
  socket.say({ type: "problem", id: nope, status: 404, code: "unknown-run", detail: "no run", hint: null });
  expect([page.told, page.live.state.kind]).toEqual([["0 runs", "unknown-run"], "live"]);
  socket.lose();
  await page.wire.wait();
  expect(sent(await page.wire.socket(1)).map(({ kind }) => kind)).toEqual(["runs"]);
});

test("the connection outlives the view for a moment, and ends when nobody looks at anything", async () => {
  const page = new Page();
  const { wire } = page;
  const leave = page.run();
  const socket = await wire.socket(0);
  leave();
  leave();
  socket.say({ type: "snapshot", id: "2", seq: 4, view: VIEW });
  expect([page.told, sent(socket).slice(1)]).toEqual([[], [{ op: "close", id: "2" }]]);
  const leaveRuns = page.runs();
  expect(wire.timers.map(({ ms }) => ms)).toEqual([SILENT_MS]);
  leaveRuns();
  const linger = wire.timers.find(({ ms }) => ms === LINGER_MS);
  linger?.fire();
  expect([socket.isClosed, wire.timers.filter((timer) => timer !== linger), page.live.state.kind]).toEqual([
    true,
    [],
    "idle",
  ]);
  page.runs();
  await wire.socket(1);
  expect(wire.asked.length).toBe(2);
});

test("who leaves before there is a connection leaves nothing", async () => {
  const page = new Page();
  page.runs()();
  await turns(() => page.wire.asked.length === 1);
  expect([page.wire.timers, page.live.state.kind, page.wire.sockets.length]).toEqual([[], "idle", 0]);
});

test.each<[string, Record<string, unknown>]>([
  ["no bytes", { type: "bytes", from: 0, base64: "*" }],
  ["bytes of nowhere", { type: "bytes", base64: "" }],
  ["a skip to nowhere", { type: "skipped", from: 0 }],
  ["an end without a size", { type: "end", isOver: true }],
])("%s of a log: the connection is made anew", async (_, message) => {
  const page = new Page();
  const nothing = (): void => undefined;
  page.live.log(
    { project: "demo", run: "r", step: "a", attempt: 1 },
    { onBytes: nothing, onSkipped: nothing, onReset: nothing, onEnd: nothing, onProblem: page.problem },
  );
  const socket = await page.wire.socket(0);
  socket.say({ ...message, id: "2" });
  expect([socket.isClosed, page.live.state.kind, page.told]).toEqual([true, "offline", []]);
});

test.each<[string, (socket: FakeSocket) => void]>([
  ["no JSON", (socket) => socket.tell("{")],
  ["no object", (socket) => socket.say([])],
  ["a snapshot without a view", (socket) => socket.say({ type: "snapshot", id: "2", seq: 1 })],
  ["a patch of nothing", (socket) => socket.say({ type: "patch", id: "2", ...patch(4, 5, "failed") })],
  ["a patch without operations", (socket) => socket.say({ type: "patch", id: "2", from: 4, to: 5, ops: [null] })],
  ["a problem without words", (socket) => socket.say({ type: "problem", id: "2", status: 404 })],
])("%s: the connection is made anew, and nothing is guessed", async (_, wrong) => {
  const page = new Page();
  page.run();
  const socket = await page.wire.socket(0);
  wrong(socket);
  expect([socket.isClosed, page.live.state.kind, page.told]).toEqual([true, "offline", []]);
});

test("what a later server says is passed over", async () => {
  const page = new Page();
  page.run();
  const socket = await page.wire.socket(0);
  socket.say({ type: "aurora", id: "2" });
  socket.say({ type: "patch", id: "7", ...patch(1, 2, "failed") });
  socket.say({ type: "snapshot", id: "2", seq: 4, view: VIEW });
  expect([page.told, page.live.state.kind]).toEqual([["r 4 running"], "live"]);
});

test("no more channels are opened than the server takes of one connection", () => {
  const page = new Page();
  for (let at = 0; at < MOST_CHANNELS; at++) page.run(`r${at}`);
  expect(() => page.run("one more")).toThrow(expect.objectContaining({ code: "invalid-call" }) as ApiProblem);
  page.live.close();
});

test("a log goes on behind its last byte, and a gap in it is asked for again", async () => {
  const page = new Page();
  const { wire } = page;
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const onProblem = page.problem;
  const of = { project: "demo", run: "r", step: "a/b", attempt: 2 };
  page.live.log(
    { ...of, after: 3 },
    {
      onBytes: (bytes, from) => void page.told.push(`${from} ${Buffer.from(bytes).toString("utf8")}`),
      onSkipped: (from, to) => void page.told.push(`skipped ${from} ${to}`),
      onReset: () => void page.told.push("reset"),
      onEnd: ({ size, isOver }) => void page.told.push(`end ${size} ${isOver}`),
      onProblem,
    },
  );
  const first = await wire.socket(0);
  // Nothing is said of a log in which nothing is written.
  expect(page.live.state.kind).toBe("live");
  expect(sent(first).at(-1)).toEqual({ op: "open", id: "2", kind: "log", ...of, after: 3 });
  first.say({ type: "bytes", id: "2", from: 3, base64: base64("four") });
  first.say({ type: "skipped", id: "2", from: 7, to: 20 });
  first.say({ type: "bytes", id: "2", from: 21, base64: base64("x") });
  expect(sent(first).at(-1)).toMatchObject({ op: "open", id: "3", after: 20 });
  first.lose();
  await wire.wait();
  const second = await wire.socket(1);
  const id = String(sent(second).at(-1)?.["id"]);
  expect(sent(second).at(-1)).toMatchObject({ kind: "log", after: 20 });
  second.say({ type: "reset", id, reason: "cut" });
  second.say({ type: "bytes", id, from: 0, base64: base64("é") });
  second.say({ type: "end", id, size: 2, isOver: true });
  expect(page.told).toEqual(["3 four", "skipped 7 20", "reset", "0 é", "end 2 true"]);
  // It is over: it is not opened again.
  second.lose();
  expect(wire.timers.length).toBe(1);
  await wire.wait();
  expect(sent(await wire.socket(2))).toEqual([]);
});

test("events come once and in order, and go on when a run that rested is resumed", async () => {
  const page = new Page();
  page.live.events(
    { project: "demo", run: "r", after: 4 },
    {
      onEvents: (events) => void page.told.push(events.map(({ seq }) => seq).join(" ")),
      onRest: (seq) => void page.told.push(`rest ${seq}`),
      onProblem: page.problem,
    },
  );
  const socket = await page.wire.socket(0);
  const say = (id: string, ...seqs: readonly number[]): void =>
    socket.say({ type: "events", id, events: seqs.map((seq) => ({ seq })) });
  say("2", 5, 6);
  say("2", 6, 7);
  say("2", 7);
  socket.say({ type: "end", id: "2", seq: 7 });
  say("2", 8);
  expect(page.told).toEqual(["5 6", "7", "rest 7", "8"]);
  say("2", 10);
  expect(sent(socket).at(-1)).toMatchObject({ op: "open", id: "3", after: 8 });
  socket.say({ type: "end", id: "3", seq: 9 });
  expect(sent(socket).at(-1)).toMatchObject({ op: "open", id: "4", after: 8 });
  say("4", 9, 10);
  expect(page.told.at(-1)).toBe("9 10");
});
