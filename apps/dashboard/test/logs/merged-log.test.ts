/** Logs of many steps in one list: each line once, whole, in its own colours, within a bound. */
import { describe, expect, test } from "vitest";
import { MergedLog, MOST_MERGED, type MergedStep } from "../../src/logs/merged-log.ts";
import { PLAIN } from "../../src/logs/text-style.ts";
import { MemoryLog, NO_LOG, settled } from "./log-rig.ts";

function merged(logs: { readonly [step: string]: MemoryLog }): {
  readonly log: MergedLog;
  readonly shown: () => readonly string[];
} {
  const log = new MergedLog(({ step }) => logs[step] ?? new MemoryLog());
  const shown = (): readonly string[] =>
    Array.from({ length: log.lines }, (_, at) => {
      const line = log.line(at + 1);
      return `${line?.of.step}: ${line?.skipped === undefined ? line?.text : `skipped ${line.skipped}`}`;
    });
  return { log, shown };
}

const [A, B]: readonly [MergedStep, MergedStep] = [
  { step: "a", attempt: 1 },
  { step: "b", attempt: 2 },
];

function written(log: MemoryLog, text: string): void {
  const from = log.bytes;
  log.write(text);
  log.tell(from);
}

describe("running steps", () => {
  test("begin with their last lines and go on as they write, lines whole", async () => {
    const [a, b] = [
      new MemoryLog(Array.from({ length: 50 }, (_, at) => `old ${at}\n`).join("")),
      new MemoryLog("half"),
    ];
    const { log, shown } = merged({ a, b });
    log.follow([A, B]);
    await settled();
    expect([shown().length, shown()[0]]).toEqual([20, "a: old 30"]);
    written(b, " and half\nmore");
    written(a, "new\n");
    expect(shown().slice(20)).toEqual(["b: half and half", "a: new"]);
    b.end();
    expect(shown().slice(22)).toEqual(["b: more"]);
    // It has ended: its lines do not come again.
    log.follow([A, B]);
    await settled();
    expect(shown()).toHaveLength(23);
    log.close();
    expect([a.followers, b.followers]).toEqual([0, 0]);
  });

  test("that have written nothing begin with their first line", async () => {
    const a = new MemoryLog();
    a.problem = NO_LOG;
    const { log, shown } = merged({ a });
    log.follow([A]);
    await settled();
    written(a, "first\n");
    expect(shown()).toEqual(["a: first"]);
  });

  test("keep their colours to themselves", async () => {
    const [a, b] = [new MemoryLog(), new MemoryLog()];
    const { log } = merged({ a, b });
    log.follow([A, B]);
    await settled();
    written(a, "\u001b[31mred\n");
    written(b, "plain\n");
    written(a, "still red\n");
    expect([2, 3].map((line) => log.styleBefore(line))).toEqual([PLAIN, { ...PLAIN, fg: 1 }]);
  });

  test("say what was skipped, and take nothing twice", async () => {
    const a = new MemoryLog("one\n");
    const { log, shown } = merged({ a });
    log.follow([A]);
    await settled();
    a.write("x".repeat(1000));
    a.skip(1004);
    written(a, "tail\n");
    a.tell(1004);
    expect(shown()).toEqual(["a: one", "a: skipped 1000", "a: tail"]);
  });

  test("are held within a bound; the others have other numbers then", async () => {
    const a = new MemoryLog();
    const { log, shown } = merged({ a });
    const moved: unknown[] = [];
    log.onMoved((lines) => moved.push(lines));
    log.follow([A]);
    await settled();
    written(a, Array.from({ length: MOST_MERGED + 1 }, (_, at) => `${at}\n`).join(""));
    expect(moved).toEqual([{ from: 1, by: -2000 }]);
    expect([log.lines, shown()[0]]).toEqual([MOST_MERGED - 1999, "a: 2000"]);
    written(a, `${"y".repeat(60_000)}\n`.repeat(200));
    expect(log.lines).toBeLessThan(200);
  });

  test("are searched in what is here, page by page", async () => {
    const { log } = merged({ a: new MemoryLog("A hit\nnone\na HIT\n(hit\n") });
    log.follow([A]);
    await settled();
    const search = { isPattern: false, ignoreCase: true, limit: 2 };
    const first = await log.search("hit", search);
    expect([first.hits.map(({ line }) => line), first.next]).toEqual([[1, 3], 3]);
    expect((await log.search("hit", { ...search, after: 3 })).hits.map(({ line }) => line)).toEqual([4]);
    expect((await log.search("(hit", search)).hits.map(({ line }) => line)).toEqual([4]);
  });
});
