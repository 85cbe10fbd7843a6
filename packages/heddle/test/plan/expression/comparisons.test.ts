/** Text against a number or a boolean: an error wherever in an expression and however deep in the values, else CEL's answer. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../../src/base/json.ts";
import { compileExpression } from "../../../src/plan/expression/cel.ts";

function evaluate(text: string, params: { readonly [name: string]: Json }): unknown {
  const compiled = compileExpression(text);
  if (!compiled.ok) return `refused: ${compiled.error.message}`;
  const value = compiled.value.evaluate({ params });
  return value.ok ? value.value : `error: ${value.error}`;
}

const NEVER =
  /which are never equal\. (Convert the text with int\(\) or double\(\), or put the number in quotes|Compare the text with 'true' or 'false')$/;

/** Values that are mixed up, with what a message has to say. */
const MIXED: readonly (readonly [text: Json, other: Json, hint: string])[] = [
  ["5", 5, "Convert the text"],
  ["5.5", 5.5, "Convert the text"],
  ["", 0, "Convert the text"],
  ["abc", 1, "Convert the text"],
  ["9007199254740993", 2 ** 53, "Convert the text"],
  ["true", true, "Compare the text"],
  ["false", false, "Compare the text"],
  ["yes", true, "Compare the text"],
];

/** Where the two values stand in what is compared. */
const DEPTHS: Readonly<Record<string, (value: Json) => Json>> = {
  itself: (value) => value,
  "in a list": (value) => [1, value, "same"],
  "in a map": (value) => ({ same: null, k: value }),
  "deep inside": (value) => ({ k: [{ l: [[], value] }] }),
};

/** Where the comparison stands in the expression: `@` is it. */
const POSITIONS: Readonly<Record<string, string>> = {
  alone: "@",
  negated: "!(@)",
  "on the left of ||": "@ || false",
  "on the right of ||": "false || @",
  "on the left of &&": "@ && true",
  "on the right of &&": "true && @",
  "as a condition": "@ ? 1 : 2",
  "in a branch": "true ? @ : false",
  "in a list": "[@]",
  "in a map": "{'a': @}",
  "as a key": "{@: 1}",
  "as an argument": "string(@)",
  "as a receiver": "dyn(@).x",
  "in another comparison": "(@) == true",
  "in exists": "[1].exists(i, @)",
  "in all": "[1].all(i, @)",
  "in exists_one": "[1].exists_one(i, @)",
  "in filter": "[1].filter(i, @)",
  "in map": "[1].map(i, @)",
  "in map with a filter": "[1].map(i, @, i)",
  "in bind": "cel.bind(v, 1, @)",
  "in loops in loops": "[[1]].exists(i, i.all(j, [j].map(k, @)[0]))",
};

describe.each(Object.entries(DEPTHS))("values %s", (_, wrap) => {
  test.each(MIXED)("%j and %j", (text, other, hint) => {
    for (const op of ["==", "!="]) {
      for (const [a, b] of [
        [text, other],
        [other, text],
      ] as const) {
        const params = { a: wrap(a), b: wrap(b) };
        expect(evaluate(`params.a ${op} params.b`, params)).toMatch(NEVER);
        expect(evaluate(`params.a ${op} params.b`, params)).toContain(hint);
        // One side written in the expression.
        expect(evaluate(`params.a ${op} ${JSON.stringify(wrap(b))}`, params)).toMatch(NEVER);
        expect(evaluate(`${JSON.stringify(wrap(a))} ${op} params.b`, params)).toMatch(NEVER);
      }
    }
    expect(evaluate("params.a in [params.b]", { a: wrap(text), b: wrap(other) })).toMatch(NEVER);
    expect(evaluate("params.a in params.b", { a: wrap(other), b: [wrap(text), wrap(text)] })).toMatch(NEVER);
  });
});

describe.each(Object.entries(POSITIONS))("%s", (_, position) => {
  test.each(["params.n == 5", "5 != params.n", "params.flag == true", "5 in params.list", "params.list == [5]"])(
    "%s",
    (comparison) => {
      const params = { n: "5", flag: "true", list: ["5"] };
      expect(evaluate(position.replace("@", comparison), params)).toMatch(NEVER);
    },
  );
});

test("what is decided without the comparison is no error", () => {
  const params = { n: "5" };
  expect(evaluate("true || params.n == 5", params)).toBe(true);
  expect(evaluate("params.n == 5 || true", params)).toBe(true);
  expect(evaluate("false && params.n == 5", params)).toBe(false);
  expect(evaluate("true ? true : params.n == 5", params)).toBe(true);
  expect(evaluate("type(params.n) == type(5) && params.n == 5", params)).toBe(false);
});

test.each([
  ["params.n == null", false],
  ["params.list == 5", false],
  ["params.yes == 1", false],
  ["params.list == ['4', 6]", false],
  ["params.list == [7]", false],
  ["params.list == [6, '7']", false],
  ["params.map == {'a': 1, 'b': 3}", false],
  ["params.map == {'a': '1', 'b': 2}", true],
  ["5 in params.mixed", true],
  ["6 in params.mixed", false],
  ["5 in []", false],
  ["1 in {1: 'a'}", true],
  ["2 in {1: 'a'}", false],
  ["'a' in params.map", true],
  ["'z' in params.map", false],
  ["int(params.n) == 5", true],
  ["params.n == '5'", true],
  ["params.five == 5.0", true],
  ["params.five == 5u", true],
  ["dyn(5u) == params.five", true],
])("%s is %s, as in CEL", (text, value) => {
  const params = { n: "5", five: 5, yes: true, list: ["5", "6"], map: { a: "1", b: 2 }, mixed: [5, "x"] };
  expect(evaluate(text, params)).toBe(value);
});

test("keys of data are text: a number is never one of them", () => {
  expect(evaluate("5 in params.map", { map: { "5": 1 } })).toMatch(NEVER);
  expect(evaluate("5 in params.map", { map: {} })).toBe(false);
});

test("literals are refused when compiled, and by order too, with the same advice", () => {
  for (const text of ["'a' == 5", "5 == 'a'", "'a' != true", "size(params.n) == '1'", "params.n + '' == 5"])
    expect(evaluate(text, { n: "x" })).toMatch(/^refused: no such overload: .*(Convert|Compare) the text/);
  expect(evaluate("params.n > 3", { n: "5" })).toMatch(/^error: .*dyn<string> > int\. Convert the text/);
  expect(evaluate("3 <= params.n", { n: "5" })).toMatch(/^error: .*int <= dyn<string>\. Convert the text/);
});

test("no value is shown", () => {
  const said = evaluate("params.token == 5 || [params.token] == [5] || 5 in [params.token]", { token: "sup3r-s3cret" });
  expect(said).toMatch(NEVER);
  expect(said).not.toContain("s3cret");
});

test("any two values: an error exactly where kinds are all that differs, else equal as JSON is", () => {
  const small = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<Json>("1", 1, true, null, "a", 2),
      fc.array(tie("json"), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom("k", "l"), tie("json"), { maxKeys: 2 }),
    ),
  })).json;
  fc.assert(
    fc.property(small, small, (a, b) => {
      const expected = verdict(a, b);
      const said = evaluate("params.a == params.b", { a, b });
      if (expected === "kinds") expect(said).toMatch(NEVER);
      else expect(said).toBe(expected === "equal");
    }),
    { numRuns: 3000 },
  );
});

/** Written apart from what it tests, over plain JSON. */
function verdict(a: Json, b: Json): "equal" | "unequal" | "kinds" {
  if (typeof a !== "object" && typeof b !== "object") {
    if (typeof a === typeof b) return a === b ? "equal" : "unequal";
    return typeof a === "string" || typeof b === "string" ? "kinds" : "unequal";
  }
  if (a === null || b === null) return a === b ? "equal" : "unequal";
  if (typeof a !== "object" || typeof b !== "object" || Array.isArray(a) !== Array.isArray(b)) return "unequal";
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length || !keys.every((key) => Object.hasOwn(b, key))) return "unequal";
  const members = keys.map((key) => verdict((a as never)[key], (b as never)[key]));
  if (members.includes("unequal")) return "unequal";
  return members.includes("kinds") ? "kinds" : "equal";
}
