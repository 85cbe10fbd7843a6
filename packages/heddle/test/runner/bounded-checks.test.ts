/**
 * Every check of an output ends: hostile schemas, patterns and outputs, each with what it says. What is honest is answered, however
 * large.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { Json, JsonObject } from "../../src/base/json.ts";
import { isPlainCheck, outputProblem, schemaProblem } from "../../src/plan/schema/output-check.ts";
import { boundedChecks, type BoundedChecks } from "../../src/runner/bounded-checks.ts";

let checks: BoundedChecks;
let threads = 0;
function open(mostMs: number, mostMb = 64): BoundedChecks {
  return boundedChecks({
    clock: systemClock(),
    workerEntry: new URL("../../src/host/output-check-worker.ts", import.meta.url),
    load: async () => ({
      check: outputProblem,
      isShort: (schema, output) => {
        const isShort = isPlainCheck(schema, output);
        if (!isShort) threads++;
        return isShort;
      },
    }),
    mostMs,
    mostMb,
  });
}
beforeEach(() => {
  threads = 0;
});
afterEach(() => checks[Symbol.asyncDispose]());

const range = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);
const nested = (levels: number): Json => range(levels).reduce<Json>((inner) => [inner], 1);
/** `width` alternatives on each level, each of which leads to the next one. */
const unfolding = (width: number, levels: number, key: string): JsonObject => ({
  $ref: "#/$defs/l0",
  $defs: Object.fromEntries(
    range(levels).map((level) => [
      `l${level}`,
      { [key]: Array.from({ length: width }, () => (level + 1 < levels ? { $ref: `#/$defs/l${level + 1}` } : true)) },
    ]),
  ),
});

const TIME = /^it cannot be checked: that takes more than 0\.[0-9]+s/;

describe("what has no end in sight is given up, with a clear text", () => {
  const HOSTILE: Readonly<Record<string, readonly [JsonObject, Json]>> = {
    "a repeat in a repeat": [{ pattern: "^(a+)+$" }, `${"a".repeat(40)}!`],
    "alternatives that overlap": [{ pattern: "^(a|aa)+$" }, `${"a".repeat(200)}!`],
    "a back reference": [{ pattern: "^(a*)*\\1b$" }, "a".repeat(60)],
    "a pattern of names": [{ patternProperties: { "^(a+)+$": true } }, { [`${"a".repeat(40)}!`]: 1 }],
    "a pattern of names, under propertyNames": [
      { propertyNames: { pattern: "^(a+)+$" } },
      { [`${"a".repeat(40)}!`]: 1 },
    ],
    "a pattern deep inside": [
      { properties: { a: { items: { anyOf: [{ pattern: "^(a+)+$" }] } } } },
      { a: [`${"a".repeat(40)}!`] },
    ],
    "polynomial, on a long text": [{ pattern: "a*a*a*a*b" }, "a".repeat(100_000)],
    "equal items at the end of a long list": [{ uniqueItems: true }, [...range(200_000), 199_999]],
    "alternatives by items": [
      {
        items: unfolding(9, 4, "anyOf")["$defs"] as JsonObject,
        contains: { allOf: [{ enum: range(5000) }] },
        maxContains: 1,
      },
      range(100_000).map(() => -1),
    ],
  };
  test("all of them, and what waits behind them is answered", async () => {
    checks = open(100);
    const asked = Object.entries(HOSTILE).map(
      async ([name, [schema, output]]) => [name, await checks.check(schema, output)] as const,
    );
    const honest = checks.check({ pattern: "^a$" }, "a");
    const wrong = checks.check({ pattern: "^a$" }, "b");
    for (const [name, said] of await Promise.all(asked)) expect(said, name).toMatch(TIME);
    expect(await honest).toBeUndefined();
    expect(await wrong).toMatch(/^output: /);
  });

  test("memory", async () => {
    checks = open(60_000, 16);
    const schema: JsonObject = { items: { allOf: range(40).map(() => ({ type: "string" })) } };
    expect(await checks.check(schema, range(20_000))).toMatch(/takes more than 16 MB of memory/);
    expect(await checks.check({ pattern: "a" }, "a")).toBeUndefined();
  });

  test("an output that is nested deeply", async () => {
    checks = open(60_000);
    const schema: JsonObject = { $ref: "#/$defs/a", $defs: { a: { items: { $ref: "#/$defs/a" } } } };
    expect(await checks.check(schema, nested(50))).toBeUndefined();
    expect(await checks.check(schema, nested(4000))).toMatch(/nested too deeply/);
    expect(await checks.check(schema, nested(100_000))).toMatch(/nested too deeply/);
  });
});

describe("a check that nobody asks for any more", () => {
  const ENDLESS: readonly [JsonObject, Json] = [{ pattern: "^(a+)+$" }, `${"a".repeat(60)}!`];

  test("ends at once, at work or behind others, and its thread serves the next", async () => {
    checks = open(60_000);
    const ending = new AbortController();
    const asked = Array.from({ length: 5 }, () => checks.check(...ENDLESS, ending.signal));
    const honest = checks.check({ pattern: "^a$" }, "a");
    ending.abort();
    for (const said of await Promise.all(asked)) expect(said).toBe("it cannot be checked: it was given up");
    expect(await honest).toBeUndefined();
    expect(await checks.check(...ENDLESS, ending.signal)).toMatch(/given up/);
  });

  test("is given up at work", async () => {
    checks = open(60_000);
    const ending = new AbortController();
    const asked = checks.check(...ENDLESS, ending.signal);
    // Done by another thread: that one is at work by then.
    expect(await checks.check({ pattern: "^a$" }, "a")).toBeUndefined();
    ending.abort();
    expect(await asked).toMatch(/given up/);
  });
});

describe("what is honest is answered", () => {
  test("a long list without equal items, at once", async () => {
    checks = open(60_000);
    const schema: JsonObject = { type: "array", uniqueItems: true, items: { type: "integer" } };
    expect(await checks.check(schema, range(80_000))).toBeUndefined();
    expect(await checks.check(schema, [...range(80_000), "x"])).toMatch(/output\.80000: .*"integer"/);
    expect(await checks.check(schema, [7, ...range(80_000)])).toMatch(/Duplicate items at indexes 0 and 8/);
  });

  test("without a thread where little is to be done", async () => {
    checks = open(1);
    const schema: JsonObject = { type: "object", required: ["a"], properties: { a: { enum: [1, 2] } } };
    expect(await checks.check(schema, { a: 1 })).toBeUndefined();
    expect(await checks.check(schema, {})).toMatch(/"a"/);
    expect(threads).toBe(0);
  });
});

describe("a schema that unfolds without end is refused before anything runs", () => {
  const REFUSED: Readonly<Record<string, readonly [JsonObject, RegExp]>> = {
    itself: [{ $ref: "#" }, /refers to itself/],
    "two that are each other": [
      { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { allOf: [{ $ref: "#/$defs/a" }] } } },
      /refers to itself/,
    ],
    "itself, inside a property that no output may have": [
      { properties: { a: { anyOf: [{ not: { $ref: "#/properties/a" } }] } } },
      /refers to itself/,
    ],
    "itself, by a condition": [{ if: { not: { $ref: "#/if" } } }, /refers to itself/],
    "itself, recursively": [{ $recursiveRef: "#" }, /refers to itself/],
    ...Object.fromEntries(
      ["allOf", "anyOf", "oneOf"].map((key) => [
        `12 of ${key} on 8 levels`,
        [unfolding(12, 8, key), /more than 10000 parts/],
      ]),
    ),
    "a long row": [unfolding(1, 1000, "allOf"), /in a row/],
    "addresses inside each other": [
      range(30).reduce<JsonObject>((inner, i) => ({ $id: `https://a.example/${i}`, not: inner }), {}),
      /"\$id"/,
    ],
    "a pattern of names that is none": [{ patternProperties: { "(": true } }, /a pattern is not a regular expression/],
    "a reference that leads nowhere": [{ $ref: "#/$defs/none" }, /Unresolved/],
  };
  test.each(Object.entries(REFUSED))("%s", (_, [schema, said]) => {
    expect(schemaProblem(schema)).toMatch(said);
  });

  test.each([
    { $ref: "#/$defs/tree", $defs: { tree: { properties: { children: { items: { $ref: "#/$defs/tree" } } } } } },
    { properties: { next: { $ref: "#" } } },
    { properties: { next: { $recursiveRef: "#" } } },
    unfolding(5, 4, "anyOf"),
  ] satisfies readonly JsonObject[])("lists and trees are not", (schema) => {
    expect(schemaProblem(schema)).toBeUndefined();
  });
});
