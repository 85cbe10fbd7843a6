/** Replay: which event is shown at which time, and which marks stand on the way. */
import { describe, expect, test } from "vitest";
import type { HistoryMark } from "heddle/client";
import { eventAt, playedTime, timeOfEvent } from "../../src/replay/replay-clock.ts";
import { markFrom, shareOf, shownMarks } from "../../src/replay/replay-marks.ts";

const TIMES = [
  [1, 1000],
  [11, 2000],
  [21, 10_000],
] as const;

describe("the clock", () => {
  test("finds the time of an event, and the event of a time, between those that are known", () => {
    const times = [1, 6, 11, 16, 21, 99].map((seq) => timeOfEvent(TIMES, seq));
    expect(times).toEqual([1000, 1500, 2000, 6000, 10_000, 10_000]);
    const events = [0, 1000, 1500, 2000, 6000, 10_000, 99_999].map((time) => eventAt(TIMES, time));
    expect(events).toEqual([1, 1, 6, 11, 16, 21, 21]);
    expect([timeOfEvent([], 5), eventAt([], 5)]).toEqual([0, 1]);
  });

  test("goes on at its speed, and passes over times without an engine", () => {
    const gaps = [{ from: 3000, to: 90_000 }];
    expect(playedTime(1000, { gaps, elapsedMs: 100, speed: 10 })).toBe(2000);
    expect(playedTime(2900, { gaps, elapsedMs: 100, speed: 10 })).toBe(90_000);
    expect(playedTime(90_000, { gaps, elapsedMs: 1, speed: 1000 })).toBe(91_000);
  });
});

describe("marks", () => {
  const mark = (seq: number, kind: HistoryMark["kind"], step?: string): HistoryMark =>
    step === undefined ? { seq, time: seq, kind } : { seq, time: seq, kind, step };
  const marks = [mark(10, "retry", "a"), mark(11, "failure", "b"), mark(60, "question", "c"), mark(100, "end")];

  test("that would stand on each other are one, which shows what matters most and says how many", () => {
    expect(shownMarks(marks, 101, 0.05)).toEqual([
      { seq: 11, at: 0.1, kind: "failure", text: "b: failed, and 1 more here" },
      { seq: 60, at: 0.59, kind: "question", text: "c: asked a person" },
    ]);
    expect(shownMarks(marks, 101, 0.001).length).toBe(3);
  });

  test("behind and before an event", () => {
    expect(markFrom(marks, 10, 1)?.seq).toBe(11);
    expect(markFrom(marks, 60, -1)?.seq).toBe(11);
    expect(markFrom(marks, 100, 1)).toBeUndefined();
    expect(markFrom(marks, 10, -1)).toBeUndefined();
  });

  test("the last event is at the end of the way, also of one", () => {
    expect([shareOf(1, 101), shareOf(101, 101), shareOf(500, 101), shareOf(1, 1)]).toEqual([0, 1, 1, 1]);
  });
});
