/** `sleep` and `signal` steps: waits that take no slot and go on while no engine lives. */
import { describe, expect, test } from "vitest";
import type { Json } from "../../src/base/json.ts";
import { recordRequest } from "../../src/engine/control-channel.ts";
import { cancelRun } from "../../src/engine/engine.ts";
import { checkHistory } from "../../src/run/check/history-checker.ts";
import type { Event } from "../../src/run/event.ts";
import { stepCounts } from "../../src/run/status.ts";
import { phaseTag, Rig } from "./rig.ts";

async function history(rig: Rig, run: string): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const batch of rig.ports.journal.read(run)) events.push(...batch);
  return events;
}

const outputAt = async (rig: Rig, run: string, step: string): Promise<Json | undefined> => {
  const ends = (await history(rig, run)).filter((event) => event.type === "step.succeeded" && event.step === step);
  const last = ends.at(-1);
  return last?.type === "step.succeeded" ? last.data.output : undefined;
};

let sent = 0;
const signal = (name: string, value: Json = null) =>
  ({ signal: name, value, by: "ada", id: `request ${++sent}` }) as const;

/** Somebody sends a signal where nobody works on the run. */
const leave = (rig: Rig, run: string, name: string, value: Json = null) =>
  recordRequest(rig.ports, run, { kind: "signal", ...signal(name, value) });

describe("sleep", () => {
  test("takes no slot, and what depends on it starts when its time is over", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      `
steps:
  - { id: pause, sleep: 2h }
  - { id: work, run: work }
  - { id: late, deps: [pause], run: late }
`,
      { maxConcurrency: 1 },
    );
    expect(rig.running).toEqual(["work"]);
    expect(phaseTag(handle, "pause")).toBe("sleeping");
    expect(stepCounts(handle.state(), true)).toMatchObject({ running: 1, waiting: 2 });
    await rig.succeed("work");
    await rig.pass(2 * 3_600_000 - 1);
    expect(rig.running).toEqual([]);
    await rig.pass(1);
    await rig.succeed("late");
    expect((await handle.result).status).toBe("succeeded");
    expect(rig.told.filter((type) => type.startsWith("timer"))).toEqual(["timer.set pause", "timer.fired pause"]);
    expect(checkHistory(await history(rig, handle.run))).toEqual([]);
  });

  test("until a point in time, which may have passed, and by a template", async () => {
    const rig = new Rig();
    const at = new Date(rig.clock.now() + 60_000).toISOString();
    const handle = await rig.start(`
steps:
  - { id: from, run: from }
  - { id: until, sleep: "${at}" }
  - { id: past, sleep: "1969-12-31T23:00:00-01:00" }
  - { id: filled, deps: [from], sleep: "\${{ deps.from.output.wait }}" }
`);
    expect(phaseTag(handle, "past")).toBe("succeeded");
    await rig.succeed("from", { wait: 90 });
    await rig.pass(60_000);
    expect([phaseTag(handle, "until"), phaseTag(handle, "filled")]).toEqual(["succeeded", "sleeping"]);
    await rig.pass(30_000);
    expect((await handle.result).status).toBe("succeeded");
  });

  test("a time that a template does not give fails the step", async () => {
    const rig = new Rig();
    const handle = await rig.start(`
steps:
  - { id: from, run: from }
  - { id: filled, deps: [from], sleep: "\${{ deps.from.output }}" }
`);
    await rig.succeed("from", "soon");
    expect((await handle.result).status).toBe("failed");
    expect(handle.state().phases[1]).toMatchObject({ tag: "failed", error: { code: "expression" } });
  });

  test("goes on while no engine lives: a resume after its time ends it at once, one before waits for the rest", async () => {
    const rig = new Rig();
    const plan = "steps: [{ id: pause, sleep: 1h }, { id: late, deps: [pause], run: late }]";
    const first = await rig.start(plan);
    expect(first.stopWaiting()).toBe(true);
    expect((await first.result).status).toBe("waiting");
    await rig.pass(1_800_000);
    const second = await rig.resume(first.run);
    expect(phaseTag(second, "pause")).toBe("sleeping");
    second.stopWaiting();
    await second.result;
    await rig.pass(3_600_000);
    const third = await rig.resume(first.run);
    expect(phaseTag(third, "pause")).toBe("succeeded");
    await rig.succeed("late");
    expect((await third.result).status).toBe("succeeded");
    expect((await history(rig, first.run)).filter(({ type }) => type === "timer.set")).toHaveLength(1);
    expect(checkHistory(await history(rig, first.run))).toEqual([]);
  });

  test("is cancelled with the run, and begins anew with a resume", async () => {
    const rig = new Rig();
    const first = await rig.start("steps: [{ id: pause, sleep: 1h }]");
    await rig.pass(1_800_000);
    first.cancel();
    expect((await first.result).status).toBe("cancelled");
    const second = await rig.resume(first.run);
    await rig.pass(3_599_999);
    expect(phaseTag(second, "pause")).toBe("sleeping");
    await rig.pass(1);
    expect((await second.result).status).toBe("succeeded");
  });

  test("ends in a paused run; what depends on it waits for the run to go on", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: pause, sleep: 10s }, { id: late, deps: [pause], run: late }]");
    handle.pause("lunch");
    await rig.quiet();
    await rig.pass(10_000);
    expect(phaseTag(handle, "pause")).toBe("succeeded");
    expect(rig.running).toEqual([]);
    handle.unpause();
    await rig.quiet();
    await rig.succeed("late");
    expect((await handle.result).status).toBe("succeeded");
  });

  test("a step beside it that fails cancels it", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: pause, sleep: 10s }, { id: work, run: work }]");
    await rig.fail("work");
    expect((await handle.result).status).toBe("failed");
    expect(phaseTag(handle, "pause")).toBe("cancelled");
    expect(checkHistory(await history(rig, handle.run))).toEqual([]);
  });
});

describe("signal", () => {
  const PLAN = "steps: [{ id: paid, signal: payment }, { id: ship, deps: [paid], run: ship }]";

  test("its value is the step's output; a run with nothing else left waits for a resume", async () => {
    const rig = new Rig();
    const first = await rig.start(PLAN);
    expect((await first.result).status).toBe("waiting");
    expect(await leave(rig, first.run, "payment", { amount: 42 })).toEqual({ ok: true, value: "done" });
    const second = await rig.resume(first.run);
    expect(await outputAt(rig, first.run, "paid")).toEqual({ amount: 42 });
    expect(rig.taskOf("ship").deps).toEqual({ paid: { amount: 42 } });
    await rig.succeed("ship");
    expect((await second.result).status).toBe("succeeded");
    expect(checkHistory(await history(rig, first.run))).toEqual([]);
  });

  test("reaches a run that waits for it, by its handle and from another process", async () => {
    for (const send of ["handle", "mailbox"]) {
      const rig = new Rig({ pollMs: 100 });
      const handle = await rig.start(PLAN, { wait: true });
      if (send === "handle") expect((await handle.signal(signal("payment", 1))).ok).toBe(true);
      else await rig.ports.journal.request(handle.run, rig.clock.now(), { kind: "signal", ...signal("payment", 1) });
      await rig.pass(200);
      expect(await outputAt(rig, handle.run, "paid")).toBe(1);
      await rig.succeed("ship");
      expect((await handle.result).status).toBe("succeeded");
    }
  });

  test("one that comes before the step waits is kept for it", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: work, run: work }, { id: paid, deps: [work], signal: payment }]");
    expect((await handle.signal(signal("payment", "early"))).ok).toBe(true);
    await rig.quiet();
    await rig.succeed("work");
    expect((await handle.result).status).toBe("succeeded");
    expect(await outputAt(rig, handle.run, "paid")).toBe("early");
    expect(checkHistory(await history(rig, handle.run))).toEqual([]);
  });

  test("each is taken once, by the step that has waited longest", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      `
steps:
  - { id: second, after: [work], signal: go }
  - { id: first, signal: go }
  - { id: work, run: work }
`,
      { wait: true },
    );
    await rig.pass(10);
    await rig.succeed("work");
    void handle.signal(signal("go", 1));
    await rig.quiet();
    expect([phaseTag(handle, "first"), phaseTag(handle, "second")]).toEqual(["succeeded", "waiting-for-signal"]);
    void handle.signal(signal("go", 2));
    expect((await handle.result).status).toBe("succeeded");
    expect([await outputAt(rig, handle.run, "first"), await outputAt(rig, handle.run, "second")]).toEqual([1, 2]);
  });

  test("one request that is delivered twice counts once", async () => {
    const rig = new Rig();
    const handle = await rig.start("steps: [{ id: a, signal: go }, { id: b, deps: [a], signal: go }]", { wait: true });
    const once = signal("go", 1);
    void handle.signal(once);
    await rig.quiet();
    expect((await handle.signal(once)).ok).toBe(true);
    await rig.quiet();
    expect([phaseTag(handle, "a"), phaseTag(handle, "b")]).toEqual(["succeeded", "waiting-for-signal"]);
  });

  test.each([
    ["a template", 'signal: "p-${{ params.n }}"'],
    ["items", "forEach: [1, 2], signal: name0"],
  ])("keeps no more than it may for names that are known only later: %s", async (_, later) => {
    const rig = new Rig();
    const steps = `[{ id: first, run: x }, { id: paid, deps: [first], ${later} }, { id: one, deps: [first], signal: known }]`;
    const handle = await rig.start(`params: { n: { type: number, default: 1 } }\nsteps: ${steps}`);
    const name = (at: number): string => (later.includes("forEach") ? "name0" : `name${at}`);
    const sent = Array.from({ length: 1001 }, (_each, at) => handle.signal(signal(name(at))));
    const refused = (await Promise.all(sent)).flatMap((each) => (each.ok ? [] : [each.error.code]));
    expect(refused).toEqual(["TooManySignals"]);
    await rig.quiet();
    expect(await handle.signal(signal(name(7)))).toMatchObject({ error: { code: "TooManySignals" } });
    // One for which a step is there is taken all the same.
    if (!later.includes("p-")) expect((await handle.signal(signal("known"))).ok).toBe(true);
    const { signals } = handle.state();
    signals.clear();
    signals.set("other", [{ value: null, time: 0, size: 16 * 1024 * 1024 }]);
    expect(await handle.signal(signal(name(8)))).toMatchObject({ error: { code: "TooManySignals" } });
  });

  test("a name by a template, one for each item", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      `
steps:
  - { id: each, forEach: [x, y], signal: "paid-\${{ item }}" }
  - { id: end, deps: [each], run: end }
`,
      { wait: true },
    );
    void handle.signal(signal("paid-y", "Y"));
    void handle.signal(signal("paid-x", "X"));
    await rig.quiet();
    expect(rig.taskOf("end").deps).toEqual({ each: ["X", "Y"] });
    await rig.succeed("end");
    expect((await handle.result).status).toBe("succeeded");
  });

  test.each([
    ["an unknown name", "paymnet", "UnknownSignal"],
    ["one more than there are steps", "payment", "SignalNotAwaited"],
  ])("refuses %s", async (_, name, code) => {
    const rig = new Rig();
    const first = await rig.start(PLAN);
    await first.result;
    if (code === "SignalNotAwaited") expect((await leave(rig, first.run, name)).ok).toBe(true);
    expect(await leave(rig, first.run, name)).toMatchObject({ ok: false, error: { code } });
    expect((await history(rig, first.run)).filter(({ type }) => type === "signal.received").length).toBeLessThan(2);
  });

  test("refuses a second one before the first is recorded, and counts none twice", async () => {
    const rig = new Rig();
    const handle = await rig.start(PLAN, { wait: true });
    await rig.quiet();
    const first = signal("payment", 1);
    const both = [first, first].map((sent) => handle.signal(sent));
    expect((await Promise.all(both)).map(({ ok }) => ok)).toEqual([true, true]);
    expect(await handle.signal(signal("payment", 2))).toMatchObject({ ok: false, error: { code: "SignalNotAwaited" } });
    await rig.quiet();
    await rig.succeed("ship");
    expect((await handle.result).outputs).toMatchObject({ paid: 1 });
    expect((await history(rig, handle.run)).filter(({ type }) => type === "signal.received").length).toBe(1);
  });

  test("refuses one for a run that has ended, or whose step has", async () => {
    const rig = new Rig();
    const first = await rig.start(PLAN, { wait: true });
    void first.signal(signal("payment"));
    await rig.quiet();
    expect(await first.signal(signal("payment"))).toMatchObject({ ok: false, error: { code: "SignalNotAwaited" } });
    await rig.succeed("ship");
    await first.result;
    expect(await leave(rig, first.run, "payment")).toMatchObject({ ok: false, error: { code: "RunEnded" } });
  });

  test("a value that its step's schema refuses fails the step where it was not known before", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      'steps: [{ id: first, run: x }, { id: paid, deps: [first], signal: "p-${{ run.id }}", output: { type: object, required: [amount] } }]',
      { wait: true },
    );
    expect((await handle.signal(signal(`p-${handle.run}`, { amonut: 1 }))).ok).toBe(true);
    await rig.succeed("first");
    expect((await handle.result).status).toBe("failed");
    expect(handle.state().phases[1]).toMatchObject({ tag: "failed", error: { code: "output" } });
    expect(checkHistory(await history(rig, handle.run))).toEqual([]);
  });

  test("a cancel of a run that nobody works on ends the wait, and a resume begins it again", async () => {
    const rig = new Rig();
    const first = await rig.start(PLAN);
    await first.result;
    expect(await cancelRun(rig.ports, first.run)).toEqual({ ok: true, value: "done" });
    expect(await leave(rig, first.run, "payment")).toMatchObject({ ok: false, error: { code: "RunEnded" } });
    const second = await rig.resume(first.run);
    expect((await second.result).status).toBe("waiting");
    expect((await leave(rig, first.run, "payment")).ok).toBe(true);
  });
});

describe("the time for a signal", () => {
  const plan = (onTimeout: string): string => `
steps:
  - { id: paid, signal: payment, timeout: 1h, onTimeout: ${onTimeout} }
  - { id: ship, deps: [paid], run: ship }
`;

  describe.each(["fail", "continue"])("onTimeout: %s", (onTimeout) => {
    const end = onTimeout === "fail" ? "failed" : "succeeded";

    test.each(["while its engine waits", "while no engine lives"])("is over %s", async (when) => {
      const rig = new Rig();
      const first = await rig.start(plan(onTimeout), { wait: when === "while its engine waits" });
      if (when === "while no engine lives") await first.result;
      await rig.pass(3_600_000);
      const last = when === "while its engine waits" ? first : await rig.resume(first.run);
      expect(phaseTag(last, "paid")).toBe(end);
      if (end === "succeeded") await rig.succeed("ship");
      expect((await last.result).status).toBe(end);
      expect(checkHistory(await history(rig, first.run))).toEqual([]);
    });

    test("takes no signal any more", async () => {
      const rig = new Rig();
      const first = await rig.start(plan(onTimeout));
      await first.result;
      await rig.pass(3_600_000);
      expect(await leave(rig, first.run, "payment")).toMatchObject({ ok: false, error: { code: "SignalTooLate" } });
      const second = await rig.resume(first.run);
      expect(phaseTag(second, "paid")).toBe(end);
    });

    test("took one until then, also where nobody went on before it was over", async () => {
      const rig = new Rig();
      const first = await rig.start(plan(onTimeout));
      await first.result;
      await rig.pass(3_599_999);
      expect((await leave(rig, first.run, "payment", "in time")).ok).toBe(true);
      await rig.pass(10_000);
      await rig.resume(first.run);
      expect(await outputAt(rig, first.run, "paid")).toBe("in time");
    });
  });
});
