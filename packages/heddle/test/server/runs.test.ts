/** Runs over HTTP: started, looked at, steered and answered, with the journal that every other face sees. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Json } from "../../src/base/json.ts";
import { until } from "../support/until.ts";
import { ServerRig, type Answer } from "./rig.ts";

const RUNS = "/api/projects/demo/runs";

function writePlan(rig: ServerRig, plan: Json, file = "heddle.json"): void {
  writeFileSync(join(rig.dir, "demo", file), JSON.stringify(plan));
}

async function started(rig: ServerRig, body: Json = {}): Promise<string> {
  const { status, json, text } = await rig.ask(RUNS, { body });
  expect([status, text]).toEqual([201, expect.any(String)]);
  return String(json["run"]);
}

/** The run's document once it has this status. */
async function once(rig: ServerRig, run: string, status: string): Promise<Answer> {
  let last: Answer | undefined;
  await until(async () => (last = await rig.ask(`${RUNS}/${run}`)).json["status"] === status);
  return last as Answer;
}

test("a plan of the project is run, and its run read back by id, by prefix, by event", async () => {
  await using rig = await ServerRig.start();
  writePlan(rig, {
    name: "two",
    steps: [
      { id: "a", run: "echo hi" },
      { id: "b.1", run: "true", deps: ["a"] },
    ],
  });
  const { status, json, headers } = await rig.ask(RUNS, { body: { maxConcurrency: 2 } });
  expect([status, json["plan"]]).toEqual([201, "two"]);
  const run = String(json["run"]);
  expect(headers["location"]).toBe(`${RUNS}/${run}`);
  const whole = await once(rig, run, "succeeded");
  expect(whole.headers["etag"]).toBe(`"${run}-${String(whole.json["seq"])}"`);
  const short = await rig.ask(`${RUNS}/${run.slice(0, 8)}`);
  expect([short.json["run"], short.headers["content-location"]]).toEqual([run, `${RUNS}/${run}`]);
  const known = await rig.ask(`${RUNS}/${run}`, { headers: { "if-none-match": whole.headers["etag"] ?? "" } });
  expect([known.status, known.text]).toEqual([304, ""]);
  const before = await rig.ask(`${RUNS}/${run}?at=2`);
  expect([before.json["seq"], before.json["status"] === "succeeded"]).toEqual([2, false]);
  const step = await rig.ask(`${RUNS}/${run}/steps/${encodeURIComponent("b.1")}`);
  expect(step.json["step"]).toMatchObject({ id: "b.1", status: "succeeded" });
  const events = await rig.ask(`${RUNS}/${run}/events?limit=2`);
  expect([(events.json["items"] as Json[]).length, events.json["next"]]).toEqual([2, 2]);
  const graph = await rig.ask(`${RUNS}/${run}/graph`);
  expect(graph.json).toMatchObject({ run, steps: ["a", "b.1"], deps: [[], [0]], criticalPath: [0, 1] });
  expect((await rig.ask(`${RUNS}/${run}/graph?at=2`)).json["seq"]).toBe(2);
  const sameGraph = { headers: { "if-none-match": graph.headers["etag"] ?? "" } };
  expect((await rig.ask(`${RUNS}/${run}/graph?format=json`, sameGraph)).status).toBe(304);
  const batches = await rig.ask(`${RUNS}/${run}/batches`);
  expect(batches.json).toMatchObject([
    { batch_number: 1, task_ids: ["a"], status: "completed", completed: 1 },
    { batch_number: 2, task_ids: ["b.1"], failed: 0 },
  ]);
  expect((await rig.ask(`${RUNS}/${run}/batches/2`)).json["tasks"]).toMatchObject([{ id: "b.1" }]);
  expect((await rig.ask(`${RUNS}/${run}/batches/3`)).status).toBe(404);
  expect((await rig.ask(`${RUNS}?limit=1`)).json["runs"]).toMatchObject([{ run, status: "succeeded" }]);
  expect(rig.faults).toEqual([]);
});

describe("what is asked for and is not there, or is not allowed", () => {
  test.each([
    ["/api/projects/other/runs", 404, "unknown-project"],
    [`${RUNS}/nope`, 404, "unknown-run"],
    [`${RUNS}/..`, 404, "not-found"],
    [`${RUNS}/%2e%2e%2f`, 422, "invalid-run-id"],
    [`${RUNS}/a%00`, 422, "invalid-run-id"],
    [`${RUNS}/${"a".repeat(41)}`, 422, "invalid-run-id"],
    [`${RUNS}/A_B`, 422, "invalid-run-id"],
    [`${RUNS}?limit=0`, 422, "invalid-request"],
    [`${RUNS}?limit=201`, 422, "invalid-request"],
    [`${RUNS}?limit=1&limit=2`, 422, "invalid-request"],
    [`${RUNS}?unknown=1`, 422, "invalid-request"],
    [`${RUNS}?limit=${"1".repeat(9000)}`, 414, "url-too-long"],
  ])("GET %s: %i %s", async (path, status, code) => {
    await using rig = await ServerRig.start();
    const answer = await rig.ask(path);
    expect([answer.status, answer.json["code"]]).toEqual([status, code]);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.text).not.toContain(rig.dir);
  });

  test.each<[string, Json, number, string]>([
    ["a plan that is not there", { plan: "gone.yaml" }, 404, "plan-not-found"],
    ["a plan outside", { plan: "../x.yaml" }, 422, "invalid-plan-path"],
    ["an absolute plan", { plan: "/etc/hostname" }, 422, "invalid-plan-path"],
    ["a plan with errors", { plan: { steps: [{ id: "a", run: "true", deps: ["b"] }] } }, 422, "plan-invalid"],
    ["an unknown field", { plann: "x" }, 422, "invalid-request"],
    ["a wrong type", { maxConcurrency: "many" }, 422, "invalid-request"],
    ["a list", [], 422, "invalid-request"],
  ])("%s is not run", async (_, body, status, code) => {
    await using rig = await ServerRig.start();
    const answer = await rig.ask(RUNS, { body });
    expect([answer.status, answer.json["code"]]).toEqual([status, code]);
    expect((await rig.ask(RUNS)).json["runs"]).toEqual([]);
  });

  test("a link that leads out of the project is no plan of it", async () => {
    await using rig = await ServerRig.start();
    const { symlinkSync } = await import("node:fs");
    writeFileSync(join(rig.dir, "outside.json"), JSON.stringify({ steps: [{ id: "a", run: "true" }] }));
    symlinkSync(join(rig.dir, "outside.json"), join(rig.dir, "demo", "in.json"));
    expect((await rig.ask(RUNS, { body: { plan: "in.json" } })).status).toBe(422);
  });
});

test("a plan in the request is run; what is wrong in it is told with its places", async () => {
  await using rig = await ServerRig.start();
  const run = await started(rig, { plan: { name: "inline", steps: [{ id: "a", run: "true" }] } });
  expect((await once(rig, run, "succeeded")).json["plan"]).toBe("inline");
  const { json } = await rig.ask(RUNS, { body: { plan: { steps: [{ id: "a", run: "true", deps: ["b"] }] } } });
  expect(json["diagnostics"]).toMatchObject([{ code: "UnknownDependency" }]);
});

test("a question is answered, with the state that was seen; a signal is sent", async () => {
  await using rig = await ServerRig.start();
  const steps = [
    { id: "ok", approve: "Go on?" },
    { id: "word", signal: "go", deps: ["ok"] },
    { id: "z", run: "true", deps: ["word"] },
  ];
  const run = await started(rig, { plan: { steps } });
  await until(async () => (await rig.ask(`${RUNS}/${run}/steps/ok`)).text.includes("needs-approval"));
  const seen = await rig.ask(`${RUNS}/${run}`);
  const etag = seen.headers["etag"] ?? "";
  const approve = `${RUNS}/${run}/steps/ok/approve`;
  expect((await rig.ask(approve, { body: {}, headers: { "if-match": `"${run}-1"` } })).status).toBe(412);
  for (const wrong of [`"${run}-999999"`, `"0${run}-9"`, "nonsense"])
    expect((await rig.ask(approve, { body: {}, headers: { "if-match": wrong } })).status).toBe(412);
  // What happens to others since is no reason not to answer.
  await rig.ask(`${RUNS}/${run}/concurrency`, { body: { workers: 3 } });
  await until(async () => (await rig.ask(`${RUNS}/${run}`)).json["maxConcurrency"] === 3);
  const yes = await rig.ask(approve, { body: { comment: "fine" }, headers: { "if-match": etag } });
  expect([[200, 202].includes(yes.status), yes.json["step"]]).toEqual([true, "ok"]);
  const again = await rig.ask(approve, { body: {} });
  expect([again.status, again.json["code"]]).toEqual([409, "not-asked"]);
  await until(async () => (await rig.ask(`${RUNS}/${run}/steps/word`)).text.includes('"signal":"go"'));
  expect((await rig.ask(`${RUNS}/${run}/signals/other`, { body: {} })).status).toBe(404);
  const sent = await rig.ask(`${RUNS}/${run}/signals/go`, { body: { value: { n: 1 } } });
  expect([200, 202]).toContain(sent.status);
  await once(rig, run, "succeeded");
  const { json } = await rig.ask(`${RUNS}/${run}/steps/ok`);
  expect(json["step"]).toMatchObject({ status: "succeeded" });
  expect(json["detail"]).toMatchObject({
    kind: "approve",
    holdsUp: 0,
    attempts: [{ kind: "approval", status: "succeeded" }],
  });
});

test("a run is paused, goes on, gets other slots, is cancelled, and is resumed", async () => {
  await using rig = await ServerRig.start();
  const steps = [
    { id: "w", signal: "go" },
    { id: "z", run: "true", deps: ["w"] },
  ];
  const run = await started(rig, { plan: { steps } });
  await until(async () => (await rig.ask(`${RUNS}/${run}/steps/w`)).text.includes('"signal":"go"'));
  const path = `${RUNS}/${run}`;
  expect((await rig.ask(`${path}/pause`, { body: {} })).json).toMatchObject({ request: "pause", running: 0 });
  await once(rig, run, "paused");
  await rig.ask(`${path}/unpause`, { body: {} });
  await until(async () => (await rig.ask(path)).json["status"] !== "paused");
  const set = (workers: Json, headers = {}) => rig.ask(`${path}/concurrency`, { body: { workers }, headers });
  expect((await set(7)).json).toMatchObject({ request: "concurrency", running: 0 });
  await until(async () => (await rig.ask(path)).json["maxConcurrency"] === 7);
  for (const workers of [0, 1.5, "3", null, 1_000_001]) expect((await set(workers)).status).toBe(422);
  expect((await set(2, { "if-match": `"${run}-1"` })).status).toBe(412);
  const [once7, again] = [await set(3, { "idempotency-key": "k" }), await set(3, { "idempotency-key": "k" })];
  expect([once7.status, again.headers["idempotency-replayed"]]).toEqual([202, "true"]);
  expect((await set(4, { "idempotency-key": "k" })).status).toBe(422);
  await rig.ask(`${path}/cancel`, { body: {} });
  await once(rig, run, "cancelled");
  const late = await set(5);
  expect([late.status, late.json["code"]]).toEqual([409, "run-not-live"]);
  expect((await rig.ask(`${path}/pause`, { body: {} })).status).toBe(409);
  expect((await rig.ask(`${path}/resume`, { body: {} })).status).toBe(200);
  await until(async () => (await rig.ask(`${path}/steps/w`)).text.includes('"signal":"go"'));
  await rig.ask(`${path}/signals/go`, { body: {} });
  await once(rig, run, "succeeded");
  expect(rig.faults).toEqual([]);
});

test("steps of a run that has ended run again: those that are named, with what depends on them, and with other values", async () => {
  await using rig = await ServerRig.start();
  const steps = [
    { id: "a", run: "echo a >> count" },
    { id: "b", run: "echo b >> count", deps: ["a"] },
    { id: "c", run: "echo c$V >> count", env: { V: "${{ params.v }}" } },
  ];
  writePlan(rig, { params: { v: { type: "string", default: "1" } }, maxConcurrency: 1, steps });
  const run = await started(rig, {});
  await once(rig, run, "succeeded");
  const retry = (body: Json) => rig.ask(`${RUNS}/${run}/retry`, { body });
  const count = () =>
    readFileSync(join(rig.dir, "demo", "count"), "utf8")
      .trim()
      .split("\n");
  const none = await retry({});
  expect([none.status, none.json["code"]]).toEqual([409, "nothing-to-retry"]);
  for (const body of [{ steps: [] }, { steps: "a" }, { steps: ["a"], downstream: "no" }, { params: [] }])
    expect((await retry(body as Json)).status).toBe(422);
  const unknown = await retry({ steps: ["aa"] });
  expect([unknown.status, unknown.json["code"], unknown.json["hint"]]).toEqual([
    404,
    "unknown-step",
    "Did you mean a?",
  ]);
  const ended = async (lines: readonly string[]) => {
    await until(() => Promise.resolve(count().length === lines.length));
    await once(rig, run, "succeeded");
    expect(count().sort()).toEqual([...lines].sort());
  };
  expect((await retry({ steps: ["a"], downstream: false })).status).toBe(200);
  await ended(["a", "b", "c1", "a"]);
  expect((await retry({ steps: ["a"] })).status).toBe(200);
  await ended(["a", "b", "c1", "a", "a", "b"]);
  const changed = await retry({ steps: ["a"], params: { v: "2" } });
  expect([changed.status, changed.json["code"]]).toEqual([409, "plan-changed"]);
  expect((await retry({ steps: ["b"], params: { v: "2" }, acceptChanges: true })).status).toBe(200);
  await ended(["a", "b", "c1", "a", "a", "b", "b", "c2"]);
  // The values hold for what comes later.
  expect((await retry({ steps: ["c"] })).status).toBe(200);
  await ended(["a", "b", "c1", "a", "a", "b", "b", "c2", "c2"]);
  const wrong = await retry({ steps: ["a"], params: { w: "2" } });
  expect([wrong.status, wrong.json["code"]]).toEqual([422, "plan-invalid"]);
  const inline = await started(rig, { plan: { steps: [{ id: "x", run: "false" }] } });
  await once(rig, inline, "failed");
  const fileless = await rig.ask(`${RUNS}/${inline}/retry`, { body: { params: { v: "2" } } });
  expect([fileless.status, fileless.json["code"]]).toEqual([404, "no-plan-file"]);
  expect(rig.faults).toEqual([]);
});

test("the five endpoints of the parallel-execution API, in their order", async () => {
  await using rig = await ServerRig.start();
  const root = "/api/projects/demo/parallel";
  writePlan(rig, {
    steps: [
      { id: "w", signal: "go" },
      { id: "z", run: "true", deps: ["w"] },
    ],
  });
  expect((await rig.ask(`${root}/status`)).json).toMatchObject({ running: false, agents: [], run: null });
  expect((await rig.ask(`${root}/batches`)).json).toEqual([]);
  expect((await rig.ask(`${root}/cancel`, { body: {} })).status).toBe(404);
  const begun = await rig.ask(`${root}/start?max_concurrency=2`, { body: {} });
  expect([begun.status, begun.json]).toMatchObject([201, { status: "running", total_batches: 2, max_concurrency: 2 }]);
  expect((await rig.ask(`${root}/start`, { body: {} })).status).toBe(409);
  const { json } = await rig.ask(`${root}/status`);
  expect(json).toMatchObject({
    run: begun.json["run"],
    current_batch: 1,
    total_batches: 2,
    max_concurrency: 2,
    cost: null,
  });
  expect((await rig.ask(`${root}/batches`)).json).toMatchObject([{ batch_number: 1 }, { batch_number: 2 }]);
  expect((await rig.ask(`${root}/batches/1`)).json["tasks"]).toMatchObject([{ id: "w" }]);
  expect((await rig.ask(`${root}/batches/0`)).status).toBe(404);
  expect((await rig.ask(`${root}/cancel`, { body: {} })).json).toMatchObject({ cancelled: true, running: 0 });
  await once(rig, String(begun.json["run"]), "cancelled");
});

test("T14: pages of runs have each run once while others are added; filters narrow them", async () => {
  await using rig = await ServerRig.start();
  const run = (name: string, command = "true"): Promise<string> =>
    started(rig, { plan: { name, steps: [{ id: "a", run: command }] } });
  const ids: string[] = [];
  for (const name of ["one", "two", "one"]) ids.push(await run(name));
  ids.push(await run("bad", "false"));
  for (const id of ids.slice(0, 3)) await once(rig, id, "succeeded");
  await once(rig, ids[3] ?? "", "failed");
  const seen: Json[] = [];
  let next: string | undefined = `${RUNS}?limit=2`;
  while (next !== undefined) {
    const page: Answer = await rig.ask(next);
    seen.push(...(page.json["runs"] as { readonly run: string }[]).map((line) => line.run));
    next = /^<(.*)>; rel="next"$/.exec(page.headers["link"] ?? "")?.[1];
    expect([next === undefined, page.json["next"] === undefined]).toEqual(Array(2).fill(next === undefined));
    await run("late");
  }
  expect(seen).toEqual(ids.toReversed());
  const listed = async (query: string): Promise<Json> =>
    ((await rig.ask(`${RUNS}?${query}`)).json["runs"] as { readonly run: string }[]).map((line) => line.run);
  expect(await listed("plan=one")).toEqual([ids[2], ids[0]]);
  expect(await listed("status=failed,cancelled")).toEqual([ids[3]]);
  expect(await listed("status=interrupted")).toEqual([]);
  expect(await listed("q=BAD&status=failed")).toEqual([ids[3]]);
  expect(await listed("until=1000")).toEqual([]);
  for (const query of ["status=nope", "cursor=x", "since=yesterday", "q="])
    expect((await rig.ask(`${RUNS}?${query}`)).status, query).toBe(422);
});

test("events are read from either end", async () => {
  await using rig = await ServerRig.start();
  const run = await started(rig, { plan: { steps: [{ id: "a", run: "true" }] } });
  await once(rig, run, "succeeded");
  const seqs = async (query: string): Promise<readonly [Json, Json | undefined]> => {
    const { json } = await rig.ask(`${RUNS}/${run}/events?${query}`);
    return [(json["items"] as { readonly seq: number }[]).map(({ seq }) => seq), json["next"]];
  };
  const [[all]] = [await seqs("")];
  const last = (all as number[]).length;
  expect(await seqs(`before=${last + 1}&limit=2`)).toEqual([[last - 1, last], last - 1]);
  expect(await seqs(`before=3&limit=2`)).toEqual([[1, 2], undefined]);
  expect(await seqs("after=1&before=4")).toEqual([[2, 3], undefined]);
  expect(await seqs("after=1&limit=1")).toEqual([[2], 2]);
});

test("a log is read by lines and from its end, and searched; what is no log of the run is not read", async () => {
  await using rig = await ServerRig.start();
  const run = await started(rig, {
    plan: { steps: [{ id: "a", run: "seq 1 500; printf 'Fehler: \\033[31mrot\\033[0m'" }] },
  });
  await once(rig, run, "succeeded");
  const log = `${RUNS}/${run}/steps/a/attempts/1/log`;
  expect((await rig.ask(`${log}?from=3&limit=2`)).json).toMatchObject({
    from: 3,
    lines: ["3", "4"],
    next: 5,
    totalLines: 501,
    offset: 4,
    end: 8,
  });
  const quick = (await rig.ask(`${log}?tail=2&quick=true`)).json;
  const end = (await rig.ask(`${log}?tail=2`)).json;
  expect(quick).toEqual(end);
  expect(end).toMatchObject({ from: 500, lines: ["500", expect.stringContaining("Fehler")] });
  expect(end["next"]).toBeUndefined();
  expect((await rig.ask(`${log}/search?q=fehler&case=false`)).json["hits"]).toMatchObject([{ line: 501 }]);
  expect((await rig.ask(`${log}/search?q=%5E49%5Cd%24&regex=true&limit=3`)).json["hits"]).toMatchObject([
    { line: 490, excerpt: "490" },
    { line: 491 },
    { line: 492 },
  ]);
  for (const [path, status] of [
    [`${RUNS}/${run}/steps/a/attempts/2/log`, 404],
    [`${RUNS}/${run}/steps/a/attempts/0/log`, 422],
    [`${RUNS}/${run}/steps/a/attempts/1%2F..%2F..%2Fx/log`, 422],
    [`${RUNS}/${run}/steps/..%2F..%2Fstate/attempts/1/log`, 404],
    [`${log}?from=0`, 422],
    [`${log}/search?q=`, 422],
    [`${log}/search?q=%28&regex=true`, 422],
  ] as const)
    expect([path, (await rig.ask(path)).status]).toEqual([path, status]);
});
