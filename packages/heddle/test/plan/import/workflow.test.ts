/** Workflows of GitHub Actions: jobs as steps with every need, and what of them is refused or said. */
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Plan, Step } from "../../../src/plan/plan.ts";
import { edgesOf, imported, importedPlan, placeIn, readBack } from "./helpers.ts";

const WORKFLOW = readFileSync(path.join(import.meta.dirname, "fixtures/workflow.yml"), "utf8");

/** A workflow of these jobs, each in flow style on a line of its own; `#` stands for a step that runs something. */
function jobs(lines: Readonly<Record<string, string>>): string {
  const texts = Object.entries(lines).map(([id, text]) => `  ${id}: { ${text.replace("#", "steps: [{ run: x }]")} }`);
  return `jobs:\n${texts.join("\n")}\n`;
}

function stepOf(plan: Plan | undefined, id: string): Step | undefined {
  return plan?.steps.find((step) => step.id === id);
}

function innerOf(plan: Plan | undefined, id: string): Plan {
  const action = stepOf(plan, id)?.action;
  if (action?.kind !== "plan" || action.plan === undefined) throw new Error(`${id} is no plan`);
  return action.plan;
}

describe("what a condition knows", () => {
  const inner = (text: string, env = ""): string =>
    `${env}jobs:\n  a:\n    env: { LEVEL: "2", REF: "\${{ github.ref }}" }\n    steps:\n${text}`;
  const conditionOf = async (text: string, id: string, env = "env: { MODE: full }\n"): Promise<string | undefined> =>
    innerOf(await importedPlan(inner(text, env), "ci.yml"), "a").steps.find((step) => step.id === id)?.if;

  test.each([
    ["env.MODE == 'full'", '"full" == "full"'],
    ["env.LEVEL == '2'", '"2" == "2"'],
    ["env.OWN == 'x'", '"x" == "x"'],
    ["env.REF == 'main'", '(env.?GITHUB_REF.orValue("")).lowerAscii() == "main"'],
    ["env.OTHER == 'x'", 'env.?OTHER.orValue("").lowerAscii() == "x"'],
  ])("variables of the workflow, the job and the step: %s", async (written, expected) => {
    const steps = `      - { run: x }\n      - { id: t, if: "${written}", env: { OWN: x }, run: y }\n`;
    expect(await conditionOf(steps, "t")).toBe(expected);
  });

  test("a variable made of others is passed what it is made of", async () => {
    const plan = await importedPlan(
      inner(`      - { run: x }\n      - { id: t, if: "env.REF == 'main'", run: y }\n`),
      "ci.yml",
    );
    expect(innerOf(plan, "a").steps.find(({ id }) => id === "t")?.passEnv).toContain("GITHUB_REF");
  });

  const SOFT = "      - { id: soft, continue-on-error: true, run: x }\n      - { id: hard, run: z }\n";
  test.each([
    ["success()", 'deps.hard.status != "failed"'],
    ["failure()", 'deps.hard.status == "failed"'],
    ["steps.soft.outcome == 'failure'", 'deps.soft.status == "failed"'],
    [
      "steps.soft.conclusion == 'success'",
      '(deps.soft.status == "failed" ? "succeeded" : deps.soft.status) == "succeeded"',
    ],
    ["steps.hard.conclusion == 'success'", 'deps.hard.status == "succeeded"'],
  ])("a step that may fail counts as succeeded: %s", async (written, expected) => {
    expect(await conditionOf(`${SOFT}      - { id: t, if: "${written}", run: y }\n`, "t")).toBe(expected);
  });

  test.each(["", ", timeout-minutes: 3"])("so does the only step of its job%s", async (more) => {
    const lone = `steps: [{ continue-on-error: true${more}, run: x }]`;
    const plan = await importedPlan(jobs({ a: lone, b: "needs: a, #" }), "ci.yml");
    expect(stepOf(plan, "a")?.optional).toBeUndefined();
    expect(innerOf(plan, "a").steps).toMatchObject([{ optional: true }]);
    expect(stepOf(plan, "b")).toMatchObject({ deps: ["a"] });
  });

  const AUDIT = "needs: test, continue-on-error: true, #";
  test.each([
    [
      "it may be skipped by its condition",
      { audit: `if: github.ref == 'x', continue-on-error: true, #`, deploy: "needs: audit, #" },
    ],
    ["what it needs may fail", { test: "#", audit: AUDIT, deploy: "needs: audit, #" }],
    ["and whoever needs that job", { test: "#", audit: AUDIT, deploy: "needs: audit, #", last: "needs: deploy, #" }],
  ])("a job that may fail is skipped, and who needs it too: %s", async (_, lines) => {
    const plan = await importedPlan(jobs(lines), "ci.yml");
    expect(stepOf(plan, "deploy")).toMatchObject({ after: ["audit"], if: 'deps.audit.status != "skipped"' });
    if ("last" in lines)
      expect(stepOf(plan, "last")).toMatchObject({ deps: ["deploy"], if: 'deps.deploy.status == "succeeded"' });
  });
});

test("a whole workflow: jobs, needs, commands, matrix, outputs, conditions, environment, secrets", async () => {
  const { plan, notes } = await imported(WORKFLOW, "ci.yml");
  if (plan === undefined) throw new Error("refused");
  expect(plan.failure).toBe("continue");
  expect(plan.paramSpecs).toEqual({
    level: { type: "string", enum: ["debug", "info"], default: "info" },
    "dry-run": { type: "boolean", default: false },
  });
  expect(plan.steps.map(({ id, deps, after, if: condition }) => ({ id, deps, after, if: condition }))).toEqual([
    { id: "lint" },
    { id: "test", deps: ["lint"] },
    { id: "build", deps: ["lint", "test"] },
    {
      id: "deploy-approval",
      deps: ["build"],
      if: '(env.?GITHUB_REF.orValue("").lowerAscii() == "refs/heads/main") && (params["dry-run"] != true)',
    },
    {
      id: "deploy",
      deps: ["build", "deploy-approval"],
      if: '(env.?GITHUB_REF.orValue("").lowerAscii() == "refs/heads/main") && (params["dry-run"] != true)',
    },
    { id: "notify", after: ["deploy", "build", "lint", "test"] },
    {
      id: "failed",
      after: ["deploy", "build", "lint", "test"],
      if: ["deploy", "build", "lint", "test"].map((id) => `deps.${id}.status == "failed"`).join(" || "),
    },
  ]);
  expect(stepOf(plan, "test")).toMatchObject({
    forEach: {
      items: [
        { os: "ubuntu-latest", node: "18", extra: "yes" },
        { os: "ubuntu-latest", node: "1.10", extra: "" },
        { os: "macos-latest", node: "1.10", extra: "" },
      ],
    },
    timeoutMs: 1_800_000,
  });
  expect(innerOf(plan, "test").steps.map(({ id, deps, after, optional }) => ({ id, deps, after, optional }))).toEqual([
    { id: "Install" },
    { id: "unit", deps: ["Install"] },
    { id: "Extra", deps: ["unit"] },
    { id: "Flaky", deps: ["Extra"], optional: true },
    { id: "Report", after: ["Install", "unit", "Extra", "Flaky"] },
    { id: "run-7", deps: ["Extra", "Report"], after: ["Flaky"] },
  ]);
  expect(stepOf(plan, "deploy")).toMatchObject({
    action: { command: 'echo "deploying ${NEEDS_BUILD_OUTPUTS_VERSION} at ${GITHUB_SHA} with $TOKEN"' },
    env: {
      NODE_VERSION: "1.10",
      GREETING: "hello ${{ params.level }}",
      TOKEN: '${{ env.?DEPLOY_TOKEN.orValue("") }}',
      NEEDS_BUILD_OUTPUTS_VERSION: '${{ deps.build.output.?version.orValue("") }}',
    },
    passEnv: ["GITHUB_REF", "DEPLOY_TOKEN", "GITHUB_SHA"],
    secrets: ["DEPLOY_TOKEN", "TOKEN"],
    shell: "bash",
    runsOn: ["ubuntu-latest"],
  });
  expect(notes.map((note) => note.replace(/^\S+ /, ""))).toEqual([
    "not imported: what starts it (push, workflow_dispatch); `heddle run` does",
    'not imported: "permissions"',
    "variables that GitHub sets, and that `heddle run` takes from the environment: GITHUB_REF, DEPLOY_TOKEN (secret), GITHUB_SHA",
    "jobs share the project folder, and run at the same time; on GitHub each has a machine of its own",
    "left out: actions/checkout@v4; the project folder has its files and tools",
    "left out: actions/setup-node@v4 (node-version: 22, cache: npm); the project folder has its files and tools",
    'not imported: "runs-on", which is computed',
    'the items of "test" go on when one of them fails (fail-fast)',
    "left out: actions/checkout@v4; the project folder has its files and tools",
    'the environment "production" may ask people: the job waits for the approval "deploy-approval"; its secrets and variables are not imported',
  ]);
  expect(await readBack(plan)).toEqual(plan);
});

describe("needs", () => {
  test("of any graph of jobs are the deps of its steps", async () => {
    const graph = fc.array(fc.nat(30), { minLength: 2, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(graph, async (bits) => {
        const ids = bits.map((_bit, at) => `job-${at}`);
        const needs = bits.map((bit, at) => ids.slice(0, at).filter((_id, other) => ((bit >> other) & 1) === 1));
        const lines = Object.fromEntries(ids.map((id, at) => [id, `needs: [${needs[at]?.join(", ")}], #`]));
        const plan = await importedPlan(jobs(lines), "ci.yml");
        expect(edgesOf(plan)).toEqual(ids.flatMap((id, at) => (needs[at] ?? []).map((need) => `${id} -> ${need}`)));
      }),
      { numRuns: 50 },
    );
  });

  test("of what may be skipped are skipped with it, unless they ask for the status themselves", async () => {
    const plan = await importedPlan(
      jobs({
        a: "if: github.ref == 'x', #",
        b: "needs: a, #",
        c: "needs: [b], if: inputs_missing == '' || true, #".replace("inputs_missing", "env.E"),
        d: "needs: b, if: always(), #",
      }),
      "ci.yml",
    );
    expect(plan.steps.map(({ if: condition }) => condition)).toEqual([
      'env.?GITHUB_REF.orValue("").lowerAscii() == "x"',
      'deps.a.status == "succeeded"',
      '(deps.b.status == "succeeded") && ((env.?E.orValue("") == "") || (true))',
      undefined,
    ]);
    expect(stepOf(plan, "d")).toMatchObject({ after: ["b", "a"] });
  });

  test("of a job that may fail do not wait for its success", async () => {
    const plan = await importedPlan(jobs({ a: "continue-on-error: true, #", b: "needs: a, #" }), "ci.yml");
    expect(stepOf(plan, "a")).toMatchObject({ optional: true });
    expect(stepOf(plan, "b")).toMatchObject({ after: ["a"] });
  });

  test("go through a job that is left out", async () => {
    const text = jobs({
      a: "#",
      b: "needs: a, steps: [{ uses: actions/checkout@v4 }]",
      c: "needs: b, uses: ./other.yml",
      d: "needs: [c], #",
    });
    const { errors } = await imported(text, "ci.yml");
    expect(errors).toEqual([`CannotImport ${placeIn(text, "./other.yml")}`]);
    const { plan, notes } = await imported(text, "ci.yml", { lenient: true });
    expect(plan === undefined ? [] : edgesOf(plan)).toEqual(["d -> a"]);
    expect(notes.map((note) => note.replace(/^\S+ /, ""))).toEqual(
      expect.arrayContaining([
        'left out: the job "b" has no command',
        'the job "c" is another workflow: ./other.yml; left out',
      ]),
    );
  });

  test("that nobody has, or in a circle, are refused in their place", async () => {
    const unknown = jobs({ a: "#", b: "needs: [a, nobody], #" });
    expect(await imported(unknown, "ci.yml")).toMatchObject({
      errors: [`UnknownDependency ${placeIn(unknown, "nobody")}`],
      diagnostics: [{ message: '"b" needs "nobody", and no job has this id' }],
    });
    expect(edgesOf(await importedPlan(unknown, "ci.yml", { lenient: true }))).toEqual(["b -> a"]);
    const circle = jobs({ a: "needs: c, #", b: "needs: a, #", c: "needs: [b], #" });
    expect(await imported(circle, "ci.yml")).toMatchObject({
      errors: [`CycleDetected ${placeIn(circle, "a, steps")}`],
    });
  });
});

describe("refused in its place, and what a lenient import does instead", () => {
  const fails = { action: { command: expect.stringContaining("exit 1") as string } };
  const CASES: readonly (readonly [name: string, step: string, at: string, instead: object])[] = [
    ["an action", "{ uses: docker/build-push-action@v6 }, { run: x }", "docker", { action: { command: "x" } }],
    ["a condition", "{ run: x, if: 'hashFiles(1)' }", "'hashFiles", { if: "false" }],
    ["half a condition", "{ run: x, if: '${{ github.ref }} == 1' }", "'${{ github", { if: "false" }],
    ["a command", "{ run: 'echo ${{ toJSON(github) }}' }", "'echo", fails],
    ["a variable", "{ run: x, env: { A: '${{ steps.no.outputs.x }}' } }", "'${{ steps", fails],
    ["a shell", "{ run: x, shell: pwsh }", "pwsh", fails],
    ["a folder", "{ run: x, working-directory: '${{ env.D }}' }", "'${{ env.D", fails],
  ];

  test.each(CASES)("%s", async (_name, step, at, instead) => {
    const text = `jobs:\n  a:\n    steps:\n      - { run: before }\n      - ${step.split("}, {").join("}\n      - {")}\n`;
    const { errors, diagnostics } = await imported(text, "ci.yml");
    expect(errors).toEqual([`CannotImport ${placeIn(text, at)}`]);
    expect(diagnostics[0]?.hint).toContain("--lenient");
    const lenient = await imported(text, "ci.yml", { lenient: true });
    expect(lenient.errors).toEqual([]);
    expect(lenient.notes.some((note) => note.startsWith(`${placeIn(text, at)} `))).toBe(true);
    expect(innerOf(lenient.plan, "a").steps.at(-1)).toMatchObject(instead);
  });

  test("a computed matrix", async () => {
    const text = jobs({
      a: "strategy: { matrix: { v: '${{ fromJSON(needs.x.outputs.v) }}' } }, steps: [{ run: 'x ${{ matrix.v }}' }]",
    });
    expect((await imported(text, "ci.yml")).errors).toEqual([`CannotImport ${placeIn(text, "'${{")}`]);
    const { plan } = await imported(text, "ci.yml", { lenient: true });
    expect(stepOf(plan, "a")?.forEach).toBeUndefined();
    expect(stepOf(plan, "a")).toMatchObject({ action: { command: expect.stringContaining("exit 1") as string } });
  });

  test("a condition of a job", async () => {
    const text = jobs({ a: "if: github.event.pull_request.draft == false, #" });
    expect((await imported(text, "ci.yml")).errors).toEqual([`CannotImport ${placeIn(text, "github.event")}`]);
    expect(stepOf((await imported(text, "ci.yml", { lenient: true })).plan, "a")?.if).toBe("false");
  });
});

describe("jobs", () => {
  test("variables are those of workflow, job and step, the nearest first, each seeing those around it", async () => {
    const text = `
env: { A: workflow, B: "\${{ inputs.missing }}x", C: 1.10 }
on: { workflow_dispatch: { inputs: { missing: { required: true } } } }
jobs:
  a:
    env: { A: "job \${{ env.A }}", D: "\${{ env.A }}" }
    steps:
      - run: x
        env: { D: "step \${{ env.D }}" }
`;
    const plan = await importedPlan(text, "ci.yml");
    expect(plan.paramSpecs).toEqual({ missing: { type: "string" } });
    expect(stepOf(plan, "a")?.env).toEqual({
      A: 'job ${{ "workflow" }}',
      B: "${{ params.missing }}x",
      C: "1.10",
      D: 'step ${{ ("workflow") }}',
    });
  });

  test("shells, folders and time limits come from the nearest", async () => {
    const text = `
defaults: { run: { working-directory: ./site/ } }
jobs:
  a:
    timeout-minutes: 5
    defaults: { run: { shell: sh } }
    steps:
      - run: one
      - { run: two, shell: bash, working-directory: other, timeout-minutes: 1.5 }
      - { run: print(3), shell: python }
  b:
    steps: [{ run: four }]
`;
    const plan = await importedPlan(text, "ci.yml");
    expect(stepOf(plan, "a")?.timeoutMs).toBe(300_000);
    expect(innerOf(plan, "a").steps.map(({ shell, cwd, timeoutMs }) => [shell, cwd, timeoutMs])).toEqual([
      [undefined, "site", undefined],
      ["bash", "other", 90_000],
      ["python", "site", undefined],
    ]);
    expect(stepOf(plan, "b")).toMatchObject({ shell: "bash -e", cwd: "site" });
  });

  test("a matrix of a job with one command is one step per item", async () => {
    const text = jobs({
      a: "strategy: { max-parallel: 2, fail-fast: false, matrix: { v: [1.1, 1.10] } }, steps: [{ run: 'test ${{ matrix.v }}' }]",
    });
    const { plan, notes } = await imported(text, "ci.yml");
    expect(stepOf(plan, "a")).toMatchObject({
      forEach: { items: [{ v: "1.1" }, { v: "1.10" }], maxConcurrency: 2 },
      action: { command: "test ${MATRIX_V}" },
      env: { MATRIX_V: "${{ item.v }}" },
    });
    expect(notes.map((note) => note.replace(/^\S+ /, ""))).toEqual([
      "jobs share the project folder, and run at the same time; on GitHub each has a machine of its own",
    ]);
  });

  test("services, containers and all other keys are said, with their places", async () => {
    const text = jobs({ a: "services: { db: { image: postgres } }, container: node, concurrency: x, #" });
    expect((await imported(text, "ci.yml")).notes).toEqual([
      `${placeIn(text, "services")} not imported: "services"`,
      `${placeIn(text, "container")} not imported: "container"`,
      `${placeIn(text, "concurrency")} not imported: "concurrency"`,
    ]);
  });

  test("steps without a name, or with the same one, have ids of their own", async () => {
    const text =
      "jobs:\n  a:\n    steps:\n      - { run: x, name: Do it! }\n      - { run: y, name: Do it? }\n      - run: z\n";
    expect(innerOf(await importedPlan(text, "ci.yml"), "a").steps.map(({ id }) => id)).toEqual([
      "Do-it",
      "Do-it-2",
      "run-3",
    ]);
  });

  test("of no use at all are refused", async () => {
    expect((await imported("jobs: {}\n", "ci.yml")).errors).toEqual(["NothingToImport 1:7"]);
    expect((await imported("jobs: { a: { steps: [] } }\n", "ci.yml")).errors).toEqual(["NothingToImport 1:7"]);
    expect((await imported("jobs: { a: 1, b: { steps: [x] } }\n", "ci.yml")).errors).toEqual([
      "InvalidTask 1:12",
      "InvalidTask 1:28",
    ]);
  });
});

test("a file of docker compose is known, and said to be no plan", async () => {
  const text = "services:\n  web:\n    image: nginx\n    depends_on: [db]\n  db:\n    build: .\n";
  expect(await imported(text, "docker-compose.yml")).toMatchObject({
    errors: ["UnsupportedForm 1:1"],
    diagnostics: [
      {
        message: expect.stringContaining("docker compose") as string,
        hint: expect.stringContaining("--wait") as string,
      },
    ],
  });
});

describe("an expression in a command", () => {
  const ENV = 'env: { TOKEN: "${{ secrets.OTHER }}", MATRIX_OS: own }';
  const stepWith = async (run: string): Promise<Step | undefined> => {
    const text = `jobs:\n  a:\n    strategy: { matrix: { os: [x] } }\n    ${ENV}\n    steps:\n      - run: ${run}\n`;
    return stepOf(await importedPlan(text, "ci.yml"), "a");
  };

  test("is no variable that the workflow sets to something else", async () => {
    const step = await stepWith("curl ${{ secrets.TOKEN }} ${{ env.TOKEN }} ${{ matrix.os }} $MATRIX_OS");
    expect(step?.action).toMatchObject({
      kind: "run",
      command: "curl ${SECRETS_TOKEN} ${TOKEN} ${MATRIX_OS_2} $MATRIX_OS",
    });
    expect(step?.env).toEqual({
      TOKEN: '${{ env.?OTHER.orValue("") }}',
      MATRIX_OS: "own",
      SECRETS_TOKEN: '${{ env.?TOKEN.orValue("") }}',
      MATRIX_OS_2: "${{ item.os }}",
    });
    expect(step?.secrets).toEqual(expect.arrayContaining(["OTHER", "TOKEN"]));
  });

  test.each(["set-output name=x::1", "set-env name=x::1", "add-path::/x", "save-state name=x::1"])(
    "and GitHub's older commands to later steps are refused: %s",
    async (word) => {
      const text = `jobs:\n  a:\n    steps:\n      - run: echo "::${word}"\n`;
      expect((await imported(text, "ci.yml")).errors).toEqual([`CannotImport ${placeIn(text, 'echo "')}`]);
    },
  );
});
