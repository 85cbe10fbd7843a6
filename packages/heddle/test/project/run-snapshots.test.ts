/** A run at any event: from a snapshot near it, the same as from its whole history. */
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { EventLog } from "../../src/journal/port.ts";
import { orThrow } from "../../src/base/errors.ts";
import { readRun, type ReadRun } from "../../src/project/read-run.ts";
import { RunSnapshots } from "../../src/project/run-snapshots.ts";
import type { Event } from "../../src/run/event.ts";
import { HistoryReader } from "../../src/view/history.ts";
import { runView } from "../../src/view/run-view.ts";
import { copyOf, eventsOf, goldenNames, openCopy } from "../journal/golden-runs.ts";
import { leaseOfNew } from "../support/suites/journal/setting.ts";
import { fuzzRun } from "../support/fuzz-reducer.ts";
import { factsSnapshot } from "../support/state-snapshot.ts";

/** All that a page shows, and all that goes on from here. */
function seen({ state, timeline }: HistoryReader): unknown {
  if (state === undefined) return [timeline.spans()];
  const view = runView({ state, timeline, live: true, now: state.lastTime + 1000, logFile: () => "" });
  return structuredClone([view, timeline.spans(), factsSnapshot(state), state.volatile]);
}

function expectSameFromSnapshots(name: string | number, history: readonly Event[]): void {
  const reader = new HistoryReader();
  const whole: unknown[] = [];
  const saved = history.map((event) => {
    reader.add(event);
    whole.push(seen(reader));
    return reader.save();
  });
  const expectAt = (at: number, actual: HistoryReader): void => {
    if (isDeepStrictEqual(seen(actual), whole[at])) return;
    expect([name, at, seen(actual)]).toStrictEqual([name, at, whole[at]]);
  };
  for (const [at, one] of saved.entries()) {
    const restored = new HistoryReader(one);
    expectAt(at, restored);
    // Far on for some, so that what is remembered for later events is right too.
    const end = at % 7 === 0 ? history.length : Math.min(history.length, at + 3);
    for (const event of history.slice(at + 1, end)) restored.add(event);
    expectAt(end - 1, restored);
  }
  for (const [at, one] of saved.entries()) expectAt(at, new HistoryReader(one));
}

test("a reader that goes on from any event is one that has read all before it: generated runs", () => {
  for (let seed = 1; seed <= 40; seed++) expectSameFromSnapshots(seed, fuzzRun(seed));
});

test.each(goldenNames())(
  "a reader that goes on from any event is one that has read all before it: %s",
  async (name) => {
    using copy = copyOf(name);
    await using project = await openCopy(copy, { access: "read" });
    for (const { run } of await project.runs.list()) expectSameFromSnapshots(run, await eventsOf(project, run));
  },
);

describe("snapshots of runs", () => {
  async function journalOf(runs: Readonly<Record<string, readonly Event[]>>) {
    const journal = memoryJournal();
    let read = 0;
    for (const [run, events] of Object.entries(runs)) {
      const lease = await leaseOfNew(journal, run);
      await journal.append(
        lease,
        events.map((event) => ({ ...event, run })),
      );
    }
    const log: Pick<EventLog, "get" | "read"> = {
      get: journal.get,
      async *read(run, options) {
        for await (const batch of journal.read(run, options)) {
          read += batch.length;
          yield batch;
        }
      },
    };
    const cost = async (work: () => Promise<unknown>): Promise<number> => {
      const before = read;
      await work();
      return read - before;
    };
    return { log, cost };
  }

  /** The generated run number `index` of those that are long enough. */
  function long(index: number): readonly Event[] {
    let left = index;
    for (let seed = 1; ; seed++) {
      const events = fuzzRun(seed);
      if (events.length > 30 && left-- === 0) return events;
    }
  }

  test("spare the reading of what lies before them, at any event asked for in any order", async () => {
    const history = long(0);
    const { log, cost } = await journalOf({ r1: history });
    const snapshots = new RunSnapshots({ every: 10 });
    const last = history.length;
    expect(await cost(() => snapshots.readerAt(log, "r1", last))).toBe(last);
    for (const at of [last, 1, 25, 9, 10, 11, last - 1, 25]) {
      const plain = new HistoryReader();
      for (const event of history.slice(0, at)) plain.add({ ...event, run: "r1" });
      let given: Awaited<ReturnType<RunSnapshots["readerAt"]>> | undefined;
      expect(await cost(async () => (given = await snapshots.readerAt(log, "r1", at)))).toBe(at % 10);
      expect(given?.seq).toBe(at);
      expect(seen(given?.reader ?? new HistoryReader())).toEqual(seen(plain));
    }
    expect((await snapshots.readerAt(log, "r1", last + 99)).seq).toBe(last);
    expect((await snapshots.readerAt(log, "nobody", 5)).seq).toBe(0);
  });

  test("spare the reading of a run that is read again and again", async () => {
    const history = long(0);
    const { log, cost } = await journalOf({ r1: history });
    const snapshots = new RunSnapshots({ every: 10 });
    const whole = orThrow(await readRun(log, "r1"));
    for (const wanted of [history.length, history.length % 10, history.length % 10]) {
      let read: ReadRun | undefined;
      expect(await cost(async () => (read = orThrow(await readRun(log, "r1", snapshots))))).toBe(wanted);
      expect(read?.state.seq).toBe(whole.state.seq);
      expect(factsSnapshot(read?.state ?? whole.state)).toEqual(factsSnapshot(whole.state));
    }
  });

  test("are bounded: others go first, then every other one", async () => {
    const history = long(0);
    const { log, cost } = await journalOf({ r1: history, r2: history });
    const roomy = new RunSnapshots({ every: 5 });
    await roomy.readerAt(log, "r1", 30);
    const most = roomy.size;
    const tight = new RunSnapshots({ every: 5, most });
    await tight.readerAt(log, "r1", 30);
    await tight.readerAt(log, "r2", 30);
    expect(tight.size).toBeLessThanOrEqual(most);
    expect(await cost(() => tight.readerAt(log, "r2", 29))).toBe(4);
    expect(await cost(() => tight.readerAt(log, "r1", 30))).toBe(30);
    const tiny = new RunSnapshots({ every: 5, most: most / 2 });
    await tiny.readerAt(log, "r1", 30);
    expect(tiny.size).toBeLessThanOrEqual(most / 2);
    expect(await cost(() => tiny.readerAt(log, "r1", 29))).toBe(9);
    const none = new RunSnapshots({ every: 5, most: 1 });
    await none.readerAt(log, "r1", 30);
    expect([none.size, await cost(() => none.readerAt(log, "r1", 30))]).toEqual([0, 30]);
  });

  test("are not those of a removed run whose id came again", async () => {
    const [first, second] = [long(0), long(1)];
    const snapshots = new RunSnapshots({ every: 5 });
    const before = await journalOf({ r1: first });
    await snapshots.readerAt(before.log, "r1", 30);
    const { log } = await journalOf({ r1: second });
    const later: Pick<EventLog, "get" | "read"> = {
      read: log.read,
      get: async (run) => {
        const record = await log.get(run);
        return record && { ...record, createdAt: record.createdAt + 1 };
      },
    };
    const { reader } = await snapshots.readerAt(later, "r1", 30);
    const plain = new HistoryReader();
    for (const event of second.slice(0, 30)) plain.add({ ...event, run: "r1" });
    expect(seen(reader)).toEqual(seen(plain));
  });
});
