/** The places of a conflict, one after the other over its files. */
import { expect, test } from "vitest";
import { nextPlace, placeNumbers, type ConflictPlace } from "../../src/resolve/conflict-order.ts";

const FILES = [
  { file: "a", regions: 2 },
  { file: "logo", regions: 0 },
  { file: "b", regions: 1 },
];

test("go from file to file, also those without lines, and end at both ends", () => {
  const seen: ConflictPlace[] = [];
  for (let at: ConflictPlace | undefined = { file: "a", hunk: 1 }; at !== undefined; at = nextPlace(FILES, at, 1))
    seen.push(at);
  expect(seen.map(({ file, hunk }) => `${file}${hunk}`)).toEqual(["a1", "a2", "logo1", "b1"]);
  const back: ConflictPlace[] = [];
  for (let at = seen.at(-1); at !== undefined; at = nextPlace(FILES, at, -1)) back.push(at);
  expect(back).toEqual(seen.toReversed());
  expect(seen.map((at) => placeNumbers(FILES, at).number)).toEqual([1, 2, 3, 4]);
  expect(placeNumbers(FILES, { file: "b", hunk: 1 })).toEqual({ number: 4, of: 4, file: 3, files: 3 });
});

test("begin with the first, where the file is none of them", () => {
  expect(nextPlace(FILES, { file: "gone", hunk: 1 }, 1)).toEqual({ file: "a", hunk: 1 });
  expect(nextPlace([], { file: "gone", hunk: 1 }, 1)).toBe(undefined);
});
