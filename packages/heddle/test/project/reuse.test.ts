/** What a new run may take from an earlier one: never a result beside a new result of what it was built on. */
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { defined } from "../../src/base/defined.ts";
import { openMemoryProject } from "../../src/host/open.ts";
import { compilePlan } from "../../src/graph/compile.ts";
import type { JsonObject } from "../../src/base/json.ts";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";
import { NO_FUNCTIONS } from "../../src/plan/plan.ts";
import { temporaryFolder } from "../support/temporary.ts";

async function load(text: string, params: JsonObject = {}): Promise<LoadedPlan> {
  const compiled = await compilePlan({ text, file: "plan.yaml", params });
  if (!compiled.ok) throw new Error(compiled.error.map(({ message }) => message).join("\n"));
  return { ...compiled.value, functions: NO_FUNCTIONS };
}

/** `a -> b -> d` and `c`, each a command. */
const plan = (a: string): string => `
name: chain
failure: continue
steps:
  - { id: a, run: "${a}" }
  - { id: b, deps: [a], run: "true" }
  - { id: d, deps: [b], run: "true" }
  - { id: c, run: "true" }
`;

async function reused(first: string, second: string, from: string, params: JsonObject = {}) {
  await using project = openMemoryProject("/tmp", { title: "test" });
  const started = await project.runs.start(await load(first), { failure: "continue" });
  if (!started.ok) throw new Error(started.error.message);
  await started.value.result;
  const reuse = await project.runs.select(await load(second, params), { only: [], from });
  if (!reuse.ok) throw new Error(reuse.error.message);
  return { ids: [...(reuse.value.reuse?.outputs.keys() ?? [])].sort(), again: reuse.value.again };
}

test("all of an unchanged run but what is run again", async () => {
  expect(await reused(plan("true"), plan("true"), "c")).toEqual({ ids: ["a", "b", "d"], again: [] });
});

test("nothing that was built on a step with another definition, at any distance", async () => {
  expect(await reused(plan("true"), plan("echo new"), "c")).toEqual({
    ids: [],
    again: ["b runs again: it depends on a, which runs again.", "d runs again: it depends on a, which runs again."],
  });
});

test("nothing that was built on a step that had failed and was tolerated then", async () => {
  const optional = (command: string): string => `
name: chain
steps:
  - { id: a, run: "${command}", optional: true }
  - { id: b, after: [a], run: "true" }
  - { id: c, run: "true" }
`;
  // b only came after a: it was not built on it.
  expect(await reused(optional("false"), optional("false"), "c")).toEqual({
    ids: ["b"],
    again: [expect.stringMatching(/ these run too: a\.$/)],
  });
});

test("what was built on a step skipped by its condition stays: the condition is asked again", async () => {
  const conditional = `
name: chain
steps:
  - { id: a, if: "false", run: "true" }
  - { id: b, deps: [a], run: "true" }
  - { id: c, run: "true" }
`;
  expect(await reused(conditional, conditional, "c")).toEqual({ ids: ["b"], again: [] });
});

test("what was built beside a skipped step is not reused where the step may not be skipped any more", async () => {
  const conditional = (condition: string): string => `
name: chain
params: { go: { type: string, default: "no" } }
steps:
  - { id: a, if: "${condition}", run: "true" }
  - { id: b, deps: [a], run: "true" }
  - { id: c, run: "true" }
`;
  const plan = conditional("params.go == 'yes'");
  expect(await reused(plan, plan, "c")).toEqual({ ids: ["b"], again: [] });
  const again = ["b runs again: it depends on a, which runs again."];
  expect(await reused(plan, plan, "c", { go: "yes" })).toEqual({ ids: [], again });
  expect(await reused(plan, conditional("params.go != 'yes'"), "c")).toEqual({ ids: [], again });
});

describe("parameters", () => {
  const plan = (env: string): string => `
name: deploy
params:
  env: { type: string, default: staging }
  note: { type: string, default: none }
steps:
  - { id: build, ${env} run: "true" }
  - { id: lint, run: "true" }
  - { id: deploy, run: "true" }
`;
  const READS = {
    "a template of env": 'env: { E: "${{ params.env }}" },',
    "a condition": "if: \"params.env != 'nowhere'\",",
    "a parameter read by its name as text": "env: { E: \"${{ params['env'] }}\" },",
  };

  test.each(Object.entries(READS))("what reads one with another value is not reused: %s", async (_, text) => {
    expect((await reused(plan(text), plan(text), "deploy")).ids).toEqual(["build", "lint"]);
    expect((await reused(plan(text), plan(text), "deploy", { env: "prod" })).ids).toEqual(["lint"]);
    expect((await reused(plan(text), plan(text), "deploy", { note: "other" })).ids).toEqual(["build", "lint"]);
  });

  test("what reads them all is not reused where any has another value", async () => {
    const all = plan('env: { E: "${{ string(size(params)) }}" },');
    expect((await reused(all, all, "deploy", { note: "other" })).ids).toEqual(["lint"]);
  });

  test("a dependency that would have to run is named with its parameter", async () => {
    const needed = (env: string): string => plan(env).replace("id: deploy,", "id: deploy, deps: [build],");
    const text = needed('env: { E: "${{ params.env }}" },');
    await expect(reused(text, text, "deploy", { env: "prod" })).rejects.toThrow(
      "build (it reads parameter env, which had another value)",
    );
  });
});

test("a condition sees a reused success as what it is", async () => {
  const conditional = `
name: deploy
steps:
  - { id: build, run: "true" }
  - { id: deploy, deps: [build], if: "deps.build.status == 'succeeded'", run: "true" }
`;
  await using project = openMemoryProject("/tmp", { title: "test" });
  const first = await project.runs.start(await load(conditional), {});
  if (!first.ok) throw new Error(first.error.message);
  await first.value.result;
  const reuse = await project.runs.select(await load(conditional), { only: [], from: "deploy" });
  if (!reuse.ok) throw new Error(reuse.error.message);
  const again = await project.runs.start(reuse.value.plan, defined({ reuse: reuse.value.reuse }));
  if (!again.ok) throw new Error(again.error.message);
  expect((await again.value.result).status).toBe("succeeded");
  expect(again.value.state().phases.map(({ tag }) => tag)).toEqual(["cached", "succeeded"]);
});

describe("of several runs the last time that a step ran counts", () => {
  const stepText = (id: string, command: string, more = ""): string => `  - { id: ${id}, run: "${command}"${more} }\n`;
  const planText = (build: string, lint: string): string =>
    `name: site\nfailure: continue\nsteps:\n${stepText("build", build)}${stepText("publish", "true", ", deps: [build]")}${stepText("lint", lint)}`;
  /** Fails by what a file says: the plan stays the same. */
  const command = (id: string): string => `test ! -e ${id}.red`;

  async function from(step: string, runs: readonly { readonly only?: string; readonly red?: readonly string[] }[]) {
    const folder = temporaryFolder("reuse");
    try {
      await using project = openMemoryProject(folder, { title: "test" });
      const loaded = await load(planText(command("build"), command("lint")));
      const ids: string[] = [];
      for (const { only, red = [] } of runs) {
        for (const id of ["build", "lint"]) rmSync(path.join(folder, `${id}.red`), { force: true });
        for (const id of red) writeFileSync(path.join(folder, `${id}.red`), "");
        const chosen =
          only === undefined ? undefined : await project.runs.select(loaded, { only: [only], from: undefined });
        if (chosen?.ok === false) throw new Error(chosen.error.message);
        const options = chosen?.ok === true && chosen.value.reuse !== undefined ? { reuse: chosen.value.reuse } : {};
        const started = await project.runs.start(chosen?.ok === true ? chosen.value.plan : loaded, options);
        if (!started.ok) throw new Error(started.error.message);
        ids.push(started.value.run);
        await started.value.result;
      }
      const reuse = await project.runs.select(loaded, { only: [], from: step });
      if (!reuse.ok) return reuse.error.code;
      const { run = "", outputs = new Map() } = reuse.value.reuse ?? {};
      return { from: ids.indexOf(run), ids: [...outputs.keys()].sort(), again: reuse.value.again };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test("the newest is taken where it has what is needed, though another step failed there", async () => {
    expect(await from("publish", [{}, { red: ["lint"] }])).toEqual({
      from: 1,
      ids: ["build"],
      again: [expect.stringMatching(/^Without a result in run \w+, these run too: lint\.$/)],
    });
  });

  test("an older success of what failed since is none", async () => {
    expect(await from("publish", [{}, { red: ["build"] }])).toBe("NothingToReuse");
  });

  test("a run of other steps alone does not hide the one before", async () => {
    expect(await from("publish", [{}, { only: "publish" }])).toMatchObject({
      from: 0,
      ids: ["build", "lint"],
      again: [],
    });
  });

  test("a step that ran alone since runs again: its result is in another run", async () => {
    expect(await from("publish", [{}, { only: "lint" }])).toMatchObject({
      from: 0,
      ids: ["build"],
      again: [expect.stringContaining("lint")],
    });
  });
});
