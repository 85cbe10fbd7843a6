/** No character of others moves the cursor, reorders what is read, or hides: on lines, in drawings, and in JSON. */
import { describe, expect, test } from "vitest";
import { safeColouredLine, safeJson, safeLine, safeText, visibleLine } from "../../src/base/safe-text.ts";
import { dot } from "../../src/graph/draw.ts";
import { buildGraph } from "../../src/graph/build.ts";

const KINDS: Readonly<Record<string, readonly (readonly [from: number, to: number])[]>> = {
  "controls of eight bits": [[0x7f, 0x9f]],
  "marks that reorder": [
    [0x61c, 0x61c],
    [0x200e, 0x200f],
    [0x202a, 0x202e],
    [0x2066, 0x2069],
  ],
  "characters that nobody sees": [
    [0xad, 0xad],
    [0x200b, 0x200b],
    [0x2060, 0x2064],
    [0xfeff, 0xfeff],
    [0xe0000, 0xe007f],
  ],
  "separators that break lines": [[0x2028, 0x2029]],
};
const graph = buildGraph([{ id: "a", action: { kind: "run", command: "x" } }]);

describe.each(Object.entries(KINDS))("%s", (_, ranges) => {
  const all = ranges.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_each, at) => String.fromCodePoint(from + at)),
  );

  test("do not get out", () => {
    if (!graph.ok) throw new Error("no graph");
    for (const character of all) {
      const name = character.codePointAt(0)?.toString(16);
      const value = { [`k${character}`]: [`a${character}b`] };
      expect(safeLine(`a${character}b`), name).not.toContain(character);
      expect(safeJson(value), name).not.toContain(character);
      expect(safeJson(value, 2), name).not.toContain(character);
      expect(JSON.parse(safeJson(value)), name).toEqual(value);
      expect([...dot(graph.value, { name: `a${character}b` })].join("\n"), name).not.toContain(character);
    }
  });
});

test("what people write stays as it is", () => {
  const text = "ünïcode 漢字 👩‍💻 ❤️ العربية עברית é";
  expect(safeLine(text)).toBe(text);
  expect(safeJson([text])).toBe(JSON.stringify([text]));
});

test("of a line that was written over, the last state stays", () => {
  for (const [text, shown] of [
    ["1%\r2%", "2%"],
    ["1%\r2%\r\r", "2%"],
    ["\r1%", "1%"],
    ["\r", ""],
    ["\r\r", ""],
  ] as const)
    expect([safeLine(text), safeColouredLine(`\u001b[m${text}`)]).toEqual([shown, expect.stringContaining(shown)]);
});

/** What takes a time that grows with the square of the length does not end before the test's time is over. */
const LENGTH = 1 << 20;

test.each([
  ["control strings of eight bits", "\u0090"],
  ["control strings of eight bits with something in them", "\u009d0;title"],
  ["control strings of seven bits", "\u001b]"],
  ["strings of all kinds", "\u0090\u0098\u009d\u009e\u009f\u001bP\u001bX\u001b]\u001b^\u001b_"],
  ["control sequences of eight bits", "\u009b0;"],
  ["control sequences of seven bits", "\u001b[0;"],
  ["parameters", "0;", "\u001b["],
  ["intermediates", " ", "\u001b"],
  ["returns of the cursor", "\r"],
])("a long line of %s is made safe in a time that grows with its length", (_, part, start = "") => {
  const text = `${start}${part.repeat(LENGTH / part.length)}`;
  for (const safe of [safeLine, safeText, visibleLine, safeColouredLine])
    // oxlint-disable-next-line no-control-regex
    expect(safe(`\u001b[1m${text}\u00ad`)).toMatch(/^[^\u0000-\u001a\u001c-\u001f\u007f-\u009f]*$/);
});
