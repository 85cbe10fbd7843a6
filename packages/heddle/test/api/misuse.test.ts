/** Plans that cannot run and calls that cannot be served: statuses and `HeddleError`s with a code, never a hang or a stray rejection. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  command,
  HeddleError,
  load,
  plan,
  PlanError,
  resume,
  run,
  step,
  type Run,
  type RunResult,
} from "../../src/index.ts";
import { eventsOf } from "./rig.ts";
import { testFolder } from "../support/test-folder.ts";

const MEMORY = { memory: true } as const;
const one = plan("one", { steps: [step("s", () => 1)] });

async function refusal(running: Run): Promise<string | undefined> {
  const result = await running.result;
  expect(result.status).toBe("refused");
  expect(running.status().status).toBe("refused");
  return result.error?.code;
}

describe("a plan that cannot run is refused before anything is executed or written", () => {
  test("without steps: EmptyPlan", async () => {
    const projectDir = testFolder("api");
    const running = run(plan("empty", { steps: [] }), { projectDir });
    const { status, error } = await running.result;
    expect(status).toBe("refused");
    expect(error).toBeInstanceOf(PlanError);
    expect(error instanceof PlanError && error.diagnostics.map(({ code }) => code)).toEqual(["EmptyPlan"]);
    expect(existsSync(path.join(projectDir, ".heddle"))).toBe(false);
  });

  test("with a cycle: CycleDetected, the path and each edge in the message", async () => {
    const steps = [
      command("phase-a", "true", { deps: ["phase-c"] }),
      command("phase-b", "true", { deps: ["phase-a"] }),
      command("phase-c", "true", { deps: ["phase-b"] }),
    ];
    const error = await load(plan("cycle", { steps })).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PlanError);
    expect(String(error)).toContain("CycleDetected");
    expect(String(error)).toContain("phase-a -> phase-b -> phase-c -> phase-a");
    expect(String(error)).toContain("phase-b depends on phase-a");
  });

  test("all problems at once: a duplicate, an unknown dependency with a suggestion", async () => {
    const steps = [command("build", "true"), command("build", "false"), command("test", "true", { deps: ["biuld"] })];
    const error = await load(plan("many", { steps })).catch((thrown: unknown) => thrown);
    const diagnostics = error instanceof PlanError ? error.diagnostics : [];
    expect(diagnostics.map(({ code }) => code).toSorted()).toEqual(["DuplicateStep", "UnknownDependency"]);
    expect(diagnostics.some(({ hint }) => hint?.includes('"build"') === true)).toBe(true);
  });

  test("its events cannot be read: iterating throws what the result says", async () => {
    const running = run(plan("empty", { steps: [] }), MEMORY);
    await expect(eventsOf(running)).rejects.toBeInstanceOf(PlanError);
    expect(await refusal(running)).toBe("PlanInvalid");
  });
});

describe("calls", () => {
  test.each<[name: string, options: unknown]>([
    ["maxConcurrency: 0", { maxConcurrency: 0 }],
    ["maxConcurrency: 1.5", { maxConcurrency: 1.5 }],
    ["schedule: eager", { schedule: "eager" }],
    ["failure: never", { failure: "never" }],
    ["rollback: some", { rollback: "some" }],
    ["timeout: soon", { timeout: "soon" }],
  ])("with %s are refused: InvalidOption", async (_, options) => {
    expect(await refusal(run(one, { ...MEMORY, ...(options as object) }))).toBe("InvalidOption");
  });

  test("with something that is no plan: NotAPlan", async () => {
    expect(await refusal(run({ name: "x" } as never, MEMORY))).toBe("NotAPlan");
    expect(await refusal(run("heddle.yaml" as never, MEMORY))).toBe("NotAPlan");
  });

  test("with parameters for a plan that has its own: ParamsFixed", async () => {
    expect(await refusal(run(await load(one), { ...MEMORY, params: { a: 1 } }))).toBe("ParamsFixed");
  });

  test("in a folder that does not exist: ProjectNotFound, and none is made", async () => {
    const projectDir = path.join(testFolder("api"), "none");
    expect(await refusal(run(one, { projectDir }))).toBe("ProjectNotFound");
    expect(existsSync(projectDir)).toBe(false);
  });

  test("resuming an unknown run: UnknownRun", async () => {
    expect(await refusal(resume("nobody", one, { projectDir: testFolder("api") }))).toBe("UnknownRun");
  });

  test("resuming a run that is under way: RunHeld", async () => {
    const projectDir = testFolder("api");
    const gate = Promise.withResolvers<void>();
    const definition = plan("held", { steps: [step("s", () => gate.promise)] });
    const running = run(definition, { projectDir });
    for await (const event of running) if (event.type === "step.started") break;
    expect(await refusal(resume(running.run, definition, { projectDir }))).toBe("RunHeld");
    gate.resolve();
    expect((await running.result).status).toBe("succeeded");
  });

  test("loading a file that is not there: the place in the error", async () => {
    const error = await load("/nowhere/heddle.yaml").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HeddleError);
    expect(error instanceof PlanError && error.diagnostics).toMatchObject([
      { code: "PlanNotFound", file: "/nowhere/heddle.yaml" },
    ]);
  });

  test("loading a file gives a plan that runs, its place kept", async () => {
    const projectDir = testFolder("api");
    const file = path.join(projectDir, "p.yaml");
    await writeFile(
      file,
      "params: { n: { type: number } }\nsteps: [{ id: a, env: { N: '${{ params.n }}' }, run: echo $N > $HEDDLE_OUTPUT }]\n",
    );
    const loaded = await load(file, { n: 3 });
    expect(loaded).toMatchObject({ name: "p", file, layers: [["a"]] });
    expect((await run(loaded, { projectDir, memory: true }).result).outputs).toEqual({ a: 3 });
  });
});

test("types go from a step's function to the result", async () => {
  const a = step("a", async () => ({ tables: 4 }));
  const b = step("b", { deps: { a } }, (inputs) => {
    expectTypeOf(inputs.a).toEqualTypeOf<{ tables: number }>();
    return `${inputs.a.tables}`;
  });
  const result = await run(plan("types", { steps: [b] }), MEMORY).result;
  expectTypeOf(result).toEqualTypeOf<RunResult>();
  expectTypeOf(result.output(b)).toEqualTypeOf<string | undefined>();
  expect(result.output(b)).toBe("4");
});

test("a run in memory leaves nothing in its folder", async () => {
  const projectDir = testFolder("api");
  await run(plan("m", { steps: [command("c", "echo 1 > $HEDDLE_OUTPUT")] }), { projectDir, memory: true }).result;
  expect(existsSync(path.join(projectDir, ".heddle"))).toBe(false);
});
