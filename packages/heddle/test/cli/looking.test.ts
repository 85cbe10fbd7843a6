/** Plans and recorded runs as the command line shows them: texts, JSON shapes, exit codes. Nothing is executed by looking. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  CanonicalEventSchema,
  DiagnosticsSchema,
  DoctorSchema,
  EventSchema,
  PlanSchema,
  ReplaySchema,
  ReportSchema,
  RunSchema,
  RunsSchema,
} from "../../src/view/schemas.ts";
import { COMMANDS } from "../../src/cli/table/all.ts";
import { jsonLines, Rig } from "../support/command-line.ts";

const FEATURE = {
  name: "feature",
  steps: [
    { id: "database-schema", description: "Set up database schema", run: "echo schema" },
    { id: "frontend-components", description: "Build UI components", run: "echo ui" },
    { id: "api-endpoints", description: "Create API endpoints", deps: ["database-schema"], run: "echo api" },
    {
      id: "integration",
      description: "Integrate frontend and backend",
      deps: ["api-endpoints", "frontend-components"],
      run: "echo integrated",
    },
  ],
};

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

describe("plan", () => {
  test("refuses agents that nobody has with 2, all at once and each in its place", async () => {
    rig.write(
      "heddle.yaml",
      "agents:\n  default: nobody\n  use: { mine: { model: x } }\nsteps:\n  - { id: a, agent: { prompt: x, use: other } }\n",
    );
    const { code, stdout } = await rig.heddle(["plan", "--json"]);
    expect(code).toBe(2);
    const shown = JSON.parse(stdout) as { diagnostics: { code: string; line: number; column: number }[] };
    expect(DiagnosticsSchema.safeParse(shown).success).toBe(true);
    expect(shown.diagnostics.map((one) => `${one.code} ${one.line}:${one.column}`)).toEqual([
      "UnknownAgent 2:12",
      "MissingCommand 3:10",
      "UnknownAgent 5:39",
    ]);
  });

  test("prints layers, parallelism and critical path as documented", async () => {
    rig.plan(FEATURE);
    const { code, stdout } = await rig.heddle(["plan"]);
    expect(stdout).toBe(`Parallel Execution Plan
Total steps: 4
Batches: 3
Max parallelism: 2
Critical path: database-schema -> api-endpoints -> integration

Batch 1: (2 steps in parallel)
  • database-schema
    Set up database schema
  • frontend-components
    Build UI components

Batch 2: (1 step)
  • api-endpoints (depends on: database-schema)
    Create API endpoints

Batch 3: (1 step)
  • integration (depends on: api-endpoints, frontend-components)
    Integrate frontend and backend
`);
    expect(code).toBe(0);
    expect(rig.has(".heddle")).toBe(false);
  });

  test("warns of steps that may change one file at the same time, and goes on", async () => {
    rig.write(
      "heddle.yaml",
      "steps:\n  - { id: a, run: echo a, writes: [x] }\n  - { id: b, run: echo b, writes: [x] }\n",
    );
    const shown = await rig.heddle(["plan"]);
    expect(shown.code).toBe(0);
    expect(shown.stderr)
      .toBe(`heddle.yaml:3:27: warning[OverlappingWrites]: steps "b" and "a" (line 2) can run at the same time and write "x"
  3 |   - { id: b, run: echo b, writes: [x] }
    |                           ^
  hint: order them with \`deps\` or \`after\`, or run them one after the other: agents: {conflicts: serialize}

1 warning
`);
    const json = await rig.heddle(["plan", "--json"]);
    expect(PlanSchema.parse(JSON.parse(json.stdout))).toMatchObject({ warnings: [{ code: "OverlappingWrites" }] });
    const ran = await rig.heddle(["run"]);
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining("1 warning") });
    expect((await rig.heddle(["run", "--output", "quiet"])).stderr).not.toContain("warning");
  });

  test("prints the tree: a step with two parents stands under each", async () => {
    rig.plan(FEATURE);
    const { stdout } = await rig.heddle(["plan", "--tree"]);
    expect(stdout).toBe(`Dependency Tree
database-schema
└─ api-endpoints
   └─ integration
frontend-components
└─ integration
`);
  });

  test("as JSON, as charts and as a plan file again", async () => {
    rig.plan({ ...FEATURE, steps: FEATURE.steps.map((step) => ({ ...step, estimate: "10s" })) });
    const json = await rig.heddle(["plan", "--json", "-j", "1"]);
    const plan = JSON.parse(json.stdout) as Record<string, unknown>;
    PlanSchema.parse(plan);
    expect(plan).toMatchObject({ workers: 1, criticalPathMs: 30_000, expectedMakespanMs: 40_000, maxParallelism: 2 });
    expect((await rig.heddle(["plan", "--mermaid"])).stdout).toContain('s0["database-schema"]');
    expect((await rig.heddle(["plan", "--dot"])).stdout).toContain("s0 -> s2;");
    const yaml = (await rig.heddle(["plan", "--to", "yaml"])).stdout;
    rig.write("again.yaml", yaml);
    const again = JSON.parse((await rig.heddle(["plan", "again.yaml", "--json", "-j", "1"])).stdout) as unknown;
    expect(again).toEqual(plan);
  });

  test("tells all problems: readable on standard error, as JSON on standard output, exit code 2", async () => {
    rig.write(
      "heddle.yaml",
      "steps:\n  - id: a\n    deps: [b]\n    run: x\n  - id: b\n    deps: [a]\n    run: x\n  - id: c\n    rum: x\n",
    );
    const { code, stdout, stderr } = await rig.heddle(["plan", "--json"]);
    expect(code).toBe(2);
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string }[] };
    DiagnosticsSchema.parse({ diagnostics });
    expect(diagnostics.map((diagnostic) => diagnostic.code)).toContain("CycleDetected");
    expect(diagnostics.length).toBeGreaterThan(1);
    expect(stderr).toContain("Circular dependency detected: a -> b -> a");
    expect(stderr).toContain("heddle.yaml:9:");
  });

  test("executes nothing of a plan, and a folder's TypeScript plan is not loaded by looking around", async () => {
    rig.plan({
      steps: [
        { id: "a", call: "./steps.ts#run" },
        { id: "b", run: "touch ran" },
      ],
    });
    rig.write(
      "steps.ts",
      "import { writeFileSync } from 'node:fs'; writeFileSync('ran', ''); export const run = () => 1;",
    );
    for (const args of [["plan"], ["plan", "--json"], ["run", "--dry-run"], [], ["doctor"], ["runs"]]) {
      expect((await rig.heddle(args)).code).toBe(0);
    }
    expect(rig.has("ran")).toBe(false);
    expect(rig.has(".heddle")).toBe(false);
    using other = new Rig();
    other.write("heddle.ts", "import { writeFileSync } from 'node:fs'; writeFileSync('ran', '');");
    expect((await other.heddle([])).code).toBe(0);
    expect(other.has("ran")).toBe(false);
  });
});

describe("recorded runs", () => {
  test("every --json has its shape", async () => {
    rig.plan(FEATURE);
    const run = await rig.heddle(["run", "--json"]);
    expect(run.code).toBe(0);
    const events = jsonLines(run.stdout);
    for (const event of events) EventSchema.parse(event);
    expect(events.map((event) => event["seq"])).toEqual(events.map((_, at) => at + 1));
    expect(events.at(-1)?.["type"]).toBe("run.succeeded");

    const history = await rig.heddle(["history", "--json"]);
    expect(history.stdout).toBe(run.stdout);
    const canonical = jsonLines((await rig.heddle(["history", "--canonical", "--json"])).stdout);
    for (const event of canonical) CanonicalEventSchema.parse(event);
    expect(canonical.map((event) => event["seq"])).toEqual(canonical.map((_, at) => at + 1));

    const show = JSON.parse((await rig.heddle(["show", "--json"])).stdout) as Record<string, unknown>;
    RunSchema.parse(show);
    expect(show).toMatchObject({ status: "succeeded", counts: { succeeded: 4, failed: 0 } });
    const runs = JSON.parse((await rig.heddle(["runs", "--json"])).stdout) as { runs: unknown[] };
    RunsSchema.parse(runs);
    expect(runs.runs).toMatchObject([{ run: show["run"], status: "succeeded", counts: { succeeded: 4 } }]);
    const failed = await rig.heddle(["runs", "--status", "failed,waiting"]);
    expect([failed.code, failed.stdout]).toEqual([0, "No such runs.\n"]);
    const kept = await rig.heddle(["runs", "--json", "--status", "succeeded", "--plan", String(show["plan"])]);
    expect(JSON.parse(kept.stdout)).toEqual(runs);
    const unknown = await rig.heddle(["runs", "--status", "faild"]);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("Did you mean failed?")]);
    const replay = JSON.parse((await rig.heddle(["replay", "--json"])).stdout) as Record<string, unknown>;
    ReplaySchema.parse(replay);
    expect(replay).toMatchObject({ ok: true, violations: [], seq: events.length });
    const early = JSON.parse((await rig.heddle(["replay", "--at", "2", "--json"])).stdout) as Record<string, unknown>;
    expect(early).toMatchObject({ seq: 2, state: { counts: { waiting: 4 } } });
    ReportSchema.parse(JSON.parse((await rig.heddle(["report", "--json"])).stdout));
    DoctorSchema.parse(JSON.parse((await rig.heddle(["doctor", "--json"])).stdout));
  });

  test("reports as page, trace and chart", async () => {
    rig.plan(FEATURE);
    await rig.heddle(["run"]);
    const page = (await rig.heddle(["report", "--html"])).stdout;
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain("Content-Security-Policy");
    expect(page).not.toMatch(/<script|https?:\/\//);
    const trace = JSON.parse((await rig.heddle(["report", "--trace"])).stdout) as {
      traceEvents: { name: string; ph: string }[];
    };
    expect(trace.traceEvents.filter((event) => event.ph === "X").map((event) => event.name)).toHaveLength(4);
    expect((await rig.heddle(["report", "--mermaid"])).stdout).toContain(":::succeeded");
    expect((await rig.heddle(["report"])).stdout).toMatch(/Sequential time:.*\nParallel time:.*\nSpeed-up:/);
  });

  test("an id serves by any unique prefix; what is unknown is named, with the nearest, exit code 2", async () => {
    rig.plan(FEATURE);
    await rig.heddle(["run"]);
    const { runs } = JSON.parse((await rig.heddle(["runs", "--json"])).stdout) as { runs: { run: string }[] };
    const id = runs[0]?.run ?? "";
    expect((await rig.heddle(["show", id.slice(0, 4)])).code).toBe(0);
    const typo = await rig.heddle(["show", `${id.slice(0, 11)}u`]);
    expect(typo).toMatchObject({ code: 2 });
    expect(typo.stderr).toContain(`Did you mean ${id}?`);
    expect((await rig.heddle(["show", "../../etc"])).code).toBe(2);
    const step = await rig.heddle(["logs", id, "integratoin"]);
    expect(step).toMatchObject({ code: 2 });
    expect(step.stderr).toContain("Did you mean integration?");
    expect((await rig.heddle(["logs", "api-endpoints"])).stdout).toBe("api\n");
    expect((await rig.heddle(["history", "--step", "nope"])).code).toBe(2);
    const events = jsonLines((await rig.heddle(["history", "--step", "integration", "--since", "3", "--json"])).stdout);
    expect(new Set(events.map((event) => event["step"]))).toEqual(new Set(["integration"]));
  });
});

describe("words on the command line", () => {
  test("every command shows examples", async () => {
    for (const { name, examples } of COMMANDS) {
      expect(examples.length, name).toBeGreaterThan(0);
    }
    const { code, stdout } = await rig.heddle(["run", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Examples:\n  $ heddle run");
    expect(stdout).not.toContain("--max-workers");
    expect((await rig.heddle(["help", "plan"])).stdout).toContain("$ heddle plan");
    expect((await rig.heddle(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("mistakes are exit code 2, with the nearest word", async () => {
    rig.plan(FEATURE);
    const cases: readonly (readonly [readonly string[], string])[] = [
      [["rnu"], "heddle run"],
      [["run", "--paralel"], "--parallel"],
      [["run", "-j", "0"], "whole number"],
      [["run", "--output", "loud"], "Allowed choices"],
      [["run", "--timeout", "soon"], "duration"],
      [["run", "--param", "x"], "name=value"],
      [["run", "--fail-fast", "--keep-going"], "cannot be combined"],
      [["run", "--only", "integratoin"], "integration"],
      [["run", "nope.yaml"], "the file does not exist"],
      [["plan", "a", "b"], "too many arguments"],
      [["-C", "nowhere", "plan"], "nowhere"],
      [["completion", "tcsh"], "bash, zsh or fish"],
      [["rerun"], "--from"],
    ];
    for (const [args, said] of cases) {
      const { code, stdout, stderr } = await rig.heddle(args);
      expect(code, args.join(" ")).toBe(2);
      expect(stderr, args.join(" ")).toContain(said);
      expect(stdout, args.join(" ")).toBe("");
    }
  });

  test("-C works in another folder, before and after the command", async () => {
    rig.write("inner/heddle.json", JSON.stringify(FEATURE));
    expect((await rig.heddle(["-C", "inner", "plan"])).code).toBe(0);
    expect((await rig.heddle(["plan", "--dir", "inner"])).code).toBe(0);
    expect((await rig.heddle(["plan"])).code).toBe(2);
  });

  test("a first plan: init, plan, run; without one it says what to type", async () => {
    const lost = await rig.heddle([]);
    expect(lost.code).toBe(2);
    expect(lost.stderr).toContain("heddle init");
    rig.write(".gitignore", "node_modules");
    expect((await rig.heddle(["init"])).code).toBe(0);
    expect(rig.read(".gitignore")).toBe("node_modules\n.heddle/*\n");
    expect((await rig.heddle(["init"])).code).toBe(2);
    expect((await rig.heddle(["run"])).code).toBe(0);
    const overview = await rig.heddle([]);
    expect(overview.stdout).toMatch(/hello: 5 steps; last run \w+ succeeded/);
    expect(overview.stdout).toMatch(/✓ fetch/);
  });
});

test("a list of tasks in another form becomes a plan that validates", async () => {
  const tasks = [
    { id: 1, title: "Set up", status: "done" },
    { id: 2, title: "Build", status: "pending", dependencies: [1] },
    { id: 3, title: "Ship", status: "pending", dependencies: [2] },
  ];
  rig.write("tasks.json", JSON.stringify({ tasks }));
  const { code, stdout } = await rig.heddle(["import", "tasks.json"]);
  expect(code).toBe(0);
  rig.write("heddle.yaml", stdout);
  const plan = JSON.parse((await rig.heddle(["plan", "--json"])).stdout) as { steps: { id: string; deps: string[] }[] };
  expect(plan.steps.map(({ id, deps }) => [id, deps])).toEqual([
    ["2", []],
    ["3", ["2"]],
  ]);
  rig.write("other.json", "[1, 2]");
  expect((await rig.heddle(["import", "other.json"])).code).toBe(2);
});

test("one word alone is a step where the latest run has it, whatever its id begins with", async () => {
  const letters = [..."0123456789abcdefghjkmnpqrstvwxyz"];
  rig.plan({ steps: letters.map((id) => ({ id, run: `echo I am ${id}` })) });
  await rig.heddle(["run", "--output", "quiet"]);
  const [{ run } = { run: "" }] = JSON.parse((await rig.heddle(["runs", "--json"])).stdout).runs as { run: string }[];
  const first = run.slice(0, 1);
  expect((await rig.heddle(["logs", first])).stdout).toBe(`I am ${first}\n`);
  expect((await rig.heddle(["logs", run.slice(0, 4)])).stdout).toContain("attempt 1");
});
