/** WebSockets and server-sent events: who is let in, what is told, and that a client that comes back misses nothing. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Json } from "../../src/base/json.ts";
import type { RunNews } from "../../src/server/run-feed.ts";
import { patchedRun, type LiveRun } from "../../src/view/live-run.ts";
import { STREAM_ROUTES } from "../../src/server/table.ts";
import { systemClock } from "../../src/base/clock.ts";
import { until } from "../support/until.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { pass, ServerRig } from "./rig.ts";

const RUNS = "/api/projects/demo/runs";

interface Opened {
  readonly messages: Record<string, Json>[];
  readonly socket: WebSocket;
  readonly code: () => number | undefined;
}

/** The status with which an upgrade was refused, or the open socket. */
async function connect(
  rig: ServerRig,
  path: string,
  {
    protocols = ["heddle.v1"],
    headers = {},
  }: { readonly protocols?: string[]; readonly headers?: Record<string, string> } = {},
): Promise<number | Opened> {
  const socket = new WebSocket(`${rig.server.url.replace("http", "ws")}${path}`, protocols, { headers });
  const messages: Record<string, Json>[] = [];
  let code: number | undefined;
  socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString()) as Record<string, Json>));
  socket.on("close", (closed) => (code = closed));
  return await new Promise((resolve, reject) => {
    socket.once("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    socket.once("open", () => resolve({ messages, socket, code: () => code }));
    socket.once("error", reject);
  });
}

async function opened(rig: ServerRig, path: string, project?: string): Promise<Opened> {
  const { json } = await rig.ask("/api/tickets", { body: project === undefined ? {} : { project } });
  const made = await connect(rig, path, { protocols: ["heddle.v1", `ticket.${String(json["ticket"])}`] });
  if (typeof made === "number") throw new Error(`refused with ${made}`);
  return made;
}

describe.each(STREAM_ROUTES.map((route) => [route.path, route] as const))("%s", (_, { path }) => {
  let rig: ServerRig;
  beforeAll(async () => {
    rig = await ServerRig.start({ clock: systemClock() });
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
  });
  const address = path.replaceAll(/:\w+/g, "demo");

  test("without authority nothing is opened (CVE-2026-31882, CVE-2026-7723)", async () => {
    const { act } = rig.server.tokens;
    const wrong = [
      {},
      { protocols: ["heddle.v1", "ticket.nothing"] },
      { protocols: ["heddle.v1", `ticket.${act}`] },
      { protocols: ["heddle.v1", act] },
      { headers: { cookie: `token=${act}` } },
      { headers: { authorization: "Bearer nothing" } },
    ];
    for (const options of wrong) expect(await connect(rig, address, options)).toBe(401);
    expect(await connect(rig, `${address}?token=${act}`)).toBe(401);
  });

  test("pages of other origins and names are refused before that", async () => {
    const authorization = `Bearer ${rig.server.tokens.act}`;
    expect(await connect(rig, address, { headers: { authorization, origin: "http://evil.test" } })).toBe(403);
    expect(await connect(rig, address, { headers: { authorization, origin: "null" } })).toBe(403);
    expect(await connect(rig, address, { headers: { authorization, host: "evil.test" } })).toBe(421);
  });

  test("a ticket opens it once, and is not said again", async () => {
    const { json } = await rig.ask("/api/tickets", { body: {} });
    const protocols = ["heddle.v1", `ticket.${String(json["ticket"])}`];
    const first = await connect(rig, address, { protocols });
    expect(typeof first === "number" ? first : first.socket.protocol).toBe("heddle.v1");
    expect(await connect(rig, address, { protocols })).toBe(401);
    if (typeof first !== "number") first.socket.close();
  });

  test("a read-only token is enough", async () => {
    const made = await connect(rig, address, { headers: { authorization: `Bearer ${rig.server.tokens.read}` } });
    expect(typeof made).toBe("object");
    if (typeof made !== "number") made.socket.close();
  });
});

test("an address that is not there is not opened, nor a project that a ticket is not for", async () => {
  await using rig = await ServerRig.start({ projects: ["demo", "other"] });
  const headers = { authorization: `Bearer ${rig.server.tokens.read}` };
  expect(await connect(rig, "/api/nothing", { headers })).toBe(404);
  expect(await connect(rig, "/api/ws/nobody", { headers })).toBe(404);
  const { json } = await rig.ask("/api/tickets", { body: { project: "demo" } });
  expect(await connect(rig, "/api/ws/other", { protocols: ["heddle.v1", `ticket.${String(json["ticket"])}`] })).toBe(
    404,
  );
});

test("a ticket for one project shows nothing of another, whatever kind of channel asks", async () => {
  await using rig = await ServerRig.start({ clock: systemClock(), projects: ["demo", "other"] });
  const plan = { steps: [{ id: "ask", approve: "Go on?" }] };
  await rig.ask(RUNS, { body: { plan } });
  const { json } = await rig.ask("/api/projects/other/runs", { body: { plan } });
  await until(async () => ((await rig.ask("/api/attention")).json["items"] as readonly Json[]).length === 2);
  const { messages, socket } = await opened(rig, "/api/stream", "demo");
  const of = { project: "other", run: String(json["run"]) };
  const refused = [
    { kind: "run", ...of },
    { kind: "events", ...of },
    { kind: "runs", project: "other" },
    { kind: "log", ...of, step: "ask", attempt: 1 },
    { kind: "attention", project: "other" },
  ];
  const shown = [{ kind: "attention" }, { kind: "attention", project: "demo" }];
  for (const [at, one] of [...refused, ...shown].entries())
    socket.send(JSON.stringify({ op: "open", id: String(at), ...one }));
  await until(() => new Set(messages.map(({ id }) => id)).size === refused.length + shown.length);
  const problems = messages.filter(({ type }) => type === "problem");
  expect(problems.map(({ id, code }) => [id, code])).toEqual(refused.map((_, at) => [String(at), "unknown-project"]));
  const attentions = messages.filter(({ type }) => type === "snapshot");
  expect(attentions.map(({ attention }) => attention)).toMatchObject(
    shown.map(() => ({ items: [{ project: "demo", step: "ask" }] })),
  );
  socket.close();
});

test("a run's events come as they are recorded, each once, also to who comes back", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const steps = [
    { id: "w", signal: "go" },
    { id: "z", run: "true", deps: ["w"] },
  ];
  const { json } = await rig.ask(RUNS, { body: { plan: { steps } } });
  const run = String(json["run"]);
  const first = await opened(rig, "/api/stream");
  first.socket.send(JSON.stringify({ op: "open", id: "a", kind: "events", project: "demo", run }));
  first.socket.send(JSON.stringify({ op: "open", id: "r", kind: "runs", project: "demo" }));
  const seqs = (from: Opened): number[] =>
    from.messages.flatMap(({ events }) => ((events ?? []) as { readonly seq: number }[]).map(({ seq }) => seq));
  await until(() => first.messages.some(({ events }) => JSON.stringify(events ?? "").includes("step.started")));
  const seen = seqs(first).at(-1) ?? 0;
  first.socket.terminate();
  await rig.ask(`${RUNS}/${run}/signals/go`, { body: {} });
  const second = await opened(rig, "/api/stream");
  second.socket.send(JSON.stringify({ op: "open", id: "a", kind: "events", project: "demo", run, after: seen }));
  await until(() => second.messages.some(({ type }) => type === "end"));
  const all = [...seqs(first), ...seqs(second)];
  expect(all).toEqual(Array.from({ length: all.length }, (_, at) => at + 1));
  expect(second.messages.find(({ type }) => type === "end")).toMatchObject({ id: "a", run, seq: all.length });
  expect(first.messages.some(({ type, id }) => type === "snapshot" && id === "r")).toBe(true);
  const sse = await rig.ask(`${RUNS}/${run}/events/stream`, { headers: { "last-event-id": String(all.length - 1) } });
  expect(sse.text).toMatch(new RegExp(`^:\\n\\nid: ${all.length}\\ndata: \\{.*run.succeeded.*\\}\\n\\n$`));
  second.socket.close();
});

test("a run is followed by a snapshot and patches that make what a later snapshot shows", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const steps = [
    { id: "w", signal: "go" },
    { id: "z", run: "true", deps: ["w"] },
  ];
  const { json } = await rig.ask(RUNS, { body: { plan: { steps } } });
  const run = String(json["run"]);
  const first = await opened(rig, "/api/stream");
  const open = { op: "open", id: "v", kind: "run", project: "demo", run };
  first.socket.send(JSON.stringify(open));
  await until(() => JSON.stringify(first.messages).includes('"signal"'));
  await rig.ask(`${RUNS}/${run}/signals/go`, { body: {} });
  const viewOf = ({ messages }: Opened): LiveRun | undefined => {
    let view: LiveRun | undefined;
    for (const message of messages as unknown as (RunNews & { readonly id: string })[]) {
      if (message.type === "snapshot") ({ view } = message);
      else if (view !== undefined) view = patchedRun(view, message);
    }
    return view;
  };
  await until(() => viewOf(first)?.head.status === "succeeded" && viewOf(first)?.head.live === false);
  const second = await opened(rig, "/api/stream");
  second.socket.send(JSON.stringify(open));
  await until(() => viewOf(second) !== undefined);
  expect(viewOf(first)).toEqual(viewOf(second));
  const shown = await rig.ask(`${RUNS}/${run}`);
  expect(viewOf(second)?.seq).toBe(shown.json["seq"]);
  expect(first.messages.filter(({ type }) => type === "snapshot").length).toBe(1);
  first.socket.close();
  second.socket.close();
});

test("a stream ends with the session that it was opened for", async () => {
  const clock = new VirtualClock(0);
  await using rig = await ServerRig.start({ clock });
  const { json: code } = await rig.ask("/api/login-codes", { body: {} });
  const { json: session } = await rig.ask("/api/login", { token: null, body: { code: String(code["code"]) } });
  const token = String(session["token"]);
  const { json: ticket } = await rig.ask("/api/tickets", { token, body: {} });
  const protocols = ["heddle.v1", `ticket.${String(ticket["ticket"])}`];
  const page = (await connect(rig, "/api/stream", { protocols })) as Opened;
  const program = (await connect(rig, "/api/stream", { headers: { authorization: `Bearer ${token}` } })) as Opened;
  const own = await opened(rig, "/api/stream");
  await rig.ask("/api/logout", { token, body: {} });
  pass(clock, 15_000);
  await until(() => page.code() !== undefined && program.code() !== undefined);
  expect([page.code(), program.code(), own.code()]).toEqual([4401, 4401, undefined]);
  own.socket.close();
});

test("an event stream ends with the session that it was opened for", async () => {
  const clock = new VirtualClock(0);
  await using rig = await ServerRig.start({ clock });
  const { json } = await rig.ask(RUNS, { body: { plan: { steps: [{ id: "w", signal: "go" }] } } });
  const { json: code } = await rig.ask("/api/login-codes", { body: {} });
  const { json: session } = await rig.ask("/api/login", { token: null, body: { code: String(code["code"]) } });
  const token = String(session["token"]);
  let isOver = false;
  const stream = rig.ask(`${RUNS}/${String(json["run"])}/events/stream`, { token });
  void stream.then(() => (isOver = true));
  await until(async () => (await rig.ask("/metrics")).text.includes("heddle_streams_open 1"));
  expect(isOver).toBe(false);
  await rig.ask("/api/logout", { token, body: {} });
  pass(clock, 15_000);
  // What looks for news of the run looks again then.
  await until(() => (pass(clock, 1000), isOver));
  expect((await stream).text).toContain("run.started");
});

test("event streams and WebSockets together are bounded, and there is room again when one ends", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const { json } = await rig.ask(RUNS, { body: { plan: { steps: [{ id: "w", signal: "go" }] } } });
  const path = `${RUNS}/${String(json["run"])}/events/stream`;
  const headers = { authorization: `Bearer ${rig.server.tokens.read}` };
  const gone = new AbortController();
  const first = await opened(rig, "/api/stream");
  const all = await Promise.all(
    Array.from({ length: 255 }, () => fetch(`${rig.server.url}${path}`, { headers, signal: gone.signal })),
  );
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
  const refused = await rig.ask(path);
  expect([refused.status, refused.json["code"]]).toEqual([503, "too-many-streams"]);
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  expect(await connect(rig, "/api/stream", { headers })).toBe(503);
  first.socket.close();
  await until(async () => (await rig.ask("/metrics")).text.includes("heddle_streams_open 255"));
  const next = await fetch(`${rig.server.url}${path}`, { headers, signal: gone.signal });
  expect(next.status).toBe(200);
  gone.abort();
});

test("a long history comes whole to who reads it, at its pace", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const names = ["a", "b", "c", "d", "e", "f"];
  const { json } = await rig.ask(RUNS, { body: { plan: { steps: names.map((id) => ({ id, signal: id })) } } });
  const run = String(json["run"]);
  // Each event is nearly as large as what may wait for a client.
  for (const name of names) await rig.ask(`${RUNS}/${run}/signals/${name}`, { body: { value: "x".repeat(900_000) } });
  const stream = await opened(rig, "/api/stream");
  stream.socket.send(JSON.stringify({ op: "open", id: "a", kind: "events", project: "demo", run }));
  await until(() => stream.code() !== undefined || stream.messages.some(({ type }) => type === "end"));
  expect(stream.code()).toBeUndefined();
  stream.socket.close();
});

test("a run of many steps is introduced once, however large that is, and followed from there", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const steps: Json[] = [{ id: "w", signal: "go" }];
  for (let at = 0; at < 20_000; at++)
    steps.push({ id: `step-${at}`, run: "true", deps: ["w"], description: "x".repeat(80) });
  const { json } = await rig.ask(RUNS, { body: { plan: { steps } } });
  const run = String(json["run"]);
  const { messages, socket, code } = await opened(rig, "/api/stream");
  socket.send(JSON.stringify({ op: "open", id: "v", kind: "run", project: "demo", run }));
  await until(() => code() !== undefined || messages.some(({ type }) => type === "snapshot"));
  await rig.ask(`${RUNS}/${run}/cancel`, { body: {} });
  const isOver = (): boolean =>
    messages.some((one) => one["type"] === "patch" && JSON.stringify(one["ops"]).includes('"cancelled"'));
  await until(() => code() !== undefined || isOver());
  expect([code(), messages.filter(({ type }) => type === "snapshot").length]).toEqual([undefined, 1]);
  expect(JSON.stringify(messages.find(({ type }) => type === "snapshot")).length).toBeGreaterThan(1024 * 1024);
  socket.close();
});

test("a channel that cannot be is refused by itself: the others of the connection go on", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const { messages, socket, code } = await opened(rig, "/api/stream");
  socket.send(JSON.stringify({ op: "open", id: "runs", kind: "runs", project: "demo" }));
  const wrong = [
    { run: "x".repeat(41) },
    { project: "p".repeat(201) },
    { kind: "nothing" },
    { after: -1 },
    { more: 1 },
  ];
  for (const [at, fields] of wrong.entries())
    socket.send(JSON.stringify({ op: "open", id: `wrong ${at}`, kind: "run", project: "demo", run: "x", ...fields }));
  await until(() => messages.filter(({ type }) => type === "problem").length === wrong.length);
  await until(() => messages.some(({ type, id }) => type === "snapshot" && id === "runs"));
  const problems = messages.filter(({ type }) => type === "problem");
  expect(problems.map(({ id, status, code: slug }) => [id, status, slug])).toEqual(
    wrong.map((_, at) => [`wrong ${at}`, 422, "invalid-request"]),
  );
  expect(code()).toBeUndefined();
  socket.close();
});

test("what is asked for and is not there is told; what is no message ends the connection", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const one = await opened(rig, "/api/stream");
  one.socket.send(JSON.stringify({ op: "open", id: "x", kind: "events", project: "demo", run: "nope" }));
  await until(() => one.messages.length > 0);
  expect(one.messages[0]).toMatchObject({ type: "problem", id: "x", code: "unknown-run" });
  one.socket.send("{");
  await until(() => one.code() !== undefined);
  expect(one.code()).toBe(4400);
  expect(rig.faults).toEqual([]);
});

test("the progress of the latest run, in the words of the parallel-execution API", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const stream = await opened(rig, "/api/ws/demo");
  const steps = [
    { id: "a", run: "true" },
    { id: "b", run: "exit 3", deps: ["a"] },
  ];
  await rig.ask(RUNS, { body: { plan: { steps } } });
  await until(() => stream.messages.filter(({ type }) => type === "batch_complete").length === 2);
  const said = stream.messages.filter(({ type }) => type !== "progress");
  expect(said.map(({ type, data }) => [type, data])).toMatchObject([
    ["batch_start", { batch_number: 1, total_batches: 2, task_count: 1 }],
    ["task_start", { task_id: "a", epic_id: null, model: null }],
    ["task_complete", { task_id: "a", status: "succeeded", cost: null }],
    ["batch_complete", { batch_number: 1, result: { status: "completed" } }],
    ["batch_start", { batch_number: 2 }],
    ["task_start", { task_id: "b" }],
    ["failed", { task_id: "b" }],
    ["task_complete", { task_id: "b", status: "failed" }],
    ["batch_complete", { batch_number: 2, result: { status: "failed", failed: 1 } }],
  ]);
  expect(new Set(stream.messages.map(({ project_id }) => project_id))).toEqual(new Set(["demo"]));
  stream.socket.close();
});

test("a server that stops says so to its clients", async () => {
  const rig = await ServerRig.start({ clock: systemClock() });
  const stream = await opened(rig, "/api/stream");
  await rig[Symbol.asyncDispose]();
  await until(() => stream.code() !== undefined);
  expect(stream.code()).toBe(4503);
});
