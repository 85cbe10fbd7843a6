/** A run looked at over HTTP: at any event, over time, as a whole, and beside another; what agents used; which projects there are. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { Json } from "../../src/base/json.ts";
import { SECURITY_HEADERS } from "../../src/server/app.ts";
import type { RunComparison } from "../../src/view/compare.ts";
import { patchedRun } from "../../src/view/live-run.ts";
import type { HistoryMarks } from "../../src/view/marks.ts";
import type { LiveRunAt, ReplayPatch } from "../../src/view/run-replay.ts";
import type { TimelinePage } from "../../src/view/timeline-view.ts";
import { until } from "../support/until.ts";
import { ServerRig, type Answer } from "./rig.ts";

const RUNS = "/api/projects/demo/runs";
const steps = (last: string): Json => [
  { id: "a", run: "true" },
  { id: "b", run: "echo bad; exit 3", retry: { attempts: 2, delay: "1ms" }, deps: ["a"], optional: true },
  { id: "c", run: last, deps: ["a"] },
  { id: "d", approve: "Ship it?", deps: ["c"] },
];

let rig: ServerRig;
/** One of which is asked, and one like it that ended, with another `c`. */
let waiting: string;
let ended: string;

beforeAll(async () => {
  rig = await ServerRig.start({ clock: systemClock(), projects: ["demo", "other"] });
  waiting = await started({ name: "look", steps: steps("true") });
  ended = await started({ name: "look", steps: steps("echo other") });
  for (const run of [waiting, ended]) await asks(run);
  await rig.ask(`${RUNS}/${ended}/steps/d/approve`, { body: {} });
  await until(async () => (await rig.ask(`${RUNS}/${ended}?fields=status`)).json["status"] === "succeeded");
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

async function started(plan: Json): Promise<string> {
  return String((await rig.ask(RUNS, { body: { plan } })).json["run"]);
}

async function asks(run: string): Promise<void> {
  await until(async () => {
    const { byStatus } = (await rig.ask(`${RUNS}/${run}?fields=byStatus`)).json as { byStatus: Record<string, number> };
    return byStatus["needs-approval"] === 1 && byStatus["failed"] === 1;
  });
}

async function get<T>(path: string): Promise<T> {
  const { status, json } = await rig.ask(`${RUNS}/${path}`);
  expect(status).toBe(200);
  return json as unknown as T;
}

test("a run is shown as it was at any event, and patches lead from each to each, forwards and backwards (B7)", async () => {
  const { seq } = await get<{ seq: number }>(`${ended}?fields=seq`);
  const whole = await Promise.all(Array.from({ length: seq }, (_, at) => get<LiveRunAt>(`${ended}/live?at=${at + 1}`)));
  expect(whole.map((run) => run.seq)).toEqual(whole.map((_, at) => at + 1));
  expect(whole[0]?.steps.map(({ status }) => status)).toEqual(Array<string>(4).fill("waiting"));
  expect(whole.at(-1)?.steps.map(({ status }) => status)).toEqual(["succeeded", "failed", "succeeded", "succeeded"]);
  for (const [from, to] of [
    [1, seq],
    [seq, 1],
    [4, 9],
    [9, 3],
    [5, 5],
  ] as const) {
    const patch = await get<ReplayPatch>(`${ended}/live/patch?from=${from}&to=${to}`);
    const { time, ...after } = whole[to - 1] as LiveRunAt;
    expect(patch.time).toBe(time);
    const { time: _time, ...before } = whole[from - 1] as LiveRunAt;
    expect(patchedRun(before, patch)).toEqual(after);
  }
});

test.each([
  "live",
  "live?at=0",
  "live?at=9999",
  "live?at=x",
  "live?at=1&at=2",
  "live/patch?from=1",
  "live/patch?from=1&to=9999",
  "timeline?at=9999",
  "timeline?limit=0",
  "timeline?cursor=-1",
  "graph?format=svg",
  "history",
  "history?canonical=false",
  "report?format=pdf",
  "compare/..%2F..",
  "compare/zzzzzzzz",
])("GET %s is refused", async (path) => {
  expect([404, 422]).toContain((await rig.ask(`${RUNS}/${ended}/${path}`)).status);
});

test("marks say where to look", async () => {
  const { items, times, seq } = await get<HistoryMarks>(`${ended}/marks`);
  expect(items.map(({ kind, step }) => `${kind} ${step ?? ""}`).toSorted()).toEqual(
    ["end ", "failure b", "question d", "retry b"].toSorted(),
  );
  expect([times[0]?.[0], times.at(-1)?.[0]]).toEqual([1, seq]);
});

test("the timeline has each attempt as a bar, in pages, whole or those that may have changed", async () => {
  const { bars, total, criticalPath } = await get<TimelinePage>(`${waiting}/timeline`);
  expect(bars.map(({ step, attempt, status }) => `${step} ${attempt} ${status}`).toSorted()).toEqual([
    "a 1 succeeded",
    "b 1 failed",
    "b 2 failed",
    "c 1 succeeded",
    "d 1 running",
  ]);
  expect(total).toBe(5);
  expect(criticalPath[0]).toBe("a");
  expect(bars.find(({ step, attempt }) => step === "b" && attempt === 2)).toMatchObject({
    kind: "attempt",
    note: expect.stringContaining("3"),
    blockedBy: "retry-delay",
  });
  const first = await rig.ask(`${RUNS}/${waiting}/timeline?limit=3`);
  expect(first.headers["link"]).toBe(`<${RUNS}/${waiting}/timeline?limit=3&cursor=3>; rel="next"`);
  const second = await get<TimelinePage>(`${waiting}/timeline?limit=3&cursor=3`);
  expect([...((first.json["bars"] as Json[]) ?? []), ...second.bars]).toEqual(bars);
  expect(second.next).toBeUndefined();
  const late = await get<TimelinePage>(`${waiting}/timeline?since=${Number.MAX_SAFE_INTEGER}`);
  expect(late.bars.map(({ step }) => step)).toEqual(["d"]);
  expect((await get<TimelinePage>(`${waiting}/timeline?at=2`)).bars).toEqual([]);
  const again = await rig.ask(`${RUNS}/${waiting}/timeline`, {
    headers: { "if-none-match": first.headers["etag"] ?? "" },
  });
  expect(again.status).toBe(304);
});

test("the graph is drawn for other programs", async () => {
  expect((await rig.ask(`${RUNS}/${ended}/graph?format=mermaid`)).text).toMatch(/^flowchart TD\n[^]*s0 --> s1/);
  expect((await rig.ask(`${RUNS}/${ended}/graph?format=dot`)).text).toMatch(/^digraph "look" \{/);
});

function expectFile({ status, headers }: Answer, type: string, name: string): void {
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe(`${type}; charset=utf-8`);
  expect(headers["content-disposition"]).toBe(`attachment; filename="${name}"`);
  expect(headers["content-security-policy"]).toBe(`${SECURITY_HEADERS["content-security-policy"]}; sandbox`);
}

test("reports are figures, a page to be kept that a browser gives no rights, and XML", async () => {
  expect(await get(`${ended}/report`)).toMatchObject({ run: ended, attempts: 4, status: "succeeded" });
  const page = await rig.ask(`${RUNS}/${ended}/report?format=html`);
  expectFile(page, "text/html", `heddle-${ended}.html`);
  expect(page.text).toMatch(/^<!doctype html>[^]*<\/html>\n$/);
  const xml = await rig.ask(`${RUNS}/${ended}/report?format=junit`);
  expectFile(xml, "application/xml", `heddle-${ended}.xml`);
  expect(xml.text).toMatch(/<testsuite [^]*<testcase classname="look" name="b"/);
  expect((await get<{ traceEvents: Json[] }>(`${ended}/trace`)).traceEvents.length).toBeGreaterThan(5);
});

test("the canonical history is the same for runs that ended the same way", async () => {
  const like = await started({ name: "look", steps: steps("true") });
  await asks(like);
  const of = async (run: string): Promise<string> =>
    (await rig.ask(`${RUNS}/${run}/history?canonical=true&format=lines`)).text;
  expect(await of(like)).toBe(await of(waiting));
  expect(await of(like)).not.toBe(await of(ended));
  const { items } = await get<{ items: readonly Json[] }>(`${like}/history?canonical=true`);
  expect(items.length).toBe((await of(like)).trimEnd().split("\n").length);
  // It is cancelled some time after the answer to the request; the list of projects counts its question until then.
  await rig.ask(`${RUNS}/${like}/cancel`, { body: {} });
  await until(async () => (await rig.ask(`${RUNS}/${like}?fields=status`)).json["status"] === "cancelled");
});

test("two runs are compared step by step, and the first step that differs is named (B11)", async () => {
  const compared = await get<RunComparison>(`${waiting}/compare/${ended}`);
  expect([compared.a.run, compared.b.run]).toEqual([waiting, ended]);
  expect(compared.counts).toEqual({ same: 3, changed: 1, onlyInA: 0, onlyInB: 0, otherStatus: 1 });
  expect(compared.first).toEqual({
    step: "c",
    sentence: "c is the first step that differs: its definition changed (action), succeeded in both.",
  });
  const page = await rig.ask(`${RUNS}/${waiting}/compare/${ended}?limit=3`);
  expect(page.headers["link"]).toContain("cursor=3");
  const self = await get<RunComparison>(`${ended}/compare/${ended}`);
  expect(self.first.sentence).toBe("All 4 steps are defined alike and ended alike.");
});

test("costs that no agent told are unknown, and there are none without agents", async () => {
  const { status, json } = await rig.ask("/api/projects/demo/costs");
  expect([status, json]).toEqual([
    200,
    {
      total: { turns: 0, cost: null, turnsWithoutCost: 0, tokens: {}, turnsWithoutTokens: 0 },
      byRun: [],
      byStep: [],
      byModel: [],
      byDay: [],
      runs: expect.any(Number),
      isPartial: false,
      unreadable: [],
    },
  ]);
  expect((await rig.ask(`/api/projects/demo/costs?run=${ended}`)).json["runs"]).toBe(1);
  expect((await rig.ask("/api/projects/demo/costs?run=zzzz")).status).toBe(404);
});

test("the projects are listed with how much goes on in them, and without where they are", async () => {
  writeFileSync(join(rig.dir, "other", ".heddle"), "in the way");
  const { json, text } = await rig.ask("/api/projects");
  expect(json["items"]).toMatchObject([
    { project: "demo", folder: "demo", needsYou: 1 },
    { project: "other", folder: "other", running: 0, needsYou: 0, problem: expect.stringContaining("other/.heddle") },
  ]);
  expect(text).not.toContain(rig.dir);
});

test("on the way the server met no fault", () => {
  expect(rig.faults).toEqual([]);
});
