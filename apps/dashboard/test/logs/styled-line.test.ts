/** Lines of logs as terminals would show them: their colours kept, everything else that acts made harmless. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LONGEST_LINE, MOST_RUNS, styledLine } from "../../src/logs/styled-line.ts";
import { PLAIN, RGB, type TextStyle } from "../../src/logs/text-style.ts";

const ESC = "\u001b";

/** `text{what differs from plain}` for each run. */
function runsOf(raw: string, before: TextStyle = PLAIN): readonly unknown[] {
  return styledLine(raw, before).runs.map(({ text, style }) => {
    const changed = Object.entries(style).filter(([name, value]) => value !== PLAIN[name as keyof TextStyle]);
    return changed.length === 0 ? text : [text, Object.fromEntries(changed)];
  });
}

function textOf(raw: string): string {
  return styledLine(raw, PLAIN).text;
}

describe("colours and kinds of type", () => {
  test.each([
    ["none", "plain", ["plain"]],
    [
      "of the theme",
      `${ESC}[31mred${ESC}[92;44mgreen${ESC}[39;49m.`,
      [["red", { fg: 1 }], ["green", { fg: 10, bg: 4 }], "."],
    ],
    ["bright backgrounds", `${ESC}[107;30mx`, [["x", { bg: 15, fg: 0 }]]],
    [
      "kinds of type",
      `${ESC}[1mb${ESC}[2md${ESC}[22;3mi${ESC}[23;4mu${ESC}[24;7mv${ESC}[27;9ms${ESC}[29m.`,
      [
        ["b", { bold: true }],
        ["d", { bold: true, dim: true }],
        ["i", { italic: true }],
        ["u", { underline: true }],
        ["v", { inverse: true }],
        ["s", { strike: true }],
        ".",
      ],
    ],
    ["a reset without a number", `${ESC}[1;31mx${ESC}[my`, [["x", { bold: true, fg: 1 }], "y"]],
    [
      "of the 256: theme, cube, grey",
      `${ESC}[38;5;9ma${ESC}[38;5;208mb${ESC}[48;5;232mc`,
      [
        ["a", { fg: 9 }],
        ["b", { fg: RGB | 0xff8700 }],
        ["c", { fg: RGB | 0xff8700, bg: RGB | 0x080808 }],
      ],
    ],
    [
      "true colour",
      `${ESC}[38;2;1;2;3ma${ESC}[48:2::255:0:10mb${ESC}[38:2:9:8:7mc${ESC}[38:5:3md`,
      [
        ["a", { fg: RGB | 0x010203 }],
        ["b", { fg: RGB | 0x010203, bg: RGB | 0xff000a }],
        ["c", { fg: RGB | 0x090807, bg: RGB | 0xff000a }],
        ["d", { fg: 3, bg: RGB | 0xff000a }],
      ],
    ],
    ["curly underlines and their colours", `${ESC}[4:3;58;5;196mx${ESC}[4:0my`, [["x", { underline: true }], "y"]],
    [
      "numbers that are none",
      `${ESC}[38;5;999;1ma${ESC}[38;2;1;2mb${ESC}[99999999999mc`,
      [
        ["a", { bold: true }],
        ["bc", { bold: true, fg: RGB | 0x010200 }],
      ],
    ],
    ["private parameters", `${ESC}[?1mx${ESC}[>4;1my`, ["xy"]],
    ["hidden and blinking text is shown", `${ESC}[8mhidden${ESC}[5mblinks`, ["hiddenblinks"]],
    ["an eight-bit introducer", "\u009b31mred", [["red", { fg: 1 }]]],
  ])("%s", (_, raw, expected) => expect(runsOf(raw)).toEqual(expected));

  test("go on in the next line", () => {
    const first = styledLine(`${ESC}[1;35mfirst`, PLAIN);
    expect(runsOf(`second${ESC}[0m.`, first.style)).toEqual([["second", { bold: true, fg: 5 }], "."]);
  });

  test("that are equal are the same, so that runs are joined", () => {
    expect(styledLine(`${ESC}[31ma${ESC}[31mb${ESC}[0m${ESC}[31mc`, PLAIN).runs).toHaveLength(1);
  });
});

describe("what acts on a terminal", () => {
  test.each([
    ["cursor moves, scrolling, modes", `a${ESC}[2A${ESC}[10;5Hb${ESC}[?1049hc${ESC}[3S${ESC}[6nd`, "abcd"],
    [
      "window titles and links",
      `${ESC}]0;title\u0007a${ESC}]8;;https://evil.test${ESC}\\link${ESC}]8;;${ESC}\\b`,
      "alinkb",
    ],
    [
      "the clipboard, device strings, messages",
      `a${ESC}]52;c;cm0gLXJm\u0007${ESC}P1$r${ESC}\\${ESC}_x${ESC}\\${ESC}^y${ESC}\\${ESC}Xz${ESC}\\b`,
      "ab",
    ],
    ["eight-bit ones", "a\u009d0;title\u009cb\u0090x\u009cc\u0085d", "abcd"],
    ["character sets and keypads", `a${ESC}(0b${ESC}=c${ESC}#8d${ESC}7e${ESC}8f${ESC}cg`, "abcdefg"],
    ["control characters", "a\u0000b\u0007c\u000ed\u007fe\u000bf\u000cg", "abcdefg"],
    ["tabs stay", "a\tb", "a\tb"],
    ["a string without an end swallows nothing", `a${ESC}]0;for ever and ever`, "a0;for ever and ever"],
    ["nor one that another sequence ends", `${ESC}]0;t${ESC}[31mred`, "0;tred"],
    ["a sequence that is cut off", `a${ESC}[31`, "a31"],
    ["an escape at the end", `a${ESC}`, "a"],
    ["an escape before what is none", `a${ESC}\u0001b`, "ab"],
    ["marks that reorder are named", "if (a\u202e) {\u2066b\u2069", "if (a<U+202E>) {<U+2066>b<U+2069>"],
    [
      "and what nobody sees, and separators",
      "a\u200bb\u00adc\u2028d\ufeffe\u{e0041}f",
      "a<U+200B>b<U+00AD>c<U+2028>d<U+FEFF>e<U+E0041>f",
    ],
    ["joined emoji and other scripts stay", "👩‍💻 שלום العربية 日本", "👩‍💻 שלום العربية 日本"],
    ["markup is text", "<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
  ])("%s", (_, raw, text) => expect(textOf(raw)).toBe(text));
});

describe("a line that is written over", () => {
  test.each([
    ["shows its last state", "10 %\r50 %\r100 %", "100 %"],
    ["with a Windows line end is whole", "text\r", "text"],
    ["and keeps the last text where nothing follows", `100 %\r${ESC}[0m\r`, "100 %"],
    ["is empty when it was erased", `progress\r${ESC}[K`, ""],
    ["or erased whole", `progress${ESC}[2K\rdone`, "done"],
    ["erasing to the end takes nothing back", `progress${ESC}[K`, "progress"],
    ["backspaces take back what they would", "|\b/\b-\bok", "ok"],
    ["of wide characters too", "a😀\bb", "ab"],
    ["backspaces at the beginning do nothing", "\b\ba", "a"],
  ])("%s", (_, raw, text) => expect(textOf(raw)).toBe(text));

  test("keeps the colours that were set before", () => {
    expect(runsOf(`${ESC}[32m10 %\r20 %`)).toEqual([["20 %", { fg: 2 }]]);
  });
});

describe("hostile lines", () => {
  test("are bounded in length and pieces", () => {
    const long = styledLine("x".repeat(1_000_000), PLAIN);
    expect([long.text.length, long.cut]).toEqual([LONGEST_LINE, 1_000_000 - LONGEST_LINE]);
    expect(styledLine("x".repeat(9000), PLAIN, 10_000).cut).toBe(0);
    const many = styledLine(Array.from({ length: 600 }, (_, at) => `${ESC}[3${at % 8}mx`).join(""), PLAIN);
    expect(many.runs.length).toBeLessThanOrEqual(MOST_RUNS);
    expect(many.text).toBe("x".repeat(600));
  });

  test("of progress show the end, not the beginning", () => {
    const states = Array.from({ length: 100_000 }, (_, at) => `step ${at}`).join("\r");
    expect(styledLine(states, PLAIN).text).toBe("step 99999");
    expect(styledLine(`${states}\r`, PLAIN).text).toBe("step 99999");
    // What was written over is not missed; what is too long is.
    expect(styledLine(states, PLAIN).cut).toBe(0);
    const last = styledLine(`${states}\r${"x".repeat(9000)}\r`, PLAIN);
    expect([last.text.length, last.cut]).toEqual([LONGEST_LINE, 9000 - LONGEST_LINE]);
  });

  test("do not cut a character in two", () => {
    const { text, cut } = styledLine(`x${"😀".repeat(5000)}`, PLAIN);
    expect(text.endsWith("😀")).toBe(true);
    expect(cut + text.length).toBe(10_001);
  });

  test("cost time in proportion to their length", () => {
    // Each would take minutes if the rest were looked through again for each.
    for (const part of [
      `${ESC}]`,
      `${ESC}[`,
      `${ESC}[;`,
      `${ESC}P`,
      "\u009d",
      "a\b",
      "\r",
      `${ESC}[${";".repeat(300)}`,
    ])
      expect(styledLine(part.repeat(500_000), PLAIN, 100_000).text.length).toBeLessThanOrEqual(100_000);
  });

  test("of any make leave nothing that acts", () => {
    const parts = fc.constantFrom(
      ESC,
      "[",
      "]",
      "m",
      "31",
      ";",
      "\r",
      "\b",
      "a",
      "\u0007",
      "\\",
      "\u009b",
      "\u009d",
      "\u202e",
      "K",
      "😀",
      "\u0000",
      "P",
      "38;2;",
      ":",
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 60 }), (made) => {
        const { text, runs } = styledLine(made.join(""), PLAIN);
        expect(text).toMatch(/^[^\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$/u);
        expect(runs.map((run) => run.text).join("")).toBe(text);
        expect(runs.every((run) => run.text !== "")).toBe(true);
        // Nothing is left to do.
        expect(styledLine(text, PLAIN).text).toBe(text);
      }),
    );
  });
});
