import fc from "fast-check";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { exchangeFiles, parseOutput, readOutput, readSteps } from "../../src/runner/exchange.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder("exchange");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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

test.each([
  ["output", Buffer.from("a=1\nb=caf\xe9\n", "latin1"), "$HEDDLE_OUTPUT is not UTF-8 text: byte 0xe9 at offset 9"],
  ["output", Buffer.from('"\xff"', "latin1"), "$HEDDLE_OUTPUT is not UTF-8 text: byte 0xff at offset 1"],
  ["steps", Buffer.from('[{"id":"a","run":"echo \xe9"}]', "latin1"), "$HEDDLE_STEPS is not UTF-8 text: byte 0xe9"],
] as const)("bytes that are no text are not made another text: %s %j", (file, bytes, said) => {
  const files = exchangeFiles(join(folder, "bytes"));
  writeFileSync(files[file], bytes);
  const read = file === "output" ? readOutput(files) : readSteps(files);
  rmSync(files[file]);
  expect(read).toEqual({ ok: false, error: expect.stringContaining(said) });
});

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

test.each([
  ["9007199254740993", "output is 9007199254740993, which is too large"],
  ['{"n":12345678901234567890}', "output.n is 12345678901234567890, which is too large"],
  ['[1, {"m": [-9007199254740993]}]', "output[1].m[0] is -9007199254740993, which is too large"],
  ['{"a":1,\n"a":2}', 'output has the key "a" twice (lines 1 and 2)'],
])("%j would not be kept as it is written", (text, said) => {
  expect(parseOutput(text)).toEqual({
    ok: false,
    error: expect.stringContaining(`cannot be kept as it is written: ${said}`),
  });
});

test.each([
  ["a=12345678901234567890\nb=1.10\nc=007", { a: "12345678901234567890", b: "1.10", c: "007" }],
  ["1.10", 1.1],
  ['"12345678901234567890"', "12345678901234567890"],
  ["100000000000000000000", 1e20],
])("%j is kept", (text, value) => {
  expect(parseOutput(text)).toEqual({ ok: true, value });
});

test("steps that a command adds are read as a plan's are written", () => {
  const files = exchangeFiles(join(folder, "added"));
  const steps = (text: string): unknown => {
    writeFileSync(files.steps, text);
    return readSteps(files);
  };
  const added =
    '[{"id": 1.10, "deps": [1.1, 2], "env": {"V": 3.0}, "forEach": [1.50, 2], "with": {"n": 1.0, "__proto__": 2.0}}]';
  const with_ = JSON.parse('{"n": 1, "__proto__": 2}') as unknown;
  expect(steps(added)).toEqual({
    ok: true,
    value: [{ id: "1.10", deps: [1.1, 2], env: { V: "3.0" }, forEach: ["1.50", 2], with: with_ }],
  });
  const refused = (text: string): unknown => expect.stringContaining(text);
  expect(steps('[{"id": "a"}, {"id": "b", "priority": 12345678901234567890}]')).toEqual({
    ok: false,
    error: refused("steps[1].priority: 12345678901234567890 is too large to be exact as a number; write it in quotes"),
  });
  expect(steps('[{"id": "a", "id": "b"}]')).toEqual({ ok: false, error: refused('steps[0] has the key "id" twice') });
  expect(steps('{"id": "a"}')).toEqual({ ok: false, error: refused("must contain a JSON list") });
});

/** Scalars that a reader of YAML or JSON may print otherwise than they are written. */
const SCALARS = (
  "1.10 0755 0x1F 0o17 831877e8 1e3 -0 +1 .5 1_000 007 1.0 9007199254740991 9007199254740993 -12345678901234567890 " +
  "1111111111111111111111111111111111111111 true TRUE null ~ 2026-12-01 12:30 "
).split(" ");

test.each(SCALARS)("a line key=%s keeps its text", (text) => {
  expect(parseOutput(`k=${text}\nother=x`)).toEqual({ ok: true, value: { k: text, other: "x" } });
});

test.each(SCALARS.filter((text) => /^-?(0|[1-9]\d*)(\.\d+)?(e\d+)?$/.test(text)))(
  "the number %s of a JSON output is kept, or refused where digits would be lost",
  (text) => {
    const isWhole = /^-?\d+$/.test(text);
    const isKept = !isWhole || BigInt(text) === BigInt(Number(text));
    for (const [output, value] of [
      [text, Number(text)],
      [`{"a": [${text}]}`, { a: [Number(text)] }],
    ] as const) {
      const parsed = parseOutput(output);
      if (isKept) expect(parsed).toEqual({ ok: true, value });
      else expect(parsed).toMatchObject({ ok: false, error: expect.stringContaining("too large to be exact") });
    }
  },
);
