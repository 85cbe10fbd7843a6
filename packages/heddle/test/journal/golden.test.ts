/** Journals of every released format open and read as they were written; newer ones are refused. */
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { FORMATS } from "../../src/journal/sqlite/migrations.ts";
import { openSqliteJournal } from "../../src/journal/sqlite/open.ts";
import { checkEvent } from "../../src/run/event-schema.ts";
import type { Event } from "../../src/run/event.ts";
import { upgradeEvent } from "../../src/run/upgrade.ts";
import { readAll } from "../support/suites/journal/setting.ts";
import { folder, leaseOk, ME, openOk } from "./rig.ts";

const GOLDEN = fileURLToPath(new URL("golden", import.meta.url));
/** The version of the events that the golden journal of each format has. */
const EVENT_VERSIONS: Readonly<Record<string, number>> = { "format-1.db": 1, "format-2.db": 2, "format-3.db": 2 };
const files = readdirSync(GOLDEN).filter((name) => name.endsWith(".db"));

test("there is a golden journal of every format", () => {
  expect(files.toSorted()).toEqual(FORMATS.map((_, index) => `format-${index + 1}.db`).toSorted());
});

test.each(files)("%s reads as what was written means today, and goes on", async (name) => {
  using at = folder();
  copyFileSync(`${GOLDEN}/${name}`, at.file);
  const written = JSON.parse(readFileSync(`${GOLDEN}/${name.replace(/\.db$/, ".json")}`, "utf8")) as readonly Event[];
  await using journal = await openOk(at.file, { validate: checkEvent, upgrade: upgradeEvent });
  const [record] = await journal.runs();
  expect(record).toMatchObject({ plan: "golden", lastSeq: 23, summary: { lastSeq: 23 }, holder: null });
  const run = record?.run ?? "";
  const events = await readAll(journal, run);
  expect(events).toEqual(written.map((event) => upgradeEvent(event, EVENT_VERSIONS[name] ?? 0)));
  expect(await journal.check()).toEqual({ ok: true, events: 23, problems: [] });
  expect((await journal.requests(run, 0)).map((request) => request.body)).toEqual([{ kind: "pause", reason: "lunch" }]);
  expect(await journal.expectedDurations("golden")).toEqual(new Map([["build", 90]]));
  const lease = await leaseOk(journal.acquire(run, ME));
  expect((await journal.append(lease, [{ run, seq: 24, time: 1, type: "run.unpaused", data: {} }])).ok).toBe(true);
});

test("format 2 has the first answers of keyed requests", async () => {
  using at = folder();
  copyFileSync(`${GOLDEN}/format-2.db`, at.file);
  await using journal = await openOk(at.file);
  const request = { digest: "d1", time: 1_767_225_600_001, effect: "other" };
  expect(await journal.beginRequest({ key: "answered", ...request }, ME)).toEqual({
    kind: "done",
    answer: { status: 201, headers: { location: "/runs/go1den0run00" }, body: '{"run":"go1den0run00"}' },
  });
  // Its process died with the machine that the file was made on.
  expect(await journal.beginRequest({ key: "under-way", ...request }, ME)).toMatchObject({
    kind: "new",
    claim: { effect: "go1den0run01" },
  });
});

test("format 3 has notices, and what became of them", async () => {
  using at = folder();
  copyFileSync(`${GOLDEN}/format-3.db`, at.file);
  await using journal = await openOk(at.file);
  expect((await journal.notices({ limit: 9 })).map(({ target, state, why }) => [target, state, why])).toEqual([
    ["taken", "pending", undefined],
    ["failed", "failed", "HTTP 404"],
    ["sent", "sent", undefined],
  ]);
  // Its process died with the machine that the file was made on.
  const [taken] = await journal.takeNotices(1_767_225_600_000, 9, ME);
  expect(taken).toMatchObject({ run: "go1den0run00", target: "taken", body: "{}", attempt: 2 });
});

test("a journal of the next format is refused", async () => {
  using at = folder();
  copyFileSync(`${GOLDEN}/format-${FORMATS.length}.db`, at.file);
  const db = new DatabaseSync(at.file);
  db.exec(`PRAGMA user_version = ${FORMATS.length + 1}`);
  db.close();
  const opened = await openSqliteJournal(at.file);
  expect(opened).toMatchObject({ ok: false, error: { code: "JournalTooNew" } });
});
