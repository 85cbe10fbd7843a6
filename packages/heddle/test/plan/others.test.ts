/** The smaller parts: rendering, the published schema, output checks, steps that join a run. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { Validator, type Schema } from "@cfworker/json-schema";
import fc from "fast-check";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../src/base/json.ts";
import { compileSteps } from "../../src/graph/compile.ts";
import { outputProblem, schemaProblem } from "../../src/plan/schema/output-check.ts";
import { formatDiagnostic, formatDiagnostics } from "../../src/plan/render.ts";
import { planJsonSchema } from "../../src/plan/schema/published.ts";
import { compiled, FULL_PLAN } from "./helpers.ts";

describe("formatDiagnostic", () => {
  const at = (line: number, column: number, text: string): readonly string[] =>
    formatDiagnostic({ code: "C", severity: "error", message: "m", file: "f", line, column, hint: "h" }, text).split(
      "\n",
    );

  test("place, line, caret, hint", () => {
    expect(at(2, 3, "a\nb: c\r\n")).toStrictEqual(["f:2:3: error[C]: m", "  2 | b: c", "    |   ^", "  hint: h"]);
    expect(formatDiagnostics([{ code: "C", severity: "error", message: "m", file: "f", line: 1, column: 1 }])).toBe(
      "f:1:1: error[C]: m\n\n1 problem",
    );
  });

  test("tabs and wide characters keep the caret in its column", () => {
    expect(at(1, 2, "\tx")).toStrictEqual(["f:1:2: error[C]: m", "  1 |   x", "    |   ^", "  hint: h"]);
    expect(at(1, 3, "日本x")[2]).toBe("    |     ^");
    expect(at(1, 3, "🙂x")[2]).toBe("    |   ^");
  });

  test("of a very long line the part around the place is shown", () => {
    const [, shown = "", caret = ""] = at(1, 1_000_001, `${"a".repeat(1_000_000)}!${"b".repeat(5_000_000)}`);
    expect(shown.length).toBeLessThan(120);
    expect(shown[caret.indexOf("^")]).toBe("!");
  });

  test("control characters do not get out, places past the end do no harm", () => {
    expect(at(1, 1, "\u001b[2Jx")[1]).toBe("  1 | \ufffd[2Jx");
    expect(at(1, 50, "abc")).toHaveLength(4);
    expect(at(9, 1, "abc")).toStrictEqual(["f:9:1: error[C]: m", "  hint: h"]);
  });
});

describe("the published JSON Schema", () => {
  const file = path.resolve(import.meta.dirname, "../../plan.schema.json");

  test("is fresh: node scripts/plan-schema.ts writes it", () => {
    expect(readFileSync(file, "utf8")).toBe(`${JSON.stringify(planJsonSchema(), null, 2)}\n`);
  });

  test("accepts what we accept and refuses what we refuse", () => {
    const validator = new Validator(JSON.parse(readFileSync(file, "utf8")) as Schema, "2020-12");
    const accepts = (text: string): boolean => validator.validate(load(text)).valid;
    expect(accepts(FULL_PLAN)).toBe(true);
    expect(accepts("- {id: 1, needs: a, epic: 3, retry: 2, timeout: 30}")).toBe(true);
    expect(accepts("steps: [{id: a, plan: {steps: [{id: b, run: x}]}}]")).toBe(true);
    for (const wrong of [
      "nam: x\nsteps: [{id: a, run: x}]",
      "- {id: a b, run: x}",
      "- {id: a, rum: x}",
      "- {id: a, timeout: soon}",
      "[]",
      "- {id: a, plan: {steps: [{id: b, rum: x}]}}",
    ]) {
      expect([wrong, accepts(wrong)]).toStrictEqual([wrong, false]);
    }
  });
});

describe("output checks", () => {
  test("what is wrong, where", () => {
    const schema: JsonObject = {
      type: "object",
      required: ["a"],
      properties: { a: { type: "array", items: { type: "integer" } } },
    };
    const check = (value: Json): string | undefined => outputProblem(schema, value);
    expect(check({ a: [1] })).toBeUndefined();
    expect(check({ a: [1, "x"] })).toMatch(/^output\.a\.1: .*"integer"/);
    expect(check({})).toMatch(/^output: .*"a"/);
    expect(check(null)).toMatch(/null/);
  });

  test("keywords that others leave out", () => {
    expect(outputProblem({ const: { a: [1] } }, { a: [1] })).toBeUndefined();
    expect(outputProblem({ not: { type: "string" } }, "x")).toBeDefined();
    expect(outputProblem({ dependentRequired: { a: ["b"] } }, { a: 1 })).toBeDefined();
    expect(outputProblem({ required: ["toString"] }, {})).toBeDefined();
  });

  test("`uniqueItems` means what the library says, wherever it is", () => {
    const scalar = fc.constantFrom<Json>(0, 1, "0", "1", true, null, -0);
    const around = (inner: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
      fc.oneof(
        scalar,
        fc.array(inner, { maxLength: 3 }),
        fc.dictionary(fc.constantFrom("a", "b", "uniqueItems"), inner, { maxKeys: 2 }),
      );
    const value = around(around(scalar));
    const part = (inner: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
      fc.record(
        {
          uniqueItems: fc.constantFrom(true, true, false),
          items: inner,
          anyOf: fc.array(inner, { minLength: 1, maxLength: 2 }),
          not: inner,
          properties: fc.dictionary(fc.constantFrom("a", "uniqueItems"), inner, { maxKeys: 2 }),
          additionalProperties: fc.boolean(),
          const: value,
        },
        { requiredKeys: [] },
      ) as fc.Arbitrary<Json>;
    const schema = part(part(fc.boolean())) as fc.Arbitrary<JsonObject>;
    fc.assert(
      fc.property(schema, value, (each, output) => {
        const { valid } = new Validator(structuredClone(each) as Schema, "2020-12", false).validate(output);
        expect(outputProblem(each, output) === undefined).toBe(valid);
      }),
      { numRuns: 500 },
    );
  });

  test("schemas that cannot work", () => {
    expect(schemaProblem({ properties: { type: { type: "string" } }, enum: [{ type: "x" }] })).toBeUndefined();
    expect(schemaProblem({ properties: { a: { type: "text" } } })).toMatch(/"text" is not a JSON Schema type/);
    expect(schemaProblem({ items: { pattern: "(" } })).toMatch(/pattern/);
    expect(schemaProblem({ $ref: "https://example.com/x" })).toMatch(/\$ref/);
  });
});

describe("steps that join a run", () => {
  const text = "params: {p: {type: string, default: x}}\nresources: {cpu: 2}\nsteps: [{id: a, run: x}]\n";
  const known = new Set(["a"]);
  const codes = async (list: readonly unknown[]): Promise<unknown> => {
    const { plan } = await compiled(text);
    const result = await compileSteps(list, known, { plan });
    return result.ok ? result.value : result.error.map(({ code }) => code);
  };

  test("are validated like a plan's", async () => {
    expect(
      await codes([
        { id: "b", run: "x", deps: ["a"], if: "params.p == 'x' && deps.a.output.n > 1", resources: { cpu: 1 } },
        { id: "c", run: "x", deps: ["b"] },
      ]),
    ).toMatchObject([
      { id: "b", deps: ["a"], reads: ["a"] },
      { id: "c", deps: ["b"] },
    ]);
    expect(await codes([{ id: "a", run: "x" }])).toStrictEqual(["DuplicateStep"]);
    expect(
      await codes([
        { id: "b", run: "x", deps: ["z"] },
        { id: "c", rum: "x" },
      ]),
    ).toStrictEqual(expect.arrayContaining(["MissingAction", "UnknownDependency", "UnknownKey"]));
    expect(await codes([{ id: "b", run: "x", resources: { cpu: 3 } }])).toStrictEqual(["ResourceTooLarge"]);
    expect(await codes([{ id: "b", function: { source: "x" } }])).toContain("MisplacedKey");
    expect(await codes([{ id: "b", run: () => 1 }])).toStrictEqual(["InvalidValue"]);
    expect(await codes(["b"])).toStrictEqual(["InvalidValue"]);
    expect(await codes([])).toStrictEqual(["EmptyPlan"]);
  });
});
