/** What only the SQLite journal has: a file, its settings, formats and damage. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import type { ReadOptions } from "../../src/journal/port.ts";
import { crc32, ownCrc32 } from "../../src/journal/sqlite/checksum.ts";
import type { Database } from "../../src/journal/sqlite/database.ts";
import { formatOf, FORMATS, migrate } from "../../src/journal/sqlite/migrations.ts";
import { openSqliteJournal, type SqliteOptions } from "../../src/journal/sqlite/open.ts";
import { SQL } from "../../src/journal/sqlite/sql.ts";
import { progress, readAll } from "../support/suites/journal/setting.ts";
import { fill, folder, leaseOk, ME, openOk, span } from "./rig.ts";

async function refusal(file: string, options: SqliteOptions = {}): Promise<string> {
  const opened = await openSqliteJournal(file, options);
  if (!opened.ok) return `${opened.error.code}: ${opened.error.message}`;
  await opened.value.close();
  return "opened";
}

/** Changes a closed journal behind its back. */
function tamper(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

async function readError(file: string, run: string): Promise<string> {
  await using journal = await openOk(file, { readOnly: true });
  return await readAll(journal, run).then(
    (events) => `${events.length} events`,
    (thrown: { readonly code: string; readonly message: string }) => `${thrown.code}: ${thrown.message}`,
  );
}

test("the folder is made, the file is ours alone, and the log beside it too", async () => {
  using at = folder();
  const file = join(at.path, "deep", "er", "journal.db");
  await using journal = await openOk(file);
  await journal.create({ run: "r1", plan: "p", createdAt: 1 }, ME);
  expect([file, `${file}-wal`, `${file}-shm`].map((name) => (statSync(name).mode & 0o777).toString(8))).toEqual([
    "600",
    "600",
    "600",
  ]);
});

test("closing moves the log into the file", async () => {
  using at = folder();
  await fill(at.file, 1, 20);
  expect(existsSync(`${at.file}-wal`)).toBe(false);
});

test("what is no plain file is refused", async () => {
  using at = folder();
  const outside = join(at.path, "outside");
  mkdirSync(outside);
  symlinkSync(join(outside, "elsewhere.db"), at.file);
  expect(await refusal(at.file)).toBe(`JournalUnusable: ${at.file} is not a plain file`);
  expect(await refusal(outside)).toMatch(/^JournalUnusable/);
  const other = join(at.path, "other.db");
  await fill(other, 1, 1);
  symlinkSync(join(outside, "log"), `${other}-wal`);
  expect(await refusal(other)).toBe(`JournalUnusable: ${other}-wal is not a plain file`);
  expect(existsSync(join(outside, "log"))).toBe(false);
});

test("a file of another kind is refused and left as it is", async () => {
  using at = folder();
  writeFileSync(at.file, "not a database, but long enough to look at. ".repeat(100));
  const before = readFileSync(at.file);
  expect(await refusal(at.file)).toMatch(/^JournalDamaged: .*journal\.db is damaged or not a journal/);
  expect(readFileSync(at.file).equals(before)).toBe(true);
  const foreign = join(at.path, "foreign.db");
  tamper(foreign, "CREATE TABLE mine (a); PRAGMA user_version = 1");
  expect(await refusal(foreign)).toMatch(/^JournalDamaged: .*foreign\.db is not a heddle journal/);
});

test("a newer format is refused, untouched, with the name of its writer", async () => {
  using at = folder();
  await fill(at.file, 1, 5);
  tamper(at.file, "PRAGMA user_version = 9; UPDATE meta SET value = 'heddle 7.0.0' WHERE key = 'writer'");
  const before = readFileSync(at.file);
  for (const readOnly of [false, true]) {
    expect(await refusal(at.file, { readOnly })).toMatch(
      /^JournalTooNew: .*journal\.db was written by a newer heddle: format 9, written by heddle 7\.0\.0/,
    );
  }
  expect(readFileSync(at.file).equals(before)).toBe(true);
});

test("a newer event in a known format is refused when it is read", async () => {
  using at = folder();
  await fill(at.file, 1, 1);
  await using journal = await openOk(at.file);
  const { eventSum } = await import("../../src/journal/sqlite/codec.ts");
  const event = progress("run0", 1, { seq: 1, text: "x" }, "step-1");
  const sum = eventSum("run0", 1, event.time, event.type, 99, "step-1", 1, JSON.stringify(event.data));
  tamper(at.file, `UPDATE types SET version = 99; UPDATE events SET sum = ${sum}`);
  await expect(readAll(journal, "run0")).rejects.toMatchObject({ code: "JournalTooNew" });
});

/** A file as the migrations see it. */
function databaseOf(driver: DatabaseSync, file: string): Database {
  return {
    file,
    readOnly: false,
    sql: (text) => {
      const statement = driver.prepare(text);
      statement.setReturnArrays(true);
      return {
        get: (...params) => statement.get(...params) as never,
        all: (...params) => statement.all(...params) as never,
        run: (...params) => Number(statement.run(...params).changes),
      };
    },
    exec: (text) => driver.exec(text),
    transaction: (work) => {
      driver.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        driver.exec("COMMIT");
        return result;
      } catch (thrown) {
        driver.exec("ROLLBACK");
        throw thrown;
      }
    },
    makeRoom: () => {},
    isInPlace: () => true,
    copyTo: () => Promise.reject(new Error("not here")),
    close: () => driver.close(),
  };
}

test.each([1, 2, 3, 4, 5])(
  "the format of a file that another process makes before statement %i is read whole",
  (moment) => {
    using at = folder();
    const [driver, other] = [new DatabaseSync(at.file), new DatabaseSync(at.file)];
    const db = databaseOf(driver, at.file);
    let statements = 0;
    const looking: Database = {
      ...db,
      sql(text) {
        if (++statements === moment) migrate(databaseOf(other, at.file), { writer: "other", to: 1 });
        return db.sql(text);
      },
    };
    expect(formatOf(looking)).toBe(moment <= 4 ? 1 : 0);
    other.close();
    driver.close();
  },
);

test("an older format is brought up to date in one transaction", () => {
  using at = folder();
  const driver = new DatabaseSync(at.file);
  const db = databaseOf(driver, at.file);
  migrate(db, { writer: "heddle 1", to: 1 });
  expect(formatOf(db)).toBe(1);
  migrate(db, { writer: "heddle 1", to: FORMATS.length });
  expect(formatOf(db)).toBe(FORMATS.length);
  migrate(db, { writer: "heddle 0", to: 1 });
  expect(formatOf(db)).toBe(FORMATS.length);
  const next = [...FORMATS, "ALTER TABLE runs ADD COLUMN extra TEXT;"];
  const broken = [...next, "CREATE TABLE half (a); CREATE TABLE half (a);"];
  expect(() => migrate(db, { writer: "heddle 3", to: broken.length, formats: broken })).toThrow(/half/);
  expect(formatOf(db)).toBe(FORMATS.length);
  migrate(db, { writer: "heddle 2", to: next.length, formats: next });
  expect(formatOf(db, next)).toBe(FORMATS.length + 1);
  expect(db.sql("SELECT extra FROM runs").all()).toEqual([]);
  expect(db.sql("SELECT value FROM meta WHERE key = 'writer'").get()).toEqual(["heddle 2"]);
  expect(() => formatOf(db)).toThrow(/newer heddle/);
  db.close();
});

test("format 3 comes with the first notice, and not before, also beside journals that were open", async () => {
  using at = folder();
  await fill(at.file, 1, 5);
  const format = (): unknown => {
    const driver = new DatabaseSync(at.file, { readOnly: true });
    const version = driver.prepare("PRAGMA user_version").get()?.["user_version"];
    driver.close();
    return version;
  };
  await using old = await openOk(at.file);
  await using reader = await openOk(at.file, { readOnly: true });
  expect([await old.nextNotice(), await reader.takeNotices(1, 9, ME), format()]).toEqual([undefined, [], 1]);
  await using journal = await openOk(at.file);
  const lease = await leaseOk(journal.acquire("run0", ME));
  expect((await journal.append(lease, span("run0", 6, 6), { notices: [] })).ok).toBe(true);
  expect(format()).toBe(1);
  const notices = [{ seq: 7, target: "t", body: "{}" }];
  expect((await journal.append(lease, span("run0", 7, 7), { notices })).ok).toBe(true);
  expect(format()).toBe(3);
  expect([await old.nextNotice(), await reader.nextNotice()]).toEqual([0, 0]);
  expect((await old.takeNotices(1, 9, ME)).map(({ target }) => target)).toEqual(["t"]);
});

const REQUEST = { key: "k", digest: "d", time: 1, effect: "e" };

test("format 2 comes with the first keyed request, and not before; an older heddle is told whose it is", async () => {
  using at = folder();
  await fill(at.file, 1, 5);
  const format = (): unknown => {
    const driver = new DatabaseSync(at.file, { readOnly: true });
    const version = driver.prepare("PRAGMA user_version").get()?.["user_version"];
    driver.close();
    return version;
  };
  await using old = await openOk(at.file, { writer: "heddle 0.1.0" });
  expect((await old.check()).ok).toBe(true);
  expect(format()).toBe(1);
  await using reader = await openOk(at.file, { readOnly: true });
  await using journal = await openOk(at.file, { writer: "heddle 7.0.0" });
  await expect(reader.beginRequest(REQUEST, ME)).rejects.toMatchObject({ code: "JournalReadOnly" });
  expect(format()).toBe(1);
  const begun = await journal.beginRequest(REQUEST, ME);
  expect([begun.kind, format()]).toEqual(["new", 2]);
  // Those that were open go on, whatever they know.
  expect((await old.beginRequest(REQUEST, ME)).kind).toBe("under-way");
  expect((await readAll(reader, "run0")).length).toBe(5);
  const lease = await leaseOk(old.acquire("run0", ME));
  expect((await old.append(lease, span("run0", 6, 6))).ok).toBe(true);
  const driver = new DatabaseSync(at.file, { readOnly: true });
  expect(() => formatOf(databaseOf(driver, at.file), FORMATS.slice(0, 1))).toThrow(
    /written by a newer heddle: format 2, written by heddle 7\.0\.0; this version reads up to format 1/,
  );
  driver.close();
});

test.each([
  ["seq = 5", [9, 5, 1]],
  ["seq = 9", [9]],
  ["seq > 4", [9, 5, 1]],
  ["seq < 3", [9, 2, 1]],
])(
  "events that are missing (%s) are missed forwards and backwards, and not where they are not asked for",
  async (where, seqs) => {
    using at = folder();
    await fill(at.file, 1, 9);
    tamper(at.file, `DELETE FROM events WHERE ${where}`);
    await using journal = await openOk(at.file, { readOnly: true });
    const missed = async (options: ReadOptions): Promise<number | string> => {
      let count = 0;
      try {
        for await (const batch of journal.read("run0", options)) count += batch.length;
        return count;
      } catch (thrown) {
        return /event (\d+) of run run0 is missing/.exec(String(thrown))?.[1] ?? String(thrown);
      }
    };
    const driver = new DatabaseSync(at.file, { readOnly: true });
    const kept = new Set(
      driver
        .prepare("SELECT seq FROM events")
        .all()
        .map((row) => row["seq"]),
    );
    driver.close();
    const gone = (seq: number): boolean => !kept.has(seq);
    const lost = Array.from({ length: 9 }, (_, index) => index + 1).filter(gone);
    expect([await missed({}), await missed({ backwards: true })]).toEqual([String(lost[0]), String(lost.at(-1))]);
    for (const seq of seqs) {
      const range = { after: seq - 1, before: seq + 1 };
      const expected = gone(seq) ? String(seq) : 1;
      expect([await missed(range), await missed({ ...range, backwards: true })]).toEqual([expected, expected]);
    }
  },
);

test("a damaged answer is not given, and check names its key", async () => {
  using at = folder();
  await using journal = await openOk(at.file);
  for (const key of ["a", "b"]) {
    const begun = await journal.beginRequest({ ...REQUEST, key }, ME);
    if (begun.kind === "new") await journal.finishRequest(begun.claim, { status: 200, headers: {}, body: "{}" });
  }
  tamper(at.file, "UPDATE keyed_requests SET body = '{\"x\":1}' WHERE key = 'b'");
  await expect(journal.beginRequest({ ...REQUEST, key: "b" }, ME)).rejects.toMatchObject({ code: "JournalDamaged" });
  expect((await journal.beginRequest({ ...REQUEST, key: "a" }, ME)).kind).toBe("done");
  const { ok, problems } = await journal.check();
  expect([ok, problems.length, problems[0]?.message]).toEqual([false, 1, expect.stringContaining("key b")]);
});

test("reading alone makes nothing and changes nothing", async () => {
  using at = folder();
  expect(await refusal(at.file, { readOnly: true })).toBe(`JournalMissing: there is no journal at ${at.file}`);
  expect(existsSync(at.file)).toBe(false);
  await fill(at.file, 2, 15);
  await using journal = await openOk(at.file, { readOnly: true });
  expect(await readAll(journal, "run1")).toEqual(span("run1", 1, 15));
  const taken = await journal.acquire("run1", ME);
  expect(taken.ok ? "" : taken.error.kind === "failed" ? taken.error.problem.code : taken.error.kind).toBe(
    "JournalReadOnly",
  );
  await expect(journal.request("run1", 1, null)).rejects.toMatchObject({ code: "JournalReadOnly" });
});

const TAMPERED: readonly (readonly [string, string, RegExp])[] = [
  ["a changed event", "UPDATE events SET data = '{}' WHERE seq = 7", /event 7 of run run0 does not match its checksum/],
  ["a changed time", "UPDATE events SET time = 5 WHERE seq = 7", /event 7 of run run0 does not match its checksum/],
  [
    "another step",
    "UPDATE events SET step = 1 + step % 7 WHERE seq = 7",
    /event 7 of run run0 does not match its checksum/,
  ],
  [
    "a renamed step",
    "UPDATE steps SET name = 'other' WHERE name = 'step-1'",
    /event 1 of run run0 does not match its checksum/,
  ],
  ["a renamed type", "UPDATE types SET name = 'run.failed'", /event 1 of run run0 does not match its checksum/],
  ["an unknown step", "DELETE FROM steps WHERE name = 'step-2'", /event 2 of run run0 has the unknown step number/],
  [
    "a wrong kind of field",
    "UPDATE events SET data = x'00' WHERE seq = 7",
    /event 7 of run run0 has a field of the wrong type/,
  ],
  ["a number beyond all numbers", "UPDATE events SET time = 9223372036854775807 WHERE seq = 7", /is damaged/],
  ["a lost event", "DELETE FROM events WHERE seq = 7", /event 7 of run run0 is missing/],
  ["a lost first event", "DELETE FROM events WHERE seq = 1", /event 1 of run run0 is missing/],
  [
    "a lost tail",
    "DELETE FROM events WHERE seq > 15",
    /event 16 of run run0 is missing: the history ends before event 20/,
  ],
  ["a lost history", "DELETE FROM events", /event 1 of run run0 is missing/],
  ["a shortened run", "UPDATE runs SET last_seq = 10", /the record of run run0 does not match its checksum/],
];

test.each(TAMPERED)("damage is found, not believed: %s", async (_, sql, expected) => {
  using at = folder();
  await fill(at.file, 1, 20);
  tamper(at.file, sql);
  const said = await readError(at.file, "run0");
  expect(said).toMatch(expected);
  expect(said).toContain(`JournalDamaged: ${at.file}`);
  await using journal = await openOk(at.file);
  const report = await journal.check();
  expect(report.ok).toBe(false);
  expect(report.problems[0]?.code).toBe("JournalDamaged");
});

test("one damaged run does not hide the others", async () => {
  using at = folder();
  await fill(at.file, 3, 5);
  tamper(at.file, "UPDATE runs SET summary = '{' WHERE name = 'run1'");
  await using journal = await openOk(at.file);
  expect((await journal.runs()).map((record) => record.run)).toEqual(["run2", "run0"]);
  await expect(journal.get("run1")).rejects.toMatchObject({ code: "JournalDamaged" });
  const report = await journal.check();
  expect([report.ok, report.events, report.problems.length]).toEqual([false, 10, 1]);
});

test("an event that breaks its schema is not written, and not believed when it is there", async () => {
  using at = folder();
  const validate = (event: { readonly seq: number }): string | undefined => (event.seq === 3 ? "three" : undefined);
  await using strict = await openOk(at.file, { validate });
  const lease = await leaseOk(strict.create({ run: "r1", plan: "p", createdAt: 1 }, ME));
  await expect(strict.append(lease, span("r1", 1, 3))).rejects.toThrow(
    "BUG: event 3 (step.progress) of run r1 is malformed: three",
  );
  expect(await readAll(strict, "r1")).toEqual([]);
  await using loose = await openOk(at.file);
  expect((await loose.append(lease, span("r1", 1, 3))).ok).toBe(true);
  await expect(readAll(strict, "r1")).rejects.toThrow("event 3 of run r1 is malformed: three");
});

test("a journal that another connection keeps busy is waited for, then given up clearly", async () => {
  using at = folder();
  await using journal = await openOk(at.file, { busyTimeoutMs: 20 });
  const lease = await leaseOk(journal.create({ run: "r1", plan: "p", createdAt: 1 }, ME));
  const blocker = new DatabaseSync(at.file);
  blocker.exec("BEGIN IMMEDIATE");
  const result = await journal.append(lease, span("r1", 1, 2));
  expect(result).toMatchObject({ ok: false, error: { kind: "unknown", problem: { code: "JournalBusy" } } });
  expect(await journal.heartbeat(lease)).toBe(true);
  blocker.exec("ROLLBACK");
  blocker.close();
  // Invariant 5: refused until reopened, even though it would work again.
  expect(await journal.append(lease, span("r1", 1, 2))).toEqual(result);
  await using again = await openOk(at.file);
  expect(await readAll(again, "r1")).toEqual([]);
  expect((await again.append(lease, span("r1", 1, 2))).ok).toBe(true);
});

test("a batch that fails in its middle leaves nothing behind", async () => {
  using at = folder();
  await fill(at.file, 1, 2);
  tamper(
    at.file,
    "CREATE TRIGGER stop BEFORE INSERT ON events WHEN new.seq = 5 BEGIN SELECT RAISE(FAIL, 'no five'); END",
  );
  await using journal = await openOk(at.file);
  const lease = await leaseOk(journal.acquire("run0", ME));
  const result = await journal.append(lease, span("run0", 3, 6), { summary: { done: 6 } });
  expect(result).toMatchObject({ ok: false, error: { kind: "unknown", problem: { code: "JournalUnusable" } } });
  expect(JSON.stringify(result)).toContain("no five");
  await using again = await openOk(at.file);
  expect(await readAll(again, "run0")).toEqual(span("run0", 1, 2));
  expect((await again.get("run0"))?.summary).toEqual({ done: 1 });
});

test("a backup does not overwrite, and can be opened like the original", async () => {
  using at = folder();
  await fill(at.file, 2, 10);
  const copy = join(at.path, "copy.db");
  await using journal = await openOk(at.file);
  await journal.backup(copy);
  await expect(journal.backup(copy)).rejects.toMatchObject({ code: "BackupExists" });
  expect((statSync(copy).mode & 0o777).toString(8)).toBe("600");
  await using copied = await openOk(copy);
  expect((await copied.check()).events).toBe(20);
  const lease = await leaseOk(copied.acquire("run0", ME));
  expect((await copied.append(lease, span("run0", 11, 12))).ok).toBe(true);
});

test("a lease of another boot, and of a clock that restarted, is not in force", async () => {
  using at = folder();
  const here = { isAlive: () => true, now: () => 1_000_000 };
  const boot = (name: string): SqliteOptions => ({ ...here, machine: { boot: name, space: "s" } });
  await using before = await openOk(at.file, boot("one"));
  await leaseOk(before.create({ run: "r1", plan: "p", createdAt: 1 }, ME));
  expect((await before.acquire("r1", ME)).ok).toBe(false);
  await using after = await openOk(at.file, { ...boot("two"), now: () => 1_000_001 });
  await leaseOk(after.acquire("r1", ME));
  await using restarted = await openOk(at.file, { ...boot("two"), now: () => 5 });
  await leaseOk(restarted.acquire("r1", ME));
});

test("a process of another container is judged by its silence alone", async () => {
  using at = folder();
  let time = 1_000_000;
  const space = (name: string): SqliteOptions => ({
    isAlive: () => false,
    now: () => time,
    machine: { boot: "b", space: name },
  });
  await using one = await openOk(at.file, space("one"));
  await leaseOk(one.create({ run: "r1", plan: "p", createdAt: 1 }, ME));
  await using two = await openOk(at.file, space("two"));
  expect((await two.acquire("r1", ME)).ok).toBe(false);
  time += 20_000;
  expect((await two.acquire("r1", ME)).ok).toBe(true);
});

test("both checksums are the same function, and the known one", () => {
  expect(ownCrc32("123456789") >>> 0).toBe(0xcbf43926);
  const texts = ["", "a", "é↯𝒳\ud800", "x".repeat(5000), "é".repeat(1365), "é".repeat(1366)];
  const zlib = process.getBuiltinModule("node:zlib");
  for (const text of texts) expect(ownCrc32(text)).toBe(zlib.crc32(text) | 0);
  for (let i = 0; i < 100; i++) expect(crc32("y".repeat(5000))).toBe(ownCrc32("y".repeat(5000)));
});

test("ten thousand runs: lists and look-ups go by an index, and sort no more than they give", async () => {
  using at = folder();
  await fill(at.file, 1, 1);
  tamper(
    at.file,
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
     INSERT INTO runs (name, plan, created_at, last_seq, summary, sum) SELECT 'many' || i, 'plan' || (i % 50), i, 0, 'null', 0 FROM n`,
  );
  await using journal = await openOk(at.file);
  expect((await journal.find("many1")).length).toBe(10);
  expect((await journal.find("run")).length).toBe(1);
  using db = new DatabaseSync(at.file, { readOnly: true });
  const planOf = (statement: string): readonly string[] =>
    db
      .prepare(`EXPLAIN QUERY PLAN ${statement}`)
      .all()
      .map(({ detail }) => String(detail));
  for (const statement of [SQL.run, SQL.findRuns, SQL.runsOfPlan, SQL.events, SQL.durations]) {
    expect(planOf(statement)[0], statement).toMatch(/^SEARCH \w+ USING .*\b(?:name|plan|run)[=>]/);
  }
  // Newest first is the order in which they lie: the scan ends at the limit.
  expect(planOf(SQL.runs).join()).toMatch(/^SCAN r,(?!.*TEMP B-TREE)/);
  expect(planOf(SQL.runsOfPlan).join()).not.toContain("TEMP B-TREE");
});

test("using a closed journal is a bug, not a failure", async () => {
  using at = folder();
  const journal = await openOk(at.file);
  await journal.close();
  await journal.close();
  await expect(journal.get("r1")).rejects.toThrow(/not open/);
});

test("copying the file of a closed journal copies the journal", async () => {
  using at = folder();
  await fill(at.file, 1, 12);
  const copy = join(at.path, "moved.db");
  copyFileSync(at.file, copy);
  await using journal = await openOk(copy);
  expect(await readAll(journal, "run0")).toEqual(span("run0", 1, 12));
});
