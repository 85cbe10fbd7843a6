/** Plans that grow or shrink while they run: added steps, items, subplans, conditions. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { command, forEach, plan, run, runs, step, subplan, when } from "../../src/index.ts";
import { eventsOf } from "./rig.ts";
import { testFolder } from "../support/test-folder.ts";

const MEMORY = { memory: true } as const;

describe("addSteps", () => {
  test("a step adds steps as it succeeds; they run and are recorded", async () => {
    const source = step("source", (_, context) => {
      context.addSteps([
        { id: "found-1", run: 'echo 1 > "$HEDDLE_OUTPUT"', deps: ["source"] },
        { id: "found-2", run: 'echo 2 > "$HEDDLE_OUTPUT"', deps: ["found-1"] },
      ]);
      return "two more";
    });
    const running = run(plan("grow", { steps: [source] }), MEMORY);
    expect((await running.result).outputs).toEqual({ source: "two more", "found-1": 1, "found-2": 2 });
    const added = (await eventsOf(running)).filter((event) => event.type === "steps.added");
    expect(added).toMatchObject([
      { step: "source", data: { kind: "siblings", steps: [{ id: "found-1" }, { id: "found-2" }] } },
    ]);
  });

  test.each([
    ["a known id", { id: "other", run: "true" }, /already has a step "other"/],
    ["an unknown dep", { id: "new", run: "true", deps: ["nobody"] }, /no step has this id/],
    ["what is no step", { id: "new", run: 1 }, /the added steps are invalid/],
  ])("%s is refused: the step that adds it fails", async (_, added, message) => {
    const source = step("source", (_inputs, context) => context.addSteps([added]));
    const result = await run(plan("refuse", { failure: "continue", steps: [source, command("other", "true")] }), MEMORY)
      .result;
    expect(result.failures).toMatchObject([{ step: "source", error: { message: expect.stringMatching(message) } }]);
  });
});

describe("forEach", () => {
  test("runs once per item of a list that is known only at run time; outputs are in item order", async () => {
    const list = step("list", () => ["x", "yy", "zzz"]);
    const items = forEach("items", { items: list }, async (item) => item.length);
    const sum = step("sum", { deps: { items } }, (inputs) => inputs.items.reduce((a, b) => a + b, 0));
    const running = run(plan("items", { steps: [sum] }), MEMORY);
    const result = await running.result;
    expect(result.output(items)).toEqual([1, 2, 3]);
    expect(result.output(sum)).toBe(6);
    expect(running.step("items[2]")).toMatchObject({ status: "succeeded", output: 3 });
  });

  test("has a limit of its own", async () => {
    let now = 0;
    let most = 0;
    const items = forEach("items", { items: [1, 2, 3, 4, 5, 6], maxConcurrency: 2 }, async () => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
    });
    const result = await run(plan("limit", { maxConcurrency: 6, steps: [items] }), MEMORY).result;
    expect(result.status).toBe("succeeded");
    expect(most).toBeLessThanOrEqual(2);
  });

  test("over an empty list gives an empty list", async () => {
    const items = forEach("items", { items: [] as readonly string[] }, () => 1);
    expect((await run(plan("none", { steps: [items] }), MEMORY).result).output(items)).toEqual([]);
  });
});

describe("subplan", () => {
  test("another definition as one step: its steps have ids under the step's", async () => {
    const inner = plan("inner", { steps: [step("b", { deps: { a: step("a", () => 20) } }, ({ a }) => a + 1)] });
    const running = run(
      plan("outer", { steps: [step("after", { deps: [subplan("sub", inner)] }, () => "done")] }),
      MEMORY,
    );
    expect((await running.result).outputs).toMatchObject({ "sub/a": 20, "sub/b": 21, after: "done" });
    expect(running.step("sub")?.status).toBe("succeeded");
  });

  test("its dependents get the outputs of its steps by their ids, null of what has none", async () => {
    const params = { size: { type: "number" }, name: { type: "string", default: "x" } } as const;
    const double = step("double", { params }, (_, context) => context.params.size * 2);
    const never = when(
      "params.size > 100",
      step("never", () => "big"),
    );
    const mayFail = step("may-fail", { optional: true }, () => Promise.reject(new Error("no")));
    const inner = plan("inner", { params, failure: "continue", steps: [double, never, mayFail] });
    const size = step("size", () => 21);
    const sub = subplan("sub", inner, { deps: [size], params: { size: "${{ deps.size.output }}" } });
    const each = subplan("each", inner, { forEach: [1, 2], params: { size: "${{ item }}" } });
    const after = step("after", { deps: { sub, each } }, (inputs) => [
      (inputs.sub.double ?? 0) + 1,
      inputs.sub.never,
      inputs.sub["may-fail"],
      ...inputs.each.map((one) => one.double),
    ]);
    const result = await run(plan("outer", { failure: "continue", steps: [after] }), MEMORY).result;
    expect(result.status).toBe("succeeded");
    expect(result.output(after)).toEqual([43, null, null, 2, 4]);
  });

  test("a file as one step, with parameters", async () => {
    const projectDir = testFolder("api");
    const text =
      "params: { n: { type: number } }\nsteps:\n  - id: echo\n    env: { N: '${{ params.n }}' }\n    run: echo $N > $HEDDLE_OUTPUT\n";
    await writeFile(path.join(projectDir, "inner.yaml"), text);
    const result = await run(plan("outer", { steps: [subplan("sub", "./inner.yaml", { params: { n: 7 } })] }), {
      projectDir,
      memory: true,
    }).result;
    expect(result.outputs["sub/echo"]).toBe(7);
  });

  test("a file as one step is checked before anything runs, as that of a plan file", async () => {
    const projectDir = testFolder("api");
    await writeFile(path.join(projectDir, "typo.yaml"), "steps:\n  - { id: a, deps: [nobody], run: x }\n");
    await writeFile(path.join(projectDir, "self.yaml"), "steps: [{ id: a, plan: self.yaml }]\n");
    const first = step("first", () => 1);
    const refused = async (file: string): Promise<unknown> => {
      const inner = plan("inner", { steps: [subplan("sub", file)] });
      const { status, error } = await run(plan("outer", { steps: [first, subplan("in", inner)] }), { projectDir })
        .result;
      expect(status).toBe("refused");
      return error?.message.replaceAll(projectDir, "");
    };
    expect(await refused("./typo.yaml")).toMatch(/^typo.yaml:2:21: UnknownDependency/);
    expect(await refused("./gone.yaml")).toMatch(/^outer:1:1: PlanNotFound: the plan file gone.yaml/);
    expect(await refused("./self.yaml")).toMatch(/PlanContainsItself/);
    expect(await runs({ projectDir }).catch(() => [])).toEqual([]);
  });
});

describe("when", () => {
  test("a step whose condition is false is skipped; dependents run", async () => {
    const definition = plan("when", {
      params: { env: { type: "string", default: "staging" } },
      steps: [
        when(
          "params.env == 'production'",
          step("deploy", () => "deployed"),
        ),
        step("after", { deps: ["deploy"] }, () => "went on"),
      ],
    });
    const staging = run(definition, MEMORY);
    expect((await staging.result).outputs).toEqual({ after: "went on" });
    expect(staging.step("deploy")?.status).toBe("skipped");
    const production = await run(definition, { ...MEMORY, params: { env: "production" } }).result;
    expect(production.outputs).toEqual({ deploy: "deployed", after: "went on" });
  });
});
