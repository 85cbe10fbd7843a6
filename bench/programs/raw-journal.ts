/**
 * The limit of a journal: rows of an event's size put into SQLite at FULL in batches of 1,000, by a plain prepared statement.
 * `node raw-journal.ts ROWS FOLDER`.
 */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";

const rows = Number(process.argv[2] ?? 200_000);
const folder = process.argv[3] ?? ".";
const BATCH = 1000;

const database = new DatabaseSync(join(folder, `raw-${process.pid}.db`));
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
database.exec("CREATE TABLE events (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)");
const insert = database.prepare("INSERT INTO events (seq, body) VALUES (?, ?)");
const begin = database.prepare("BEGIN IMMEDIATE");
const commit = database.prepare("COMMIT");
const from = performance.now();
for (let seq = 1; seq <= rows;) {
  begin.run();
  for (const end = Math.min(rows, seq + BATCH - 1); seq <= end; seq++) {
    const started = seq % 2 === 1;
    const data = started ? {} : { output: null, durationMs: 0 };
    const type = started ? "step.started" : "step.succeeded";
    const event = {
      run: "0123456789abcdef",
      seq,
      time: 1_700_000_000_000 + seq,
      type,
      step: `s${seq >> 1}`,
      attempt: 1,
      data,
    };
    insert.run(seq, JSON.stringify(event));
  }
  commit.run();
}
const ms = performance.now() - from;
database.close();
console.log(JSON.stringify({ ms, rowsPerSecond: (rows / ms) * 1000 }));
