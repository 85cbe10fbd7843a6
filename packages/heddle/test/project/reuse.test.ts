/** What a new run may take from an earlier one: never a result beside a new result of what it was built on. */
import { expect, test } from "vitest";
import { openMemoryProject } from "../../src/host/open.ts";
import { compilePlan } from "../../src/graph/compile.ts";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";
import { NO_FUNCTIONS } from "../../src/plan/plan.ts";

async function load(text: string): Promise<LoadedPlan> {
  const compiled = await compilePlan({ text, file: "plan.yaml" });
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

async function reused(first: string, second: string, from: string) {
  await using project = openMemoryProject("/tmp", { title: "test" });
  const started = await project.runs.start(await load(first), { failure: "continue" });
  if (!started.ok) throw new Error(started.error.message);
  await started.value.result;
  const reuse = await project.runs.select(await load(second), { only: [], from });
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
  expect(await reused(optional("false"), optional("false"), "c")).toEqual({ ids: ["b"], again: [] });
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
