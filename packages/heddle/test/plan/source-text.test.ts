/** Every way to write a scalar in every place of a plan: text is wanted and kept, or a number is and nothing of it is lost. */
import { describe, expect, test } from "vitest";
import { planToYaml } from "../../src/plan/canonical.ts";
import { subplanParams } from "../../src/plan/params.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";
import { diagnosticsOf, planOf } from "./helpers.ts";

/** As they are written, without quotes. What a parser makes of it, where that is a number or a boolean. */
const FORMS: readonly (readonly [text: string, value: number | boolean | undefined])[] = [
  ["1", 1],
  ["1.10", 1.1],
  ["1.1", 1.1],
  ["1.0", 1],
  ["5.", 5],
  [".5", 0.5],
  ["-0", -0],
  ["-1.50", -1.5],
  ["+5", 5],
  ["0755", 755],
  ["007", 7],
  ["00", 0],
  ["0x1F", 31],
  ["0o17", 15],
  ["831877e8", 831877e8],
  ["1e3", 1e3],
  ["1E3", 1e3],
  ["0.1e-7", 0.1e-7],
  ["1e21", 1e21],
  ["100000000000000000000", 1e20],
  ["9007199254740992", 2 ** 53],
  ["true", true],
  ["True", true],
  ["FALSE", false],
  // No double holds them.
  ["9007199254740993", Number.NaN],
  ["-9007199254740993", Number.NaN],
  ["12345678901234567890", Number.NaN],
  ["123456789012345678901234567890", Number.NaN],
  ["0xFFFFFFFFFFFFFFFF", Number.NaN],
  [".inf", Number.NaN],
  [".NaN", Number.NaN],
  // Strings in YAML 1.2.
  ["1_000", undefined],
  ["yes", undefined],
  ["0b11", undefined],
  ["1e999", undefined],
  ["2020-01-01", undefined],
  ["12:30", undefined],
  ["190:20:30", undefined],
  ["0755a", undefined],
];

/** What JSON takes for a number as well. */
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Places that want text: a plan with `@` in it, and what the plan has there. */
const TEXT_PLACES: Readonly<Record<string, readonly [plan: string, read: (plan: Plan) => unknown]>> = {
  env: ["steps: [{id: a, run: x, env: {X: @}}]", (plan) => first(plan).env?.["X"]],
  "env of defaults": ["{defaults: {env: {X: @}}, steps: [{id: a, run: x}]}", (plan) => first(plan).env?.["X"]],
  "env by an alias": [
    "steps: [{id: a, run: x, env: &e {X: @}}, {id: b, run: x, env: *e}]",
    (plan) => plan.steps[1]?.env?.["X"],
  ],
  "env by a merge": [
    "steps: [{id: a, run: x, env: &e {X: @}}, {id: b, run: x, env: {<<: *e, Y: z}}]",
    (plan) => plan.steps[1]?.env?.["X"],
  ],
  "env of a scalar's alias": ["steps: [{id: a, run: x, env: {W: &v @, X: *v}}]", (plan) => first(plan).env?.["X"]],
  "env of an inner plan": [
    "steps: [{id: a, plan: {steps: [{id: b, run: x, env: {X: @}}]}}]",
    (plan) => inner(plan).steps[0]?.env?.["X"],
  ],
  "env of an inner list": [
    "steps: [{id: a, plan: {phases: [{id: b, run: x, env: {X: @}}]}}]",
    (plan) => inner(plan).steps[0]?.env?.["X"],
  ],
  "default of a string": [
    "{params: {p: {type: string, default: @}}, steps: [{id: a, run: x}]}",
    (plan) => plan.params?.["p"],
  ],
  "enum of a string": [
    "{params: {p: {type: string, default: @, enum: [other, @]}}, steps: [{id: a, run: x}]}",
    (plan) => plan.paramSpecs?.["p"]?.enum?.[1],
  ],
  "a plan's string param": [
    "steps: [{id: a, plan: {params: {p: {type: string}}, steps: [{id: b, run: x}]}, params: {p: @}}]",
    given,
  ],
};

/** Places that want an id: only forms that are one. */
const ID_PLACES: Readonly<Record<string, readonly [plan: string, read: (plan: Plan) => unknown]>> = {
  id: ["[{id: @, run: x}]", (plan) => first(plan).id],
  "id in phases": ["phases: [{id: @, run: x}]", (plan) => first(plan).id],
  deps: ['[{id: "@", run: x}, {id: z, run: x, deps: [@]}]', (plan) => plan.steps[1]?.deps?.[0]],
  "one dep": ['[{id: "@", run: x}, {id: z, run: x, deps: @}]', (plan) => plan.steps[1]?.deps?.[0]],
  needs: ['[{id: "@", run: x}, {id: z, run: x, needs: [@]}]', (plan) => plan.steps[1]?.deps?.[0]],
  depends_on: ['[{id: "@", run: x}, {id: z, run: x, depends_on: @}]', (plan) => plan.steps[1]?.deps?.[0]],
  after: ['[{id: "@", run: x}, {id: z, run: x, after: [@]}]', (plan) => plan.steps[1]?.after?.[0]],
  group: ["[{id: z, run: x, group: @}]", (plan) => first(plan).group],
  parallel_group: ["[{id: z, run: x, parallel_group: @}]", (plan) => first(plan).group],
  epic: ["[{id: z, run: x, epic: @}]", (plan) => first(plan).group],
  "id of an inner plan": ["steps: [{id: a, plan: {steps: [{id: @, run: x}]}}]", (plan) => inner(plan).steps[0]?.id],
};

/** Places that want the value, and refuse what would be lost. */
const VALUE_PLACES: Readonly<Record<string, readonly [plan: string, read: (plan: Plan) => unknown]>> = {
  with: ["steps: [{id: a, call: ./m.ts, with: {x: @}}]", (plan) => withOf(plan)["x"]],
  "with, deep": [
    "steps: [{id: a, call: ./m.ts, with: {x: {y: [@]}}}]",
    (plan) => (withOf(plan)["x"] as { y: unknown[] }).y[0],
  ],
  "default of json": [
    "{params: {p: {type: json, default: [@]}}, steps: [{id: a, run: x}]}",
    (plan) => [plan.params?.["p"]].flat()[0],
  ],
  "an output schema": ["steps: [{id: a, run: x, output: {const: @}}]", (plan) => first(plan).output?.["const"]],
};

function first(plan: Plan): Step {
  return plan.steps[0] as Step;
}

function inner(plan: Plan): Plan {
  const { action } = first(plan);
  return (action as { plan: Plan }).plan;
}

function withOf(plan: Plan): Readonly<Record<string, unknown>> {
  return (first(plan).action as { with: Readonly<Record<string, unknown>> }).with;
}

/** What the plan inside gets for its parameter. */
function given(plan: Plan): unknown {
  const { action } = first(plan);
  const params = subplanParams(inner(plan), (action as { params?: Record<string, never> }).params ?? {});
  return params.ok ? params.value["p"] : params.error;
}

/** The plan in YAML and, where the form is JSON's too, in JSON: that is YAML without a bare word. */
function sources(plan: string, form: string): readonly (readonly [text: string, file: string])[] {
  const yaml = [plan.replaceAll("@", form), "plan.yaml"] as const;
  if (!JSON_NUMBER.test(form) || /[&*]/.test(plan)) return [yaml];
  const whole = plan.startsWith("steps:") || plan.startsWith("phases:") ? `{${plan}}` : plan;
  const json = whole.replaceAll(/"@"|@|[a-zA-Z./][\w./]*/g, (word) => (word.includes("@") ? word : `"${word}"`));
  return [yaml, [json.replaceAll("@", form), "plan.json"] as const];
}

/** A boolean is no id, and no number below 0; of the others, those that are one in quotes. */
function isId(text: string, value: number | boolean | undefined): boolean {
  return /^[A-Za-z0-9._/][A-Za-z0-9._/-]*$/.test(text) && typeof value !== "boolean";
}

test("the table has what it is for", () => {
  expect(FORMS.flatMap(([form]) => sources("steps: [{id: a, run: x, env: {X: @}}]", form))).toContainEqual([
    '{"steps": [{"id": "a", "run": "x", "env": {"X": 1.10}}]}',
    "plan.json",
  ]);
});

describe.each(Object.entries(TEXT_PLACES))("%s", (_, [plan, read]) => {
  test.each(FORMS)("keeps %s", async (form) => {
    for (const [text, file] of sources(plan, form)) expect(read(await planOf(text, { file })), text).toBe(form);
  });
});

describe.each(Object.entries(ID_PLACES))("%s", (_, [plan, read]) => {
  const ids = FORMS.filter(([form, value]) => isId(form, value));
  test.each(ids)("keeps %s", async (form) => {
    for (const [text, file] of sources(plan, form)) expect(read(await planOf(text, { file })), text).toBe(form);
  });
});

describe("items of forEach", () => {
  test.each(FORMS)("are %s as it is written, or the value where it is printed so", async (form, value) => {
    const isPrinted = value !== undefined && String(value) === form;
    const expected = isPrinted && (typeof value === "boolean" || Math.abs(value) < 2 ** 53) ? value : form;
    for (const [text, file] of sources("steps: [{id: a, run: x, forEach: [@, {k: [@]}]}]", form)) {
      const { forEach } = first(await planOf(text, { file }));
      expect(forEach?.items, text).toEqual([expected, { k: [expected] }]);
    }
  });
});

describe.each(Object.entries(VALUE_PLACES))("%s", (_, [plan, read]) => {
  test.each(FORMS)("has the value of %s, or refuses it", async (form, value) => {
    for (const [text, file] of sources(plan, form)) {
      const isInfinite = form.startsWith(".i") || form === ".NaN" || (file === "plan.json" && form === "1e999");
      if (Number.isNaN(value) || isInfinite) {
        const at = { line: 1, column: text.indexOf(form) + 1 };
        const [found, ...more] = await diagnosticsOf(text, { file });
        expect(more).toEqual([]);
        expect(found, text).toMatchObject({ ...at, hint: expect.stringContaining("quotes") });
        expect(found?.code).toBe(isInfinite ? "InvalidValue" : "NumberTooLarge");
      } else expect(read(await planOf(text, { file })), text).toBe(value ?? form);
    }
  });
});

test.each(FORMS)("the canonical form keeps %s", async (form, value) => {
  const text = `steps: [{id: ${isId(form, value) ? form : "a"}, run: x, env: {X: ${form}}, forEach: [${form}, {"${form}": ${form}}]}]`;
  const plan = await planOf(text);
  expect(await planOf(planToYaml(plan))).toStrictEqual(plan);
});

test("ids that differ as they are written are two ids", async () => {
  const plan = await planOf(
    '[{id: 1.1, run: x}, {id: "1.10", run: x}, {id: z, run: x, deps: [1.10]}, {id: y, run: x, deps: 1.1}]',
  );
  expect(plan.steps.map(({ id, deps }) => [id, deps])).toEqual([
    ["1.1", undefined],
    ["1.10", undefined],
    ["z", ["1.10"]],
    ["y", ["1.1"]],
  ]);
  expect(await diagnosticsOf("[{id: 1.10, run: x}, {id: '1.10', run: x}]")).toMatchObject([{ code: "DuplicateStep" }]);
});

test("keys are text as they are written", async () => {
  const plan = await planOf(
    "steps: [{id: a, call: m, with: {1.10: x, 1.1: y, 0x1F: z, 12345678901234567890: w, True: v}}]",
  );
  expect(withOf(plan)).toEqual({ "1.10": "x", "1.1": "y", "0x1F": "z", "12345678901234567890": "w", True: "v" });
});

test.each(["~", "null", "Null", ""])("%j is no text: quote it", async (form) => {
  expect(await diagnosticsOf(`[{id: a, run: x, env: {X: ${form}}}]`)).toMatchObject([{ code: "InvalidValue" }]);
  expect(await diagnosticsOf(`[{id: ${form === "" ? "" : form}, run: x}]`)).not.toEqual([]);
});

test("numbers that are too large are all told at once, each at its place", async () => {
  const text =
    "priority: 1\nsteps:\n- {id: a, run: x, priority: 12345678901234567890}\n- {id: b, run: x, retry: 9007199254740993}";
  expect((await diagnosticsOf(text)).map(({ code, line, column }) => [code, line, column])).toEqual([
    ["NumberTooLarge", 3, 29],
    ["NumberTooLarge", 4, 26],
  ]);
});

describe("a parameter given as text", () => {
  const given = async (type: string, value: string, file = "plan.yaml") =>
    (await planOf(`{params: {p: {type: ${type}}}, steps: [{id: a, run: x}]}`, { file, params: { p: value } })).params?.[
      "p"
    ];
  const refused = async (type: string, value: string) =>
    await diagnosticsOf(`{params: {p: {type: ${type}}}, steps: [{id: a, run: x}]}`, { params: { p: value } });

  test.each(FORMS)("is %s as it is typed, the value, or refused", async (form, value) => {
    expect(await given("string", form)).toBe(form);
    if (JSON_NUMBER.test(form) && Number.isNaN(value)) {
      for (const [type, text, said] of [
        ["number", form, `is ${form}, which is too large to be exact as a number`],
        ["json", form, `value is ${form}, which is too large`],
        ["json", `{"a": [${form}]}`, `value.a[0] is ${form}, which is too large`],
      ] as const)
        expect(await refused(type, text)).toMatchObject([
          { code: "InvalidParam", message: expect.stringContaining(said) },
        ]);
    } else if (JSON_NUMBER.test(form) && typeof value === "number") {
      expect(await given("number", form)).toBe(value);
      expect(await given("json", `[${form}]`)).toEqual([value]);
    }
  });

  test("has no key twice", async () => {
    const [found] = await refused("json", '{"a": 1, "a": 2}');
    expect(found?.message).toContain('value has the key "a" twice: remove or rename one of them');
  });
});

test("a plan's param of another type than text is converted from what the step says", async () => {
  const at = async (type: string, value: string) =>
    given(
      await planOf(
        `steps: [{id: a, plan: {params: {p: {type: ${type}}}, steps: [{id: b, run: x}]}, params: {p: ${value}}}]`,
      ),
    );
  expect(await at("number", "1.10")).toBe(1.1);
  expect(await at("number", "5")).toBe(5);
  expect(await at("json", "1.10")).toBe(1.1);
  expect(await at("json", "{v: 1.10}")).toEqual({ v: 1.1 });
  expect(await at("number", "12345678901234567890")).toContain("too large to be exact");
  expect(await at("number", "many")).toContain("is not a number");
});
