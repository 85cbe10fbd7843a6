/** The shipped test kit: plans in memory, on a fake clock, with fakes in place of commands, agents and people. */
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import {
  agent,
  approve,
  command,
  forEach,
  load,
  plan,
  PlanError,
  sequence,
  signal,
  sleep,
  step,
  subplan,
} from "../../src/index.ts";
import { asks, fails, hangs, succeeds, testRun } from "../../src/testing/index.ts";
import { testFolder } from "../support/test-folder.ts";

const build = command("build", "make build");
const size = step("size", { deps: { build } }, ({ build: made }) => JSON.stringify(made).length);

describe("what ran", () => {
  test("is told: order, outputs, attempts, what fakes were called with", async () => {
    const typed = step("typed", { deps: { size } }, ({ size: n }) => ({ doubled: n * 2 }));
    const result = await testRun(plan("p", { steps: [typed] }), {
      steps: { build: succeeds({ files: 3 }, { takes: "90s" }) },
    });
    expect(result.status).toBe("succeeded");
    expect(result.order).toEqual(["build", "size", "typed"]);
    expect(result.outputs).toEqual({ build: { files: 3 }, size: 11, typed: { doubled: 22 } });
    expect(result.output(typed)).toEqual({ doubled: 22 });
    expect(result.elapsedMs).toBe(90_000);
    expect(result.step("build")).toMatchObject({
      status: "succeeded",
      output: { files: 3 },
      attempts: [
        { attempt: 1, status: "succeeded", startedMs: 0, durationMs: 90_000, call: { command: "make build" } },
      ],
    });
    expect(result.step("size").attempts).toEqual([
      { attempt: 1, status: "succeeded", startedMs: 90_000, durationMs: 0 },
    ]);
    expect(result.events[0]).toMatchObject({ type: "run.created", time: Date.UTC(2000, 0, 1) });
    expect(result.events.at(-1)).toMatchObject({ type: "run.succeeded", data: { durationMs: 90_000 } });
    expect(() => result.step("sizes")).toThrow(
      expect.objectContaining({ code: "UnknownStep", hint: "Did you mean size?" }),
    );
  });

  test("is the same each time", async () => {
    const definition = plan("p", {
      maxConcurrency: 2,
      steps: [size, forEach("each", { items: [1, 2, 3] }, (n) => n), command("other", "x", { retry: 1 })],
    });
    const once = () =>
      testRun(definition, { steps: { build: succeeds(1), other: [fails(), succeeds(null, { takes: 5 })] } });
    const [one, two] = [await once(), await once()];
    expect(one.events).toEqual(two.events);
    expect(one.history()).toBe(two.history());
    expect(one.history()).toContain('"step.succeeded"');
  });

  test("is nothing on the disk", async () => {
    const folder = mkdtempSync(path.join(testFolder("kit"), "in-"));
    const cwd = process.cwd();
    process.chdir(folder);
    try {
      const steps = [command("c", "touch made", { verify: "touch verified", undo: "touch undone" })];
      const result = await testRun(plan("p", { steps }), { steps: { c: succeeds() } });
      expect(result.step("c").commands).toEqual(["touch verified"]);
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      process.chdir(cwd);
    }
  });
});

describe("time", () => {
  test("passes at once and exactly: retries, timeouts, total timeouts", async () => {
    const flaky = command("flaky", "x", { retry: { attempts: 4, delay: "10s", factor: 3, maxDelay: "1h" } });
    const slow = command("slow", "x", { timeout: "2h", after: ["flaky"] });
    const result = await testRun(plan("p", { failure: "continue", steps: [flaky, slow] }), {
      steps: { flaky: [fails("one"), fails({ message: "two", code: "timeout" }), succeeds("three")], slow: hangs() },
    });
    expect(result.step("flaky").attempts).toMatchObject([
      { startedMs: 0, status: "failed", error: { code: "exit", exitCode: 1, message: "one" }, retryDelayMs: 10_000 },
      { startedMs: 10_000, status: "failed", error: { code: "timeout", message: "two" }, retryDelayMs: 30_000 },
      { startedMs: 40_000, status: "succeeded" },
    ]);
    expect(result.step("slow")).toMatchObject({
      status: "failed",
      error: { code: "timeout" },
      attempts: [{ startedMs: 40_000, durationMs: 7_200_000 }],
    });
    expect(result.elapsedMs).toBe(7_240_000);
    expect(result.failures.map(({ step: id }) => id)).toEqual(["slow"]);
  });

  test("of the whole run ends what hangs", async () => {
    const result = await testRun(plan("p", { timeout: "1d", steps: [build] }), { steps: { build: hangs() } });
    expect(result).toMatchObject({ status: "failed", elapsedMs: 86_400_000 });
    expect(result.step("build").attempts).toMatchObject([{ status: "cancelled" }]);
  });

  test("stands still while real functions run, whatever they wait for", async () => {
    const real = step("real", { timeout: "1ms" }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return "done";
    });
    const result = await testRun(plan("p", { maxConcurrency: 2, steps: [real, command("c", "x")] }), {
      steps: { c: succeeds(1, { takes: "1h" }) },
    });
    expect(result.status).toBe("succeeded");
    expect(result.step("real").attempts).toMatchObject([{ startedMs: 0, durationMs: 0 }]);
  });

  test("that a function never lets pass is an error that says what to do", async () => {
    const deaf = step("deaf", { timeout: "1s" }, () => new Promise(() => undefined));
    const hanging = testRun(plan("p", { steps: [deaf] }), { stuckAfter: "50ms" });
    await expect(hanging).rejects.toMatchObject({
      code: "TestRunHangs",
      message: expect.stringContaining("step deaf") as string,
      hint: expect.stringContaining("hangs()") as string,
    });
    const faked = await testRun(plan("p", { steps: [deaf] }), { steps: { deaf: hangs() } });
    expect(faked.step("deaf")).toMatchObject({ status: "failed", error: { code: "timeout" } });
  });

  test("brings what a test has planned for it", async () => {
    const steps = [sequence(command("a", "x"), command("b", "x"))];
    const fakes = { a: succeeds(1, { takes: "10m" }), b: succeeds(2, { takes: "10m" }) };
    const paused = await testRun(plan("p", { steps }), {
      steps: fakes,
      at: { "5m": (run) => run.pause("lunch"), "1h": (run) => run.unpause() },
    });
    expect(paused.step("b").attempts).toMatchObject([{ startedMs: 3_600_000 }]);
    const cancelled = await testRun(plan("p", { steps }), {
      steps: fakes,
      at: {
        "12m": (run) => {
          expect(run.elapsedMs()).toBe(720_000);
          run.cancel();
        },
      },
    });
    expect(cancelled).toMatchObject({ status: "cancelled", elapsedMs: 720_000, order: ["a", "b"] });
    expect(cancelled.step("b").attempts).toMatchObject([{ status: "cancelled", durationMs: 120_000 }]);
  });
});

describe("waits", () => {
  const cool = sleep("cool", "3d");

  test("for a time pass at once and exactly, those for a signal when it is sent", async () => {
    const late = step("late", { deps: [cool] }, () => "late");
    const pay = signal("pay", "payment");
    const shipped = step("shipped", { deps: { pay } }, ({ pay: amount }) => amount);
    const result = await testRun(plan("p", { steps: [late, shipped] }), {
      at: { "5m": (run) => run.signal("payment", { amount: 42 }) },
    });
    expect(result).toMatchObject({ status: "succeeded", elapsedMs: 3 * 86_400_000 });
    expect(result.output(shipped)).toEqual({ amount: 42 });
    expect(result.step("shipped").attempts).toMatchObject([{ startedMs: 300_000 }]);
    expect(result.step("late").attempts).toMatchObject([{ startedMs: 3 * 86_400_000 }]);
  });

  test("for a signal that nobody sends leave the run waiting", async () => {
    const waiting = await testRun(plan("p", { steps: [signal("pay", "payment")] }));
    expect(waiting.status).toBe("waiting");
    const unknown = testRun(plan("p", { steps: [cool] }), { at: { "1m": (run) => run.signal("payment") } });
    await expect(unknown).rejects.toMatchObject({ code: "UnknownSignal" });
  });
});

describe("people", () => {
  const ship = approve("ship", "Ship?", { timeout: "2d", deps: [build] });
  const definition = plan("p", { failure: "continue", steps: [step("after", { deps: [ship] }, () => "shipped")] });
  const steps = { build: succeeds() };

  test("answer as the test says, after as long as it says", async () => {
    const yes = await testRun(definition, {
      steps,
      answers: { ship: { decision: "approve", by: "ada", comment: "go", after: "3h" } },
    });
    expect(yes).toMatchObject({ status: "succeeded", elapsedMs: 10_800_000 });
    expect(yes.step("ship").output).toEqual({ approved: true, by: "ada", comment: "go" });
    expect(yes.order).toEqual(["build", "ship", "after"]);
    expect(yes.step("ship").attempts).toEqual([
      { attempt: 1, status: "succeeded", startedMs: 0, durationMs: 10_800_000 },
    ]);
    const no = await testRun(definition, { steps, answers: { ship: "reject" } });
    expect(no).toMatchObject({ status: "failed", elapsedMs: 0 });
    expect(no.step("after")).toMatchObject({ status: "skipped", cause: "ship" });
  });

  test("who do not answer let the time of the question pass, or the run wait", async () => {
    const late = await testRun(definition, { steps });
    expect(late).toMatchObject({ status: "failed", elapsedMs: 2 * 86_400_000 });
    const asking = plan("p", { steps: [approve("ask", "Now?")] });
    const waiting = await testRun(asking);
    expect(waiting.status).toBe("waiting");
    expect(waiting.step("ask")).toMatchObject({ status: "needs-approval", question: "Now?" });
    expect(await waiting.resume({ answers: { ask: "approve" } })).toMatchObject({ status: "succeeded" });
  });

  test("are told what is wrong with an answer", async () => {
    const asking = plan("p", { steps: [approve("ask", "Now?")] });
    await expect(testRun(asking, { at: { "1m": (run) => run.answer("ask", "approve") } })).resolves.toMatchObject({
      status: "succeeded",
    });
    const twice = testRun(plan("p", { steps: [build] }), {
      steps: { build: hangs() },
      at: { "1m": (run) => run.answer("build", "approve") },
    });
    await expect(twice).rejects.toMatchObject({ code: "NotAsked" });
  });
});

describe("agents", () => {
  const ui = agent("ui", { prompt: "Build ${{ params.page }}", retry: { attempts: 3, delay: "1m" } });
  const definition = plan("p", { params: { page: { type: "string" } }, steps: [ui] });
  const params = { page: "home" };

  test("answer by the script, and are asked what the plan says", async () => {
    const result = await testRun(definition, {
      params,
      steps: { ui: [fails({ message: "busy", class: "overloaded" }), succeeds("built", { takes: "20m" })] },
    });
    expect(result).toMatchObject({ status: "succeeded", outputs: { ui: "built" }, elapsedMs: 1_260_000 });
    expect(result.step("ui").attempts).toMatchObject([
      {
        status: "failed",
        error: { message: "busy", class: "overloaded" },
        call: { kind: "agent", prompt: "Build home" },
      },
      { status: "succeeded" },
    ]);
  });

  test("ask people, and are told the answer", async () => {
    const result = await testRun(definition, {
      params,
      steps: {
        ui: [asks("Which database?", ["sqlite", "postgres"]), ({ answers }) => ({ used: answers?.at(-1) ?? "" })],
      },
      answers: { ui: { answer: "postgres", after: "1h" } },
    });
    expect(result).toMatchObject({ status: "succeeded", outputs: { ui: { used: "postgres" } }, elapsedMs: 3_600_000 });
  });

  test("are held to the schema of their output", async () => {
    const strict = plan("p", { steps: [agent("ui", { prompt: "p", output: { type: "object" } })] });
    const result = await testRun(strict, { steps: { ui: succeeds("text") } });
    expect(result.step("ui").error).toMatchObject({ code: "output" });
  });
});

describe("fakes", () => {
  test("may be functions, which see what the step was called with", async () => {
    const c = command("c", "deploy $TARGET", { deps: [build], env: { TARGET: "${{ deps.build.output }}" } });
    const result = await testRun(plan("p", { steps: [c] }), {
      steps: { build: () => "prod", c: ({ env, inputs, command: text }) => ({ env, inputs, text: text ?? "" }) },
    });
    expect(result.outputs["c"]).toEqual({ env: { TARGET: "prod" }, inputs: { build: "prod" }, text: "deploy $TARGET" });
    const thrown = await testRun(plan("p", { steps: [build] }), {
      steps: { build: ({ attempt }) => (attempt > 1 ? succeeds() : Promise.reject(new Error("no"))) },
    });
    expect(thrown.failures).toMatchObject([{ step: "build", error: { code: "exit", message: "no" } }]);
  });

  test("stand in for functions too, for each item or all, and for steps of subplans", async () => {
    const inner = plan("inner", { steps: [command("x", "x"), step("real", () => 1)] });
    const each = forEach("each", { items: ["a", "b", "c"] }, (item) => item);
    const result = await testRun(plan("p", { steps: [each, subplan("sub", inner)] }), {
      steps: { each: ({ item }) => `all ${String(item)}`, "each[1]": succeeds("one"), "sub/x": succeeds("x") },
    });
    expect(result.outputs).toMatchObject({ each: ["all a", "one", "all c"], sub: { x: "x", real: 1 } });
  });

  test("for what has none: a command, an agent or a call fails, and says what to add", async () => {
    const steps = [build, agent("ui", { prompt: "p" })];
    const result = await testRun(plan("p", { failure: "continue", steps }));
    expect(result.failures.map(({ step: id, error }) => [id, error.message])).toEqual([
      ["build", 'step build is a command, and the test has no fake for it: steps: { "build": succeeds() }'],
      ["ui", 'step ui is an agent, and the test has no fake for it: steps: { "ui": succeeds() }'],
    ]);
  });

  test("of verify and undo work, unless a test says otherwise", async () => {
    const steps = [
      command("c", "x", { verify: "check", undo: "back" }),
      step("bad", { deps: ["c"] }, () => Promise.reject(new Error("no"))),
    ];
    const undone = await testRun(plan("p", { rollback: "all", steps }), { steps: { c: succeeds() } });
    expect(undone.step("c").commands).toEqual(["check", "back"]);
    expect(undone.events.map(({ type }) => type)).toContain("step.rolledback");
    const unverified = await testRun(plan("p", { steps }), { steps: { c: succeeds(), "c#verify": fails("red") } });
    expect(unverified.step("c").error?.message).toContain("red");
  });

  test("that fit nothing are errors: no step, an approval, a plan, and what asks nobody", async () => {
    const steps = [build, approve("ask", "Now?"), subplan("sub", plan("inner", { steps: [step("x", () => 1)] }))];
    const attempt = (script: object) => testRun(plan("p", { steps }), { steps: { build: succeeds() }, ...script });
    await expect(attempt({ steps: { biuld: succeeds(), build: succeeds() } })).rejects.toMatchObject({
      code: "UnknownStep",
      hint: "Did you mean build?",
    });
    await expect(attempt({ steps: { ask: succeeds() } })).rejects.toMatchObject({ code: "InvalidOption" });
    await expect(attempt({ steps: { sub: succeeds() } })).rejects.toMatchObject({ code: "InvalidOption" });
    for (const name of ["build#verify", "build#undo"])
      await expect(attempt({ steps: { build: succeeds(), [name]: succeeds() } })).rejects.toMatchObject({
        code: "InvalidOption",
      });
    const nap = testRun(plan("p", { steps: [sleep("nap", "1h")] }), { steps: { nap: succeeds() } });
    await expect(nap).rejects.toMatchObject({ code: "InvalidOption" });
    await expect(attempt({ answers: { build: "approve" } })).rejects.toMatchObject({ code: "InvalidOption" });
    for (const name of ["sub/y", "sub/x/deeper"])
      await expect(attempt({ steps: { build: succeeds(), [name]: succeeds() } })).rejects.toMatchObject({
        code: "UnknownStep",
      });
    expect(() => succeeds(1, { takes: "soon" })).toThrow(expect.objectContaining({ code: "InvalidOption" }));
    await expect(attempt({ at: { soon: () => undefined } })).rejects.toMatchObject({ code: "InvalidOption" });
  });
});

describe("what never comes is an error", () => {
  const each = forEach("e", { items: [1, 2] }, () => 1);
  const inside = forEach("f", { items: [1] }, () => 1);
  const inner = subplan("sub", plan("inner", { steps: [inside] }));

  test.each(["e[2]", "e[2]#verify", "sub/f[1]", "sub/g", "e[0]/x"])("a fake for %s", async (name) => {
    await expect(testRun(plan("p", { steps: [each, inner] }), { steps: { [name]: succeeds() } })).rejects.toMatchObject(
      {
        code: "UnknownStep",
        message: expect.stringContaining(`no step ${JSON.stringify(name.replace("#verify", ""))}`) as string,
      },
    );
  });

  test("but for one that may come, in a step that never began, and for all items", async () => {
    const steps = [sequence(build, each), inner];
    const result = await testRun(plan("p", { failure: "continue", steps }), {
      steps: { build: fails("no"), "e[5]": succeeds(), "sub/f": succeeds(7) },
    });
    expect(result).toMatchObject({ status: "failed", outputs: { sub: { f: [7] } } });
  });

  test("a moment after the run's end", async () => {
    const attempt = (at: string) =>
      testRun(plan("p", { steps: [build] }), {
        steps: { build: succeeds(1, { takes: "2m" }) },
        at: { "1m": (run) => run.pause(), "90s": (run) => run.unpause(), [at]: () => undefined },
      });
    await expect(attempt("3m")).rejects.toMatchObject({
      code: "InvalidOption",
      message: 'the option at has "3m", and the run was over after 2m',
    });
    expect((await attempt("119s")).status).toBe("succeeded");
  });
});

test("a run that failed is resumed with other fakes: what succeeded does not run again", async () => {
  const test2 = command("test", "x", { deps: [build] });
  const first = await testRun(plan("p", { steps: [test2] }), { steps: { build: succeeds("b"), test: fails("red") } });
  expect(first.status).toBe("failed");
  const second = await first.resume({ steps: { build: fails("never"), test: succeeds("t", { takes: "1m" }) } });
  expect(second).toMatchObject({ status: "succeeded", outputs: { build: "b", test: "t" }, elapsedMs: 60_000 });
  expect(second.order).toEqual(["build", "test", "test"]);
  expect(second.step("test").attempts).toMatchObject([{ status: "failed" }, { status: "succeeded" }]);
  // What was looked at before stays as it was.
  expect(first.order).toEqual(["build", "test"]);
});

test("a plan file runs too, with what expressions know as env", async () => {
  const file = path.join(testFolder("kit"), "heddle.yaml");
  writeFileSync(
    file,
    `steps:
  - { id: list, run: list }
  - { id: each, deps: [list], forEach: "\${{ deps.list.output }}", run: show, env: { X: "\${{ item }}" } }
  - { id: prod, deps: [each], if: "env.STAGE == 'prod'", run: deploy, passEnv: [STAGE] }
`,
  );
  const checked = await load(file);
  const steps = { list: succeeds(["a", "b"]), each: succeeds("e"), prod: succeeds("p") };
  const result = await testRun(checked, { steps, env: { STAGE: "dev" } });
  expect(result).toMatchObject({ status: "succeeded", order: ["list", "each", "each[0]", "each[1]"] });
  expect(result.step("each[1]").attempts[0]?.call?.env).toEqual({ X: "b" });
  expect(result.step("prod").status).toBe("skipped");
  expect((await testRun(checked, { steps, env: { STAGE: "prod" } })).order).toContain("prod");
  expect(existsSync(path.join(path.dirname(file), ".heddle"))).toBe(false);
});

test("an invalid plan is a PlanError, and what a listener throws is the test's", async () => {
  await expect(testRun(plan("p", { steps: [command("a", "x", { deps: ["b"] })] }))).rejects.toBeInstanceOf(PlanError);
  const listening = testRun(plan("p", { steps: [build] }), {
    steps: { build: succeeds() },
    onEvent: (event) => {
      if (event.type === "step.started") throw new Error("mine");
    },
  });
  await expect(listening).rejects.toThrow("mine");
});

describe("of the engine, in a test too", () => {
  test("the first failure cancels what hangs, and what is always to run runs", async () => {
    const steps = [
      command("bad", "x"),
      command("beside", "x"),
      command("clean", "x", { after: ["bad", "beside"], always: true }),
      command("next", "x", { deps: ["bad"] }),
    ];
    const result = await testRun(plan("p", { steps }), {
      steps: {
        bad: fails("no", { takes: "1m" }),
        beside: hangs(),
        clean: succeeds(null, { takes: "2m" }),
        next: succeeds(),
      },
    });
    expect(result).toMatchObject({ status: "failed", order: ["bad", "beside", "clean"], elapsedMs: 180_000 });
    expect(result.step("beside")).toMatchObject({ status: "cancelled", attempts: [{ durationMs: 60_000 }] });
    expect(result.step("next").attempts).toEqual([]);
  });

  test("pools, limits and priorities hold: the order is that of the real run", async () => {
    const step = (id: string, priority: number, cpu: number) => command(id, "x", { priority, resources: { cpu } });
    const steps = [step("small", 0, 1), step("large", 1, 3), step("urgent", 2, 2)];
    const takes = succeeds(null, { takes: "1m" });
    const result = await testRun(plan("p", { resources: { cpu: 3 }, steps }), {
      steps: { small: takes, large: takes, urgent: takes },
    });
    expect(result.order[0]).toBe("urgent");
    expect(result.elapsedMs).toBe(120_000);
    const one = await testRun(plan("p", { resources: { cpu: 3 }, steps }), {
      steps: { small: takes, large: takes, urgent: takes },
      maxConcurrency: 1,
    });
    expect(one.elapsedMs).toBe(180_000);
  });

  test("real functions that meet each other run at once, and steps behind them start while they run", async () => {
    const met = Promise.withResolvers<string>();
    const waits = step("waits", () => met.promise);
    const first = step("first", () => 1);
    const tells = step("tells", { deps: [first] }, () => met.resolve("met"));
    const result = await testRun(plan("p", { steps: [waits, tells] }));
    expect(result).toMatchObject({ status: "succeeded", outputs: { waits: "met" } });
  });
});
