/** The end of a log as text. */
import { expect, test } from "vitest";
import { logEndWith, plainLine, type LogEnd } from "../../src/step-panel/log-text.ts";
import { panelWidth } from "../../src/step-panel/panel-width.ts";

test.each([
  ["\u001b[1;31mred\u001b[0m and \u001b[38;5;208mmore\u001b[m", "red and more"],
  ["10 %\r20 %\r", "20 %"],
  ["\u001b]0;title\u0007shown", "shown"],
  ["\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\", "link"],
  ["a\tb\u0000\u0007c", "a\tbc"],
  ["\u001b(Bplain\u001b=", "plain"],
  ["\r", ""],
  ["ends in \u001b[", "ends in "],
])("%j is shown as %j", (line, shown) => expect(plainLine(line)).toBe(shown));

const END: LogEnd = { from: 8, lines: ["eight", "ni"], isOpen: true };

test.each([
  ["", END],
  ["ne", { from: 8, lines: ["eight", "nine"], isOpen: true }],
  ["ne\n", { from: 8, lines: ["eight", "nine"], isOpen: false }],
  ["ne\nten\nele", { from: 9, lines: ["nine", "ten", "ele"], isOpen: true }],
  ["\n\n", { from: 8, lines: ["eight", "ni", ""], isOpen: false }],
])("with %j behind it", (text, end) => expect(logEndWith(END, text, 3)).toEqual(end));

test("an end whose last line is over begins a new one", () => {
  expect(logEndWith({ from: 1, lines: ["one"], isOpen: false }, "two\n", 9)).toEqual({
    from: 1,
    lines: ["one", "two"],
    isOpen: false,
  });
});

test.each([
  [420, 1440, 420],
  [100, 1440, 320],
  [5000, 1440, 864],
  [420, 400, 320],
])("a width of %i in a window of %i is %i", (wanted, window, width) => expect(panelWidth(wanted, window)).toBe(width));
