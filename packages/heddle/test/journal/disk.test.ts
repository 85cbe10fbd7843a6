/** A full disk and one that may not be written: said clearly, nothing lost (port, invariants 3 and 5). */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSqliteJournal } from "../../src/journal/sqlite/open.ts";
import { readAll } from "../support/suites/journal/setting.ts";
import { fill, leaseOk, ME, openOk, span } from "./rig.ts";
import { smallDisk } from "./tmpfs.ts";

const allowed = ((): boolean => {
  using disk = smallDisk(64);
  return disk !== undefined;
})();

test.skipIf(!allowed)("a full disk ends appends with DiskFull; freed, the run goes on with nothing lost", async () => {
  using disk = smallDisk(1024);
  if (disk === undefined) return;
  const file = join(disk.path, "journal.db");
  const filler = join(disk.path, "filler");
  await using journal = await openOk(file);
  const lease = await leaseOk(journal.create({ run: "r1", plan: "p", createdAt: 1 }, ME));
  writeFileSync(filler, Buffer.alloc(300 * 1024));
  let acknowledged = 0;
  let failure: unknown;
  while (failure === undefined && acknowledged < 10_000) {
    const appended = await journal.append(lease, span("r1", acknowledged + 1, acknowledged + 10));
    if (appended.ok) acknowledged += 10;
    else failure = appended.error;
  }
  expect(failure).toMatchObject({ kind: "unknown", problem: { code: "DiskFull" } });
  expect(JSON.stringify(failure)).toContain(file);
  // No retry in place, even with room.
  rmSync(filler);
  const next = span("r1", acknowledged + 1, acknowledged + 1);
  expect(await journal.append(lease, next)).toEqual({ ok: false, error: failure });
  await using again = await openOk(file);
  const events = await readAll(again, "r1");
  expect(events).toEqual(span("r1", 1, events.length));
  expect(events.length).toBeGreaterThanOrEqual(acknowledged);
  expect((await again.append(lease, span("r1", events.length + 1, events.length + 3))).ok).toBe(true);
  expect((await again.check()).ok).toBe(true);
});

test.skipIf(!allowed)("no room for a new journal is said as such", async () => {
  using disk = smallDisk(64);
  if (disk === undefined) return;
  writeFileSync(join(disk.path, "filler"), Buffer.alloc(52 * 1024));
  const opened = await openSqliteJournal(join(disk.path, "journal.db"));
  expect(opened).toMatchObject({ ok: false, error: { code: "DiskFull" } });
});

test.skipIf(!allowed)("a disk that may not be written: refused to write, fine to read", async () => {
  using disk = smallDisk(1024);
  if (disk === undefined) return;
  const file = join(disk.path, "journal.db");
  await fill(file, 1, 12);
  disk.remount("ro");
  expect(await openSqliteJournal(file)).toMatchObject({ ok: false, error: { code: "JournalReadOnly" } });
  expect(await openSqliteJournal(join(disk.path, "new.db"))).toMatchObject({
    ok: false,
    error: { code: "JournalReadOnly" },
  });
  await using journal = await openOk(file, { readOnly: true });
  expect(await readAll(journal, "run0")).toEqual(span("run0", 1, 12));
});
