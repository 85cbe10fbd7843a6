/** Every form in which a plan may be written, and what it becomes. */
import { expect, test } from "vitest";
import { diagnosticsOf, errorsOf, FULL_PLAN, planOf, stepOf } from "./helpers.ts";

test("the documentation's example is a plan, defaults merged into its steps", async () => {
  const plan = await planOf(FULL_PLAN);
  expect(plan).toMatchObject({ name: "checkout", timeoutMs: 7_200_000, graceMs: 5000, params: { env: "staging" } });
  const [schema, ui, api, signOff, shards, nightly] = plan.steps;
  expect(schema).toStrictEqual({
    id: "schema",
    action: { kind: "run", command: "npm run db:generate" },
    description: "Set up the database schema",
    inputs: ["prisma/**"],
    outputs: ["src/generated/**"],
    undo: "git checkout -- src/generated",
    shell: "bash",
    timeoutMs: 1_800_000,
    retry: { attempts: 2, delayMs: 1000, factor: 2, maxDelayMs: 30_000, jitter: 0.1 },
  });
  expect(ui?.action).toStrictEqual({
    kind: "agent",
    prompt: "Build the checkout form in src/ui. ${{ params.env }}",
    options: { model: "auto" },
  });
  expect(api).toMatchObject({ reads: ["schema"], action: { kind: "call", module: "./steps/api.ts", export: "build" } });
  expect(signOff).toMatchObject({ timeoutMs: 86_400_000, action: { kind: "approve", question: "Ship it?" } });
  // An output may come from further up than the direct deps.
  expect(shards).toMatchObject({ reads: ["api"], forEach: { items: "deps.api.output.shards" } });
  expect(nightly).toMatchObject({ if: "params.env == 'production'", action: { kind: "plan", file: "./nightly.yaml" } });
});

test.each([
  ["steps", "steps:\n  - {id: a, run: x}\n  - {id: b, run: y, deps: [a], group: g}\n"],
  ["phases", "phases:\n  - {id: a, run: x}\n  - {id: b, run: y, deps: [a], group: g}\n"],
  ["a bare list", "- {id: a, run: x}\n- {id: b, run: y, deps: [a], group: g}\n"],
  ["depends_on and parallel_group", "- {id: a, run: x}\n- {id: b, run: y, depends_on: [a], parallel_group: g}\n"],
  ["needs and epic", "- {id: a, run: x}\n- {id: b, run: y, needs: [a], epic: g}\n"],
  ["one dep as text", "- {id: a, run: x}\n- {id: b, run: y, needs: a, epic: g}\n"],
  ["merge keys", "- &base {id: a, run: x}\n- {<<: *base, id: b, run: y, deps: [a], group: g}\n"],
])("%s says the same", async (_form, text) => {
  expect((await planOf(text)).steps).toStrictEqual([
    { id: "a", action: { kind: "run", command: "x" } },
    { id: "b", action: { kind: "run", command: "y" }, deps: ["a"], group: "g" },
  ]);
});

test.each([
  ["runsOn: gpu", ["gpu"]],
  ["runsOn: [gpu, mac-14.2, gpu]", ["gpu", "mac-14.2"]],
  ["runs_on: gpu", ["gpu"]],
  ["runs-on: [gpu]", ["gpu"]],
  ["runsOn: []", undefined],
])("%s: labels of workers", async (written, labels) => {
  const [own, other, asked] = (
    await planOf(`defaults: {runsOn: linux}
steps:
- {id: a, run: x, ${written}}
- {id: b, run: x}
- {id: c, approve: Well?}
`)
  ).steps;
  expect(own?.runsOn).toStrictEqual(labels);
  expect(other?.runsOn).toStrictEqual(["linux"]);
  expect(asked).not.toHaveProperty("runsOn");
});

test("JSON is read as JSON", async () => {
  const text = '{"steps": [{"id": "a", "run": "x", "timeout": 90}]}';
  expect(await stepOf(text, { file: "p.json" })).toStrictEqual({
    id: "a",
    action: { kind: "run", command: "x" },
    timeoutMs: 90_000,
  });
  expect((await planOf(text, { file: "-", format: "json" })).name).toBe("plan");
});

test("numbers are ids and deps, as text", async () => {
  const { steps } = await planOf("- {id: 1, run: x}\n- {id: 2, run: y, deps: [1]}\n");
  expect(steps.map(({ id, deps }) => [id, deps])).toStrictEqual([
    ["1", undefined],
    ["2", ["1"]],
  ]);
});

test("a step that only says what is wanted is an agent's", async () => {
  const step = await stepOf("- {id: a, description: Build it, acceptance: [fast, small]}\n");
  expect(step.action).toStrictEqual({ kind: "agent", prompt: "Build it\n\nAcceptance criteria:\n- fast\n- small" });
});

test("the name comes from the file where the plan gives none", async () => {
  expect((await planOf("- {id: a, run: x}", { file: "some/dir/nightly.yml" })).name).toBe("nightly");
});

test.each([
  ["2", { attempts: 3, delayMs: 1000, factor: 2, maxDelayMs: 30_000, jitter: 0.1 }],
  [
    "{attempts: 3, delay: 1m, on: [exit]}",
    { attempts: 3, delayMs: 60_000, factor: 2, maxDelayMs: 60_000, jitter: 0.1, on: ["exit"] },
  ],
  ["0", undefined],
])("retry: %s", async (written, retry) => {
  expect((await stepOf(`- {id: a, run: x, retry: ${written}}`)).retry).toStrictEqual(retry);
});

test("a step takes a default back", async () => {
  const step = await stepOf(
    "defaults: {retry: 3, timeout: 1m, optional: true, env: {A: 1, B: 2}}\nsteps:\n- {id: a, run: x, retry: 0, timeout: 0, optional: false, env: {B: 3}}\n",
  );
  expect(step).toStrictEqual({ id: "a", action: { kind: "run", command: "x" }, env: { A: "1", B: "3" } });
});

test("a plan inside a step is validated in place", async () => {
  const step = await stepOf(
    "- id: a\n  plan:\n    params: {x: {type: number}}\n    steps:\n      - {id: b, run: x, if: params.x > 1}\n  params: {x: 3}\n",
  );
  expect(step.action).toMatchObject({
    kind: "plan",
    params: { x: 3 },
    plan: { name: "a", steps: [{ id: "b", if: "params.x > 1" }] },
  });
  expect(await errorsOf("- id: a\n  plan:\n    steps:\n      - {id: b, run: x, deps: [c]}\n")).toStrictEqual([
    "UnknownDependency 4:32",
  ]);
});

test("what acts on commands alone does not come to a function from defaults, unless it has commands", async () => {
  const head =
    "defaults: {env: {A: 1}, cwd: sub, shell: bash, limits: {maxMemoryMb: 50}}\nsteps:\n- {id: a, call: './m.ts#f'";
  const [step] = (await planOf(`${head}}`)).steps;
  expect(step).toEqual({ id: "a", action: { kind: "call", module: "./m.ts", export: "f" } });
  const all = { env: { A: "1" }, cwd: "sub", shell: "bash", limits: { maxMemoryMb: 50 } };
  for (const command of ["verify: test x", "undo: rm x"])
    expect((await planOf(`${head}, ${command}}`)).steps[0]).toMatchObject(all);
  expect((await planOf(`${head}, isolate: true}`)).steps[0]).toMatchObject({ limits: all.limits });
  expect((await planOf(`${head}, secrets: [A]}`)).steps[0]).toMatchObject({ env: all.env });
});

test("parameters: texts are converted, defaults filled in", async () => {
  const text =
    "params: {n: {type: number}, b: {type: boolean, default: true}, j: {type: json, default: [1]}}\nsteps: [{id: a, run: x}]\n";
  expect((await planOf(text, { params: { n: "4" } })).params).toStrictEqual({ n: 4, b: true, j: [1] });
  expect((await planOf(text, { params: { n: 4, b: "false", j: '{"x":1}' } })).params).toStrictEqual({
    n: 4,
    b: false,
    j: { x: 1 },
  });
  expect((await planOf(text, { allowMissingParams: true })).params).toStrictEqual({ b: true, j: [1] });
});

test("keys that begin with x- are the user's own: ignored, and a home for what anchors name", async () => {
  const text = "x-env: &env { A: b }\nsteps:\n  - { id: a, run: x, x-note: { any: [thing] }, env: *env }\n";
  expect((await planOf(text)).steps).toStrictEqual([
    { id: "a", action: { kind: "run", command: "x" }, env: { A: "b" } },
  ]);
});

/** What people bring from other tools, and the beginning of the one hint that they get. */
const FOREIGN: readonly (readonly [text: string, hint: string])[] = [
  ["- {name: a, run: x}", "write `id:`"],
  ["- {id: a, command: x}", "write the shell command as `run:`"],
  ["- {id: a, cmd: x}", "write the shell command as `run:`"],
  ["- {id: a, script: build}", "write the shell command as `run:`"],
  ["- {id: a, uses: actions/checkout}", "write what it does as `run:` or `call:`"],
  ["- {id: a, run: x, matrix: {os: [a]}}", "write `forEach:` with a list"],
  ["- {id: a, run: x, continue-on-error: true}", "write `optional: true`"],
  ["- {id: a, run: x, timeout-minutes: 5}", "write `timeout:` with a unit"],
  ["- {id: a, run: x, if: always()}", "write `always: true` on the step"],
  ['- {id: a, run: x, if: "${{ always() && true }}"}', "write `always: true` on the step"],
  ["- {id: a, run: x, if: failure()}", "write `after: [ID]`"],
  ["steps: {build: {run: x}}", "write each step as an entry of a list, with its name as its id: `- id: build`"],
  ["- {id: a, run: [x, y]}", "write the commands as the lines of one text: run: |"],
  ["env: {A: b}\nsteps: [{id: a, run: x}]", "write `defaults: {env: {...}}`"],
];
test.each(FOREIGN)("%s: one error, with how it is written here", async (text, hint) => {
  const diagnostics = await diagnosticsOf(text);
  expect(diagnostics.map((each) => each.hint?.slice(0, hint.length))).toEqual([hint]);
});
