/** Secrets stay hidden in every form and however they are cut (S14). */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type Masker, masker, maskerFor } from "../../src/base/mask.ts";
import { seededRandom } from "../../src/base/random.ts";

function maskerOf(...values: readonly string[]): Masker {
  const made = masker(values);
  if (made === undefined) throw new Error("nothing to mask");
  return made;
}

function throughStream(mask: Masker, chunks: readonly Buffer[]): string {
  const shown: Buffer[] = [];
  const stream = mask.stream((chunk) => void shown.push(Buffer.from(chunk)));
  for (const chunk of chunks) stream.push(chunk);
  stream.end();
  return Buffer.concat(shown).toString("utf8");
}

function cut(text: Buffer, places: readonly number[]): readonly Buffer[] {
  const at = [0, ...places.map((place) => place % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  return at.slice(1).map((end, index) => text.subarray(at[index], end));
}

const percentAll = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`.replace(/^%(.)$/, "%0$1")).join("");

const hex4 = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
/** As Go's encoding/json: what means something in HTML is escaped too. */
const goJson = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(/[<>&\u2028\u2029]/g, hex4);
/** As Python's json: all but ASCII is escaped, by UTF-16 units. */
const pythonJson = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(/[^ -~]/g, hex4);
/** As bash's `printf %q`, where nothing needs `$'...'`. */
const printfQ = (text: string): string => text.replaceAll(/[ !"#$&'()*,;<>?[\\\]^`{|}~]/g, "\\$&");
/** What stands between the outer quotes of a word in the trace of `bash -x` and of `dash -x`. */
const bashTrace = (text: string): string => text.replaceAll("'", "'\\''");
const dashTrace = (text: string): string => text.replaceAll(/'+/g, `'"$&"'`);

function wrapped(text: string, width: number, end: string): string {
  const whole = Buffer.from(text).toString("base64").replace(/=+$/, "");
  // The last character can hold bits of what follows: hidden, but only beside the others.
  return (whole.slice(0, -1).match(new RegExp(`.{1,${width}}`, "g")) ?? []).join(end) + whole.slice(-1);
}

describe("masker", () => {
  const secret = fc.oneof(
    fc.string({ minLength: 4, maxLength: 40, unit: "grapheme" }),
    fc.stringMatching(/^[A-Za-z0-9+/=_-]{8,40}$/),
    fc.stringMatching(/^[a-c ]{4,9}$/),
  );
  const around = fc.string({
    maxLength: 30,
    unit: fc.constantFrom("a", "b", "Z", "9", "+", "/", "=", " ", "\\", "%", "é", "\n"),
  });

  test("hides a secret raw, in URLs, in JSON and in base64, cut anywhere", () => {
    fc.assert(
      fc.property(secret, around, around, fc.array(fc.nat(500), { maxLength: 6 }), (value, before, after, places) => {
        const base64 = Buffer.from(before + value + after).toString("base64");
        const forms = [
          value,
          encodeURIComponent(value),
          new URLSearchParams({ value }).toString().slice(6),
          percentAll(value),
          percentAll(value).toUpperCase(),
          JSON.stringify(value).slice(1, -1),
          goJson(value),
          pythonJson(value),
          printfQ(value),
          bashTrace(value),
          dashTrace(value),
          Buffer.from(value).toString("base64").replace(/=+$/, ""),
          Buffer.from(value).toString("base64url"),
          ...[1, 4, 7, 64, 76].flatMap((width) => ["\n", "\r\n"].map((end) => wrapped(value, width, end))),
        ];
        const text = `${forms.map((form) => `[${form}]`).join(before)}${after}`;
        const mask = maskerOf(value);
        const shown = throughStream(mask, cut(Buffer.from(text), places));
        // The plain frame around each form is all that is left between the marks.
        for (const form of forms) {
          const masked = throughStream(mask, cut(Buffer.from(`<${form}>`), places));
          expect(masked.replace(/\*+/g, "***")).toBe("<***>");
          expect(mask.text(`<${form}>`)).toBe("<***>");
        }
        expect(shown.includes(value) && !"*[]".includes(value)).toBe(false);
        // In base64 of a larger text: no three bytes of the secret can be read from what is shown.
        const inside = throughStream(mask, cut(Buffer.from(base64), places));
        expect(inside).toContain("***");
        expect(inside.replaceAll("***", "").length).toBeLessThanOrEqual(
          base64.length - Math.floor((Buffer.byteLength(value) * 4) / 3) + 3,
        );
      }),
      { numRuns: 120 },
    );
  });

  test("lets everything else through unchanged and at once", () => {
    const mask = maskerOf("correct horse battery staple");
    let shown = "";
    const stream = mask.stream((chunk) => (shown += chunk.toString()));
    stream.push(Buffer.from("ready\n"));
    expect(shown).toBe("ready\n");
    stream.push(Buffer.from("a corr"));
    stream.push(Buffer.from("ection, 50% of +++ /x/y\n"));
    expect(shown).toBe("ready\na correction, 50% of +++ /x/y\n");
    stream.push(Buffer.from("correct horse battery stapl"));
    stream.end();
    expect(shown.endsWith("correct horse battery stapl")).toBe(true);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.array(fc.nat(80)), (text, places) => {
        fc.pre(!text.includes("zq"));
        expect(throughStream(maskerOf("zqzqzqzq"), cut(Buffer.from(text), places))).toBe(Buffer.from(text).toString());
      }),
    );
  });

  test("overlapping secrets leave nothing between them", () => {
    expect(maskerOf("abcdef", "defghi").text("xabcdefghiy")).toBe("x***y");
    expect(
      throughStream(maskerOf("abcdef", "defghi"), [Buffer.from("xabc"), Buffer.from("defg"), Buffer.from("hiy")]),
    ).toBe("x***y");
    expect(maskerOf("aaaa").text("aaaaaaaaa!")).toBe("***!");
  });

  test("what follows wrapped base64 and what stands before it stays", () => {
    const value = "a value of fifty-eight bytes, which is wrapped by base64.!";
    const base64 = Buffer.from(value).toString("base64");
    const text = `ready\n${base64.slice(0, 76)}\n${base64.slice(76)}\nhello\n`;
    expect(maskerOf(value).text(text)).toBe("ready\n***\nhello\n");
    for (let at = 0; at <= text.length; at++)
      expect(throughStream(maskerOf(value), cut(Buffer.from(text), [at]))).toMatch(/^ready\n(?:\*{3})+=*\nhello\n$/);
    const long = Array.from({ length: 700 }, (_, index) => `${index}`).join(";");
    expect(maskerOf(long).text(`<${long}> <${wrapped(long, 76, "\n")}>`)).toMatch(/^<\*+> <[*\n]+>$/);
  });

  test("a value of fewer than four characters is refused by its name, an empty one is nothing to hide", () => {
    const values: Readonly<Record<string, string>> = { ONE: "1", THREE: "äöü", FOUR: "four", EMPTY: "" };
    const madeOf = (...names: string[]) => maskerFor(names, (name) => values[name]);
    for (const name of ["ONE", "THREE"]) {
      const made = madeOf("FOUR", name);
      expect(made).toMatchObject({
        ok: false,
        error: expect.stringMatching(new RegExp(`secret ${name} .*fewer than 4`)),
      });
    }
    expect(madeOf("EMPTY", "UNSET")).toEqual({ ok: true, value: undefined });
    expect(madeOf("FOUR").ok).toBe(true);
  });

  test("lines of a key, keys and numbers in JSON, and nothing to hide", () => {
    const key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----";
    expect(maskerOf(key).text(`got MIIEvQIBADANBg and\n${key}`)).toBe("got *** and\n***");
    expect(maskerOf("12345678").json({ a: 12345678, k12345678: ["x12345678", null, true, 5] })).toEqual({
      a: "***",
      "k***": ["x***", null, true, 5],
    });
    expect(masker(["", undefined])).toBeUndefined();
  });
});

test("forms are tried at few places, however many and however long they are", () => {
  const random = seededRandom(1);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const word = (length: number): string =>
    Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
  const key = Array.from({ length: 26 }, () => word(64)).join("\n");
  const text = "The quick brown fox jumps over the lazy dog, line after line.\n".repeat(500) + word(30_000);
  const exec = vi.spyOn(RegExp.prototype, "exec");
  try {
    const masked = masker([key])?.text(`${text}${key}${text}`);
    expect(masked).toBe(`${text}***${text}`);
    // Of 25 million: some 170 forms at each of 150,000 places.
    expect(exec.mock.calls.length).toBeLessThan(500_000);
    expect(exec.mock.calls.length).toBeGreaterThan(26);
  } finally {
    exec.mockRestore();
  }
});
