/** What JSON.parse loses in silence is found, wherever it stands and however the text is laid out. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isRounded, type JsonPath, readJsonText, scanJson } from "../../src/base/json-text.ts";

/** Any JSON, in any layout. */
const layouts = fc.record({
  value: fc.jsonValue({ maxDepth: 5, noUnicodeString: false }),
  indent: fc.constantFrom<string | number | undefined>(undefined, 1, 2, "\t", "\r\n "),
});

function at(value: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>((inside, key) => (inside as Record<string | number, unknown>)[key], value);
}

function numbersIn(value: unknown): number {
  if (typeof value === "number") return 1;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, member) => sum + numbersIn(member), 0);
}

test("each number is seen once, at its path and its offset; no key is taken for used twice", () => {
  fc.assert(
    fc.property(layouts, ({ value, indent }) => {
      const text = JSON.stringify(value, undefined, indent);
      const parsed: unknown = JSON.parse(text);
      let seen = 0;
      const twice = scanJson(text, (number, path, offset) => {
        seen++;
        expect(Object.is(at(parsed, path), Number(number))).toBe(true);
        expect(text.startsWith(number, offset)).toBe(true);
      });
      expect(twice).toBeUndefined();
      expect(seen).toBe(numbersIn(parsed));
    }),
  );
});

test("a key that is used twice is found, however it is escaped and whatever lies between", () => {
  const keys = fc.oneof(fc.string(), fc.constantFrom("", "__proto__", 'a"b', "\\", "[", "}", "toString"));
  const unit = (at: string): string => `\\u${at.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const escaped = (key: string): string => `"${key.split("").map(unit).join("")}"`;
  fc.assert(
    fc.property(keys, layouts, layouts, fc.boolean(), (key, { value }, { value: around, indent }, isEscaped) => {
      const written = JSON.stringify(key);
      const again = isEscaped ? escaped(key) : written;
      const mapping = `{${written}:${JSON.stringify(value, undefined, indent)} , ${again}: 1}`;
      const text = `[${JSON.stringify(around)}, {"in": ${mapping}}]`;
      expect(scanJson(text, () => {})).toEqual({
        key,
        path: [1, "in"],
        firstOffset: text.length - mapping.length - 2 + 1,
        offset: text.length - 2 - `${again}: 1}`.length,
      });
    }),
  );
});

describe("a whole number is rounded exactly where it is printed with other digits", () => {
  test.each([
    ["9007199254740991", false],
    ["9007199254740992", false],
    ["9007199254740993", true],
    ["-9007199254740993", true],
    ["12345678901234567890", true],
    ["12345678901234567000", false],
    ["1152921504606847000", false],
    ["100000000000000000000", false],
    ["1000000000000000000000", false],
    ["100000000000000000000000", true],
    ["0x1FFFFFFFFFFFFF", false],
    ["0x20000000000001", true],
    ["9".repeat(400), true],
    ["0007", false],
    ["1.10", false],
    ["12345678901234567890.5", false],
    ["9007199254740992.0", false],
    ["9007199254740993.0", true],
    ["-9007199254740993.00", true],
    ["0x10.0", false],
    ["9007199254740991.000", false],
    ["831877e8", false],
    ["1e400", false],
    ["12345678901234567890a", false],
  ])("%s: %s", (text, rounded) => {
    expect(isRounded(text)).toBe(rounded);
  });

  test("never of what a program printed of a double", () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => !isRounded(String(value))));
    fc.assert(
      fc.property(
        fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
        (value) =>
          isRounded(String(value)) !== (String(Number(value)) === String(value) || BigInt(Number(value)) === value),
      ),
    );
  });
});

/** Where a value can be, with the path in the message. */
const PLACES: readonly (readonly [text: string, path: string])[] = [
  ["@", "it"],
  [" \n@\n", "it"],
  ['{"id":@}', "it.id"],
  ['{"a": [1, {"b-c": @}], "d": 1}', "it.a[1].b-c"],
  ["[[],{},@]", "it[2]"],
  ['{"a b": {"": @}}', 'it["a b"][""]'],
  ['{"s": "\\"@1\\\\", "__proto__": @}', "it.__proto__"],
];

describe.each(PLACES)("in %j", (text, path) => {
  test.each(["9007199254740993", "-12345678901234567890", "1".repeat(30)])("%s is refused with its place", (number) => {
    const told = `${path} is ${number}, which is too large to be exact: write it in quotes, as text`;
    expect(readJsonText(text.replaceAll(/@(?!1)/g, number), "it")).toEqual({
      ok: false,
      error: { kind: "lossy", message: told },
    });
  });
  test.each(["1", "1.10", "9007199254740991", "831877e8", '"9007199254740993"', "null"])("%s is taken", (value) => {
    const written = text.replaceAll(/@(?!1)/g, value);
    expect(readJsonText(written, "it")).toEqual({ ok: true, value: JSON.parse(written) });
  });
  test("a key that is used twice is refused with its places", () => {
    const twice = readJsonText(text.replaceAll(/@(?!1)/g, '{"k":1,\n"k":2}'), "it");
    expect(twice.ok ? "" : twice.error).toMatchObject({ kind: "lossy" });
    expect(twice.ok ? "" : twice.error.message).toMatch(/^it.* has the key "k" twice \(lines (\d) and (\d)\): remove/);
    expect(twice.ok ? "" : twice.error.message.startsWith(`${path} has`)).toBe(true);
  });
});

test("a number of many digits is not shown: a part of it could be a part of a secret", () => {
  const read = readJsonText("7".repeat(70), "it");
  expect(read).toMatchObject({ error: { message: expect.stringContaining("it is a whole number of 70 digits") } });
});
