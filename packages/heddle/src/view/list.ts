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

/** What has changed in a list of runs, newest first. */
export interface RunListPatch {
  /** At the beginning of the list. */
  readonly added: readonly RunLine[];
  /** In the places of the lines of the same runs. */
  readonly changed: readonly RunLine[];
  /** Ids of runs that are in the list no more. */
  readonly gone: readonly string[];
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

/** `undefined`: there is no patch that makes the one of the other. */
export function runListPatch(before: readonly RunLine[], now: readonly RunLine[]): RunListPatch | undefined {
  const known = new Map(before.map((line) => [line.run, line]));
  const left = new Set(now.map(({ run }) => run));
  const stays = now.filter(({ run }) => known.has(run));
  const patch: RunListPatch = {
    added: now.filter(({ run }) => !known.has(run)),
    changed: stays.filter((line) => JSON.stringify(known.get(line.run)) !== JSON.stringify(line)),
    gone: before.filter(({ run }) => !left.has(run)).map(({ run }) => run),
  };
  const made = patchedRunList(before, patch);
  return made.every(({ run }, at) => run === now[at]?.run) ? patch : undefined;
}

export function patchedRunList(runs: readonly RunLine[], { added, changed, gone }: RunListPatch): readonly RunLine[] {
  const lines = new Map(changed.map((line) => [line.run, line]));
  const left = new Set(gone);
  return [...added, ...runs.filter(({ run }) => !left.has(run)).map((line) => lines.get(line.run) ?? line)];
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
