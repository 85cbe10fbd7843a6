/** Whatever a backend hands in as an outcome is recorded as an end of its step, and the run goes on. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { hostileOutcomes } from "../support/hostile-outcomes.ts";
import { Rig } from "./rig.ts";

const PLAN = "name: p\nfailure: continue\nsteps: [{id: a, run: x}, {id: b, run: x}]";

test("no outcome ends the engine: each is recorded, and the other step runs to its end", async () => {
  await fc.assert(
    fc.asyncProperty(hostileOutcomes, async (make) => {
      const rig = new Rig();
      const handle = await rig.start(PLAN);
      await rig.endWith("a", make);
      const ends = rig.events.filter((event) => "step" in event && event.step === "a" && event.type !== "step.started");
      expect(ends).not.toEqual([]);
      await rig.succeed("b");
      expect(rig.told).toContain("step.succeeded b");
      // A question is still open: nobody answers it here.
      if (rig.told.includes("approval.requested a")) return;
      // Steps that it added run too.
      for (const step of rig.running) await rig.succeed(step);
      expect(["succeeded", "failed", "cancelled"]).toContain((await handle.result).status);
    }),
    { numRuns: 150 },
  );
});

test("an outcome that never comes to be is a failure of its step", async () => {
  const rig = new Rig();
  const handle = await rig.start(PLAN);
  await rig.endWith("a", undefined);
  await rig.succeed("b");
  const result = await handle.result;
  expect(result.status).toBe("failed");
  expect(rig.events.find(({ type }) => type === "step.failed")).toMatchObject({
    data: { error: { code: "error", message: "the attempt has no outcome: the worker is gone" } },
  });
});

test.each(["cancel", "fail-fast", "run-timeout", "step-timeout"] as const)(
  "an attempt that was stopped by nobody is no reason to succeed without it: %s",
  async (reason) => {
    const rig = new Rig();
    const handle = await rig.start("name: p\nsteps: [{id: a, run: x}, {id: b, deps: [a], run: x}]");
    await rig.endWith("a", () => ({ kind: "stopped", reason }));
    expect((await handle.result).status).toBe("failed");
    expect(rig.events.find(({ type }) => type === "step.failed")).toMatchObject({
      step: "a",
      data: { error: { code: "lost", message: "the attempt was ended although nothing had asked for it" } },
    });
  },
);
