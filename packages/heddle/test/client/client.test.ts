/** The client against the API: every operation has its method, and what a real server answers has the shapes that are promised. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { connect, connectOn, type HeddleClient, type ProjectClient } from "../../src/client/client.ts";
import * as published from "../../src/client/index.ts";
import type { ClientPlatform } from "../../src/client/transport.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openApiDocument } from "../../src/server/openapi.ts";
import { API_ROUTES } from "../../src/server/table.ts";
import { until } from "../support/until.ts";
import { ServerRig } from "../server/rig.ts";

const SEEN = { run: "r", seq: 7 };

/** One call for each operation of the document. */
const CALLS: Readonly<Record<string, (client: HeddleClient, project: ProjectClient) => Promise<unknown>>> = {
  getHealth: (client) => client.health(),
  listProjects: (client) => client.projects.list(),
  getOpenApi: (client) => client.openApi(),
  listAttention: (client) => client.attention({ limit: 2, cursor: "c" }),
  createTicket: (_, { events }) => events("r")[Symbol.asyncIterator]().next(),
  listRuns: (_, { runs }) =>
    runs.list({ limit: 3, plan: "a b", status: ["failed", "waiting"], since: 1, until: 2, q: "x", cursor: "c" }),
  listOverviews: (_, { runs }) => runs.overviews(["r1", "r2"]),
  getRun: (_, { runs }) => runs.get("r", { at: 2, fields: ["counts", "status"] }),
  startRun: (_, { runs }) => runs.start({ plan: "p.yaml", params: { a: 1 }, only: ["x"] }),
  cancelRun: (_, { runs }) => runs.cancel("r", { seen: SEEN }),
  pauseRun: (_, { runs }) => runs.pause("r", { key: "k" }),
  unpauseRun: (_, { runs }) => runs.unpause("r"),
  retryRun: (_, { runs }) =>
    runs.retry("r", { steps: ["a", "b/1"], downstream: false, params: { env: "x" }, seen: SEEN }),
  setConcurrency: (_, { runs }) => runs.setConcurrency("r", 4, { seen: { run: "r", seq: 3 } }),
  resumeRun: (_, { runs }) => runs.resume("r", { maxConcurrency: 2 }),
  rollBackRun: (_, { runs }) => runs.rollback("r"),
  listEvents: (_, { runs }) => runs.events("r", { after: 1, before: 9, limit: 2 }),
  getRunGraph: (_, { runs }) => runs.graph("r", { at: 2 }),
  listBatches: (_, { runs }) => runs.batches("r"),
  getBatch: (_, { runs }) => runs.batch("r", 1),
  listSteps: (_, { steps }) => steps.list("r", { status: ["failed"], q: "x", limit: 1, cursor: "1", at: 3 }),
  getStep: (_, { steps }) => steps.get("r", "a/b c", { at: 3 }),
  getLog: (_, { logs }) => logs.lines("r", "s", 1, { from: 5, limit: 2, tail: 3, quick: true }),
  searchLog: (_, { logs }) => logs.search("r", "s", 1, "x", { isPattern: true, ignoreCase: true, limit: 2, after: 9 }),
  listChanges: (_, { work }) => work.changes("r", { limit: 2, cursor: "3" }),
  getFileDiff: (_, { work }) => work.fileDiff("r", "a/b c.ts", { step: "s" }),
  getConflict: (_, { work }) => work.conflict("r", "s"),
  getConflictFile: (_, { work }) => work.conflictFile("r", "s", "a/b c.ts"),
  decideConflictFile: (_, { work }) =>
    work.decide("r", "s", { take: "ours" }, { seen: { file: "a/b c.ts", etag: '"e"' }, key: "k" }),
  listWorktrees: (_, { work }) => work.worktrees({ run: "r", sizes: true }),
  approveStep: (_, { steps }) => steps.approve("r", "s", { comment: "fine" }),
  rejectStep: (_, { steps }) => steps.reject("r", "s"),
  answerStep: (_, { steps }) => steps.answer("r", "s", "two"),
  resolveStep: (_, { steps }) => steps.resolve("r", "s", "ours", { comment: "x" }),
  getLiveRun: (_, { replay }) => replay.at("r", 7),
  getRunPatch: (_, { replay }) => replay.patch("r", 7, 3),
  listMarks: (_, { replay }) => replay.marks("r"),
  getTimeline: (_, { replay }) => replay.timeline("r", { at: 7, limit: 2, since: 1, cursor: "3" }),
  getForecast: (_, { replay }) => replay.forecast("r"),
  getReport: (_, { reports }) => reports.get("r"),
  getTrace: (_, { reports }) => reports.trace("r"),
  getHistory: (_, { reports }) => reports.canonical("r"),
  compareRuns: (_, { reports }) => reports.compare("r", "other", { limit: 2, cursor: "3" }),
  getCosts: (_, { costs }) => costs({ run: "r", plan: "a b", since: 1, until: 2 }),
  listPlans: (_, { plans }) => plans.list(),
  getPlan: (_, { plans }) => plans.get("sub/heddle.yaml", { workers: 4 }),
  validatePlan: (_, { plans }) => plans.validate({ text: "steps: []", params: { a: 1 } }),
  simulatePlan: (_, { plans }) => plans.simulate({ run: "r", workers: [1, 2], durations: { a: 3 } }),
  sendSignal: (_, { signal }) => signal("r", "go", { n: 1 }),
};

/** Operations that have no method, each with the reason. */
const NO_METHOD: Readonly<Record<string, string>> = {
  login: "pages log in; a program has a token",
  logout: "pages log in; a program has a token",
  createLoginCode: "`heddle open` gives the link",
  getMetrics: "a text that Prometheus reads",
  askOverMcp: "another protocol, which has clients of its own",
  streamEvents: "`events` uses the WebSocket, of which a browser opens as many as are needed",
  startParallelExecution: "the words of another API; `runs.start` is the same",
  getParallelStatus: "the words of another API; `runs.get` is the same",
  cancelParallelExecution: "the words of another API; `runs.cancel` is the same",
  listParallelBatches: "the words of another API; `runs.batches` is the same",
  getParallelBatch: "the words of another API; `runs.batch` is the same",
};

interface OperationDocument {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly properties: object } }>>;
  };
}

const DOCUMENT = openApiDocument(API_ROUTES, "0") as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationDocument>>>>;
};
const OPERATIONS = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
);

/** The one request that the call makes. */
async function requestOf(call: (typeof CALLS)[string]): Promise<{ readonly url: URL; readonly init: RequestInit }> {
  let made: { readonly url: URL; readonly init: RequestInit } | undefined;
  const platform = {
    fetch: async (input: string, init: RequestInit) => {
      expect(made).toBeUndefined();
      made = { url: new URL(input), init };
      return new Response("{}", { status: 418, headers: { "heddle-api": "1" } });
    },
    newKey: () => "made",
  };
  const client = connectOn(platform as unknown as ClientPlatform, { url: "http://127.0.0.1:1/below/", token: "t" });
  await expect(call(client, client.project("demo"))).rejects.toMatchObject({ code: "unexpected-answer", status: 418 });
  if (made === undefined) throw new Error("nothing was sent");
  return made;
}

test("every operation of the document has a method or a reason, and nothing else has", () => {
  const ids = OPERATIONS.map(({ operationId }) => operationId);
  expect(ids.length).toBeGreaterThanOrEqual(25);
  expect([...Object.keys(CALLS), ...Object.keys(NO_METHOD)].toSorted()).toEqual(ids.toSorted());
});

describe.each(
  OPERATIONS.filter(({ operationId }) => operationId in CALLS).map((one) => [one.operationId, one] as const),
)("%s", (id, operation) => {
  test("is asked at its address, with parameters and fields that it has", async () => {
    const { url, init } = await requestOf(CALLS[id] as (typeof CALLS)[string]);
    const pattern = operation.path.replaceAll(/[.]/g, "\\.").replaceAll(/\{\w+\}/g, "[^/]+");
    expect(init.method).toBe(operation.method);
    expect(url.pathname).toMatch(new RegExp(`^/below${pattern}$`));
    const queries = operation.parameters.filter((one) => one.in === "query").map(({ name }) => name);
    expect(queries).toEqual(expect.arrayContaining([...url.searchParams.keys()]));
    const fields = Object.keys(operation.requestBody?.content["application/json"]?.schema.properties ?? {});
    const sent = init.body === undefined ? {} : (JSON.parse(init.body as string) as object);
    expect(fields).toEqual(expect.arrayContaining(Object.keys(sent)));
    const headers = init.headers as Record<string, string>;
    expect([headers["authorization"], init.redirect, init.credentials]).toEqual(["Bearer t", "error", "omit"]);
    if (operation.parameters.some(({ name, required }) => name === "Idempotency-Key" && required))
      expect(headers["idempotency-key"]).toBe("made");
  });
});

test("names in addresses are encoded, and none leads out of its place", async () => {
  const { url } = await requestOf(CALLS["getStep"] as (typeof CALLS)[string]);
  expect(url.pathname).toBe("/below/api/projects/demo/runs/r/steps/a%2Fb%20c");
  const client = connectOn({} as unknown as ClientPlatform, { url: "http://127.0.0.1:1", token: "t" });
  for (const word of ["", ".", ".."])
    await expect(client.project("demo").steps.approve("r", word)).rejects.toMatchObject({ code: "invalid-call" });
});

test("what was seen is sent along", async () => {
  const { init } = await requestOf(CALLS["cancelRun"] as (typeof CALLS)[string]);
  expect(init.headers).toMatchObject({ "if-match": '"r-7"' });
});

/** A client of the rig's server, each answer of which is checked against what its route promises. */
function checkedClient(rig: ServerRig, checked: Set<string>): HeddleClient {
  const fetchChecked: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const { pathname } = new URL(String(input));
    const route = API_ROUTES.find(
      ({ method, path }) =>
        method === init?.method && new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+")}$`).test(pathname),
    );
    if (response.ok && route !== undefined) {
      const { id, answer } = route.operation;
      const parsed = answer.schema?.safeParse(await response.clone().json());
      expect([id, parsed?.success, parsed?.error?.issues ?? []]).toEqual([id, true, []]);
      checked.add(id);
    }
    return response;
  };
  const platform: ClientPlatform = {
    fetch: fetchChecked,
    openSocket: (url, protocols) => new WebSocket(url, [...protocols]),
    after(ms, fire) {
      const timer = setTimeout(fire, ms);
      return () => clearTimeout(timer);
    },
    now: () => 0,
    random: () => 0,
    newKey: () => `key-${++keys}`,
  };
  return connectOn(platform, { url: rig.server.url, token: rig.server.tokens.act });
}
let keys = 0;

test("a real server is asked, steered, answered and watched", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const checked = new Set<string>();
  const client = checkedClient(rig, checked);
  expect(await client.health()).toMatchObject({ ok: true });
  expect(await client.projects.list()).toEqual({
    items: [{ project: "demo", folder: "demo", running: 0, needsYou: 0 }],
  });
  const { runs, steps, signal, events } = client.project("demo");
  const plan = {
    name: "words",
    steps: [
      { id: "ok", approve: "Go on?" },
      { id: "no/2", approve: "And this?", optional: true },
      { id: "w", signal: "go", deps: ["ok"] },
      { id: "z", run: "true", deps: ["w"] },
    ],
  };
  writeFileSync(join(rig.dir, "demo", "heddle.json"), JSON.stringify(plan));
  const { run, ...begun } = await runs.start({ maxConcurrency: 2 });
  expect(begun).toEqual({ plan: "words", status: "running" });
  const seen: number[] = [];
  const watched = (async () => {
    for await (const event of events(run)) {
      seen.push(event.seq);
      if (event.type === "run.succeeded") break;
    }
  })();
  await until(async () => (await runs.get(run)).byStatus["needs-approval"] === 2);
  const { items: waiting, ...rest } = await client.attention();
  expect(rest).toEqual({ unreadable: [], isPartial: false });
  expect(waiting).toMatchObject([
    { project: "demo", run, step: "ok", kind: "approval", question: "Go on?", holdsUp: 2, onCriticalPath: true },
    { project: "demo", run, step: "no/2", kind: "approval", holdsUp: 0, onCriticalPath: false },
  ]);
  const stale = { run, seq: 1 };
  await expect(steps.approve(run, "ok", { seen: stale })).rejects.toMatchObject({
    name: "ApiProblem",
    code: "precondition-failed",
    status: 412,
    hint: "Read the run again.",
  });
  expect(await steps.approve(run, "ok", { seen: await runs.get(run), comment: "yes" })).toMatchObject({
    run,
    step: "ok",
  });
  expect((await steps.get(run, "no/2")).step.id).toBe("no/2");
  expect(await runs.pause(run)).toMatchObject({ request: "pause", running: expect.any(Number) });
  await until(async () => (await runs.get(run.slice(0, 8))).status === "paused");
  await runs.unpause(run);
  expect(await runs.setConcurrency(run, 5)).toMatchObject({ request: "concurrency" });
  await until(async () => (await runs.get(run)).maxConcurrency === 5);
  await runs.cancel(run);
  await until(async () => (await runs.get(run)).status === "cancelled");
  await watched;
  expect(await runs.resume(run, { maxConcurrency: 1 })).toEqual({ run });
  await until(async () => (await steps.get(run, "w")).step.signal === "go");
  const later: number[] = [];
  const again = (async () => {
    for await (const event of events(run, { after: seen.length })) later.push(event.seq);
  })();
  expect(await steps.reject(run, "no/2")).toMatchObject({ request: "reject", step: "no/2" });
  expect(await signal(run, "go", { n: 1 })).toMatchObject({ run, request: "signal" });
  await again;
  const view = await runs.get(run);
  expect([view.status, [...seen, ...later]]).toEqual([
    "succeeded",
    Array.from({ length: view.seq }, (_, at) => at + 1),
  ]);
  expect((await runs.get(run, { at: 2 })).seq).toBe(2);
  expect((await steps.list(run, { q: "Z" })).items).toMatchObject([{ id: "z", status: "succeeded" }]);
  const { items, next } = await runs.events(run, { limit: 2 });
  expect([items.map(({ seq }) => seq), next]).toEqual([[1, 2], 2]);
  expect((await runs.list({ limit: 1 })).runs).toMatchObject([{ run, status: "succeeded" }]);
  expect((await runs.batches(run)).length).toBe(3);
  expect((await runs.batch(run, 3)).tasks).toMatchObject([{ id: "z" }]);
  expect(await runs.rollback(run)).toEqual({ run });
  await expect(runs.start({ plan: { steps: [{ id: "a", run: "true", deps: ["b"] }] } })).rejects.toMatchObject({
    code: "plan-invalid",
    diagnostics: [{ code: "UnknownDependency" }],
  });
  expect([...checked].toSorted()).toEqual(
    expect.arrayContaining(["approveStep", "cancelRun", "createTicket", "getRun", "getStep", "listEvents", "startRun"]),
  );
  expect(rig.faults).toEqual([]);
});

test("one key starts one run; a read-only token does not start, and nobody answers at a closed port", async () => {
  const rig = await ServerRig.start();
  const act = connect({ url: rig.server.url, token: rig.server.tokens.act }).project("demo").runs;
  const request = { plan: { steps: [{ id: "a", run: "true" }] } };
  const [one, other] = [await act.start(request, { key: "k" }), await act.start(request, { key: "k" })];
  expect(other).toEqual(one);
  expect((await act.start(request)).run).not.toBe(one.run);
  const read = connect({ url: rig.server.url, token: rig.server.tokens.read }).project("demo").runs;
  await expect(read.start(request)).rejects.toMatchObject({ code: "forbidden", status: 403 });
  await rig[Symbol.asyncDispose]();
  await expect(read.list()).rejects.toMatchObject({ code: "unreachable", status: 0 });
});

test("the package gives one function and one error", () => {
  expect(Object.keys(published).toSorted()).toEqual(["ApiProblem", "connect"]);
});
