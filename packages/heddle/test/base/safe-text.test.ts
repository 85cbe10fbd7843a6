/** No character of others moves the cursor, reorders what is read, or hides: on lines, in drawings, and in JSON. */
import { describe, expect, test } from "vitest";
import { safeJson, safeLine } from "../../src/base/safe-text.ts";
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
