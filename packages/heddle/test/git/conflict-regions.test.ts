/** Where both sides changed, in the text with markers and in each of the texts it was made of. */
import { describe, expect, test } from "vitest";
import { hunksIn, linesOf, markedRegions, rangeBefore, withSide } from "../../src/git/conflict-regions.ts";

const [HEAD, CAPTURED] = ["a".repeat(40), "b".repeat(40)];
const of = { head: HEAD, captured: CAPTURED };
const marked = (ours: string, theirs: string, end = "\n"): string =>
  `<<<<<<< ${HEAD}${end}${ours}=======${end}${theirs}>>>>>>> ${CAPTURED}${end}`;

describe("conflicts in a text", () => {
  const text = `one\n${marked("o1\no2\n", "t1\n")}two\n${marked("", "t2\n")}`;

  test("are found by the commits that their markers name, with the lines of both sides", () => {
    expect(markedRegions(text, of)).toEqual([
      { marked: { from: 2, to: 8 }, ours: ["o1", "o2"], theirs: ["t1"] },
      { marked: { from: 9, to: 13 }, ours: [], theirs: ["t2"] },
    ]);
  });

  test.each([
    ["markers of others", text.replaceAll(HEAD, "HEAD")],
    ["one that is not closed", text.slice(0, text.indexOf(">>>>>>>"))],
    ["one without a middle", text.replaceAll("=======\n", "")],
    ["markers of another length", text.replaceAll(/^=======$/gm, "======")],
    ["a marker inside of a line", text.replaceAll("<<<<<<<", "x <<<<<<<")],
    ["nothing", ""],
  ])("%s: none", (_, other) => {
    expect(markedRegions(other, of)).toEqual([]);
  });

  test("are found with ends of lines of Windows, longer markers, and the names that a moved file had", () => {
    const windows = `one\r\n${marked("o\r\n", "t\r\n", "\r\n")}`;
    expect(markedRegions(windows, of)).toEqual([{ marked: { from: 2, to: 7 }, ours: ["o\r"], theirs: ["t\r"] }]);
    const long = text.replaceAll(/^([<=>])\1{6}/gm, (run) => `${run}${run[0] ?? ""}`);
    expect(markedRegions(long, of)).toHaveLength(2);
    const moved = text.replaceAll(HEAD, `${HEAD}:old/a.ts`).replaceAll(CAPTURED, `${CAPTURED}:new/a.ts`);
    expect(markedRegions(moved, of)).toHaveLength(2);
  });

  test("give way to one side, and where that side's lines are is known", () => {
    const regions = markedRegions(text, of);
    expect(withSide(text, regions, "ours")).toEqual({
      text: "one\no1\no2\ntwo\n",
      ranges: [
        { from: 2, to: 4 },
        { from: 5, to: 5 },
      ],
    });
    expect(withSide(text, regions, "theirs")).toEqual({
      text: "one\nt1\ntwo\nt2\n",
      ranges: [
        { from: 2, to: 3 },
        { from: 4, to: 5 },
      ],
    });
    expect(withSide("", [], "ours")).toEqual({ text: "", ranges: [] });
  });
});

test("lines are those of an editor, with or without an end of the last one", () => {
  expect([linesOf(""), linesOf("a"), linesOf("a\n"), linesOf("a\n\n")]).toEqual([[], ["a"], ["a"], ["a", ""]]);
});

describe("lines of one text are found in the text before", () => {
  // Lines 3 and 4 became one line, one was added behind 6, and 9 is gone.
  const hunks = hunksIn("@@ -3,2 +3 @@\n-x\n-y\n+z\n@@ -6,0 +6,1 @@\n+n\n@@ -9 +8,0 @@\n-g\n");

  test.each([
    ["before all changes", [1, 3], [1, 3]],
    ["a change", [3, 4], [3, 5]],
    ["behind it", [4, 6], [5, 7]],
    ["what was added", [6, 7], [7, 7]],
    ["behind what was added", [7, 8], [7, 8]],
    ["no line, where one is gone", [9, 9], [9, 10]],
    ["a line and what is gone before it", [9, 10], [9, 11]],
    ["all", [1, 12], [1, 13]],
  ] as const)("%s", (_, [from, to], [before, behind]) => {
    expect(rangeBefore(hunks, { from, to })).toEqual({ from: before, to: behind });
  });
});
