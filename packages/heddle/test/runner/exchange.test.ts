import fc from "fast-check";
import { expect, test } from "vitest";
import { parseOutput } from "../../src/runner/exchange.ts";

test.each([
  ["", null],
  [" \n\n", null],
  ["12", 12],
  ['"text"\n', "text"],
  ["null", null],
  ["a=1\r\nb=\r\n", { a: "1", b: "" }],
  ['url=http://x/?a=b\n\nq="quoted"', { url: "http://x/?a=b", q: '"quoted"' }],
  ["a=1\na=2", { a: "2" }],
])("%j is %j", (text, value) => {
  expect(parseOutput(text)).toEqual({ ok: true, value });
});

test.each(["{a: 1}", "[1, 2", "some text", "=x", "a=1\nb", "1e999", `${"[".repeat(300)}${"]".repeat(300)}`])(
  "%j is refused",
  (text) => {
    const parsed = parseOutput(text);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.error.length).toBeLessThan(1000);
  },
);

test("pairs never touch a prototype, and any JSON comes back as it went in", () => {
  const parsed = parseOutput("__proto__=x\nconstructor=y");
  expect(parsed.ok && Object.keys(parsed.value as object)).toEqual(["__proto__", "constructor"]);
  expect(({} as { x?: unknown }).x).toBeUndefined();
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value);
      expect(parseOutput(text)).toEqual({ ok: true, value: JSON.parse(text) });
    }),
  );
});
