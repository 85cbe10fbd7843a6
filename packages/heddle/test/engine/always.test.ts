/** `always: true`: steps that run once what they come after has ended, however it ended and however the run ends. */
import { describe, expect, test } from "vitest";
import { cancelRun } from "../../src/engine/engine.ts";
import { checkHistory } from "../../src/run/check/history-checker.ts";
import type { Event } from "../../src/run/event.ts";
import { SHELTER_MS } from "../../src/run/shelter.ts";
import { phaseTag, Rig } from "./rig.ts";

async function history(rig: Rig, run: string): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const batch of rig.ports.journal.read(run)) events.push(...batch);
  return events;
}

async function sound(rig: Rig, run: string): Promise<void> {
  expect(checkHistory(await history(rig, run))).toEqual([]);
}

const PLAN = `
steps:
  - { id: build, run: build }
  - { id: test, deps: [build], run: test }
  - { id: clean, deps: [test], always: true, run: clean, env: { WAS: "\${{ deps.test.status }}" } }
`;

describe("a step that is always to run", () => {
  test.each(["fail-fast", "continue"])(
    "runs after a failure, and the run has failed all the same: failure: %s",
    async (failure) => {
      const rig = new Rig();
      const handle = await rig.start(`failure: ${failure}\n${PLAN}`);
      await rig.fail("build");
      expect(phaseTag(handle, "test")).toBe("skipped");
      expect(rig.taskOf("clean").depStatus).toEqual({ test: "skipped" });
      await rig.succeed("clean");
      expect((await handle.result).status).toBe("failed");
      await sound(rig, handle.run);
    },
  );

  test("runs where all is well, and fails the run if it fails", async () => {
    const rig = new Rig();
    const handle = await rig.start(PLAN);
    await rig.succeed("build");
    await rig.succeed("test");
    await rig.fail("clean");
    expect((await handle.result).status).toBe("failed");
  });

  test("goes on when another step fails beside it", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: a, run: a }, { id: b, run: b }, { id: c, always: true, run: c }]");
    await rig.fail("a");
    expect([rig.stopOf("b"), rig.stopOf("c")]).toEqual(["fail-fast", undefined]);
    await rig.yield("b");
    await rig.pass(SHELTER_MS * 2);
    expect(rig.stopOf("c")).toBeUndefined();
    await rig.succeed("c");
    expect((await handle.result).status).toBe("failed");
    await sound(rig, handle.run);
  });

  test("without it, a step after one that fails does not start under fail-fast", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: a, run: a }, { id: b, after: [a], run: b }]");
    await rig.fail("a");
    expect((await handle.result).status).toBe("failed");
    expect(rig.dispatched).toEqual(["a#1"]);
  });

  test("runs while the run is cancelled, after what it comes after, which never starts", async () => {
    const rig = new Rig();
    const handle = await rig.start(PLAN);
    handle.cancel();
    await rig.quiet();
    expect(rig.running).toEqual(["build"]);
    await rig.yield("build");
    expect(rig.taskOf("clean").depStatus).toEqual({ test: "cancelled" });
    await rig.succeed("clean");
    expect((await handle.result).status).toBe("cancelled");
    expect(rig.dispatched).toEqual(["build#1", "clean#1"]);
    await sound(rig, handle.run);
  });

  test("a failure of it leaves a cancelled run cancelled", async () => {
    const rig = new Rig();
    const handle = await rig.start(PLAN);
    handle.cancel();
    await rig.quiet();
    await rig.yield("build");
    await rig.fail("clean");
    expect((await handle.result).status).toBe("cancelled");
    await sound(rig, handle.run);
  });

  test("runs after the run's time is over", async () => {
    const rig = new Rig();
    const handle = await rig.start(`timeout: 10s\n${PLAN}`);
    await rig.pass(10_000);
    await rig.yield("build");
    await rig.succeed("clean");
    const { status } = await handle.result;
    expect([status, handle.state().phase]).toMatchObject(["failed", { reason: "the run timed out" }]);
    await sound(rig, handle.run);
  });

  test.each([
    ["five minutes", "", SHELTER_MS],
    ["its own timeout", ", timeout: 20m", 1_200_000],
  ])("is bounded by %s where the run is cancelled, begun before or after", async (_, limit, ms) => {
    const rig = new Rig();
    const handle = await rig.start(`
steps:
  - { id: work, run: work }
  - { id: early, always: true, run: early${limit} }
  - { id: late, after: [work], always: true, run: late${limit} }
`);
    handle.cancel();
    await rig.quiet();
    await rig.yield("work");
    expect(rig.running).toEqual(["early", "late"]);
    await rig.pass(ms - 1);
    expect([rig.stopOf("early"), rig.stopOf("late")]).toEqual([undefined, undefined]);
    await rig.pass(2);
    expect([rig.stopOf("early"), rig.stopOf("late")]).toEqual(["timeout", "timeout"]);
    await rig.yield("early");
    await rig.yield("late");
    expect((await handle.result).status).toBe("cancelled");
    expect(handle.state().phases[2]).toMatchObject({ tag: "failed", error: { code: "timeout" } });
    await sound(rig, handle.run);
  });

  test("a cancel during what follows a failure bounds it too", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: a, run: a }, { id: c, always: true, run: c }]");
    await rig.fail("a");
    handle.cancel();
    await rig.quiet();
    await rig.pass(SHELTER_MS + 1);
    expect(rig.stopOf("c")).toBe("timeout");
    await rig.yield("c");
    expect((await handle.result).status).toBe("cancelled");
  });

  test("a second cancel ends it at once, and what had not begun ends with it", async () => {
    const rig = new Rig();
    const handle = await rig.start(`
steps:
  - { id: work, run: work }
  - { id: clean, deps: [work], always: true, run: clean }
  - { id: tell, deps: [clean], always: true, run: tell }
`);
    handle.cancel();
    await rig.quiet();
    await rig.yield("work");
    expect(rig.running).toEqual(["clean"]);
    handle.cancel();
    await rig.quiet();
    expect((await handle.result).status).toBe("cancelled");
    expect([phaseTag(handle, "clean"), phaseTag(handle, "tell")]).toEqual(["cancelled", "cancelled"]);
    expect(rig.dispatched).toEqual(["work#1", "clean#1"]);
    await sound(rig, handle.run);
  });

  test("is tried again after a failure as its plan says, not after a cancel", async () => {
    for (const [cancels, again] of [
      [false, 2],
      [true, 1],
    ] as const) {
      const rig = new Rig();
      const handle = await rig.start(
        "steps: [{ id: a, run: a }, { id: c, after: [a], always: true, run: c, retry: { attempts: 2, delay: 1s, jitter: 0 } }]",
      );
      if (cancels) {
        handle.cancel();
        await rig.quiet();
        await rig.yield("a");
      } else await rig.fail("a");
      await rig.fail("c");
      await rig.pass(2000);
      if (!cancels) await rig.succeed("c");
      expect((await handle.result).status).toBe(cancels ? "cancelled" : "failed");
      expect(rig.dispatched.filter((name) => name.startsWith("c#"))).toHaveLength(again);
      await sound(rig, handle.run);
    }
  });

  test("its condition holds of how its deps ended", async () => {
    const rig = new Rig();
    const handle = await rig.start(`
steps:
  - { id: a, run: a }
  - { id: bad, deps: [a], always: true, run: bad, if: "deps.a.status == 'failed'" }
  - { id: good, deps: [a], always: true, run: good, if: "deps.a.status == 'succeeded'" }
  - { id: value, deps: [a], always: true, run: value, env: { V: "\${{ has(deps.a.output) ? deps.a.output.v : 'none' }}" } }
`);
    await rig.fail("a");
    expect(rig.running).toEqual(["bad", "value"]);
    expect(phaseTag(handle, "good")).toBe("skipped");
    expect(rig.taskOf("value").deps).toEqual({});
    await rig.succeed("bad");
    await rig.succeed("value");
    expect((await handle.result).status).toBe("failed");
    await sound(rig, handle.run);
  });

  test("one that reads an output which is not there fails, and says so", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      'steps: [{ id: a, run: a }, { id: b, deps: [a], always: true, run: b, if: "deps.a.output.v == 1" }]',
    );
    await rig.fail("a");
    expect((await handle.result).status).toBe("failed");
    expect(handle.state().phases[1]).toMatchObject({ tag: "failed", error: { code: "expression" } });
  });

  test("runs in a run that is paused when it is cancelled", async () => {
    const rig = new Rig();
    const handle = await rig.start(PLAN);
    handle.pause("lunch");
    await rig.quiet();
    handle.cancel();
    await rig.quiet();
    await rig.yield("build");
    await rig.succeed("clean");
    expect((await handle.result).status).toBe("cancelled");
    await sound(rig, handle.run);
  });

  test("does not lose its time in a pause, in which nothing of it can start", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      `
steps:
  - id: box
    timeout: 5s
    plan:
      steps:
        - { id: work, run: work }
        - { id: clean, after: [work], always: true, forEach: [1, 2, 3], run: clean }
`,
      { maxConcurrency: 1 },
    );
    await rig.pass(5000);
    await rig.yield("box/work");
    handle.pause("lunch");
    await rig.succeed("box/clean[0]");
    await rig.pass(SHELTER_MS + 60_000);
    expect(phaseTag(handle, "box/clean[1]")).toBe("waiting");
    handle.unpause();
    await rig.quiet();
    await rig.pass(SHELTER_MS - 1);
    await rig.succeed("box/clean[1]");
    // From then on it is over as before.
    await rig.pass(1);
    await rig.yield("box/clean[2]");
    expect((await handle.result).status).toBe("failed");
    expect(["box/clean[1]", "box/clean[2]", "box"].map((id) => phaseTag(handle, id))).toEqual([
      "succeeded",
      "cancelled",
      "failed",
    ]);
    await sound(rig, handle.run);
  });

  test("in layers it comes after the layers before it", async () => {
    const rig = new Rig();
    const handle = await rig.start(`schedule: layers\n${PLAN}`);
    await rig.fail("build");
    await rig.succeed("clean");
    expect((await handle.result).status).toBe("failed");
    await sound(rig, handle.run);
  });

  test("undos come after it", async () => {
    const rig = new Rig();
    const handle = await rig.start(`
rollback: all
steps:
  - { id: a, run: a, undo: undo-a }
  - { id: b, deps: [a], run: b }
  - { id: c, after: [b], always: true, run: c }
`);
    await rig.succeed("a");
    await rig.fail("b");
    expect(rig.running).toEqual(["c"]);
    await rig.succeed("c");
    await rig.succeed("a");
    expect((await handle.result).status).toBe("failed");
    await sound(rig, handle.run);
  });
});

describe("a question or a wait that is always to come", () => {
  test.each([
    ["approve: Clean?", "cancelled"],
    ["approve: Clean?, timeout: 1m", "failed"],
    ["signal: go", "cancelled"],
    ["signal: go, timeout: 1m", "failed"],
    ["sleep: 1h", "cancelled"],
    ["sleep: 1m", "succeeded"],
  ])("is bounded, so that the run ends: %s", async (what, end) => {
    const rig = new Rig();
    const handle = await rig.start(`steps: [{ id: a, run: a }, { id: w, after: [a], always: true, ${what} }]`);
    await rig.fail("a");
    await rig.pass(SHELTER_MS + 1);
    expect((await handle.result).status).toBe("failed");
    expect(phaseTag(handle, "w")).toBe(end);
    await sound(rig, handle.run);
  });
});

describe("inside of containers", () => {
  const BOX = `
steps:
  - id: box
    plan:
      steps:
        - { id: work, run: work }
        - { id: rest, deps: [work], run: rest }
        - { id: clean, after: [work, rest], always: true, run: clean }
  - { id: other, run: other }
`;

  test.each(["fails", "is cancelled"])("it runs when the run %s", async (how) => {
    const rig = new Rig();
    const handle = await rig.start(BOX);
    if (how === "fails") await rig.fail("other");
    else {
      handle.cancel();
      await rig.quiet();
      await rig.yield("other");
    }
    await rig.yield("box/work");
    expect(rig.running).toEqual(["box/clean"]);
    await rig.succeed("box/clean");
    expect((await handle.result).status).toBe(how === "fails" ? "failed" : "cancelled");
    expect(phaseTag(handle, "box")).toBe("cancelled");
    await sound(rig, handle.run);
  });

  test("it runs when the container's time is over, and the container fails by that", async () => {
    const rig = new Rig();
    const handle = await rig.start(BOX.replace("id: box", "id: box\n    timeout: 10s"));
    await rig.succeed("other");
    await rig.pass(10_000);
    expect([rig.stopOf("box/work"), rig.running]).toEqual(["step-timeout", ["box/work"]]);
    await rig.yield("box/work");
    await rig.succeed("box/clean");
    expect((await handle.result).status).toBe("failed");
    expect(handle.state().phases[0]).toMatchObject({ tag: "failed", error: { code: "timeout" } });
    await sound(rig, handle.run);
  });

  test("it runs when a failure ends the plan that is a step", async () => {
    const rig = new Rig();
    const handle = await rig.start(`failure: continue\n${BOX.replace("plan:", "plan:\n      failure: fail-fast")}`);
    await rig.fail("box/work");
    expect(rig.running).toEqual(["box/clean", "other"]);
    await rig.succeed("box/clean");
    await rig.succeed("other");
    expect((await handle.result).status).toBe("failed");
    await sound(rig, handle.run);
  });

  test("a container that is always to run runs all of its steps", async () => {
    const rig = new Rig();
    const handle = await rig.start(`
steps:
  - { id: a, run: a }
  - { id: box, deps: [a], always: true, plan: { steps: [ { id: x, run: x }, { id: y, deps: [x], run: y } ] } }
  - { id: each, after: [box], always: true, forEach: [1, 2], maxConcurrency: 1, run: each }
`);
    await rig.fail("a");
    await rig.succeed("box/x");
    await rig.succeed("box/y");
    await rig.succeed("each[0]");
    await rig.succeed("each[1]");
    expect((await handle.result).status).toBe("failed");
    expect([phaseTag(handle, "box"), phaseTag(handle, "each")]).toEqual(["succeeded", "succeeded"]);
    await sound(rig, handle.run);
  });

  test("such a container is bounded as a whole where the run is cancelled", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      "steps: [{ id: a, run: a }, { id: each, after: [a], always: true, forEach: [1, 2], maxConcurrency: 1, run: each }]",
    );
    handle.cancel();
    await rig.quiet();
    await rig.yield("a");
    await rig.pass(SHELTER_MS - 1000);
    await rig.succeed("each[0]");
    await rig.pass(2000);
    await rig.yield("each[1]");
    expect((await handle.result).status).toBe("cancelled");
    expect(phaseTag(handle, "each")).toBe("failed");
    await sound(rig, handle.run);
  });
});

describe("a resume", () => {
  test("runs it again after what it comes after", async () => {
    const rig = new Rig();
    const first = await rig.start(PLAN);
    first.cancel();
    await rig.quiet();
    await rig.yield("build");
    await rig.succeed("clean");
    expect((await first.result).status).toBe("cancelled");
    const second = await rig.resume(first.run);
    expect(rig.running).toEqual(["build"]);
    await rig.succeed("build");
    await rig.succeed("test");
    expect(rig.taskOf("clean").depStatus).toEqual({ test: "succeeded" });
    await rig.succeed("clean");
    expect((await second.result).status).toBe("succeeded");
    await sound(rig, first.run);
  });

  test("keeps its success where all that it comes after is kept", async () => {
    const rig = new Rig();
    const first = await rig.start(
      "failure: continue\nsteps: [{ id: a, run: a }, { id: b, run: b }, { id: c, deps: [a], always: true, run: c }]",
    );
    await rig.succeed("a");
    await rig.succeed("c");
    await rig.fail("b");
    await first.result;
    const second = await rig.resume(first.run);
    await rig.succeed("b");
    expect((await second.result).status).toBe("succeeded");
    expect(rig.dispatched.filter((name) => name.startsWith("c#"))).toEqual(["c#1"]);
    await sound(rig, first.run);
  });

  test("inside of a container too, and with what depends on it", async () => {
    const rig = new Rig();
    const first = await rig.start(`
failure: continue
steps:
  - id: box
    plan:
      failure: continue
      steps:
        - { id: work, run: work }
        - { id: clean, after: [work], always: true, run: clean }
        - { id: told, deps: [clean], run: told }
`);
    await rig.fail("box/work");
    await rig.succeed("box/clean");
    await rig.succeed("box/told");
    expect((await first.result).status).toBe("failed");
    const second = await rig.resume(first.run);
    await rig.succeed("box/work");
    await rig.succeed("box/clean");
    await rig.succeed("box/told");
    expect((await second.result).status).toBe("succeeded");
    await sound(rig, first.run);
  });
});

test("a cancel of a run that nobody works on runs it, and starts nothing else", async () => {
  const rig = new Rig();
  const first = await rig.start(`
steps:
  - { id: ask, approve: "Go on?" }
  - { id: work, deps: [ask], run: work }
  - { id: clean, after: [work], always: true, run: clean }
`);
  expect((await first.result).status).toBe("waiting");
  const cancelled = cancelRun(rig.ports, first.run);
  await rig.quiet();
  expect(rig.running).toEqual(["clean"]);
  await rig.succeed("clean");
  expect(await cancelled).toEqual({ ok: true, value: "done" });
  await sound(rig, first.run);
});
