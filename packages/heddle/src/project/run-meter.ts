/**
 * Run meter: how many runs and steps are where, and what attempts took since it was read last, for whoever measures a project. Knows no
 * format of metrics.
 *
 * Invariants:
 *  1. What was recorded before the first reading is not told; after it each attempt is told once.
 *  2. Of runs that have not ended the newest {@link MOST_OPEN} are looked into. The history of one is folded on, not anew, while a process
 *     works on it, and is not read again while nothing is added.
 */
import type { EventLog, RunMark } from "../journal/port.ts";
import type { Action } from "../plan/plan.ts";
import { attentionOf, type AttentionKind } from "../view/attention.ts";
import { HistoryReader, type RunEvent, type RunSnapshot } from "../view/history.ts";
import { RUN_STATUSES, runStatus, statusNow, type RunStatus } from "../run/status.ts";
import { phaseOf, stepAt } from "../run/state.ts";
import { HeddleError } from "../base/errors.ts";
import { STEP_STATUSES, statusCounts, type StepStatus } from "../view/status.ts";

const MOST_OPEN = 200;

/** What works in an attempt. */
export type WorkerKind = "command" | "function" | "agent";
export type AttemptEnd = "succeeded" | "failed" | "cancelled";

/** Told of attempts as they are found. */
export interface AttemptSink {
  /** An attempt began, which was ready and waited for its turn for so long. */
  queued(ms: number): void;
  ended(attempt: { readonly kind: WorkerKind; readonly end: AttemptEnd; readonly ms: number }): void;
}

export interface RunMeasures {
  readonly runs: Readonly<Record<RunStatus, number>>;
  /** Of runs that have not ended. */
  readonly steps: Readonly<Record<StepStatus, number>>;
  readonly runningAttempts: number;
  /** Of runs that a process works on. */
  readonly slots: { readonly used: number; readonly total: number };
  readonly needsYou: Readonly<Record<AttentionKind, number>>;
}

export interface RunMeter {
  /** One reading at a time. */
  read(): Promise<RunMeasures>;
}

type Totals = { -readonly [Name in keyof RunMeasures]: Writable<RunMeasures[Name]> };
type Writable<T> = T extends object ? { -readonly [Key in keyof T]: T[Key] } : T;

/** A run that has not ended, as it was looked at last. */
interface Followed {
  readonly seq: number;
  readonly state: RunSnapshot | undefined;
  /** Absent: nobody works on it. */
  readonly reader: HistoryReader | undefined;
}

type MeteredLog = Pick<EventLog, "marks" | "get" | "read">;

export function runMeter(log: MeteredLog, sink: AttemptSink): RunMeter {
  return new Meter(log, sink);
}

class Meter implements RunMeter {
  readonly #log: MeteredLog;
  readonly #sink: AttemptSink;
  /** How far each run was told; absent: not read yet. */
  #told: ReadonlyMap<string, number> | undefined;
  #followed = new Map<string, Followed>();

  constructor(log: MeteredLog, sink: AttemptSink) {
    this.#log = log;
    this.#sink = sink;
  }

  async read(): Promise<RunMeasures> {
    const totals = emptyTotals();
    const told = new Map<string, number>();
    const followed = new Map<string, Followed>();
    const marks = await this.#log.marks("status");
    const looked = new Set(marks.filter((mark) => isOpen(statusOf(mark))).slice(-MOST_OPEN));
    for (const mark of marks) {
      const { run, lastSeq } = mark;
      const before = this.#told === undefined ? lastSeq : (this.#told.get(run) ?? 0);
      told.set(run, lastSeq);
      if (looked.has(mark)) {
        const one = await this.#follow(mark, before);
        followed.set(run, one);
        told.set(run, Math.max(before, one.seq));
        count(totals, mark, one);
        continue;
      }
      totals.runs[statusNow(statusOf(mark), false)]++;
      if (lastSeq > before) told.set(run, Math.max(lastSeq, (await this.#follow(mark, before)).seq));
    }
    this.#told = told;
    this.#followed = followed;
    return totals;
  }

  /** Tells of what was recorded behind event `told`. */
  async #follow({ run, lastSeq }: RunMark, told: number): Promise<Followed> {
    const known = this.#followed.get(run);
    const live = ((await this.#log.get(run))?.holder ?? null) !== null;
    if (known?.seq === lastSeq && (known.reader !== undefined || !live))
      return live ? known : { ...known, reader: undefined };
    const reader = known?.reader ?? new HistoryReader();
    let seq = known?.reader === undefined ? 0 : known.seq;
    try {
      for await (const events of this.#log.read(run, { after: seq })) {
        for (const event of events) {
          const working = event.seq > told ? workOf(reader.state, event) : undefined;
          reader.add(event);
          if (event.seq > told) this.#tell(reader, event, working);
          ({ seq } = event);
        }
        // Of a long history, others get their turn in between.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (thrown) {
      // Damaged: what is known of it is its status. It is read again when something is added.
      if (!(thrown instanceof HeddleError)) throw thrown;
      return { seq: lastSeq, state: undefined, reader: undefined };
    }
    return { seq, state: reader.state, reader: live ? reader : undefined };
  }

  #tell({ timeline }: HistoryReader, event: RunEvent, working: WorkerKind | undefined): void {
    switch (event.type) {
      case "step.started": {
        const span = timeline.spans().at(-1);
        if (span?.kind === "attempt" && span.queuedMs !== null) this.#sink.queued(span.queuedMs);
        return;
      }
      case "step.succeeded":
      case "step.failed":
      case "step.cancelled": {
        const end =
          event.type === "step.succeeded" ? "succeeded" : event.type === "step.failed" ? "failed" : "cancelled";
        if (working !== undefined) this.#sink.ended({ kind: working, end, ms: event.data.durationMs });
        return;
      }
      default:
    }
  }
}

function count(totals: Totals, mark: RunMark, { state, reader }: Followed): void {
  const live = reader !== undefined;
  if (state === undefined) {
    totals.runs[statusNow(statusOf(mark), live)]++;
    return;
  }
  totals.runs[runStatus(state, live)]++;
  const steps = statusCounts(state, live);
  for (const status of STEP_STATUSES) totals.steps[status] += steps[status];
  for (const { kind } of attentionOf(state, { live, expected: NOTHING_EXPECTED })) totals.needsYou[kind]++;
  if (!live) return;
  totals.runningAttempts += state.index.counts.running;
  totals.slots.used += state.index.slots;
  totals.slots.total += state.options.maxConcurrency;
}

const NOTHING_EXPECTED: ReadonlyMap<string, number> = new Map();

/** As the run's engine recorded it last. */
function statusOf({ member }: RunMark): RunStatus {
  return RUN_STATUSES.find((known) => known === member) ?? "running";
}

function isOpen(status: RunStatus): boolean {
  return status !== "succeeded" && status !== "failed" && status !== "cancelled";
}

/** What works in the attempt that the event ends; `undefined`: it ends none, or one that only waited. */
function workOf(state: RunSnapshot | undefined, event: RunEvent): WorkerKind | undefined {
  if (state === undefined || !("step" in event) || !("attempt" in event)) return undefined;
  const step = state.index.byId.get(event.step);
  if (step === undefined || phaseOf(state, step).tag !== "running") return undefined;
  return WORK_KINDS[stepAt(state, step).action.kind];
}

const WORK_KINDS: Readonly<Partial<Record<Action["kind"], WorkerKind>>> = {
  run: "command",
  call: "function",
  function: "function",
  agent: "agent",
};

const ATTENTION_KINDS: readonly AttentionKind[] = [
  "approval",
  "interrupt",
  "conflict",
  "question",
  "permission",
  "interrupted",
];

function emptyTotals(): Totals {
  return {
    runs: zeros(RUN_STATUSES),
    steps: zeros(STEP_STATUSES),
    runningAttempts: 0,
    slots: { used: 0, total: 0 },
    needsYou: zeros(ATTENTION_KINDS),
  };
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}
