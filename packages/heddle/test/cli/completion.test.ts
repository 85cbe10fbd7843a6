/** What can be typed next: commands, options, steps, runs and their answers, as the shells' scripts ask for them. */
import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/table/all.ts";
import { HEDDLE } from "../support/built.ts";
import { Rig } from "../support/command-line.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

/** The words for the last of `typed`. */
async function words(...typed: readonly string[]): Promise<readonly string[]> {
  const { code, stdout, stderr } = await rig.heddle(["__complete", ...typed]);
  expect([code, stderr]).toEqual([0, ""]);
  const lines = stdout.split("\n").slice(0, -1);
  for (const line of lines) expect(line).toMatch(/^\S+\t/);
  return lines.map((line) => line.slice(0, line.indexOf("\t")));
}

async function runs(): Promise<readonly string[]> {
  const { stdout } = await rig.heddle(["runs", "--json"]);
  return (JSON.parse(stdout) as { runs: { run: string }[] }).runs.map(({ run }) => run);
}

test("commands, options and fixed words", async () => {
  expect(await words("")).toEqual([...COMMANDS.map(({ name }) => name), "help"]);
  expect(await words("ca")).toEqual(["cancel"]);
  expect(await words("help", "ca")).toEqual(["cancel"]);
  expect(await words("-")).toEqual(["--version", "--json", "--dir", "--debug", "--help"]);
  expect(await words("run", "--o")).toEqual(["--only", "--output"]);
  expect(await words("run", "--output", "")).toEqual(["grouped", "stream", "errors", "quiet", "github"]);
  expect(await words("completion", "")).toEqual(["bash", "zsh", "fish"]);
  expect(await words("worktrees", "")).toEqual(["list", "clean", "open"]);
});

test("where nothing is known, nothing is said, and nothing is made", async () => {
  for (const typed of [
    ["logs", ""],
    ["run", "--only", ""],
    ["nope", ""],
    ["run", ""],
    ["import", ""],
    ["-C", "nowhere", "show", ""],
    ["worktrees", "open", ""],
  ])
    expect(await words(...typed)).toEqual([]);
  expect(rig.has(".heddle")).toBe(false);
  rig.write("heddle.yaml", "steps: [");
  expect(await words("run", "--from", "")).toEqual([]);
  rig.write("heddle.ts", "throw new Error('not run to find out');");
  expect(await words("run", "heddle.ts", "--from", "")).toEqual([]);
});

describe("with runs", () => {
  beforeEach(async () => {
    rig.plan({ name: "old", steps: [{ id: "gone", run: "true" }] });
    await rig.heddle(["run"]);
    rig.plan({
      failure: "continue",
      steps: [
        { id: "build", run: "exit 1" },
        { id: "ask", approve: "Ship?" },
        { id: "each", forEach: ["x"], run: "true" },
      ],
    });
    await rig.heddle(["run"]);
  });

  test("steps of the latest run, then runs; steps of the run that is named", async () => {
    const [latest = "", old = ""] = await runs();
    expect(await words("logs", "")).toEqual(["build", "ask", "each", "each[0]", latest, old]);
    expect(await words("logs", "bu")).toEqual(["build"]);
    expect(await words("logs", old, "")).toEqual(["gone"]);
    expect(await words("show", latest, "--json", "")).toEqual(["build", "ask", "each", "each[0]"]);
    expect(await words("rerun", old, "--from", "")).toEqual(["gone"]);
    expect(await words("history", "--step", "b")).toEqual(["build"]);
    expect(await words("-C", rig.dir, "watch", "")).toEqual([latest, old]);
    expect(await words(`--dir=${rig.dir}/none`, "watch", "")).toEqual([]);
    expect(await words("--dir", "=", rig.dir, "watch", "")).toEqual([latest, old]);
  });

  test("only those that the command can do something with", async () => {
    const [latest = ""] = await runs();
    expect(await words("approve", "")).toEqual(["ask", latest]);
    expect(await words("approve", latest, "")).toEqual(["ask"]);
    expect(await words("resume", "")).toEqual([latest]);
    expect(await words("stop", "")).toEqual([latest]);
    expect(await words("unpause", "")).toEqual([]);
  });

  test("steps of the plan as it is now, also several", async () => {
    rig.write("other.yaml", "steps: [{ id: a, run: 'true' }, { id: b, run: 'true' }]\n");
    expect(await words("run", "--only", "")).toEqual(["build", "ask", "each"]);
    expect(await words("run", "other.yaml", "--only", "a", "")).toEqual(["a", "b"]);
    expect(await words("run", "--from=b")).toEqual(["--from=build"]);
    // As bash breaks it.
    expect(await words("run", "--from", "=")).toEqual(["build", "ask", "each"]);
    expect(await words("run", "--from", "=", "b")).toEqual(["build"]);
  });
});

test("the scripts of the shells ask for them", async () => {
  for (const shell of ["bash", "zsh", "fish"])
    expect((await rig.heddle(["completion", shell])).stdout).toContain("__complete");
  const program = rig.write("heddle", `#!/bin/sh\nexec '${process.execPath}' '${HEDDLE}' "$@"\n`);
  chmodSync(program, 0o755);
  rig.plan({ steps: [{ id: "a", run: "true" }] });
  const script = rig.write("complete.bash", (await rig.heddle(["completion", "bash"])).stdout);
  const line = `. '${script}'; COMP_WORDS=('${path.join(rig.dir, "heddle")}' run --only ''); COMP_CWORD=3; _heddle; echo "\${COMPREPLY[@]}"`;
  expect(execFileSync("bash", ["-c", line], { cwd: rig.dir, env: rig.env(), encoding: "utf8" })).toBe("a\n");
});
