/** Lines in addresses: what people write, and nothing that is no range. */
import { expect, test } from "vitest";
import { extendedRange, lineRangeOf, lineRangeText } from "../../src/logs/line-range.ts";

test.each([
  ["123", 123, 123],
  ["123-140", 123, 140],
  ["#L123-140", 123, 140],
  ["#L123-L140", 123, 140],
  ["L5", 5, 5],
  ["140-123", 123, 140],
  ["1:9", 1, 9],
  ["007", 7, 7],
])("%s", (text, from, to) => {
  expect(lineRangeOf(text)).toEqual({ from, to });
  expect(lineRangeOf(lineRangeText({ from, to }))).toEqual({ from, to });
});

test.each(["", "0", "0-4", "-3", "a", "1-", "1-2-3", "1e9", "1.5", "99999999999999999", "#L", " 1", "#1#2", "<b>"])(
  "no range: %j",
  (text) => expect(lineRangeOf(text)).toBeUndefined(),
);

test("a range grows from the line that was chosen first, in both directions", () => {
  expect(extendedRange(undefined, undefined, 5)).toEqual({ from: 5, to: 5 });
  expect(extendedRange({ from: 5, to: 5 }, 5, 9)).toEqual({ from: 5, to: 9 });
  expect(extendedRange({ from: 5, to: 9 }, 5, 2)).toEqual({ from: 2, to: 5 });
  // Chosen by an address: its first line stays.
  expect(extendedRange({ from: 5, to: 9 }, undefined, 20)).toEqual({ from: 5, to: 20 });
});
