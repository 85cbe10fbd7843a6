/** What a new run may take from an earlier one: never a result beside a new result of what it was built on. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { defined } from "../../src/base/defined.ts";
import { openMemoryProject } from "../../src/host/open.ts";
import { compilePlan } from "../../src/graph/compile.ts";
import type { JsonObject } from "../../src/base/json.ts";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";
import { NO_FUNCTIONS } from "../../src/plan/plan.ts";
import { temporaryFolder } from "../support/temporary.ts";

async function load(text: string, params: JsonObject = {}): Promise<LoadedPlan> {
  const compiled = await compilePlan({ text, file: "plan.yaml", params });
  if (!compiled.ok) throw new Error(compiled.error.map(({ message }) => message).join("\n"));
  return { ...compiled.value, functions: NO_FUNCTIONS };
}

/** `a -> b -> d` and `c`, each a command. */
const plan = (a: string): string => `
name: chain
failure: continue
steps:
  - { id: a, run: "${a}" }
  - { id: b, deps: [a], run: "true" }
  - { id: d, deps: [b], run: "true" }
  - { id: c, run: "true" }
`;

async function reused(first: string, second: string, from: string, params: JsonObject = {}) {
  await using project = openMemoryProject("/tmp", { title: "test" });
  const started = await project.runs.start(await load(first), { failure: "continue" });
  if (!started.ok) throw new Error(started.error.message);
  await started.value.result;
  const reuse = await project.runs.select(await load(second, params), { only: [], from });
  if (!reuse.ok) throw new Error(reuse.error.message);
  return { ids: [...(reuse.value.reuse?.results.keys() ?? [])].sort(), again: reuse.value.again };
}

test("all of an unchanged run but what is run again", async () => {
  expect(await reused(plan("true"), plan("true"), "c")).toEqual({ ids: ["a", "b", "d"], again: [] });
});

test("nothing that was built on a step with another definition, at any distance", async () => {
  expect(await reused(plan("true"), plan("echo new"), "c")).toEqual({
    ids: [],
    again: [
      "a runs again: its definition has changed.",
      "b runs again: it depends on a, which runs again.",
      "d runs again: it depends on a, which runs again.",
    ],
  });
});

test("nothing that was built on a step that had failed and was tolerated then", async () => {
  const optional = (command: string): string => `
name: chain
steps:
  - { id: a, run: "${command}", optional: true }
  - { id: b, after: [a], run: "true" }
  - { id: c, run: "true" }
`;
  // b only came after a: it was not built on it.
  expect(await reused(optional("false"), optional("false"), "c")).toEqual({
    ids: ["b"],
    again: [expect.stringMatching(/ these run too: a\.$/)],
  });
});

test.each([
  "deps.a.status",
  "deps['a'].status",
  'deps[\\"a\\"].status',
  "deps . a.status",
  "deps.?a.?status.orValue('')",
  "deps[?'a'].?status.orValue('')",
  "deps[ 'a' ].status",
  'deps\\n[\\"a\\"].status',
  "deps[r'a'].status",
  "deps['''a'''].status",
])(
  "a step that only comes after another was built on it where it reads it, however that is written: %s",
  async (read) => {
    const reading = (command: string): string => `
name: chain
steps:
  - { id: a, run: "${command}" }
  - { id: b, after: [a], if: "${read} == 'succeeded'", run: "true" }
  - { id: c, run: "true" }
`;
    expect(await reused(reading("true"), reading("echo new"), "c")).toEqual({
      ids: [],
      again: ["a runs again: its definition has changed.", "b runs again: it depends on a, which runs again."],
    });
  },
);

test.each([
  ["a condition's text", "if: \"'deps.a.status' != ''\""],
  ["a variable of the expression", "if: \"[{'a': 1}].exists(x, x.a == 1 && 'deps.a' != '')\""],
  ["a command", 'verify: "echo deps.a.status"'],
  ["a description", 'description: "after ${{ deps.a.status }}, deps[x]"'],
  ["a text of a variable", 'env: { E: "deps.a.status" }'],
  [
    "a plan inside",
    "plan: { steps: [{ id: a, run: 'true' }, { id: y, after: [a], if: \"deps.a.status == 'succeeded'\", run: 'true' }] }",
  ],
])("what only mentions a step it comes after was not built on it: %s", async (_, text) => {
  const mentions = (command: string): string => `
name: chain
steps:
  - { id: a, run: "${command}" }
  - { id: b, after: [a], ${text}${text.startsWith("plan") ? "" : ', run: "true"'} }
  - { id: c, run: "true" }
`;
  expect(await reused(mentions("true"), mentions("echo new"), "c")).toEqual({
    ids: ["b"],
    again: ["a runs again: its definition has changed."],
  });
});

test("several steps in one word are told how they are written", async () => {
  await using project = openMemoryProject("/tmp", { title: "test" });
  const chain = await load(plan("true"));
  for (const [words, hint] of [
    ["a,b", "Write several steps apart: a b"],
    ["a, nope", "`heddle plan` lists the steps."],
  ] as const) {
    const chosen = await project.runs.select(chain, { only: [words], from: undefined });
    expect(chosen).toMatchObject({ ok: false, error: { code: "UnknownStep", hint } });
  }
});

test("no container in which a step was undone, however deep: it would stand for work that is not there any more", async () => {
  const undone = `
name: undone
rollback: all
steps:
  - { id: plain, run: "true", undo: "true" }
  - { id: each, forEach: [1, 2], run: "true", undo: "true" }
  - { id: deep, plan: { steps: [{ id: in, plan: { steps: [{ id: x, run: "true", undo: "true" }, { id: y, run: "true" }] } }] } }
  - { id: user, deps: [each], run: "true" }
  - { id: kept, plan: { steps: [{ id: x, run: "true" }] } }
  - { id: bad, deps: [plain, deep, user, kept], run: "false" }
  - { id: c, run: "true" }
`;
  const { ids, again } = await reused(undone, undone, "c");
  expect(ids).toEqual(["kept"]);
  expect(again).toEqual([
    expect.stringMatching(/ these run too: plain, each, deep, bad\.$/),
    "user runs again: it depends on each, which runs again.",
  ]);
});

test("what was built on a step skipped by its condition stays: the condition is asked again", async () => {
  const conditional = `
name: chain
steps:
  - { id: a, if: "false", run: "true" }
  - { id: b, deps: [a], run: "true" }
  - { id: c, run: "true" }
`;
  expect(await reused(conditional, conditional, "c")).toEqual({ ids: ["b"], again: [] });
});

test("what was built beside a skipped step is not reused where the step may not be skipped any more", async () => {
  const conditional = (condition: string): string => `
name: chain
params: { go: { type: string, default: "no" } }
steps:
  - { id: a, if: "${condition}", run: "true" }
  - { id: b, deps: [a], run: "true" }
  - { id: c, run: "true" }
`;
  const plan = conditional("params.go == 'yes'");
  expect(await reused(plan, plan, "c")).toEqual({ ids: ["b"], again: [] });
  const again = (why: string): readonly string[] => [
    `a runs again: ${why}.`,
    "b runs again: it depends on a, which runs again.",
  ];
  expect(await reused(plan, plan, "c", { go: "yes" })).toEqual({
    ids: [],
    again: again("it reads parameter go, which had another value"),
  });
  expect(await reused(plan, conditional("params.go != 'yes'"), "c")).toEqual({
    ids: [],
    again: again("its definition has changed"),
  });
});

describe("parameters", () => {
  const plan = (env: string): string => `
name: deploy
params:
  env: { type: string, default: staging }
  note: { type: string, default: none }
steps:
  - { id: build, ${env} run: "true" }
  - { id: lint, run: "true" }
  - { id: deploy, run: "true" }
`;
  const READS = {
    "a template of env": 'env: { E: "${{ params.env }}" },',
    "a condition": "if: \"params.env != 'nowhere'\",",
    "a parameter read by its name as text": "env: { E: \"${{ params['env'] }}\" },",
  };

  test.each(Object.entries(READS))("what reads one with another value is not reused: %s", async (_, text) => {
    expect((await reused(plan(text), plan(text), "deploy")).ids).toEqual(["build", "lint"]);
    expect((await reused(plan(text), plan(text), "deploy", { env: "prod" })).ids).toEqual(["lint"]);
    expect((await reused(plan(text), plan(text), "deploy", { note: "other" })).ids).toEqual(["build", "lint"]);
  });

  test("what reads them all is not reused where any has another value", async () => {
    const all = plan('env: { E: "${{ string(size(params)) }}" },');
    expect((await reused(all, all, "deploy", { note: "other" })).ids).toEqual(["lint"]);
  });

  test("a dependency that would have to run is named with its parameter", async () => {
    const needed = (env: string): string => plan(env).replace("id: deploy,", "id: deploy, deps: [build],");
    const text = needed('env: { E: "${{ params.env }}" },');
    await expect(reused(text, text, "deploy", { env: "prod" })).rejects.toThrow(
      "build (it reads parameter env, which had another value)",
    );
  });
});

test("a condition sees a reused success as what it is", async () => {
  const conditional = `
name: deploy
steps:
  - { id: build, run: "true" }
  - { id: deploy, deps: [build], if: "deps.build.status == 'succeeded'", run: "true" }
`;
  await using project = openMemoryProject("/tmp", { title: "test" });
  const first = await project.runs.start(await load(conditional), {});
  if (!first.ok) throw new Error(first.error.message);
  await first.value.result;
  const reuse = await project.runs.select(await load(conditional), { only: [], from: "deploy" });
  if (!reuse.ok) throw new Error(reuse.error.message);
  const again = await project.runs.start(reuse.value.plan, defined({ reuse: reuse.value.reuse }));
  if (!again.ok) throw new Error(again.error.message);
  expect((await again.value.result).status).toBe("succeeded");
  expect(again.value.state().phases.map(({ tag }) => tag)).toEqual(["cached", "succeeded"]);
});

describe("of several runs the last time that a step ran counts", () => {
  const stepText = (id: string, command: string, more = ""): string => `  - { id: ${id}, run: "${command}"${more} }\n`;
  const planText = (build: string, lint: string): string =>
    `name: site\nfailure: continue\nsteps:\n${stepText("build", build)}${stepText("publish", "true", ", deps: [build]")}${stepText("lint", lint)}`;
  /** Fails by what a file says: the plan stays the same. */
  const command = (id: string): string => `test ! -e ${id}.red`;

  async function from(step: string, runs: readonly { readonly only?: string; readonly red?: readonly string[] }[]) {
    const folder = temporaryFolder("reuse");
    try {
      await using project = openMemoryProject(folder, { title: "test" });
      const loaded = await load(planText(command("build"), command("lint")));
      const ids: string[] = [];
      for (const { only, red = [] } of runs) {
        for (const id of ["build", "lint"]) rmSync(path.join(folder, `${id}.red`), { force: true });
        for (const id of red) writeFileSync(path.join(folder, `${id}.red`), "");
        const chosen =
          only === undefined ? undefined : await project.runs.select(loaded, { only: [only], from: undefined });
        if (chosen?.ok === false) throw new Error(chosen.error.message);
        const options = chosen?.ok === true && chosen.value.reuse !== undefined ? { reuse: chosen.value.reuse } : {};
        const started = await project.runs.start(chosen?.ok === true ? chosen.value.plan : loaded, options);
        if (!started.ok) throw new Error(started.error.message);
        ids.push(started.value.run);
        await started.value.result;
      }
      const reuse = await project.runs.select(loaded, { only: [], from: step });
      if (!reuse.ok) return reuse.error.code;
      const { run = "", results = new Map() } = reuse.value.reuse ?? {};
      return { from: ids.indexOf(run), ids: [...results.keys()].sort(), again: reuse.value.again };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test("the newest is taken where it has what is needed, though another step failed there", async () => {
    expect(await from("publish", [{}, { red: ["lint"] }])).toEqual({
      from: 1,
      ids: ["build"],
      again: [expect.stringMatching(/^Without a result in run \w+, these run too: lint\.$/)],
    });
  });

  test("an older success of what failed since is none", async () => {
    expect(await from("publish", [{}, { red: ["build"] }])).toBe("NothingToReuse");
  });

  test("a run of other steps alone does not hide the one before", async () => {
    expect(await from("publish", [{}, { only: "publish" }])).toMatchObject({
      from: 0,
      ids: ["build", "lint"],
      again: [],
    });
  });

  test("a step that ran alone since runs again: its result is in another run", async () => {
    expect(await from("publish", [{}, { only: "lint" }])).toMatchObject({
      from: 0,
      ids: ["build"],
      again: [expect.stringContaining("lint")],
    });
  });
});

describe("what comes before by `after` is known to a reduced run, and does not run", () => {
  const text = (condition: string, more = ""): string => `
name: site
failure: continue
steps:
  - { id: build, run: "echo build >> ran; test -e ok"${more} }
  - { id: publish, deps: [build], run: "echo publish >> ran" }
  - { id: notify, after: [build, publish], if: "${condition}", env: { S: "\${{ deps.build.status }} \${{ deps.publish.status }}" }, run: 'echo "notify $S" >> ran' }
  - { id: end, deps: [notify], run: "echo end >> ran" }
`;

  async function world(first: string, second: string, kind: "only" | "from", step: string) {
    const folder = temporaryFolder("reuse");
    const file = path.join(folder, "ran");
    try {
      await using project = openMemoryProject(folder, { title: "test" });
      const before = await project.runs.start(await load(first), {});
      if (!before.ok) throw new Error(before.error.message);
      await before.value.result;
      rmSync(file);
      const selection = kind === "only" ? { only: [step], from: undefined } : { only: [], from: step };
      const chosen = await project.runs.select(await load(second), selection);
      if (!chosen.ok) return { code: chosen.error.code };
      const { plan, only, reuse, again } = chosen.value;
      const started = await project.runs.start(plan, defined({ only, reuse }));
      if (!started.ok) throw new Error(started.error.message);
      const { status } = await started.value.result;
      return { status, ran: readFileSync(file, "utf8").trim().split("\n"), again };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  const failed = text("deps.build.status == 'failed'");
  const skipped = text("deps.publish.status == 'skipped'");

  test.each([failed, skipped])("alone: how it ended is known, and is not this run's", async (plan) => {
    expect(await world(plan, plan, "only", "notify")).toEqual({
      status: "succeeded",
      ran: ["notify failed skipped"],
      again: [],
    });
  });

  test.each([failed, skipped])("from a step on: the plan has failed with what failed", async (plan) => {
    expect(await world(plan, plan, "from", "notify")).toEqual({
      status: "failed",
      ran: ["notify failed skipped", "end"],
      again: [],
    });
  });

  test("a step that may fail fails nothing", async () => {
    const optional = text("deps.build.status == 'failed'", ", optional: true");
    expect(await world(optional, optional, "from", "notify")).toMatchObject({
      status: "succeeded",
      ran: ["notify failed skipped", "end"],
    });
  });

  test("a failed step that is another one now runs again, and that is said", async () => {
    const mended = failed.replace("test -e ok", "true");
    expect(await world(failed, mended.replace("== 'failed'", "!= ''"), "from", "notify")).toEqual({
      status: "succeeded",
      ran: ["build", "publish", "notify succeeded succeeded", "end"],
      again: [
        "build runs again: its definition has changed.",
        expect.stringMatching(/^Without a result in run \w+, these run too: publish\.$/),
      ],
    });
    expect(await world(failed, mended, "only", "notify")).toEqual({ code: "NothingToReuse" });
  });

  test("where nothing reads how it ended, it is left out", async () => {
    const blind = (command: string): string => `
name: site
steps:
  - { id: build, run: "${command}" }
  - { id: notify, after: [build], run: "echo notify >> ran" }
  - { id: other, run: "echo other >> ran" }
`;
    expect(await world(blind("true"), blind("exit 1"), "only", "notify")).toMatchObject({
      status: "succeeded",
      ran: ["notify"],
    });
  });
});

test("a resumed run of some steps runs these alone, whatever else the plan has", async () => {
  const folder = temporaryFolder("reuse");
  const file = path.join(folder, "ran");
  const plan = (more = ""): string => `
name: site
steps:
  - { id: build, run: "echo build >> ran" }
  - { id: deploy, deps: [build${more === "" ? "" : ", more"}], run: "echo deploy >> ran; test -e ok" }
  - { id: lint, run: "echo lint >> ran" }
  - { id: end, deps: [deploy], run: "echo end >> ran" }
${more}`;
  try {
    await using project = openMemoryProject(folder, { title: "test" });
    const begun = await project.runs.start(await load(plan()), { failure: "continue" });
    if (!begun.ok) throw new Error(begun.error.message);
    await begun.value.result;
    const chosen = await project.runs.select(await load(plan()), { only: ["deploy"], from: undefined });
    if (!chosen.ok) throw new Error(chosen.error.message);
    const { plan: part, only, reuse } = chosen.value;
    const started = await project.runs.start(part, defined({ only, reuse }));
    if (!started.ok) throw new Error(started.error.message);
    expect((await started.value.result).status).toBe("failed");
    rmSync(file);
    writeFileSync(path.join(folder, "ok"), "");
    // What they depend on now is needed, too.
    const current = await load(plan('  - { id: more, run: "echo more >> ran" }\n'));
    const resumed = await project.runs.resume(started.value.run, { current });
    if (!resumed.ok) throw new Error(resumed.error.message);
    expect((await resumed.value.result).status).toBe("succeeded");
    expect(readFileSync(file, "utf8")).toBe("more\ndeploy\n");
    const rerun = await project.runs.rerun(started.value.run, { from: "build", plan: await load(plan()) });
    if (!rerun.ok) throw new Error("not started");
    rmSync(file);
    await rerun.value.handle.result;
    expect(readFileSync(file, "utf8")).toBe("build\ndeploy\n");
    expect(await project.runs.rerun(started.value.run, { from: "lint", plan: await load(plan()) })).toMatchObject({
      ok: false,
      error: { problem: { code: "UnknownStep" } },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
