/** Task lists and phases: ids, dependencies, states, tags, texts, and what is said of all that is not taken over. */
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileTemplate } from "../../../src/plan/expression/cel.ts";
import { importPlan } from "../../../src/plan/import/plan-import.ts";
import { planOf } from "../helpers.ts";
import { edgesOf, imported, importedPlan, placeIn, readBack } from "./helpers.ts";

function fixture(name: string): string {
  return readFileSync(path.join(import.meta.dirname, "fixtures", name), "utf8");
}

/** A file with these tasks, one a line from line 2. */
function tasks(...lines: readonly object[]): string {
  return `{"tasks":[\n${lines.map((line) => JSON.stringify(line)).join(",\n")}\n]}`;
}

async function messagesOf(text: string, file = "tasks.json"): Promise<readonly string[]> {
  return (await imported(text, file)).diagnostics.map(({ message }) => message);
}

describe("dependencies", () => {
  test("on subtasks of other tasks, in either direction; an unknown id is refused in its place", async () => {
    const text = fixture("across-subtasks.json");
    expect(await imported(text, "tasks.json")).toMatchObject({
      errors: [`UnknownDependency ${placeIn(text, "99")}`],
      diagnostics: [{ message: '"4" depends on "99", and no task has this id' }],
    });
    const plan = await importedPlan(text, "tasks.json", { lenient: true });
    expect(edgesOf(plan)).toEqual(["1.2 -> 1.1", "2 -> 1.2", "3.1 -> 1.1"]);
    expect((await imported(text, "tasks.json", { lenient: true })).notes).toContain(
      `${placeIn(text, "99")} "4" depends on "99", and no task has this id; imported without this dependency`,
    );
  });

  test.each(["subtasks", "sub_tasks", "children", "tasks", "steps", "phases"])(
    "of the work inside of a phase, under `%s`, at any depth",
    async (key) => {
      const text = `phases:
  - id: one
    ${key}: [{ id: a, run: echo a }, { id: b, deps: [a], ${key}: [{ id: x }, { id: y, needs: x }] }]
  - { id: two, depends_on: one, run: echo two }
  - { id: three, needs: [one.b.x, one.a] }
`;
      const { notes, errors } = await imported(text, "phases.yaml");
      expect({ notes, errors }).toEqual({ notes: [], errors: [] });
      const plan = await importedPlan(text, "phases.yaml");
      expect(plan.steps.map(({ id }) => id)).toEqual(["one.a", "one.b.x", "one.b.y", "two", "three"]);
      expect(edgesOf(plan)).toEqual([
        "one.b.x -> one.a",
        "one.b.y -> one.b.x",
        "one.b.y -> one.a",
        "two -> one.a",
        "two -> one.b.x",
        "two -> one.b.y",
        "three -> one.b.x",
        "three -> one.a",
      ]);
      expect(plan.steps[0]?.action).toEqual({ kind: "run", command: "echo a" });
    },
  );

  test("a list of texts under such a name is no work, and is said; phases beside tasks are refused", async () => {
    const texts = "tasks: [{ id: 1, title: a, steps: [read, write] }]";
    expect(await imported(texts, "tasks.yaml")).toMatchObject({
      errors: [],
      notes: [`${placeIn(texts, "steps")} not imported: "steps" (of 1 task)`],
    });
    const both = "phases: [{ id: a, run: x }]\ntasks: [{ id: b, title: b }]\n";
    expect(await imported(both, "tasks.yaml")).toMatchObject({ errors: [`UnknownForm ${placeIn(both, "[{ id: a")}`] });
  });

  test("of subtasks with full ids", async () => {
    const plan = await importedPlan(fixture("full-subtask-ids.json"), "tasks.json");
    expect(plan.steps.map(({ id, deps, group }) => ({ id, deps, group }))).toEqual([
      { id: "92.1", deps: undefined, group: "92" },
      { id: "92.2", deps: ["92.1"], group: "92" },
    ]);
  });

  test("a number keeps its text: 1.10 is neither 1.1 nor another id", async () => {
    const big = "12345678901234567890";
    for (const [file, text] of [
      ["tasks.json", `{"tasks":[{"id":1.1},{"id":1.10},{"id":${big}},{"id":2,"dependencies":[1.10,${big}]}]}`],
      ["tasks.yaml", `tasks: [{id: 1.1}, {id: 1.10}, {id: ${big}}, {id: 2, dependencies: [1.10, ${big}]}]`],
      ["tasks.yaml", `tasks: [{id: 1.1}, {id: 1.10}, {id: ${big}}, {id: 2, dependencies: "1.10 ${big}"}]`],
    ] as const) {
      expect(edgesOf(await importedPlan(text, file))).toEqual(["2 -> 1.10", `2 -> ${big}`]);
    }
  });

  test("between tasks and subtasks of one number mean the subtask, and are refused where either may be meant", async () => {
    const local = tasks(
      { id: 1, title: "a" },
      { id: 2, title: "b", subtasks: [{ id: 1 }, { id: 2, dependencies: [1] }] },
    );
    expect(edgesOf(await importedPlan(local, "tasks.json"))).toEqual(["2.2 -> 2.1"]);
    const full = local
      .replace('"id":2,"dependencies"', '"id":"2.2","dependencies"')
      .replace('[{"id":1}', '[{"id":"2.1"}');
    expect(await imported(full, "tasks.json")).toMatchObject({
      errors: [`AmbiguousDependency ${placeIn(full, "1]")}`],
      diagnostics: [{ message: '"1", which "2.2" names, is a task and "2.1"' }],
    });
    expect(edgesOf(await importedPlan(full, "tasks.json", { lenient: true }))).toEqual(["2.2 -> 2.1"]);
    const alone = tasks({ id: 7, title: "a" }, { id: 2, title: "b", subtasks: [{ id: 1, dependencies: [7] }] });
    expect(await imported(alone, "tasks.json")).toMatchObject({
      notes: [`${placeIn(alone, "7]")} "7" is taken as a task: "2" has no subtask of this id`],
    });
  });

  test("a task on its own subtask holds anyway, a subtask on its task never", async () => {
    const down = tasks({ id: 1, title: "a", dependencies: ["1.1"], subtasks: [{ id: 1 }, { id: 2 }] });
    const result = await imported(down, "tasks.json");
    expect(result.plan === undefined ? [] : edgesOf(result.plan)).toEqual([]);
    expect(result.notes).toEqual([
      `${placeIn(down, '"1.1"')} "1" depends on its own subtask "1.1", which holds anyway`,
    ]);
    const up = tasks({ id: 5, title: "a", subtasks: [{ id: 1, dependencies: [5] }, { id: 2 }] });
    expect(await imported(up, "tasks.json")).toMatchObject({
      errors: [`SelfDependency ${placeIn(up, "5]")}`],
      diagnostics: [{ message: '"5.1" depends on "5", which it is in' }],
    });
  });

  test("in a circle are refused once, where they stand", async () => {
    const parts = [{ id: 1 }, { id: 2 }, { id: 3 }];
    const text = tasks(
      { id: 1, dependencies: [2], subtasks: parts },
      { id: 2, dependencies: [3], subtasks: parts },
      { id: 3, dependencies: [1], subtasks: parts },
    );
    const { errors, diagnostics } = await imported(text, "tasks.json");
    expect(errors).toEqual([`CycleDetected ${placeIn(text, "1],")}`]);
    for (const dep of ["2],", "3],"]) expect(diagnostics[0]?.message).toContain(`tasks.json:${placeIn(text, dep)}`);
  });

  test("a misspelt id is answered with the nearest, one of another tag with the tag", async () => {
    const text = tasks({ id: "setup" }, { id: "api", dependencies: ["stup"] });
    expect((await imported(text, "tasks.json")).diagnostics[0]?.hint).toContain('did you mean "setup"?');
    const tagged = '{"master":{"tasks":[{"id":1,"dependencies":[8]}]},"next":{"tasks":[{"id":8}]}}';
    expect((await imported(tagged, "tasks.json")).diagnostics[0]?.hint).toContain('it is in the tag "next"');
  });
});

describe("ids", () => {
  test("two that would be one step are refused, each with both places", async () => {
    const text = fixture("colliding-ids.json");
    expect(await imported(text, "tasks.json")).toMatchObject({
      errors: [`DuplicateStep ${placeIn(text, '"a-b"')}`, `DuplicateStep ${placeIn(text, '1,"title":"w1"')}`],
      diagnostics: [
        { message: `"a-b" and "a b" (tasks.json:${placeIn(text, '"a b"')}) would both be the step "a-b"` },
        { message: `tasks.json:${placeIn(text, '"1.1"')} already has a task "1.1"` },
      ],
    });
  });

  test("that steps cannot have are changed, with a note, and their dependents with them", async () => {
    const text = tasks({ id: "set up: db" }, { id: "api", dependencies: ["set up: db"] });
    const { plan, notes } = await imported(text, "tasks.json");
    expect(plan?.steps.map(({ id, deps }) => [id, deps])).toEqual([
      ["set-up-db", undefined],
      ["api", ["set-up-db"]],
    ]);
    expect(notes).toEqual([`${placeIn(text, '"set up: db"')} "set up: db" is the step "set-up-db"`]);
  });
});

describe("states", () => {
  test("what is done, cancelled, put off or in review is no work, and each is said", async () => {
    const text = fixture("states.json");
    const { plan, notes } = await imported(text, "tasks.json");
    expect(plan?.steps.map(({ id, action }) => [id, action.kind])).toEqual([
      ["3", "agent"],
      ["7", "approve"],
    ]);
    expect(notes).toEqual([
      `${placeIn(text, '"done"')} left out, done: 1, 6`,
      `${placeIn(text, '1,"title":"open sub"')} "1.1" is left out with "1", which is done`,
      `${placeIn(text, '"cancelled"')} left out, cancelled: 2`,
      `${placeIn(text, "2]}")} "3" depends on "2", which is cancelled: it does not wait for it`,
      `${placeIn(text, '"deferred"', 1)} left out, deferred: 4 (--include deferred imports them as work)`,
      `${placeIn(text, '"blocked"', 1)} left out, blocked: 5 (--include blocked imports them as work)`,
      `${placeIn(text, '"review"', 1)} in review, so an approval instead of work: 7 (--include review imports them as work)`,
    ]);
  });

  test("--include imports them as work", async () => {
    const kindsOf = async (include: readonly ("done" | "deferred" | "blocked" | "review" | "cancelled")[]) =>
      (await importedPlan(fixture("states.json"), "tasks.json", { include })).steps.map(({ id, action: { kind } }) =>
        kind === "agent" ? id : `${id} ${kind}`,
      );
    expect(await kindsOf(["deferred"])).toEqual(["3", "4", "7 approve"]);
    expect(await kindsOf(["review", "blocked"])).toEqual(["3", "5", "7"]);
    expect(await kindsOf(["done"])).toEqual(["1.1", "3", "6", "7 approve"]);
    expect(await kindsOf(["cancelled"])).toEqual(["2", "3", "7 approve"]);
  });

  test("an open task that depends on one put off is refused; lenient, it does not wait", async () => {
    const text = tasks(
      { id: 1, status: "deferred" },
      { id: 2, dependencies: [1] },
      { id: 3, subtasks: [{ id: 1, status: "blocked" }, { id: 2 }] },
      { id: 4, dependencies: [3] },
    );
    expect(await imported(text, "tasks.json")).toMatchObject({
      errors: [`DependsOnLeftOut ${placeIn(text, "1]")}`, `DependsOnLeftOut ${placeIn(text, "3]")}`],
      diagnostics: [
        { message: '"2" depends on "1", which is deferred and left out' },
        { message: '"4" depends on "3", of which "3.1" is blocked and left out' },
      ],
    });
    expect(edgesOf(await importedPlan(text, "tasks.json", { lenient: true }))).toEqual(["4 -> 3.2"]);
    expect(edgesOf(await importedPlan(text, "tasks.json", { include: ["deferred", "blocked"] }))).toEqual([
      "2 -> 1",
      "4 -> 3.1",
      "4 -> 3.2",
    ]);
  });

  test("of a task and its subtasks: what is left is what is open", async () => {
    const text = tasks(
      {
        id: 1,
        status: "pending",
        subtasks: [
          { id: 1, status: "done" },
          { id: 2, status: "cancelled" },
        ],
      },
      {
        id: 2,
        status: "in-progress",
        subtasks: [
          { id: 1, status: "done" },
          { id: 2, status: "deferred" },
        ],
      },
      {
        id: 3,
        status: "review",
        subtasks: [
          { id: 1, status: "pending" },
          { id: 2, status: "done" },
        ],
      },
      { id: 4, dependencies: [3, 1] },
      { id: 5, status: "In Progress", completed: true },
    );
    const { plan, notes } = await imported(text, "tasks.json");
    expect(plan?.steps.map(({ id, action, deps }) => [id, action.kind, deps])).toEqual([
      ["1", "agent", undefined],
      ["3.1", "agent", undefined],
      ["3", "approve", ["3.1"]],
      ["4", "agent", ["3", "1"]],
    ]);
    const sentences = notes.map((note) => note.replace(/^\S+ /, ""));
    expect(sentences).toContain('the subtasks of "1" are done: what is left is a step of its own');
    expect(sentences).toContain("left out, deferred: 2, 2.2 (--include deferred imports them as work)");
    expect(sentences).toContain("left out, done: 1.1, 2.1, 3.2, 5");
  });

  test("satisfied dependencies are said, an unknown status is taken as open and said", async () => {
    const text = tasks({ id: 1, status: "DONE" }, { id: 2, status: "brewing", dependencies: [1] });
    expect((await imported(text, "tasks.json")).notes.map((note) => note.replace(/^\S+ /, ""))).toEqual([
      "left out, done: 1",
      'the status "brewing" is not known: taken as open',
      "satisfied, since what they name is done: 2 -> 1",
    ]);
  });
});

describe("tags", () => {
  const two = '{"next":{"tasks":[{"id":1,"title":"N"}]},"master":{"tasks":[{"id":1,"title":"M"}]},"version":3}';
  const titleOf = async (text: string, tag?: string): Promise<string | undefined> =>
    (await importedPlan(text, "tasks.json", tag === undefined ? {} : { tag })).steps[0]?.description;

  test("master is imported where none is named, and the others are listed", async () => {
    expect(await titleOf(two)).toBe("M");
    expect(await titleOf(two, "next")).toBe("N");
    expect((await imported(two, "tasks.json")).notes).toEqual([
      `${placeIn(two, "[{")} left out: the tag "next" (1 task, 1 open; --tag next imports it)`,
      `${placeIn(two, '"version"')} not imported: "version"`,
    ]);
  });

  test("without a master, or with a name that is not there, they are listed in the error", async () => {
    const renamed = two.replace("master", "later");
    expect(await imported(renamed, "tasks.json")).toMatchObject({
      errors: ["UnknownTag 1:1"],
      diagnostics: [{ message: "the file has several tags: next (1 task, 1 open), later (1 task, 1 open)" }],
    });
    expect(await imported(two, "tasks.json", { tag: "nxt" })).toMatchObject({
      diagnostics: [
        { message: 'the file has no tag "nxt"', hint: "it has next (1 task, 1 open), master (1 task, 1 open)" },
      ],
    });
    expect(await titleOf(tasks({ id: 1, title: "T" }), "master")).toBe("T");
    expect((await imported("phases: [{id: a}]", "p.yaml", { tag: "x" })).errors).toEqual(["UnknownTag 1:1"]);
  });

  test("one without open tasks names those that have some", async () => {
    const text = fixture("tags.json");
    expect(await imported(text, "tasks.json")).toMatchObject({
      errors: [`NothingToImport ${placeIn(text, "[{")}`],
      diagnostics: [{ hint: expect.stringContaining("--tag imports another tag: feature (1 task, 1 open)") as string }],
    });
  });
});

describe("texts", () => {
  test("of a task reach the steps of its subtasks, and its test is their acceptance only where it is theirs", async () => {
    const text = tasks({
      id: 1,
      title: "Whole",
      description: "About it",
      details: "In detail",
      testStrategy: "Try it",
      priority: "high",
      subtasks: [{ id: 1, title: "Part", acceptanceCriteria: ["works", "is fast"], testStrategy: "Try the part" }],
    });
    expect((await importedPlan(text, "tasks.json")).steps).toEqual([
      {
        id: "1.1",
        description: "Part",
        acceptance: ["works", "is fast", "Try the part"],
        group: "1",
        priority: 2,
        action: {
          kind: "agent",
          prompt: [
            "Part",
            "Acceptance criteria:\n- works\n- is fast",
            "How it is tested: Try the part",
            "This is a part of the following task. Do this part only.",
            "Whole",
            "About it",
            "In detail",
            "How it is tested: Try it",
          ].join("\n\n"),
        },
      },
    ]);
  });

  test("with ${{ are literal, in prompts and questions", async () => {
    const details = "NODE_AUTH_TOKEN: ${{ secrets.NPM_TOKEN }}, ${{ run.id }}, ${{ '}}' and ${{";
    for (const status of ["pending", "review"]) {
      const text = tasks({ id: 1, title: details, details, status });
      const [step] = (await readBack(await importedPlan(text, "tasks.json"))).steps;
      const written = step?.action.kind === "agent" ? step.action.prompt : "";
      const question = step?.action.kind === "approve" ? step.action.question : "";
      const template = compileTemplate(written + question);
      const read = template.ok ? template.value.evaluate({}) : template;
      expect(read).toMatchObject({ ok: true, value: expect.stringContaining(details) as string });
    }
  });

  test("of any kind come back as they were", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("${{", "}}", "'", '"', "\\", "$", "{", "x", " ", "\n")),
        async (parts) => {
          const details = `a${parts.join("")}z`;
          const [step] = (await readBack(await importedPlan(tasks({ id: 1, details }), "tasks.json"))).steps;
          const template = compileTemplate(step?.action.kind === "agent" ? step.action.prompt : "");
          expect(template.ok ? template.value.evaluate({}) : template).toEqual({ ok: true, value: details });
        },
      ),
      { numRuns: 100 },
    );
  });

  test("and fields of no use to a plan are named with their number", async () => {
    const text = tasks({ id: 1, complexity: 3, notes: "" }, { id: 2, complexity: 4, priority: "soon", owner: "x" });
    expect((await imported(text, "tasks.json")).notes).toEqual([
      `${placeIn(text, '"complexity"')} not imported: "complexity" (of 2 tasks)`,
      `${placeIn(text, '"soon"')} not imported: the priority "soon"`,
      `${placeIn(text, '"owner"')} not imported: "owner" (of 1 task)`,
    ]);
  });
});

describe("phases", () => {
  test("keep every name of a key that plans know, and their commands", async () => {
    const plan = await importedPlan(fixture("phases.yaml"), "phase_plan.yaml");
    expect(plan.steps).toEqual([
      { id: "a", action: { kind: "run", command: "echo a" } },
      { id: "b", deps: ["a"], action: { kind: "run", command: "echo b" } },
      { id: "c", description: "third", deps: ["b"], action: { kind: "agent", prompt: "third" } },
    ]);
  });

  test.each([
    ["run", "x"],
    ["agent", "do it"],
    ["call", "./m.ts"],
    ["approve", "ok?"],
    ["plan", "./other.yaml"],
    ["sleep", "1h"],
    ["signal", "go"],
  ])("with an action are what `heddle plan` reads: %s", async (key, value) => {
    const text = `phases:\n- {id: a, ${key}: '${value}'}\n- {id: b, description: d, deps: a, ${key}: '${value}'}\n`;
    expect(await importedPlan(text, "phase_plan.yaml")).toEqual(await planOf(text, { file: "imported.yaml" }));
  });

  test("with keys of plans alone are the plan that `heddle plan` reads", async () => {
    for (const text of [
      fixture("phases.yaml"),
      "name: n\nmaxConcurrency: 2\nparams: {p: {type: string, default: x}}\nphases:\n- {id: '1.10', run: a, env: {VER: '1.10', P: '${{ params.p }}'}, retry: 2, if: params.p == 'x'}\n- {id: 1.1, parallel_group: g, depends_on: '1.10', agent: {prompt: do, expect: none}, timeout: 1m}\n",
      "params: {v: {type: string, default: 1.10}}\nphases:\n- {id: 1.10, forEach: [1.10, {a: 0x1F}], run: x, env: {A: TRUE}}\n- {id: 1.1, deps: 1.10, call: m, with: {id: 5, n: 1.50}}",
      "phases:\n- {id: a, epic: 3, approve: ok?}\n- {id: b, needs: [a], after: a, run: 'true', verify: x, labels: [y], priority: 3}\n- {id: c, deps: b, plan: {steps: [{id: x, run: y}]}}\n",
    ]) {
      const read = await planOf(text, { file: "imported.yaml" });
      expect(await importedPlan(text, "phase_plan.yaml")).toEqual(read);
    }
  });

  test("numbers inside are text where they are ids or variables", async () => {
    const text =
      "phases:\n- {id: a, run: x, env: {VER: 1.10, N: 5}}\n- {id: b, plan: {steps: [{id: 1.10, run: y}, {id: 1.1, run: y, deps: [1.10]}]}}";
    expect((await importedPlan(text, "p.yaml")).steps).toMatchObject([
      { env: { VER: "1.10", N: "5" } },
      { action: { plan: { steps: [{ id: "1.10" }, { id: "1.1", deps: ["1.10"] }] } } },
    ]);
  });

  test("of a phase plan: names, criteria, test commands, groups", async () => {
    const text = fixture("phase-plan.yaml");
    const { plan, notes } = await imported(text, "phase_plan.yaml");
    expect(plan?.steps).toMatchObject([
      { id: "p2", description: "API", group: "g", verify: ["npm test"] },
      { id: "p3", description: "UI", deps: ["p2"] },
    ]);
    expect(notes).toEqual([
      '1:1 not imported: "project"',
      "7:13 left out, done: p1",
      "10:20 satisfied, since what they name is done: p2 -> p1",
    ]);
    const named = "phases: [{id: a, name: A, description: first, acceptance_criteria: [fast], branch: x}]";
    expect(await imported(named, "p.yaml")).toMatchObject({
      plan: {
        steps: [
          {
            description: "A: first",
            acceptance: ["fast"],
            action: { prompt: "A\n\nfirst\n\nAcceptance criteria:\n- fast" },
          },
        ],
      },
      notes: ['1:76 not imported: "branch" (of 1 phase)'],
    });
  });

  test("a number that would be rounded is refused in its place", async () => {
    const text = "phases:\n- { id: a, call: m, with: { big: 12345678901234567891 } }\n";
    expect((await imported(text, "p.yaml")).errors).toEqual(["NumberTooLarge 2:34"]);
  });

  test("a block of text has the place of its first character", async () => {
    const text = "phases:\n  - id: a\n    run: |\n\n      echo ${{ params.x }}\n";
    expect((await imported(text, "p.yaml")).errors).toEqual(["ExpressionInCommand 5:7"]);
  });

  test("what plans refuse is refused in its place", async () => {
    const text = "phases:\n  - { id: a, run: 'echo ${{ params.x }}' }\n  - { id: b, run: x, retry: { atempts: 2 } }\n";
    expect((await imported(text, "p.yaml")).errors).toEqual(["ExpressionInCommand 2:19", "UnknownKey 3:31"]);
  });
});

describe("other files", () => {
  test("are refused with what they are", async () => {
    expect((await imported("a: 1", "x.yaml")).errors).toEqual(["UnknownForm 1:1"]);
    expect((await imported("a: [", "x.yaml")).errors).toEqual(["InvalidYaml 1:5"]);
    expect(await messagesOf("steps: [{id: a, run: x}]", "heddle.yaml")).toEqual([
      "this is a plan already, not a file of another tool",
    ]);
    expect(await messagesOf("tasks: {}\n", "x.yaml")).toEqual(["the list has no tasks"]);
    expect(await messagesOf("phases: later\n", "x.yaml")).toEqual(["`phases`: expected a list"]);
  });

  test("a key that JSON has twice is refused: one of two values would be lost", async () => {
    const text = '{"tasks":[{"id":1,"title":"a","title":"b"}],"tasks":[]}';
    expect((await imported(text, "tasks.json")).errors).toEqual(["DuplicateKey 1:31"]);
  });

  test("notes and errors are said once", async () => {
    const result = await importPlan({ text: tasks({ id: 1, dependencies: [9, 9, "9"] }), file: "tasks.json" });
    expect(result.ok ? [] : result.error.map(({ column }) => column)).toEqual([25, 27, 29]);
  });
});
