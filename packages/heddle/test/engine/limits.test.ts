/** What bounds a run from outside: locks of other runs, the machine, time. */
import { describe, expect, it } from "vitest";
import { recordRequest } from "../../src/engine/control-channel.ts";
import { HistoryReader } from "../../src/view/history.ts";
import { runView } from "../../src/view/run-view.ts";
import { heldBackBy } from "../../src/view/waits.ts";
import { phaseTag, Rig } from "./rig.ts";

const LOCKED = `
steps:
  - { id: deploy, run: x, locks: { write: [staging] } }
`;

describe("locks over runs of one project", () => {
  it("keeps a step waiting while another run writes, says whom it waits for, and lets it go on after", async () => {
    const first = new Rig();
    const second = new Rig({ store: first.store, clock: first.clock, pid: 2 });
    const holding = await first.start(LOCKED);
    const waiting = await second.start(LOCKED);
    expect(first.running).toEqual(["deploy"]);
    await second.pass(1000);
    expect(second.running).toEqual([]);
    expect(waiting.waitingFor()).toBe(`a lock held by run ${holding.run}, for 1.0s`);
    // For who looks from another process; once, however often it is asked for.
    const told = second.events.filter(({ type }) => type === "step.progress");
    expect(told).toMatchObject([
      { step: "deploy", attempt: 1, data: { type: "waiting", for: "lock", run: holding.run } },
    ]);
    const reader = new HistoryReader();
    for await (const batch of second.ports.journal.read(waiting.run)) for (const event of batch) reader.add(event);
    const { state = expect.fail("no state"), timeline } = reader;
    const view = runView({ state, timeline, live: true, now: second.clock.now(), logFile: () => "" });
    expect(view.steps).toMatchObject([
      { why: `waiting for 0.8s for a lock held by run ${holding.run}`, waitsSince: told[0]?.time },
    ]);
    await first.succeed("deploy");
    await second.pass(1000);
    expect(second.running).toEqual(["deploy"]);
    await second.succeed("deploy");
    expect((await waiting.result).status).toBe("succeeded");
  });

  it("shares read locks, and keeps a writer out while one reads", async () => {
    const first = new Rig();
    const second = new Rig({ store: first.store, clock: first.clock, pid: 2 });
    await first.start("steps: [{ id: a, run: x, locks: { read: [db] } }]");
    await second.start("steps: [{ id: b, run: x, locks: { read: [db] } }, { id: c, run: x, locks: { write: [db] } }]");
    await second.pass(500);
    expect(second.running).toEqual(["b"]);
    await second.succeed("b");
    await second.pass(500);
    expect(second.running).toEqual([]);
    await first.succeed("a");
    await second.pass(500);
    expect(second.running).toEqual(["c"]);
  });

  const GRANTED = `
failure: continue
steps:
  - id: box
    timeout: 5s
    plan: { steps: [ { id: in, run: x, locks: { write: [staging] } }, { id: long, run: x } ] }
  - { id: next, after: [box], run: x }
`;

  it("are given back by a step that has them and is cancelled before it starts", async () => {
    const first = new Rig();
    const second = new Rig({ store: first.store, clock: first.clock, pid: 2 });
    await first.start(GRANTED, { maxConcurrency: 1 });
    // The other step took the slot while the lock was asked for.
    expect(first.running).toEqual(["box/long"]);
    await second.start(LOCKED);
    await second.pass(4000);
    expect(second.running).toEqual([]);
    await first.pass(1000);
    await first.yield("box/long");
    expect(first.running).toEqual(["next"]);
    await second.pass(500);
    expect(second.running).toEqual(["deploy"]);
  });

  it("are given back as soon as the run is to end, not when its attempts have", async () => {
    const first = new Rig();
    const second = new Rig({ store: first.store, clock: first.clock, pid: 2 });
    const handle = await first.start(GRANTED, { maxConcurrency: 1 });
    await second.start(LOCKED);
    handle.cancel();
    await second.pass(500);
    expect([first.running, second.running]).toEqual([["box/long"], ["deploy"]]);
  });

  it("are given up to a step that overtakes one that has them and has not started", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      `
steps:
  - { id: low, priority: 5, run: x, locks: { write: [staging] } }
  - { id: long, run: x }
  - { id: high, deps: [long], priority: 10, run: x, locks: { write: [staging] } }
`,
      { maxConcurrency: 1 },
    );
    expect(rig.running).toEqual(["long"]);
    await rig.succeed("long");
    expect(rig.running).toEqual(["high"]);
    await rig.succeed("high");
    await rig.pass(500);
    await rig.succeed("low");
    expect((await handle.result).status).toBe("succeeded");
  });

  it("are held by each attempt, also by one that follows at once", async () => {
    const first = new Rig();
    const second = new Rig({ store: first.store, clock: first.clock, pid: 2 });
    await first.start(
      "steps: [{ id: a, run: x, locks: { write: [staging] }, retry: { attempts: 3, delay: 0s, jitter: 0 } }]",
    );
    await first.fail("a");
    await first.pass(0);
    expect(first.dispatched).toEqual(["a#1", "a#2"]);
    await second.start(LOCKED);
    await second.pass(500);
    expect([first.running, second.running]).toEqual([["a"], []]);
  });

  it("that come when the step has been cancelled are given back", async () => {
    const gate = Promise.withResolvers<void>();
    const first = new Rig({
      journal: (inner) => ({
        ...inner,
        lock: async (...of) => {
          await gate.promise;
          return await inner.lock(...of);
        },
      }),
    });
    const second = new Rig({ store: first.store, clock: first.clock, pid: 2 });
    await first.start(GRANTED, { maxConcurrency: 1 });
    await first.pass(5000);
    await first.yield("box/long");
    gate.resolve();
    await first.quiet();
    expect(first.running).toEqual(["next"]);
    await second.start(LOCKED);
    await second.pass(500);
    expect(second.running).toEqual(["deploy"]);
  });
});

describe("admission", () => {
  const plan = `
limits: { maxMemoryMb: 1000 }
steps: [{ id: a, run: x }, { id: b, run: x }]
`;
  it("starts one step even past the limit, the next only below it, and says why", async () => {
    const rig = new Rig();
    rig.usedMemoryMb = 2000;
    const handle = await rig.start(plan);
    expect(rig.running).toEqual(["a"]);
    expect(handle.waitingFor()).toBe("memory: 2000 MB in use, limits.maxMemoryMb is 1000");
    await rig.pass(3000);
    expect(rig.running).toEqual(["a"]);
    rig.usedMemoryMb = 500;
    await rig.pass(1000);
    expect(rig.running).toEqual(["a", "b"]);
    expect(handle.waitingFor()).toBeUndefined();
  });

  it("records what has been short for a while, once for each wait, for who looks from another process", async () => {
    const rig = new Rig();
    rig.usedMemoryMb = 2000;
    const handle = await rig.start(`
limits: { maxMemoryMb: 1000 }
maxConcurrency: 3
steps: [{ id: a, run: x }, { id: b, run: x }, { id: c, run: x }, { id: d, run: x, deps: [a] }]
`);
    const told = () => rig.events.flatMap((event) => (event.type === "machine.short" ? [event.data] : []));
    const seen = async () => {
      const reader = new HistoryReader();
      for await (const batch of rig.ports.journal.read(handle.run)) for (const event of batch) reader.add(event);
      return { state: reader.state ?? expect.fail("no state"), timeline: reader.timeline };
    };
    await rig.pass(1500);
    expect(told()).toEqual([]);
    await rig.pass(1000);
    expect(told()).toEqual([{ resource: "memory", used: 2000, limit: 1000 }]);
    const { state, timeline } = await seen();
    expect(heldBackBy(state, rig.clock.now())).toBe(handle.waitingFor());
    const view = runView({ state, timeline, live: true, now: rig.clock.now(), logFile: () => "" });
    expect(view.steps.map(({ reasons }) => reasons[0]?.kind)).toEqual([undefined, "memory", "memory", "deps"]);
    expect(view.steps[1]?.why).toBe("waiting for memory: 2000 MB in use, limits.maxMemoryMb is 1000");
    await rig.pass(60_000);
    expect(told()).toHaveLength(1);
    rig.usedMemoryMb = 0;
    await rig.pass(500);
    expect(rig.running).toEqual(["a", "b", "c"]);
    expect((await seen()).state.shortage).toBeUndefined();
  });

  it.each([
    [1500, 0],
    [2500, 2],
  ])("of two waits of %i ms for the machine it records %i", async (ms, told) => {
    const rig = new Rig();
    rig.cpuPercent = 95;
    await rig.start(`
limits: { maxCpuPercent: 80 }
maxConcurrency: 9
steps: [{ id: a, run: x }, { id: b, run: x }, { id: c, run: x, deps: [b] }]
`);
    await rig.pass(ms);
    rig.cpuPercent = 10;
    await rig.pass(500);
    expect(rig.running).toEqual(["a", "b"]);
    rig.cpuPercent = 95;
    await rig.pass(500);
    await rig.succeed("b");
    await rig.pass(ms);
    expect(rig.running).toEqual(["a"]);
    expect(rig.events.filter(({ type }) => type === "machine.short")).toHaveLength(told);
    rig.cpuPercent = 10;
    await rig.pass(500);
    expect(rig.running).toEqual(["a", "c"]);
  });

  it("counts CPU as well", async () => {
    const rig = new Rig();
    rig.cpuPercent = 95;
    const handle = await rig.start("limits: { maxCpuPercent: 80 }\nsteps: [{ id: a, run: x }, { id: b, run: x }]");
    expect(rig.running).toEqual(["a"]);
    expect(handle.waitingFor()).toContain("CPU: 95 % in use");
  });
});

describe("time limits", () => {
  it("stops an attempt past its timeout, and tries again as `retry` says", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      "steps: [{ id: a, run: x, timeout: 10s, retry: { attempts: 2, delay: 1s, jitter: 0 } }]",
    );
    await rig.pass(9_999);
    expect(rig.stopOf("a")).toBeUndefined();
    await rig.pass(1);
    expect(rig.stopOf("a")).toBe("timeout");
    await rig.yield("a");
    expect(phaseTag(handle, "a")).toBe("retrying");
    await rig.pass(1000);
    expect(rig.dispatched).toEqual(["a#1", "a#2"]);
    await rig.pass(10_000);
    await rig.yield("a");
    expect((await handle.result).status).toBe("failed");
    expect(rig.events.findLast((event) => event.type === "step.failed")?.data).toMatchObject({
      error: { code: "timeout", message: "timed out after 10000 ms" },
      willRetry: false,
    });
  });

  it("counts the total over attempts and waits: no attempt is begun that could not have its time", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      "steps: [{ id: a, run: x, totalTimeout: 10s, retry: { attempts: 9, delay: 4s, factor: 1, jitter: 0 } }]",
    );
    await rig.pass(1000);
    await rig.fail("a");
    await rig.pass(4000);
    expect(rig.dispatched).toEqual(["a#1", "a#2"]);
    await rig.pass(1500);
    await rig.fail("a");
    expect((await handle.result).status).toBe("failed");
    expect(rig.dispatched).toEqual(["a#1", "a#2"]);
  });

  it("ends the run when its time is over, with a reason, and leaves it resumable", async () => {
    const rig = new Rig();
    const handle = await rig.start("timeout: 5s\nsteps: [{ id: a, run: x }, { id: b, deps: [a], run: x }]");
    await rig.pass(5000);
    expect(rig.stopOf("a")).toBe("run-timeout");
    await rig.yield("a");
    expect((await handle.result).status).toBe("failed");
    expect(rig.events.at(-1)).toMatchObject({ type: "run.failed", data: { reason: "the run timed out" } });
    const again = await rig.resume(handle.run);
    await rig.succeed("a");
    await rig.succeed("b");
    expect((await again.result).status).toBe("succeeded");
  });

  const WORK =
    'timeout: 100s\nsteps: [{ id: a, run: x }, { id: q, deps: [a], approve: "Go?" }, { id: b, deps: [q], run: x }]';

  it("counts the time in which engines worked on the run, over resumes; a wait without one is none of it", async () => {
    const rig = new Rig();
    const first = await rig.start(WORK);
    await rig.pass(60_000);
    await rig.succeed("a");
    expect((await first.result).status).toBe("waiting");
    await rig.pass(3_600_000);
    const answer = { kind: "answer", step: "q", decision: "approve", by: "ada" } as const;
    expect((await recordRequest(rig.ports, first.run, answer)).ok).toBe(true);
    await rig.pass(3_600_000);
    const second = await rig.resume(first.run);
    await rig.pass(39_999);
    expect(rig.stopOf("b")).toBeUndefined();
    await rig.pass(1);
    expect(rig.stopOf("b")).toBe("run-timeout");
    await rig.yield("b");
    expect((await second.result).status).toBe("failed");
    // Its end was recorded: who goes on with it gives it its time again.
    const third = await rig.resume(first.run);
    await rig.pass(99_999);
    expect(rig.stopOf("b")).toBeUndefined();
    await rig.succeed("b");
    expect((await third.result).status).toBe("succeeded");
  });

  it("counts what a dead engine recorded last, and ends at once a run whose time is over", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      "timeout: 100s\nsteps: [{ id: a, run: x }, { id: b, deps: [a], run: x }, { id: c, deps: [b], run: x }]",
    );
    await rig.pass(60_000);
    await rig.succeed("a");
    await rig.pass(20_000);
    const heir = new Rig({ store: rig.store, clock: rig.clock, pid: 2 });
    const second = await heir.resume(handle.run);
    await heir.pass(40_000);
    expect(heir.stopOf("b")).toBe("run-timeout");
    await heir.succeed("b");
    expect((await second.result).status).toBe("failed");
    expect(heir.dispatched).toEqual(["b#2"]);
  });

  it("ends a subplan when its time is over: what runs is stopped, what waits does not start, what depends is skipped", async () => {
    const inner = {
      name: "inner",
      steps: [
        { id: "a", action: { kind: "run", command: "x" } },
        { id: "b", action: { kind: "run", command: "x" }, deps: ["a"] },
      ],
    } as const;
    const rig = new Rig({ subplan: inner });
    const handle = await rig.start(
      "failure: continue\nsteps: [{ id: s, plan: inner.yaml, timeout: 3s }, { id: t, deps: [s], run: x }]",
    );
    expect(rig.running).toEqual(["s/a"]);
    await rig.pass(3000);
    expect(rig.stopOf("s/a")).toBe("step-timeout");
    expect(phaseTag(handle, "s/b")).toBe("cancelled");
    await rig.yield("s/a");
    expect((await handle.result).status).toBe("failed");
    expect(phaseTag(handle, "s/a")).toBe("cancelled");
    expect(phaseTag(handle, "t")).toBe("skipped");
    expect(rig.events.find((event) => event.type === "step.failed")).toMatchObject({
      step: "s",
      data: { error: { code: "timeout", message: "timed out after 3000 ms" } },
    });
    const again = await rig.resume(handle.run);
    expect(rig.running).toEqual(["s/a"]);
    await rig.succeed("s/a");
    await rig.succeed("s/b", 7);
    await rig.succeed("t");
    expect((await again.result).outputs["s"]).toEqual({ a: null, b: 7 });
  });
});
