/** A cut of a timeline: at each event of a history the very bars that the run had then. */
import { expect, test } from "vitest";
import type { TimelineBar } from "heddle/client";
import { RunFollower } from "heddle/view";
import { timelinePage } from "../../../../packages/heddle/src/view/timeline-view.ts";
import type { Event } from "../../../../packages/heddle/src/run/event.ts";
import { fuzzRun } from "../../../../packages/heddle/test/support/fuzz-reducer.ts";
import { barsAt } from "../../src/timeline/cut.ts";

/** More of them: `HEDDLE_SEEDS=500`; thousands each night. */
const SEEDS = Number(process.env["HEDDLE_SEEDS"] ?? 8);

function at(events: readonly Event[]) {
  const follower = new RunFollower(true);
  for (const event of events) follower.add(event);
  const { state, timeline } = follower.reader;
  const run = follower.snapshot();
  if (state === undefined || run === undefined) throw new Error("there is no run");
  const { bars } = timelinePage({ state, timeline }, { limit: Infinity });
  return { bars, run, time: state.lastTime };
}

/** What is drawn of a bar. */
function drawn(bars: readonly TimelineBar[]): readonly string[] {
  return bars
    .filter(({ kind }) => kind === "attempt" || kind === "container")
    .map(
      ({ step, attempt, kind, startedAt, endedAt, status }) =>
        `${kind} ${step} ${attempt} ${startedAt} ${endedAt} ${status}`,
    );
}

test.each(Array.from({ length: SEEDS }, (_, seed) => seed + 1))("run %i", (seed) => {
  const events = fuzzRun(seed);
  const whole = at(events).bars;
  for (let seq = 2; seq <= events.length; seq++) {
    const { bars, run, time } = at(events.slice(0, seq));
    expect([seq, drawn(barsAt(whole, { time, steps: run.steps }))]).toEqual([seq, drawn(bars)]);
  }
});
