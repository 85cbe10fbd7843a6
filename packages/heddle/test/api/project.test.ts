/** A project folder for programs: its runs listed, opened, run again and removed. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { load, open, openProject, plan, rerun, resume, run, runs, step, type PlanDefinition } from "../../src/index.ts";
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
  expect(await runs({ projectDir })).toEqual([]);
  await expect(openProject({ projectDir })).rejects.toMatchObject({ name: "HeddleError", code: "NoRuns" });
  await expect(open("abc", { projectDir })).rejects.toMatchObject({ name: "HeddleError", code: "NoRuns" });
  const nowhere = { projectDir: path.join(projectDir, "no") };
  await expect(runs(nowhere)).rejects.toMatchObject({ code: "ProjectNotFound" });
  await expect(openProject(nowhere)).rejects.toMatchObject({ code: "ProjectNotFound" });
  await expect(open("abc", nowhere)).rejects.toMatchObject({ code: "ProjectNotFound" });
  await expect(load(path.join(projectDir, ".heddle"))).rejects.toThrow("does not exist");
});

test("runs are listed, the newest first, of all plans or one", async () => {
  const projectDir = testFolder("api");
  const first = await ended(projectDir, chain().definition);
  const second = await ended(projectDir, plan("other", { steps: [step("c", async () => 1)] }));
  await using project = await openProject({ projectDir });
  expect(project.dir).toBe(projectDir);
  const listed = await project.runs();
  expect(listed.map((line) => [line.run, line.plan, line.status])).toEqual([
    [second, "other", "succeeded"],
    [first, "chain", "succeeded"],
  ]);
  expect(listed[1]?.counts.succeeded).toBe(2);
  expect(await project.runs({ limit: 1, plan: "chain" })).toMatchObject([{ run: first }]);
  expect(await runs({ projectDir })).toEqual(listed);
  expect(await runs({ projectDir, limit: 1 })).toEqual(listed.slice(0, 1));
  await expect(project.runs({ limit: 0 })).rejects.toMatchObject({ code: "InvalidOption" });
});

test("a project opens its runs, and closes them with itself", async () => {
  const projectDir = testFolder("api");
  const id = await ended(projectDir, chain().definition);
  const project = await openProject({ projectDir });
  const one = await project.open(id.slice(0, 8));
  expect(one.run).toBe(id);
  expect(await one.status()).toMatchObject({ status: "succeeded" });
  await one.close();
  expect(await project.runs()).toHaveLength(1);
  const other = await project.open(id);
  await project.close();
  await project.close();
  for (const use of [() => other.status(), () => project.runs(), () => project.open(id), () => project.gc()])
    await expect(use()).rejects.toMatchObject({ name: "HeddleError", code: "HandleClosed" });
  await expect((await openProject({ projectDir })).open("nobody")).rejects.toMatchObject({ code: "UnknownRun" });
});

describe("a rerun", () => {
  test("runs a step and what depends on it again, with the other results of the old run", async () => {
    const projectDir = testFolder("api");
    const { calls, b, definition } = chain();
    const old = await ended(projectDir, definition);
    const again = rerun(old, definition, { projectDir, from: "b" });
    const result = await again.result;
    expect(result).toMatchObject({ run: again.run, status: "succeeded" });
    expect(again.run).not.toBe(old);
    expect(result.output(b)).toEqual([1, 2]);
    expect(calls).toEqual({ a: 1, b: 2 });
    expect((await eventsOf(again)).map(({ type }) => type)).toContain("step.reused");
    expect(await runs({ projectDir })).toHaveLength(2);
  });

  test("of a plan file takes the file as it is now, and the parameters of then; so does a resume", async () => {
    const projectDir = testFolder("api");
    const file = path.join(projectDir, "heddle.yaml");
    const text = (last: string): string =>
      `name: file\nparams: { x: { type: string } }\nsteps: [{ id: a, run: ':' }, { id: b, deps: [a], run: '${last}' }]`;
    writeFileSync(file, text("exit 1"));
    const { run: old, status } = await run(await load(file, { x: "one" }), { projectDir }).result;
    expect(status).toBe("failed");
    writeFileSync(file, text("echo one").replace("deps: [a]", "deps: [c]"));
    const invalid = { status: "refused", error: { name: "HeddleError", code: "PlanInvalid" } };
    expect(await rerun(old, undefined, { projectDir, from: "b" }).result).toMatchObject(invalid);
    expect(await resume(old, undefined, { projectDir }).result).toMatchObject(invalid);
    writeFileSync(file, text("echo one"));
    const again = rerun(old.slice(0, 9), undefined, { projectDir, from: "b", maxConcurrency: 1 });
    expect(await again.result).toMatchObject({ status: "succeeded" });
    expect(again.status().maxConcurrency).toBe(1);
    expect(await resume(old, undefined, { projectDir }).result).toMatchObject({ status: "succeeded" });
    // A run that has succeeded needs its plan no more.
    writeFileSync(file, "nothing");
    expect(await resume(old, undefined, { projectDir }).result).toMatchObject({ status: "succeeded" });
  });

  test("is refused where there is nothing to rerun, as a resume is without its functions", async () => {
    const projectDir = testFolder("api");
    const { definition } = chain();
    const old = await ended(projectDir, definition);
    const refusal = async (id: string, given: unknown, options: object): Promise<unknown> => {
      const { status, error } = await rerun(
        id,
        given as PlanDefinition,
        { projectDir, ...options } as unknown as { from: string },
      ).result;
      expect(status).toBe("refused");
      return error?.code;
    };
    expect(await refusal(old, undefined, { from: "b" })).toBe("NoPlanFile");
    expect(await refusal(old, definition, { from: "c" })).toBe("UnknownStep");
    expect(await refusal(old, {}, { from: "b" })).toBe("NotAPlan");
    expect(await refusal("nobody", definition, { from: "b" })).toBe("UnknownRun");
    expect(await refusal(old, definition, { from: "b", maxConcurrency: 0.5 })).toBe("InvalidOption");
    expect(await refusal(old, definition, { from: "b", projectDir: testFolder("api") })).toBe("NoRuns");
    expect(await runs({ projectDir })).toHaveLength(1);

    let isBroken = true;
    const broken = plan("broken", { steps: [step("x", () => (isBroken ? Promise.reject(new Error("no")) : 1))] });
    const { run: left } = await run(broken, { projectDir }).result;
    isBroken = false;
    const before = await eventsOf(resume(left, broken, { projectDir: testFolder("api") })).catch(() => []);
    expect(before).toEqual([]);
    expect(await resume(left, undefined, { projectDir }).result).toMatchObject({
      status: "refused",
      error: { code: "FunctionsNotLoaded", message: expect.stringContaining("x") as string },
    });
    await using opened = await open(left, { projectDir });
    expect(await opened.status()).toMatchObject({ status: "failed" });
    expect(await resume(left, broken, { projectDir }).result).toMatchObject({ status: "succeeded" });
  });
});

test("old runs are removed, or told", async () => {
  const projectDir = testFolder("api");
  const old = await ended(projectDir, chain().definition);
  await using project = await openProject({ projectDir });
  expect(await project.gc()).toEqual({ removed: [], kept: [] });
  expect(await project.gc({ keepDays: 0, dryRun: true })).toEqual({ removed: [{ run: old, refs: 0 }], kept: [] });
  expect(await project.runs()).toHaveLength(1);
  expect(await project.gc({ keepDays: 0 })).toEqual({ removed: [{ run: old, refs: 0 }], kept: [] });
  expect(await project.runs()).toEqual([]);
  await expect(project.gc({ keepDays: Number.NaN })).rejects.toMatchObject({ code: "InvalidOption" });
});
