/** Steps of a run that run again because they are named, whatever came of them. */
import { describe, expect, it } from "vitest";
import type { StepsAgain } from "../../src/engine/api.ts";
import { resumeRun } from "../../src/engine/engine.ts";
import { explainStep } from "../../src/run/explain.ts";
import { phaseTag, Rig } from "./rig.ts";

describe("steps that are named to run again", () => {
  const DIAMOND = `
failure: continue
steps:
  - { id: a, run: one }
  - { id: b, deps: [a], run: two }
  - { id: c, deps: [a], run: three }
  - { id: d, deps: [b, c], run: four }
`;

  async function done(rig: Rig, plan = DIAMOND, ids = ["a", "b", "c", "d"]): Promise<string> {
    const { run, result } = await rig.start(plan);
    for (const id of ids) await rig.succeed(id, 1);
    expect((await result).status).toBe("succeeded");
    return run;
  }

  const refused = async (rig: Rig, run: string, again: StepsAgain) => {
    const resumed = await resumeRun(rig.ports, run, { mode: "retry", again });
    return resumed.ok ? undefined : resumed.error;
  };

  it("do so in a run that has succeeded, with what depends on them", async () => {
    const rig = new Rig();
    const run = await done(rig);
    const again = await rig.resume(run, { mode: "retry", again: { steps: ["b"] } });
    expect(rig.running).toEqual(["b"]);
    expect(rig.taskOf("b")).toMatchObject({ attempt: 2, deps: { a: 1 } });
    await rig.succeed("b", 2);
    expect(rig.taskOf("d").deps).toEqual({ b: 2, c: 1 });
    await rig.succeed("d", 2);
    expect(await again.result).toMatchObject({ status: "succeeded", outputs: { a: 1, b: 2, c: 1, d: 2 } });
  });

  it("do so without what depends on them, where that is asked for", async () => {
    const rig = new Rig();
    const run = await done(rig);
    await rig.pass(1000);
    const again = await rig.resume(run, { mode: "retry", again: { steps: ["b"], downstream: false } });
    await rig.succeed("b", 2);
    const { status, outputs } = await again.result;
    expect([status, outputs]).toEqual(["succeeded", { a: 1, b: 2, c: 1, d: 1 }]);
    expect(explainStep(again.state(), 3, { now: rig.clock.now(), live: false })).toContain("before b did");
  });

  it("are tried beside what failed: the run goes on as a whole", async () => {
    const rig = new Rig();
    const { run, result } = await rig.start(DIAMOND);
    await rig.succeed("a", 1);
    await rig.fail("b");
    await rig.succeed("c", 1);
    await result;
    await rig.resume(run, { mode: "retry", again: { steps: ["c"] } });
    expect(rig.running).toEqual(["b", "c"]);
  });

  it("ask a person again whose answer they had", async () => {
    const rig = new Rig();
    const first = await rig.start("steps: [{ id: ask, approve: Go? }, { id: b, deps: [ask], run: x }]", { wait: true });
    expect(first.answer("ask", { decision: "approve", by: "ada" }).ok).toBe(true);
    await rig.quiet();
    await rig.succeed("b");
    await first.result;
    const again = await rig.resume(first.run, { again: { steps: ["ask"] }, wait: true });
    expect(phaseTag(again, "ask")).toBe("waiting-for-answer");
    expect(phaseTag(again, "b")).toBe("waiting");
  });

  it("are no steps of a container that has ended as a whole: that is named in their place", async () => {
    const rig = new Rig();
    const plan = "steps: [{ id: all, forEach: [1, 2], run: x }, { id: z, deps: [all], run: y }]";
    const run = await done(rig, plan, ["all[0]", "all[1]", "z"]);
    const problem = await refused(rig, run, { steps: ["z", "all[1]"] });
    expect(problem).toMatchObject({ code: "NotRetriable", hint: expect.stringContaining("heddle retry") });
    expect(problem?.message).toContain("is inside all");
    const again = await rig.resume(run, { again: { steps: ["all"] } });
    expect(rig.running).toEqual(["all[0]", "all[1]"]);
    for (const id of ["all[0]", "all[1]", "z"]) await rig.succeed(id, 2);
    expect((await again.result).status).toBe("succeeded");
  });

  it("are those of the container's steps that succeeded, where it failed", async () => {
    const rig = new Rig();
    const { run, result } = await rig.start("failure: continue\nsteps: [{ id: all, forEach: [1, 2], run: x }]");
    await rig.succeed("all[0]");
    await rig.fail("all[1]");
    await result;
    await rig.resume(run, { again: { steps: ["all[0]"] } });
    expect(rig.running).toEqual(["all[0]", "all[1]"]);
  });

  it("are refused where the run has none of that name, or none is named, and nothing is recorded", async () => {
    const rig = new Rig();
    const run = await done(rig);
    const events = rig.events.length;
    expect(await refused(rig, run, { steps: ["a", "dd"] })).toMatchObject({
      code: "UnknownStep",
      hint: "Did you mean d?",
    });
    expect(await refused(rig, run, { steps: [] })).toMatchObject({
      code: "NothingToRetry",
      message: expect.stringContaining("the list is empty"),
    });
    expect(rig.events.length).toBe(events);
    expect(rig.dispatched).toHaveLength(4);
  });
});
