/** What is said next to what happened: the command to type, the log to read, and why there is none. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Rig } from "../support/command-line.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

async function latest(): Promise<string> {
  const { runs } = JSON.parse((await rig.heddle(["runs", "--json"])).stdout) as { runs: readonly { run: string }[] };
  return runs[0]?.run ?? "";
}

/** The lines behind the table. */
async function closing(command: readonly string[]): Promise<string> {
  const { stdout } = await rig.heddle(command);
  return stdout.slice(stdout.lastIndexOf("\n\n"));
}

describe("a run that waits for an answer", () => {
  beforeEach(async () => {
    rig.plan({
      steps: [
        { id: "ask", approve: "Ship?" },
        { id: "ship", deps: ["ask"], run: "echo shipped" },
      ],
    });
    await rig.heddle(["run"]);
  });

  test("names the answer, and the resume after it; once answered the resume alone", async () => {
    const run = await latest();
    for (const command of [[], ["show"]]) {
      expect(await closing(command)).toContain(
        `\nAnswer: heddle approve ${run} ask\nThen continue: heddle resume ${run}\n`,
      );
    }
    await rig.heddle(["approve"]);
    for (const command of [[], ["show"]]) {
      const said = await closing(command);
      expect(said).not.toContain("approve");
      expect(said).toContain(`\nContinue: heddle resume ${run}\n`);
    }
    const watched = await rig.heddle(["watch"]);
    expect(watched).toMatchObject({ code: 3, stdout: expect.stringContaining(`continue: heddle resume ${run}`) });
    expect(watched.stdout).not.toContain("answer: heddle");
  });

  test("a rejection has no log to read, and says so", async () => {
    await rig.heddle(["reject"]);
    const resumed = await rig.heddle(["resume"]);
    expect(resumed.code).toBe(1);
    expect(resumed.stdout).not.toContain("heddle logs");
    const logs = await rig.heddle(["logs", "ask"]);
    expect(logs).toMatchObject({ code: 1, stderr: expect.stringContaining("step ask has no log: it is an approval") });
  });
});

test("a run that a person paused is continued by unpause", async () => {
  const gate = rig.gate("a");
  rig.plan({ steps: [{ id: "a", run: gate.command }] });
  const running = rig.spawn(["run"]);
  await gate.reached();
  await rig.heddle(["pause"]);
  await running.says("Paused");
  expect(running.stdout).toMatch(/Paused: requested by \S+\. No new step starts until/);
  const run = await latest();
  for (const command of [[], ["show"]]) {
    const said = await closing(command);
    expect(said).toContain(`\nContinue: heddle unpause ${run}\n`);
    expect(said).not.toContain("heddle run\n");
  }
  await rig.heddle(["unpause"]);
  await gate.open();
  expect((await running.done).code).toBe(0);
});

test("the log that is named is that of what failed the run; a run that timed out says so", async () => {
  rig.plan({
    failure: "continue",
    steps: [
      { id: "may", run: "exit 1", optional: true },
      { id: "must", deps: [], after: ["may"], run: "exit 1" },
    ],
  });
  expect((await rig.heddle(["run"])).stdout).toMatch(/log: heddle logs \w+ must\n$/);
  rig.plan({ steps: [{ id: "long", run: "sleep 600" }] });
  expect((await rig.heddle(["run", "--timeout", "100ms"])).stdout).toMatch(/Run \w+ failed \(the run timed out\): /);
});

describe("logs", () => {
  test("why a step has none", async () => {
    rig.plan({
      steps: [
        { id: "each", forEach: ["x"], run: "echo item" },
        { id: "never", if: "false", run: "echo never" },
      ],
    });
    await rig.heddle(["run"]);
    const run = await latest();
    const none = async (...words: readonly string[]): Promise<string> => (await rig.heddle(["logs", ...words])).stderr;
    expect(await none("each")).toContain(
      `step each has no log of its own: it is a forEach\n  Its steps have: \`heddle logs ${run} 'each[0]'\``,
    );
    expect(await none("never")).toContain("step never has not run (it is skipped)");
    expect(await none("each[0]", "--attempt", "2")).toContain("step each[0] has no attempt 2: it had 1 attempt");
  });

  test("-f wants a step, or the only one that runs; one that has not started is waited for", async () => {
    const [first, second] = [rig.gate("first"), rig.gate("second")];
    rig.plan({
      steps: [
        { id: "a", run: `echo of a; ${first.command}` },
        { id: "b", deps: ["a"], run: `echo of b; ${second.command}` },
      ],
    });
    const running = rig.spawn(["run"]);
    await first.reached();
    const only = rig.spawn(["logs", "-f"]);
    await only.says("of a");
    const later = rig.spawn(["logs", "b", "-f"]);
    await later.says("has not started");
    await first.open();
    await later.says("of b");
    expect(await only.done).toMatchObject({ code: 0, stdout: "of a\n" });
    await second.reached();
    await second.open();
    expect(await later.done).toMatchObject({ code: 0, stdout: "of b\n" });
    await running.done;
    const over = await rig.heddle(["logs", "-f"]);
    expect(over).toMatchObject({ code: 2, stderr: expect.stringContaining("Name the step") });
  });
});

test("an undo that fails shows its last lines and its log; the sum is said once", async () => {
  rig.plan({ steps: [{ id: "a", run: "true", undo: "echo still there; exit 4" }] });
  await rig.heddle(["run"]);
  const { code, stdout, stderr } = await rig.heddle(["rollback"]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  expect(stdout).toMatch(/✗ its undo failed: .*exit code 4\n {4}still there\n {4}log: .*a\.0\.log\n/);
  expect(stdout.match(/Undone: /g)).toHaveLength(1);
});

test("a second run that goes on is named where the latest one has ended", async () => {
  const gate = rig.gate("a");
  rig.write("long.yaml", `name: long\nsteps:\n  - { id: a, run: ${JSON.stringify(gate.command)} }\n`);
  rig.plan({ steps: [{ id: "b", run: "true" }] });
  const running = rig.spawn(["run", "long.yaml"]);
  await gate.reached();
  const long = await latest();
  await rig.heddle(["run"]);
  for (const command of ["pause", "cancel"]) {
    const refused = await rig.heddle([command]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`Running now: ${long} of long: \`heddle ${command} ${long}\`.`);
  }
  expect((await rig.heddle(["cancel", long])).code).toBe(0);
  expect((await running.done).code).toBe(130);
});

test("the last run that is shown is the plan's own", async () => {
  rig.plan({ name: "mine", steps: [{ id: "a", run: "true" }] });
  await rig.heddle(["run"]);
  const mine = await latest();
  rig.write("other.yaml", "name: other\nsteps:\n  - { id: b, run: 'true' }\n");
  await rig.heddle(["run", "other.yaml"]);
  expect((await rig.heddle([])).stdout).toContain(`mine: 1 step; last run ${mine} succeeded`);
});

test("a finished run has nothing to resume, and says so", async () => {
  rig.plan({ steps: [{ id: "a", run: "true" }] });
  await rig.heddle(["run"]);
  const run = await latest();
  const { code, stdout } = await rig.heddle(["resume"]);
  expect(code).toBe(0);
  expect(stdout).toBe(
    `Run ${run} has succeeded already: 1 succeeded of 1 step. Run it again: heddle run heddle.json\n`,
  );
  // Its recorded result stands, whatever became of the file.
  writeFileSync(path.join(rig.dir, "heddle.json"), "{");
  const broken = await rig.heddle(["resume"]);
  expect(broken).toMatchObject({ code: 0, stdout: expect.stringContaining(`Run ${run} has succeeded already`) });
});

describe("what is typed wrongly", () => {
  test("forms of a report exclude each other, and numbers begin at 1", async () => {
    rig.plan({ steps: [{ id: "a", run: "true" }] });
    await rig.heddle(["run"]);
    const report = await rig.heddle(["report", "--html", "--trace"]);
    expect(report).toMatchObject({ code: 2, stdout: "" });
    expect(report.stderr).toContain("--html and --trace cannot be combined");
    for (const words of [
      ["runs", "--limit", "0"],
      ["replay", "--at", "0"],
    ])
      expect((await rig.heddle(words)).stderr).toContain("expected a whole number from 1");
  });

  test("a second step to start from", async () => {
    rig.plan({ steps: [{ id: "a", run: "true" }] });
    const { code, stderr } = await rig.heddle(["run", "--from", "a", "--from", "b"]);
    expect(code).toBe(2);
    expect(stderr).toContain("it takes one step, and a was given already");
  });

  test("a plan's file in the place of a command", async () => {
    rig.plan({ steps: [{ id: "a", run: "true" }] });
    for (const word of ["heddle.json", "nope.yaml"]) {
      const { code, stderr } = await rig.heddle([word]);
      expect(code).toBe(2);
      expect(stderr).toContain(`\`heddle run ${word}\``);
    }
    expect((await rig.heddle(["-x"])).stderr).toContain("`heddle --help`");
  });

  test("a plan that is not there is a diagnostic too", async () => {
    const { code, stdout } = await rig.heddle(["plan", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ diagnostics: [{ code: "PlanNotFound", severity: "error" }] });
  });

  test("a backup where nothing can be written says so", async () => {
    rig.plan({ steps: [{ id: "a", run: "true" }] });
    await rig.heddle(["run"]);
    const { stderr } = await rig.heddle(["backup", "no-folder/copy.db"]);
    expect(stderr).toContain("error [FileUnwritable] cannot write no-folder/copy.db");
  });
});

test("an error in a plan file that the plan names is shown with its line there", async () => {
  rig.plan({ steps: [{ id: "sub", plan: "./child.yaml" }] });
  writeFileSync(path.join(rig.dir, "child.yaml"), "rollback: all\nsteps: [{ id: a, run: x }]\n");
  const { code, stderr } = await rig.heddle(["plan"]);
  expect(code).toBe(2);
  expect(stderr).toContain("child.yaml:1:1: error[MisplacedKey]");
  expect(stderr).toContain("  1 | rollback: all\n    | ^");
});
