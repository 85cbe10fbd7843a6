/** Runs of a project from start to end, in memory: resumed, run again in part, undone, asked for, listed, followed. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import { openEngine } from "../../src/host/engine.ts";
import { openMemoryProject } from "../../src/host/open.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import { layoutOf } from "../../src/project/layout.ts";
import { listPage, type RunListOptions } from "../../src/project/list-runs.ts";
import { createProject } from "../../src/project/project.ts";
import { memoryWorkspaces } from "../../src/workspace/memory.ts";
import { loadDefinition, loadPlanFile } from "../../src/project/load-plan.ts";
import type { LoadedPlan, Project, RunHandle, RunOutcome } from "../../src/project/port.ts";
import type { Problem } from "../../src/base/errors.ts";
import type { Result } from "../../src/base/result.ts";
import { approve, command, forEach, plan, sequence, step, subplan } from "../../src/index.ts";
import type { PlanDefinition } from "../../src/plan/define.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { agentsWith } from "./agents.ts";

/** A project that is gone with its test. */
function projectIn(files: Readonly<Record<string, string>> = {}): Project {
  const dir = temporaryFolder("project");
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
    writeFileSync(path.join(dir, file), text);
  }
  const project = openMemoryProject(dir, { title: "test" });
  onTestFinished(async () => {
    await project[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });
  return project;
}

async function loaded(definition: PlanDefinition): Promise<LoadedPlan> {
  const plan = await loadDefinition(definition, {});
  if (!plan.ok) throw new Error(plan.error.map(({ message }) => message).join("\n"));
  return plan.value;
}

async function ended(begun: Result<RunHandle, Problem>): Promise<RunOutcome> {
  if (!begun.ok) throw new Error(begun.error.message);
  return await begun.value.result;
}

async function started(project: Project, definition: PlanDefinition): Promise<RunOutcome> {
  return ended(await project.runs.start(await loaded(definition), {}));
}

/** `a -> b`, of which `b` fails as long as it is told to. */
function chain() {
  const calls: string[] = [];
  const state = { fails: true };
  const a = step("a", async () => calls.push("a"));
  const b = step("b", { deps: { a } }, async () => {
    calls.push("b");
    if (state.fails) throw new Error("not yet");
    return "done";
  });
  return { calls, state, definition: plan("chain", { steps: [a, b] }) };
}

test("a failed run is listed, and goes on with what failed", async () => {
  const project = projectIn();
  const { calls, state, definition } = chain();
  const { run, status } = await started(project, definition);
  expect(status).toBe("failed");
  expect(await project.runs.list({ plan: "chain" })).toMatchObject([{ run, status: "failed" }]);
  expect(await project.runs.list({ plan: "other" })).toEqual([]);
  state.fails = false;
  const current = await loaded(definition);
  expect(await ended(await project.runs.resume(run, { current, mode: "retry" }))).toMatchObject({
    status: "succeeded",
  });
  expect(calls).toEqual(["a", "b", "b"]);
  expect(await ended(await project.runs.resume(run, { current }))).toMatchObject({ status: "succeeded" });
  expect(calls).toHaveLength(3);
});

test("a resume that is refused leaves the live run its code", async () => {
  const project = projectIn();
  const gate = Promise.withResolvers<void>();
  const a = step("a", () => gate.promise);
  const b = step("b", { deps: { a } }, async () => "done");
  const begun = await project.runs.start(await loaded(plan("two", { steps: [a, b] })), {});
  if (!begun.ok) throw new Error(begun.error.message);
  expect(await project.runs.resume(begun.value.run, {})).toMatchObject({ ok: false });
  gate.resolve();
  expect(await begun.value.result).toMatchObject({ status: "succeeded", outputs: { b: "done" } });
});

test("a tail of a run here gives every event as it comes and ends with it, also one begun after its end", async () => {
  const project = projectIn();
  const gate = Promise.withResolvers<void>();
  const definition = plan("one", { steps: [step("a", () => gate.promise)] });
  const begun = await project.runs.start(await loaded(definition), {});
  if (!begun.ok) throw new Error(begun.error.message);
  const { run } = begun.value;
  const types: string[] = [];
  for await (const item of project.runs.tail(run)) {
    if (item.kind === "events") types.push(...item.events.map(({ type }) => type));
    if (types.includes("step.started")) gate.resolve();
  }
  expect(types).toEqual(["run.created", "run.started", "step.started", "step.succeeded", "run.succeeded"]);
  const late: number[] = [];
  for await (const item of project.runs.tail(run, { after: 3 }))
    if (item.kind === "events") late.push(...item.events.map(({ seq }) => seq));
  expect(late).toEqual([4, 5]);
});

test("a tail of a run here waits for its engine's word, not for a clock", async () => {
  const layout = layoutOf(temporaryFolder("project"));
  onTestFinished(() => rmSync(layout.dir, { recursive: true, force: true }));
  const after = (): never => {
    throw new Error("a timer was set");
  };
  await using project = createProject({
    layout,
    journal: memoryJournal(),
    workspaces: memoryWorkspaces({ projectDir: layout.dir }),
    clock: { now: () => 0, after },
    random: seededRandom(1),
    title: "test",
    holder: () => ({ pid: 1, started: "", title: "test" }),
    pollMs: 0,
    deleteRunFiles: true,
    checkOutput: async () => undefined,
    openEngine: async (options) => openEngine(options),
    openAgents: agentsWith({}),
    openPlanThreads: () => Promise.reject(new Error("a plan was looked at")),
  });
  const gate = Promise.withResolvers<void>();
  const definition = plan("one", { steps: [step("a", () => gate.promise)] });
  const begun = await project.runs.start(await loaded(definition), {});
  if (!begun.ok) throw new Error(begun.error.message);
  const kinds: string[] = [];
  for await (const item of project.runs.tail(begun.value.run)) {
    kinds.push(item.kind);
    if (item.kind === "caught-up") gate.resolve();
  }
  expect(kinds.at(-1)).toBe("end");
});

describe("a rerun", () => {
  const YAML = "name: files\nsteps:\n  - { id: a, run: ':' }\n  - { id: b, deps: [a], run: ':' }\n";

  test("is a new run of the file as it is now, found from wherever this process is", async () => {
    const project = projectIn({ "plans/heddle.yaml": YAML });
    const first = await loadPlanFile("plans/heddle.yaml", {}, { folder: project.dir });
    if (!first.ok) throw new Error("no plan");
    const { run } = await ended(await project.runs.start(first.value, { maxConcurrency: 3 }));
    const rerun = await project.runs.rerun(run, { from: "b", run: "second" });
    expect(rerun).toMatchObject({ ok: true, value: { plan: "files", reused: 1, again: [] } });
    if (!rerun.ok) return;
    expect(await rerun.value.handle.result).toMatchObject({ run: "second", status: "succeeded" });
    const { options, phases } = rerun.value.handle.state();
    expect(options).toMatchObject({ maxConcurrency: 3, planFile: "plans/heddle.yaml" });
    expect(phases.map(({ tag }) => tag)).toEqual(["cached", "succeeded"]);
  });

  test("is refused for what is wrong, by its kind", async () => {
    const project = projectIn({ "heddle.yaml": YAML });
    const file = await loadPlanFile("heddle.yaml", {}, { folder: project.dir });
    if (!file.ok) throw new Error("no plan");
    const { run } = await ended(await project.runs.start(file.value, {}));
    expect(await project.runs.rerun("nobody", { from: "b" })).toMatchObject({ error: { kind: "unreadable" } });
    expect(await project.runs.rerun(run, { from: "c" })).toMatchObject({
      error: { kind: "unfit", problem: { code: "UnknownStep" } },
    });
    writeFileSync(path.join(project.dir, "heddle.yaml"), "steps: [");
    expect(await project.runs.rerun(run, { from: "b" })).toMatchObject({
      error: { kind: "plan", file: "heddle.yaml" },
    });
    const { definition } = chain();
    const code = await started(project, definition);
    expect(await project.runs.rerun(code.run, { from: "b" })).toMatchObject({
      error: { kind: "unfit", problem: { code: "NoPlanFile" } },
    });
    expect(await project.runs.rerun(code.run, { from: "b", plan: await loaded(definition) })).toMatchObject({
      ok: true,
    });
  });
});

test.each([
  ["env", 'env: { M: "${{ deps.a.output.missing }}" }, run: "true"'],
  ["with", 'with: { m: ["${{ deps.a.output.missing }}"] }, call: "./m.mjs#f"'],
])("a template that can never be filled is not tried again: %s", async (_, text) => {
  const project = projectIn({
    "heddle.yaml": `steps:
  - { id: a, run: 'echo "n=1" > "$HEDDLE_OUTPUT"' }
  - { id: b, deps: [a], retry: { attempts: 3, delay: 1ms }, ${text} }`,
    "m.mjs": "export const f = () => 1;",
  });
  const file = await loadPlanFile("heddle.yaml", {}, { folder: project.dir });
  if (!file.ok) throw new Error("no plan");
  const { run } = await ended(await project.runs.start(file.value, {}));
  const failed: unknown[] = [];
  for await (const events of project.runs.events(run))
    for (const { type, data } of events) if (type === "step.failed") failed.push(data);
  expect(failed).toMatchObject([{ error: { code: "expression" }, willRetry: false }]);
});

test("the plan of a run as its file says now", async () => {
  const project = projectIn({
    "heddle.yaml": "name: p\nparams: { x: { type: string, default: one } }\nsteps: [{ id: a, run: ':' }]",
  });
  const file = await loadPlanFile("heddle.yaml", { x: "two" }, { folder: project.dir });
  if (!file.ok) throw new Error("no plan");
  const { run } = await ended(await project.runs.start(file.value, {}));
  expect(await project.plans.recorded(run)).toEqual({
    file: "heddle.yaml",
    steps: ["a"],
    isPart: false,
    params: { x: "two" },
  });
  expect(await project.plans.current(run)).toMatchObject({ kind: "loaded", plan: { plan: { params: { x: "two" } } } });
  writeFileSync(path.join(project.dir, "heddle.yaml"), "steps: []");
  expect(await project.plans.current(run)).toMatchObject({ kind: "invalid", file: "heddle.yaml" });
  rmSync(path.join(project.dir, "heddle.yaml"));
  expect(await project.plans.current(run)).toEqual({ kind: "gone", file: "heddle.yaml" });
  expect(await project.plans.current("nobody")).toEqual({ kind: "none" });
});

test("an answer to a run that nobody holds is recorded at once; other requests have nobody to take them", async () => {
  const project = projectIn();
  const definition = plan("ask", { steps: [approve("ok", "ship?")] });
  const { run, status } = await started(project, definition);
  expect(status).toBe("waiting");
  expect(await project.control.send(run, { kind: "unpause" })).toMatchObject({ error: { code: "RunNotLive" } });
  expect(await project.control.send("nobody", { kind: "cancel" })).toMatchObject({ error: { code: "UnknownRun" } });
  expect(await project.control.answer(run, "approve", { by: "eve" })).toMatchObject({
    ok: true,
    value: { id: "ok", result: "done" },
  });
  expect(await ended(await project.runs.resume(run, { current: await loaded(definition) }))).toMatchObject({
    status: "succeeded",
  });
});

test("a run is replayed up to an event, which it has to have", async () => {
  const project = projectIn();
  const { run } = await started(project, plan("one", { steps: [step("a", async () => 1)] }));
  expect(await project.runs.replay(run)).toMatchObject({ value: { seq: 5, violations: [], live: false } });
  const before = await project.runs.replay(run, { at: 3 });
  expect(before).toMatchObject({ value: { seq: 3, live: true, state: { phases: [{ tag: "running" }] } } });
  expect(await project.runs.replay(run, { at: 6 })).toMatchObject({
    error: { message: `run ${run} has only 5 events` },
  });
});

test("a run goes with its files", async () => {
  const project = projectIn();
  const { run } = await started(project, plan("one", { steps: [step("a", async () => 1)] }));
  expect(await project.maintenance.remove(run)).toBe(true);
  expect(await project.runs.list()).toEqual([]);
});

describe("a run whose functions are not here", () => {
  const broken = (): never => {
    throw new Error("not yet");
  };

  async function failed(project: Project, definition: PlanDefinition): Promise<string> {
    const { run, status } = await started(project, definition);
    expect(status).toBe("failed");
    return run;
  }

  async function eventsOf(project: Project, run: string): Promise<number> {
    let events = 0;
    for await (const batch of project.runs.events(run)) events += batch.length;
    return events;
  }

  test.for([
    ["a step", plan("p", { steps: [step("a", () => 1), step("b", broken)] }), "b"],
    [
      "a step never started",
      plan("p", {
        steps: [
          sequence(
            command("x", "exit 1"),
            step("c", () => 1),
          ),
        ],
      }),
      "c",
    ],
    [
      "a step of a plan inside",
      plan("p", { steps: [subplan("in", plan("i", { steps: [step("d", broken)] }))] }),
      "in/d",
    ],
    [
      "a step of a plan inside that never started",
      plan("p", {
        steps: [sequence(command("x", "exit 1"), subplan("in", plan("i", { steps: [step("d", broken)] })))],
      }),
      "in/d",
    ],
    ["an item", plan("p", { steps: [forEach("e", { items: [1] }, broken)] }), "e[0]"],
  ] as const)("is refused before anything is recorded: %s", async ([, definition, missing]) => {
    const project = projectIn();
    const run = await failed(project, definition);
    const before = await eventsOf(project, run);
    for (const mode of ["resume", "retry"] as const) {
      const refused = await project.runs.resume(run, { mode });
      expect(refused).toMatchObject({ ok: false, error: { code: "FunctionsNotLoaded" } });
      if (!refused.ok) expect(refused.error.message.split(": ").at(-1)).toBe(missing);
    }
    expect(await eventsOf(project, run)).toBe(before);
  });

  test.each([
    ["that is named", plan("p", { steps: [step("a", () => 1), step("b", () => 2)] }), "a", "a"],
    [
      "that depends on the named one",
      plan("p", {
        steps: [
          sequence(
            command("x", "true"),
            step("b", () => 2),
          ),
        ],
      }),
      "x",
      "b",
    ],
    [
      "inside a plan that is named",
      plan("p", { steps: [subplan("in", plan("i", { steps: [step("d", () => 1)] }))] }),
      "in",
      "in/d",
    ],
    ["for items of a step that is named", plan("p", { steps: [forEach("e", { items: [1] }, () => 1)] }), "e", "e"],
  ])("is refused to run a step again that succeeded: %s", async (_, definition, named, missing) => {
    const project = projectIn();
    const { run, status } = await started(project, definition);
    expect(status).toBe("succeeded");
    const before = await eventsOf(project, run);
    const refused = await project.runs.resume(run, { mode: "retry", again: { steps: [named] } });
    expect(refused).toMatchObject({
      error: { code: "FunctionsNotLoaded", message: expect.stringMatching(new RegExp(`: ${missing}$`)) },
    });
    expect(await eventsOf(project, run)).toBe(before);
  });

  test("goes on where no function is left to run", async () => {
    const project = projectIn();
    const run = await failed(project, plan("p", { steps: [step("a", () => 1), command("x", "test -e fixed")] }));
    writeFileSync(path.join(project.dir, "fixed"), "");
    expect(await ended(await project.runs.resume(run, {}))).toMatchObject({ status: "succeeded" });
  });
});

describe("a cancel of a run that nobody works on, with a function that is always to run", () => {
  const index = new URL("../../src/index.ts", import.meta.url).href;
  const FILE = `import { writeFileSync } from "node:fs";
import { approve, plan, sequence, step } from ${JSON.stringify(index)};
const clean = step("clean", { always: true }, () => writeFileSync(new URL("cleaned", import.meta.url), ""));
export default plan("asks", { steps: [sequence(approve("ask", "Go?"), clean)] });
`;

  async function waiting(project: Project, plan: LoadedPlan): Promise<string> {
    const { run, status } = await ended(await project.runs.start(plan, {}));
    expect(status).toBe("waiting");
    return run;
  }

  async function waitingFile(): Promise<{ readonly project: Project; readonly run: string; readonly file: string }> {
    const project = projectIn({ "heddle.mts": FILE });
    const file = path.join(project.dir, "heddle.mts");
    const read = await loadPlanFile(file, {});
    if (!read.ok) throw new Error(read.error[0]?.message);
    return { project, run: await waiting(project, read.value), file };
  }

  test("runs it with the plan's module", async () => {
    const { project, run } = await waitingFile();
    expect(await project.control.send(run, { kind: "cancel" })).toEqual({ ok: true, value: "done" });
    expect(existsSync(path.join(project.dir, "cleaned"))).toBe(true);
    expect(await project.runs.replay(run)).toMatchObject({
      value: { state: { phase: { tag: "cancelled" }, phases: [{ tag: "cancelled" }, { tag: "succeeded" }] } },
    });
  });

  test("is refused before anything is recorded where its plan was made by a program, or its file is gone", async () => {
    const made = projectIn();
    const clean = step("clean", { always: true }, () => 1);
    const byProgram = await waiting(
      made,
      await loaded(plan("asks", { steps: [sequence(approve("ask", "Go?"), clean)] })),
    );
    const { project, run, file } = await waitingFile();
    rmSync(file);
    for (const [at, id, hint] of [
      [made, byProgram, /^It was started by a program/],
      [project, run, /^They are in heddle.mts, which does not exist any more. Restore it, and cancel again/],
    ] as const) {
      const before = await at.runs.replay(id);
      expect(await at.control.send(id, { kind: "cancel" })).toMatchObject({
        error: {
          code: "FunctionsNotLoaded",
          message: expect.stringMatching(/: clean$/),
          hint: expect.stringMatching(hint),
        },
      });
      expect(await at.runs.replay(id)).toMatchObject({ value: { seq: before.ok ? before.value.seq : 0 } });
    }
  });
});

test("a page of the list has the statuses of now, whatever its journal has recorded", async () => {
  const alive = new Set([1]);
  const journal = memoryJournal({ isAlive: ({ pid }) => alive.has(pid) });
  const recorded = ["running", "succeeded", undefined, "paused", "waiting", "running", "failed"];
  for (const [index, status] of recorded.entries()) {
    const holder = { pid: index < 4 ? 1 : 2, started: "", title: "test" };
    const created = await journal.create({ run: `r${index}`, plan: "p", createdAt: index }, holder);
    if (created.ok && status !== undefined) await journal.append(created.value, [], { summary: { status } });
  }
  const page = async (options: RunListOptions): Promise<string> => {
    const { runs, next } = await listPage(journal, options);
    return [...runs.map(({ run, status }) => `${run} ${status}`), ...(next === undefined ? [] : ["more"])].join(", ");
  };
  expect(await page({ limit: 9, statuses: ["running", "paused"] })).toBe("r3 paused, r2 running, r0 running");
  expect(await page({ limit: 9, statuses: ["interrupted"] })).toBe("r5 interrupted");
  expect(await page({ limit: 1, statuses: ["running"] })).toBe("r2 running, more");
  alive.clear();
  expect(await page({ limit: 9, statuses: ["running", "paused"] })).toBe("");
  expect(await page({ limit: 9, statuses: ["interrupted", "waiting"] })).toBe(
    "r5 interrupted, r4 waiting, r3 interrupted, r2 interrupted, r0 interrupted",
  );
  expect(await page({ limit: 2, statuses: ["failed"], plan: "p" })).toBe("r6 failed");
});
