/** A search through a log of any size: every line with a hit, once, in order, while the log grows and questions change. */
import fc from "fast-check";
import { ApiProblem } from "heddle/client";
import { describe, expect, test } from "vitest";
import { hitRanges, HitSearch, type HitQuery } from "../../src/logs/hit-search.ts";
import { markedRuns } from "../../src/logs/marked-runs.ts";
import { PLAIN, type TextStyle } from "../../src/logs/text-style.ts";
import { MemoryLog, settled } from "./log-rig.ts";

const QUERY: HitQuery = { text: "hit", isPattern: false, ignoreCase: true };

function logWith(lines: number, isHit: (line: number) => boolean): MemoryLog {
  return new MemoryLog(
    Array.from({ length: lines }, (_, at) => (isHit(at + 1) ? `Hit ${at + 1}\n` : `${at + 1}\n`)).join(""),
  );
}

describe("a search", () => {
  test("goes on until all is searched, page by page", async () => {
    const log = logWith(5000, (line) => line % 2 === 0);
    const search = new HitSearch({ source: log });
    const seen: unknown[] = [];
    search.subscribe(() => seen.push([search.state?.lines.length, search.state?.stage]));
    search.start(QUERY, 5000, log.bytes);
    for (let round = 0; round < 5; round++) await settled();
    expect(seen).toEqual([
      [0, "searching"],
      [1000, "searching"],
      [2000, "searching"],
      [2500, "done"],
    ]);
    expect(search.state?.lines.slice(0, 3)).toEqual([2, 4, 6]);
  });

  test("knows the hit before and behind any line, around both ends", async () => {
    const search = new HitSearch({ source: logWith(100, (line) => [10, 50, 90].includes(line)) });
    search.start(QUERY, 100, 0);
    await settled();
    expect([1, 10, 49, 50, 90, 100].map((line) => search.next(line, 1))).toEqual([10, 50, 50, 90, 10, 10]);
    expect([1, 10, 11, 50, 100].map((line) => search.next(line, -1))).toEqual([90, 90, 10, 10, 90]);
    expect([9, 10, 90].map((line) => search.numberOf(line))).toEqual([undefined, 1, 3]);
  });

  test("finds nothing where there is nothing, and is over when it is stopped", async () => {
    const search = new HitSearch({ source: logWith(10, () => false) });
    search.start(QUERY, 10, 0);
    await settled();
    expect([search.state?.stage, search.next(1, 1)]).toEqual(["done", undefined]);
    search.stop();
    expect(search.state).toBeUndefined();
  });

  test("takes no answer to an earlier question", async () => {
    const log = new MemoryLog("one\ntwo\n");
    const search = new HitSearch({ source: log });
    search.start({ ...QUERY, text: "one" }, 2, log.bytes);
    search.start({ ...QUERY, text: "two" }, 2, log.bytes);
    await settled();
    expect(search.state).toMatchObject({ query: { text: "two" }, lines: [2], stage: "done" });
    search.start({ ...QUERY, text: "one" }, 2, log.bytes);
    search.stop();
    await settled();
    expect(search.state).toBeUndefined();
  });

  test("finds what has come since, once", async () => {
    const log = logWith(10, (line) => line === 10);
    const search = new HitSearch({ source: log });
    search.start(QUERY, 10, log.bytes);
    await settled();
    log.write("a hit\nnone\nhit\n");
    search.grow(13, log.bytes);
    await settled();
    expect(search.state).toMatchObject({ lines: [10, 11, 13], stage: "done" });
    const asked = log.asked.length;
    search.grow(13, log.bytes);
    expect(log.asked.length).toBe(asked);
  });

  test("ends where there are more lines than it can hold", async () => {
    const search = new HitSearch({ source: logWith(3000, () => true), most: 1500 });
    search.start(QUERY, 3000, 0);
    for (let round = 0; round < 5; round++) await settled();
    expect([search.state?.lines.length, search.state?.stage]).toEqual([1500, "stopped"]);
  });

  test("says why it is refused", async () => {
    const log = new MemoryLog("x\n");
    log.problem = new ApiProblem({ code: "invalid-search", status: 422, detail: "could take too long" });
    const search = new HitSearch({ source: log });
    search.start({ ...QUERY, text: "(a+)+", isPattern: true }, 1, 2);
    await settled();
    expect(search.state).toMatchObject({ stage: "refused", problem: { detail: "could take too long" } });
  });

  test("counts those lines alone that its caller says", async () => {
    const search = new HitSearch({ source: logWith(10, () => true), counts: ({ excerpt }) => excerpt.endsWith("5") });
    search.start(QUERY, 10, 0);
    await settled();
    expect(search.state?.lines).toEqual([5]);
  });
});

describe("marks", () => {
  test.each<[string, HitQuery, readonly (readonly [number, number])[]]>([
    [
      "a.b axb a.b",
      { text: "a.b", isPattern: false, ignoreCase: false },
      [
        [0, 3],
        [8, 11],
      ],
    ],
    [
      "a.b axb",
      { text: "a.b", isPattern: true, ignoreCase: false },
      [
        [0, 3],
        [4, 7],
      ],
    ],
    [
      "Äx äX",
      { text: "äx", isPattern: false, ignoreCase: true },
      [
        [0, 2],
        [3, 5],
      ],
    ],
    ["anything", { text: "x*", isPattern: true, ignoreCase: false }, []],
    ["anything", { text: "(", isPattern: true, ignoreCase: false }, []],
    ["anything", { text: "", isPattern: false, ignoreCase: false }, []],
  ])("%s", (text, query, ranges) => expect(hitRanges(text, query)).toEqual(ranges));

  test("cut the runs of a line where they begin and end, and change nothing else", () => {
    const styles: readonly TextStyle[] = [PLAIN, { ...PLAIN, bold: true }];
    const run = fc.record({ text: fc.stringMatching(/^[ab]{1,5}$/), style: fc.constantFrom(...styles) });
    fc.assert(
      fc.property(fc.array(run), fc.constantFrom("a", "ab", "ba", "bbb"), (runs, wanted) => {
        const text = runs.map((one) => one.text).join("");
        const ranges = hitRanges(text, { text: wanted, isPattern: false, ignoreCase: false });
        const marked = markedRuns(runs, ranges);
        expect(marked.every((one) => one.text !== "")).toBe(true);
        const each = (of: readonly { text: string; style: TextStyle; isHit?: boolean }[]): unknown[] =>
          of.flatMap((one) => [...one.text].map((letter) => [letter, one.style]));
        expect(each(marked)).toEqual(each(runs));
        const hits = marked.flatMap((one) => [...one.text].map(() => one.isHit));
        expect(hits).toEqual(hits.map((_, at) => ranges.some(([from, to]) => from <= at && at < to)));
      }),
    );
  });
});
