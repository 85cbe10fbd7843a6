/**
 * A run at any event: `node replay.ts record STEPS FOLDER` writes a history of 100,000 events, `node replay.ts at STEPS FOLDER` asks for the
 * run at 60 of them, as the server sends it, once all of it was looked at.
 */
import { join } from "node:path";
import { orThrow } from "../../packages/heddle/src/base/errors.ts";
import { openProject } from "../../packages/heddle/src/host/open.ts";
import { openSqliteJournal } from "../../packages/heddle/src/journal/sqlite/open.ts";
import type { Event, EventBody } from "../../packages/heddle/src/run/event.ts";
import { checkEvent } from "../../packages/heddle/src/run/event-schema.ts";
import { depsOfNoop, seeded } from "../kit/graphs.ts";
import { median } from "../kit/measure.ts";

const [, , mode = "record", size = "2000", folder = "."] = process.argv;
const EVENTS = 100_000;
const BATCH = 1000;
const RUN = "0123456789abcdef";

function* history(): Generator<EventBody, void, undefined> {
  const steps = Array.from({ length: Number(size) }, (_none, at) => ({
    id: `s${at}`,
    action: { kind: "run", command: "x" } as const,
    deps: depsOfNoop(at).map((dep) => `s${dep}`),
  }));
  const options = {
    maxConcurrency: 8,
    maxAgents: 1,
    schedule: "ready",
    failure: "continue",
    rollback: "none",
  } as const;
  yield { type: "run.created", data: { plan: { name: "bench", steps }, options, engine: "bench" } };
  yield { type: "run.started", data: {} };
  const between = Math.floor(EVENTS / steps.length) - 2;
  for (const { id: step } of steps) {
    yield { type: "step.started", step, attempt: 1, data: {} };
    for (let at = 0; at < between; at++) yield { type: "step.progress", step, attempt: 1, data: { at } };
    yield { type: "step.succeeded", step, attempt: 1, data: { output: null, durationMs: 5 } };
  }
}

async function record(): Promise<void> {
  // Makes the folder as projects have it.
  await orThrow(await openProject(folder, { title: "bench" }))[Symbol.asyncDispose]();
  const journal = orThrow(await openSqliteJournal(join(folder, ".heddle/state.db"), { validate: checkEvent }));
  const holder = { pid: process.pid, started: "", title: "bench" };
  const lease = await journal.create({ run: RUN, plan: "bench", createdAt: 0 }, holder);
  if (!lease.ok) throw new Error("no lease");
  let seq = 0;
  let batch: Event[] = [];
  for (const body of history()) {
    batch.push({ run: RUN, seq: ++seq, time: 1_700_000_000_000 + seq, ...body } as Event);
    if (batch.length < BATCH && seq < EVENTS) continue;
    const appended = await journal.append(lease.value, batch, { summary: { status: "running" } });
    if (!appended.ok) throw new Error(JSON.stringify(appended.error));
    batch = [];
    if (seq === EVENTS) break;
  }
  await journal.release(lease.value);
  await journal.close();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  JSON.stringify(await work());
  return performance.now() - from;
}

async function measure(): Promise<object> {
  await using project = orThrow(await openProject(folder, { title: "bench", access: "read" }));
  const { runs } = project;
  const last = (await runs.list())[0]?.run ?? "";
  const end = orThrow(await runs.read(last)).state.seq;
  const first = await timed(async () => orThrow(await runs.liveAt(RUN, end)));
  const random = seeded(3);
  const at: number[] = [];
  const patches: number[] = [];
  const backwards: number[] = [];
  for (let look = 0; look < 60; look++) {
    const seq = 1 + Math.floor(random() * (end - 200));
    at.push(await timed(async () => orThrow(await runs.liveAt(RUN, seq))));
    patches.push(await timed(async () => orThrow(await runs.livePatch(RUN, seq, seq + 100))));
    backwards.push(await timed(async () => orThrow(await runs.livePatch(RUN, seq + 100, seq + 90))));
  }
  const marks = await timed(() => runs.marks(RUN));
  const ms = median(at);
  return {
    ms,
    worst: at.toSorted((a, b) => a - b)[56] ?? ms,
    first,
    patch: median(patches),
    back: median(backwards),
    marks,
  };
}

if (mode === "record") {
  await record();
  console.log(JSON.stringify({ ms: 0 }));
} else console.log(JSON.stringify(await measure()));
