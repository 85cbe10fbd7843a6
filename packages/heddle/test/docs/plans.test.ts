/** The plans of `examples` load, have the shape that they are known for, and run. */
import { cp } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { load, run } from "../../src/index.ts";
import { openProject } from "../../src/host/open.ts";
import { criticalPath } from "../../src/graph/paths.ts";
import { buildGraph } from "../../src/graph/build.ts";
import { testFolder } from "../support/test-folder.ts";
import { ROOT } from "./markdown.ts";

const NAMES = ["microservices", "full-stack", "docs-and-tests", "automation", "typed", "check"] as const;

function fileOf(name: string): string {
  return path.join(ROOT, "examples", name, name === "typed" ? "heddle.ts" : "heddle.yaml");
}

async function layersOf(name: string): Promise<readonly (readonly string[])[]> {
  return (await load(fileOf(name))).layers;
}

test.each(NAMES)("%s loads", async (name) => {
  expect((await load(fileOf(name))).layers.length).toBeGreaterThanOrEqual(2);
});

describe("layers", () => {
  test("microservices has the batches of its source", async () => {
    expect(await layersOf("microservices")).toEqual([
      ["user-service", "order-service", "payment-service"],
      ["api-gateway"],
      ["integration-tests"],
    ]);
  });

  test("full-stack has the batches of its source", async () => {
    expect(await layersOf("full-stack")).toEqual([
      ["database-migrations", "frontend-components"],
      ["backend-models", "frontend-state"],
      ["backend-api"],
      ["integration"],
      ["e2e-tests"],
    ]);
  });

  test("docs-and-tests has the batches of its source", async () => {
    expect(await layersOf("docs-and-tests")).toEqual([
      ["implement-feature"],
      ["write-docs", "write-tests", "write-integration-tests"],
      ["final-review"],
    ]);
  });

  test("automation has the sum and the critical path of its source", async () => {
    const { plan } = await load(fileOf("automation"));
    const graph = buildGraph(plan.steps);
    if (!graph.ok) throw new Error("no graph");
    const estimate = (step: number): number => plan.steps[step]?.estimateMs ?? 0;
    expect(plan.steps.reduce((sum, step) => sum + (step.estimateMs ?? 0), 0)).toBe(2875);
    const longest = criticalPath(graph.value, estimate);
    expect(longest.map((step) => graph.value.ids[step]?.split("-")[0])).toEqual(["0", "5", "6", "7", "9", "10", "11"]);
    expect(longest.reduce((sum, step) => sum + estimate(step), 0)).toBe(1550);
  });
});

describe("runs", () => {
  test.each(["microservices", "docs-and-tests", "automation"])("%s succeeds", async (name) => {
    const projectDir = testFolder("api");
    const { status, failures } = await run(await load(fileOf(name)), { projectDir }).result;
    expect({ status, failures }).toEqual({ status: "succeeded", failures: [] });
  });

  test("typed succeeds from its own folder, as a plan file of a project", async () => {
    const projectDir = testFolder("api");
    await cp(path.join(ROOT, "examples/typed"), path.join(projectDir, "typed"), { recursive: true });
    const { outputs } = await run(await load(fileOf("typed")), { projectDir }).result;
    expect(outputs["report"]).toBe("6 endpoints tested, 0 failed");
    const opened = await openProject(projectDir, { title: "test", access: "read" });
    if (!opened.ok) throw new Error(opened.error.message);
    await using project = opened.value;
    expect(await project.runs.list()).toHaveLength(1);
  });

  test("docs-and-tests tries its flaky step again", async () => {
    const projectDir = testFolder("api");
    const running = run(await load(fileOf("docs-and-tests")), { projectDir });
    await running.result;
    expect(running.step("write-integration-tests")).toMatchObject({ status: "succeeded", attempts: 2 });
  });
});
