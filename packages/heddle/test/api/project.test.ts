/** A project folder for programs: its runs listed, followed, answered, run again, landed and removed. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { approve, load, open, plan, run, step, type Event, type PlanDefinition, type Run } from "../../src/index.ts";
import { resume } from "../../src/api/run.ts";
import { eventsOf } from "./rig.ts";
import { testFolder } from "../support/test-folder.ts";

async function ended(projectDir: string, definition: PlanDefinition): Promise<string> {
  return (await run(definition, { projectDir }).result).run;
}

/** `a -> b`; how often each ran. */
function chain() {
  const calls = { a: 0, b: 0 };
  const a = step("a", async () => ++calls.a);
  const b = step("b", { deps: { a } }, async ({ a }) => [a, ++calls.b]);
  return { calls, b, definition: plan("chain", { steps: [a, b] }) };
}

test("a folder without runs, or that is not there, is said to be so, and nothing is made in it", async () => {
  const projectDir = testFolder("api");
  await expect(open({ projectDir })).rejects.toMatchObject({ name: "HeddleError", code: "NoRuns" });
  await expect(open({ projectDir: path.join(projectDir, "no") })).rejects.toMatchObject({ code: "ProjectNotFound" });
  await expect(load(path.join(projectDir, ".heddle"))).rejects.toThrow("does not exist");
});

test("runs are listed, the newest first, of all plans or one", async () => {
  const projectDir = testFolder("api");
  const first = await ended(projectDir, chain().definition);
  const second = await ended(projectDir, plan("other", { steps: [step("c", async () => 1)] }));
  await using project = await open({ projectDir });
  expect(project.dir).toBe(projectDir);
  const runs = await project.runs();
  expect(runs.map((line) => [line.run, line.plan, line.status])).toEqual([
    [second, "other", "succeeded"],
    [first, "chain", "succeeded"],
  ]);
  expect(runs[1]?.counts.succeeded).toBe(2);
  expect(await project.runs({ limit: 1, plan: "chain" })).toMatchObject([{ run: first }]);
  await expect(project.runs({ limit: 0 })).rejects.toMatchObject({ code: "InvalidOption" });
});

test("the events of a run that goes on elsewhere come as they are recorded, and end with it", async () => {
  const projectDir = testFolder("api");
  const gate = Promise.withResolvers<void>();
  const running = run(plan("slow", { steps: [step("a", () => gate.promise)] }), { projectDir });
  for await (const event of running) if (event.type === "step.started") break;
  await using project = await open({ projectDir });
  const events: Event[] = [];
  for await (const event of project.events(running.run.slice(0, 6), { after: 1 })) {
    events.push(event);
    if (event.type === "step.started") gate.resolve();
  }
  expect(events).toEqual((await eventsOf(running)).slice(1));
  const leaving = AbortSignal.abort();
  for await (const event of project.events(running.run, { signal: leaving })) expect(event).toBeUndefined();
});

describe("a rerun", () => {
  test("runs a step and what depends on it again, with the other results of the old run", async () => {
    const projectDir = testFolder("api");
    const { calls, b, definition } = chain();
    const old = await ended(projectDir, definition);
    await using project = await open({ projectDir });
    const again: Run = await project.rerun(old, { from: "b", plan: definition });
    const result = await again.result;
    expect(result).toMatchObject({ run: again.run, status: "succeeded" });
    expect(again.run).not.toBe(old);
    expect(result.output(b)).toEqual([1, 2]);
    expect(calls).toEqual({ a: 1, b: 2 });
    expect((await eventsOf(again)).map(({ type }) => type)).toContain("step.reused");
    // The project is the caller's: the end of a run does not close it.
    expect(await project.runs()).toHaveLength(2);
  });

  test("of a plan file takes the file as it is now, and the parameters of then", async () => {
    const projectDir = testFolder("api");
    const file = path.join(projectDir, "heddle.yaml");
    const text = (last: string): string =>
      `name: file\nparams: { x: { type: string } }\nsteps: [{ id: a, run: ':' }, { id: b, deps: [a], run: '${last}' }]`;
    writeFileSync(file, text("exit 1"));
    const { run: old, status } = await run(await load(file, { x: "one" }), { projectDir }).result;
    expect(status).toBe("failed");
    writeFileSync(file, text("echo one"));
    await using project = await open({ projectDir });
    const again = await project.rerun(old, { from: "b", maxConcurrency: 1 });
    expect(await again.result).toMatchObject({ status: "succeeded" });
    expect(again.status().maxConcurrency).toBe(1);
    writeFileSync(file, text("echo one").replace("deps: [a]", "deps: [c]"));
    await expect(project.rerun(old, { from: "b" })).rejects.toMatchObject({ name: "HeddleError", code: "PlanInvalid" });
  });

  test("is refused by an error where there is nothing to rerun", async () => {
    const projectDir = testFolder("api");
    const { definition } = chain();
    const old = await ended(projectDir, definition);
    await using project = await open({ projectDir });
    const rerun = (id: string, options: object) => project.rerun(id, options as { from: string });
    await expect(rerun(old, { from: "b" })).rejects.toMatchObject({ code: "NoPlanFile" });
    await expect(rerun(old, { from: "c", plan: definition })).rejects.toMatchObject({ code: "UnknownStep" });
    await expect(rerun(old, { from: "b", plan: {} })).rejects.toMatchObject({ code: "NotAPlan" });
    await expect(rerun("nobody", { from: "b" })).rejects.toMatchObject({ code: "UnknownRun" });
    await expect(rerun(old, { from: "b", maxConcurrency: 0.5 })).rejects.toMatchObject({ code: "InvalidOption" });
    expect(await project.runs()).toHaveLength(1);
  });
});

test("a question is answered from outside of the process that asks, or when none does", async () => {
  const projectDir = testFolder("api");
  const definition = plan("ask", { steps: [approve("ship", "Ship?"), approve("tell", "Tell?")] });
  const asking = run(definition, { projectDir, wait: true });
  let asked = 0;
  for await (const event of asking) if (event.type === "approval.requested" && ++asked === 2) break;
  await using project = await open({ projectDir });
  expect(await project.approve(asking.run, "ship", { by: "eve", comment: "fine" })).toBe("sent");
  expect(await project.approve(asking.run, "tell")).toBe("sent");
  expect(await asking.result).toMatchObject({ status: "succeeded" });
  const given = (await eventsOf(asking)).filter(({ type }) => type === "approval.given").map(({ data }) => data);
  expect(given).toContainEqual({ decision: "approve", by: "eve", comment: "fine" });
  expect(given).toContainEqual({ decision: "approve", by: "api" });

  const left = await run(definition, { projectDir }).result;
  expect(left.status).toBe("waiting");
  expect(await project.approve(left.run, "ship")).toBe("done");
  expect(await project.reject(left.run, "tell")).toBe("done");
  await expect(project.approve(left.run, "ship")).rejects.toMatchObject({ code: "NotAsked" });
  expect(await resume(left.run, definition, { projectDir }).result).toMatchObject({ status: "failed" });
});

test("what has no work of agents has nothing to decide and nothing to land", async () => {
  const projectDir = testFolder("api");
  const old = await ended(projectDir, chain().definition);
  await using project = await open({ projectDir });
  await expect(project.resolve(old, "a", "ours")).rejects.toMatchObject({ code: "NotAsked" });
  await expect(project.merge(old)).rejects.toMatchObject({ code: "NotARepository" });
  await expect(project.merge(old, { ff: true, branch: "b" })).rejects.toMatchObject({ code: "InvalidOption" });
});

test("old runs are removed, or told", async () => {
  const projectDir = testFolder("api");
  const old = await ended(projectDir, chain().definition);
  await using project = await open({ projectDir });
  expect(await project.gc()).toEqual({ removed: [], kept: [] });
  expect(await project.gc({ keepDays: 0, dryRun: true })).toEqual({ removed: [{ run: old, refs: 0 }], kept: [] });
  expect(await project.runs()).toHaveLength(1);
  expect(await project.gc({ keepDays: 0 })).toEqual({ removed: [{ run: old, refs: 0 }], kept: [] });
  expect(await project.runs()).toEqual([]);
  await expect(project.gc({ keepDays: Number.NaN })).rejects.toMatchObject({ code: "InvalidOption" });
});
