/** Texts of numbers and times. */
import { expect, test } from "vitest";
import { agoText, bytesText, costText, countOf, durationText, runningText, speedupText } from "../../src/ui/format.ts";

test.each([
  [-5, "0.0 s"],
  [0, "0.0 s"],
  [412, "0.4 s"],
  [9949, "9.9 s"],
  [9950, "10 s"],
  [59_400, "59 s"],
  [59_600, "1:00"],
  [402_000, "6:42"],
  [3_599_400, "59:59"],
  [3_599_600, "1 h 00 m"],
  [3_780_000, "1 h 03 m"],
  [86_399_999, "1 d 00 h"],
  [273_600_000, "3 d 04 h"],
])("%d ms", (ms, text) => expect(durationText(ms)).toBe(text));

test("what still goes on is told in whole seconds", () => {
  expect([0, 999, 59_499, 61_900].map(runningText)).toEqual(["0 s", "0 s", "59 s", "1:01"]);
});

test("amounts, counts, sizes, speed-ups", () => {
  expect([null, 0, 0.0042, 2.14, 1204.5].map(costText)).toEqual(["–", "$0.00", "$0.0042", "$2.14", "$1,204.50"]);
  expect([countOf(1, "step"), countOf(1204, "step"), countOf(0, "match", "matches")]).toEqual([
    "1 step",
    "1,204 steps",
    "0 matches",
  ]);
  expect([0, 999, 1000, 20_200_000, 1e9].map(bytesText)).toEqual(["0 B", "999 B", "1.0 KB", "20.2 MB", "1.0 GB"]);
  expect([speedupText(2900, 1000), speedupText(0, 1000), speedupText(10, 0)]).toEqual(["2.9×", undefined, undefined]);
  // It waited for people for longer than it worked: not slower for that.
  expect([speedupText(1000, 1000), speedupText(999, 1000)]).toEqual(["1.0×", undefined]);
});

test("how long ago", () => {
  const now = Date.UTC(2026, 5, 15, 12);
  const min = 60_000;
  expect(
    [0, 59_999, 18 * min, 3 * 60 * min, 30 * 60 * min, 100 * 60 * min].map((ms) => agoText(now - ms, now)),
  ).toEqual(["just now", "just now", "18 min ago", "3 h ago", "yesterday", "11 Jun 2026"]);
});
