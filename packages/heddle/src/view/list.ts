/** Run list: the document of `runs --json`. Made from the summary that the engine stores with each run. */
import { isJsonObject, type Json } from "../base/json.ts";
import { countsNow, RUN_STATUSES, statusNow, type RunStatus, type StepCounts } from "../run/status.ts";

export interface RunLine {
  /** The run's id. */
  readonly run: string;
  /** Name of its plan. */
  readonly plan: string;
  /** As `heddle runs` shows it. */
  readonly status: RunStatus;
  /** In milliseconds since the epoch. */
  readonly startedAt: number;
  /** In milliseconds since the epoch; `null`: it has not ended. */
  readonly endedAt: number | null;
  /** Steps by status. */
  readonly counts: StepCounts;
}

/** What a journal knows of a run without its history. */
export interface RunEntry {
  readonly run: string;
  readonly plan: string;
  readonly createdAt: number;
  /** `{status, startedAt, endedAt, counts}` as a live engine saw it last. */
  readonly summary: Json;
  /** The process that has the run now, else `null`. */
  readonly holder: unknown;
}

export function runLine(entry: RunEntry): RunLine {
  const summary = isJsonObject(entry.summary) ? entry.summary : {};
  const status = statusOf(summary["status"], entry.holder !== null);
  return {
    run: entry.run,
    plan: entry.plan,
    status,
    startedAt: numberOr(summary["startedAt"], entry.createdAt),
    endedAt: typeof summary["endedAt"] === "number" ? summary["endedAt"] : null,
    counts: countsNow(countsOf(summary["counts"]), status),
  };
}

function statusOf(recorded: Json | undefined, live: boolean): RunStatus {
  const status = RUN_STATUSES.find((known) => known === recorded) ?? "running";
  return statusNow(status, live);
}

function countsOf(recorded: Json | undefined): StepCounts {
  const counts = isJsonObject(recorded) ? recorded : {};
  const of = (name: keyof StepCounts): number => numberOr(counts[name], 0);
  return {
    succeeded: of("succeeded"),
    failed: of("failed"),
    cancelled: of("cancelled"),
    skipped: of("skipped"),
    cached: of("cached"),
    waiting: of("waiting"),
    running: of("running"),
  };
}

function numberOr(value: Json | undefined, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
