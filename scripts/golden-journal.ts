/**
 * Makes the golden journal of the current format: one run with every kind of event, and the same events as JSON beside it.
 * Run once when a format is released, never again for that format: `node scripts/golden-journal.ts`.
 */
import { existsSync, writeFileSync } from "node:fs";
import { FORMATS } from "../packages/heddle/src/journal/sqlite/migrations.ts";
import { openSqliteJournal } from "../packages/heddle/src/journal/sqlite/open.ts";
import type { Event, EventBody } from "../packages/heddle/src/run/event.ts";

const RUN = "go1den0run00";
const START = 1_767_225_600_000;

const plan = {
  name: "golden",
  steps: [
    { id: "build", action: { kind: "run", command: "make" } },
    { id: "test", action: { kind: "run", command: "make test" }, deps: ["build"] },
    { id: "each", action: { kind: "run", command: "echo ${item}" }, forEach: { items: ["é", 2] }, deps: ["build"] },
    { id: "ship", action: { kind: "approve", question: "Ship it?" }, deps: ["test", "each"] },
    { id: "notify", action: { kind: "run", command: "true" }, deps: ["ship"], if: "false" },
  ],
} as const;

const options = { maxConcurrency: 2, maxAgents: 1, schedule: "ready", failure: "continue", rollback: "all" } as const;
const child = (item: string) => ({ id: `each[${item}]`, action: { kind: "run", command: `echo ${item}` } }) as const;

const bodies: readonly EventBody[] = [
  {
    type: "run.created",
    data: { plan, options, engine: "0.1.0", gitHead: "0123456789abcdef0123456789abcdef01234567" },
  },
  { type: "run.started", data: {} },
  { type: "step.started", step: "build", attempt: 1, data: {} },
  { type: "step.progress", step: "build", attempt: 1, data: { percent: 50, note: "half ↯ way" } },
  {
    type: "step.failed",
    step: "build",
    attempt: 1,
    data: {
      error: { code: "exit", message: "exit code 2", exitCode: 2 },
      durationMs: 41,
      willRetry: true,
      retryAt: START + 100,
      retryDelayMs: 50,
    },
  },
  { type: "step.started", step: "build", attempt: 2, data: {} },
  { type: "run.resumed", data: { engine: "0.1.0", interrupted: ["build"], reset: [] } },
  { type: "step.started", step: "build", attempt: 3, data: {} },
  {
    type: "step.succeeded",
    step: "build",
    attempt: 3,
    data: {
      output: { files: ["a", "b"], size: 12.5, none: null },
      durationMs: 90,
      usage: { peakMemoryMb: 31, cpuMs: 80 },
    },
  },
  { type: "step.cached", step: "test", data: { key: "f00d", from: "0therrun0000", output: "cached" } },
  {
    type: "steps.added",
    step: "each",
    data: { kind: "children", steps: [child("0"), child("1")], items: ["é", 2], maxConcurrency: 1 },
  },
  { type: "step.started", step: "each[0]", attempt: 1, data: { item: "é" } },
  { type: "step.cancelled", step: "each[0]", attempt: 1, data: { reason: "cancel", durationMs: 5 } },
  { type: "run.paused", data: { reason: "lunch" } },
  { type: "run.unpaused", data: {} },
  {
    type: "approval.requested",
    step: "ship",
    attempt: 1,
    data: { about: "step", question: "Ship it?", deadline: START + 1_000_000 },
  },
  { type: "approval.given", step: "ship", attempt: 1, data: { decision: "approve", by: "ada", comment: "go" } },
  { type: "step.skipped", step: "notify", data: { reason: { kind: "condition" } } },
  { type: "rollback.started", data: { mode: "all", steps: ["build"] } },
  {
    type: "rollback.failed",
    step: "build",
    data: { error: { code: "timeout", message: "took too long" }, durationMs: 9 },
  },
  { type: "step.rolledback", step: "build", data: { durationMs: 7 } },
  { type: "rollback.ended", data: { undone: 1, failed: 1 } },
  { type: "run.failed", data: { durationMs: 500, failed: ["each"] } },
];

const events: readonly Event[] = bodies.map((body, index) => ({
  run: RUN,
  seq: index + 1,
  time: START + index * 10,
  ...body,
}));
const base = new URL(`../packages/heddle/test/journal/golden/format-${FORMATS.length}`, import.meta.url).pathname;

if (existsSync(`${base}.db`)) {
  console.error(`${base}.db exists: a released format is never made again`);
  process.exit(1);
}
const machine = { boot: "golden", space: "golden" };
const opened = await openSqliteJournal(`${base}.db`, { now: () => 1000, machine, writer: "heddle 0.1.0" });
if (!opened.ok) throw new Error(opened.error.message);
const journal = opened.value;
const holder = { pid: 1, started: "1", title: "heddle run" };
const created = await journal.create({ run: RUN, plan: "golden", createdAt: START }, holder);
if (!created.ok) throw new Error(created.error.kind);
for (let at = 0; at < events.length; at += 5) {
  const batch = events.slice(at, at + 5);
  const appended = await journal.append(created.value, batch, { summary: { lastSeq: batch.at(-1)?.seq ?? 0 } });
  if (!appended.ok) throw new Error(appended.error.kind);
}
await journal.request(RUN, START, { kind: "pause", reason: "lunch" });
await journal.recordDurations(RUN, "golden", new Map([["build", 90]]));
for (const key of ["answered", "under-way"]) {
  const effect = key === "answered" ? RUN : "go1den0run01";
  const begun = await journal.beginRequest({ key, digest: "d1", time: START, effect }, holder);
  if (begun.kind !== "new") throw new Error(begun.kind);
  if (key === "under-way") continue;
  const body = JSON.stringify({ run: RUN });
  await journal.finishRequest(begun.claim, { status: 201, headers: { location: `/runs/${RUN}` }, body });
}
const states = ["sent", "failed", "taken"];
const notices = states.map((target) => ({ seq: events.length + 1, target, body: "{}" }));
await journal.append(created.value, [], { notices });
const [sent, failed] = await journal.takeNotices(START, states.length, holder);
if (sent === undefined || failed === undefined) throw new Error("no notices");
await journal.settleNotice(sent, { kind: "sent" });
await journal.settleNotice(failed, { kind: "failed", why: "HTTP 404" });
await journal.close();
writeFileSync(`${base}.json`, `${JSON.stringify(events, null, 1)}\n`);
console.log(`${base}.db and .json: ${events.length} events`);
