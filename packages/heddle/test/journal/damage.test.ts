/** Damage is found, not believed: a few hundred flipped bits and cut tails (port, invariant 6). */
import { readFileSync, truncateSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openSqliteJournal } from "../../src/journal/sqlite/open.ts";
import { damagedFrame } from "../../src/journal/sqlite/log-check.ts";
import { seededRandom } from "../../src/base/random.ts";
import { apply, judge, randomDamage } from "./damage.ts";
import { fill, folder, leaseOk, madeEvent, ME, openOk, span } from "./rig.ts";

test("a damaged file gives the right history or a refusal that names it", { timeout: 30_000 }, async () => {
  using at = folder();
  const runs = await fill(at.file, 3, 40);
  const expected = new Map(runs.map((run) => [run, span(run, 1, 40)]));
  const bytes = readFileSync(at.file);
  const random = seededRandom(20261120);
  const wrong: string[] = [];
  const verdicts = { right: 0, refused: 0 };
  for (let i = 0; i < 300; i++) {
    const damage = randomDamage(bytes.length, random);
    const verdict = await judge(at.path, apply(bytes, damage), expected);
    if (verdict === "right" || verdict === "refused") verdicts[verdict]++;
    else wrong.push(`${JSON.stringify(damage)}: ${verdict}`);
  }
  expect(wrong).toEqual([]);
  // Neither answer may be the only one: then the test would not look at anything.
  expect(verdicts.refused).toBeGreaterThan(50);
  expect(verdicts.right).toBeGreaterThan(10);
});

/** Frames of the log: their headers and pages. */
const FRAME = 24 + 4096;
/** What makes an event one of many frames. */
const LARGE = { type: "step.progress", step: "large", attempt: 1, data: { text: "x".repeat(30_000) } } as const;

test(
  "damage in the middle of the log is refused, at its end it is a commit that never was",
  { timeout: 30_000 },
  async () => {
    using at = folder();
    await using journal = await openOk(at.file);
    const lease = await leaseOk(journal.create({ run: "r1", plan: "p", createdAt: 1 }, ME));
    const commits = 30;
    for (let seq = 1; seq <= commits; seq++) await journal.append(lease, span("r1", seq, seq));
    const bytes = readFileSync(at.file);
    const log = readFileSync(`${at.file}-wal`);
    const frames = (log.length - 32) / FRAME;
    expect(damagedFrame(`${at.file}-wal`)).toBe(undefined);
    const expected = new Map([["r1", span("r1", 1, commits)]]);
    expect(await judge(at.path, bytes, expected, log)).toBe("right");
    const random = seededRandom(7);
    const verdicts: Record<string, number> = {};
    for (let i = 0; i < 90; i++) {
      // In the header, in the header of a frame, or anywhere; not in the last commits.
      const frame = Math.floor(random() * (frames - 8));
      const place = [0, 32 + frame * FRAME, 32 + frame * FRAME + 24][i % 3] ?? 0;
      const offset = place + Math.floor(random() * ([32, 24, 4096][i % 3] ?? 0));
      const damage = { kind: "flip", at: offset, bit: Math.floor(random() * 8) } as const;
      const verdict = await judge(at.path, bytes, expected, apply(log, damage));
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    }
    expect(verdicts).toEqual({ refused: 90 });
    // The last commit may as well have been cut short by a power cut: the history ends before it, and is right.
    const last = new Map([["r1", span("r1", 1, commits - 1)]]);
    const torn = apply(log, { kind: "flip", at: log.length - 100, bit: 3 });
    expect(await judge(at.path, bytes, last, torn)).toBe("right");
    // So may a last commit of many frames whose first one did not reach the disk.
    await journal.append(lease, [{ ...madeEvent("r1", commits + 1), ...LARGE }]);
    const longer = readFileSync(`${at.file}-wal`);
    const first = apply(longer, { kind: "flip", at: log.length + 24 + 100, bit: 3 });
    expect(await judge(at.path, bytes, expected, first)).toBe("right");
  },
);

test("a file whose first page was cut short by a power cut is a new one; a journal cut to as little is damaged", async () => {
  using born = folder();
  const driver = new DatabaseSync(born.file);
  driver.exec("PRAGMA journal_mode = WAL");
  driver.close();
  truncateSync(born.file, 3584);
  await using journal = await openOk(born.file);
  expect(await journal.runs()).toEqual([]);
  using lived = folder();
  await fill(lived.file, 1, 10);
  truncateSync(lived.file, 3584);
  const opened = await openSqliteJournal(lived.file);
  expect(opened).toMatchObject({ ok: false, error: { code: "JournalDamaged" } });
});
