/** Replay: a run at one event with a patch is the run at another, whichever comes first; marks say where to look, however many there are. */
import { describe, expect, test } from "vitest";
import type { Event } from "../../src/run/event.ts";
import { RunFollower } from "../../src/view/follower.ts";
import { patchedRun, type LiveRun } from "../../src/view/live-run.ts";
import { MarkReader } from "../../src/view/marks.ts";
import { replayPatch, type LiveRunAt } from "../../src/view/run-replay.ts";
import { fuzzRun } from "../support/fuzz-reducer.ts";
import { followed } from "../support/follow-run.ts";
import { DIAMOND, failed, history, read, started, succeeded } from "./histories.ts";

/** More of them: `HEDDLE_SEEDS=500`; thousands each night. */
const SEEDS = Number(process.env["HEDDLE_SEEDS"] ?? 8);

function at(events: readonly Event[], seq: number): LiveRunAt {
  const reader = read(events.slice(0, seq));
  const run = new RunFollower(true, reader).snapshot();
  if (run === undefined) throw new Error("there is no run");
  return { ...run, time: reader.state?.lastTime ?? 0 };
}

function withoutTime({ time: _time, ...run }: LiveRunAt): LiveRun {
  return run;
}

test.each(Array.from({ length: SEEDS }, (_, seed) => seed + 1))("run %i: from each event to each other", (seed) => {
  const events = fuzzRun(seed);
  const moments = Array.from({ length: 8 }, (_, part) => 1 + Math.floor((part * (events.length - 1)) / 7));
  const runs = moments.map((seq) => at(events, seq));
  for (const before of runs)
    for (const after of runs) {
      const patch = replayPatch(before, after);
      // As it comes over the wire.
      expect(patchedRun(withoutTime(before), JSON.parse(JSON.stringify(patch)) as typeof patch)).toEqual(
        withoutTime(after),
      );
    }
});

test("it is what a follower gives at that event", () => {
  const events = history(DIAMOND, [
    [1010, started("a")],
    [1110, succeeded("a", 100)],
  ]);
  const follower = followed(events);
  follower.live = true;
  const { time, ...run } = at(events, 4);
  expect([time, run]).toEqual([1110, follower.snapshot()]);
});

test("between two events of which nothing is different there is nothing in the patch", () => {
  const events = history(DIAMOND, []);
  expect(replayPatch(at(events, 2), at(events, 2))).toEqual({ from: 2, to: 2, time: 1000, ops: [] });
});

describe("marks", () => {
  function marked(events: Iterable<Event>): MarkReader {
    const reader = new MarkReader();
    for (const event of events) reader.add(event);
    return reader;
  }

  test("have failures, retries, questions, conflicts, resumes and ends", () => {
    const about = (what: "step" | "conflict" | "question"): Event =>
      ({ type: "approval.requested", step: "d", attempt: 1, data: { about: what, question: "?" } }) as unknown as Event;
    const events = history(DIAMOND, [
      [1, failed("a", 1, 1, 5)],
      [2, failed("a", 1, 2)],
      [3, about("step")],
      [4, about("conflict")],
      [5, about("question")],
      [60, { type: "run.resumed", data: { engine: "", interrupted: [], reset: [] } }],
      [70, started("b")],
      [80, { type: "run.failed", data: { durationMs: 1, failed: ["a"] } }],
    ]);
    expect(
      marked(events)
        .marks("r")
        .items.map(({ seq, kind }) => [seq, kind]),
    ).toEqual([
      [3, "retry"],
      [4, "failure"],
      [5, "question"],
      [6, "conflict"],
      [7, "question"],
      [8, "resume"],
      [10, "end"],
    ]);
    expect(marked(events).marks("r").gaps).toEqual([{ from: 5, to: 60 }]);
  });

  test("of a long history are bounded, keep the first and last of each kind, and count what they stand for", () => {
    function* long(): Generator<Event> {
      for (let seq = 1; seq <= 50_000; seq++)
        yield { run: "r", seq, time: seq * 2, ...(seq % 1000 === 7 ? failed("a", 1) : failed("a", 1, 1, 1)) } as Event;
    }
    const { items, times, seq } = marked(long()).marks("r");
    expect(seq).toBe(50_000);
    expect(items.length).toBeLessThanOrEqual(1100);
    for (const [kind, first, last, all] of [
      ["failure", 7, 49_007, 50],
      ["retry", 1, 50_000, 49_950],
    ] as const) {
      const own = items.filter((mark) => mark.kind === kind);
      expect([own[0]?.seq, own.at(-1)?.seq]).toEqual([first, last]);
      expect(own.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(all);
    }
    expect(items.map((mark) => mark.seq)).toEqual(items.map((mark) => mark.seq).toSorted((a, b) => a - b));
    expect(times.length).toBeLessThanOrEqual(514);
    expect([times[0], times.at(-1)]).toEqual([
      [1, 2],
      [50_000, 100_000],
    ]);
  });
});
