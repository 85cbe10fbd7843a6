/** Expressions: what they give, what they may name, and that there is no way out of them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../../src/base/json.ts";
import {
  asText,
  compileExpression,
  compileTemplate,
  fillTemplates,
  outputsOf,
  type Scope,
} from "../../../src/plan/expression/cel.ts";
import { planOf } from "../helpers.ts";

const SCOPE: Scope = {
  params: {
    env: "production",
    count: 3,
    ratio: 0.5,
    list: [1, 2.5, "a", null],
    nested: { a: { b: [true] } },
    constructor: "own",
  },
  deps: { "ui-kit": { status: "succeeded", output: { files: 2 } }, api: { status: "failed" } },
  run: { id: "r1" },
  item: { n: 7 },
  env: { HOME: "/home/x" },
};

function evaluate(text: string, scope: Scope = SCOPE): unknown {
  const compiled = compileExpression(text);
  if (!compiled.ok) return `compile: ${compiled.error.message}`;
  const value = compiled.value.evaluate(scope);
  return value.ok ? value.value : `evaluate: ${value.error}`;
}

describe("values", () => {
  test.each<[string, Json]>([
    ["params.env == 'production'", true],
    ["params.count + 1", 4],
    ["params.count * 0.5", 1.5],
    ["params.ratio * 2", 1],
    ["params.count / 2", 1],
    ["params.list", [1, 2.5, "a", null]],
    ["size(params.list)", 4],
    ["params.list.filter(x, type(x) == type(1) && x == 1)", [1]],
    ["params.list.map(x, {'v': x})[0].v", 1],
    ["deps['ui-kit'].output.files", 2],
    ["deps.api.status", "failed"],
    ["has(deps.api.output) ? 1 : 2", 2],
    ["'files' in deps['ui-kit'].output", true],
    ["run.id", "r1"],
    ["item.n", 7],
    ["env.HOME + '/y'", "/home/x/y"],
    ["params.nested", { a: { b: [true] } }],
    ["params.?missing.orValue('x')", "x"],
    ["params.constructor", "own"],
    ["'abc'.matches('^a[b-d]+$')", true],
    ["timestamp('2024-01-01T00:00:00Z')", "2024-01-01T00:00:00.000Z"],
    ["1u", 1],
    ["null", null],
  ])("%s", (text, value) => expect(evaluate(text)).toStrictEqual(value));

  test.each([
    ["params.missing", /missing/],
    ["params.count + 'a'", /overload/],
    ["1 / 0", /zero/],
    ["type(1)", /no JSON form/],
    ["9007199254740993", /too large/],
    ["params.nested.constructor", /constructor/],
    ["params['__proto__']", /__proto__/],
    ["params.nested.a.toString", /toString/],
  ])("%s fails as a value", (text, message) => expect(evaluate(text)).toMatch(message));
});

describe("refused when compiled", () => {
  test.each([
    ["", /empty/],
    ["1 +", /token/i],
    ["x".repeat(4001), /longer/],
    ["nope", /unknown name/],
    ["parms.x", /did you mean "params"/],
    ["deps", /as a value/],
    ["deps[params.env]", /written out/],
    ["deps.api.outputs", /"output" and "status"/],
    ["env", /as a value/],
    ["has(deps['ui-kit'].output.x)", /'name' in map/],
    ["process.exit()", /unknown name/],
    ["params.list.map(params, params)", /is reserved/],
    ["'a'.matches(params.env)", /literal pattern/],
    ["'a'.matches('(a+)+$')", /nested repeats/],
    ["'a'.matches('(a|aa)*$')", /nested repeats/],
    ["'a'.matches('(a)\\\\1')", /nested repeats/],
    ["require('fs')", /./],
    ["[1].join(1)", /./],
    ["[].all(e, e > 0)", /the items of an empty list or map are of no kind: write dyn\(\[\]\) or dyn\({}\)/],
    ["{}.a + 1", /are of no kind/],
    ["[].exists(e, e.x)", /are of no kind/],
  ])("%s", (text, message) => {
    const compiled = compileExpression(text);
    expect(compiled.ok ? "compiled" : compiled.error.message).toMatch(message);
  });

  test("offsets point into the text", () => {
    const template = compileTemplate("a ${{ 1 }} ${{ nope }}");
    expect(template).toMatchObject({ ok: false, error: { offset: 15 } });
    expect(compileTemplate("abc ${{ 1 ")).toMatchObject({ ok: false, error: { offset: 4 } });
  });
});

test("work is bounded before it is done", () => {
  const list = Array.from({ length: 3000 }, (_, i) => i);
  const scope: Scope = { params: { l: list, s: "x".repeat(5000) } };
  expect(evaluate("params.l.map(a, params.l.map(b, params.l.map(c, a + b + c)))", scope)).toMatch(/too expensive/);
  expect(evaluate("params.s.split('').map(a, params.s.split('').map(b, b))", scope)).toMatch(/too expensive/);
  expect(evaluate("params.s.matches('a*a*a*a*b')", scope)).toMatch(/too expensive/);
  expect(evaluate("params.l.exists(a, a == 2999)", { params: { l: list } })).toBe(true);
  expect(evaluate("params.l.map(a, string(a)).join(',').size()", { params: { l: list } })).toBe(13_889);
});

describe("templates", () => {
  test("one template keeps the value, more become text", () => {
    expect(fillTemplates("${{ params.list }}", SCOPE)).toStrictEqual({ ok: true, value: [1, 2.5, "a", null] });
    expect(fillTemplates("n=${{ params.count }} e=${{ params.env }}", SCOPE)).toStrictEqual({
      ok: true,
      value: "n=3 e=production",
    });
    expect(fillTemplates(" ${{ params.count }}", SCOPE)).toStrictEqual({ ok: true, value: " 3" });
    expect(fillTemplates({ a: ["${{ {'x': {'y': '}}'}} }}"], b: 1 }, SCOPE)).toStrictEqual({
      ok: true,
      value: { a: [{ x: { y: "}}" } }], b: 1 },
    });
    expect(fillTemplates("${{ '''it's }}''' }} ${{ r'\\'}}' }}", SCOPE)).toStrictEqual({
      ok: true,
      value: "it's }} \\'}}",
    });
    expect(fillTemplates("${{ params.missing }}", SCOPE).ok).toBe(false);
  });

  test("values as text", () => {
    expect([asText("x"), asText(1.5), asText(true), asText(null), asText([1, "a"])]).toStrictEqual([
      "x",
      "1.5",
      "true",
      "",
      '[1,"a"]',
    ]);
  });

  test("a value is never read as an expression again", () => {
    const scope: Scope = { params: { x: "${{ run.id }}" }, run: { id: "secret" } };
    expect(fillTemplates("a ${{ params.x }}", scope)).toStrictEqual({ ok: true, value: "a ${{ run.id }}" });
  });
});

test("which outputs are read is known from the text", async () => {
  const compiled = compileExpression("deps.a.output.x == 1 && deps['b-c'].status == 'failed' && has(deps.d.output)");
  expect(compiled.ok && outputsOf(compiled.value)).toStrictEqual(["a", "d"]);
  const plan = await planOf(
    "- {id: a, run: x}\n- {id: b, run: x}\n- {id: c, run: x}\n- {id: d, call: m, undo: u, deps: [a, b, c], if: deps.a.status == 'failed', env: {X: '${{ deps.b.output }}'}, with: {y: ['${{ deps.c.output.z }}']}}\n",
  );
  const step = plan.steps[3];
  expect(step?.reads).toStrictEqual(["c", "b"]);
});

describe("expressions are data", () => {
  const word = fc.constantFrom(
    "params",
    "deps",
    "item",
    "env",
    "run",
    "constructor",
    "__proto__",
    "prototype",
    "process",
    "globalThis",
    "require",
    "import",
    "this",
    "Function",
    "eval",
    "toString",
    "valueOf",
    "call",
    "apply",
    "bind",
    "map",
    "filter",
    "all",
    "exists",
    "size",
    "matches",
    "cel",
    "optional",
    "api",
    "output",
    "status",
    "x",
    "1",
    "'a'",
    "[1]",
    "{'a': 1}",
    "b'x'",
    "null",
    "true",
    "1.5",
    "type",
    "string",
    "dyn",
    "json",
    "split",
    "join",
  );
  const glue = fc.constantFrom(
    ".",
    "(",
    ")",
    "[",
    "]",
    "['",
    "']",
    "{",
    "}",
    ",",
    " + ",
    " == ",
    " in ",
    "?",
    ":",
    " && ",
    "!",
    "-",
    ".?",
    "x, ",
    "`",
    "${",
    "\\",
    "\n",
  );
  const soup = fc.array(fc.oneof(word, word, glue), { minLength: 1, maxLength: 14 }).map((parts) => parts.join(""));
  const chain = fc
    .tuple(word, fc.array(fc.tuple(fc.constantFrom(".", ".?", "['"), word), { maxLength: 5 }))
    .map(([root, parts]) =>
      parts.reduce<string>(
        (text, [mark, name]) => (mark === "['" ? `${text}['${name.replaceAll("'", "")}']` : `${text}${mark}${name}`),
        root,
      ),
    );

  test("nothing but JSON comes out, nothing outside changes", () => {
    const before = Object.getOwnPropertyNames(Object.prototype).length + Object.getOwnPropertyNames(globalThis).length;
    const frozen = JSON.stringify(SCOPE);
    fc.assert(
      fc.property(fc.oneof(soup, chain, fc.string({ maxLength: 40 })), (text) => {
        const compiled = compileExpression(text);
        if (!compiled.ok) {
          expect(compiled.error.message).not.toBe("");
          return;
        }
        const value = compiled.value.evaluate(SCOPE);
        if (value.ok) expect(JSON.parse(JSON.stringify(value.value))).toStrictEqual(value.value);
      }),
      { numRuns: 6000, seed: 7 },
    );
    expect(Object.getOwnPropertyNames(Object.prototype).length + Object.getOwnPropertyNames(globalThis).length).toBe(
      before,
    );
    expect(JSON.stringify(SCOPE)).toBe(frozen);
  });
});
