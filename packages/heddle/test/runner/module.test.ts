import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import type { StepFunction } from "../../src/plan/plan.ts";
import { moduleRunner } from "../../src/runner/module.ts";
import type { Attempt, RunningAttempt } from "../../src/runner/port.ts";
import { runnerRegistry } from "../../src/runner/registry.ts";
import { commandAttempt } from "../support/suites/runner.ts";
import { clock, processWorld, setting, type Setting } from "./rig.ts";
import { until } from "../support/until.ts";
import type { Outcome } from "../../src/run/attempt.ts";

const FIXTURES = fileURLToPath(new URL("./fixtures.ts", import.meta.url));
const PLAN = fileURLToPath(new URL("./plan-fixture.ts", import.meta.url));

function moduleSetting(): Setting {
  const world = processWorld();
  const workerEntry = new URL("../../src/host/isolated-worker.ts", import.meta.url);
  return setting(world, runnerRegistry([moduleRunner({ clock, bases: world.bases, workerEntry })]));
}

function callAttempt(at: Setting, name: string, extra: Partial<Attempt> = {}, input: JsonObject = {}): Attempt {
  const work = { kind: "call", module: FIXTURES, export: name, with: input } as const;
  return commandAttempt(at.folder, "", { work, ...extra });
}

function functionAttempt(at: Setting, fn: StepFunction | StepFunction["run"], extra: Partial<Attempt> = {}): Attempt {
  const work = { kind: "function", inputs: { a: 1 }, fn: typeof fn === "function" ? { run: fn } : fn } as const;
  return commandAttempt(at.folder, "", { work, ...extra });
}

const messageOf = (outcome: Outcome): string =>
  outcome.kind === "failed" ? `${outcome.error.code}: ${outcome.error.message}` : outcome.kind;

describe.each([false, true])("call, isolate %s", (isolate) => {
  test("gives input and context, takes output, log, progress and steps", async () => {
    await using at = moduleSetting();
    expect(await at.runner.start(callAttempt(at, "double", { isolate }, { n: 21 })).outcome).toEqual({
      kind: "succeeded",
      output: 42,
    });
    const told: JsonObject[] = [];
    const attempt = callAttempt(at, "talk", {
      isolate,
      params: { env: "test" },
      item: "i",
      attempt: 3,
      secrets: ["HOME"],
      env: { HOME: process.env["HOME"] ?? "" },
      onProgress: (data) => void told.push(data),
    });
    expect(await at.runner.start(attempt).outcome).toEqual({
      kind: "succeeded",
      output: { run: attempt.run, step: attempt.step, attempt: 3, item: "i", params: { env: "test" } },
      steps: [{ id: "more", run: "true" }],
    });
    expect(told).toEqual([{ percent: 50 }]);
    expect(readFileSync(attempt.logFile ?? "", "utf8")).toBe("first line\nsecret is ***\n");
  });

  test("failures name what is wrong", async () => {
    await using at = moduleSetting();
    const run = async (name: string, extra: Partial<Attempt> = {}): Promise<string> =>
      messageOf(await at.runner.start(callAttempt(at, name, { isolate, ...extra })).outcome);
    const attempt = callAttempt(at, "fail", { isolate });
    expect(messageOf(await at.runner.start(attempt).outcome)).toBe("error: it broke");
    expect(readFileSync(attempt.logFile ?? "", "utf8")).toMatch(/^Error: it broke\n\s+at fail .*fixtures\.ts/);
    expect(await run("strange")).toMatch(/^output: output\.when is a Date/);
    expect(await run("huge")).toMatch(/^output: the output is 2000002 characters/);
    expect(await run("value")).toMatch(/^error: .* does not export a function value: it exports deaf, double/);
    const work = { kind: "call", module: join(at.folder, "none.ts"), export: "x", with: {} } as const;
    expect(await run("", { work })).toMatch(/^error: Cannot find module/);
  });

  test("a function that heeds its signal is stopped", async () => {
    await using at = moduleSetting();
    const running = at.runner.start(callAttempt(at, "wait", { isolate, graceMs: 60_000 }));
    running.stop("timeout");
    running.stop("cancel");
    expect(await running.outcome).toEqual({ kind: "stopped", reason: "timeout" });
  });

  test("a deaf one is abandoned in this process and ended in a thread, after its grace or at once", async () => {
    await using at = moduleSetting();
    const begin = async (graceMs: number): Promise<RunningAttempt> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const begun = at.runner.start(callAttempt(at, "deaf", { isolate, graceMs, onProgress: () => resolve() }));
      await promise;
      return begun;
    };
    const stopped = await begin(30);
    stopped.stop("cancel");
    const killed = await begin(60_000);
    killed.stop("cancel");
    killed.kill();
    const expected = { kind: "stopped", reason: "cancel", ...(isolate ? {} : { abandoned: true }) };
    expect([await stopped.outcome, await killed.outcome]).toEqual([expected, expected]);
  });
});

describe("isolated", () => {
  test("an endless loop, all memory and process.exit end with the thread", async () => {
    await using at = moduleSetting();
    const spinning = at.runner.start(callAttempt(at, "spin", { isolate: true, graceMs: 20 }));
    spinning.stop("timeout");
    expect(await spinning.outcome).toEqual({ kind: "stopped", reason: "timeout" });
    const hogging = await at.runner.start(callAttempt(at, "hog", { isolate: true, maxMemoryMb: 40 })).outcome;
    expect(messageOf(hogging)).toBe("memory: the step used more memory than its limit of 40 MB");
    expect(messageOf(await at.runner.start(callAttempt(at, "leave", { isolate: true })).outcome)).toBe(
      "error: the function ended its thread",
    );
  });

  test("a plan's function is found by its step; without a module it is refused", async () => {
    await using at = moduleSetting();
    const fn = { run: () => "not here" };
    const work = { kind: "function", inputs: { first: { n: 20 } }, fn, planModule: PLAN } as const;
    const attempt = { ...commandAttempt(at.folder, "", { work, isolate: true }), step: "second" };
    expect(await at.runner.start(attempt).outcome).toEqual({ kind: "succeeded", output: 21 });
    expect(readFileSync(attempt.logFile ?? "", "utf8")).toBe("n is 20\n");
    const running = at.runner.start({ ...attempt, step: "spinning", graceMs: 20 });
    running.stop("cancel");
    expect(await running.outcome).toEqual({ kind: "stopped", reason: "cancel" });
    expect(messageOf(await at.runner.start({ ...attempt, step: "unknown" }).outcome)).toMatch(
      /has no function for step unknown/,
    );
    expect(messageOf(await at.runner.start(functionAttempt(at, fn, { isolate: true })).outcome)).toMatch(
      /^spawn: isolate/,
    );
  });
});

describe("function", () => {
  test("values, promises, thenables and nothing", async () => {
    await using at = moduleSetting();
    const output = async (fn: StepFunction["run"]): Promise<unknown> => {
      const outcome = await at.runner.start(functionAttempt(at, fn)).outcome;
      return outcome.kind === "succeeded" ? outcome.output : messageOf(outcome);
    };
    expect(await output((inputs) => inputs)).toEqual({ a: 1 });
    expect(await output(async () => [1])).toEqual([1]);
    expect(await output(() => undefined)).toBeNull();
    expect(await output(() => Promise.reject("text"))).toBe("error: text");
    expect(await output(() => 1n)).toBe("output: output is a bigint, which JSON cannot represent");
  });

  test("a check converts or refuses the output", async () => {
    await using at = moduleSetting();
    const check: StepFunction["check"] = async (value) => (value === 1 ? { value: "one" } : { problem: "not 1" });
    expect(await at.runner.start(functionAttempt(at, { run: () => 1, check })).outcome).toEqual({
      kind: "succeeded",
      output: "one",
    });
    expect(messageOf(await at.runner.start(functionAttempt(at, { run: async () => 2, check })).outcome)).toBe(
      "output: the output is invalid: not 1",
    );
  });

  test("progress and steps are bounded, strange progress is dropped, a silent function leaves no file", async () => {
    await using at = moduleSetting();
    let told = 0;
    const chatty = functionAttempt(
      at,
      (_inputs, context) => {
        for (let i = 0; i < 3000; i++) context.progress({ i });
        context.progress({ text: "x".repeat(10_000) });
        context.progress("text" as never);
        expect(() => context.addSteps(Array.from({ length: 100_001 }))).toThrow(/at most/);
        expect(() => context.addSteps("x" as never)).toThrow(TypeError);
      },
      { onProgress: () => void told++ },
    );
    expect((await at.runner.start(chatty).outcome).kind).toBe("succeeded");
    expect(told).toBe(1000);
    expect(existsSync(chatty.logFile ?? "")).toBe(false);
  });

  test("what an abandoned function does later is not heard; a log shows while it runs", async () => {
    await using at = moduleSetting();
    const { promise: word, resolve: say } = Promise.withResolvers<void>();
    const { promise: done, resolve: end } = Promise.withResolvers<void>();
    let told = 0;
    const attempt = functionAttempt(
      at,
      async (_inputs, context) => {
        context.log("early");
        await word;
        context.log("late");
        context.progress({ late: true });
        end();
      },
      { graceMs: 10, onProgress: () => void told++ },
    );
    const running = at.runner.start(attempt);
    await until(() => existsSync(attempt.logFile ?? ""));
    running.stop("cancel");
    expect(await running.outcome).toEqual({ kind: "stopped", reason: "cancel", abandoned: true });
    say();
    await done;
    expect(told).toBe(0);
    expect(readFileSync(attempt.logFile ?? "", "utf8")).toBe("early\n");
  });

  test("an unknown kind of work is a failed attempt", async () => {
    await using at = moduleSetting();
    expect(messageOf(await at.runner.start(commandAttempt(at.folder, "true")).outcome)).toBe(
      "spawn: no runner carries out steps of kind run",
    );
  });
});
