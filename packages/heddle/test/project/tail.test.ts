/** Tails of runs and of logs: what a follower sees, and when it is done. The clock stands still until a test moves it. */
import { appendFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import { tailLog, tailRun, type LogItem, type TailItem, type TailOptions } from "../../src/project/tail.ts";
import type { Event } from "../../src/run/event.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";
import { DIAMOND, failed, started, succeeded } from "../view/histories.ts";
import { RecordedRun } from "./runs.ts";

let log: Journal;
let clock: VirtualClock;
beforeEach(() => {
  log = memoryJournal();
  clock = new VirtualClock();
});

/** A tail, read as fast as it gives. */
class Follower<Item extends TailItem | LogItem> {
  readonly items: Item[] = [];
  isDone = false;
  readonly done: Promise<void>;

  constructor(tail: AsyncIterable<Item>) {
    this.done = this.#read(tail);
  }

  async #read(tail: AsyncIterable<Item>): Promise<void> {
    for await (const item of tail) this.items.push(item);
    this.isDone = true;
  }

  get kinds(): readonly string[] {
    return this.items.map(({ kind }) => kind);
  }

  get seqs(): readonly number[] {
    return this.items.flatMap((item) => (item.kind === "events" ? item.events.map(({ seq }) => seq) : []));
  }

  get lines(): readonly string[] {
    return this.items.flatMap((item) => (item.kind === "lines" ? item.lines : []));
  }
}

async function follow(run: string, options: TailOptions = {}): Promise<Follower<TailItem>> {
  const follower = new Follower(tailRun({ log, clock }, run, options));
  await settle();
  return follower;
}

/** As many looks at the journal as a follower takes in a second. */
async function second(): Promise<void> {
  for (let look = 0; look < 10; look++) {
    clock.advance();
    await settle();
  }
}

const cancelled = { type: "run.cancelled", data: { durationMs: 1, reason: "cancel" } } as const;

describe("a tail of a run", () => {
  test("gives what is recorded, then what is recorded next, each once and in order", async () => {
    const run = await new RecordedRun(log, "r1", DIAMOND).begin();
    const follower = await follow("r1");
    expect(follower.kinds).toEqual(["events", "caught-up"]);
    await run.record([started("a")]);
    await second();
    await run.record([started("b"), succeeded("a", 5)]);
    await second();
    expect(follower.seqs).toEqual([1, 2, 3, 4, 5]);
    expect(follower.isDone).toBe(false);
  });

  test("begins after the event that it is told", async () => {
    await new RecordedRun(log, "r1", DIAMOND).begin();
    expect((await follow("r1", { after: 1 })).seqs).toEqual([2]);
  });

  test("of a run that nobody works on ends at once, without a timer", async () => {
    await (await (await new RecordedRun(log, "r1", DIAMOND).begin()).record([started("a")])).leave();
    const follower = await follow("r1");
    expect(follower).toMatchObject({ isDone: true, kinds: ["events", "end"], seqs: [1, 2, 3] });
    expect(clock.pending).toBe(0);
  });

  test("ends when the engine dies, although a dead one writes nothing", async () => {
    const run = await new RecordedRun(log, "r1", DIAMOND).begin();
    const follower = await follow("r1");
    await second();
    expect(follower.isDone).toBe(false);
    await run.leave();
    await second();
    expect(follower.isDone).toBe(true);
    expect(follower.kinds.at(-1)).toBe("end");
  });

  test("gives what its engine recorded after the end, and ends with the next look after it has gone", async () => {
    const run = await new RecordedRun(log, "r1", DIAMOND).begin();
    const follower = await follow("r1");
    await run.record([cancelled]);
    await second();
    expect(follower.isDone).toBe(false);
    const landed = {
      mode: "merge",
      integration: "heddle/r1/integration",
      commits: 1,
      branch: "main",
      commit: "c1",
    } as const;
    await run.record([{ type: "run.landed", data: landed }]);
    await run.leave();
    clock.advance();
    await settle();
    expect(follower.seqs).toEqual([1, 2, 3, 4]);
    expect(follower.isDone).toBe(true);
  });

  test("of a run whose engine died before it recorded anything ends", async () => {
    const created = await log.create(
      { run: "r1", plan: "p", createdAt: 1 },
      { pid: 1, started: "1", title: "heddle run" },
    );
    const follower = await follow("r1");
    await second();
    expect(follower.isDone).toBe(false);
    if (created.ok) await log.release(created.value);
    await second();
    expect(follower.kinds.at(-1)).toBe("end");
    expect(follower.seqs).toEqual([]);
  });

  test("of a run that is taken up again goes on", async () => {
    const run = await new RecordedRun(log, "r1", DIAMOND).begin();
    await run.record([cancelled, { type: "run.resumed", data: { engine: "test", interrupted: [], reset: [] } }]);
    const follower = await follow("r1");
    await second();
    await run.record([started("a")]);
    await second();
    expect(follower.seqs).toEqual([1, 2, 3, 4, 5]);
    expect(follower.isDone).toBe(false);
  });

  test("is left at once by a signal, also while it waits, and leaves no timer", async () => {
    await new RecordedRun(log, "r1", DIAMOND).begin();
    const leaving = new AbortController();
    const follower = await follow("r1", { signal: leaving.signal });
    expect(clock.pending).toBe(1);
    leaving.abort();
    await settle();
    expect(follower).toMatchObject({ isDone: true, kinds: ["events", "caught-up"] });
    expect(clock.pending).toBe(0);
  });

  test("leaves no timer where its reader breaks off", async () => {
    await new RecordedRun(log, "r1", DIAMOND).begin();
    for await (const item of tailRun({ log, clock }, "r1")) if (item.kind === "caught-up") break;
    expect(clock.pending).toBe(0);
  });
});

describe("a tail of a run that this process runs", () => {
  /** As a handle tells its listeners. */
  class LiveRunFake {
    readonly listeners = new Set<(event: Event) => void>();
    readonly #result = Promise.withResolvers<never>();
    readonly result = this.#result.promise;
    readonly subscribe = (listener: (event: Event) => void): (() => void) => {
      this.listeners.add(listener);
      return () => this.listeners.delete(listener);
    };

    tell(): void {
      for (const listener of this.listeners) listener({} as Event);
    }

    end(): void {
      this.#result.reject(new Error("over"));
    }
  }

  test("hears of events as they come, without a timer, and ends when the engine is done", async () => {
    const run = await new RecordedRun(log, "r1", DIAMOND).begin();
    const handle = new LiveRunFake();
    const follower = new Follower(tailRun({ log, clock, liveRun: () => handle }, "r1"));
    await settle();
    await run.record([started("a")]);
    handle.tell();
    await settle();
    expect(follower.seqs).toEqual([1, 2, 3]);
    await run.record([succeeded("a", 1)]);
    handle.tell();
    await run.record([cancelled]);
    handle.end();
    await settle();
    expect(follower.seqs).toEqual([1, 2, 3, 4, 5]);
    expect(follower.kinds.at(-1)).toBe("end");
    expect(handle.listeners.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("misses nothing that is recorded between its look and its wait", async () => {
    const run = await new RecordedRun(log, "r1", DIAMOND).begin();
    const handle = new LiveRunFake();
    const tail = tailRun({ log, clock, liveRun: () => handle }, "r1");
    await tail.next();
    expect((await tail.next()).value).toEqual({ kind: "caught-up" });
    await run.record([started("a")]);
    handle.tell();
    expect(await tail.next()).toMatchObject({ value: { kind: "events", events: [{ seq: 3 }] } });
    await tail.return();
    expect(handle.listeners.size).toBe(0);
  });
});

describe("a tail of a log", () => {
  let file = "";
  beforeEach(() => {
    file = path.join(temporaryFolder("tail"), "a.1.log");
    writeFileSync(file, "one\ntw");
  });
  const logOf = (): Follower<LogItem> => new Follower(tailLog({ log, clock }, { run: "r1", step: "a", file }));

  test("gives whole lines as they are written, and the last one when the step has ended", async () => {
    const run = await (await new RecordedRun(log, "r1", DIAMOND).begin()).record([started("a")]);
    const follower = logOf();
    await settle();
    expect(follower.lines).toEqual(["one"]);
    appendFileSync(file, "o\nthree\nfo");
    await second();
    expect(follower.lines).toEqual(["one", "two", "three"]);
    appendFileSync(file, "ur");
    await run.record([succeeded("a", 1)]);
    await second();
    expect(follower.lines).toEqual(["one", "two", "three", "four"]);
    expect(follower.items.at(-1)).toEqual({ kind: "end", isStepOver: true });
    expect(follower.isDone).toBe(true);
  });

  test("goes on while the step is to be tried again", async () => {
    const run = await (await new RecordedRun(log, "r1", DIAMOND).begin()).record([started("a"), failed("a", 1, 1, 10)]);
    const follower = logOf();
    await second();
    expect(follower.isDone).toBe(false);
    await run.record([started("a", 2), failed("a", 1, 2)]);
    await second();
    expect(follower.items.at(-1)).toEqual({ kind: "end", isStepOver: true });
  });

  test("ends with what there is when the engine dies, and says that the step has not ended", async () => {
    const run = await (await new RecordedRun(log, "r1", DIAMOND).begin()).record([started("a")]);
    const follower = logOf();
    await settle();
    await run.leave();
    await second();
    expect(follower.lines).toEqual(["one", "tw"]);
    expect(follower.items.at(-1)).toEqual({ kind: "end", isStepOver: false });
  });

  test("waits for a log that is not there yet", async () => {
    const run = await (await new RecordedRun(log, "r1", DIAMOND).begin()).record([started("a")]);
    file += ".other";
    const follower = logOf();
    await second();
    writeFileSync(file, "late\n");
    await run.record([succeeded("a", 1)]);
    await second();
    expect(follower.lines).toEqual(["late"]);
  });
});
