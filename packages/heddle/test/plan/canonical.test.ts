/** A plan written out and read again is the same plan. */
import { refusalOf, STEP_KEYS, type StepKey, type StepKind } from "../../src/plan/step-keys.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { planToYaml } from "../../src/plan/canonical.ts";
import { FULL_PLAN, planOf } from "./helpers.ts";

test("the documentation's example", async () => {
  const plan = await planOf(FULL_PLAN);
  const text = planToYaml(plan);
  expect(await planOf(text)).toStrictEqual(plan);
  expect(planToYaml(await planOf(text))).toBe(text);
});

test("other forms are written in the one form", async () => {
  const plan = await planOf(
    "phases:\n- {id: 1, description: Do it}\n- {id: 2, needs: 1, epic: e, run: x, retry: 1}\n",
    { file: "p.yaml" },
  );
  expect(planToYaml(plan)).toBe(`name: p
steps:
  - id: '1'
    description: Do it
    agent: Do it
  - id: '2'
    deps:
      - '1'
    run: x
    group: e
    retry:
      attempts: 2
`);
});

const text = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
  .filter((value) => /\S/.test(value) && !value.includes("\0") && !value.includes("${{"));
const texts = fc.array(text, { minLength: 1, maxLength: 3 });
const count = fc.integer({ min: 1, max: 9 });
const duration = fc.oneof(
  fc.integer({ min: 1, max: 100_000 }),
  fc.integer({ min: 1, max: 5000 }).map((n) => `${n}ms`),
);
const data = fc.dictionary(
  fc.string({ maxLength: 5 }).filter((key) => key !== "__proto__"),
  fc
    .jsonValue({ maxDepth: 2 })
    .filter((value) => !JSON.stringify(value).includes("${{") && !JSON.stringify(value).includes("__proto__")),
  { minKeys: 1, maxKeys: 3 },
);

const action = fc.oneof(
  fc.record({ run: text }),
  fc.record({ call: fc.constant("./m.ts#f"), with: data }, { requiredKeys: ["call"] }),
  fc.record({ agent: fc.record({ prompt: text, model: text }) }),
  fc.record({ approve: text, onTimeout: fc.constantFrom("reject", "approve") }, { requiredKeys: ["approve"] }),
  fc.record(
    { plan: fc.oneof(text, fc.constant({ name: "in", steps: [{ id: "x", run: "y" }] })), params: data },
    { requiredKeys: ["plan"] },
  ),
);

const rest = fc.record(
  {
    description: text,
    labels: texts,
    acceptance: texts,
    group: text,
    env: fc.dictionary(fc.constantFrom("A", "B_1"), text, { minKeys: 1 }),
    envMode: fc.constantFrom("inherit", "strict"),
    passEnv: fc.constant(["HOME"]),
    secrets: fc.constant(["TOKEN"]),
    cwd: text,
    shell: text,
    inputs: texts,
    outputs: texts,
    writes: texts,
    cache: fc.boolean(),
    timeout: duration,
    totalTimeout: duration,
    grace: fc.oneof(duration, fc.constant(0)),
    retry: fc.oneof(
      fc.integer({ min: 0, max: 5 }),
      fc.record(
        {
          attempts: count,
          delay: duration,
          factor: count,
          maxDelay: duration,
          jitter: fc.constantFrom(0, 0.5, 1),
          on: fc.constant(["exit"]),
        },
        { requiredKeys: [] },
      ),
    ),
    resources: fc.record({ cpu: count }),
    locks: fc.record({ read: fc.constant(["a"]), write: fc.constant(["b", "c"]) }, { requiredKeys: [] }),
    limits: fc.record({ maxMemoryMb: count }),
    runsOn: fc.constantFrom("gpu", ["gpu", "mac-14.2"]),
    optional: fc.boolean(),
    onInterrupt: fc.constantFrom("rerun", "fail", "ask"),
    undo: text,
    verify: fc.oneof(text, texts),
    priority: fc.integer({ min: -3, max: 3 }),
    estimate: duration,
    output: fc.constant({ type: "object", properties: { a: { type: "string" } } }),
    if: fc.constantFrom("run.id == 'x'", "${{ params.p }}", true, false),
    forEach: fc.oneof(
      fc.constant("${{ params.l }}"),
      fc
        .array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 2 })
        .filter((value) => !JSON.stringify(value).includes("__proto__")),
    ),
  },
  { requiredKeys: [] },
);

/** The step without the keys that have no effect on it. */
function sensible(step: Readonly<Record<string, unknown>>): object {
  const kind = (["run", "call", "approve", "plan"] as const).find((key) => key in step) ?? ("agent" satisfies StepKind);
  const has = (key: StepKey): boolean => step[key] !== undefined && step[key] !== false;
  const isRefused = (key: string): boolean => key in STEP_KEYS && refusalOf(key as StepKey, kind, has) !== undefined;
  return Object.fromEntries(Object.entries(step).filter(([key]) => !isRefused(key)));
}

test("any plan", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(action, rest), { minLength: 1, maxLength: 5 }), async (list) => {
      const steps = list.map(([does, has], i) =>
        sensible({
          id: `s${i}`,
          ...(i === 0 ? {} : { deps: [`s${i - 1}`], after: ["s0"] }),
          ...does,
          ...has,
        }),
      );
      const document = {
        params: { p: { type: "boolean", default: true }, l: { type: "json", default: [1] } },
        resources: { cpu: 9 },
        steps,
      };
      const plan = await planOf(JSON.stringify(document), { format: "json" });
      expect(await planOf(planToYaml(plan))).toStrictEqual(plan);
    }),
    { numRuns: 300, seed: 3 },
  );
});
