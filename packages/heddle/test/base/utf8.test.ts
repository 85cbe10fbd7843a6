/** What is read as UTF-8 is what was written, or the first byte that is none is named. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { textOfUtf8 } from "../../src/base/utf8.ts";

test("text comes back as it is, U+FFFD in it too", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const bytes = Buffer.from(`\u{feff}${text}\u{fffd}`);
      expect(textOfUtf8(bytes)).toEqual({ ok: true, value: bytes.toString() });
    }),
  );
});

test("a byte that is none is found, whatever stands before it", () => {
  const bad = fc.constantFrom([0xe4], [0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98]);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), bad, fc.string(), (before, bytes, after) => {
      const written = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(`\n${after}`)]);
      const read = textOfUtf8(written);
      const offset = Buffer.byteLength(before);
      expect(read).toMatchObject({
        ok: false,
        error: { line: before.split("\n").length, message: expect.stringContaining(`at offset ${offset}`) },
      });
    }),
  );
});

test("UTF-16 is told as what it is", () => {
  const error = { message: "is UTF-16 text, not UTF-8", line: 1, column: 1 };
  expect(textOfUtf8(Buffer.from("\u{feff}steps: []", "utf16le"))).toEqual({ ok: false, error });
});
