/** D2 and D4: a power cut loses nothing that was acknowledged; an I/O error ends the appending. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import { openSqliteJournal } from "../../src/journal/sqlite/open.ts";
import { readAll } from "../support/suites/journal/setting.ts";
import { buildFaults, parseRecord, powerCuts, type Cut, type Op } from "../journal/faults.ts";
import { folder, span } from "../journal/rig.ts";
import { report, scaled } from "./scale.ts";

const FAULTY = fileURLToPath(new URL("../journal/faulty.ts", import.meta.url));
const COMMITS = 300;
const memory = existsSync("/dev/shm") ? "/dev/shm" : undefined;

const canBuild = ((): boolean => {
  using at = folder();
  return buildFaults(at.path) !== undefined;
})();

function faulty(path: string, library: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const ran = spawnSync(process.execPath, ["--no-warnings", FAULTY, path, ...args], {
    encoding: "utf8",
    env: { ...process.env, LD_PRELOAD: library, ...env },
  });
  if (ran.status !== 0) throw new Error(`${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

function recordWrites(path: string, library: string, env: NodeJS.ProcessEnv): readonly Op[] {
  const record = join(path, "record");
  mkdirSync(join(path, "work"));
  faulty(join(path, "work"), library, ["record", String(COMMITS)], { HEDDLE_FAULTS_RECORD: record, ...env });
  return parseRecord(readFileSync(record));
}

interface Tally {
  lost: number;
  wrong: number;
}

async function judgeCut(file: string, cut: Cut, tally: Tally): Promise<void> {
  for (const name of [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]) rmSync(name, { force: true });
  writeFileSync(file, cut.main);
  if (cut.log.length > 0) writeFileSync(`${file}-wal`, cut.log);
  const acknowledged = Number(cut.notes.at(-1) ?? "-1");
  const opened = await openSqliteJournal(file);
  if (!opened.ok) {
    tally.wrong++;
    return;
  }
  await using journal = opened.value;
  if ((await journal.get("r1")) === undefined) {
    if (acknowledged >= 0) tally.lost++;
    return;
  }
  try {
    const events = await readAll(journal, "r1");
    if (events.length < acknowledged) tally.lost++;
    if (JSON.stringify(events) !== JSON.stringify(span("r1", 1, events.length))) tally.wrong++;
  } catch {
    tally.wrong++;
  }
}

async function cutMany(ops: readonly Op[], images: number, seed: number): Promise<Tally> {
  const random = seededRandom(seed);
  // A cut before the file's first page is written leaves an empty file: a new journal.
  const points = Array.from({ length: images }, () => Math.floor(random() * ops.length)).toSorted((a, b) => a - b);
  const tally = { lost: 0, wrong: 0 };
  using at = folder(memory);
  for (const cut of powerCuts(ops, points, random)) await judgeCut(at.file, cut, tally);
  return tally;
}

test.skipIf(!canBuild)("D2: a power cut loses nothing acknowledged and damages nothing", async () => {
  using at = folder(memory);
  const library = buildFaults(at.path) ?? "";
  const ops = recordWrites(at.path, library, {});
  expect(ops.filter((op) => op.op === "sync").length).toBeGreaterThan(COMMITS);
  const images = scaled(10_000);
  const tally = await cutMany(ops, images, 2);
  using weak = folder(memory);
  const controls = Math.max(20, scaled(500));
  const controlTally = await cutMany(recordWrites(weak.path, library, { HEDDLE_TEST_NORMAL: "1" }), controls, 3);
  report(
    `D2: ${images} power cuts, ${tally.lost} lost, ${tally.wrong} damaged; control NORMAL: ${controlTally.lost} of ${controls} lost`,
  );
  expect(tally).toEqual({ lost: 0, wrong: 0 });
  expect(controlTally.lost).toBeGreaterThan(controls / 4);
});

test.skipIf(!canBuild)("D4: after an I/O error nothing is acknowledged, and nothing is lost", () => {
  using at = folder(memory);
  const library = buildFaults(at.path) ?? "";
  const last = scaled(500);
  const said = faulty(at.path, library, ["errors", "1", String(last)]);
  const wrong = said.split("\n").filter((line) => line.startsWith("WRONG"));
  const cases = Number(/CASES (\d+)/.exec(said)?.[1]);
  report(`D4: ${cases} I/O errors (sync and write 1..${last}, once and on), ${wrong.length} wrong`);
  expect(wrong).toEqual([]);
  expect(cases).toBe(last * 4);
});
