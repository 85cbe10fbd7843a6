/** Runs that tell people outside: the published command and a real receiver, deaths in between, and a server that sends what is left. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { openProject } from "../../src/host/open.ts";
import { orThrow } from "../../src/base/errors.ts";
import { serve } from "../../src/server/serve.ts";
import { Rig, type Running } from "../support/command-line.ts";
import { until } from "../support/until.ts";
import { Receiver } from "./receiver.ts";

let rig: Rig;
let receiver: Receiver;
beforeEach(async () => {
  rig = new Rig();
  receiver = await Receiver.open();
});
afterEach(async () => {
  rig[Symbol.dispose]();
  await receiver[Symbol.asyncDispose]();
});

const KEY = "a-key-that-nobody-knows";

function plan(steps: readonly object[], more: object = {}): void {
  const notify = { url: receiver.url, allowPrivate: true, secret: "HEDDLE_HOOK", ...more };
  rig.plan({ name: "release", notify, steps });
}

function heddle(args: readonly string[]): Running {
  return rig.spawn(args, { env: { HEDDLE_HOOK: KEY } });
}

/** What of each notice came, in turn. */
function came(): readonly (readonly unknown[])[] {
  return receiver.received.map(({ headers }, at) => [receiver.documents[at]?.["type"], headers["heddle-attempt"]]);
}

test("a question and the end of a run come before its process ends, signed, and no step finds the key", async () => {
  plan([
    { id: "build", run: 'echo "key: $HEDDLE_HOOK"' },
    { id: "ship", approve: "Ship it?", deps: ["build"] },
  ]);
  expect(await heddle(["run"]).done).toMatchObject({ code: 3, stderr: "" });
  expect(came()).toEqual([["run.needs-you", "1"]]);
  expect(receiver.documents[0]).toMatchObject({
    plan: "release",
    asked: [{ step: "ship", about: "step", question: "Ship it?" }],
    counts: { succeeded: 1, waiting: 1 },
  });
  expect(receiver.received[0]?.headers["webhook-signature"]).toMatch(/^v1,/);
  expect(await heddle(["approve"]).done).toMatchObject({ code: 0 });
  expect(await heddle(["resume"]).done).toMatchObject({ code: 0 });
  expect(came()).toEqual([
    ["run.needs-you", "1"],
    ["run.succeeded", "1"],
  ]);
  const { stdout } = await rig.heddle(["logs", "build"]);
  expect(stdout).toContain("key: \n");
  const { stdout: recorded } = await rig.heddle(["history", "--json"]);
  expect(recorded).not.toContain(KEY);
});

test("secrets of steps are masked in what is told of their failures", async () => {
  rig.write("say.mjs", "export const say = () => { throw new Error(`no: ${process.env.TOKEN}`); };");
  plan([{ id: "say", call: "./say.mjs#say", secrets: ["TOKEN"] }]);
  const env = { HEDDLE_HOOK: KEY, TOKEN: "a-secret-value-of-some-length" };
  expect(await rig.spawn(["run"], { env }).done).toMatchObject({ code: 1 });
  expect(receiver.documents[0]).toMatchObject({ type: "run.failed", failed: [{ step: "say", code: "error" }] });
  expect(receiver.received[0]?.body).not.toContain("a-secret-value");
});

test("a process killed between sending and noting: the next one sends it again, under the same id, and then nobody", async () => {
  plan([{ id: "a", run: "true" }]);
  const first = heddle(["run"]);
  receiver.replies = ["nothing", 200];
  receiver.onReceived = () => first.kill("SIGKILL");
  await first.done;
  receiver.onReceived = () => undefined;
  expect(came()).toEqual([["run.succeeded", "1"]]);
  // A run of another plan, in which nobody is to be told, sends nothing of it.
  rig.write("quiet.yaml", "steps: [{ id: a, run: 'true' }]\n");
  expect(await heddle(["run", "quiet.yaml"]).done).toMatchObject({ code: 0 });
  expect(receiver.received).toHaveLength(1);
  for (let start = 0; start < 2; start++) {
    process.env["HEDDLE_HOOK"] = KEY;
    await using server = orThrow(await served());
    expect(server.projects).toHaveLength(1);
    await until(() => receiver.received.length === 2);
  }
  delete process.env["HEDDLE_HOOK"];
  expect(came()).toEqual([
    ["run.succeeded", "1"],
    ["run.succeeded", "2"],
  ]);
  const [once, again] = receiver.received.map(({ headers }) => headers["webhook-id"]);
  expect(once).toBe(again);
});

function served(): ReturnType<typeof serve> {
  return serve({
    dirs: [rig.dir],
    open: (dir) => openProject(dir, { title: "heddle serve" }),
    clock: systemClock(),
    env: { HOME: rig.dir },
    port: 0,
    title: "heddle serve",
    actor: "tester over HTTP",
    onFault: () => undefined,
  });
}

test("a receiver that is down: the run is as always, and what is left is in the journal", async () => {
  receiver.replies = [503];
  plan([{ id: "a", run: "true" }]);
  expect(await heddle(["run"]).done).toMatchObject({ code: 0, stderr: "" });
  await using project = orThrow(await openProject(rig.dir, { title: "test", access: "read" }));
  expect(await project.notices.list({ limit: 9 })).toMatchObject([{ state: "pending", attempts: 1 }]);
});

test("a private address that is not allowed is said, and stops nothing", async () => {
  plan([{ id: "a", run: "true" }], { url: `https://localhost:${receiver.port}/`, allowPrivate: false });
  const { code, stderr } = await heddle(["run"]).done;
  expect([code, receiver.connections]).toEqual([0, 0]);
  expect(stderr).toMatch(
    /^A notice of run \w+ was not sent: localhost is (?:127\.0\.0\.1|::1), which is no public address/,
  );
});
