/**
 * The key table, cell by cell: what is refused is refused at its place with what to do instead; what applies, or is handed
 * down, shows its effect in a run.
 */
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
// The engine loads them with the first expression: here they are loaded already.
import "../../src/plan/expression/cel.ts";
import { type KeyCell, STEP_KEYS, type StepKey, type StepKind } from "../../src/plan/step-keys.ts";
import { viewPlan } from "../../src/project/view-plan.ts";
import { compilePlan } from "../../src/graph/compile.ts";
import { NO_FUNCTIONS } from "../../src/plan/plan.ts";
import { DryRun } from "../support/dry-run.ts";
import { type BenchOptions, type Script, type Seen, seeRun } from "./key-bench.ts";
import { diagnosticsOf, planOf } from "./helpers.ts";

const KINDS = ["run", "call", "agent", "approve", "plan", "sleep", "signal"] as const satisfies readonly StepKind[];
const ACTIONS: Readonly<Record<StepKind, JsonObject>> = {
  run: { run: "work" },
  call: { call: "./m.ts#f" },
  agent: { agent: "work" },
  approve: { approve: "Well?" },
  plan: { plan: { steps: [{ id: "in", run: "inner work" }] } },
  sleep: { sleep: "10s" },
  signal: { signal: "go" },
};

/** A value of each key that any kind could have. */
const VALUES: Readonly<Record<StepKey, unknown>> = {
  description: "what it does",
  acceptance: ["it is done"],
  labels: ["slow"],
  deps: ["other"],
  after: ["other"],
  if: "run.id != ''",
  forEach: [1, 2],
  maxConcurrency: 1,
  group: "g",
  estimate: "1h",
  optional: true,
  undo: "undo it",
  always: true,
  timeout: "1s",
  totalTimeout: "1s",
  grace: "7s",
  retry: { attempts: 2, delay: "1s" },
  verify: "check it",
  runsOn: ["gpu"],
  onInterrupt: "fail",
  priority: 5,
  inputs: ["a/**"],
  outputs: ["b/**"],
  cache: true,
  writes: ["c/**"],
  resources: { pool: 1 },
  locks: { write: ["lock"] },
  output: { type: "number" },
  limits: { maxMemoryMb: 64 },
  env: { A: "b" },
  envMode: "strict",
  passEnv: ["HOME"],
  secrets: ["TOKEN"],
  cwd: "folder",
  shell: "zsh",
  isolate: true,
  with: { x: 1 },
  params: { x: 1 },
  onTimeout: "approve",
};

const cellOf = (key: StepKey, kind: StepKind): KeyCell => STEP_KEYS[key][kind];
const CELLS = (Object.keys(STEP_KEYS) as StepKey[]).flatMap((key) => KINDS.map((kind) => ({ key, kind })));

/** The step `s` of the kind, with these keys, and what else it needs beside them. */
function stepWith(kind: StepKind, keys: JsonObject, more: JsonObject = {}): JsonObject {
  return { id: "s", ...ACTIONS[kind], ...keys, ...more };
}

describe("refused", () => {
  const refusals = CELLS.filter(({ key, kind }) => ["refused", "beside"].includes(cellOf(key, kind).is));
  test.each(refusals)("$key beside $kind", async ({ key, kind }) => {
    const cell = cellOf(key, kind);
    const text = [
      "resources: { pool: 1 }",
      "steps:",
      "  - id: other",
      "    run: x",
      "  - id: s",
      ...Object.entries(ACTIONS[kind]).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`),
      `    ${key}: ${JSON.stringify(VALUES[key])}`,
    ].join("\n");
    const hint = cell.is === "refused" || cell.is === "beside" ? cell.hint : "";
    expect(await diagnosticsOf(text)).toMatchObject([{ code: "MisplacedKey", line: 7, column: 5, hint }]);
    expect(hint.length).toBeGreaterThan(10);
    for (const other of cell.is === "beside" ? cell.keys : []) {
      const beside = `${text}\n    ${other}: ${JSON.stringify(VALUES[other])}`;
      expect(
        (await diagnosticsOf(beside)).filter(({ line }) => line === 7),
        other,
      ).toEqual([]);
    }
    // From the defaults it does not come to such a step.
    const [step] = (await planOf(`defaults: {}\nsteps: [${JSON.stringify(stepWith(kind, {}))}]`)).steps;
    expect(step).toBeDefined();
  });
});

type Witness = (kind: StepKind) => Promise<void>;

/** A run of the step and of others, at virtual time. */
function see(kind: StepKind, keys: JsonObject, more: JsonObject = {}, options: BenchOptions = {}): Promise<Seen> {
  const { others = [], top = {} } = more as { others?: readonly JsonObject[]; top?: JsonObject };
  const cell = cellOf(Object.keys(keys)[0] as StepKey, kind);
  const companion = cell.is === "beside" ? cell.keys.find((key) => key === "undo" || key === "verify") : undefined;
  const brought = companion === undefined ? {} : { [companion]: VALUES[companion] as string };
  const rollback = companion === "undo" ? { rollback: "all" } : {};
  const after: readonly JsonObject[] = companion === "undo" ? [{ id: "bad", deps: ["s"], run: "x" }] : [];
  const script: Script = { ...(companion === "undo" && { bad: "fail" }), ...options.script };
  return seeRun({ ...rollback, ...top, steps: [stepWith(kind, keys, brought), ...others, ...after] } as JsonObject, {
    ...options,
    script,
  });
}

/** What reached the runner of the step's own work: of a plan that inside it, of a question its undo, of functions with commands these. */
function reached(seen: Seen, kind: StepKind): Readonly<Record<string, unknown>> {
  if (kind === "agent") {
    const { task, env } = seen.jobs[0] ?? {};
    return {
      ...task?.step,
      env,
      graceMs: task?.graceMs,
      shell: task?.shell,
      maxMemoryMb: task?.step.limits?.maxMemoryMb,
    };
  }
  const attempt = seen.attempts.filter(({ step }) => step === (kind === "plan" ? "s/in" : "s")).at(-1);
  const { work } = attempt ?? {};
  return { ...attempt, shell: work?.kind === "run" ? work.shell : undefined };
}

/** The key reaches whoever carries out the step's work. */
const reaches =
  (key: StepKey, wanted: Readonly<Record<string, unknown>>): Witness =>
  async (kind) => {
    const seen = await see(kind, { [key]: VALUES[key] } as JsonObject);
    expect(reached(seen, kind)).toMatchObject(wanted);
  };

/** It is in the plan, for people, for programs that read it, and for what uses it outside of runs. */
const stands =
  (key: StepKey): Witness =>
  async (kind) => {
    const loaded = await compilePlan({
      text: JSON.stringify({ steps: [stepWith(kind, { [key]: VALUES[key] } as JsonObject)] }),
      file: "p.json",
    });
    if (!loaded.ok) throw new Error(loaded.error[0]?.message);
    expect(loaded.value.plan.steps[0]).toMatchObject({ [key]: VALUES[key] });
    expect(viewPlan({ ...loaded.value, functions: NO_FUNCTIONS }, { recorded: new Map() }).steps[0]).toMatchObject({
      id: "s",
    });
  };

const begins = (seen: Seen, id: string): number =>
  seen.events.findIndex(
    (event) =>
      "step" in event && event.step === id && ["step.started", "approval.requested", "timer.set"].includes(event.type),
  );
const ends = (seen: Seen, id: string): number =>
  seen.events.findIndex(
    (event) => "step" in event && event.step === id && /succeeded|failed|cancelled/.test(event.type),
  );

const OTHER: JsonObject = { id: "other", run: "x" };
/** Two of the kind, which may not be at work at the same time. */
async function takesTurns(kind: StepKind, keys: JsonObject, top: JsonObject = {}): Promise<void> {
  const twin = { ...stepWith(kind, keys), id: "t" };
  const takes = { takes: 100 };
  const seen = await see(
    kind,
    keys,
    { others: [twin], top },
    {
      script: { s: takes, t: takes, "s/in": takes, "t/in": takes },
    },
  );
  expect(seen.status).toBe("succeeded");
  expect([ends(seen, "s") < begins(seen, "t"), ends(seen, "t") < begins(seen, "s")]).toContain(true);
}

/** Makes the step of the kind fail; of a wait for a time by a time that is none. */
const FAILURES: Readonly<Record<StepKind, { readonly more: JsonObject; readonly options: BenchOptions }>> = {
  run: { more: {}, options: { script: { s: "fail" } } },
  call: { more: {}, options: { script: { s: "fail" } } },
  agent: { more: {}, options: { script: { s: "fail" } } },
  approve: { more: {}, options: { answer: "reject" } },
  plan: { more: {}, options: { script: { "s/in": "fail" } } },
  sleep: { more: { sleep: "${{ params.never }}" }, options: {} },
  signal: { more: { timeout: "1s" }, options: { signalAfter: 10_000 } },
};

const WITNESSES: Readonly<Record<StepKey, Witness>> = {
  description: stands("description"),
  acceptance: stands("acceptance"),
  labels: stands("labels"),
  group: async (kind) => {
    if (kind === "agent") return takesTurns(kind, { group: "g" });
    return stands("group")(kind);
  },
  async deps(kind) {
    const seen = await see(kind, { deps: ["other"] }, { others: [OTHER] }, { script: { other: { takes: 500 } } });
    expect(begins(seen, "s")).toBeGreaterThan(ends(seen, "other"));
  },
  async after(kind) {
    const more = { others: [OTHER], top: { failure: "continue" } };
    const seen = await see(kind, { after: ["other"] }, more, { script: { other: "fail" } });
    expect(begins(seen, "s")).toBeGreaterThan(ends(seen, "other"));
    expect(seen.phases["s"]).toBe("succeeded");
  },
  async if(kind) {
    const seen = await see(kind, { if: "run.id == 'none'" });
    expect(seen.phases).toEqual({ s: "skipped" });
  },
  async forEach(kind) {
    const seen = await see(kind, { forEach: [1, 2] });
    expect(Object.keys(seen.phases)).toEqual(expect.arrayContaining(["s", "s[0]", "s[1]"]));
  },
  async maxConcurrency(kind) {
    const script = { s: { takes: 100 }, "s/in": { takes: 100 } };
    const most = async (keys: JsonObject): Promise<number> => {
      const seen = await see(kind, { maxConcurrency: 1, forEach: [1, 2], ...keys }, {}, { script, signalAfter: 10 });
      const items = seen.events.filter((event) => "step" in event && /^s\[\d\]$/.test(event.step));
      let open = 0;
      let found = 0;
      for (const { type } of items) {
        if (type === "step.started" || type === "approval.requested") found = Math.max(found, ++open);
        else if (type === "step.succeeded") open--;
      }
      return found;
    };
    expect(await most({})).toBe(1);
    expect(await most({ maxConcurrency: 2 })).toBe(2);
  },
  async estimate(kind) {
    const chains = [
      { id: "a", run: "x" },
      { id: "b", run: "x" },
    ];
    const step = { ...stepWith(kind, { estimate: "1h" }), deps: ["b"] };
    const seen = await seeRun({ maxConcurrency: 1, steps: [...chains, step] });
    expect(begins(seen, "b")).toBeLessThan(begins(seen, "a"));
  },
  async optional(kind) {
    const { more, options } = FAILURES[kind];
    const top = kind === "sleep" ? { params: { never: { type: "string", default: "no time" } } } : {};
    const run = (optional: boolean): Promise<Seen> =>
      seeRun({ ...top, steps: [stepWith(kind, { optional }, more)] }, options);
    expect((await run(false)).status).toBe("failed");
    expect((await run(true)).status).toBe("succeeded");
  },
  async always(kind) {
    const run = (always: boolean): Promise<Seen> =>
      see(kind, { always, after: ["other"] }, { others: [OTHER] }, { script: { other: "fail" } });
    expect((await run(true)).phases["s"]).toBe("succeeded");
    expect((await run(false)).phases["s"]).toBe("waiting");
  },
  async undo(kind) {
    const others = [{ id: "bad", deps: ["s"], run: "x" }];
    const seen = await see(
      kind,
      { undo: "undo it" },
      { others, top: { rollback: "all" } },
      { script: { bad: "fail" } },
    );
    expect(seen.attempts.map(({ step, work }) => [step, work])).toContainEqual([
      "s",
      expect.objectContaining({ command: "undo it" }),
    ]);
  },
  async timeout(kind) {
    const script = { s: "hang", "s/in": "hang" } as const;
    const hangs = kind === "signal" ? { signalAfter: 60_000 } : { script };
    const answers = kind === "approve" ? { answer: "approve" as const } : {};
    const seen = await see(kind, { timeout: kind === "approve" ? "20ms" : "1s" }, {}, { ...hangs, ...answers });
    expect(seen.phases["s"]).toBe("failed");
  },
  async totalTimeout(kind) {
    const seen = await see(kind, { totalTimeout: "1s" }, {}, { script: { s: "hang", "s/in": "hang" } });
    expect(seen.phases["s"]).toBe("failed");
  },
  grace: reaches("grace", { graceMs: 7000 }),
  async retry(kind) {
    const seen = await see(kind, { retry: { attempts: 2, delay: "1s" } }, {}, { script: { s: "fail" } });
    expect([...seen.attempts, ...seen.jobs]).toHaveLength(2);
  },
  async verify(kind) {
    const seen = await see(kind, { verify: "check it" });
    if (kind === "agent") expect(seen.jobs[0]?.task.step.verify).toEqual(["check it"]);
    else expect(seen.attempts.at(-1)?.work).toMatchObject({ command: "check it" });
  },
  runsOn: stands("runsOn"),
  inputs: stands("inputs"),
  outputs: stands("outputs"),
  cache: stands("cache"),
  async onInterrupt(kind) {
    const plan = await planOf(JSON.stringify([stepWith(kind, { onInterrupt: "fail" })]));
    const script = { attempt: () => ({ durationMs: 1000 }) };
    const cut = DryRun.start(plan, script).run(0);
    expect(DryRun.resume(cut.events, script).run().phases).toEqual({ s: "failed" });
  },
  async priority(kind) {
    const top = { maxConcurrency: 1 };
    const others = [{ id: "first", run: "x" }];
    const seen = await seeRun({ ...top, steps: [...others, stepWith(kind, { priority: 5 })] });
    expect(begins(seen, "s")).toBeLessThan(begins(seen, "first"));
  },
  writes: (kind) => takesTurns(kind, { writes: ["c/**"] }, { agents: { conflicts: "serialize" } }),
  resources: (kind) => takesTurns(kind, { resources: { pool: 1 } }, { resources: { pool: 1 } }),
  locks: (kind) => takesTurns(kind, { locks: { write: ["lock"] } }),
  async output(kind) {
    const seen = await see(kind, { output: { type: "number" } }, {}, { script: { s: { output: "text" } } });
    if (kind === "agent") expect(await seen.jobs[0]?.check?.("text")).toContain("schema");
    // Another signal is refused where it is sent: the step waits on, until the bench ends the run.
    else expect(seen.phases["s"]).toBe(kind === "signal" ? "cancelled" : "failed");
  },
  limits: async (kind) => {
    const seen = await see(kind, { limits: { maxMemoryMb: 64 } });
    expect(reached(seen, kind)).toMatchObject({ maxMemoryMb: 64 });
  },
  env: reaches("env", { env: { A: "b" } }),
  envMode: reaches("envMode", { envMode: "strict" }),
  async passEnv(kind) {
    if (kind === "approve" || kind === "sleep" || kind === "signal") {
      // Nothing runs: it is what templates may read.
      const action = {
        approve: { approve: "${{ env.V }}" },
        sleep: { sleep: "${{ env.V }}" },
        signal: { signal: "${{ env.V }}" },
      };
      const value = { approve: "Really?", sleep: "3s", signal: "go" }[kind];
      const step = { id: "s", ...action[kind], passEnv: ["V"] };
      const seen = await seeRun({ steps: [step] } as JsonObject, { environment: { V: value } });
      expect(seen.status).toBe("succeeded");
      if (kind === "approve") expect(JSON.stringify(seen.events)).toContain("Really?");
      return;
    }
    await reaches("passEnv", { passEnv: ["HOME"] })(kind);
  },
  secrets: reaches("secrets", { secrets: ["TOKEN"] }),
  cwd: (kind) => reaches("cwd", { cwd: kind === "agent" ? "folder" : "/project/folder" })(kind),
  shell: reaches("shell", { shell: "zsh" }),
  isolate: reaches("isolate", { isolate: true }),
  with: reaches("with", { work: { kind: "call", with: { x: 1 } } }),
  async params() {
    const inner = { params: { x: { type: "number" } }, steps: [{ id: "in", run: "x", env: { X: "${{ params.x }}" } }] };
    const seen = await seeRun({ steps: [{ id: "s", plan: inner, params: { x: 1 } }] } as JsonObject);
    expect(seen.attempts[0]?.env).toEqual({ X: "1" });
  },
  async onTimeout(kind) {
    const said = kind === "approve" ? "approve" : "continue";
    const step = stepWith(kind, { onTimeout: said, timeout: "20ms" });
    expect((await seeRun({ steps: [step] }, { answer: "reject", signalAfter: 10_000 })).phases["s"]).toBe("succeeded");
  },
};

describe("has an effect", () => {
  test.each(CELLS.filter(({ key, kind }) => cellOf(key, kind).is !== "refused"))(
    "$key beside $kind",
    async ({ key, kind }) => {
      await WITNESSES[key](kind);
    },
  );
});
