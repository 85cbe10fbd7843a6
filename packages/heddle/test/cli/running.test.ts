/** Running, failing, waiting, cancelling and going on, through real processes: exit codes and what the journal says after. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { jsonLines, Rig, type Gate } from "../support/command-line.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

interface Shown {
  readonly run: string;
  readonly status: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly steps: readonly {
    readonly id: string;
    readonly status: string;
    readonly attempts: number;
    readonly cause?: string;
  }[];
}

async function show(): Promise<Shown> {
  const { stdout } = await rig.heddle(["show", "--json"]);
  return JSON.parse(stdout) as Shown;
}

function statuses({ steps }: Shown): Record<string, string> {
  return Object.fromEntries(steps.map(({ id, status }) => [id, status]));
}

test("a command has a file of its deps' outputs where it has deps, also where none of them ran", async () => {
  const told = (id: string, deps?: readonly string[]): object => ({
    id,
    deps,
    run: `cat "\${HEDDLE_DEPS-/dev/null}" > ${id}.seen`,
  });
  rig.plan({
    steps: [
      { id: "done", run: "echo 1 > $HEDDLE_OUTPUT" },
      { id: "off", if: "false", run: "true" },
      told("both", ["done", "off"]),
      told("skipped", ["off"]),
      told("alone"),
    ],
  });
  expect((await rig.heddle(["run"])).code).toBe(0);
  expect(["both", "skipped", "alone"].map((id) => rig.read(`${id}.seen`))).toEqual(['{"done":1}\n', "{}\n", ""]);
});

describe("a failed run", () => {
  const plan = {
    failure: "continue",
    steps: [
      { id: "good", run: "echo x >> good.count" },
      { id: "bad", run: "echo first; echo the last line; test -e fixed" },
      { id: "behind", deps: ["bad"], run: "true" },
    ],
  };

  test("ends with 1, names the failure again with its log, and what to type", async () => {
    rig.plan(plan);
    const { code, stdout } = await rig.heddle(["run"]);
    expect(code).toBe(1);
    const closing = stdout.slice(stdout.lastIndexOf("✗ bad failed"));
    // Printed once: it stands just above.
    expect(stdout.match(/ {4}the last line\n/g)).toHaveLength(1);
    expect(closing).toMatch(/log: .*bad\.1\.log\n/);
    expect(closing).toMatch(/heddle resume \w+\n/);
    expect(closing).toMatch(/heddle logs \w+ bad\n/);
    expect(closing).toMatch(/sequentially/);
    expect(stdout).toContain("[behind] ⊘ skipped: bad did not succeed");
    expect(statuses(await show())).toEqual({ good: "succeeded", bad: "failed", behind: "skipped" });
  });

  test("a resume keeps what succeeded; the next run names the resume in one line", async () => {
    rig.plan(plan);
    await rig.heddle(["run"]);
    const { run } = await show();
    const second = await rig.heddle(["run"]);
    expect(second.stderr.split("\n").filter((line) => line.includes(`heddle resume ${run}`))).toHaveLength(1);
    rig.write("fixed", "");
    const resumed = await rig.heddle(["resume", run]);
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toContain("[bad] ▶ started, attempt 2");
    expect(rig.read("good.count")).toBe("x\nx\n");
    expect((await rig.heddle(["resume", run])).code).toBe(0);
    expect((await rig.heddle(["retry", run])).code).not.toBe(1);
    expect(rig.read("good.count")).toBe("x\nx\n");
  });

  test("output: grouped blocks, streamed lines, errors only, quiet", async () => {
    rig.plan(plan);
    const grouped = (await rig.heddle(["run", "--output", "grouped"])).stdout;
    expect(grouped).toMatch(/\[bad\] ✗ failed after .*\n {4}first\n {4}the last line\n/);
    const streamed = (await rig.heddle(["run", "--output", "stream"])).stdout;
    expect(streamed).toMatch(/\[bad\] first\n\[bad\] the last line\n/);
    const errors = (await rig.heddle(["run", "--output", "errors"])).stdout;
    expect(errors).not.toContain("[good]");
    expect(errors).toMatch(/\[bad\] ✗ failed after .*\n {4}first\n/);
    rig.plan({ steps: [{ id: "good", run: "echo x" }] });
    const quiet = await rig.heddle(["run", "--output", "quiet"]);
    expect(quiet).toMatchObject({ code: 0, stdout: "", stderr: "" });
    rig.write(
      "undo.yaml",
      "rollback: all\nsteps:\n - { id: up, run: 'true', undo: exit 4 }\n - { id: bad, deps: [up], run: exit 3 }\n",
    );
    const undone = await rig.heddle(["run", "undo.yaml", "--output", "quiet"]);
    expect(undone.stdout).toContain("[up] ✗ its undo failed: the command ended with exit code 4");
  });
});

describe("a person's answer", () => {
  const plan = {
    steps: [
      { id: "ask", approve: "Ship it?" },
      { id: "other", run: "true" },
      { id: "ship", deps: ["ask"], run: "touch shipped" },
    ],
  };

  test("without a terminal the rest goes on, the command ends with 3, and approve and resume go on", async () => {
    rig.plan(plan);
    const { code, stdout } = await rig.heddle(["run"]);
    expect(code).toBe(3);
    expect(stdout).toMatch(/heddle approve \w+ ask/);
    const waiting = await show();
    expect(waiting.status).toBe("waiting");
    expect(statuses(waiting)).toEqual({ ask: "needs-approval", other: "succeeded", ship: "waiting" });
    expect((await rig.heddle(["approve", waiting.run, "other"])).code).toBe(2);
    expect((await rig.heddle(["approve", "--comment", "fine"])).code).toBe(0);
    expect((await rig.heddle(["approve"])).code).toBe(2);
    expect((await rig.heddle(["resume"])).code).toBe(0);
    expect(rig.has("shipped")).toBe(true);
    const given = jsonLines((await rig.heddle(["history", "--json"])).stdout).find(
      (event) => event["type"] === "approval.given",
    );
    expect(given?.["data"]).toMatchObject({ decision: "approve", comment: "fine" });
  });

  test("a no fails the step", async () => {
    rig.plan(plan);
    await rig.heddle(["run"]);
    expect((await rig.heddle(["reject", "ask"])).code).toBe(0);
    expect((await rig.heddle(["resume"])).code).toBe(1);
    expect(rig.has("shipped")).toBe(false);
  });

  test("--wait stays for an answer from elsewhere", async () => {
    rig.plan(plan);
    const run = rig.spawn(["run", "--wait"]);
    await run.says("asks: Ship it?");
    expect((await rig.heddle(["approve", "ask"])).code).toBe(0);
    expect((await run.done).code).toBe(0);
    expect(rig.has("shipped")).toBe(true);
  });

  test("a resume asks again what is still open, with and without a terminal", async () => {
    rig.plan(plan);
    expect((await rig.heddle(["run"])).code).toBe(3);
    const elsewhere = await rig.heddle(["resume"]);
    expect(elsewhere).toMatchObject({ code: 3, stdout: expect.stringContaining("[ask] ? asks: Ship it?") });
    const resumed = rig.onTerminal(["resume"], { columns: 80, rows: 24 });
    await resumed.says("[y/n]");
    rig.type(resumed, "y\r");
    expect((await resumed.done).code).toBe(0);
    expect(rig.has("shipped")).toBe(true);
  });

  test("what was typed on the terminal before it is asked is no answer, and is not shown", async () => {
    const gate = rig.gate("build");
    rig.plan({
      steps: [
        { id: "build", run: gate.command },
        { id: "ask", deps: ["build"], approve: "Ship it?" },
      ],
    });
    const run = rig.onTerminal(["run"], { columns: 80, rows: 24 });
    await gate.reached();
    await run.says("build ");
    rig.type(run, "typed\ry\r");
    await gate.open();
    await run.says("[y/n]");
    rig.type(run, "no\r");
    const { code, stdout } = await run.done;
    expect(code).toBe(1);
    expect(stdout).toContain("rejected by");
    expect(stdout).not.toContain("typed");
  });

  test("on a terminal it is asked for, and a line answers", async () => {
    rig.plan(plan);
    const run = rig.onTerminal(["run"], { columns: 80, rows: 24 });
    await run.says("[y/n]");
    rig.type(run, "y\r");
    const { code, stdout } = await run.done;
    expect(code).toBe(0);
    expect(rig.has("shipped")).toBe(true);
    expect(stdout.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
  });
});

describe("layer by layer", () => {
  const plan = {
    steps: [
      { id: "a", run: "touch a.ran" },
      { id: "b", deps: ["a"], run: "touch b.ran" },
    ],
  };

  test("--interactive asks before each layer; a no ends the run, which can be resumed", async () => {
    rig.plan(plan);
    const run = rig.onTerminal(["run", "--interactive"], { columns: 80, rows: 24 }, { env: { NO_COLOR: "1" } });
    await run.says("Start layer 1 (a)? [y/n]");
    expect(rig.has("a.ran")).toBe(false);
    rig.type(run, "y\r");
    await run.says("Start layer 2 (b)? [y/n]");
    expect(rig.has("a.ran")).toBe(true);
    rig.type(run, "n\r");
    expect((await run.done).code).toBe(130);
    expect(rig.has("b.ran")).toBe(false);
    expect((await rig.heddle(["resume"])).code).toBe(0);
    expect(rig.has("b.ran")).toBe(true);
  });

  test("it needs a terminal", async () => {
    rig.plan(plan);
    expect((await rig.heddle(["run", "--interactive"])).code).toBe(2);
    expect(rig.has(".heddle")).toBe(false);
  });
});

describe("ending early", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("%s: cancelled, exit code 130, resumable", async (signal) => {
    const gate = rig.gate("step");
    rig.plan({
      steps: [
        { id: "slow", run: `test -e again || { ${gate.command}; }` },
        { id: "after", deps: ["slow"], run: "true" },
      ],
    });
    const run = rig.spawn(["run"]);
    await gate.reached();
    run.kill(signal);
    expect(await run.done).toMatchObject({ code: 130, signal: null });
    expect(await show()).toMatchObject({ status: "cancelled", counts: { cancelled: 1, waiting: 1 } });
    rig.write("again", "");
    expect((await rig.heddle(["resume"])).code).toBe(0);
  });

  test("SIGHUP without a terminal says nothing about the run, which goes on", async () => {
    const gate = rig.gate("step");
    rig.plan({ steps: [{ id: "slow", run: gate.command }] });
    const run = rig.spawn(["run"]);
    await gate.reached();
    run.kill("SIGHUP");
    await gate.open();
    expect(await run.done).toMatchObject({ code: 0, signal: null });
  });

  test("a second Ctrl-C does not wait for the grace", async () => {
    const gate = rig.gate("step");
    rig.plan({
      grace: "60s",
      steps: [{ id: "stubborn", run: `trap '' TERM; ${gate.command}; while :; do sleep 1; done` }],
    });
    const run = rig.spawn(["run"]);
    await gate.reached();
    await gate.open();
    run.kill("SIGINT");
    await run.says("Ctrl-C again");
    run.kill("SIGINT");
    expect(await run.done).toMatchObject({ code: 130 });
    expect(await show()).toMatchObject({ status: "cancelled" });
  });

  test("a killed engine leaves an interrupted run, which resumes", async () => {
    const gate = rig.gate("step");
    rig.plan({
      steps: [
        { id: "first", run: "echo x >> first.count" },
        { id: "slow", deps: ["first"], run: `test -e again || { ${gate.command}; }` },
      ],
    });
    const run = rig.spawn(["run"]);
    await gate.reached();
    run.kill("SIGKILL");
    await run.done;
    const interrupted = await show();
    expect(interrupted).toMatchObject({ status: "interrupted", counts: { succeeded: 1, running: 0, waiting: 1 } });
    expect(statuses(interrupted)).toEqual({ first: "succeeded", slow: "interrupted" });
    const { runs } = JSON.parse((await rig.heddle(["runs", "--json"])).stdout) as { runs: Shown[] };
    expect(runs[0]).toMatchObject({ status: "interrupted", counts: { running: 0, waiting: 1 } });
    rig.write("again", "");
    expect((await rig.heddle(["resume"])).code).toBe(0);
    expect(rig.read("first.count")).toBe("x\n");
  });

  test("retry runs steps again that are named, of the run that is named or of the latest, and takes other values", async () => {
    rig.plan({
      params: { v: { type: "string", default: "1" } },
      maxConcurrency: 1,
      steps: [
        { id: "a", run: "echo a >> count" },
        { id: "b", deps: ["a"], run: "echo b$V >> count", env: { V: "${{ params.v }}" } },
      ],
    });
    expect((await rig.heddle(["run"])).code).toBe(0);
    const [{ run }] = JSON.parse((await rig.heddle(["runs", "--json"])).stdout).runs as [{ run: string }];
    const heddle = async (...words: readonly string[]) => {
      const { code, stderr } = await rig.heddle(words);
      return [code, /error \[(\w+)\]/.exec(stderr)?.[1] ?? "", rig.read("count").trim().split("\n").join(" ")];
    };
    expect(await heddle("retry", run, "a", "--alone")).toEqual([0, "", "a b1 a"]);
    expect(await heddle("retry", "a")).toEqual([0, "", "a b1 a a b1"]);
    expect(await heddle("retry", "b", "--param", "v=2", "--accept-changes")).toEqual([0, "", "a b1 a a b1 b2"]);
    expect(await heddle("retry", run, "b", "a")).toEqual([0, "", "a b1 a a b1 b2 a b2"]);
    expect((await heddle("retry", "--alone")).slice(0, 2)).toEqual([2, "Usage"]);
    expect((await heddle("retry", run, "nope")).slice(0, 2)).toEqual([2, "UnknownStep"]);
  });

  test("a second process is told who holds the run; cancel, pause and watch reach it from there", async () => {
    const gate = rig.gate("step");
    rig.plan({
      steps: [
        { id: "slow", run: gate.command },
        { id: "after", deps: ["slow"], run: "true" },
      ],
    });
    const run = rig.spawn(["run"]);
    await gate.reached();
    const held = await rig.heddle(["resume"]);
    expect(held.code).toBe(2);
    expect(held.stderr).toContain(`heddle run (pid ${run.child.pid})`);
    expect(held.stderr).toContain("heddle watch");
    const watch = rig.spawn(["watch"]);
    await watch.says("[slow] ▶ started");
    expect((await rig.heddle(["pause", "--reason", "lunch"])).code).toBe(0);
    await run.says("Paused: lunch");
    expect((await rig.heddle(["unpause"])).code).toBe(0);
    await run.says("Continued.");
    const set = await rig.heddle(["concurrency", "7"]);
    expect([set.code, set.stdout]).toMatchObject([0, expect.stringContaining("may have 7 steps at work at once")]);
    await run.says("7 steps at once from now on, set by ");
    expect(JSON.parse((await rig.heddle(["show", "--json"])).stdout)).toMatchObject({ maxConcurrency: 7 });
    expect((await rig.heddle(["cancel"])).code).toBe(0);
    expect((await run.done).code).toBe(130);
    expect((await watch.done).code).toBe(130);
    expect((await rig.heddle(["cancel"])).code).toBe(2);
  });

  test("whoever stops reading ends the run as a closed terminal does", async () => {
    const gate = rig.gate("step");
    rig.plan({
      steps: [
        { id: "slow", run: `${gate.command}; echo on` },
        { id: "loud", deps: ["slow"], run: "true" },
        { id: "b", deps: ["loud"], run: "true" },
      ],
    });
    const run = rig.spawn(["run"]);
    await gate.reached();
    run.child.stdout?.destroy();
    await gate.open();
    expect(await run.done).toMatchObject({ code: 130, stderr: "" });
    expect((await show()).status).toBe("cancelled");
  });
});

describe("beginning in the middle", () => {
  const count = (id: string): string => `echo x >> ${id}.count; echo '{"made":"${id}"}' > $HEDDLE_OUTPUT`;
  const plan = {
    steps: [
      { id: "a", run: count("a") },
      { id: "b", deps: ["a"], run: count("b") },
      { id: "c", deps: ["b"], run: count("c") },
      { id: "aside", run: count("aside") },
    ],
  };

  test("--only and --from reuse what the latest runs recorded", async () => {
    rig.plan(plan);
    const early = await rig.heddle(["run", "--only", "b"]);
    expect(early.code).toBe(2);
    expect(early.stderr).toContain("heddle run");
    expect((await rig.heddle(["run", "--only", "aside"])).code, "nothing is needed for it").toBe(0);
    await rig.heddle(["run"]);
    expect((await rig.heddle(["run", "--only", "b"])).code).toBe(0);
    expect(statuses(await show())).toEqual({ a: "cached", b: "succeeded" });
    expect((await rig.heddle(["run", "--from", "b"])).code).toBe(0);
    expect(statuses(await show())).toEqual({ a: "cached", b: "succeeded", c: "succeeded", aside: "cached" });
    expect(["a", "b", "c", "aside"].map((id) => rig.read(`${id}.count`).length / 2)).toEqual([1, 3, 2, 2]);
  });

  test("rerun reuses the named run; what has no result, or another definition now, is named", async () => {
    rig.plan(plan);
    await rig.heddle(["run"]);
    const { run } = await show();
    expect((await rig.heddle(["rerun", run, "--from", "c"])).code).toBe(0);
    expect(statuses(await show())).toMatchObject({ a: "cached", b: "cached", c: "succeeded" });
    rig.plan({ steps: plan.steps.map((step) => (step.id === "b" ? { ...step, run: "false" } : step)) });
    const changed = await rig.heddle(["rerun", run, "--from", "c"]);
    expect(changed.code).toBe(2);
    expect(changed.stderr).toContain("b (its definition has changed)");
  });
});

test("parameters, concurrency and modes reach the run", async () => {
  rig.plan({
    params: { env: { type: "string", enum: ["staging", "production"], default: "staging" } },
    steps: [
      { id: "a", env: { TO: "${{ params.env }}" }, run: "echo to $TO" },
      { id: "b", run: "true" },
    ],
  });
  const run = await rig.heddle([
    "run",
    "--param",
    "env=production",
    "--max-workers",
    "1",
    "--schedule",
    "layers",
    "--keep-going",
    "--json",
  ]);
  const [created] = jsonLines(run.stdout);
  expect(created).toMatchObject({
    data: { options: { maxConcurrency: 1, schedule: "layers", failure: "continue", planFile: "heddle.json" } },
  });
  expect((await rig.heddle(["logs", "a"])).stdout).toBe("to production\n");
  expect((await rig.heddle(["run", "--param", "env=moon"])).code).toBe(2);
  const one = await rig.heddle(["run", "--sequential"]);
  expect(one.stdout).toContain("one at a time");
});

test("agents need a repository: said before anything runs", async () => {
  rig.plan({
    steps: [
      { id: "first", run: "touch ran" },
      { id: "think", description: "Build it" },
    ],
  });
  const { code, stderr } = await rig.heddle(["run"]);
  expect(code).toBe(2);
  expect(stderr).toContain("is not in a git repository");
  expect(rig.has("ran")).toBe(false);
  expect((await rig.heddle(["plan"])).code).toBe(0);
});

test("rollback undoes what succeeded, newest first", async () => {
  rig.plan({
    steps: [
      { id: "a", run: "true", undo: "echo a >> undone" },
      { id: "b", deps: ["a"], run: "true", undo: "echo b >> undone" },
    ],
  });
  await rig.heddle(["run"]);
  const { code, stdout } = await rig.heddle(["rollback"]);
  expect(code).toBe(0);
  expect(stdout).toContain("Undone: 2.");
  expect(rig.read("undone")).toBe("b\na\n");
});

test("old runs go, young ones stay; a backup opens", async () => {
  rig.plan({ steps: [{ id: "a", run: "true" }] });
  await rig.heddle(["run"]);
  expect((await rig.heddle(["gc"])).stdout).toContain("No run is older");
  expect((await rig.heddle(["backup", "copy.db"])).code).toBe(0);
  expect((await rig.heddle(["backup", "copy.db"])).code).toBe(2);
  expect((await rig.heddle(["backup", "no-folder/copy.db"])).code).toBe(1);
  expect((await rig.heddle(["gc", "--keep-days", "0", "--dry-run"])).stdout).toContain("would remove");
  expect((await rig.heddle(["gc", "--keep-days", "0"])).stdout).toContain("1 run removed");
  expect((await rig.heddle(["runs"])).stdout).toContain("No runs yet");
  rig.write("restored/.heddle/placeholder", "");
  rig.write("restored/heddle.json", rig.read("heddle.json"));
});

test("a log is followed while it grows, and a run as JSON from another process", async () => {
  const gate = rig.gate("step");
  rig.plan({ steps: [{ id: "slow", run: `echo before; ${gate.command}; echo after` }] });
  const run = rig.spawn(["run", "--json"]);
  await gate.reached();
  const logs = rig.spawn(["logs", "slow", "-f"]);
  const watch = rig.spawn(["watch", "--json"]);
  await logs.says("before");
  await watch.says("step.started");
  await gate.open();
  expect(await logs.done).toMatchObject({ code: 0, stdout: "before\nafter\n" });
  expect((await watch.done).stdout).toBe((await run.done).stdout);
});

test("a follower of a log ends when the engine was killed, although nothing is written any more", async () => {
  const gates = ["one", "two", "three"].map((name) => rig.gate(name));
  rig.plan({ steps: [{ id: "slow", run: gates.map(({ command }, at) => `echo line ${at}; ${command}`).join("\n") }] });
  const run = rig.spawn(["run"]);
  const [one, two, three] = gates as [Gate, Gate, Gate];
  await one.reached();
  const logs = rig.spawn(["logs", "slow", "-f"]);
  await logs.says("line 0");
  await one.open();
  await two.reached();
  await logs.says("line 1");
  await two.open();
  await three.reached();
  // The third line is shown by a follower that has looked at the journal and waits for something to be written.
  await logs.says("line 2");
  run.kill("SIGKILL");
  const followed = await logs.done;
  expect(followed.code).toBe(0);
  expect(followed.stderr).toContain("heddle resume");
});

test("a TypeScript plan runs by name and by its usual name", async () => {
  const index = new URL("../../src/index.ts", import.meta.url).href;
  rig.write(
    "heddle.ts",
    `import { plan, step } from ${JSON.stringify(index)};
const schema = step("schema", async () => ({ tables: 4 }));
const api = step("api", { deps: { schema } }, async ({ schema }, ctx) => { ctx.log(schema.tables + " tables"); return schema.tables * 3; });
export default plan("typed", { steps: [schema, api] });
`,
  );
  expect((await rig.heddle(["run"])).code).toBe(0);
  expect((await rig.heddle(["logs", "api"])).stdout).toContain("4 tables");
  const shown = JSON.parse((await rig.heddle(["show", "--json"])).stdout) as { steps: { output: unknown }[] };
  expect(shown.steps.map((each) => each.output)).toEqual([{ tables: 4 }, 12]);
  expect((await rig.heddle(["plan", "heddle.ts"])).code).toBe(0);
});

test("an approval inside a plan step that another step's failure cut short is asked for by the resume", async () => {
  const gate = rig.gate("tests");
  rig.plan({
    steps: [
      { id: "tests", run: `${gate.command} && test -e ok` },
      { id: "release", plan: { steps: [{ id: "sign-off", approve: "Deploy to production?" }] } },
      { id: "deploy", deps: ["release"], run: "echo DEPLOYED >> ran" },
    ],
  });
  const first = rig.start(["run"]);
  await first.says("Deploy to production?");
  await gate.reached();
  await gate.open();
  expect((await first.done).code).toBe(1);
  expect(statuses(await show())).toMatchObject({ release: "cancelled", "release/sign-off": "cancelled" });
  rig.write("ok", "");
  const second = rig.start(["resume"]);
  await gate.reached();
  await gate.open();
  expect((await second.done).code).toBe(3);
  expect(rig.has("ran")).toBe(false);
});
