/** Plans over HTTP: found, shown, validated and simulated, without running anything. */
import { mkdirSync, symlinkSync, writeFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { Json } from "../../src/base/json.ts";
import { ok } from "../../src/base/result.ts";
import type { Call } from "../../src/server/route.ts";
import { PLAN_ROUTES } from "../../src/server/routes/plan-routes.ts";
import type { PlanDocument, PlanFileList, PlanValidation } from "../../src/view/plan-document.ts";
import type { WhatIf } from "../../src/view/what-if.ts";
import { until } from "../support/until.ts";
import { ServerRig, type Answer } from "./rig.ts";

const PLANS = "/api/projects/demo/plans";
let rig: ServerRig;
let dir: string;

/** Six steps of ten seconds side by side, then one. */
const WIDE = {
  name: "wide",
  steps: [
    ...Array.from({ length: 6 }, (_, at) => ({ id: `w${at}`, run: "true", estimate: "10s" })),
    { id: "end", run: "true", estimate: "5s", deps: Array.from({ length: 6 }, (_, at) => `w${at}`) },
  ],
};

beforeAll(async () => {
  rig = await ServerRig.start({ clock: systemClock() });
  dir = join(rig.dir, "demo");
  for (const folder of ["sub/deep", ".hidden", "node_modules/x"]) mkdirSync(join(dir, folder), { recursive: true });
  mkdirSync(join(rig.dir, "outside"));
  writeFileSync(join(rig.dir, "outside", "heddle.yaml"), "steps: [{ id: secret-step, run: 'true' }]\n");
  writeFileSync(join(rig.dir, "outside", "broken.yaml"), "steps: [{ id: a, secret-key: 1 }]\n");
  writeFileSync(join(dir, "inside.yaml"), "steps: [{ id: a, own-key: 1 }]\n");
  writeFileSync(join(dir, "sub", "names.yaml"), "steps: [{ id: a, plan: ../../outside/broken.yaml }]\n");
  symlinkSync(join(rig.dir, "outside"), join(dir, "link"));
  for (const file of ["sub/deep/heddle.yaml", ".hidden/heddle.yaml", "node_modules/x/heddle.yaml"])
    writeFileSync(join(dir, file), "steps: [{ id: a, run: 'true' }]\n");
  writeFileSync(join(dir, "heddle.json"), JSON.stringify(WIDE));
  writeFileSync(
    join(dir, "sub/heddle.ts"),
    `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(join(dir, "ran"))}, "");\n`,
  );
  writeFileSync(join(dir, "broken.yaml"), "steps:\n  - { id: a, run: 'true', deps: [b] }\n");
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

function plan(file: string): Promise<Answer> {
  return rig.ask(`${PLANS}/${encodeURIComponent(file)}`);
}

test("the plan files of a project are found, its own first, and those that runs were started from", async () => {
  const list = async (): Promise<PlanFileList> => (await rig.ask(PLANS)).json as unknown as PlanFileList;
  expect(await list()).toEqual({
    items: [
      { file: "heddle.json", isProgram: false },
      { file: "sub/heddle.ts", isProgram: true },
      { file: "sub/deep/heddle.yaml", isProgram: false },
    ],
    isPartial: false,
  });
  writeFileSync(join(dir, "named.yaml"), "name: named\nsteps: [{ id: a, run: 'true' }]\n");
  const { json } = await rig.ask("/api/projects/demo/runs", { body: { plan: "named.yaml" } });
  await until(async () => (await list()).items.length === 4);
  expect((await list()).items.at(-1)).toMatchObject({
    file: "named.yaml",
    lastRun: { run: json["run"], plan: "named" },
  });
});

test("a plan is shown as it would run", async () => {
  const shown = (await plan("heddle.json")).json as unknown as PlanDocument;
  expect(shown).toMatchObject({ valid: true, diagnostics: [], diagnosticsInAll: 0 });
  expect(shown.plan).toMatchObject({ name: "wide", criticalPathMs: 15_000, maxParallelism: 6, unknownDurations: 0 });
  expect(shown.plan?.steps.at(-1)).toMatchObject({ id: "end", layer: 2 });
  writeFileSync(
    join(dir, "params.yaml"),
    "params:\n  env: { type: string, enum: [a, b] }\n  n: { type: number, default: 2 }\nsteps: [{ id: a, run: 'true' }]\n",
  );
  expect((await plan("params.yaml")).json["params"]).toEqual([
    { name: "env", type: "string", enum: ["a", "b"] },
    { name: "n", type: "number", default: 2 },
  ]);
  const two = (await rig.ask(`${PLANS}/heddle.json?workers=2`)).json as unknown as PlanDocument;
  expect(two.plan).toMatchObject({ workers: 2, expectedMakespanMs: 35_000 });
});

test("one that is not valid is shown with its problems, with line and column", async () => {
  const { status, json } = await plan("broken.yaml");
  expect(status).toBe(200);
  expect(json).toMatchObject({
    valid: false,
    plan: null,
    diagnostics: [{ code: "UnknownDependency", line: 2, column: expect.any(Number), file: "broken.yaml" }],
    diagnosticsInAll: 1,
  });
});

test.each([
  ["sub/heddle.ts", 409, "plan-module-refused"],
  ["gone.yaml", 404, "plan-not-found"],
  ["../outside/heddle.yaml", 422, "invalid-plan-path"],
  ["link/heddle.yaml", 422, "invalid-plan-path"],
  ["/etc/passwd", 422, "invalid-plan-path"],
  ["a\0b", 422, "invalid-plan-path"],
])("the plan %j is not read", async (file, status, code) => {
  const { status: got, json, text } = await plan(file);
  expect([got, json["code"]]).toEqual([status, code]);
  expect(text).not.toContain("secret-step");
});

describe("validation", () => {
  const validated = async (body: Json): Promise<PlanValidation> =>
    (await rig.ask(`${PLANS}/validate`, { body, token: rig.server.tokens.read })).json as unknown as PlanValidation;

  test("of a text, a document, a file, and the project's own, with a token that only reads", async () => {
    expect(await validated({ text: "name: t\nsteps:\n  - { id: a, run: make }\n" })).toEqual({
      valid: true,
      name: "t",
      steps: 1,
      diagnostics: [],
      diagnosticsInAll: 0,
    });
    expect(await validated({ plan: { steps: [{ id: "a", run: "x", deps: ["c"] }] } })).toMatchObject({
      valid: false,
      diagnostics: [{ code: "UnknownDependency", file: "plan.json" }],
    });
    expect(await validated({ plan: "broken.yaml" })).toMatchObject({ valid: false });
    expect(await validated({})).toMatchObject({ valid: true, name: "wide", steps: 7 });
    expect(await validated({ text: "steps: [" })).toMatchObject({
      valid: false,
      diagnostics: [{ code: "InvalidYaml", line: expect.any(Number), column: expect.any(Number) }],
    });
  });

  test("says so many problems and how many there are", async () => {
    const steps = Array.from({ length: 300 }, (_, at) => ({ id: `s${at}`, run: "x", deps: ["nowhere"] }));
    const { diagnostics, diagnosticsInAll } = await validated({ plan: { steps } });
    expect([diagnostics.length, diagnosticsInAll]).toEqual([200, 300]);
  });

  test("of two plans at once, of programs, and of larger bodies than plans may have is refused", async () => {
    const codeOf = async (body: Json): Promise<Json | undefined> =>
      (await rig.ask(`${PLANS}/validate`, { body })).json["code"];
    expect(await codeOf({ text: "steps: []", plan: "heddle.json" })).toBe("usage");
    expect(await codeOf({ plan: "sub/heddle.ts" })).toBe("plan-module-refused");
    expect(await codeOf({ other: 1 })).toBe("invalid-request");
    expect(await codeOf({ text: `# ${"x".repeat(5_000_000)}\nsteps: [{ id: a, run: x }]` })).not.toBe("body-too-large");
    expect(await codeOf({ text: "x".repeat(8 * 1024 * 1024) })).toBe("body-too-large");
  });

  test("reads no file outside of the project through the steps of a plan", async () => {
    for (const file of ["../outside/broken.yaml", "link/broken.yaml"]) {
      const text = `steps: [{ id: s, plan: ${file} }, { id: t, plan: sub/names.yaml }]`;
      expect(await validated({ text })).toMatchObject({ valid: true, diagnostics: [] });
    }
    expect(await validated({ text: "steps: [{ id: s, plan: inside.yaml }]" })).toMatchObject({
      diagnostics: [{ code: "MissingAction" }, { file: "inside.yaml", message: expect.stringContaining("own-key") }],
    });
  });
});

describe("simulation (B10)", () => {
  const simulated = async (body: Json): Promise<WhatIf> => {
    const { status, json, text } = await rig.ask(`${PLANS}/simulate`, { body, token: rig.server.tokens.read });
    expect([status, text.slice(0, 300)]).toEqual([200, expect.any(String)]);
    return json as unknown as WhatIf;
  };

  test("of other numbers of workers says what binds, and from where on more gain nothing", async () => {
    const { points, knee, criticalPathMs } = await simulated({ workers: [8, 1, 6, 3, 3] });
    expect(points.map(({ workers, makespanMs, binds }) => [workers, makespanMs, binds.kind])).toEqual([
      [1, 65_000, "slot"],
      [3, 25_000, "slot"],
      [6, 15_000, "path"],
      [8, 15_000, "path"],
    ]);
    expect(points.map(({ utilisation }) => utilisation)).toEqual([1, 0.867, 0.722, 0.542]);
    expect(points[1]?.path).toEqual([expect.stringMatching(/^w/), expect.stringMatching(/^w/), "end"]);
    expect([knee, criticalPathMs]).toEqual([{ workers: 6, makespanMs: 15_000 }, 15_000]);
    expect((await simulated({})).points.length).toBe(12);
  });

  test("takes given durations before recorded ones, and names the pool or lock that binds", async () => {
    expect((await simulated({ workers: [64], durations: { end: 60_000 } })).points[0]?.makespanMs).toBe(70_000);
    const pooled = { resources: { gpu: 1 }, steps: WIDE.steps.map((step) => ({ ...step, resources: { gpu: 1 } })) };
    expect((await simulated({ plan: pooled, workers: [4] })).points).toMatchObject([
      { makespanMs: 65_000, binds: { kind: "pool", name: "gpu", ms: 65_000 } },
    ]);
  });

  test("of a run is of what is left of it", async () => {
    const steps = [
      { id: "done", run: "true", estimate: "50s" },
      { id: "ask", approve: "Go on?", deps: ["done"] },
      { id: "x", run: "true", estimate: "20s", deps: ["ask"] },
      { id: "y", run: "true", estimate: "30s", deps: ["ask"] },
    ];
    const started = await rig.ask("/api/projects/demo/runs", { body: { plan: { name: "rest", steps } } });
    const run = String(started.json["run"]);
    await until(async () => {
      const { byStatus } = (await rig.ask(`/api/projects/demo/runs/${run}`)).json as {
        byStatus: Record<string, number>;
      };
      return byStatus["needs-approval"] === 1;
    });
    const { points, steps: left } = await simulated({ run: run.slice(0, 8), workers: [1, 2] });
    expect([left, points.map(({ makespanMs }) => makespanMs)]).toEqual([3, [50_000, 30_000]]);
    const forecast = await rig.ask(`/api/projects/demo/runs/${run}/forecast`);
    const { bars, now, endsAt } = forecast.json as unknown as {
      bars: { step: string; startsAt: number; endsAt: number }[];
      now: number;
      endsAt: number;
    };
    const y = bars.find(({ step }) => step === "y");
    expect([y?.startsAt, y?.endsAt].map((time) => (time ?? 0) - now)).toEqual([0, 30_000]);
    expect(endsAt).toBeGreaterThanOrEqual(now + 30_000);
    await rig.ask(`/api/projects/demo/runs/${run}/cancel`, { body: {} });
  });

  test.each<Json>([
    { workers: [] },
    { workers: [0] },
    { workers: [65] },
    { workers: [1.5] },
    { workers: Array<number>(65).fill(1) },
    { durations: { a: -1 } },
    { run: "x", plan: "heddle.json" },
    { run: "UPPER" },
  ])("of %j is refused", async (body) => {
    expect([404, 422]).toContain((await rig.ask(`${PLANS}/simulate`, { body })).status);
  });

  test("is given up when the client goes away", async () => {
    const route = PLAN_ROUTES.find(({ operation }) => operation.id === "simulatePlan");
    const { signal } = new AbortController();
    const given: unknown[] = [];
    const look = async (...args: readonly unknown[]): Promise<unknown> => ok(given.push(...args));
    const world = { projects: { get: async () => ({ runs: {}, plans: { look } }) } };
    const call = { world, params: {}, body: {}, signal } as unknown as Call<never, never>;
    expect(await route?.handle(call)).toMatchObject({ status: 200 });
    expect(given).toEqual(["simulate", { asked: {} }, signal]);
  });
});

test("on the way no program was run, and the server met no fault", () => {
  expect([existsSync(join(dir, "ran")), rig.faults]).toEqual([false, []]);
});
