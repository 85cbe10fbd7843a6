/**
 * Servers under crowds: T16 and A3 (clients that drop), T17 and A2 (clients that do not read), T18 (servers that are killed), A1 (a thousand
 * clients that ask). `HEDDLE_NIGHTLY_SCALE` multiplies clients and kills.
 */
import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Json } from "../../src/base/json.ts";
import { systemClock } from "../../src/base/clock.ts";
import { seededRandom } from "../../src/base/random.ts";
import { connect, type ProjectClient } from "../../src/client/client.ts";
import type { Event } from "../../src/run/event.ts";
import type { RunView } from "../../src/view/run-view.ts";
import { fixture } from "../support/built.ts";
import { Rig } from "../support/command-line.ts";
import { crowd, untrue, type CrowdClient } from "../support/crowd.ts";
import { KilledServer } from "../support/killed-server.ts";
import { until } from "../support/until.ts";
import { ServerRig } from "../server/rig.ts";
import { report, scaled } from "./scale.ts";

const SEED = Number(process.env["HEDDLE_SEED"] ?? 1);
const LONG_MS = 10 * 60_000;

function layered(count: number, run: string): readonly Json[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `s${at}`,
    run,
    ...(at < 20 ? { deps: ["go"] } : { deps: [`s${at - 20}`] }),
  }));
}

async function historyOf({ runs }: ProjectClient, run: string): Promise<readonly Event[]> {
  const found: Event[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: { readonly items: readonly Event[]; readonly next?: number } = await runs.events(run, { after });
    found.push(...page.items);
    after = page.next;
  }
  return found;
}

function isAtEnd({ views, events }: CrowdClient, last: number): boolean {
  const view = views.at(-1);
  return view?.seq === last && !view.head.live && events.at(-1)?.seq === last;
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;
}

/** A run that waits for the word `go`, on a server in this process. */
async function waitingRun(
  rig: ServerRig,
  steps: readonly Json[],
): Promise<{ readonly run: string; readonly of: ProjectClient }> {
  const of = connect({ url: rig.server.url, token: rig.server.tokens.act }).project("demo");
  const { run } = await of.runs.start({
    plan: { steps: [{ id: "go", signal: "go" }, ...steps] } as never,
    maxConcurrency: 8,
  });
  return { run, of };
}

test(`T16, A3: ${scaled(200)} clients that drop at random were told what the journal has`, async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const { run, of } = await waitingRun(rig, layered(300, "true"));
  const options = { url: rig.server.url, token: rig.server.tokens.read, project: "demo", run };
  const clients = crowd({ ...options, clients: scaled(200), seed: SEED, drops: 0.02 });
  await until(() => clients.every(({ view }) => view !== undefined), LONG_MS);
  await of.signal(run, "go");
  await until(async () => (await of.runs.get(run, { fields: ["status"] })).status === "succeeded", LONG_MS);
  const history = await historyOf(of, run);
  const last = history.at(-1)?.seq ?? 0;
  await until(() => clients.every((client) => isAtEnd(client, last)), LONG_MS);
  for (const { live } of clients) live.close();
  const wrong = clients.flatMap((client) => untrue(client, history));
  const drops = clients.reduce((sum, client) => sum + client.drops, 0);
  const views = clients.reduce((sum, client) => sum + client.views.length, 0);
  report(
    `T16: ${clients.length} clients, ${drops} drops, ${views} states shown of ${last} events: ${wrong.length} untrue`,
  );
  expect(wrong.slice(0, 20)).toEqual([]);
});

test(`T17, A2: ${scaled(50)} clients that stop reading beside as many good ones`, async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const { run, of } = await waitingRun(rig, layered(1000, "true"));
  const { url, tokens } = rig.server;
  const good = crowd({ url, token: tokens.read, project: "demo", run, clients: scaled(50), seed: SEED, drops: 0 });
  await until(() => good.every(({ view }) => view !== undefined), LONG_MS);
  const headers = { authorization: `Bearer ${tokens.read}` };
  const codes = new Set<number>();
  const slow = await Promise.all(
    Array.from({ length: scaled(50) }, async () => {
      const socket = new WebSocket(`${url.replace("http", "ws")}/api/stream`, { headers });
      socket.on("close", (code) => codes.add(code));
      await once(socket, "open");
      socket.pause();
      return socket;
    }),
  );
  const before = process.memoryUsage().rss;
  let most = before;
  const look = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
  await of.signal(run, "go");
  // Each asks for the whole run again and again, and takes none of it.
  for (let time = 0; time < 100; time++) {
    for (const socket of slow)
      if (socket.readyState === WebSocket.OPEN)
        socket.send(JSON.stringify({ op: "open", id: "x", kind: "run", project: "demo", run }));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const open = async (): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`, { headers })).text();
    return Number(/^heddle_streams_open(?:\{.*\})? (\d+)$/m.exec(text)?.[1]);
  };
  await until(async () => (await open()) === good.length, LONG_MS);
  clearInterval(look);
  await until(async () => (await of.runs.get(run, { fields: ["status"] })).status === "succeeded", LONG_MS);
  const history = await historyOf(of, run);
  await until(() => good.every((client) => isAtEnd(client, history.at(-1)?.seq ?? 0)), LONG_MS);
  const wrong = good.flatMap((client) => untrue(client, history));
  // Able to come back.
  for (const socket of slow) socket.resume();
  await until(() => slow.every(({ readyState }) => readyState === WebSocket.CLOSED), LONG_MS);
  const again = crowd({ url, token: tokens.read, project: "demo", run, clients: slow.length, seed: SEED, drops: 0 });
  await until(() => again.every((client) => isAtEnd(client, history.at(-1)?.seq ?? 0)), LONG_MS);
  for (const { live } of [...good, ...again]) live.close();
  const lag = p99(good.flatMap(({ lagsMs }) => lagsMs));
  const grew = Math.round((most - before) / 1024 / 1024);
  report(
    `T17: ${slow.length} clients that stopped reading, closed with ${[...codes].join(", ")}, all came back; the process (server, clients) grew by ${grew} MB; ` +
      `events reached ${good.length} good ones ${Math.round(lag)} ms (p99) after they were recorded; ${wrong.length} untrue`,
  );
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(lag).toBeLessThan(1000);
});

test(`T18, B1: a server killed ${scaled(100)} times under 20 clients`, async () => {
  using rig = new Rig();
  const gate = rig.gate("go");
  rig.plan({ maxConcurrency: 2, steps: [{ id: "go", run: gate.command }, ...layered(scaled(100) * 20, "sleep 0.2")] });
  const engine = rig.spawn(["run"], { timeoutMs: 38 * 60_000 });
  await gate.reached();
  const server = await KilledServer.start(rig);
  const { url, token } = server;
  const { projects, project } = connect({ url, token });
  const name = (await projects.list()).items[0]?.project ?? "";
  const of = project(name);
  const run = (await of.runs.list()).runs[0]?.run ?? "";
  const clients = crowd({ url, token, project: name, run, clients: 20, seed: SEED, drops: 0, pace: 1 });
  await until(() => clients.every(({ state }) => state === "live"));
  await gate.open();
  const random = seededRandom(SEED);
  const rightMs: number[] = [];
  let kills = 0;
  for (; kills < scaled(100); kills++) {
    await new Promise((resolve) => setTimeout(resolve, random() * 2000));
    await server.kill();
    await server.start();
    const since = performance.now();
    const { seq } = await of.runs.get(run, { fields: ["status"] });
    await until(() => clients.every(({ state, view }) => state === "live" && (view?.seq ?? 0) >= seq));
    rightMs.push(performance.now() - since);
  }
  engine.kill("SIGINT");
  await engine.done;
  const shown = JSON.parse((await rig.heddle(["show", run, "--json"])).stdout) as RunView;
  const history = await historyOf(of, run);
  await until(() => clients.every((client) => isAtEnd(client, shown.seq)));
  for (const { live } of clients) live.close();
  await server.kill();
  const wrong = clients.flatMap((client) => untrue(client, history));
  const worst = Math.max(...rightMs);
  report(
    `T18: ${kills} kills under ${clients.length} clients, ${shown.seq} events: right again at most ${Math.round(worst)} ms after the server was ` +
      `there (p50 ${Math.round(rightMs.toSorted((a, b) => a - b)[rightMs.length >> 1] ?? 0)} ms); ${wrong.length} untrue`,
  );
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(worst).toBeLessThan(5000);
});

interface Load {
  readonly requests: number;
  readonly errors: number;
  readonly first: string | null;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Two servers in processes of their own; a run of many short steps goes on in the first one. Steps a second, while clients ask one of them. */
test("A1: 1,000 keep-alive clients for 60 s, against the same clients at an idle server", async () => {
  using rig = new Rig();
  using idleRig = new Rig();
  const [server, idle] = await Promise.all([KilledServer.start(rig), KilledServer.start(idleRig)]);
  const nameOf = async ({ url, token }: KilledServer): Promise<string> =>
    (await connect({ url, token }).projects.list()).items[0]?.project ?? "";
  const name = await nameOf(server);
  const idleName = await nameOf(idle);
  const { runs } = connect(server).project(name);
  const seconds = scaled(60);
  const plan = { steps: Array.from({ length: 60_000 }, (_, at) => ({ id: `s${at}`, run: ":" })) };
  const under = async (asked: KilledServer, paths: readonly string[]): Promise<Load & { readonly pace: number }> => {
    // A run of its own for each: none comes to its end, and both are as old.
    const { run } = await runs.start({ plan, maxConcurrency: 2 });
    const done = async (): Promise<number> => (await runs.get(run, { fields: ["byStatus"] })).byStatus.succeeded;
    await until(async () => (await done()) > 500, LONG_MS);
    const before = await done();
    const since = performance.now();
    const load = [asked.url, asked.token, "1000", "200", String(seconds), ...paths]
      .map((word) => `'${word}'`)
      .join(" ");
    const { stdout, stderr } = await rig.shell(
      `ulimit -n 4096 && exec '${process.execPath}' '${fixture("load")}' ${load}`,
      { timeoutMs: LONG_MS },
    );
    if (stdout === "") throw new Error(stderr);
    const count = (await done()) - before;
    const pace = count / ((performance.now() - since) / 1000);
    expect((await runs.get(run, { fields: ["status"] })).status).toBe("running");
    await runs.cancel(run);
    await until(async () => (await runs.get(run, { fields: ["status"] })).status === "cancelled", LONG_MS);
    return { ...(JSON.parse(stdout) as Load), pace };
  };
  const pathsOf = (project: string): readonly string[] => [
    "/api/projects",
    `/api/projects/${project}/runs?limit=20`,
    "/api/attention",
    "/api/health",
  ];
  const control = await under(idle, pathsOf(idleName));
  const loaded = await under(server, pathsOf(name));
  await Promise.all([server.kill(), idle.kill()]);
  const share = loaded.pace / control.pace;
  report(
    `A1: 1000 clients, ${loaded.requests} requests in ${seconds} s, ${loaded.errors} errors (${loaded.first ?? "none"}), p50 ${loaded.p50Ms} ms, p99 ` +
      `${loaded.p99Ms} ms (idle server: ${control.p99Ms} ms); ${loaded.pace.toFixed(1)} steps a second against ${control.pace.toFixed(1)}: ${Math.round(share * 100)} %`,
  );
  expect(loaded.errors).toBe(0);
  expect(loaded.p99Ms).toBeLessThan(500);
  expect(share).toBeGreaterThan(0.9);
});
