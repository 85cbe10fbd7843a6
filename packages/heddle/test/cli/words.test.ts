/** Words on the command line: those of other tools, and those that are wrong, which are told as text and as data. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VERSION } from "../../src/version.ts";
import { Rig } from "../support/command-line.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

const ASKS = {
  steps: [
    { id: "ask", approve: "Ship?" },
    { id: "ship", deps: ["ask"], run: "true" },
  ],
};

async function latest(): Promise<string> {
  const { runs } = JSON.parse((await rig.heddle(["runs", "--json"])).stdout) as { runs: readonly { run: string }[] };
  return runs[0]?.run ?? "";
}

describe("words of other tools", () => {
  test.each([
    ["ls", "runs"],
    ["list", "runs"],
    ["ps", "runs"],
    ["status", "show"],
    ["graph", "plan"],
    ["validate", "plan"],
  ])("%s is %s", async (word, command) => {
    rig.plan(ASKS);
    await rig.heddle(["run"]);
    const meant = await rig.heddle([command, "--json"]);
    expect(meant.code).toBe(0);
    expect(await rig.heddle([word, "--json"])).toEqual(meant);
    expect(await rig.heddle(["help", word])).toEqual(await rig.heddle(["help", command]));
  });

  test("stop and kill are cancel", async () => {
    rig.plan(ASKS);
    for (const word of ["stop", "kill"]) {
      await rig.heddle(["run"]);
      expect(await rig.heddle([word])).toMatchObject({ code: 0, stdout: expect.stringContaining("cancelled") });
    }
  });

  test.each([["version"], ["-v"], ["-V"], ["--version"]])("%s prints the version", async (word) => {
    expect(await rig.heddle([word])).toMatchObject({ code: 0, stdout: `${VERSION}\n` });
    expect(JSON.parse((await rig.heddle([word, "--json"])).stdout)).toEqual({ version: VERSION });
  });
});

describe("an error with --json", () => {
  /** Every one is told to people, too, and its exit code is that without `--json`. */
  const WRONG: readonly (readonly [words: readonly string[], code: string])[] = [
    [["nope"], "UnknownCommand"],
    [["run", "--nope"], "Usage"],
    [["run", "-j", "0"], "Usage"],
    [["run", "a.yaml", "b.yaml"], "Usage"],
    [["run", "--sequential", "--parallel"], "Usage"],
    [["run", "--sequential", "-j", "3"], "Usage"],
    [["run", "--only", "nope"], "UnknownStep"],
    [["-C", "nowhere", "plan"], "Usage"],
    [["resume", "nope"], "UnknownRun"],
    [["retry"], "NothingToRetry"],
    [["rerun"], "Usage"],
    [["rollback"], "RunNotEnded"],
    [["cancel", "nope"], "UnknownRun"],
    [["cancel", "a", "b"], "Usage"],
    [["pause"], "RunNotLive"],
    [["concurrency", "3"], "RunNotLive"],
    [["concurrency", "0"], "Usage"],
    [["concurrency", "nope", "3"], "UnknownRun"],
    [["approve", "nope", "ask"], "UnknownRun"],
    [["reject", "nope"], "UnknownStep"],
    [["resolve"], "NotAsked"],
    [["merge"], "NotARepository"],
    [["show", "nope"], "UnknownRun"],
    [["show", "--prompt", "ask"], "NoPrompt"],
    [["watch", "nope"], "UnknownRun"],
    [["logs", "ask"], "NoLog"],
    [["logs", "ship", "--attempt", "0"], "Usage"],
    [["history", "--step", "nope"], "UnknownStep"],
    [["replay", "--at", "99"], "Usage"],
    [["report", "--html", "--trace"], "Usage"],
    [["worktrees", "nope"], "Usage"],
    [["import", "nope.json"], "PlanUnreadable"],
    [["init"], "PlanExists"],
    [["completion", "nope"], "Usage"],
    [["backup", "heddle.json"], "FileExists"],
  ];

  test("is a document on standard output, on every command", async () => {
    rig.plan(ASKS);
    await rig.heddle(["run"]);
    const told: unknown[] = [];
    for (const [words] of WRONG) {
      const plain = await rig.heddle(words);
      const json = await rig.heddle([...words, "--json"]);
      expect([json.code, json.stderr], words.join(" ")).toEqual([plain.code, plain.stderr]);
      expect(plain.stderr, words.join(" ")).toContain("error [");
      const { error } = JSON.parse(json.stdout) as { error: { code: string; message: string } };
      expect(plain.stderr, words.join(" ")).toContain(error.message.split("\n")[0]);
      told.push([words, error.code]);
    }
    expect(told).toEqual(WRONG);
  });

  test("where there is no plan, and where there are no runs", async () => {
    for (const words of [[], ["run"], ["plan"]]) {
      const { code, stdout } = await rig.heddle([...words, "--json"]);
      expect([code, JSON.parse(stdout)]).toMatchObject([2, { error: { code: "PlanNotFound" } }]);
    }
    for (const command of ["resume", "show", "logs", "gc"]) {
      const { code, stdout } = await rig.heddle([command, "--json"]);
      expect([code, JSON.parse(stdout)]).toMatchObject([2, { error: { code: "NoRuns" } }]);
    }
  });
});

describe("what is told about a wrong word", () => {
  test("a run that is no run is not guessed by its first letter; of several runs, each has its command", async () => {
    rig.plan(ASKS);
    await rig.heddle(["run"]);
    expect((await rig.heddle(["approve", "x", "y"])).stderr).not.toContain("Did you mean");
    expect((await rig.heddle(["cancel", "aa", "bb"])).stderr).toContain("`heddle cancel aa`, `heddle cancel bb`");
    expect((await rig.heddle(["logs", "--attempt", "x"])).stderr).toContain("whole number from 1");
  });

  test("a step in the place of a plan's file is told as what it is", async () => {
    rig.plan({ steps: [{ id: "lint", run: "true" }] });
    const { code, stderr } = await rig.heddle(["run", "lint"]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("lint is a step of heddle.json: `heddle run --only lint`"),
    ]);
    expect((await rig.heddle(["run", "test"])).stderr).not.toContain("--only");
    expect((await rig.heddle(["run", "lnit"])).stderr).toContain("Did you mean the step lint of heddle.json");
    await rig.heddle(["run"]);
    for (const command of ["show", "logs"])
      expect((await rig.heddle([command, "lnit"])).stderr).toContain("Did you mean lint?");
    expect((await rig.heddle(["show", "nothing"])).stderr).toContain("no run id begins with");
    expect((await rig.heddle(["signal", "go"])).stderr).toContain("`heddle signal <run> <name> [json]`");
  });

  test("a named pipe that nobody writes to is not waited for", async () => {
    execFileSync("mkfifo", [path.join(rig.dir, "pipe")]);
    for (const command of ["import", "plan", "run"])
      expect(await rig.heddle([command, "pipe"])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("a pipe, a socket or a device"),
      });
  });
});

describe("init", () => {
  const git = (...words: readonly string[]): string =>
    execFileSync("git", ["-C", rig.dir, ...words], { env: rig.env(), encoding: "utf8" });
  const seen = (): readonly string[] =>
    git("status", "--porcelain", "-uall")
      .trimEnd()
      .split("\n")
      .filter((line) => line.includes(".heddle/"));

  test("has git ignore what is recorded, and names the lines that put the rest into git", async () => {
    git("init", "-q");
    const { stdout } = await rig.heddle(["init"]);
    await rig.heddle(["run"]);
    rig.write(".heddle/expertise/api.md", "known");
    rig.write(".heddle/prices.yaml", "{}");
    expect(seen()).toEqual([]);
    const lines = stdout.match(/!\S+/g) ?? [];
    expect(lines).toHaveLength(2);
    writeFileSync(path.join(rig.dir, ".gitignore"), `${rig.read(".gitignore")}${lines.join("\n")}\n`);
    expect(seen()).toEqual(["?? .heddle/expertise/api.md", "?? .heddle/prices.yaml"]);
  });

  test("leaves a line that ignores the folder as it is, and says what to write instead", async () => {
    for (const line of [".heddle/", "/.heddle", ".heddle/*"]) {
      rig.write(".gitignore", `a\n${line}\n`);
      const { stdout } = await rig.heddle(["init"]);
      expect(rig.read(".gitignore")).toBe(`a\n${line}\n`);
      expect(stdout.includes("replace the line")).toBe(line !== ".heddle/*");
      execFileSync("rm", [path.join(rig.dir, "heddle.yaml")]);
    }
  });
});

test("a quiet run that ends with a question says what to type", async () => {
  rig.plan(ASKS);
  const { code, stdout } = await rig.heddle(["run", "--output", "quiet"]);
  expect(code).toBe(3);
  expect(stdout).toContain(`answer: heddle approve ${await latest()} ask\n`);
});

test("a failure names no log that is not there, and no signal that nobody sent", async () => {
  rig.plan({
    failure: "continue",
    steps: [
      { id: "nowhere", run: "true", cwd: "no-folder" },
      { id: "code", run: "exit 130" },
    ],
  });
  const { stdout } = await rig.heddle(["run"]);
  expect(stdout).toContain("the folder no-folder does not exist");
  expect(stdout).not.toMatch(/log: .*nowhere/);
  expect(stdout).toMatch(/log: .*code\.1\.log/);
  expect(stdout).toContain("ended with exit code 130, that of a process killed by SIGINT");
});

test("a run whose plan file was removed is not to be run from it again", async () => {
  rig.write("ok.yaml", "steps: [{ id: a, run: 'true' }]\n");
  await rig.heddle(["run", "ok.yaml"]);
  expect((await rig.heddle(["resume"])).stdout).toContain("heddle run ok.yaml");
  execFileSync("rm", [path.join(rig.dir, "ok.yaml")]);
  expect((await rig.heddle(["resume"])).stdout).not.toContain("heddle run ok.yaml");
});

describe("retry", () => {
  const nothing = async (): Promise<string> => {
    const { code, stderr } = await rig.heddle(["retry"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("error [NothingToRetry]")]);
    return stderr;
  };

  test("of a run with nothing failed is refused, and names what goes on", async () => {
    rig.plan({ steps: [{ id: "a", run: "true" }] });
    await rig.heddle(["run"]);
    await nothing();
    rig.plan({ steps: [{ id: "a", run: "exit 1", optional: true }] });
    await rig.heddle(["run"]);
    expect(await nothing()).toContain(`heddle rerun ${await latest()} --from`);
    rig.plan(ASKS);
    await rig.heddle(["run"]);
    expect(await nothing()).toContain(`heddle resume ${await latest()}`);
    expect((await rig.heddle(["history"])).stdout).not.toContain("run.resumed");
  });

  test("of a run that waits for a person runs what failed meanwhile", async () => {
    rig.plan({ failure: "continue", steps: [...ASKS.steps, { id: "bad", run: "test -e good" }] });
    expect((await rig.heddle(["run"])).code).toBe(3);
    rig.write("good", "");
    expect(await rig.heddle(["retry"])).toMatchObject({ code: 3, stdout: expect.stringContaining("[bad] ✓") });
  });
});

test("several steps at once that are asked for now are meant for a sequential run, too", async () => {
  // Each waits until both have begun.
  const both =
    'touch "$HEDDLE_STEP.on"; i=0; until test -e a.on && test -e b.on; do i=$((i+1)); test $i -lt 400; sleep 0.05; done';
  const steps = ["a", "b"].map((id) => ({ id, run: `test -e go; ${both}` }));
  rig.plan({ failure: "continue", steps });
  expect((await rig.heddle(["run", "--sequential"])).code).toBe(1);
  rig.write("go", "");
  expect((await rig.heddle(["resume", "-j", "2"])).code).toBe(0);
  execFileSync("rm", [path.join(rig.dir, "a.on"), path.join(rig.dir, "b.on")]);
  rig.plan({
    failure: "continue",
    steps: [{ id: "first", run: "true" }, ...steps.map((step) => ({ ...step, deps: ["first"] }))],
  });
  writeFileSync(path.join(rig.dir, "a.on"), "");
  writeFileSync(path.join(rig.dir, "b.on"), "");
  expect((await rig.heddle(["run", "--sequential"])).code).toBe(0);
  execFileSync("rm", [path.join(rig.dir, "a.on"), path.join(rig.dir, "b.on")]);
  expect((await rig.heddle(["rerun", "--from", "first", "-j", "2"])).code).toBe(0);
});

test("a rerun from a step that another one made in the run names that one", async () => {
  const added = `printf '[{"id": "more", "run": "true"}]' > "$HEDDLE_STEPS"`;
  rig.plan({
    steps: [
      { id: "fan", forEach: ["x", "y"], run: "true" },
      { id: "gen", run: added },
      { id: "inside", plan: { steps: [{ id: "deep", forEach: [1], run: "true" }] } },
    ],
  });
  await rig.heddle(["run"]);
  const run = await latest();
  for (const [from, maker] of [
    ["fan[1]", "fan"],
    ["more", "gen"],
    ["inside/deep[0]", "inside"],
  ] as const) {
    const { code, stderr } = await rig.heddle(["rerun", "--from", from]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`\`heddle rerun ${run} --from ${maker}\``)]);
  }
  expect((await rig.heddle(["rerun", "--from", "nothing"])).stderr).toContain("`heddle plan` lists the steps");
});

test("a plan and runs of a folder above are named", async () => {
  rig.plan({ steps: [{ id: "a", run: "true" }] });
  await rig.heddle(["run"]);
  rig.write("packages/web/x", "");
  for (const [words, hint] of [
    [[], "`heddle -C ../.. run`"],
    [["run"], "`heddle -C ../.. run`"],
    [["plan"], "`heddle -C ../.. run`"],
    [["show"], "`heddle -C ../.. runs`"],
  ] as const) {
    const { code, stderr } = await rig.heddle(["-C", "packages/web", ...words]);
    expect([words, code, stderr]).toEqual([words, 2, expect.stringContaining(hint)]);
  }
  expect(rig.has("packages/web/.heddle")).toBe(false);
  expect((await rig.heddle(["-C", "packages/web", "-C", "../..", "runs"])).code).toBe(0);
});
