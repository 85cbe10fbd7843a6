/**
 * Run reader: reads a recorded run's history once, and whether a process holds the run, for whoever inspects it. Folds;
 * checks no rule (`replay-run.ts` does).
 */
import { type Problem, caught } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { EventLog } from "../journal/port.ts";
import { HistoryReader, type RunSnapshot } from "../view/history.ts";
import type { RunSnapshots } from "./run-snapshots.ts";
import type { Timeline } from "../view/timeline.ts";

export interface ReadRun {
  readonly state: RunSnapshot;
  readonly timeline: Timeline;
  /** A process holds the run now. */
  readonly live: boolean;
  /** What a person calls that process. */
  readonly holder: string | undefined;
}

/** Above the number of any event. */
const LAST: number = Number.MAX_SAFE_INTEGER - 1;

/** Reads and folds a run's history once; `snapshots`: from the last one on, where it is read again and again. */
export async function readRun(
  log: Pick<EventLog, "get" | "read">,
  run: string,
  snapshots?: RunSnapshots,
): Promise<Result<ReadRun, Problem>> {
  const record = await log.get(run);
  const read = await caught(async () => ok(await readerOf(log, run, snapshots)));
  if (!read.ok) return read;
  const { state, timeline } = read.value;
  if (state === undefined) return err(emptyRun(run));
  const holder = record?.holder ?? null;
  return ok({
    state,
    timeline,
    live: holder !== null,
    holder: holder === null ? undefined : `${holder.title} (pid ${holder.pid})`,
  });
}

async function readerOf(
  log: Pick<EventLog, "get" | "read">,
  run: string,
  snapshots: RunSnapshots | undefined,
): Promise<HistoryReader> {
  if (snapshots !== undefined) return (await snapshots.readerAt(log, run, LAST)).reader;
  const reader = new HistoryReader();
  for await (const batch of log.read(run)) for (const event of batch) reader.add(event);
  return reader;
}

/** As it was after event `seq`. A damaged record is thrown as a `HeddleError`. */
export async function readRunAt(
  log: Pick<EventLog, "get" | "read">,
  snapshots: RunSnapshots,
  run: string,
  seq: number,
): Promise<Result<ReadRun, Problem>> {
  const { reader, seq: last } = await snapshots.readerAt(log, run, seq);
  if (last < seq) return err(tooFewEvents(run, last));
  const { state, timeline } = reader;
  // A process held the run when the event was recorded.
  return state === undefined ? err(emptyRun(run)) : ok({ state, timeline, live: true, holder: undefined });
}

/** For an event that is asked for and not there. */
export function tooFewEvents(run: string, last: number): Problem {
  return {
    code: "Usage",
    message: `run ${run} has only ${plural(last, "event")}`,
    hint: "`heddle history` lists them.",
  };
}

export function emptyRun(run: string): Problem {
  return {
    code: "EmptyRun",
    message: `run ${run} has no events`,
    hint: "`heddle doctor` checks the journal.",
  };
}
