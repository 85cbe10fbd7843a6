/** What is copied: what is shown, from the first character to the last. */
import { expect, test } from "vitest";
import { copyText } from "../../src/logs/copy-text.ts";
import { timeLength } from "../../src/logs/line-time.ts";

test("is what is shown, without colours, progress and what acts", () => {
  const raws = ["\u001b[31mred\u001b[0m one", "10 %\r100 %", "a\u202eb\u0000", "end"];
  expect(copyText(raws, { line: 7, offset: 0 }, { line: 10, offset: 3 })).toBe("red one\n100 %\na<U+202E>b\nend");
});

test("begins and ends where the reader says", () => {
  expect(copyText(["first", "mid", "last"], { line: 1, offset: 2 }, { line: 3, offset: 1 })).toBe("rst\nmid\nl");
  expect(copyText(["one line"], { line: 4, offset: 4 }, { line: 4, offset: 6 })).toBe("li");
});

test("has no times where they are not shown", () => {
  const raws = ["12:00:01 a", "12:00:02 b"];
  expect(copyText(raws, { line: 1, offset: 0 }, { line: 2, offset: 1 }, timeLength)).toBe("a\nb");
});

test.each([
  ["2026-12-01T07:31:18.123Z text", 25],
  ["[2026-12-01 07:31:18] text", 22],
  ["07:31:18,5\ttext", 11],
  ["2026-12-01T07:31:18+01:00 x", 26],
  ["07:31 text", 0],
  ["1.2.3 text", 0],
  ["12:00:00am", 0],
  ["text 07:31:18", 0],
  ["", 0],
])("a time: %s", (text, length) => expect(timeLength(text)).toBe(length));
