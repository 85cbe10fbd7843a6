/** D5: damage is found, not believed; D3, of the journal alone: a full disk loses nothing. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import { openSqliteJournal } from "../../src/journal/sqlite/open.ts";
import { readAll } from "../support/suites/journal/setting.ts";
import { apply, judge, randomDamage } from "../journal/damage.ts";
import { fill, folder, leaseOk, ME, openOk, span } from "../journal/rig.ts";
import { smallDisk } from "../journal/tmpfs.ts";
import { report, scaled } from "./scale.ts";

const memory = existsSync("/dev/shm") ? "/dev/shm" : undefined;

test("D5: 2,000 damaged files give the right history or a refusal", async () => {
  using at = folder(memory);
  const runs = await fill(at.file, 4, 150);
  const expected = new Map(runs.map((run) => [run, span(run, 1, 150)]));
  const bytes = readFileSync(at.file);
  const random = seededRandom(5);
  const wrong: string[] = [];
  const verdicts = { right: 0, refused: 0 };
  const files = scaled(2000);
  for (let i = 0; i < files; i++) {
    const damage = randomDamage(bytes.length, random);
    const verdict = await judge(at.path, apply(bytes, damage), expected);
    if (verdict === "right" || verdict === "refused") verdicts[verdict]++;
    else wrong.push(`${JSON.stringify(damage)}: ${verdict}`);
  }
  report(`D5: ${files} files, ${wrong.length} wrong histories (${verdicts.refused} refused, ${verdicts.right} right)`);
  expect(wrong).toEqual([]);
  expect(verdicts.refused).toBeGreaterThan(files / 10);
});

const canMount = ((): boolean => {
  using disk = smallDisk(64);
  return disk !== undefined;
})();

/** What is wrong with how a disk of this size was handled; `undefined`: nothing. */
async function tryDisk(kib: number): Promise<string | undefined> {
  using disk = smallDisk(kib);
  if (disk === undefined) return "cannot mount";
  const file = join(disk.path, "journal.db");
  let acknowledged = 0;
  let code = "";
  const opened = await openSqliteJournal(file);
  if (opened.ok) {
    const journal = opened.value;
    const lease = await journal.create({ run: "r1", plan: "p", createdAt: 1 }, ME);
    if (!lease.ok) code = lease.error.kind === "failed" ? lease.error.problem.code : lease.error.kind;
    while (lease.ok && code === "" && acknowledged < 100_000) {
      const appended = await journal.append(lease.value, span("r1", acknowledged + 1, acknowledged + 10));
      if (appended.ok) acknowledged += 10;
      else code = appended.error.kind === "unknown" ? appended.error.problem.code : appended.error.kind;
    }
    await journal.close();
  } else code = opened.error.code;
  if (code !== "DiskFull") return `ended with ${code} after ${acknowledged} events`;
  disk.remount(`size=${kib + 4096}k`);
  await using again = await openOk(file, { leaseTermMs: -1 });
  const events = await readAll(again, "r1");
  if (events.length < acknowledged) return `${events.length} stored of ${acknowledged}`;
  if (JSON.stringify(events) !== JSON.stringify(span("r1", 1, events.length))) return "a wrong history";
  const known = await again.get("r1");
  const lease = await leaseOk(
    known === undefined ? again.create({ run: "r1", plan: "p", createdAt: 1 }, ME) : again.acquire("r1", ME),
  );
  const more = await again.append(lease, span("r1", events.length + 1, events.length + 10));
  return more.ok ? undefined : "cannot go on with a larger disk";
}

test.skipIf(!canMount)("D3: 200 sizes of a full disk lose nothing", async () => {
  const sizes = scaled(200);
  const wrong: string[] = [];
  for (let i = 0; i < sizes; i++) {
    // From no room for the tables to a log that was moved into the file several times.
    const kib = 4 + Math.floor((i * 6000) / sizes / 4) * 4;
    const problem = await tryDisk(kib);
    if (problem !== undefined) wrong.push(`${kib} KiB: ${problem}`);
  }
  report(`D3: ${sizes} disk sizes, ${wrong.length} wrong`);
  expect(wrong).toEqual([]);
});
