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

/** Reads and folds a run's history once. */
export async function readRun(log: Pick<EventLog, "get" | "read">, run: string): Promise<Result<ReadRun, Problem>> {
  const record = await log.get(run);
  const reader = new HistoryReader();
  const read = await caught(async () => {
    for await (const batch of log.read(run)) for (const event of batch) reader.add(event);
    return ok(undefined);
  });
  if (!read.ok) return read;
  const { state, timeline } = reader;
  if (state === undefined) return err(emptyRun(run));
  const holder = record?.holder ?? null;
  return ok({
    state,
    timeline,
    live: holder !== null,
    holder: holder === null ? undefined : `${holder.title} (pid ${holder.pid})`,
  });
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
