/**
 * Run reader: reads a recorded run's history once, and whether a process holds the run, for whoever inspects it. Folds;
 * checks no rule (`replay-run.ts` does).
 */
import { type Problem, caught } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { EventLog } from "../journal/port.ts";
import { HistoryReader, type RunSnapshot } from "../view/history.ts";
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

export function emptyRun(run: string): Problem {
  return {
    code: "EmptyRun",
    message: `run ${run} has no events`,
    hint: "`heddle doctor` checks the journal.",
  };
}
