/** What a resume keeps, runs again and refuses. */
import { describe, expect, it } from "vitest";
import type { RunHandle } from "../../src/engine/api.ts";
import { recordRequest } from "../../src/engine/control-channel.ts";
import { explainStep, outdatedBy } from "../../src/run/explain.ts";
import { phaseTag, Rig } from "./rig.ts";

const CHAIN = `
failure: continue
steps:
  - { id: a, run: one }
  - { id: b, deps: [a], run: two }
  - { id: c, deps: [b], run: three }
`;

/** Runs `plan` until `b` failed. */
async function failedAtB(rig: Rig, plan = CHAIN): Promise<RunHandle> {
  const handle = await rig.start(plan);
  await rig.succeed("a", 1);
  await rig.fail("b");
  expect((await handle.result).status).toBe("failed");
  return handle;
}

describe("resume", () => {
  it("keeps recorded successes with their outputs and runs the rest", async () => {
    const rig = new Rig();
    const { run } = await failedAtB(rig);
    const again = await rig.resume(run);
    expect(rig.running).toEqual(["b"]);
    expect(rig.taskOf("b").deps).toEqual({ a: 1 });
    expect(rig.taskOf("b").attempt).toBe(2);
    await rig.succeed("b");
    await rig.succeed("c");
    expect((await again.result).status).toBe("succeeded");
    expect(rig.dispatched).toEqual(["a#1", "b#1", "b#2", "c#1"]);
  });

  it("executes nothing for a finished run and returns the recorded result", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: a, run: x }]");
    await rig.succeed("a", 42);
    await handle.result;
    const events = rig.events.length;
    const again = await rig.resume(handle.run);
    expect(await again.result).toMatchObject({ status: "succeeded", outputs: { a: 42 } });
    expect(rig.events.length).toBe(events);
    expect(rig.dispatched).toEqual(["a#1"]);
  });

  it("sweeps up what dead engines left before it starts anything", async () => {
    const rig = new Rig();
    const { run } = await failedAtB(rig);
    const before = rig.sweeps;
    await rig.resume(run);
    expect(rig.sweeps).toBe(before + 1);
  });

  it("gives a step that was undone all its time and attempts again", async () => {
    const rig = new Rig();
    const handle = await rig.start(`
rollback: all
steps:
  - { id: a, run: x, undo: u, totalTimeout: 10s, retry: { attempts: 2, delay: 0s, jitter: 0 } }
  - { id: b, deps: [a], run: y }
`);
    await rig.fail("a");
    await rig.succeed("a");
    await rig.fail("b");
    await rig.succeed("a");
    expect(rig.told).toContain("step.rolledback a");
    await handle.result;
    await rig.pass(60_000);
    await rig.resume(handle.run);
    await rig.pass(9000);
    expect(rig.stopOf("a")).toBeUndefined();
    await rig.fail("a");
    expect(rig.running).toEqual(["a"]);
    await rig.pass(1000);
    expect(rig.stopOf("a")).toBe("timeout");
  });

  it("keeps the wait of a retry over a crash", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      "steps: [{ id: a, run: x, retry: { attempts: 2, delay: 60s, maxDelay: 60s, jitter: 0 } }]",
    );
    await rig.fail("a");
    await rig.pass(20_000);
    const heir = new Rig({ store: rig.store, clock: rig.clock, pid: 2 });
    await rig.ports.journal.release({ run: handle.run, fence: 1, holder: rig.ports.holder });
    await heir.resume(handle.run);
    await heir.pass(39_000);
    expect(heir.dispatched).toEqual([]);
    await heir.pass(1500);
    expect(heir.dispatched).toEqual(["a#2"]);
  });
});

describe("drift", () => {
  it("counts nothing of a step that ran when its engine died and is not in the plan any more", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: a, run: x }, { id: b, run: y }]", { maxConcurrency: 1 });
    expect(rig.running).toEqual(["a"]);
    const heir = new Rig({ store: rig.store, clock: rig.clock, pid: 2 });
    await rig.ports.journal.release({ run: handle.run, fence: 1, holder: rig.ports.holder });
    const again = await heir.resume(handle.run, { current: await heir.load("steps: [{ id: b, run: y }]") });
    await heir.succeed("b");
    expect((await again.result).status).toBe("succeeded");
  });

  it("counts the attempts of a step on that comes back: no two of one run have the same name", async () => {
    const rig = new Rig();
    const plan = (command: string): string => `
failure: continue
steps:
  - { id: each, forEach: [1], run: ${command} }
  - { id: other, run: y }
`;
    const handle = await rig.start(plan("one"));
    await rig.succeed("each[0]");
    await rig.fail("other");
    await handle.result;
    const again = await rig.resume(handle.run, { current: await rig.load(plan("two")), acceptChanges: true });
    expect(rig.dispatched.toSorted()).toEqual(["each[0]#1", "each[0]#2", "other#1", "other#2"]);
    await rig.succeed("other");
    await rig.succeed("each[0]");
    expect((await again.result).status).toBe("succeeded");
  });

  describe("of a step that asks", () => {
    const plan = (question: string): string => `
steps:
  - { id: ask, approve: ${question} }
  - { id: ship, deps: [ask], run: ship ${question} }
`;
    const asked = (rig: Rig): readonly unknown[] =>
      rig.events.flatMap((event) => (event.type === "approval.requested" ? [event.data.question] : []));

    it("asks again: nobody has answered the new question", async () => {
      const rig = new Rig();
      const { run, result } = await rig.start(plan("one"));
      expect((await result).status).toBe("waiting");
      const again = await rig.resume(run, { current: await rig.load(plan("two")), wait: true });
      expect(asked(rig)).toEqual(["one", "two"]);
      again.answer("ask", { decision: "approve", by: "me" });
      await rig.quiet();
      expect(rig.taskOf("ship").step.action).toMatchObject({ command: "ship two" });
    });

    it("asks again also where the old question was answered meanwhile", async () => {
      const rig = new Rig();
      const { run, result } = await rig.start(plan("one"));
      await result;
      const answer = { kind: "answer", step: "ask", decision: "approve", by: "me" } as const;
      expect(await recordRequest(rig.ports, run, answer)).toMatchObject({ ok: true });
      await rig.resume(run, { current: await rig.load(plan("two")), wait: true });
      expect(asked(rig)).toEqual(["one", "two"]);
      expect(rig.running).toEqual([]);
    });

    it("keeps the question that is still the plan's", async () => {
      const rig = new Rig();
      const { run, result } = await rig.start(plan("one"));
      await result;
      const current = await rig.load(plan("one").replace("run: ship one", "run: other"));
      const again = await rig.resume(run, { current, wait: true });
      expect(asked(rig)).toEqual(["one"]);
      expect(again.answer("ask", { decision: "approve", by: "me" }).ok).toBe(true);
    });
  });

  it("forgets the empty list that a container had before its definition changed", async () => {
    const rig = new Rig();
    const plan = (command: string): string => `
failure: continue
steps:
  - { id: list, run: ${command} }
  - { id: each, deps: [list], forEach: deps.list.output, run: x }
  - { id: other, run: y }
`;
    const handle = await rig.start(plan("one"));
    await rig.succeed("list", []);
    expect(phaseTag(handle, "each")).toBe("succeeded");
    await rig.fail("other");
    await handle.result;
    const changed = await rig.resume(handle.run, { current: await rig.load(plan("two")), acceptChanges: true });
    await rig.succeed("list", 5);
    expect(phaseTag(changed, "each")).toBe("failed");
    await rig.succeed("other");
    await changed.result;
    const again = await rig.resume(handle.run);
    expect((await again.result).status).toBe("failed");
    expect(rig.events.at(-2)?.data).toMatchObject({ error: { message: expect.stringContaining("gives a number") } });
  });

  it("stops when a succeeded step has another definition now, naming it and what differs", async () => {
    const rig = new Rig();
    const { run } = await failedAtB(rig);
    const current = await rig.load(CHAIN.replace("run: one", "run: changed"));
    await expect(rig.resume(run, { current })).rejects.toThrow(/PlanChanged.*a: action/);
    expect(rig.dispatched).toEqual(["a#1", "b#1"]);
  });

  it("runs the changed step and what depends on it again with acceptChanges, and nothing else", async () => {
    const rig = new Rig();
    const plan = `${CHAIN}  - { id: x, run: aside }\n  - { id: y, deps: [a], run: also }\n`;
    const handle = await rig.start(plan);
    await rig.succeed("x");
    await rig.succeed("a");
    await rig.succeed("y");
    await rig.fail("b");
    await handle.result;
    const current = await rig.load(plan.replace("run: one", "run: changed"));
    const again = await rig.resume(handle.run, { current, acceptChanges: true });
    expect(rig.running).toEqual(["a"]);
    expect(phaseTag(again, "x")).toBe("succeeded");
    await rig.succeed("a");
    expect(rig.running).toEqual(["b", "y"]);
  });

  it("does not mind a change of a step that has not succeeded, new steps, or removed ones", async () => {
    const rig = new Rig();
    const { run } = await failedAtB(rig);
    const current = await rig.load(`
failure: continue
steps:
  - { id: a, run: one }
  - { id: b, deps: [a], run: mended }
  - { id: e, deps: [a], run: new }
`);
    const again = await rig.resume(run, { current });
    expect(rig.running).toEqual(["b", "e"]);
    expect(rig.taskOf("b").step.action).toEqual({ kind: "run", command: "mended" });
    await rig.succeed("b");
    await rig.succeed("e");
    expect((await again.result).status).toBe("succeeded");
    expect(again.state().index.byId.has("c")).toBe(false);
  });
});

describe("rollback", () => {
  const UNDOING = `
rollback: all
steps:
  - { id: a, run: x, undo: undo-a }
  - { id: b, deps: [a], run: x, undo: undo-b }
  - { id: c, deps: [b], run: x, undo: undo-c }
`;
  it("undoes succeeded steps, newest first, one after another, before the run reports its failure", async () => {
    const rig = new Rig();
    const handle = await rig.start(UNDOING);
    await rig.succeed("a");
    await rig.succeed("b");
    await rig.fail("c");
    expect(rig.running).toEqual(["b"]);
    expect(rig.taskOf("b").step.action).toEqual({ kind: "run", command: "undo-b" });
    await rig.fail("b");
    expect(rig.running).toEqual(["a"]);
    await rig.succeed("a");
    expect((await handle.result).status).toBe("failed");
    expect(rig.told.slice(-5)).toEqual([
      "rollback.started",
      "rollback.failed b",
      "step.rolledback a",
      "rollback.ended",
      "run.failed",
    ]);
    const again = await rig.resume(handle.run);
    expect(rig.running, "b was not undone: its success stands").toEqual(["a", "c"]);
    await rig.succeed("a");
    await rig.succeed("c");
    expect((await again.result).status).toBe("succeeded");
  });

  it("runs by command after the run has ended", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: a, run: x, undo: u }, { id: b, deps: [a], run: x }]");
    await rig.succeed("a");
    await rig.fail("b");
    await handle.result;
    const undoing = await rig.rollback(handle.run);
    await rig.succeed("a");
    await undoing.result;
    expect(phaseTag(undoing, "a")).toBe("waiting");
  });
});

describe("a run that succeeded and was undone by command", () => {
  it("runs the undone steps again on resume, and nothing once they have", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: a, run: x, undo: u }, { id: b, deps: [a], run: x }]");
    await rig.succeed("a");
    await rig.succeed("b");
    await handle.result;
    const undoing = await rig.rollback(handle.run);
    await rig.succeed("a");
    await undoing.result;
    const again = await rig.resume(handle.run);
    expect(rig.running).toEqual(["a"]);
    await rig.succeed("a");
    expect((await again.result).status).toBe("succeeded");
    const dispatched = rig.dispatched.length;
    await (
      await rig.resume(handle.run)
    ).result;
    expect(rig.dispatched.length).toBe(dispatched);
  });
});

describe("the total time of a step", () => {
  it("does not run while no engine holds the run", async () => {
    const rig = new Rig();
    const plan = "steps: [{ id: a, run: x, totalTimeout: 60s, retry: { attempts: 2, delay: 10s, jitter: 0 } }]";
    const handle = await rig.start(plan);
    await rig.fail("a");
    await rig.ports.journal.release({ run: handle.run, fence: 1, holder: rig.ports.holder });
    const heir = new Rig({ store: rig.store, clock: rig.clock, pid: 2 });
    await rig.pass(3_600_000);
    await heir.resume(handle.run);
    await heir.pass(10_000);
    expect(heir.dispatched).toEqual(["a#2"]);
    await heir.pass(40_000);
    expect(heir.stopOf("a")).toBeUndefined();
    await heir.pass(11_000);
    expect(heir.stopOf("a")).toBe("timeout");
  });
});

describe("a success that a resume keeps, and that comes after what runs again", () => {
  it("is told as older than that, and only where that succeeded since", async () => {
    const rig = new Rig();
    const run = await rig.start(`
failure: continue
steps:
  - {id: test, run: x}
  - {id: flaky, run: x, optional: true}
  - {id: tell, after: [test], run: x}
  - {id: note, after: [flaky], run: x}
  - {id: deploy, after: [test], if: "deps.test.status == 'succeeded'", run: x}
  - {id: smoke, deps: [deploy], run: x}`);
    await rig.fail("test");
    await rig.fail("flaky");
    for (const id of ["tell", "note", "smoke"]) await rig.succeed(id);
    await run.result;
    await rig.pass(1000);
    const resumed = await rig.resume(run.run);
    await rig.succeed("test");
    await rig.fail("flaky");
    await rig.succeed("deploy");
    expect((await resumed.result).status).toBe("succeeded");
    expect(rig.dispatched.filter((name) => /tell|note|smoke/.test(name))).toHaveLength(3);
    const state = resumed.state();
    expect(state.steps.flatMap(({ id }, step) => outdatedBy(state, step) ?? `- ${id}`)).toEqual([
      "- test",
      "- flaky",
      "test",
      "- note",
      "- deploy",
      "deploy",
    ]);
    const why = explainStep(state, 2, { now: rig.clock.now(), live: false });
    expect(why).toMatch(/^succeeded after .*, before test did, which it comes after$/);
  });
});

describe("a step skipped by its condition, after a step that a resume runs again", () => {
  const text = (inside: boolean): string => {
    const steps = `steps: [
      {id: test, run: x},
      {id: deploy, after: [test], if: "deps.test.status == 'succeeded'", run: x},
      {id: smoke, after: [deploy], if: "deps.deploy.status != 'skipped'", run: x},
      {id: other, if: "run.id == ''", run: x}]`;
    return `failure: continue\n${inside ? `steps: [{id: in, plan: {failure: continue, ${steps}}}]` : steps}`;
  };

  it.each([
    ["of the plan", ""],
    ["of a plan inside", "in/"],
  ])("is asked again: %s", async (_, prefix) => {
    const rig = new Rig();
    const run = await rig.start(text(prefix !== ""));
    await rig.fail(`${prefix}test`);
    await run.result;
    for (const id of ["deploy", "smoke", "other"]) expect(phaseTag(run, prefix + id)).toBe("skipped");
    rig.dispatched.length = 0;
    const resumed = await rig.resume(run.run);
    await rig.succeed(`${prefix}test`);
    await rig.succeed(`${prefix}deploy`);
    await rig.succeed(`${prefix}smoke`);
    expect((await resumed.result).status).toBe("succeeded");
    // Nothing before it runs again.
    expect(phaseTag(resumed, `${prefix}other`)).toBe("skipped");
    expect(rig.dispatched).toEqual(["test#2", "deploy#1", "smoke#1"].map((each) => prefix + each));
  });

  it("is asked again for a plan of which nothing has succeeded, and not where something has", async () => {
    const text = `
failure: continue
steps:
  - {id: test, run: x}
  - {id: tell, after: [test], if: "deps.test.status == 'failed'", plan: {failure: continue, steps: [{id: mail, run: x}, {id: log, run: x}]}}`;
    for (const done of [[], ["tell/log"]]) {
      const rig = new Rig();
      const run = await rig.start(text);
      await rig.fail("test");
      await rig.fail("tell/mail");
      if (done.length > 0) await rig.succeed("tell/log");
      else await rig.fail("tell/log");
      await run.result;
      const resumed = await rig.resume(run.run);
      await rig.succeed("test");
      if (done.length > 0) await rig.succeed("tell/mail");
      expect((await resumed.result).status).toBe("succeeded");
      expect(phaseTag(resumed, "tell")).toBe(done.length > 0 ? "succeeded" : "skipped");
    }
  });
});
