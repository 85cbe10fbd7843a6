/** Many clients of one server: what each is told is what the journal has, whatever becomes of connections and of the others. */
import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Json } from "../../src/base/json.ts";
import { systemClock } from "../../src/base/clock.ts";
import { connect } from "../../src/client/client.ts";
import type { Event } from "../../src/run/event.ts";
import type { RunView } from "../../src/view/run-view.ts";
import { Rig } from "../support/command-line.ts";
import { crowd, untrue, type CrowdClient } from "../support/crowd.ts";
import { KilledServer } from "../support/killed-server.ts";
import { until } from "../support/until.ts";
import { pass, ServerRig } from "./rig.ts";

const RUNS = "/api/projects/demo/runs";

async function startRun(rig: ServerRig, steps: readonly Json[]): Promise<string> {
  return String((await rig.ask(RUNS, { body: { plan: { steps } } })).json["run"]);
}

async function historyOf(rig: ServerRig, run: string): Promise<readonly Event[]> {
  return (await rig.ask(`${RUNS}/${run}/events`)).json["items"] as unknown as readonly Event[];
}

function isAtEnd({ views, events }: CrowdClient, last: number): boolean {
  const view = views.at(-1);
  return view?.seq === last && !view.head.live && events.at(-1)?.seq === last;
}

test("clients that drop at random were told what the journal has, each state and each event (T16, A3)", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const steps: Json[] = [{ id: "go", signal: "go" }];
  for (let at = 0; at < 24; at++)
    steps.push({
      id: `s${at}`,
      run: at % 5 === 4 ? "exit 1" : "true",
      retry: { attempts: 2 },
      optional: true,
      deps: ["go"],
    });
  const run = await startRun(rig, steps);
  const clients = crowd({
    url: rig.server.url,
    token: rig.server.tokens.read,
    project: "demo",
    run: run.slice(0, 6),
    clients: 16,
    seed: 1,
    drops: 0.15,
  });
  await until(() => clients.every(({ view }) => view !== undefined));
  await rig.ask(`${RUNS}/${run}/signals/go`, { body: {} });
  await until(async () => (await rig.ask(`${RUNS}/${run}`)).json["status"] === "succeeded");
  const history = await historyOf(rig, run);
  const last = history.at(-1)?.seq ?? 0;
  await until(() => clients.every((client) => isAtEnd(client, last)));
  for (const { live } of clients) live.close();
  expect(clients.flatMap((client) => untrue(client, history))).toEqual([]);
  expect(clients.map(({ drops }) => drops).reduce((sum, drops) => sum + drops, 0)).toBeGreaterThan(16);
  expect(rig.faults).toEqual([]);
});

test("a client that does not read is cut off, and takes nothing from the others (T17, A2)", async () => {
  await using rig = await ServerRig.start();
  /** Time goes by meanwhile: it is cut off when its first message has had its time. */
  const passing = (holds: () => boolean | Promise<boolean>): Promise<void> =>
    until(() => {
      pass(rig.clock, 250);
      return holds();
    });
  const steps: Json[] = [{ id: "go", signal: "go" }];
  for (let at = 0; at < 400; at++)
    steps.push({ id: `step-with-a-long-name-${at}`, run: "true", deps: ["go"], if: "false" });
  const run = await startRun(rig, steps);
  const { url, tokens } = rig.server;
  const [good] = crowd({ url, token: tokens.read, project: "demo", run, clients: 1, seed: 1, drops: 0 });
  await passing(() => good?.view !== undefined);
  const slow = new WebSocket(`${url.replace("http", "ws")}/api/stream`, {
    headers: { authorization: `Bearer ${tokens.read}` },
  });
  await once(slow, "open");
  slow.pause();
  // Each time it gets the whole run, of more than 100 KB, and takes none of it.
  for (let at = 0; at < 200; at++)
    slow.send(JSON.stringify({ op: "open", id: "x", kind: "run", project: "demo", run }));
  const open = async (): Promise<string | undefined> =>
    /^heddle_streams_open(?:\{.*\})? (\d+)$/m.exec((await rig.ask("/metrics")).text)?.[1];
  await passing(async () => (await open()) === "1");
  slow.terminate();
  await rig.ask(`${RUNS}/${run}/signals/go`, { body: {} });
  await passing(() => good?.view?.head.live === false);
  const history = await historyOf(rig, run);
  await passing(() => good !== undefined && isAtEnd(good, history.at(-1)?.seq ?? 0));
  good?.live.close();
  expect(good === undefined ? [] : untrue(good, history)).toEqual([]);
  expect(rig.faults).toEqual([]);
});

test("a server that is killed under its clients: each is right again, and never told of a state that was not (T18, B1)", async () => {
  using rig = new Rig();
  const gate = rig.gate("go");
  const steps: Json[] = [{ id: "go", run: gate.command }];
  for (let at = 0; at < 20; at++) steps.push({ id: `s${at}`, run: "true", deps: ["go"] });
  rig.plan({ steps });
  const engine = rig.spawn(["run"]);
  await gate.reached();
  const server = await KilledServer.start(rig);
  const { url, token } = server;
  const project = (await connect({ url, token }).projects.list()).items[0]?.project ?? "";
  const { runs } = connect({ url, token }).project(project);
  const run = (await runs.list()).runs[0]?.run ?? "";
  const clients = crowd({ url, token, project, run, clients: 5, seed: 2, drops: 0 });
  await until(() => clients.every(({ state }) => state === "live"));
  await server.kill();
  await until(() => clients.every(({ state }) => state === "offline"));
  await server.start();
  await until(() => clients.every(({ state }) => state === "live"));
  await gate.open();
  await until(() => clients.some(({ view }) => (view?.head.byStatus.succeeded ?? 0) > 4));
  await server.kill();
  await engine.done;
  await server.start();
  const shown = JSON.parse((await rig.heddle(["show", run, "--json"])).stdout) as RunView;
  const history = (await runs.events(run)).items;
  await until(() => clients.every((client) => isAtEnd(client, shown.seq)));
  for (const { live } of clients) live.close();
  expect(clients.flatMap((client) => untrue(client, history))).toEqual([]);
  expect(clients[0]?.view?.head.byStatus).toEqual(shown.byStatus);
  await server.kill();
});
