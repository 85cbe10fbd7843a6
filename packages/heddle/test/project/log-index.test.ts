/** Lines of a log by their number, and what is found in it: the same as a reader of the whole would find, in pieces of any size. */
import { appendFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LogIndex, LogIndexes, type LogIndexSizes } from "../../src/project/log-index.ts";
import { LONGEST_QUERY, SEARCH_MS, searchLog, type LogHit, type LogQuery } from "../../src/project/log-search.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder("log-index");
let files = 0;

function logOf(text: string): string {
  const file = path.join(folder, `${++files}.log`);
  writeFileSync(file, text);
  return file;
}

/** As an editor counts them. */
function linesOf(text: string): readonly string[] {
  return text.endsWith("\n") || text === "" ? text.split("\n").slice(0, -1) : text.split("\n");
}

const text = fc.array(fc.constantFrom("x", "ä", "\n", "\n\n", "needle", "NEEDLE", "a\n", "yyyyyyyyyy"), {
  maxLength: 40,
});
const sizes = fc.record<LogIndexSizes>({
  piece: fc.integer({ min: 1, max: 30 }),
  every: fc.integer({ min: 1, max: 4 }),
  most: fc.integer({ min: 2, max: 6 }),
  given: fc.integer({ min: 8, max: 60 }),
});

async function allLines(index: LogIndex, step: number): Promise<readonly string[]> {
  const found: string[] = [];
  for (let from = 1; ; from = found.length + 1) {
    const range = await index.lines(from, from + step - 1);
    if (range === undefined || range.lines.length === 0) return found;
    expect(range.lines.length).toBeLessThanOrEqual(step);
    found.push(...range.lines);
    // Of a line that is longer than an answer the number is still right.
    if (range.isCut) found[found.length - 1] += "…";
  }
}

describe("lines", () => {
  test("are the same as in the whole text, while it grows", async () => {
    await fc.assert(
      fc.asyncProperty(text, text, sizes, fc.integer({ min: 1, max: 9 }), async (before, after, size, step) => {
        const [first, whole] = [before.join(""), [...before, ...after].join("")];
        const file = logOf(first);
        const index = new LogIndex(file, size);
        const given = (written: string): readonly string[] =>
          linesOf(written).map((line) => {
            const bytes = Buffer.from(line);
            return bytes.length >= size.given ? `${bytes.toString("utf8", 0, size.given)}…` : line;
          });
        const short = (written: string): boolean =>
          linesOf(written).every((line) => Buffer.byteLength(line) + 1 < size.given);
        for (const written of [first, whole]) {
          if (written === whole) appendFileSync(file, whole.slice(first.length));
          if (short(written)) expect(await allLines(index, step)).toEqual(given(written));
          expect(await index.size()).toEqual({ bytes: Buffer.byteLength(written), lines: linesOf(written).length });
          for (const [at, line] of linesOf(written).entries()) {
            const [found, same] = [
              await index.lines(at + 1, at + 1),
              await new LogIndex(file, size).lines(at + 1, at + 1),
            ];
            expect(found).toEqual(same);
            const start = Buffer.byteLength(
              linesOf(written)
                .slice(0, at)
                .map((one) => `${one}\n`)
                .join(""),
            );
            expect([found?.offset, found?.from]).toEqual([start, at + 1]);
            if (short(written)) expect(found?.lines).toEqual([line]);
            expect(await index.lineAt(start + Math.floor(Buffer.byteLength(line) / 2))).toBe(at + 1);
          }
        }
      }),
    );
  });

  test("at the end are the same, looked at or not", async () => {
    await fc.assert(
      fc.asyncProperty(text, sizes, fc.integer({ min: 1, max: 9 }), fc.nat(4), async (parts, size, count, pieces) => {
        const written = parts.join("");
        const lines = linesOf(written);
        if (lines.some((line) => Buffer.byteLength(line) + 1 >= size.given)) return;
        const index = new LogIndex(logOf(written), size);
        const quick = await index.last(count, pieces);
        const whole = await index.last(count);
        const given = whole?.range.lines ?? [];
        expect(given).toEqual(lines.slice(lines.length - given.length));
        // Fewer only where they are too long for an answer.
        if (given.length < Math.min(count, lines.length))
          expect(Buffer.byteLength(`${lines.slice(-given.length - 1).join("\n")}\n`)).toBeGreaterThan(size.given - 1);
        expect(given.length).toBeLessThanOrEqual(count);
        const bytes = Buffer.byteLength(written);
        expect(whole?.size).toEqual({ bytes, lines: lines.length });
        expect([whole?.range.from, whole?.range.end]).toEqual([Math.max(1, lines.length - given.length + 1), bytes]);
        expect(quick?.range).toMatchObject({ lines: given, offset: whole?.range.offset, end: bytes, isCut: false });
        expect(quick?.range.isOpen).toBe(written !== "" && !written.endsWith("\n"));
        expect(quick?.size.bytes).toBe(bytes);
        expect(quick?.size.isGuess).toBe(pieces * size.piece >= bytes ? undefined : true);
        if (quick?.size.isGuess === undefined) expect(quick).toEqual(whole);
      }),
    );
    const long = new LogIndex(logOf(`ab\n${"é".repeat(100)}`), { given: 11 });
    expect(await long.last(3)).toEqual({
      size: { bytes: 203, lines: 2 },
      range: { from: 2, lines: ["ééééé"], offset: 193, end: 203, isCut: true, isOpen: true },
    });
    expect(await new LogIndex(path.join(folder, "none")).last(1)).toBeUndefined();
  });

  test("are counted by a few pieces for each who cannot wait, until all are", async () => {
    const index = new LogIndex(logOf("a line\n".repeat(1000)), { piece: 700 });
    const guesses = [];
    for (let asked = 0; asked < 5; asked++) guesses.push(await index.size(3));
    expect(guesses).toEqual([
      { bytes: 7000, lines: 1000, isGuess: true },
      { bytes: 7000, lines: 1000, isGuess: true },
      { bytes: 7000, lines: 1000, isGuess: true },
      { bytes: 7000, lines: 1000 },
      { bytes: 7000, lines: 1000 },
    ]);
  });

  test("of a log that was replaced or cut off are those of the new one; a link is no log", async () => {
    const file = logOf("a\nb\nc\n");
    const index = new LogIndex(file, { piece: 2, every: 1 });
    expect((await index.lines(3, 3))?.lines).toEqual(["c"]);
    renameSync(logOf("x\ny\nz\nw\n"), file);
    expect([(await index.lines(1, 9))?.lines, await index.size()]).toEqual([
      ["x", "y", "z", "w"],
      { bytes: 8, lines: 4 },
    ]);
    truncateSync(file, 3);
    expect([(await index.lines(1, 9))?.lines, await index.size()]).toEqual([["x", "y"], { bytes: 3, lines: 2 }]);
    rmSync(file);
    expect([await index.lines(1, 1), await index.size(), await index.lineAt(0)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    symlinkSync(logOf("secret\n"), file);
    expect([await index.lines(1, 1), await index.size()]).toEqual([undefined, undefined]);
  });

  test("asked for by many at once are read once for all", async () => {
    const file = logOf(Array.from({ length: 500 }, (_, at) => `line ${at + 1}\n`).join(""));
    const index = new LogIndex(file, { piece: 64, every: 8, most: 16 });
    const asked = await Promise.all(Array.from({ length: 50 }, (_, at) => index.lines(at * 10 + 1, at * 10 + 1)));
    expect(asked.map((range) => range?.lines)).toEqual(asked.map((_, at) => [`line ${at * 10 + 1}`]));
    expect(await index.size()).toMatchObject({ lines: 500 });
  });

  test("longer than an answer are cut, and say where they go on", async () => {
    const file = logOf(`ab\n${"x".repeat(100)}\nend`);
    const index = new LogIndex(file, { given: 10, piece: 7, every: 1 });
    expect(await index.lines(1, 9)).toEqual({ from: 1, lines: ["ab"], offset: 0, end: 3, isCut: false, isOpen: false });
    expect(await index.lines(2, 9)).toEqual({
      from: 2,
      lines: ["x".repeat(10)],
      offset: 3,
      end: 13,
      isCut: true,
      isOpen: false,
    });
    expect(await index.lines(3, 9)).toEqual({
      from: 3,
      lines: ["end"],
      offset: 104,
      end: 107,
      isCut: false,
      isOpen: true,
    });
    expect(await index.lines(4, 9)).toMatchObject({ lines: [], offset: 107 });
  });

  test("the indexes of logs that nobody looks at are forgotten", () => {
    const indexes = new LogIndexes(2);
    const [a, b] = [indexes.of("a"), indexes.of("b")];
    expect(indexes.of("a")).toBe(a);
    indexes.of("c");
    expect([indexes.of("a") === a, indexes.of("b") === b]).toEqual([true, false]);
  });
});

describe("search", () => {
  const clock = new VirtualClock(0);

  async function all(file: string, query: LogQuery, piece: number, isIndexed = false): Promise<readonly LogHit[]> {
    const index = new LogIndex(file, { piece, every: 2 });
    if (isIndexed) await index.size();
    const hits: LogHit[] = [];
    let after: number | undefined;
    do {
      const found = await searchLog({ clock, piece }, index, after === undefined ? query : { ...query, after });
      if (!found.ok || found.value === undefined) throw new Error("no log");
      hits.push(...found.value.hits);
      after = found.value.next;
    } while (after !== undefined);
    return hits;
  }

  test("finds the first hit of each line, in pieces of any size, in one go or in several", async () => {
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.constantFrom<LogQuery>(
          { text: "needle" },
          { text: "needle", ignoreCase: true },
          { text: "ne+dle", isPattern: true },
          { text: "^a$", isPattern: true },
          { text: "ä" },
        ),
        fc.integer({ min: 80, max: 200 }),
        fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
        fc.boolean(),
        async (parts, query, piece, limit, isIndexed) => {
          const written = parts.join("");
          const pattern = new RegExp(query.text, query.ignoreCase === true ? "iu" : "u");
          // Of a line that does not fit into a piece only the beginning may be searched.
          if (linesOf(written).some((line) => Buffer.byteLength(line) >= piece)) return;
          let offset = 0;
          const expected: unknown[] = [];
          for (const [at, line] of linesOf(written).entries()) {
            const hit = line.search(pattern);
            if (hit !== -1) expected.push([at + 1, offset + Buffer.byteLength(line.slice(0, hit))]);
            offset += Buffer.byteLength(line) + 1;
          }
          const hits = await all(logOf(written), limit === undefined ? query : { ...query, limit }, piece, isIndexed);
          expect(hits.map((hit) => [hit.line, hit.offset])).toEqual(expected);
        },
      ),
    );
  });

  test("finds what lies across two pieces of one long line, and shows what is around it", async () => {
    const line = `${"é".repeat(300)}needle${"z".repeat(300)}`;
    for (const piece of [16, 17, 64, 605, 4096]) {
      const [hit, ...more] = await all(logOf(`first\n${line}\nlast needle\n`), { text: "needle" }, piece);
      expect([hit?.line, hit?.offset, more.map((one) => one.line)]).toEqual([2, 606, [3]]);
      expect(hit?.excerpt).toMatch(/^…?é*needlez*…?$/);
      expect(more[0]?.excerpt).toBe("last needle");
    }
  });

  test("ends when its time is over, and says where to go on", async () => {
    const file = logOf("x needle\n".repeat(40));
    const slow = { now: () => (slow.time += SEARCH_MS / 4), time: 0 };
    const index = new LogIndex(file);
    const lines: number[] = [];
    let rounds = 0;
    for (let after: number | undefined = 0; after !== undefined; rounds++) {
      const found = await searchLog({ clock: slow, piece: 18 }, index, { text: "needle", after });
      if (!found.ok || found.value === undefined) throw new Error("no log");
      lines.push(...found.value.hits.map(({ line }) => line));
      after = found.value.next;
    }
    expect(lines).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
    expect(rounds).toBeGreaterThan(3);
  });

  test.each<[string, LogQuery]>([
    ["nothing", { text: "" }],
    ["a line break", { text: "a\nb" }],
    ["too much", { text: "x".repeat(LONGEST_QUERY + 1) }],
    ["what is no pattern", { text: "(", isPattern: true }],
    ["repeats in a repeated group", { text: "(a+)+$", isPattern: true }],
    ["many repeats", { text: "a*b*c*d*", isPattern: true }],
    ["a look-around", { text: "(?<=a)b", isPattern: true }],
  ])("for %s is refused", async (_, query) => {
    const found = await searchLog({ clock }, new LogIndex(logOf("a\n")), query);
    expect(found).toMatchObject({ ok: false, error: { code: "InvalidSearch" } });
  });

  test("takes every character of a text as it is, whatever the case", async () => {
    const odd = String.raw`^a.b*c+d?(e)[f]{2}|g/h-i\j $K`;
    for (const ignoreCase of [false, true]) {
      const query = { text: ignoreCase ? odd.toUpperCase() : odd, ignoreCase };
      expect((await all(logOf(`no\n1 ${odd} 2\n`), query, 4096)).map((hit) => [hit.line, hit.offset])).toEqual([
        [2, 5],
      ]);
    }
    expect(await searchLog({ clock }, new LogIndex(path.join(folder, "gone")), { text: "x" })).toEqual({
      ok: true,
      value: undefined,
    });
  });

  test("a pattern that backtracks looks at the beginning of a long line alone", async () => {
    const file = logOf(`${"a".repeat(60_000)}b\nab\n`);
    expect((await all(file, { text: "a*a*a*b", isPattern: true }, 1024 * 1024)).map((hit) => hit.line)).toEqual([2]);
    expect((await all(file, { text: "b" }, 1024 * 1024)).map((hit) => hit.line)).toEqual([1, 2]);
  });
});
