/** TypeScript plans: what the helpers build, and that it passes the validation of files. */
import { describe, expect, test } from "vitest";
import { resolvePlan } from "../../src/graph/compile.ts";
import {
  agent,
  approve,
  command,
  forEach,
  isPlanDefinition,
  parallel,
  plan,
  sequence,
  step,
  type Steps,
  type StepValue,
  subplan,
  when,
} from "../../src/plan/define.ts";
import type { ParamSpec, Plan, StepContext } from "../../src/plan/plan.ts";
import type { StandardSchema } from "../../src/plan/standard-schema.ts";

const context = { item: 5 } as unknown as StepContext;

async function resolved(...steps: readonly Steps[]): ReturnType<typeof resolvePlan> {
  return resolvePlan(plan("feature", { steps }));
}

async function planWith(...steps: readonly Steps[]): Promise<Plan> {
  const result = await resolved(...steps);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value.plan;
}

/** `id: deps` of every step. */
function edges(of: Plan): readonly string[] {
  return of.steps.map(({ id, deps = [] }) => `${id}: ${deps.join(" ")}`.trim());
}

test("the documentation's example", async () => {
  const schema = step("schema", async () => ({ tables: 4 }));
  const ui = agent("ui", { prompt: "Build the UI components" });
  const api = step("api", { deps: { schema }, retry: 2, timeout: "10m" }, async ({ schema: made }) => ({
    endpoints: made.tables * 3,
  }));
  const definition = plan("feature", { steps: [api, ui], maxConcurrency: 4 });
  expect(isPlanDefinition(definition)).toBe(true);
  expect(Object.isFrozen(definition)).toBe(true);
  const result = await resolvePlan(definition);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  const { plan: made, functions, graph } = result.value;
  expect(made).toMatchObject({ name: "feature", maxConcurrency: 4 });
  expect(edges(made)).toStrictEqual(["schema:", "api: schema", "ui:"]);
  expect(made.steps[1]).toMatchObject({
    timeoutMs: 600_000,
    retry: { attempts: 3 },
    action: { kind: "function", needs: { schema: "schema" }, source: expect.stringMatching(/^[0-9a-f]{32}$/) },
  });
  expect(graph.layerCount).toBe(2);
  expect(await functions.get("api")?.run({ schema: { tables: 2 } }, context)).toStrictEqual({ endpoints: 6 });
  expect(JSON.parse(JSON.stringify(made))).toStrictEqual(made);
});

test("the source of a function tells when it changed", async () => {
  const source = async (fn: () => number): Promise<unknown> => (await planWith(step("a", fn))).steps[0]?.action;
  expect(await source(() => 1)).toStrictEqual(await source(() => 1));
  expect(await source(() => 1)).not.toStrictEqual(await source(() => 2));
});

test("sequence and parallel are edges", async () => {
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((id) => command(id, "true")) as [
    Steps,
    Steps,
    Steps,
    Steps,
    Steps,
  ];
  expect(edges(await planWith(sequence(a, parallel(b, sequence(c, d)), e)))).toStrictEqual([
    "a:",
    "b: a",
    "c: a",
    "d: c",
    "e: b d",
  ]);
});

test("a step in two groups is one step with the edges of both", async () => {
  const [a, b, c] = ["a", "b", "c"].map((id) => command(id, "true")) as [Steps, Steps, Steps];
  expect(edges(await planWith(sequence(a, c), sequence(b, c)))).toStrictEqual(["a:", "c: a b", "b:"]);
});

test("when is a condition, on a step or on each of a group", async () => {
  const made = await planWith(
    when("run.id != ''", parallel(command("a", "true"), command("b", "true", { if: "1 == 1" }))),
  );
  expect(made.steps.map((each) => each.if)).toStrictEqual(["run.id != ''", "(run.id != '') && (1 == 1)"]);
});

test("forEach runs its function per item", async () => {
  const list = step("list", () => [1, 2]);
  const each = forEach("each", { items: list, maxConcurrency: 2 }, (item) => item * 10);
  const result = await resolved(each);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  expect(result.value.plan.steps[1]).toMatchObject({
    deps: ["list"],
    reads: ["list"],
    forEach: { items: 'deps["list"].output', maxConcurrency: 2 },
  });
  expect(await result.value.functions.get("each")?.run({}, context)).toBe(50);
});

test("other steps: approve, subplan by file and by value, deps as a list", async () => {
  const inner = plan("inner", { steps: [step("x", () => 1)] });
  const result = await resolved(
    subplan("file", "./other.yaml", { params: { a: 1 } }),
    subplan("value", inner),
    approve("ok", "Ship?", { deps: ["file", "value"], onTimeout: "reject" }),
  );
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  expect(result.value.plan.steps.map((each) => each.action)).toMatchObject([
    { kind: "plan", file: "./other.yaml", params: { a: 1 } },
    { kind: "plan", plan: { name: "inner", steps: [{ id: "x", action: { kind: "function" } }] } },
    { kind: "approve", question: "Ship?", onTimeout: "reject" },
  ]);
  expect([...result.value.functions.keys()]).toStrictEqual(["value/x"]);
});

describe("output schemas", () => {
  const positive: StandardSchema<number, string> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        typeof value === "number" && value > 0
          ? { value: `n${value}` }
          : { issues: [{ message: "not positive", path: ["a", { key: 0 }] }] },
    },
  };

  test("a Standard Schema checks and converts", async () => {
    const result = await resolved(step("a", { output: positive }, () => 4));
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    const check = result.value.functions.get("a")?.check;
    expect(await check?.(4)).toStrictEqual({ value: "n4" });
    expect(await check?.(-4)).toStrictEqual({ problem: "a.0: not positive" });
    expect(result.value.plan.steps[0]?.action).toMatchObject({ schema: true });
  });

  test("a JSON Schema stays data", async () => {
    expect((await planWith(step("a", { output: { type: "number" } }, () => 4))).steps[0]?.output).toStrictEqual({
      type: "number",
    });
  });
});

describe("errors are those of files", () => {
  const codes = async (...steps: readonly Steps[]): Promise<readonly string[]> => {
    const result = await resolved(...steps);
    return result.ok ? [] : result.error.map(({ code, file, line }) => `${code} ${file}:${line}`);
  };

  test("unknown deps, same ids, bad values, no steps", async () => {
    expect(await codes(command("a", "true", { deps: ["b"] }))).toStrictEqual(["UnknownDependency feature:1"]);
    expect(await codes(command("a", "true"), command("a", "false"))).toStrictEqual(["DuplicateStep feature:1"]);
    expect(await codes(command("a b", "true", { timeout: "soon" }))).toStrictEqual([
      "InvalidId feature:1",
      "InvalidDuration feature:1",
    ]);
    expect(await codes()).toStrictEqual(["EmptyPlan feature:1"]);
    expect(await codes(command("a", "true", { deps: ["b"] }), command("b", "true", { deps: ["a"] }))).toStrictEqual([
      "CycleDetected feature:1",
    ]);
  });

  test("what JSON cannot hold", async () => {
    expect(await codes(command("a", "true", { output: { x: 1n } as never }))).toStrictEqual(["InvalidValue feature:1"]);
  });
});

test("a chain of 20,000 steps is collected without recursion", async () => {
  let last: StepValue = command("s0", "true");
  for (let i = 1; i < 20_000; i++) last = command(`s${i}`, "true", { deps: [last] });
  expect((await planWith(last)).steps).toHaveLength(20_000);
});

describe("parameters that a function reads", () => {
  const env = { type: "string", enum: ["staging", "production"] } as const;
  const reader = step(
    "reader",
    { params: { env, n: { type: "number" } } },
    (_, { params }) => `${params.env} ${params.n}`,
  );
  const loaded = (params: Readonly<Record<string, ParamSpec>>) =>
    resolvePlan(plan("feature", { params, steps: [reader] }), { env: "staging", n: 1 });

  test("are those of the plan, and no part of it", async () => {
    const result = await loaded({ env, n: { type: "number" }, other: { type: "json", default: 1 } });
    expect(result.ok && result.value.plan.steps[0]?.action).toEqual({
      kind: "function",
      source: expect.any(String) as string,
    });
    expect(await loaded({ env: { ...env, enum: ["staging"] }, n: { type: "number" } })).toMatchObject({ ok: true });
  });

  test.each<[string, Readonly<Record<string, ParamSpec>>, string, RegExp]>([
    ["that the plan does not declare", { env }, "UnknownParam", /"n", which the plan does not declare/],
    ["of another type", { env, n: { type: "string" } }, "InvalidParam", /"n" as a number, .* as a string/],
    ["with further values", { env: { type: "string" }, n: { type: "number" } }, "InvalidParam", /"env", of which/],
  ])("%s is an error of the plan", async (_, params, code, message) => {
    const result = await loaded(params);
    expect(result.ok ? [] : result.error.filter((one) => one.message.includes("the step reads"))).toMatchObject([
      { code, message: expect.stringMatching(message) as string, hint: expect.any(String) as string },
    ]);
  });

  test("are those of the plan inside a step, where the function is in that", async () => {
    const inner = plan("inner", {
      params: { n: { type: "number" } },
      steps: [step("x", { params: { n: { type: "number" } } }, () => 1)],
    });
    const outer = (params: Readonly<Record<string, ParamSpec>>) =>
      resolvePlan(plan("outer", { params, steps: [subplan("in", inner, { params: { n: 1 } })] }));
    expect(await outer({})).toMatchObject({ ok: true });
    const other = plan("inner", { steps: [step("x", { params: { n: { type: "number" } } }, () => 1)] });
    const result = await resolvePlan(
      plan("outer", { params: { n: { type: "number", default: 1 } }, steps: [subplan("in", other)] }),
    );
    expect(result.ok ? [] : result.error.map(({ code }) => code)).toEqual(["UnknownParam"]);
  });
});
