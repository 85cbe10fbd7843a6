/** Run replay: rebuilds a recorded run from its history, up to an event if one is named, and checks every rule on the way. */
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { EventLog } from "../journal/port.ts";
import { tooFewEvents } from "./read-run.ts";
import { Replay, type RunSnapshot, type Violation } from "../view/history.ts";
import type { Timeline } from "../view/timeline.ts";

export interface ReplayedRun {
  /** Number of the last event that was read. */
  readonly seq: number;
  readonly violations: readonly Violation[];
  /** Absent: the history does not begin with the creation of a run. */
  readonly state: RunSnapshot | undefined;
  readonly timeline: Timeline;
  /** A process holds the run now, or did when the last event was recorded, for all that was read. */
  readonly live: boolean;
}

/** `at`: number of the last event that is read; absent: all are. A damaged record is thrown as a `HeddleError`. */
export async function replayRun(
  log: Pick<EventLog, "get" | "read">,
  run: string,
  { at = Number.POSITIVE_INFINITY }: { readonly at?: number } = {},
): Promise<Result<ReplayedRun, Problem>> {
  const replay = new Replay();
  let seq = 0;
  for await (const batch of log.read(run)) {
    for (const event of batch) {
      if (event.seq > at) break;
      replay.add(event);
      ({ seq } = event);
    }
    if (seq >= at) break;
  }
  if (Number.isFinite(at) && seq < at) {
    return err(tooFewEvents(run, seq));
  }
  const { violations } = replay;
  const { state, timeline } = replay.reader;
  const isHeld = ((await log.get(run))?.holder ?? null) !== null;
  return ok({ seq, violations, state, timeline, live: isHeld || Number.isFinite(at) });
}
