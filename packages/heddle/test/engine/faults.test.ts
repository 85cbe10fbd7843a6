/** Work beside the loop that cannot go on: the engine stops with a problem, hangs nowhere, and gives its lease back. */
import { describe, expect, it } from "vitest";
import type { Journal } from "../../src/journal/port.ts";
import { phaseTag, Rig } from "./rig.ts";

/** A journal in which one method throws from when the test says so. */
function failing(method: keyof Journal): { readonly wrap: (inner: Journal) => Journal; broken: boolean } {
  const control = {
    broken: false,
    wrap: (inner: Journal): Journal =>
      new Proxy(inner, {
        get(target, name) {
          if (name === method && control.broken) return () => Promise.reject(new Error("the disk is gone"));
          const member: unknown = Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        },
      }),
  };
  return control;
}

describe("a journal that throws", () => {
  it.each([
    ["lock", "steps: [{ id: a, run: x, locks: { write: [l] } }]", 0],
    ["requests", "steps: [{ id: a, run: x }]", 1000],
    ["heartbeat", "steps: [{ id: a, run: x }]", 6000],
  ] as const)("%s: the run stops with a problem and can be resumed", async (method, plan, wait) => {
    const fault = failing(method);
    const rig = new Rig({ journal: fault.wrap, pollMs: 100 });
    fault.broken = true;
    const handle = await rig.start(plan);
    await rig.ports.journal.request(handle.run, 0, { kind: "pause", reason: "test" });
    await rig.pass(wait);
    expect((await handle.result).stopped).toMatchObject({ code: "EngineFault" });
    const heir = new Rig({ store: rig.store, clock: rig.clock, pid: 2 });
    await heir.resume(handle.run);
    expect(heir.running).toEqual(["a"]);
  });

  it("durations that cannot be kept do not spoil a run that succeeded", async () => {
    const fault = failing("recordDurations");
    const rig = new Rig({ journal: fault.wrap });
    fault.broken = true;
    const handle = await rig.start("steps: [{ id: a, run: x }]");
    await rig.pass(10);
    await rig.succeed("a");
    expect((await handle.result).status).toBe("succeeded");
  });

  it("a start that cannot read durations gives the run back", async () => {
    const fault = failing("expectedDurations");
    const rig = new Rig({ journal: fault.wrap });
    fault.broken = true;
    await expect(rig.start("steps: [{ id: a, run: x }]")).rejects.toThrow(/EngineFault/);
    const [record] = await rig.ports.journal.runs();
    expect(record?.holder).toBeNull();
  });
});

describe("a sweep that throws", () => {
  it("stops the run instead of waiting for ever", async () => {
    const rig = new Rig();
    Object.assign(rig.ports.backend, { sweep: () => Promise.reject(new Error("no /proc")) });
    const handle = await rig.start("steps: [{ id: a, run: x }]");
    await rig.succeed("a");
    expect((await handle.result).stopped?.message).toContain("no /proc");
  });
});

describe("two at once", () => {
  it("steps with one id added in the same turn: the first has them, the second fails and says so", async () => {
    const rig = new Rig();
    const handle = await rig.start("failure: continue\nsteps: [{ id: a, run: x }, { id: b, run: x }]");
    const added = [{ id: "new", run: "x" }];
    await Promise.all([rig.succeed("a", null, added), rig.succeed("b", null, added)]);
    expect(rig.running).toEqual(["new"]);
    expect([phaseTag(handle, "a"), phaseTag(handle, "b")].sort()).toEqual(["failed", "succeeded"]);
    await rig.succeed("new");
    expect((await handle.result).status).toBe("failed");
  });

  it("answers: the second is told that the question has its answer", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: ok, approve: Well? }]", { wait: true });
    const yes = handle.answer("ok", { decision: "approve", by: "one" });
    const no = handle.answer("ok", { decision: "reject", by: "two" });
    expect([yes.ok, no.ok]).toEqual([true, false]);
    expect((await handle.result).status).toBe("succeeded");
  });

  it("a paused run gives back a lock that it was granted and does not use", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      "maxConcurrency: 1\nsteps: [{ id: a, run: x }, { id: b, deps: [a], run: x, locks: { write: [l] } }]",
    );
    handle.pause("test");
    await rig.succeed("a");
    await rig.pass(1000);
    const other = new Rig({ store: rig.store, clock: rig.clock, pid: 2 });
    await other.start("steps: [{ id: c, run: x, locks: { write: [l] } }]");
    await other.pass(1000);
    expect(other.running).toEqual(["c"]);
  });
});
