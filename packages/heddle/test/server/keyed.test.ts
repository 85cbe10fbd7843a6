/** Requests with an `Idempotency-Key`: carried out once, answered again, whatever breaks in between. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { err } from "../../src/base/result.ts";
import { HeddleError, orThrow } from "../../src/base/errors.ts";
import type { Json } from "../../src/base/json.ts";
import { openProject } from "../../src/host/open.ts";
import { thisProcess } from "../../src/journal/liveness.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Idempotency } from "../../src/journal/port.ts";
import { openSqliteJournal } from "../../src/journal/sqlite/open.ts";
import { loadPlanFile } from "../../src/project/load-plan.ts";
import { beginRun } from "../../src/project/begin-run.ts";
import type { LoadedPlan, Project } from "../../src/project/port.ts";
import type { Selection } from "../../src/project/reuse.ts";
import { carryOutOnce } from "../../src/project/keyed-requests.ts";
import { layoutOf } from "../../src/project/layout.ts";
import { digestOf, isKeyed, respondOnce } from "../../src/server/keyed.ts";
import type { ServerWorld } from "../../src/server/world.ts";
import { API_ROUTES } from "../../src/server/table.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { ServerRig, type Answer } from "./rig.ts";

const RUNS = "/api/projects/demo/runs";
const ONE_STEP = { name: "one", steps: [{ id: "a", run: "true" }] };

function writePlan(rig: ServerRig): void {
  writeFileSync(join(rig.dir, "demo", "heddle.json"), JSON.stringify(ONE_STEP));
}

async function runsOf(rig: ServerRig): Promise<readonly string[]> {
  const { json } = await rig.ask(RUNS);
  return (json["runs"] as { readonly run: string }[]).map(({ run }) => run);
}

function codeOf({ status, json }: Answer): readonly [number, Json | undefined] {
  return [status, json["code"]];
}

test("T12: of 50 starts at once with one key one starts a run; the others get its answer, or wait", async () => {
  await using rig = await ServerRig.start();
  writePlan(rig);
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => rig.ask(RUNS, { body: { maxConcurrency: 2 }, key: "one-start" })),
  );
  const runs = await runsOf(rig);
  expect(runs.length).toBe(1);
  const started = answers.filter(({ status }) => status === 201);
  expect(started.filter(({ headers }) => headers["idempotency-replayed"] === undefined).length).toBe(1);
  expect(new Set(started.map(({ json }) => json["run"]))).toEqual(new Set(runs));
  for (const answer of answers) if (answer.status !== 201) expect(codeOf(answer)).toEqual([409, "request-under-way"]);
  const again = await rig.ask(RUNS, { body: { maxConcurrency: 2 }, key: "one-start" });
  expect([again.status, again.json["run"], again.headers["idempotency-replayed"], again.headers["location"]]).toEqual([
    201,
    runs[0],
    "true",
    `${RUNS}/${runs[0]}`,
  ]);
  const other = await rig.ask(RUNS, { body: { maxConcurrency: 3 }, key: "one-start" });
  expect(codeOf(other)).toEqual([422, "key-reused"]);
  const elsewhere = await rig.ask(`${RUNS}/${runs[0]}/cancel`, { body: {}, key: "one-start" });
  expect(codeOf(elsewhere)).toEqual([422, "key-reused"]);
  expect(await runsOf(rig)).toEqual(runs);
  expect(rig.faults).toEqual([]);
});

test("a start without a key, or with one that is none, starts nothing", async () => {
  await using rig = await ServerRig.start();
  writePlan(rig);
  expect(codeOf(await rig.ask(RUNS, { body: {}, key: null }))).toEqual([428, "key-needed"]);
  for (const key of ["", "a b", "x".repeat(65), "a,b", "ä", "../x"])
    expect(codeOf(await rig.ask(RUNS, { body: {}, key: encodeURI(key) })), key).toEqual([422, "invalid-request"]);
  const twice = await rig.raw([
    `POST ${RUNS} HTTP/1.1`,
    `Host: 127.0.0.1:${rig.server.port}`,
    `Authorization: Bearer ${rig.server.tokens.act}`,
    "Idempotency-Key: a",
    "Idempotency-Key: b",
    "Connection: close",
  ]);
  expect(twice.status).toBe(400);
  expect(await runsOf(rig)).toEqual([]);
});

test("a problem frees its key: the same request succeeds once its cause is gone", async () => {
  await using rig = await ServerRig.start();
  expect((await rig.ask(RUNS, { body: {}, key: "k" })).status).toBe(404);
  writePlan(rig);
  const started = await rig.ask(RUNS, { body: {}, key: "k" });
  expect([started.status, started.headers["idempotency-replayed"]]).toEqual([201, undefined]);
});

test("keys outlive the server", async () => {
  const first = await ServerRig.start();
  writePlan(first);
  const before = await first.ask(RUNS, { body: {}, key: "k" });
  const dirs = [join(first.dir, "demo")];
  await first[Symbol.asyncDispose]();
  await using second = await ServerRig.start({ dirs });
  const again = await second.ask(RUNS, { body: {}, key: "k" });
  expect([again.json, again.headers["idempotency-replayed"]]).toEqual([before.json, "true"]);
  expect((await runsOf(second)).length).toBe(1);
});

describe("a server that died over a start", () => {
  const DEAD = { pid: 2 ** 30, started: "1", title: "heddle serve" };
  const START = "/api/projects/demo/parallel/start";

  async function diedOver(rig: ServerRig, effect: string, target = RUNS): Promise<void> {
    const request = { method: "POST", target, body: "{}" };
    const file = layoutOf(join(rig.dir, "demo")).journalFile;
    await using journal = orThrow(await openSqliteJournal(file));
    const asked = { key: "k", digest: digestOf(request), time: Date.now(), effect };
    expect((await journal.beginRequest(asked, DEAD)).kind).toBe("new");
  }

  test("after the run was there: it is told of, and no other is started", async () => {
    await using rig = await ServerRig.start();
    writePlan(rig);
    const dir = join(rig.dir, "demo");
    await using project = orThrow(await openProject(dir, { title: "heddle serve" }));
    const plan = await loadPlanFile(join(dir, "heddle.json"), {});
    if (!plan.ok) throw new Error(plan.error[0]?.message);
    await orThrow(await project.runs.start(plan.value, { run: "began0before" })).result;
    await diedOver(rig, "began0before");
    const told = await rig.ask(RUNS, { body: {}, key: "k" });
    expect([told.status, told.json]).toEqual([201, { run: "began0before", plan: "one", status: "succeeded" }]);
    expect((await rig.ask(RUNS, { body: {}, key: "k" })).headers["idempotency-replayed"]).toBe("true");
    expect(await runsOf(rig)).toEqual(["began0before"]);
  });

  test("before the run was there: it is started under the id that it was to have", async () => {
    await using rig = await ServerRig.start();
    writePlan(rig);
    await diedOver(rig, "was0to0be000");
    expect((await rig.ask(RUNS, { body: {}, key: "k" })).json["run"]).toBe("was0to0be000");
    expect(await runsOf(rig)).toEqual(["was0to0be000"]);
  });

  test("by the other endpoint: it starts none beside the one that has ended", async () => {
    await using rig = await ServerRig.start();
    writePlan(rig);
    await diedOver(rig, "was0to0be000", START);
    expect((await rig.ask(START, { body: {}, key: "k" })).json["run"]).toBe("was0to0be000");
    expect((await rig.ask(START, { body: {}, key: "k" })).headers["idempotency-replayed"]).toBe("true");
    expect(await runsOf(rig)).toEqual(["was0to0be000"]);
  });
});

test("a part of a plan is started under the id that it was to have, with the work of agents too", async () => {
  const selections: Selection[] = [];
  const refused = { code: "Stop", message: "far enough" };
  const runs = { select: async (_plan: unknown, selection: Selection) => (selections.push(selection), err(refused)) };
  const project = { plans: { agentsProblem: async () => undefined }, runs } as unknown as Project;
  const options = { run: "was0to0be000" };
  expect(await beginRun(project, {} as LoadedPlan, { only: ["a"], options })).toEqual(err(refused));
  expect(selections).toEqual([{ only: ["a"], newRun: "was0to0be000" }]);
});

test("routes of no project, and those that only look, take a key and do not keep it", async () => {
  await using rig = await ServerRig.start();
  const codes = [1, 2].map(() => rig.ask("/api/login-codes", { body: {}, key: "k" }));
  const [first, second] = await Promise.all(codes);
  expect([first?.status, second?.status]).toEqual([201, 201]);
  expect(first?.json["code"]).not.toBe(second?.json["code"]);
  for (const route of API_ROUTES) {
    if (route.method !== "GET" && route.path.startsWith("/api/projects/"))
      expect([route.path, isKeyed(route)]).toEqual([route.path, route.authority === "act"]);
  }
});

describe("what is kept of an answer", () => {
  function keyed(journal: Idempotency = memoryJournal()) {
    const ports = { journal, clock: new VirtualClock(1000), random: Math.random, holder: () => thisProcess("test") };
    const requests = { once: carryOutOnce.bind(undefined, ports) };
    const world = { projects: { get: async () => ({ requests }) } } as unknown as ServerWorld;
    const unstored: string[] = [];
    const ask = {
      world,
      project: "demo",
      key: "k",
      method: "POST",
      target: "/x",
      body: "{}",
      onUnstored: (problem: { readonly code: string }) => unstored.push(problem.code),
    };
    return { unstored, send: (respond: (effect: string) => Promise<Response>) => respondOnce(ask, respond) };
  }

  test.each([
    [200, true],
    [202, true],
    [404, false],
    [409, false],
    [412, false],
    [500, true],
    [503, false],
  ])("%i: sent again it is answered again: %s", async (status, isKept) => {
    const { send } = keyed();
    let carriedOut = 0;
    for (const expected of [undefined, isKept ? "true" : null]) {
      const answer = orThrow((await send(async () => new Response(`{"n":${++carriedOut}}`, { status }))) as never);
      const { status: got, headers } = answer as Response;
      expect(got).toBe(status);
      if (expected !== undefined) expect(headers.get("idempotency-replayed")).toBe(expected);
    }
    expect(carriedOut).toBe(isKept ? 1 : 2);
  });

  test("while it is carried out the same request waits", async () => {
    const { send } = keyed();
    const held = Promise.withResolvers<Response>();
    const first = send(() => held.promise);
    await Promise.resolve();
    expect(await send(async () => new Response())).toMatchObject({ ok: false, error: { slug: "request-under-way" } });
    held.resolve(new Response("{}", { status: 201 }));
    expect(await first).toMatchObject({ ok: true, value: { status: 201 } });
  });

  test("an answer that cannot be stored is given all the same, and told of", async () => {
    const journal = memoryJournal();
    const full = new HeddleError({ code: "DiskFull", message: "full" });
    const { send, unstored } = keyed({
      beginRequest: journal.beginRequest,
      finishRequest: () => Promise.reject(full),
      abandonRequest: journal.abandonRequest,
    });
    expect(await send(async () => new Response("{}", { status: 201 }))).toMatchObject({ value: { status: 201 } });
    const long = keyed();
    expect((await long.send(async () => new Response("x".repeat(300_000)))).ok).toBe(true);
    expect([unstored, long.unstored]).toEqual([["DiskFull"], ["AnswerNotStored"]]);
  });
});
