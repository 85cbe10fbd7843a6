/**
 * A process under `faults.c`: `record N` appends and notes what was acknowledged; `errors FROM TO` tries what happens when
 * the n-th write or sync fails, and prints what it found wrong. Started by the nightly tests.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteJournal } from "../../src/journal/sqlite/open.ts";
import { readAll } from "../support/suites/journal/setting.ts";
import { control } from "./faults.ts";
import { leaseOk, madeEvent, ME, openOk, span } from "./rig.ts";

const [folder = "", task = "", from = "", to = ""] = process.argv.slice(2);
const tell = control(folder);
const file = join(folder, "journal.db");

/** The control of the power-cut test: commits that are not synced, behind the back of the code under test. */
function weaken(): void {
  const prepare = DatabaseSync.prototype.prepare;
  DatabaseSync.prototype.prepare = function (text, ...rest) {
    if (text === "BEGIN IMMEDIATE") this.exec("PRAGMA synchronous = NORMAL");
    return prepare.call(this, text, ...rest);
  };
}

async function record(commits: number): Promise<void> {
  const journal = await openOk(file, { checkpointPages: 40 });
  const lease = await leaseOk(journal.create({ run: "r1", plan: "p", createdAt: 1 }, ME));
  tell("note 0");
  let seq = 0;
  for (let i = 0; i < commits; i++) {
    const size = 1 + ((i * 7) % 5);
    const appended = await journal.append(lease, span("r1", seq + 1, seq + size), { summary: { seq } });
    if (!appended.ok) throw new Error(appended.error.kind);
    seq += size;
    tell(`note ${seq}`);
  }
}

/** What is wrong with how one failure was handled; `undefined`: nothing. */
async function tryError(what: "sync" | "write", n: number, how: "once" | "on"): Promise<string | undefined> {
  const here = join(folder, `${what}-${n}-${how}`);
  const path = join(here, "journal.db");
  mkdirSync(here);
  let acknowledged = 0;
  let failed = false;
  tell(`fail ${what} ${n} ${how}`);
  const opened = await openSqliteJournal(path, { checkpointPages: 20 });
  if (opened.ok) {
    const journal = opened.value;
    const created = await journal.create({ run: "r1", plan: "p", createdAt: 1 }, ME);
    if (!created.ok) failed = true;
    for (let seq = 1; created.ok && seq <= 600; seq++) {
      const appended = await journal.append(created.value, [madeEvent("r1", seq)]);
      if (appended.ok && failed) return `event ${seq} was acknowledged after the first error`;
      if (appended.ok) acknowledged = seq;
      else {
        if (appended.error.kind !== "unknown") return appended.error.kind;
        if (!appended.error.problem.message.includes(path)) return `no file named: ${appended.error.problem.message}`;
        failed = true;
        if (seq > acknowledged + 3) break;
      }
    }
    // A file handle that is gone for good may fail on closing as well; the next opening decides.
    await journal.close().catch(() => {});
  } else if (!opened.error.message.includes(path)) return `no file named: ${opened.error.message}`;
  tell("fail none");
  await using again = await openOk(path);
  const events = await readAll(again, "r1");
  if (events.length < acknowledged) return `${events.length} stored of ${acknowledged} acknowledged`;
  if (!(await again.check()).ok) return "the journal is damaged";
  if (JSON.stringify(events) !== JSON.stringify(span("r1", 1, events.length))) return "a wrong history";
  if (!failed && opened.ok) return "the error was not noticed";
  rmSync(here, { recursive: true });
  return undefined;
}

if (process.env["HEDDLE_TEST_NORMAL"] === "1") weaken();
if (task === "record") await record(Number(from));
else {
  let cases = 0;
  for (let n = Number(from); n <= Number(to); n++) {
    for (const what of ["sync", "write"] as const) {
      for (const how of ["once", "on"] as const) {
        const wrong = await tryError(what, n, how);
        cases++;
        if (wrong !== undefined) console.log(`WRONG ${what} ${n} ${how}: ${wrong}`);
      }
    }
  }
  console.log(`CASES ${cases}`);
}
// Without closing: a power cut does not close either.
process.exit(0);
