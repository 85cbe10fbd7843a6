/** Our journal alone: events as the engine makes them, appended in batches of 1,000. `node append.ts ROWS FOLDER`. */
import { join } from "node:path";
import { openSqliteJournal } from "../../packages/heddle/src/journal/sqlite/open.ts";
import { checkEvent } from "../../packages/heddle/src/run/event-schema.ts";
import type { Event } from "../../packages/heddle/src/run/event.ts";

const rows = Number(process.argv[2] ?? 200_000);
const folder = process.argv[3] ?? ".";
const BATCH = 1000;

const opened = await openSqliteJournal(join(folder, `append-${process.pid}.db`), { validate: checkEvent });
if (!opened.ok) throw new Error(opened.error.message);
const journal = opened.value;
const run = "0123456789abcdef";
const leased = await journal.create(
  { run, plan: "bench", createdAt: 0 },
  { pid: process.pid, started: "", title: "bench" },
);
if (!leased.ok) throw new Error("no lease");
const from = performance.now();
for (let seq = 1; seq <= rows;) {
  const events: Event[] = [];
  for (const end = Math.min(rows, seq + BATCH - 1); seq <= end; seq++) {
    const common = { run, seq, time: 1_700_000_000_000 + seq, step: `s${seq >> 1}`, attempt: 1 };
    events.push(
      seq % 2 === 1
        ? { ...common, type: "step.started", data: {} }
        : { ...common, type: "step.succeeded", data: { output: null, durationMs: 0 } },
    );
  }
  const appended = await journal.append(leased.value, events, { summary: { status: "running" } });
  if (!appended.ok) throw new Error(JSON.stringify(appended.error));
}
const ms = performance.now() - from;
await journal.close();
console.log(JSON.stringify({ ms, rowsPerSecond: (rows / ms) * 1000 }));
