/** Recorded runs: histories written by hand into the journal of a stage, so that a page has hours to show that no test waits for. */
import path from "node:path";
import { orThrow } from "../../../../packages/heddle/src/base/errors.ts";
import { openSqliteJournal } from "../../../../packages/heddle/src/journal/sqlite/open.ts";
import { checkEvent } from "../../../../packages/heddle/src/run/event-schema.ts";
import type { Event, EventBody, RunOptions } from "../../../../packages/heddle/src/run/event.ts";
import type { Plan, Step } from "../../../../packages/heddle/src/plan/plan.ts";
import type { Stage } from "./stage.ts";

/** Something that happened, so many seconds after the beginning of the run. */
export type Happening = readonly [seconds: number, body: EventBody];

export interface RecordedRun {
  readonly run: string;
  readonly plan: Plan;
  readonly happenings: readonly Happening[];
  readonly options?: Partial<RunOptions>;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** As the list of runs has it. */
  readonly status?: string;
}

const OPTIONS: RunOptions = {
  maxConcurrency: 4,
  maxAgents: 2,
  schedule: "ready",
  failure: "continue",
  rollback: "none",
};

export async function record(stage: Stage, { run, plan, happenings, options, startedAt, status }: RecordedRun) {
  // Makes the folder as projects have it.
  await stage.project().runs.list();
  const journal = orThrow(
    await openSqliteJournal(path.join(stage.dir, "shop/.heddle/state.db"), { validate: checkEvent }),
  );
  const holder = { pid: process.pid, started: "", title: "a test" };
  const lease = await journal.create({ run, plan: plan.name, createdAt: startedAt }, holder);
  if (!lease.ok) throw new Error(`run ${run} cannot be created: ${lease.error.kind}`);
  const all: readonly Happening[] = [
    [0, { type: "run.created", data: { plan, options: { ...OPTIONS, ...options }, engine: "test" } }],
    [0, { type: "run.started", data: {} }],
    ...happenings,
  ];
  const events = all.map(
    ([seconds, body], at) => ({ run, seq: at + 1, time: startedAt + Math.round(seconds * 1000), ...body }) as Event,
  );
  const ended = events.findLast(({ type }) => /^run\.(succeeded|failed|cancelled)$/.test(type));
  const summary = {
    status: status ?? ended?.type.slice("run.".length) ?? "running",
    startedAt,
    endedAt: ended?.time ?? null,
    counts: {},
  };
  const appended = await journal.append(lease.value, events, { summary });
  if (!appended.ok) throw new Error(JSON.stringify(appended.error));
  await journal.release(lease.value);
  await journal.close();
}

export function command(id: string, deps: readonly string[] = [], more: Partial<Step> = {}): Step {
  return { id, action: { kind: "run", command: "make" }, ...(deps.length === 0 ? {} : { deps }), ...more };
}

export function agent(id: string, deps: readonly string[] = [], more: Partial<Step> = {}): Step {
  return { id, action: { kind: "agent", prompt: `Build ${id}` }, ...(deps.length === 0 ? {} : { deps }), ...more };
}

export function began(step: string, attempt = 1): EventBody {
  return { type: "step.started", step, attempt, data: {} };
}

export function succeeded(step: string, seconds: number, attempt = 1): EventBody {
  return { type: "step.succeeded", step, attempt, data: { output: null, durationMs: seconds * 1000 } };
}

export function failed(step: string, seconds: number, attempt = 1, retryAt?: number): EventBody {
  const error = { code: "exit", message: "the command ended with exit code 2", exitCode: 2 } as const;
  const again = retryAt === undefined ? { willRetry: false } : { willRetry: true, retryAt, retryDelayMs: 30_000 };
  return { type: "step.failed", step, attempt, data: { error, durationMs: seconds * 1000, ...again } };
}

export function used(step: string, model: string, usd: number, attempt = 1): EventBody {
  return {
    type: "usage.recorded",
    step,
    attempt,
    data: { agent: "claude", model, usd, tokens: { input: 9000, output: 700 } },
  };
}
