/** A log of any size in a page: every line under its number, whatever comes in which order, in a bounded memory. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LogModel, TAIL_LINES } from "../../src/logs/log-model.ts";
import { ManualTimers, MemoryLog, NO_LOG, settled, UNREACHABLE } from "./log-rig.ts";

function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function numbered(count: number, from = 1): string {
  return Array.from({ length: count }, (_, at) => `line ${from + at}\n`).join("");
}

interface Opened {
  readonly log: MemoryLog;
  readonly model: LogModel;
  readonly timers: ManualTimers;
}

interface Options {
  readonly isLive?: boolean;
  readonly pageLines?: number;
  readonly mostBytes?: number;
  readonly tailLines?: number;
}

function opened(log: MemoryLog, options: Options = {}): Opened {
  const timers = new ManualTimers();
  const { isLive = false, pageLines = 256, mostBytes = 14_000_000, tailLines = TAIL_LINES } = options;
  const model = new LogModel({ source: log, isLive, after: timers.after, sizes: { pageLines, mostBytes }, tailLines });
  return { log, model, timers };
}

async function shown({ model, timers }: Opened, from: number, to: number): Promise<readonly (string | undefined)[]> {
  for (let round = 0; round < 6; round++) {
    model.want(from, to);
    await settled();
    timers.fire();
  }
  return Array.from({ length: to - from + 1 }, (_, at) => model.line(from + at)?.text);
}

describe("a log that is written", () => {
  test("is opened with its end, and read where it is looked at, by pages and what is near", async () => {
    const one = opened(new MemoryLog(numbered(10_000)));
    await settled();
    expect(one.model.state).toMatchObject({ status: { tag: "ready" }, lines: 10_000, isGuess: false });
    expect(one.log.asked).toEqual([`tail ${TAIL_LINES}`]);
    expect(one.model.line(10_000)?.text).toBe("line 10000");
    expect(one.model.line(1)).toBeUndefined();
    expect(await shown(one, 5000, 5003)).toEqual(["line 5000", "line 5001", "line 5002", "line 5003"]);
    // Its page, and the one that is near.
    expect(one.log.asked.slice(1)).toEqual(["4865+256", "5121+256"]);
  });

  test("asks for no more than is wanted now, and for little at once", async () => {
    const one = opened(new MemoryLog(numbered(20_000)));
    await settled();
    for (let from = 1; from < 19_000; from += 1000) one.model.want(from, from + 40);
    await settled();
    await settled();
    expect(one.log.asked.length).toBeLessThan(8);
    expect(one.model.line(18_001)?.text).toBe("line 18001");
  });

  test("stays within its bound, and its end with what was looked at last is kept", async () => {
    const one = opened(new MemoryLog(numbered(5000)), { pageLines: 64, mostBytes: 64 * 60 * 4 });
    for (let from = 1; from < 5000; from += 250) expect((await shown(one, from, from + 20))[0]).toBe(`line ${from}`);
    expect(one.model.line(1)).toBeUndefined();
    expect(one.model.line(5000)?.text).toBe("line 5000");
    expect(await shown(one, 1, 2)).toEqual(["line 1", "line 2"]);
  });

  test("with lines so long that what is near has no room shows what is looked at, and comes to rest", async () => {
    const one = opened(new MemoryLog(`${"x".repeat(999)}\n`.repeat(400)), { pageLines: 8, mostBytes: 2048 * 24 });
    await settled();
    one.model.want(101, 110);
    for (let round = 0; round < 50; round++) await settled();
    for (let line = 101; line <= 110; line++) expect([line, one.model.line(line) === undefined]).toEqual([line, false]);
    expect(one.log.asked.length).toBeLessThan(50);
  });

  test("whose lines are too long for one answer is read on", async () => {
    const log = new MemoryLog(Array.from({ length: 50 }, (_, at) => `${at + 1} ${"x".repeat(200)}\n`).join(""));
    log.given = 500;
    const one = opened(log, { pageLines: 16 });
    expect((await shown(one, 1, 50)).map((line) => line?.split(" ")[0])).toEqual(
      Array.from({ length: 50 }, (_, at) => String(at + 1)),
    );
  });

  test("that was cut off is read anew", async () => {
    const one = opened(new MemoryLog(numbered(1000)));
    await shown(one, 1, 5);
    one.log.replace("other\n");
    expect(await shown(one, 400, 402)).toEqual([undefined, undefined, undefined]);
    expect([one.model.state.lines, one.model.line(1)?.text]).toEqual([1, "other"]);
  });

  test("is copied from what is here and what is not", async () => {
    const one = opened(new MemoryLog(numbered(5000)));
    await settled();
    expect((await one.model.read(4740, 4750, new AbortController().signal)).at(0)).toBe("line 4740");
    expect(await one.model.read(1, 5000, new AbortController().signal)).toEqual(linesOf(one.log.text));
  });
});

describe("a log that is not counted yet", () => {
  test("shows its end at once; lines that were numbered by a guess move when they are counted", async () => {
    const log = new MemoryLog(numbered(3000));
    log.countedAtOnce = log.bytes / 4;
    const one = opened(log);
    const moved: unknown[] = [];
    const seen: unknown[] = [];
    one.model.onMoved((lines) => moved.push(lines));
    one.model.subscribe(() => {
      const { lines, isGuess } = one.model.state;
      seen.push([lines, isGuess, one.model.line(lines)?.text, one.model.isNumbered(lines)]);
    });
    await settled();
    expect(seen).toEqual([
      [3900, true, "line 3000", false],
      [3900, true, "line 3000", false],
      [3900, true, "line 3000", false],
      [3000, false, "line 3000", true],
    ]);
    expect(moved).toEqual([{ from: 3645, by: -900 }]);
  });

  test("can be read by number meanwhile", async () => {
    const log = new MemoryLog(numbered(3000));
    log.countedAtOnce = log.bytes / 20;
    const one = opened(log);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    one.model.want(1, 3);
    await settled();
    expect(one.model.line(1)?.text).toBe("line 1");
    // Of a large log that takes longer than anybody waits.
    expect(log.countedWhole).toBe(0);
    one.model.close();
  });
});

describe("a log that is followed", () => {
  test("has what is written behind its end, in pieces of any size", async () => {
    const one = opened(new MemoryLog("a\nbb"), { isLive: true });
    await settled();
    expect([one.model.state.lines, one.log.followers]).toEqual([2, 1]);
    for (const text of ["b", "\n", "ü\nlast"]) {
      one.log.write(text);
      for (let at = one.log.bytes - Buffer.byteLength(text); at < one.log.bytes; at++) one.log.tell(at, at + 1);
    }
    expect(await shown(one, 1, 4)).toEqual(["a", "bbb", "ü", "last"]);
    one.log.end();
    await settled();
    expect(one.model.state).toMatchObject({ isLive: false, lines: 4 });
    expect(one.log.followers).toBe(0);
  });

  test("takes nothing twice that is told again, as after a lost connection", async () => {
    const one = opened(new MemoryLog("one\ntwo\n"), { isLive: true });
    await settled();
    one.log.write("three\nfo");
    one.log.tell(4);
    one.log.tell(0);
    one.log.write("ur\n");
    one.log.tell(10);
    expect(await shown(one, 1, 4)).toEqual(["one", "two", "three", "four"]);
    expect(one.model.state.lines).toBe(4);
  });

  test("that grows too fast goes on at its end; what was skipped is read where it is looked at", async () => {
    const one = opened(new MemoryLog(numbered(10)), { isLive: true, pageLines: 64 });
    await settled();
    one.log.write(numbered(5000, 11));
    one.log.skip(one.log.bytes - 100);
    one.log.tell(one.log.bytes - 100);
    await settled();
    expect([one.model.state.lines, one.model.line(5010)?.text, one.model.line(2000)]).toEqual([
      5010,
      "line 5010",
      undefined,
    ]);
    expect(await shown(one, 2000, 2001)).toEqual(["line 2000", "line 2001"]);
    one.log.write("and on\n");
    one.log.tell(one.log.bytes - 7);
    expect(one.model.line(5011)?.text).toBe("and on");
  });

  test("forgets the part of a line, and of a character, that it was told before what was skipped", async () => {
    const one = opened(new MemoryLog("first\nab"), { isLive: true, tailLines: 2 });
    await settled();
    one.log.write(`cä${numbered(9)}`);
    one.log.tell(8, 10);
    expect(one.model.line(2)?.text).toBe("abc");
    one.log.skip(one.log.bytes);
    await settled();
    one.log.write("on\n");
    one.log.tell(one.log.bytes - 3);
    expect([one.model.state.lines, one.model.line(11)?.text]).toEqual([11, "on"]);
    expect(await shown(one, 2, 3)).toEqual(["abcäline 1", "line 2"]);
  });

  test("is not read again and again while it grows faster than that", async () => {
    const one = opened(new MemoryLog(numbered(10)), { isLive: true });
    await settled();
    const before = one.log.asked.length;
    for (let round = 0; round < 50; round++) {
      one.log.write(numbered(500));
      one.log.skip(one.log.bytes);
      await settled();
    }
    expect(one.log.asked.length - before).toBe(1);
    one.timers.fire();
    await settled();
    expect(one.model.state.lines).toBe(25_010);
    expect(one.log.asked.length - before).toBe(2);
  });

  test("that is written anew begins anew", async () => {
    const one = opened(new MemoryLog("old one\nold tw"), { isLive: true });
    await settled();
    one.log.reset("new\n");
    one.log.tell(0);
    expect(one.model.state).toMatchObject({ lines: 1, bytes: 4 });
    expect(await shown(one, 1, 2)).toEqual(["new", undefined]);
  });

  test("begins with the first word of a step that has written none", async () => {
    const log = new MemoryLog();
    log.problem = NO_LOG;
    const one = opened(log, { isLive: true });
    await settled();
    expect(one.model.state.status).toEqual({ tag: "none", hint: "It has not begun." });
    log.problem = undefined;
    log.write("hello\n");
    log.tell(0);
    expect([one.model.state.status.tag, one.model.line(1)?.text]).toEqual(["ready", "hello"]);
  });

  test("is the same as the whole, whatever is written, told, skipped, looked at and forgotten", async () => {
    const word = fc.constantFrom("a", "ä", "\n", "\n", "x\ny", "😀", "long ".repeat(20));
    const step = fc.oneof(
      fc.record({ kind: fc.constant("write" as const), text: word }),
      fc.record({ kind: fc.constant("tell" as const), back: fc.nat(30), part: fc.nat(100) }),
      fc.record({ kind: fc.constant("skip" as const) }),
      fc.record({ kind: fc.constant("look" as const), at: fc.nat(60) }),
      fc.record({ kind: fc.constant("wait" as const) }),
      fc.record({ kind: fc.constant("lose" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 30 }), fc.array(step, { maxLength: 40 }), async (before, steps) => {
        const log = new MemoryLog(before.join(""));
        const one = opened(log, { isLive: true, pageLines: 4, mostBytes: 400, tailLines: 3 });
        await settled();
        let told = log.bytes;
        for (const next of steps) {
          if (next.kind === "write") log.write(next.text);
          else if (next.kind === "tell") {
            const to = Math.min(log.bytes, told + next.part);
            log.tell(Math.max(0, told - next.back), to);
            told = Math.max(told, to);
          } else if (next.kind === "skip") {
            told = log.bytes;
            log.skip(told);
          } else if (next.kind === "look") one.model.want(next.at + 1, next.at + 4);
          else if (next.kind === "wait") {
            await settled();
            one.timers.fire();
          } else log.problem = log.problem === undefined ? UNREACHABLE : undefined;
        }
        log.problem = undefined;
        await settled();
        one.timers.fire();
        await settled();
        log.tell(Math.min(told, log.bytes));
        await settled();
        one.timers.fire();
        await settled();
        const lines = linesOf(log.text);
        expect(one.model.state.lines).toBe(lines.length);
        for (let from = 1; from <= lines.length; from += 3)
          expect(await shown(one, from, Math.min(from + 2, lines.length))).toEqual(lines.slice(from - 1, from + 2));
      }),
      { numRuns: 300 },
    );
  });
});

describe("a server that does not answer", () => {
  test("is asked again, later and later; what was shown stays", async () => {
    const one = opened(new MemoryLog(numbered(2000)));
    await shown(one, 1, 3);
    one.log.problem = UNREACHABLE;
    one.model.want(1000, 1003);
    const delays: unknown[] = [];
    for (let round = 0; round < 6; round++) {
      await settled();
      delays.push(one.timers.delays[0]);
      one.timers.fire();
    }
    expect(delays).toEqual([500, 1000, 2000, 5000, 5000, 5000]);
    expect(one.model.state).toMatchObject({ isOffline: true, status: { tag: "ready" }, lines: 2000 });
    expect(one.model.line(1)?.text).toBe("line 1");
    one.log.problem = undefined;
    await settled();
    one.timers.fire();
    await settled();
    expect(one.model.state.isOffline).toBe(false);
    expect(one.model.line(1000)?.text).toBe("line 1000");
  });

  test("is not asked any more once the log is closed", async () => {
    const log = new MemoryLog("a\n");
    log.problem = UNREACHABLE;
    const one = opened(log);
    await settled();
    one.model.close();
    one.timers.fire();
    await settled();
    expect(log.asked).toHaveLength(1);
  });

  test("says why there is nothing", async () => {
    const log = new MemoryLog();
    log.problem = NO_LOG;
    const one = opened(log);
    await settled();
    expect(one.model.state.status).toEqual({ tag: "none", hint: "It has not begun." });
  });
});
