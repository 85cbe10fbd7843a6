/** Worktrees of groups and steps whose names no folder or ref can have as they are: found, opened, removed like others. */
import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { AgentRig, ofType, writes } from "./rig.ts";

interface Tree {
  readonly name: string;
  readonly path: string;
}

async function trees(rig: AgentRig): Promise<readonly Tree[]> {
  const { worktrees } = JSON.parse((await rig.heddle(["worktrees", "--json"])).stdout) as { worktrees: Tree[] };
  return worktrees;
}

test("worktrees of groups are removed when the run has succeeded, whatever the groups are called", async () => {
  using rig = new AgentRig();
  const groups = ["web", "a/b", "x".repeat(160)];
  rig.agents(
    { "s*": [{ run: "touch $HEDDLE_STEP.ts" }], a: [writes("a.ts", "a\n")], b: [{ run: "cat a.ts > b.ts" }] },
    {
      steps: [
        { id: "a", group: "Web UI" },
        { id: "b", group: "Web UI", deps: ["a"] },
        ...groups.map((group, at) => ({ id: `s${at}`, group })),
      ],
    },
  );
  const { finished, events } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(new Set(ofType(events, "worktree.created").map(({ data }) => data["path"])).size).toBe(1 + groups.length);
  expect(await rig.merged("b.ts")).toBe("a");
  expect(await trees(rig)).toEqual([]);
});

test("a run that set up and verified lands, and no worktree is left: our own shells stand in none", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("a.ts", "a\n")], b: [writes("b.ts", "b\n")] },
    { steps: [{ id: "a" }, { id: "b" }] },
    { setup: "touch set-up.here", verify: "ls *.ts", land: "ff" },
  );
  const { code, stdout } = await rig.heddle(["run"]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("landed on main")]);
  expect(rig.git(["ls-tree", "--name-only", "main"]).split("\n")).toEqual([".gitignore", "a.ts", "a.txt", "b.ts"]);
  expect(await trees(rig)).toEqual([]);
});

test("what somebody works in stays, and does not keep the run from landing", async () => {
  using rig = new AgentRig();
  const gate = rig.gate("g");
  rig.agents({ a: [writes("a.ts", "a\n")] }, { steps: [{ id: "a" }] }, { verify: gate.command, land: "ff" });
  const running = rig.start(["run"]);
  await gate.reached();
  const [tree] = (await trees(rig)).filter(({ name }) => name === "@@verify-1");
  const person = spawn("sleep", ["100"], { cwd: tree?.path, stdio: "ignore" });
  try {
    await gate.open();
    const { code, stdout } = await running.done;
    expect([code, stdout]).toEqual([0, expect.stringContaining("landed on main")]);
    expect(await trees(rig)).toMatchObject([{ name: "@@verify-1", inUse: true }]);
  } finally {
    person.kill();
  }
});

test("worktrees go by the ids of their steps and groups, whatever their folders are called", async () => {
  using rig = new AgentRig();
  rig.agents(
    { API: [writes("bad.ts", "x\n")], page: [writes("bad.ts", "x\n")] },
    { steps: [{ id: "API" }, { id: "page", group: "Web UI" }], failure: "continue" },
    { verify: "test ! -e bad.ts", onConflict: ["human"] },
  );
  expect((await rig.heddle(["run"])).code).toBe(1);
  const found = await trees(rig);
  expect(found.map(({ name }) => name).toSorted()).toEqual(["@Web UI", "API"]);
  for (const [word, name] of [
    ["API", "API"],
    ["Web UI", "@Web UI"],
    ["@Web UI", "@Web UI"],
  ]) {
    const opened = await rig.heddle(["worktrees", "open", String(word)]);
    expect(opened.stdout.trim()).toBe(found.find((tree) => tree.name === name)?.path);
    expect(existsSync(opened.stdout.trim())).toBe(true);
  }
  const cleaned = await rig.heddle(["worktrees", "clean"]);
  expect([cleaned.code, cleaned.stdout]).toEqual([0, expect.stringMatching(/^removed .*\nremoved .*$/m)]);
  expect(await trees(rig)).toEqual([]);
  for (const { path } of found) expect(existsSync(path)).toBe(false);
});

test("worktrees of another project in the same repository are left to it, until it is gone", async () => {
  using rig = new AgentRig();
  for (const name of ["one", "two"]) rig.write(`${name}/kept.txt`, name);
  rig.commit("two projects");
  rig.agents(
    { a: [writes("a.ts", "a\n")], b: [writes("b.ts", "b\n")] },
    {
      steps: [
        { id: "a", group: "g" },
        { id: "ok", approve: "ok?", deps: ["a"] },
        { id: "b", group: "g", deps: ["ok"] },
      ],
    },
  );
  for (const name of ["one", "two"])
    for (const file of ["heddle.json", "agents.yaml"]) rig.write(`${name}/${file}`, rig.read(file));
  const inProject = async (name: string, ...args: readonly string[]): Promise<string> => {
    const { code, stdout } = await rig.heddle(["-C", name, ...args]);
    return `${code} ${stdout}`;
  };
  expect(await inProject("one", "run")).toMatch(/^3 /);
  expect(await inProject("two", "run")).toMatch(/^3 /);
  const { worktrees } = JSON.parse((await inProject("two", "worktrees", "--json")).slice(2)) as {
    worktrees: readonly (Tree & { readonly project: string | null })[];
  };
  const theirs = worktrees.find(({ project }) => project?.endsWith("/one") === true);
  expect(worktrees.filter(({ project }) => project === null)).toHaveLength(1);
  expect(await inProject("two", "worktrees", "clean")).toContain(`kept ${theirs?.path}: belongs to the project in`);
  expect(existsSync(theirs?.path ?? "")).toBe(true);
  rmSync(path.join(rig.dir, "one/.heddle"), { recursive: true });
  expect(await inProject("two", "worktrees", "clean")).toContain(`removed ${theirs?.path}`);
});
