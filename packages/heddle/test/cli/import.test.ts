/** `heddle import`: what it prints and writes, its exit codes, and plans that run as the imported files say. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Rig } from "../support/command-line.ts";

const WORKFLOW = path.join(import.meta.dirname, "../plan/import/fixtures/workflow.yml");

const TASKS = `{ "tasks": [
  { "id": 1, "title": "Old", "status": "done" },
  { "id": 2, "title": "New", "dependencies": [1] },
  { "id": 3, "title": "Last", "dependencies": [2, 9] }
] }`;

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

describe("import", () => {
  test("prints the plan, and what it left out beside it", async () => {
    rig.write("tasks.json", TASKS);
    const { code, stdout, stderr } = await rig.heddle(["import", "tasks.json", "--lenient"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        "name: tasks\nsteps:\n  - id: '2'\n    description: New\n    agent: New\n  - id: '3'\n    description: Last\n    deps:\n      - '2'\n    agent: Last\n",
    });
    expect(stderr).toBe(`tasks.json:2:40: note: left out, done: 1
tasks.json:3:47: note: satisfied, since what they name is done: 2 -> 1
tasks.json:4:51: note: "3" depends on "9", and no task has this id; imported without this dependency
tasks.json: 3 tasks, 2 open with 3 dependencies: 2 steps
`);
  });

  test("refuses with 2 and the place in the file, and writes nothing", async () => {
    rig.write("tasks.json", TASKS);
    const { code, stdout, stderr } = await rig.heddle(["import", "tasks.json", "-o", "heddle.yaml"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(`tasks.json:4:51: error[UnknownDependency]: "3" depends on "9", and no task has this id
  4 |   { "id": 3, "title": "Last", "dependencies": [2, 9] }
    |                                                   ^
  hint: --lenient imports it without this dependency

1 problem
`);
    expect(rig.has("heddle.yaml")).toBe(false);
    const json = await rig.heddle(["import", "tasks.json", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      diagnostics: [{ code: "UnknownDependency", line: 4, column: 51 }],
    });
  });

  test("writes a file that `heddle plan` reads, and never over one", async () => {
    rig.write("tasks.json", TASKS);
    const written = await rig.heddle(["import", "tasks.json", "--lenient", "--include", "done", "-o", "heddle.yaml"]);
    expect(written).toMatchObject({ code: 0, stdout: "Wrote heddle.yaml. Next: heddle plan\n" });
    expect((await rig.heddle(["plan"])).stdout).toContain("Critical path: 1 -> 2 -> 3");
    const again = await rig.heddle(["import", "tasks.json", "--lenient", "-o", "heddle.yaml"]);
    expect({ code: again.code, stderr: again.stderr }).toEqual({
      code: 2,
      stderr: "error [PlanExists] heddle.yaml exists already\n  Remove it, or name another file with -o.\n",
    });
    await rig.heddle(["import", "tasks.json", "--lenient", "-o", "plan.json"]);
    expect(JSON.parse(rig.read("plan.json"))).toMatchObject({ name: "tasks", steps: [{ id: "2" }, { id: "3" }] });
    const nowhere = await rig.heddle(["import", "tasks.json", "--lenient", "-o", "no/where.yaml"]);
    expect({ code: nowhere.code, stderr: nowhere.stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[ProjectUnwritable] cannot write no/where.yaml") as string,
    });
  });

  test("gives document, notes with their places, and summary as JSON", async () => {
    rig.write("tasks.json", '{ "a": { "tasks": [{ "id": 1 }] }, "master": { "tasks": [{ "id": 2 }] } }');
    const { code, stdout } = await rig.heddle(["import", "tasks.json", "--tag", "a", "--json"]);
    expect({ code, shown: JSON.parse(stdout) as unknown }).toEqual({
      code: 0,
      shown: {
        document: { steps: [{ id: "1", agent: "Task 1" }] },
        notes: [
          {
            file: "tasks.json",
            line: 1,
            column: 57,
            message: 'left out: the tag "master" (1 task, 1 open; --tag master imports it)',
          },
        ],
        summary: "1 task, 1 open with 0 dependencies: 1 step",
      },
    });
    const refused = await rig.heddle(["import", "tasks.json", "--include", "later"]);
    expect({ code: refused.code, stderr: refused.stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected done, cancelled, deferred, blocked, review") as string,
    });
    expect((await rig.heddle(["import", "none.json"])).code).toBe(2);
  });

  test("shows the lines of each file that is wrong", async () => {
    rig.write("package.json", '{ "workspaces": ["*"] }');
    rig.write("a/package.json", '{ "name": "a",\n  "scripts": { "build": "x" }, "dependencies": { "b": "*" } }');
    rig.write("b/package.json", '{ "name": "b",\n  "scripts": { "build": "x" }, "dependencies": { "a": "*" } }');
    const { code, stderr } = await rig.heddle(["import", "package.json"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `b/package.json:2:50: error[CycleDetected]: packages depend on each other: a -> b -> a
  2 |   "scripts": { "build": "x" }, "dependencies": { "a": "*" } }
    |                                                  ^
  hint: remove one of these dependencies

1 problem
`,
    });
  });
});

describe("an imported workflow", () => {
  /** The fixture without what this machine may not have, or nobody answers. */
  const text = readFileSync(WORKFLOW, "utf8")
    .replace("npm run lint", "echo lint")
    .replace("npm ci", "echo installed")
    .replace("    environment: production\n", "");

  const statuses = (stdout: string): Record<string, string> => {
    const { steps } = JSON.parse(stdout) as { steps: { id: string; status: string }[] };
    return Object.fromEntries(steps.map(({ id, status }) => [id, status]));
  };

  test("runs as its jobs say: conditions, matrix, outputs, steps that may fail, secrets", async () => {
    rig.write("ci.yml", text);
    expect((await rig.heddle(["import", "ci.yml", "-o", "heddle.yaml"])).code).toBe(0);
    const first = await rig.heddle(["run", "--output", "stream"]);
    expect(first.code).toBe(0);
    for (const line of [
      "[test[0]/unit] node 18 on ubuntu-latest hello info",
      "[test[2]/unit] node 1.10 on macos-latest hello info",
      "[test[0]/Extra] extra 87",
      "[test[1]/Report] report for 1.10",
      "[notify] notify",
    ])
      expect(first.stdout).toContain(line);
    expect(statuses((await rig.heddle(["show", "--json"])).stdout)).toMatchObject({
      "test[1]/Extra": "skipped",
      "test[0]/Flaky": "failed",
      test: "succeeded",
      deploy: "skipped",
      notify: "succeeded",
      failed: "skipped",
    });
    const env = { GITHUB_REF: "refs/heads/main", GITHUB_SHA: "0a1b2c", DEPLOY_TOKEN: "a-secret-token" };
    const second = await rig.heddle(["run", "--output", "stream", "--param", "level=debug"], { env });
    expect(second.stdout).toContain("[deploy] deploying 3.2 at 0a1b2c with ***");
    expect(second.stdout).toContain("on macos-latest hello debug");
  });

  test("goes on where a job fails as GitHub does", async () => {
    rig.write("ci.yml", text.replace("echo lint", "exit 1"));
    await rig.heddle(["import", "ci.yml", "-o", "heddle.yaml"]);
    expect((await rig.heddle(["run"])).code).toBe(1);
    expect(statuses((await rig.heddle(["show", "--json"])).stdout)).toMatchObject({
      lint: "failed",
      test: "skipped",
      build: "skipped",
      deploy: "skipped",
      notify: "succeeded",
      failed: "succeeded",
    });
  });
});
