/** Logs as they are written: every byte is told or said to be skipped, at a bounded pace, to the end of the attempt. */
import { expect, test } from "vitest";
import { HeddleError } from "../../src/base/errors.ts";
import type { LogBytes } from "../../src/project/log-bytes.ts";
import { AttemptWatch, followLog, RATE, type AttemptStage, type LogNews } from "../../src/server/log-feed.ts";
import type { LiveRun, LiveStep } from "../../src/view/live-run.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";
import { pass } from "./rig.ts";

const OF = { run: "r1", step: "a", attempt: 1 };

/** A log in memory, and a client that follows it. */
class Followed {
  readonly clock = new VirtualClock();
  log: Buffer | undefined;
  file = "1";
  stage: AttemptStage = "at-work";
  readonly news: LogNews[] = [];
  failure: unknown;
  readonly #gone = new AbortController();

  constructor(log: Buffer | undefined, after = 0) {
    this.log = log;
    followLog({
      logs: { bytes: async (_of, range) => this.#read(range) },
      of: OF,
      after,
      clock: this.clock,
      stage: () => this.stage,
      send: async (news) => void this.news.push(news),
      signal: this.#gone.signal,
    }).catch((thrown: unknown) => (this.failure = thrown));
  }

  #read({ from, length }: { readonly from: number; readonly length: number }): LogBytes | undefined {
    if (this.log === undefined) return undefined;
    return { bytes: this.log.subarray(from, from + length), size: this.log.length, file: this.file };
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      await settle();
      pass(this.clock, 100);
    }
    await settle();
  }

  leave(): void {
    this.#gone.abort();
  }

  /** Text and gaps, in order: each begins where the one before ended. */
  get text(): string {
    let at: number | undefined;
    return this.news
      .map((one) => {
        if (one.type === "reset") {
          at = 0;
          return "<reset>";
        }
        if (one.type === "end") {
          follows(at, one.size);
          return `<end ${one.isOver ? "over" : "left"}>`;
        }
        follows(at, one.from);
        if (one.type === "skipped") {
          at = one.to;
          return `<skipped ${one.from}-${one.to}>`;
        }
        const bytes = Buffer.from(one.base64, "base64");
        at = one.from + bytes.length;
        return bytes.toString("latin1");
      })
      .join("");
  }
}

function follows(at: number | undefined, from: number): void {
  if (at !== undefined && at !== from) throw new Error(`${from} does not follow ${at}`);
}

test("all that is there is told, then what comes, then the end", async () => {
  const followed = new Followed(Buffer.from("one\n"));
  await followed.pass(300);
  expect(followed.text).toBe("one\n");
  followed.log = Buffer.from("one\ntwo\n\xff", "latin1");
  await followed.pass(200);
  followed.log = Buffer.from("one\ntwo\n\xff.", "latin1");
  followed.stage = "over";
  await followed.pass(200);
  expect([followed.text, followed.clock.pending]).toEqual(["one\ntwo\n\xff.<end over>", 0]);
});

test("from a byte on; an attempt that nobody works on any more is left", async () => {
  const followed = new Followed(Buffer.from("one\ntwo\n"), 4);
  followed.stage = "left";
  await followed.pass(100);
  expect(followed.text).toBe("two\n<end left>");
});

test("a long log is told from near its end, from the beginning of a line", async () => {
  const line = `${"x".repeat(99)}\n`;
  const followed = new Followed(Buffer.from(line.repeat(100_000)));
  followed.stage = "over";
  await followed.pass(100);
  const [skipped, ...rest] = followed.news;
  const to = skipped?.type === "skipped" ? skipped.to : 0;
  expect([skipped?.type, to % 100, to > 10_000_000 - RATE - 100]).toEqual(["skipped", 0, true]);
  expect(rest.at(-1)).toEqual({ type: "end", size: 10_000_000, isOver: true });
  expect(followed.text.length).toBeLessThan(RATE + 100);
});

test("a burst is told at a bounded pace, and nothing of it is lost unsaid", async () => {
  const followed = new Followed(Buffer.alloc(0));
  let size = 0;
  for (let tick = 0; tick < 30; tick++) {
    size += 200_000;
    followed.log = Buffer.alloc(size, "0123456789");
    await followed.pass(100);
  }
  followed.stage = "over";
  await followed.pass(2000);
  const sent = followed.news
    .map((one) => (one.type === "bytes" ? Buffer.byteLength(one.base64, "base64") : 0))
    .reduce((sum, bytes) => sum + bytes, 0);
  expect(sent).toBeLessThanOrEqual(RATE * 6.1);
  expect(sent).toBeGreaterThan(RATE * 3);
  expect(followed.text).toMatch(/<end over>$/);
  expect(followed.news.filter(({ type }) => type === "skipped").length).toBeGreaterThan(3);
});

test("a little more than the pace is told whole, later", async () => {
  const followed = new Followed(Buffer.alloc(RATE + 1000, "x"), 2000);
  followed.stage = "over";
  await followed.pass(200);
  expect(followed.news.some(({ type }) => type === "skipped")).toBe(false);
  const twice = new Followed(Buffer.alloc(RATE, "x"));
  await twice.pass(100);
  twice.log = Buffer.alloc(RATE * 1.5, "x");
  await twice.pass(1000);
  expect([twice.news.some(({ type }) => type === "skipped"), twice.text.length]).toEqual([false, RATE * 1.5]);
  twice.leave();
  await twice.pass(200);
  expect(twice.clock.pending).toBe(0);
});

test.each<[string, (followed: Followed) => void]>([
  ["cut off", (followed) => (followed.log = Buffer.from("new\n"))],
  [
    "replaced",
    (followed) => {
      followed.file = "2";
      followed.log = Buffer.from("new and longer\n");
    },
  ],
])("a log that is %s is told from its beginning", async (_, change) => {
  const followed = new Followed(Buffer.from("one\ntwo\n"));
  await followed.pass(100);
  change(followed);
  await followed.pass(200);
  expect(followed.text).toMatch(/^one\ntwo\n<reset>new/);
  followed.leave();
});

test("a log that is removed while it is looked at is a problem; one that is not there yet is waited for", async () => {
  const followed = new Followed(undefined);
  followed.stage = "to-come";
  await followed.pass(300);
  followed.log = Buffer.from("one\n");
  await followed.pass(200);
  expect(followed.text).toBe("one\n");
  followed.log = undefined;
  await followed.pass(200);
  expect(followed.failure).toBeInstanceOf(HeddleError);
  expect(followed.failure).toMatchObject({ code: "NoLog", message: expect.stringContaining("was removed") });
  const never = new Followed(undefined);
  never.stage = "over";
  await never.pass(100);
  expect(never.failure).toMatchObject({ code: "NoLog", message: "attempt 1 of step a in run r1 has no log" });
});

const ROW = { id: "a", attempts: 1, status: "running" } as LiveStep;

function viewOf(steps: readonly LiveStep[], live = true): LiveRun {
  return { seq: 1, head: { live }, queues: {}, steps } as unknown as LiveRun;
}

test.each<[string, Partial<LiveStep>, boolean, AttemptStage]>([
  ["works", {}, true, "at-work"],
  ["asks", { status: "needs-approval" }, true, "at-work"],
  ["has a conflict", { status: "needs-resolution" }, true, "at-work"],
  ["has ended", { status: "failed" }, true, "over"],
  ["is to be tried again", { status: "retrying" }, true, "over"],
  ["was tried again", { attempts: 2 }, true, "over"],
  ["lost its engine", {}, false, "left"],
  ["was interrupted", { status: "interrupted" }, false, "over"],
  ["has not begun", { attempts: 0, status: "waiting" }, true, "to-come"],
  ["never began", { attempts: 0, status: "cached" }, true, "left"],
  ["has not begun, without an engine", { attempts: 0, status: "waiting" }, false, "left"],
])("an attempt that %s", (_, set, live, stage) => {
  const other = { ...ROW, id: "b" };
  const whole = new AttemptWatch(OF);
  whole.take({ type: "snapshot", seq: 1, view: viewOf([other, { ...ROW, ...set }], live) });
  expect(whole.stage).toBe(stage);
  // The same, told by patches.
  const patched = new AttemptWatch(OF);
  patched.take({ type: "snapshot", seq: 1, view: viewOf([other]) });
  expect(patched.stage).toBe("to-come");
  patched.take({ type: "patch", from: 1, to: 2, ops: [{ op: "added", steps: [{ ...other, id: "c" }, ROW] }] });
  patched.take({
    type: "patch",
    from: 2,
    to: 3,
    ops: [
      { op: "rows", rows: [[1, { attempts: 9 }]] },
      { op: "rows", rows: [[2, set]] },
      { op: "head", set: { live } },
    ],
  });
  expect(patched.stage).toBe(stage);
  const renumbered = new AttemptWatch(OF);
  renumbered.take({ type: "snapshot", seq: 1, view: viewOf([ROW]) });
  renumbered.take({
    type: "patch",
    from: 1,
    to: 2,
    ops: [
      { op: "steps", steps: [other, { ...ROW, ...set }] },
      { op: "head", set: { live } },
    ],
  });
  expect(renumbered.stage).toBe(stage);
});
