/**
 * What a TypeScript plan can say is what a file can say: every key of the schemas, for every kind of step, comes to the same
 * plan, or to the same errors, from both.
 */
import { describe, expect, test } from "vitest";
import { resolvePlan } from "../../src/graph/compile.ts";
import {
  agent,
  approve,
  command,
  forEach,
  plan,
  type PlanOptions,
  signal,
  sleep,
  step,
  type StepValue,
  subplan,
} from "../../src/plan/define.ts";
import type { WrittenAgent, WrittenPlan, WrittenStep } from "../../src/plan/document.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";
import { AGENT_SHAPES } from "../../src/plan/schema/agents.ts";
import { OTHER_NAMES, SHAPES } from "../../src/plan/schema/plan.ts";
import { diagnosticsOf, planOf } from "./helpers.ts";

type StepKey = Exclude<keyof WrittenStep, "id" | "function">;

/** A value of each key that no default gives. Those of actions are the kind's own. */
const STEP_VALUES: {
  readonly [
    K in Exclude<StepKey, "run" | "call" | "agent" | "approve" | "plan" | "sleep" | "signal" | "with">
  ]: Required<WrittenStep>[K];
} = {
  description: "d",
  acceptance: ["c"],
  onTimeout: "approve",
  params: { p: 1 },
  deps: ["before"],
  after: ["before"],
  if: "run.id != ''",
  forEach: [1, 2],
  maxConcurrency: 2,
  group: "g",
  isolate: true,
  always: true,
  inputs: ["i"],
  outputs: ["o"],
  writes: ["w"],
  undo: "u",
  estimate: "3s",
  output: { type: "object" },
  labels: ["l"],
  env: { A: "a", N: 1, B: true },
  envMode: "strict",
  passEnv: ["P"],
  secrets: ["S"],
  cwd: "c",
  shell: "bash",
  cache: true,
  timeout: "1m",
  totalTimeout: 90,
  grace: "1s",
  retry: { attempts: 3, delay: "2s", factor: 3, maxDelay: "1m", jitter: 0, on: ["exit"] },
  resources: { pool: 1 },
  locks: { read: ["r"], write: ["w"] },
  limits: { maxMemoryMb: 5 },
  runsOn: "gpu",
  optional: true,
  onInterrupt: "ask",
  verify: "v",
  priority: 7,
};
const AGENT_VALUES: { readonly [K in keyof WrittenAgent]-?: WrittenAgent[K] } = {
  prompt: "other",
  use: "codex",
  expect: { files: ["f"] },
  model: "large",
  permissions: { rules: [{ deny: "edit", path: "x/**" }], preset: "ask" },
  sandbox: "require",
  home: "h",
  writable: ["w"],
  limits: { start: "1s", idle: "2s", toolIdle: 3, ask: "4s", wait: "5s", verify: "6s" },
  onConflict: ["human"],
  tries: 5,
};
const PLAN_VALUES: { readonly [K in Exclude<keyof WrittenPlan, "name">]-?: WrittenPlan[K] } = {
  description: "d",
  params: { p: { type: "string", enum: ["a"], default: "a", description: "p" } },
  maxConcurrency: 2,
  maxAgents: 2,
  schedule: "layers",
  failure: "continue",
  rollback: "all",
  timeout: "1h",
  grace: "1s",
  resources: { other: 1 },
  limits: { maxMemoryMb: 1, maxCpuPercent: 2 },
  budget: { usd: 1, onReached: "stop" },
  agents: { default: "codex", verify: "v", use: { mine: { command: "x" } } },
  notify: [{ url: "https://example.com/", secret: "S", on: ["failed"], format: "slack", allowPrivate: true }],
  defaults: { timeout: "2m", env: { D: "d" } },
};

/** Kinds of steps: as a file has them, and as a helper makes them. */
const KINDS: readonly {
  readonly name: string;
  readonly written: WrittenStep;
  readonly make: (options: never) => StepValue;
}[] = [
  { name: "command", written: { run: "x" }, make: (options) => command("s", "x", options) },
  {
    name: "agent",
    written: { agent: { prompt: "p" } },
    make: (options) => agent("s", { prompt: "p", ...(options as object) }),
  },
  { name: "approve", written: { approve: "q" }, make: (options) => approve("s", "q", options) },
  { name: "sleep", written: { sleep: "2h" }, make: (options) => sleep("s", "2h", options) },
  { name: "signal", written: { signal: "paid" }, make: (options) => signal("s", "paid", options) },
  { name: "subplan", written: { plan: "./p.yaml" }, make: (options) => subplan("s", "./p.yaml", options) },
];

const BEFORE = command("before", "true");
const RESOURCES = { pool: 1 };

interface Came {
  readonly step?: Step;
  readonly errors: readonly string[];
}

async function fromFile(written: object): Promise<Came> {
  const text = JSON.stringify({
    resources: RESOURCES,
    steps: [
      { id: "before", run: "true" },
      { id: "s", ...written },
    ],
  });
  const errors = (await diagnosticsOf(text, { format: "json" })).map(({ message }) => message);
  return errors.length > 0 ? { errors } : { errors, step: (await planOf(text, { format: "json" })).steps[1] as Step };
}

async function fromCode(made: StepValue): Promise<Came> {
  const resolved = await resolvePlan(plan("plan", { resources: RESOURCES, steps: [BEFORE, made] }));
  if (!resolved.ok) return { errors: resolved.error.map(({ message }) => message) };
  return { errors: [], step: resolved.value.plan.steps.find(({ id }) => id === "s") as Step };
}

test("the table has every key of the schemas", () => {
  const actions = ["id", "run", "call", "with", "agent", "approve", "plan", "sleep", "signal"];
  const known = [...actions, ...Object.keys(STEP_VALUES), ...Object.keys(OTHER_NAMES)];
  expect(known.toSorted()).toStrictEqual(Object.keys(SHAPES.step).toSorted());
  expect(Object.keys(AGENT_VALUES).toSorted()).toStrictEqual(Object.keys(AGENT_SHAPES.step).toSorted());
  expect(["name", ...Object.keys(PLAN_VALUES)].toSorted()).toStrictEqual(Object.keys(SHAPES.plan).toSorted());
});

describe.each(KINDS)("$name", ({ written, make }) => {
  test.each(Object.entries(STEP_VALUES))("%s", async (key, value) => {
    // Its list comes with it: alone it has no meaning.
    const options = key === "maxConcurrency" ? { forEach: [1], [key]: value } : { [key]: value };
    const file = await fromFile({ ...written, ...options });
    expect(await fromCode(make(options as never))).toStrictEqual(file);
    // What is accepted is seen in the plan.
    if (file.errors.length === 0) expect(file.step).not.toStrictEqual((await fromFile(written)).step);
  });

  test("all that it may have at once", async () => {
    const accepted: [string, unknown][] = [];
    for (const [key, value] of Object.entries(STEP_VALUES))
      if (key === "maxConcurrency" || (await fromFile({ ...written, [key]: value })).errors.length === 0)
        accepted.push([key, value]);
    const options = Object.fromEntries(accepted);
    const file = await fromFile({ ...written, ...options });
    expect(file.errors).toStrictEqual([]);
    expect(await fromCode(make(options as never))).toStrictEqual(file);
  });
});

describe("agent", () => {
  test.each(Object.entries(AGENT_VALUES))("%s", async (key, value) => {
    const file = await fromFile({ agent: { prompt: "p", [key]: value } });
    expect(file.errors).toStrictEqual([]);
    expect(file.step).not.toStrictEqual((await fromFile({ agent: "p" })).step);
    expect(await fromCode(agent("s", { prompt: "p", [key]: value }))).toStrictEqual(file);
  });

  test("limits of the step and of its agent are one option", async () => {
    const { limits } = AGENT_VALUES;
    const file = await fromFile({ agent: { ...AGENT_VALUES }, limits: { maxMemoryMb: 5 } });
    expect(await fromCode(agent("s", { ...AGENT_VALUES, limits: { maxMemoryMb: 5, ...limits } }))).toStrictEqual(file);
    expect(file.step?.limits).toStrictEqual({ maxMemoryMb: 5 });
  });

  test("without a prompt its description is one", async () => {
    const file = await fromFile({ description: "Do it", acceptance: ["done"] });
    expect(await fromCode(agent("s", { description: "Do it", acceptance: ["done"] }))).toStrictEqual(file);
    expect((await fromCode(agent("s", {}))).errors).toHaveLength(1);
  });

  test("a key that is none is an error, wherever it was meant to be", async () => {
    const { errors } = await fromCode(agent("s", { prompt: "p", modle: "x" } as never));
    expect(errors).toStrictEqual(['unknown key "modle" in a step']);
  });
});

/** What acts on the commands of a step: a function has them only beside it. */
const OF_COMMANDS: readonly string[] = ["env", "envMode", "cwd", "shell", "limits"];

/** A function has no place in a file: all but its action is compared with a command's. */
describe("step", () => {
  test.each(Object.entries(STEP_VALUES).filter(([key]) => !["forEach", "maxConcurrency", "isolate"].includes(key)))(
    "%s",
    async (key, value) => {
      const options = { ...(OF_COMMANDS.includes(key) && { undo: "u" }), [key]: value };
      const { action: _, ...file } = (await fromFile({ run: "x", ...options })).step ?? {};
      const { action: _action, ...code } = (await fromCode(step("s", options as never, () => 1))).step ?? {};
      expect(code).toStrictEqual(file);
    },
  );

  test("a list, and how many of its items at once, are those of forEach", async () => {
    const made = forEach("s", { items: [1, 2], maxConcurrency: 2, isolate: true }, (item) => item);
    expect((await fromCode(made)).step).toMatchObject({
      forEach: { items: [1, 2], maxConcurrency: 2 },
      isolate: true,
    });
  });
});

test("the items of a step that is data may be another step's output", async () => {
  const list = step("list", () => ["a", "b"]);
  const each = command("s", "echo $ITEM", { forEach: list, maxConcurrency: 1 });
  expect((await fromCode(each)).step).toMatchObject({
    deps: ["list"],
    reads: ["list"],
    forEach: { items: 'deps["list"].output', maxConcurrency: 1 },
  });
});

describe("plan", () => {
  test.each(Object.entries(PLAN_VALUES))("%s", async (key, value) => {
    const text = JSON.stringify({ name: "p", [key]: value, steps: [{ id: "before", run: "true" }] });
    const file: Plan = await planOf(text, { format: "json" });
    const resolved = await resolvePlan(plan("p", { [key]: value, steps: [BEFORE] } as PlanOptions));
    if (!resolved.ok) throw new Error(resolved.error[0]?.message);
    expect(resolved.value.plan).toStrictEqual(file);
    expect(file).not.toStrictEqual(
      await planOf(JSON.stringify({ name: "p", steps: [{ id: "before", run: "true" }] }), { format: "json" }),
    );
  });
});
