/** Requests from other processes to a live engine: none is lost, whoever else looks, and none can end the engine. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/base/json.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import { recordRequest } from "../../src/engine/control-channel.ts";
import { phaseTag, Rig } from "./rig.ts";

const POLL_MS = 100;

describe("two runs of one process", () => {
  it("each hears of its own requests, in a hundred pairs", async () => {
    for (let round = 0; round < 100; round++) {
      const rig = new Rig({ pollMs: POLL_MS });
      const first = await rig.start("steps: [{ id: a, run: x }]");
      const second = await rig.start("steps: [{ id: b, run: x }]");
      await rig.pass(POLL_MS * (1 + (round % 3)) + round);
      const other = memoryJournal({ store: rig.store });
      await other.request(first.run, 0, { kind: "cancel" });
      if (round % 2 === 0) await rig.pass(POLL_MS / 2);
      await other.request(second.run, 0, { kind: "cancel" });
      await rig.pass(2 * POLL_MS);
      expect([rig.stopOf("a"), rig.stopOf("b")], `round ${round}`).toEqual(["cancel", "cancel"]);
      await rig.yield("a");
      await rig.yield("b");
      expect([(await first.result).status, (await second.result).status]).toEqual(["cancelled", "cancelled"]);
    }
  });
});

describe("requests that nobody should have left", () => {
  const PLAN = "steps: [{ id: a, run: x }, { id: ask, approve: Well? }]";
  const texts = fc.oneof(fc.constantFrom("a", "ask", "", "__proto__"), fc.string(), fc.constant("x".repeat(70_000)));
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), texts) as fc.Arbitrary<Json>;
  /** Almost right ones: each member may be missing, of another type, or one that nobody knows. */
  const almost = fc.record(
    {
      kind: fc.oneof(fc.constantFrom("answer", "pause", "unpause", "answers"), anything),
      step: fc.oneof(fc.constantFrom("a", "ask", "nope"), anything),
      decision: fc.oneof(fc.constantFrom("approve", "reject", "maybe"), anything),
      by: anything,
      reason: anything,
      comment: anything,
      choice: fc.oneof(fc.constantFrom("ours", "theirs", "continue", "mine"), anything),
      more: anything,
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Json>;
  const requests = fc.array(fc.oneof(anything, almost), { maxLength: 12 });

  it("are dropped, and the engine goes on", async () => {
    await fc.assert(
      fc.asyncProperty(requests, async (bodies) => {
        const rig = new Rig({ pollMs: POLL_MS });
        const handle = await rig.start(PLAN, { wait: true });
        const other = memoryJournal({ store: rig.store });
        for (const body of bodies) await other.request(handle.run, 0, body);
        await rig.pass(2 * POLL_MS);
        expect(await other.requests(handle.run, 0)).toEqual([]);
        expect(rig.running).toEqual(["a"]);
        await other.request(handle.run, 0, { kind: "cancel" });
        await rig.pass(2 * POLL_MS);
        await rig.yield("a");
        const { status, stopped } = await handle.result;
        expect({ status, stopped }).toEqual({ status: "cancelled", stopped: undefined });
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ["a decision that is none", { kind: "answer", step: "ask", decision: "maybe", by: "x" }],
    ["an answer by nobody", { kind: "answer", step: "ask", decision: "approve" }],
    ["a reason that is not a string", { kind: "pause", reason: 7 }],
    ["nothing at all", null],
  ])("%s", async (_name, body) => {
    const rig = new Rig({ pollMs: POLL_MS });
    const handle = await rig.start(PLAN, { wait: true });
    await rig.ports.journal.request(handle.run, 0, body);
    await rig.ports.journal.request(handle.run, 0, { kind: "answer", step: "ask", decision: "approve", by: "anna" });
    await rig.pass(2 * POLL_MS);
    await rig.succeed("a");
    expect((await handle.result).status).toBe("succeeded");
    expect(rig.told).not.toContain("run.paused");
  });

  it("an answer in this process is checked too", async () => {
    const rig = new Rig();
    const handle = await rig.start(PLAN, { wait: true });
    const hostile = { decision: "maybe", by: "x" } as unknown as Parameters<typeof handle.answer>[1];
    const answered = handle.answer("ask", hostile);
    expect(answered.ok ? "" : answered.error.code).toBe("InvalidRequest");
    handle.answer("ask", { decision: "approve", by: "x" });
    await rig.succeed("a");
    expect((await handle.result).status).toBe("succeeded");
  });
});

describe("another number of steps at once", () => {
  const PLAN = "steps: [{ id: a, run: x }, { id: b, run: x }, { id: c, run: x }]";
  const set = (maxConcurrency: number) => ({ kind: "set-concurrency", maxConcurrency, by: "ada" }) as const;

  it("is honoured at once, whichever process asks", async () => {
    const rig = new Rig({ pollMs: POLL_MS });
    const handle = await rig.start(PLAN, { maxConcurrency: 1 });
    expect(rig.running).toEqual(["a"]);
    await memoryJournal({ store: rig.store }).request(handle.run, 0, set(2));
    await rig.pass(POLL_MS);
    expect(rig.running).toEqual(["a", "b"]);
    handle.setConcurrency({ maxConcurrency: 1, by: "bea" });
    await rig.quiet();
    expect(rig.running).toEqual(["a", "b"]);
    await rig.succeed("a");
    expect(rig.running).toEqual(["b"]);
    await rig.succeed("b");
    expect(rig.running).toEqual(["c"]);
    const told = rig.events.flatMap((event) => (event.type === "run.options" ? [event.data] : []));
    expect(told).toEqual([
      { maxConcurrency: 2, by: "ada" },
      { maxConcurrency: 1, by: "bea" },
    ]);
  });

  it("holds for the next engine, unless that one is told another", async () => {
    const rig = new Rig({ pollMs: POLL_MS });
    const first = await rig.start(PLAN, { maxConcurrency: 1 });
    first.setConcurrency({ maxConcurrency: 2, by: "ada" });
    await rig.quiet();
    first.cancel();
    for (const id of ["a", "b"]) await rig.yield(id);
    await first.result;
    const again = await rig.resume(first.run);
    expect(rig.running).toEqual(["a", "b"]);
    again.cancel();
    for (const id of ["a", "b"]) await rig.yield(id);
    await again.result;
    await rig.resume(first.run, { maxConcurrency: 3 });
    expect(rig.running).toEqual(["a", "b", "c"]);
  });

  it.each([0, -1, 1.5, Number.NaN, "4", 2 ** 53, undefined])("%s is none", async (maxConcurrency) => {
    const rig = new Rig({ pollMs: POLL_MS });
    const handle = await rig.start(PLAN, { maxConcurrency: 1 });
    const asked = { ...set(1), maxConcurrency: maxConcurrency as number };
    expect(handle.setConcurrency(asked)).toMatchObject({ ok: false, error: { code: "InvalidRequest" } });
    await rig.ports.journal.request(handle.run, 0, asked as unknown as Json);
    await rig.pass(2 * POLL_MS);
    expect(rig.told).not.toContain("run.options");
    await rig.succeed("a");
    expect(rig.running).toEqual(["b"]);
  });
});

describe("what the last engine left unread", () => {
  const PLAN = "steps: [{ id: ask, approve: Ship it? }, { id: ship, deps: [ask], run: x }]";
  const YES = { kind: "answer", step: "ask", decision: "approve", by: "anna" } as const;

  it("an answer counts at the next resume, though nobody waits there", async () => {
    const rig = new Rig({ pollMs: POLL_MS });
    const { run, result } = await rig.start(PLAN);
    await result;
    await rig.ports.journal.request(run, rig.clock.now(), YES);
    await rig.pass(1);
    const again = await rig.resume(run);
    expect(rig.running).toEqual(["ship"]);
    await rig.succeed("ship");
    expect((await again.result).status).toBe("succeeded");
    expect(await rig.ports.journal.requests(run, 0)).toEqual([]);
  });

  it("an answer to a question that the plan asks otherwise now is no answer to that one", async () => {
    const rig = new Rig({ pollMs: POLL_MS });
    const { run, result } = await rig.start(PLAN);
    await result;
    await rig.ports.journal.request(run, rig.clock.now(), YES);
    await rig.pass(1);
    const current = await rig.load(PLAN.replace("Ship it?", "Ship it to everybody?"));
    await rig.resume(run, { current, wait: true });
    await rig.pass(5 * POLL_MS);
    expect(rig.running).toEqual([]);
  });

  it("a cancel was for the engine that has gone", async () => {
    const rig = new Rig({ pollMs: POLL_MS });
    const { run, result } = await rig.start(PLAN);
    await result;
    await rig.ports.journal.request(run, rig.clock.now(), { kind: "cancel" });
    await rig.pass(1);
    const again = await rig.resume(run, { wait: true });
    await rig.pass(5 * POLL_MS);
    expect(again.state().phase.tag).toBe("running");
  });

  it("a cancel that comes while a resume begins is for it", async () => {
    const rig = new Rig({ pollMs: POLL_MS });
    const { run, result } = await rig.start(PLAN);
    await result;
    await rig.pass(1);
    await rig.ports.journal.request(run, rig.clock.now(), { kind: "cancel" });
    const again = await rig.resume(run, { wait: true });
    await rig.pass(2 * POLL_MS);
    expect((await again.result).status).toBe("cancelled");
  });
});

describe("a request is settled when what follows from it is on disk, and not before", () => {
  const PLAN = "steps: [{ id: a, run: x }, { id: ask, approve: Ship it? }, { id: ship, deps: [ask], run: x }]";
  const YES = { kind: "answer", step: "ask", decision: "approve", by: "anna" } as const;
  type Method = "append" | "settle" | "requests";

  /** A journal in which calls of one method wait for the test, before or after they have had their effect; and that of a killed engine. */
  function slow() {
    const control = {
      holds: undefined as { readonly method: Method; readonly when: "before" | "after" } | undefined,
      isKilled: false,
      waiting: [] as (() => void)[],
      go: () => {
        control.holds = undefined;
        for (const next of control.waiting.splice(0)) next();
      },
      wrap: (inner: Journal): Journal =>
        new Proxy(inner, {
          get(target, name) {
            const member: unknown = Reflect.get(target, name);
            if (typeof member !== "function" || name === "watch" || name === "read") return member;
            return async (...args: unknown[]) => {
              const holds = name === control.holds?.method ? control.holds : undefined;
              if (control.isKilled) return new Promise(() => undefined);
              if (holds?.when === "before") await new Promise<void>((resolve) => control.waiting.push(resolve));
              const result: unknown = await Reflect.apply(member, target, args);
              if (holds?.when === "after") await new Promise<void>((resolve) => control.waiting.push(resolve));
              return result;
            };
          },
        }),
    };
    return control;
  }

  async function heirOf(rig: Rig): Promise<Rig> {
    await rig.pass(60_000);
    return new Rig({ store: rig.store, clock: rig.clock, pid: 2, pollMs: POLL_MS });
  }

  it("stays in the mailbox while its event is being written", async () => {
    const journal = slow();
    const rig = new Rig({ pollMs: POLL_MS, journal: journal.wrap });
    const { run } = await rig.start(PLAN, { wait: true });
    const other = memoryJournal({ store: rig.store });
    journal.holds = { method: "append", when: "before" };
    await other.request(run, rig.clock.now(), YES);
    await rig.pass(3 * POLL_MS);
    expect(journal.waiting.length).toBe(1);
    expect(await other.requests(run, 0)).toHaveLength(1);
    journal.go();
    await rig.quiet();
    expect(await other.requests(run, 0)).toEqual([]);
    expect(rig.told).toContain("approval.given ask");
    expect(rig.running).toEqual(["a", "ship"]);
  });

  it.each([
    ["before its event is written", { method: "append", when: "before" }],
    ["when its event is written", { method: "append", when: "after" }],
    ["before it is settled", { method: "settle", when: "before" }],
  ] as const)("counts once where the engine is killed %s", async (_, moment) => {
    const journal = slow();
    const rig = new Rig({ pollMs: POLL_MS, journal: journal.wrap });
    const { run } = await rig.start(PLAN, { wait: true });
    const other = memoryJournal({ store: rig.store, now: () => rig.clock.now() });
    journal.holds = moment;
    await other.request(run, rig.clock.now(), YES);
    await rig.pass(3 * POLL_MS);
    expect(journal.waiting.length).toBe(1);
    journal.isKilled = true;
    const heir = await heirOf(rig);
    await heir.resume(run);
    expect(heir.running).toEqual(["a", "ship"]);
    expect(await other.requests(run, 0)).toEqual([]);
    const answers = (rig.store.runs.get(run)?.events ?? []).filter(({ type }) => type === "approval.given");
    expect(answers).toHaveLength(1);
  });

  it("is no answer to a question that was asked after it was sent", async () => {
    const journal = slow();
    const rig = new Rig({ pollMs: POLL_MS, journal: journal.wrap });
    const { run } = await rig.start("steps: [{ id: a, run: x }]", { wait: true });
    const ask = (question: string) => rig.endWith("a", () => ({ kind: "unresolved", about: "question", question }));
    await ask("red or blue?");
    const other = memoryJournal({ store: rig.store, now: () => rig.clock.now() });
    journal.holds = { method: "settle", when: "before" };
    const answer = { kind: "answer", step: "a", decision: "approve", by: "anna", comment: "red" } as const;
    await other.request(run, rig.clock.now(), answer);
    await rig.pass(2 * POLL_MS);
    await ask("all of it?");
    journal.isKilled = true;
    const heir = await heirOf(rig);
    const again = await heir.resume(run, { wait: true });
    await heir.pass(3 * POLL_MS);
    expect(phaseTag(again, "a")).toBe("waiting-for-answer");
    expect(await other.requests(run, 0)).toEqual([]);
  });

  it("is left to the next engine where it comes as this one goes", async () => {
    const journal = slow();
    const rig = new Rig({ pollMs: POLL_MS, journal: journal.wrap });
    const { run, result } = await rig.start(PLAN);
    const other = memoryJournal({ store: rig.store, now: () => rig.clock.now() });
    await other.request(run, rig.clock.now(), YES);
    journal.holds = { method: "requests", when: "after" };
    await rig.pass(2 * POLL_MS);
    expect(journal.waiting.length).toBe(1);
    await rig.succeed("a");
    expect((await result).status).toBe("waiting");
    journal.go();
    await rig.pass(1);
    await rig.resume(run);
    expect(rig.running).toEqual(["ship"]);
  });
});

describe("an answer fits its question, whichever way it comes", () => {
  const YES = { decision: "approve", by: "x" } as const;
  const ABOUT = {
    step: { id: "ask", fits: [YES, { ...YES, comment: "fine" }], refused: [{ ...YES, choice: "ours" }] },
    question: {
      id: "a",
      fits: [{ ...YES, comment: "red" }],
      refused: [YES, { ...YES, comment: "red", choice: "ours" }],
    },
    conflict: { id: "a", fits: [{ ...YES, choice: "theirs" }], refused: [YES, { ...YES, comment: "mine" }] },
  } as const;
  const WAYS = ["handle", "mailbox", "nobody holds the run"] as const;
  const cases = WAYS.flatMap((way) => (["step", "question", "conflict"] as const).map((about) => ({ way, about })));

  it.each(cases)("$way: $about", async ({ way, about }) => {
    const { id, fits, refused } = ABOUT[about];
    for (const [answer, isGood] of [
      ...refused.map((each) => [each, false] as const),
      ...[...fits, { decision: "reject", by: "x" } as const].map((each) => [each, true] as const),
    ]) {
      const rig = new Rig({ pollMs: POLL_MS });
      const action = about === "step" ? "approve: Well?" : "run: x";
      const handle = await rig.start(`steps: [{ id: ${id}, ${action} }]`, { wait: way !== "nobody holds the run" });
      if (about !== "step") await rig.endWith("a", () => ({ kind: "unresolved", about, question: "which?" }));
      const other = memoryJournal({ store: rig.store });
      if (way === "handle") expect(handle.answer(id, answer).ok).toBe(isGood);
      else if (way === "mailbox") await other.request(handle.run, 0, { kind: "answer", step: id, ...answer });
      else {
        await handle.result;
        const answered = await recordRequest(rig.ports, handle.run, { kind: "answer", step: id, ...answer });
        expect(answered.ok || answered.error.code).toBe(isGood || "InvalidAnswer");
      }
      await rig.pass(2 * POLL_MS);
      const given = rig.store.runs.get(handle.run)?.events.filter(({ type }) => type === "approval.given") ?? [];
      expect(
        given.map(({ data }) => data),
        JSON.stringify(answer),
      ).toEqual(isGood ? [answer] : []);
    }
  });
});
