/** Outputs that are checked: in attempts and by the run itself. The time of a step goes on meanwhile, and a run that ends waits for none. */
import { describe, expect, test } from "vitest";
import { present } from "../../src/base/assert.ts";
import type { Json } from "../../src/base/json.ts";
import { executor } from "../../src/engine/executor.ts";
import { NO_FUNCTIONS } from "../../src/plan/plan.ts";
import type { Outcome, Task } from "../../src/run/attempt.ts";
import { rebuildIndex } from "../../src/run/reindex.ts";
import { memoryWorkspaces } from "../../src/workspace/memory.ts";
import { backendTask } from "../support/suites/backend.ts";
import { indexMeaning } from "../support/state-snapshot.ts";
import { settle } from "../support/virtual-clock.ts";
import { phaseTag, Rig } from "./rig.ts";

const DONE: Outcome = { kind: "succeeded", output: "x" };

/** Checks that the test ends. */
class Checks {
  readonly asked: Json[] = [];
  readonly #ends: ((problem: string | undefined) => void)[] = [];

  readonly check = async (_schema: Json, output: Json, signal: AbortSignal): Promise<string | undefined> => {
    this.asked.push(output);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#ends.push(resolve);
    signal.addEventListener("abort", () => {
      this.#ends.splice(this.#ends.indexOf(resolve), 1);
      resolve("given up");
    });
    return await promise;
  };

  end(problem?: string): void {
    present(this.#ends.shift(), "check under way")(problem);
  }
}

describe("the output of an attempt", () => {
  function begin(checks: Checks) {
    const execute = executor({
      runner: {
        kinds: ["run"],
        start: () => ({ outcome: Promise.resolve(DONE), stop: () => undefined, kill: () => undefined }),
        async [Symbol.asyncDispose]() {},
      },
      workspaces: memoryWorkspaces({ projectDir: "/project" }),
      codeFor: () => ({ functions: NO_FUNCTIONS, folder: "/project" }),
      environment: {},
      checkOutput: checks.check,
    });
    const task: Task = backendTask("a");
    return execute({ ...task, step: { ...task.step, output: { pattern: "x" } } }, () => undefined);
  }

  test.each(["timeout", "step-timeout", "run-timeout", "cancel", "fail-fast"] as const)(
    "is not waited for where the attempt has to end: %s",
    async (reason) => {
      const checks = new Checks();
      const attempt = begin(checks);
      await settle();
      expect(checks.asked).toEqual(["x"]);
      attempt.stop(reason);
      expect(await attempt.outcome).toEqual({ kind: "stopped", reason });
    },
  );

  test("is not waited for where it is to end at once", async () => {
    const attempt = begin(new Checks());
    await settle();
    attempt.kill();
    expect(await attempt.outcome).toEqual({ kind: "stopped", reason: "cancel" });
  });

  test.each([
    [undefined, DONE],
    ["no", { kind: "failed", error: { code: "output", message: "the output does not match its schema: no" } }],
  ] as const)("counts as it is found: %s", async (problem, outcome) => {
    const checks = new Checks();
    const attempt = begin(checks);
    await settle();
    checks.end(problem);
    expect(await attempt.outcome).toEqual(outcome);
  });
});

const BOX = `
failure: continue
steps:
  - id: box
    timeout: 5s
    output: { type: object }
    plan: { steps: [ { id: in, run: x } ] }
  - { id: beside, run: x }
  - { id: next, after: [box], run: x }
`;

const LISTENERS = `
steps:
  - { id: first, signal: go, timeout: 5s, output: { type: string } }
  - { id: second, after: [lead], signal: go, output: { type: string } }
  - { id: lead, run: x }
`;

const signal = (value: Json) => ({ signal: "go", value, by: "ada", id: `request ${JSON.stringify(value)}` });

async function begin(plan: string) {
  const checks = new Checks();
  const rig = new Rig({ checkLater: checks.check, pollMs: 100 });
  return { checks, rig, handle: await rig.start(plan, { wait: true }) };
}

describe("the output of a plan inside a step", () => {
  test("is checked while the run goes on, and its step ends by it", async () => {
    const { checks, rig, handle } = await begin(BOX);
    await rig.succeed("box/in", 7);
    expect(checks.asked).toEqual([{ in: 7 }]);
    await rig.succeed("beside");
    expect([phaseTag(handle, "beside"), phaseTag(handle, "box")]).toEqual(["succeeded", "expanded"]);
    const kept = indexMeaning(handle.state().index);
    rebuildIndex(handle.state());
    expect(indexMeaning(handle.state().index)).toEqual(kept);
    checks.end();
    await rig.quiet();
    await rig.succeed("next");
    expect((await handle.result).outputs).toMatchObject({ box: { in: 7 } });
    expect(checks.asked).toHaveLength(1);
  });

  test.each([
    ["wrong", "output", "the output does not match its schema: no"],
    ["late", "timeout", "timed out after 5000 ms"],
  ])("that is %s fails it", async (why, code, message) => {
    const { checks, rig, handle } = await begin(BOX);
    await rig.succeed("beside");
    await rig.succeed("box/in", 7);
    if (why === "late") await rig.pass(5000);
    else checks.end("no");
    await rig.quiet();
    await rig.succeed("next");
    expect((await handle.result).status).toBe("failed");
    expect(rig.events.find(({ type }) => type === "step.failed")).toMatchObject({ data: { error: { code, message } } });
  });

  test("is not waited for by a cancelled run, and checked again by the next engine", async () => {
    const { checks, rig, handle } = await begin(BOX);
    await rig.succeed("beside");
    await rig.succeed("box/in", 7);
    handle.cancel();
    await rig.quiet();
    expect((await handle.result).status).toBe("cancelled");
    expect(phaseTag(handle, "box")).toBe("cancelled");
    const again = await rig.resume(handle.run, { wait: true });
    checks.end();
    await rig.quiet();
    await rig.succeed("next");
    expect((await again.result).status).toBe("succeeded");
    expect([rig.dispatched, checks.asked.length]).toEqual([["beside#1", "box/in#1", "next#1"], 2]);
  });

  test("keeps no engine that is to end at once", async () => {
    const { rig, handle } = await begin(BOX);
    await rig.succeed("box/in", 7);
    handle.cancel();
    handle.cancel();
    await rig.quiet();
    expect((await handle.result).status).toBe("cancelled");
  });

  test("does not let the time of a plan around it pass unseen", async () => {
    const { rig, handle } = await begin(`
steps:
  - id: outer
    timeout: 5s
    plan: { steps: [ { id: box, output: { type: object }, plan: { steps: [ { id: in, run: x } ] } } ] }
`);
    await rig.succeed("outer/box/in");
    await rig.pass(6000);
    expect(phaseTag(handle, "outer/box")).toBe("cancelled");
    expect((await handle.result).status).toBe("failed");
  });
});

describe("the value of a signal", () => {
  test("is the oldest listener's while it is checked, and in time", async () => {
    const { checks, rig, handle } = await begin(LISTENERS);
    await rig.succeed("lead");
    for (const value of ["a", "b"])
      await rig.ports.journal.request(handle.run, rig.clock.now(), { kind: "signal", ...signal(value) });
    await rig.pass(200);
    expect(checks.asked).toEqual(["a"]);
    await rig.pass(6000);
    checks.end();
    await rig.quiet();
    expect(checks.asked).toEqual(["a", "b"]);
    checks.end();
    expect((await handle.result).outputs).toMatchObject({ first: "a", second: "b" });
  });

  test("is not waited for by a cancelled run", async () => {
    const { checks, rig, handle } = await begin(LISTENERS);
    await rig.ports.journal.request(handle.run, rig.clock.now(), { kind: "signal", ...signal("a") });
    await rig.pass(200);
    expect(checks.asked).toEqual(["a"]);
    await rig.succeed("lead");
    handle.cancel();
    await rig.quiet();
    expect((await handle.result).status).toBe("cancelled");
  });

  const ONE = "steps: [{ id: paid, signal: go, output: { type: string } }]";

  test("is told to who sends it from the process of the run, and what is sent next comes after it", async () => {
    const { checks, rig, handle } = await begin(ONE);
    const sent = [7, "b", "c"].map((value) => handle.signal(signal(value)));
    await rig.quiet();
    expect(checks.asked).toEqual([7]);
    checks.end("no");
    await rig.quiet();
    checks.end();
    await rig.quiet();
    // The step's own check of what it takes.
    checks.end();
    const results = await Promise.all(sent);
    expect(results.map((each) => (each.ok ? "taken" : each.error.code))).toEqual([
      "InvalidSignal",
      "taken",
      "SignalNotAwaited",
    ]);
    expect((await handle.result).outputs).toEqual({ paid: "b" });
  });

  test("is told at once where that is known", async () => {
    const rig = new Rig();
    const handle = await rig.start(ONE);
    await handle.result;
    // Not to be lost: nobody reads it here any more.
    expect(await handle.signal(signal("a"))).toMatchObject({ ok: false, error: { code: "RunNotLive" } });
    const again = await rig.resume(handle.run, { wait: true });
    expect(await again.signal(signal(7))).toMatchObject({
      ok: false,
      error: { code: "InvalidSignal", message: expect.stringContaining("step paid") as string },
    });
    expect(await again.signal(signal("a"))).toMatchObject({ ok: true });
    expect((await again.result).outputs).toEqual({ paid: "a" });
  });
});
