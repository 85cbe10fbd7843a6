/** The event log of every journal: order, atomicity, content, lists of runs, watchers. */
import { BugError } from "../../../../src/base/assert.ts";
import { defined } from "../../../../src/base/defined.ts";
import type { Json } from "../../../../src/base/json.ts";
import type { Journal, ReadOptions, RunFilter, RunPageOptions } from "../../../../src/journal/port.ts";
import type { Event } from "../../../../src/run/event.ts";
import { holder, leaseOfNew, progress, range, readAll, span, type Register } from "./setting.ts";
import type { TestTools } from "../test-tools.ts";

export function eventLogTests(tools: TestTools, test: Register): void {
  orderTests(tools, test);
  atomicTests(tools, test);
  contentTests(tools, test);
  rangeTests(tools, test);
  recordTests(tools, test);
  pageTests(tools, test);
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

function rangeTests({ expect }: TestTools, test: Register): void {
  test("read: backwards and in a range, the same events as forwards", async ({ journal, reopen }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.append(
      lease,
      range(1, 2400).map((seq) => progress("r1", seq, {}, seq % 3 === 0 ? "third" : "other")),
    );
    const seqs = async (options: ReadOptions): Promise<readonly number[]> => {
      const found: number[] = [];
      for await (const batch of (await reopen()).read("r1", options)) found.push(...batch.map((event) => event.seq));
      return found;
    };
    expect(await seqs({ backwards: true })).toEqual(range(1, 2400).toReversed());
    for (const step of [undefined, "third", "nobody"])
      for (const [after, before] of [
        [undefined, undefined],
        [0, 1],
        [10, 14],
        [990, 1011],
        [998, 2002],
        [2390, 9999],
        [5, 5],
        [7, 3],
      ])
        for (const limit of [undefined, 0, 1, 3, 1000, 1001]) {
          const of = { after, before, step };
          const all = range(1, 2400).filter(
            (seq) =>
              seq > (after ?? 0) &&
              seq < (before ?? 9999) &&
              (step === undefined || (step === "third" && seq % 3 === 0)),
          );
          const options = defined<ReadOptions>({ ...of, limit });
          expect(await seqs(options)).toEqual(all.slice(0, limit));
          expect(await seqs({ ...options, backwards: true })).toEqual(all.toReversed().slice(0, limit));
        }
  });
  test("read: backwards, without what is appended meanwhile", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.append(lease, span("r1", 1, 1500));
    const found: number[] = [];
    for await (const batch of journal.read("r1", { backwards: true })) {
      if (found.length === 0) await journal.append(lease, span("r1", 1501, 1510));
      found.push(...batch.map((event) => event.seq));
    }
    expect(found).toEqual(range(1, 1500).toReversed());
  });
}

function pageTests({ expect }: TestTools, test: Register): void {
  const idsOf = async (
    journal: Journal,
    options: RunPageOptions,
  ): Promise<readonly [ids: readonly string[], next: string | undefined]> => {
    const { records, next } = await journal.runPage(options);
    return [records.map((record) => record.run), next];
  };
  test("page: all runs once, newest first, while others are added and removed (T14)", async ({ journal, reopen }) => {
    const add = async (id: string): Promise<void> => void (await journal.release(await leaseOfNew(journal, id)));
    for (const index of range(1, 20)) await add(`r${index}`);
    const other = await reopen();
    const seen: string[] = [];
    let next: string | undefined;
    let round = 0;
    do {
      const [ids, cursor] = await idsOf(other, defined<RunPageOptions>({ limit: 3, cursor: next }));
      seen.push(...ids);
      next = cursor;
      await add(`new${++round}`);
      // That the next page begins behind.
      if (round === 2) await journal.remove(seen.at(-1) ?? "");
    } while (next !== undefined);
    expect(seen).toEqual(
      range(1, 20)
        .toReversed()
        .map((index) => `r${index}`),
    );
    expect(await idsOf(journal, { limit: 50, cursor: "1" })).toEqual([[], undefined]);
    const [, behind] = await idsOf(journal, { limit: 25 });
    expect(behind !== undefined).toBe(true);
    expect((await idsOf(journal, defined<RunPageOptions>({ limit: 50, cursor: behind })))[1]).toBe(undefined);
  });
  test("page: a cursor that is none is refused", async ({ journal }) => {
    for (const cursor of ["", "x", "-1", "1.5", "9".repeat(16), "1;DROP TABLE runs"]) {
      const refused = await journal.runPage({ limit: 1, cursor }).then(
        () => undefined,
        (thrown: unknown) => (thrown as { readonly code?: string }).code,
      );
      expect(refused).toBe("InvalidCursor");
    }
  });
  test("marks: how far each run is, with a member of its summary", async ({ journal }) => {
    const summaries: readonly (readonly [run: string, summary: Json])[] = [
      ["a1", { status: "running", more: "x" }],
      ["a2", { status: 7 }],
      ["a3", ["status"]],
      ["a4", { other: "x" }],
    ];
    for (const [run, summary] of summaries) {
      const lease = await leaseOfNew(journal, run);
      await journal.append(lease, run === "a1" ? span(run, 1, 3) : [], { summary });
    }
    await leaseOfNew(journal, "b5");
    const marks = (await journal.marks("status")).toSorted((a, b) => (a.run < b.run ? -1 : 1));
    expect(marks).toEqual([
      { run: "a1", lastSeq: 3, member: "running" },
      ...["a2", "a3", "a4", "b5"].map((run) => ({ run, lastSeq: 0, member: null })),
    ]);
    const quoted = await journal.marks('st"at');
    expect(quoted.every(({ member }) => member === null)).toBe(true);
  });
  test("page: by plan, time, text and a member of the summary", async ({ journal }) => {
    const made: readonly (readonly [run: string, plan: string, createdAt: number, summary: Json | undefined])[] = [
      ["a1", "Build", 10, { status: "running" }],
      ["a2", "deploy %", 20, { status: "failed", by: "ada" }],
      ["a3", "Build", 30, undefined],
      ["a4", "build", 40, { status: "failed" }],
      ["b5", "É_x", 50, ["failed"]],
    ];
    for (const [run, plan, createdAt, summary] of made) {
      const created = await journal.create({ run, plan, createdAt }, holder(1));
      if (created.ok && summary !== undefined) await journal.append(created.value, [], { summary });
    }
    const ids = async (filter: RunFilter): Promise<string> => (await idsOf(journal, { limit: 9, ...filter }))[0].join();
    const failed = { member: "status", oneOf: ["failed"] };
    expect(await ids({})).toBe("b5,a4,a3,a2,a1");
    expect(await ids({ plan: "Build" })).toBe("a3,a1");
    expect(await ids({ since: 20, until: 40 })).toBe("a3,a2");
    expect(await ids({ text: "BUILD" })).toBe("a4,a3,a1");
    expect(await ids({ text: "%" })).toBe("a2");
    expect(await ids({ text: "_" })).toBe("b5");
    expect(await ids({ text: "a2" })).toBe("a2");
    expect(await ids({ summary: failed })).toBe("a4,a2");
    expect(await ids({ summary: { member: "status", oneOf: ["running", null] } })).toBe("b5,a3,a1");
    expect(await ids({ summary: { member: "status", oneOf: [] } })).toBe("");
    expect(await ids({ summary: { member: 'st"at', oneOf: [null] }, plan: "Build" })).toBe("a3,a1");
    expect(await ids({ summary: failed, since: 30, text: "b" })).toBe("a4");
    expect(await idsOf(journal, { limit: 1, summary: failed })).toEqual([["a4"], "4"]);
    expect(await idsOf(journal, { limit: 1, summary: failed, cursor: "4" })).toEqual([["a2"], undefined]);
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
