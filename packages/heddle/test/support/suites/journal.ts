/**
 * What every journal has to do, as tests: run for each implementation. Registers tests through the `describe`, `it` and
 * `expect` that it is handed, so that nothing here needs a test runner.
 *
 * Each group names the invariant of `journal/port.ts` that it tests.
 */
import type { Json } from "../../../src/base/json.ts";
import type { Event } from "../../../src/run/event.ts";
import type { Holder, Journal, Lease } from "../../../src/journal/port.ts";

/** The part of a test runner that is needed. */
export interface TestTools {
  readonly describe: (name: string, body: () => void) => void;
  readonly it: (name: string, body: () => Promise<void>) => void;
  readonly expect: (actual: unknown) => {
    toBe(expected: unknown): void;
    toEqual(expected: unknown): void;
  };
}

/** A journal under test and the world around it. */
export interface JournalSetting {
  readonly journal: Journal;
  /** A second journal over the same store, like another process's; both stay open. */
  reopen(): Promise<Journal>;
  /** Moves the leases' clock on. */
  advance(ms: number): void;
  /** From now on the process with this pid is dead. */
  kill(pid: number): void;
  /** Closes everything. */
  end(): Promise<void>;
}

export const SUITE_TERM_MS = 16_000;

export function holder(pid: number): Holder {
  return { pid, started: `start-${pid}`, title: "test" };
}

/** An event of the kind that is easiest to make up. */
export function progress(
  run: string,
  seq: number,
  data: { readonly [key: string]: Json } = { seq },
  step = "build",
): Event {
  return { run, seq, time: 1_700_000_000_000 + seq, type: "step.progress", step, attempt: 1, data };
}

export async function readAll(journal: Journal, run: string): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const batch of journal.read(run)) events.push(...batch);
  return events;
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

const span = (run: string, from: number, to: number): readonly Event[] =>
  range(from, to).map((seq) => progress(run, seq));

export async function leaseOfNew(journal: Journal, run: string, pid = 1, plan = "plan"): Promise<Lease> {
  const created = await journal.create({ run, plan, createdAt: 1000 }, holder(pid));
  if (!created.ok) throw new Error(`create: ${created.error.kind}`);
  return created.value;
}

async function take(journal: Journal, run: string, pid: number): Promise<Lease> {
  const taken = await journal.acquire(run, holder(pid));
  if (!taken.ok) throw new Error(`acquire: ${taken.error.kind}`);
  return taken.value;
}

export function journalSuite(name: string, open: () => Promise<JournalSetting>, tools: TestTools): void {
  const groups = [
    orderTests,
    atomicTests,
    fenceTests,
    leaseTests,
    contentTests,
    recordTests,
    requestTests,
    lockTests,
    durationTests,
  ];
  tools.describe(`journal: ${name}`, () => {
    for (const group of groups) {
      group(tools, (title, body) => {
        tools.it(title, async () => {
          const setting = await open();
          try {
            await body(setting);
          } finally {
            await setting.end();
          }
        });
      });
    }
  });
}

type Register = (title: string, body: (setting: JournalSetting) => Promise<void>) => void;

function orderTests({ expect }: TestTools, test: Register): void {
  test("1: numbers are gapless from 1", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    expect(await journal.append(lease, span("r1", 2, 3))).toEqual({
      ok: false,
      error: { kind: "conflict", expected: 1, actual: 2 },
    });
    expect(await journal.append(lease, span("r1", 1, 3))).toEqual({ ok: true, value: undefined });
    expect(await journal.append(lease, span("r1", 5, 5))).toEqual({
      ok: false,
      error: { kind: "conflict", expected: 4, actual: 5 },
    });
    expect((await readAll(journal, "r1")).map((event) => event.seq)).toEqual([1, 2, 3]);
  });
  test("1: a gap inside a batch refuses all of it", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    const result = await journal.append(lease, [progress("r1", 1), progress("r1", 3)]);
    expect(result).toEqual({ ok: false, error: { kind: "conflict", expected: 2, actual: 3 } });
    expect(await readAll(journal, "r1")).toEqual([]);
  });
  test("2: what was appended is there for another journal at once", async ({ journal, reopen }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.append(lease, span("r1", 1, 3));
    const other = await reopen();
    expect(await readAll(other, "r1")).toEqual(span("r1", 1, 3));
  });
}

function atomicTests({ expect }: TestTools, test: Register): void {
  test("3: the same events again are accepted once", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.append(lease, span("r1", 1, 4));
    expect((await journal.append(lease, span("r1", 1, 4))).ok).toBe(true);
    expect((await journal.append(lease, span("r1", 2, 3))).ok).toBe(true);
    expect(await readAll(journal, "r1")).toEqual(span("r1", 1, 4));
  });
  test("3: the same number with other content is a conflict", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.append(lease, span("r1", 1, 2));
    const conflict = (actual: number): unknown => ({ ok: false, error: { kind: "conflict", expected: 3, actual } });
    expect(await journal.append(lease, [progress("r1", 2, { other: true })])).toEqual(conflict(2));
    expect(await journal.append(lease, [progress("r1", 2, { seq: 2 }, "other")])).toEqual(conflict(2));
    expect(await journal.append(lease, [{ ...progress("r1", 2), time: 5 }])).toEqual(conflict(2));
    expect(await readAll(journal, "r1")).toEqual(span("r1", 1, 2));
  });
  test("3: a batch that is stored in part is a conflict and adds nothing", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.append(lease, span("r1", 1, 2));
    expect((await journal.append(lease, span("r1", 2, 4))).ok).toBe(false);
    expect(await readAll(journal, "r1")).toEqual(span("r1", 1, 2));
  });
  test("3: the summary is stored with the batch or not at all", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.append(lease, span("r1", 1, 1), { summary: { done: 1 } });
    await journal.append(lease, span("r1", 5, 5), { summary: { done: 5 } });
    expect((await journal.get("r1"))?.summary).toEqual({ done: 1 });
    await journal.append(lease, span("r1", 2, 2));
    expect((await journal.get("r1"))?.summary).toEqual({ done: 1 });
    await journal.append(lease, [], { summary: { done: 2 } });
    expect((await journal.get("r1"))?.summary).toEqual({ done: 2 });
    expect((await journal.get("r1"))?.lastSeq).toBe(2);
  });
}

function fenceTests({ expect }: TestTools, test: Register): void {
  test("4: a late ex-holder is refused and told who has the run", async ({ journal, reopen, advance }) => {
    const first = await leaseOfNew(journal, "r1", 1);
    await journal.append(first, span("r1", 1, 1));
    advance(SUITE_TERM_MS + 1);
    const other = await reopen();
    const second = await take(other, "r1", 2);
    expect(second.fence > first.fence).toBe(true);
    expect(await journal.append(first, span("r1", 2, 2))).toEqual({
      ok: false,
      error: { kind: "fenced", holder: holder(2) },
    });
    expect((await other.append(second, span("r1", 2, 2))).ok).toBe(true);
    expect(await journal.heartbeat(first)).toBe(false);
    expect(await readAll(journal, "r1")).toEqual(span("r1", 1, 2));
  });
  test("4: a run that went to another holder and back goes on with all its steps", async ({
    journal,
    reopen,
    advance,
  }) => {
    const other = await reopen();
    const first = await leaseOfNew(journal, "r1", 1);
    const events = ["a", "b", "c", "a", "b"].map((step, index) => progress("r1", index + 1, {}, step));
    await journal.append(first, events.slice(0, 1));
    advance(SUITE_TERM_MS + 1);
    await other.append(await take(other, "r1", 2), events.slice(1, 2));
    advance(SUITE_TERM_MS + 1);
    expect(await journal.append(await take(journal, "r1", 3), events.slice(2))).toEqual({ ok: true, value: undefined });
    expect(await readAll(journal, "r1")).toEqual(events);
  });
  test("4: a released lease appends nothing", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.release(lease);
    expect(await journal.append(lease, span("r1", 1, 1))).toEqual({
      ok: false,
      error: { kind: "fenced", holder: null },
    });
    expect(await journal.heartbeat(lease)).toBe(false);
  });
  test("4: a removed run is fenced", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.release(lease);
    expect(await journal.remove("r1")).toBe(true);
    expect(await journal.append(lease, span("r1", 1, 1))).toEqual({
      ok: false,
      error: { kind: "fenced", holder: null },
    });
  });
}

function leaseTests({ expect }: TestTools, test: Register): void {
  test("lease: one holder at a time, also within a process", async ({ journal, reopen }) => {
    await leaseOfNew(journal, "r1", 1);
    const other = await reopen();
    expect(await other.acquire("r1", holder(2))).toEqual({ ok: false, error: { kind: "held", holder: holder(1) } });
    expect(await journal.acquire("r1", holder(1))).toEqual({ ok: false, error: { kind: "held", holder: holder(1) } });
    expect((await other.get("r1"))?.holder).toEqual(holder(1));
  });
  test("lease: free after release, death and silence, not before", async ({ journal, advance, kill }) => {
    const first = await leaseOfNew(journal, "r1", 1);
    await journal.release(first);
    expect((await journal.get("r1"))?.holder).toBe(null);
    const second = await take(journal, "r1", 2);
    kill(2);
    expect((await journal.get("r1"))?.holder).toBe(null);
    const third = await take(journal, "r1", 3);
    expect(third.fence > second.fence && second.fence > first.fence).toBe(true);
    advance(SUITE_TERM_MS - 1);
    expect((await journal.acquire("r1", holder(4))).ok).toBe(false);
    expect(await journal.heartbeat(third)).toBe(true);
    advance(SUITE_TERM_MS - 1);
    expect((await journal.acquire("r1", holder(4))).ok).toBe(false);
    advance(2);
    expect((await journal.acquire("r1", holder(4))).ok).toBe(true);
  });
  test("lease: an unknown run and a known id are told apart", async ({ journal }) => {
    expect(await journal.acquire("nope", holder(1))).toEqual({ ok: false, error: { kind: "unknown-run" } });
    await leaseOfNew(journal, "r1");
    const again = await journal.create({ run: "r1", plan: "plan", createdAt: 1 }, holder(2));
    expect(again.ok).toBe(false);
    expect(again.ok ? "" : again.error.kind).toBe("failed");
  });
}

const HOSTILE = ["'; DROP TABLE events; --", "\u0000", "ünï↯𝒳", '"\\\n\r\t', "../../etc", "", "%s", "?1", "\ud800"];

function contentTests({ expect }: TestTools, test: Register): void {
  test("6: every kind of event comes back as it was", async ({ journal, reopen }) => {
    const lease = await leaseOfNew(journal, "r1");
    const base = { run: "r1", time: 1_700_000_000_001 };
    const events: readonly Event[] = [
      { ...base, seq: 1, type: "run.started", data: {} },
      {
        ...base,
        seq: 2,
        type: "step.started",
        step: "a",
        attempt: 1,
        data: { item: { deep: [1, null, true, -0.5, 1e300, "x"] } },
      },
      { ...base, seq: 3, type: "step.succeeded", step: "a", attempt: 1, data: { output: HOSTILE, durationMs: 12.5 } },
      { ...base, seq: 4, type: "step.skipped", step: "b", data: { reason: { kind: "condition" } } },
      { ...base, seq: 5, type: "run.succeeded", data: { durationMs: 3 } },
    ];
    expect((await journal.append(lease, events)).ok).toBe(true);
    expect(await readAll(await reopen(), "r1")).toEqual(events);
  });
  test("6: names are data", async ({ journal, reopen }) => {
    const lease = await leaseOfNew(journal, "r1", 1, "'; DROP TABLE runs; --");
    const names = HOSTILE.filter((text) => text !== "" && text !== "\ud800" && text !== "\u0000");
    const events = names.map((text, index) => progress("r1", index + 1, { [text]: text }, text));
    expect((await journal.append(lease, events)).ok).toBe(true);
    const other = await reopen();
    expect(await readAll(other, "r1")).toEqual(events);
    expect((await other.get("r1"))?.plan).toBe("'; DROP TABLE runs; --");
  });
  test("6: a large output and a long history come back", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    const large = progress("r1", 1, { text: "é".repeat(1_000_000) });
    await journal.append(lease, [large]);
    await journal.append(lease, span("r1", 2, 2500));
    const events = await readAll(journal, "r1");
    expect(events.length).toBe(2500);
    expect(events).toEqual([large, ...span("r1", 2, 2500)]);
  });
  test("read: after, limit and step", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.append(
      lease,
      range(1, 2400).map((seq) => progress("r1", seq, {}, seq % 2 === 0 ? "even" : "odd")),
    );
    const seqs = async (options: { after?: number; limit?: number; step?: string }): Promise<readonly number[]> => {
      const found: number[] = [];
      for await (const batch of journal.read("r1", options)) found.push(...batch.map((event) => event.seq));
      return found;
    };
    expect(await seqs({ after: 2397 })).toEqual([2398, 2399, 2400]);
    expect(await seqs({ after: 5, limit: 2 })).toEqual([6, 7]);
    expect(await seqs({ after: 2400 })).toEqual([]);
    expect(await seqs({ limit: 0 })).toEqual([]);
    expect(await seqs({ step: "even", after: 10, limit: 3 })).toEqual([12, 14, 16]);
    expect((await seqs({ step: "odd" })).length).toBe(1200);
    expect(await seqs({ step: "unknown" })).toEqual([]);
    expect(await readAll(journal, "unknown")).toEqual([]);
  });
  test("6: check counts every event", async ({ journal }) => {
    await journal.append(await leaseOfNew(journal, "r1"), span("r1", 1, 5));
    await journal.append(await leaseOfNew(journal, "r2"), span("r2", 1, 2));
    expect(await journal.check()).toEqual({ ok: true, events: 7, problems: [] });
  });
}

function recordTests({ expect }: TestTools, test: Register): void {
  test("runs: newest first, by plan, limited", async ({ journal }) => {
    for (const index of range(1, 5)) await leaseOfNew(journal, `r${index}`, 1, index % 2 === 0 ? "even" : "odd");
    const ids = async (options?: { limit?: number; plan?: string }): Promise<readonly string[]> =>
      (await journal.runs(options)).map((record) => record.run);
    expect(await ids()).toEqual(["r5", "r4", "r3", "r2", "r1"]);
    expect(await ids({ limit: 2 })).toEqual(["r5", "r4"]);
    expect(await ids({ plan: "odd", limit: 2 })).toEqual(["r5", "r3"]);
    expect(await ids({ plan: "none" })).toEqual([]);
  });
  test("get: the record, or undefined", async ({ journal }) => {
    await leaseOfNew(journal, "r1", 7, "nightly");
    const record = { run: "r1", plan: "nightly", createdAt: 1000, lastSeq: 0, summary: null, holder: holder(7) };
    expect(await journal.get("r1")).toEqual(record);
    expect(await journal.get("r2")).toBe(undefined);
  });
  test("find: by prefix, at most 10, newest first", async ({ journal }) => {
    for (const index of range(10, 22)) await leaseOfNew(journal, `ab${index}`);
    await leaseOfNew(journal, "ac1");
    expect(await journal.find("ac")).toEqual(["ac1"]);
    expect(await journal.find("ab")).toEqual(
      range(13, 22)
        .toReversed()
        .map((index) => `ab${index}`),
    );
    expect(await journal.find("%")).toEqual([]);
    expect((await journal.find("")).length).toBe(10);
  });
  test("remove: everything of the run, unless it is held", async ({ journal, reopen }) => {
    const lease = await leaseOfNew(journal, "r1");
    const other = await leaseOfNew(journal, "r2");
    await journal.append(other, span("r2", 1, 2));
    await journal.append(lease, span("r1", 1, 2));
    await journal.request("r1", 1, "word");
    await journal.recordDurations("r1", "plan", new Map([["a", 5]]));
    expect(await journal.remove("r1")).toBe(false);
    await journal.release(lease);
    expect(await (await reopen()).remove("r1")).toBe(true);
    expect(await journal.remove("r1")).toBe(false);
    expect(await journal.get("r1")).toBe(undefined);
    expect(await readAll(journal, "r1")).toEqual([]);
    expect(await journal.requests("r1", 0)).toEqual([]);
    expect((await journal.expectedDurations("plan")).size).toBe(0);
    expect((await readAll(journal, "r2")).length).toBe(2);
    const fresh = await leaseOfNew(journal, "r1", 3);
    expect((await journal.append(fresh, span("r1", 1, 1))).ok).toBe(true);
    expect(await journal.check()).toEqual({ ok: true, events: 3, problems: [] });
  });
}

function requestTests({ expect }: TestTools, test: Register): void {
  test("requests: in order, after an id, until settled", async ({ journal, reopen }) => {
    await leaseOfNew(journal, "r1");
    await leaseOfNew(journal, "r2");
    const other = await reopen();
    const first = await other.request("r1", 10, { kind: "cancel" });
    const second = await other.request("r2", 11, { kind: "pause" });
    const third = await other.request("r1", 12, ["x"]);
    expect(first < second && second < third).toBe(true);
    const all = [
      { id: first, run: "r1", time: 10, body: { kind: "cancel" } },
      { id: third, run: "r1", time: 12, body: ["x"] },
    ];
    expect(await journal.requests("r1", 0)).toEqual(all);
    expect(await journal.requests("r1", first)).toEqual(all.slice(1));
    await journal.settle("r1", third);
    expect(await journal.requests("r1", 0)).toEqual([]);
    expect((await journal.requests("r2", 0)).length).toBe(1);
    expect((await journal.request("r1", 13, null)) > third).toBe(true);
  });
  test("requests: none for an unknown run", async ({ journal }) => {
    let code = "";
    await journal.request("nope", 1, null).catch((thrown: { readonly code: string }) => (code = thrown.code));
    expect(code).toBe("UnknownRun");
  });
  test("watch: each watcher hears of every write once, whoever wrote, whoever else looked", async ({
    journal,
    reopen,
  }) => {
    const lease = await leaseOfNew(journal, "r1");
    const other = await reopen();
    const first = journal.watch();
    const second = journal.watch();
    const foreign = other.watch();
    const all = [first, second, foreign];
    const asked = (): readonly boolean[] => all.map((watcher) => watcher.changed());
    expect(asked()).toEqual([true, true, true]);
    expect(asked()).toEqual([false, false, false]);
    await journal.append(lease, span("r1", 1, 1));
    expect(asked()).toEqual([true, true, true]);
    expect(asked()).toEqual([false, false, false]);
    await other.request("r1", 1, "word");
    expect(first.changed()).toBe(true);
    expect(first.changed()).toBe(false);
    await other.request("r1", 2, "word");
    expect(asked()).toEqual([true, true, true]);
    expect(asked()).toEqual([false, false, false]);
    expect([journal.watch().changed(), journal.watch().changed()]).toEqual([true, true]);
  });
}

function lockTests({ expect }: TestTools, test: Register): void {
  const write = (
    ...names: readonly string[]
  ): { readonly read: readonly string[]; readonly write: readonly string[] } => ({ read: [], write: names });
  const read = (
    ...names: readonly string[]
  ): { readonly read: readonly string[]; readonly write: readonly string[] } => ({ read: names, write: [] });
  test("locks: writers exclude, readers share, over all runs", async ({ journal, reopen }) => {
    const a = await leaseOfNew(journal, "ra");
    const other = await reopen();
    const b = await leaseOfNew(other, "rb");
    expect(await journal.lock(a, "s1", write("db"))).toBe(undefined);
    expect(await journal.lock(a, "s1", write("db"))).toBe(undefined);
    expect(await journal.lock(a, "s2", read("db"))).toBe("ra");
    expect(await other.lock(b, "s1", read("db"))).toBe("ra");
    await journal.unlock(a, "s1");
    expect(await other.lock(b, "s1", read("db"))).toBe(undefined);
    expect(await journal.lock(a, "s1", read("db"))).toBe(undefined);
    expect(await journal.lock(a, "s1", write("db"))).toBe("rb");
  });
  test("locks: all or none", async ({ journal }) => {
    const a = await leaseOfNew(journal, "ra");
    const b = await leaseOfNew(journal, "rb");
    expect(await journal.lock(a, "s", write("y"))).toBe(undefined);
    expect(await journal.lock(b, "s", write("x", "y"))).toBe("ra");
    expect(await journal.lock(a, "t", write("x"))).toBe(undefined);
  });
  test("locks: those of a lease no longer in force do not count", async ({ journal, advance, kill }) => {
    const a = await leaseOfNew(journal, "ra", 1);
    const b = await leaseOfNew(journal, "rb", 2);
    const names = write("x");
    await journal.lock(a, "s", names);
    expect(await journal.lock(b, "s", names)).toBe("ra");
    kill(1);
    expect(await journal.lock(b, "s", names)).toBe(undefined);
    await journal.release(b);
    const c = await take(journal, "ra", 3);
    expect(await journal.lock(c, "s", names)).toBe(undefined);
    advance(SUITE_TERM_MS + 1);
    const d = await take(journal, "rb", 4);
    expect(await journal.lock(d, "s", names)).toBe(undefined);
    await journal.unlock(b, "s");
    const e = await leaseOfNew(journal, "re", 5);
    expect(await journal.lock(e, "s", names)).toBe("rb");
    expect(await journal.lock(b, "s", write("z"))).toBe("rb");
  });
}

function durationTests({ expect }: TestTools, test: Register): void {
  test("durations: the median of the latest 7 runs of the plan", async ({ journal }) => {
    for (const index of range(1, 9)) {
      await leaseOfNew(journal, `r${index}`);
      await journal.recordDurations(
        `r${index}`,
        "plan",
        new Map([
          ["a", index * 10],
          [`only${index}`, 1],
        ]),
      );
    }
    await leaseOfNew(journal, "x1");
    await journal.recordDurations(
      "x1",
      "other",
      new Map([
        ["a", 1],
        ["__proto__", 4],
      ]),
    );
    const expected = await journal.expectedDurations("plan");
    expect(expected.get("a")).toBe(60);
    expect(expected.get("only1")).toBe(undefined);
    expect(expected.get("only9")).toBe(1);
    expect([...(await journal.expectedDurations("other"))].toSorted()).toEqual([
      ["__proto__", 4],
      ["a", 1],
    ]);
    expect((await journal.expectedDurations("none")).size).toBe(0);
  });
}
