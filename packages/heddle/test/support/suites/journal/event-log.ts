/** The event log of every journal: order, atomicity, content, lists of runs, watchers. */
import { BugError } from "../../../../src/base/assert.ts";
import type { Event } from "../../../../src/run/event.ts";
import { holder, leaseOfNew, progress, range, readAll, span, type Register } from "./setting.ts";
import type { TestTools } from "../test-tools.ts";

export function eventLogTests(tools: TestTools, test: Register): void {
  orderTests(tools, test);
  atomicTests(tools, test);
  contentTests(tools, test);
  recordTests(tools, test);
}

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
  test("tasks: a journal without a queue refuses them before anything is stored", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    const tasks = [{ step: "build", attempt: 1, body: null }];
    const refused = await journal.append(lease, span("r1", 1, 2), { summary: { done: 2 }, tasks }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(refused instanceof BugError).toBe(true);
    expect(await readAll(journal, "r1")).toEqual([]);
    expect((await journal.get("r1"))?.summary).toBe(null);
    expect((await journal.append(lease, span("r1", 1, 2), { tasks: [] })).ok).toBe(true);
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
  test("6: batches of any size, with steps that are new and steps that are known, come back", async ({
    journal,
    reopen,
  }) => {
    const lease = await leaseOfNew(journal, "r1");
    const events = range(1, 400).map((seq) => progress("r1", seq, { seq }, `s${(seq * seq) % 149}`));
    let at = 0;
    for (const size of [1, 31, 32, 33, 64, 95, 96, 48]) {
      await journal.append(lease, events.slice(at, at + size));
      at += size;
    }
    expect(await readAll(await reopen(), "r1")).toEqual(events);
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
