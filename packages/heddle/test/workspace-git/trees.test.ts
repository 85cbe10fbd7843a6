/** The port: a run of steps that depend on each other, as the engine goes about it; and the same after a crash. */
import { expect, test } from "vitest";
import { systemGit } from "../../src/workspace/git.ts";
import { gitTrees } from "../../src/workspace/git-trees.ts";
import type { MergeOutcome, RunTrees, Tree, Trees } from "../../src/workspace/trees.ts";
import { type Rig, USER_ENV, clock, rig } from "./rig.ts";

async function open(at: Rig): Promise<Trees> {
  const opened = await gitTrees({
    folder: at.user,
    run: systemGit({ clock }),
    clock,
    env: USER_ENV,
    stateDir: at.stateDir,
  });
  if (!opened.ok) throw new Error(opened.error.code);
  return opened.value;
}

async function attempt(at: Rig, run: RunTrees, step: string, group?: string): Promise<[Tree, MergeOutcome]> {
  const tree = await run.take({ step, ...(group === undefined ? {} : { group }) });
  at.write(`${step}.txt`, `${step}\n`, tree.path);
  const { commit } = await run.capture(tree, { step, attempt: 1 });
  return [tree, await run.merge({ step, attempt: 1, commit, order: 0 })];
}

test("steps see what their deps made, groups share a worktree, the result lands, nothing is left", async () => {
  using at = rig();
  const trees = await open(at);
  expect(trees).toMatchObject({ branch: "main", base: at.git(["rev-parse", "main"]), folder: at.user, notes: [] });
  const before = await trees.look();
  const run = trees.run({ run: "r1", base: trees.base });
  const [one] = await attempt(at, run, "one", "web");
  const [two] = await attempt(at, run, "two", "web");
  const [three] = await attempt(at, run, "three");
  expect(two.path).toBe(one.path);
  expect(at.read("one.txt", two.path)).toBe("one\n");
  expect(at.read("two.txt", three.path)).toBe("two\n");
  expect(three.environment).toMatchObject({ GIT_EDITOR: "true", PORT: String(three.ports[0]) });
  expect((await run.merged()).map(({ step }) => step)).toEqual(["one", "two", "three"]);
  expect(await run.needsSetup(three, ["npm ci"])).toBe(true);
  await run.setupDone(three, ["npm ci"]);
  expect(await run.needsSetup(three, ["npm ci"])).toBe(false);
  expect(await trees.breaches(before)).toEqual([]);
  expect(await trees.list({ run: "r1" })).toMatchObject([{ state: "saved" }, { state: "saved" }]);
  expect(await run.land({ kind: "ff" })).toMatchObject({ kind: "landed", commit: await run.head() });
  expect(at.read("three.txt")).toBe("three\n");
  expect(await run.forget()).toBe(false);
  for (const tree of [two, three]) await run.remove(tree, { branch: "delete" });
  await run[Symbol.asyncDispose]();
  expect(await run.forget()).toBe(true);
  expect(at.git(["for-each-ref", "--format=%(refname)"])).toBe("refs/heads/main");
  expect(await trees.list()).toEqual([]);
});

test("a later process goes on with what the earlier one stored", async () => {
  using at = rig();
  const first = await open(at);
  const [one, outcome] = await attempt(at, first.run({ run: "r1", base: first.base }), "one");
  at.write("more.txt", "not captured yet\n", one.path);
  at.git(["commit", "-q", "--allow-empty", "-m", "the user goes on"]);
  const run = (await open(at)).run({ run: "r1", base: first.base });
  const stored = JSON.parse(JSON.stringify(one)) as Tree;
  await expect(run.take({ step: "one" })).rejects.toMatchObject({ code: "WorkNotCaptured" });
  const kept = await run.take({ step: "one", keep: true });
  expect(kept).toEqual({ ...stored, fresh: false, included: { copied: [], skipped: [] } });
  const more = await run.capture(stored, { step: "one", attempt: 2 });
  expect(more.changedFiles).toEqual(["more.txt", "one.txt"]);
  expect((await run.merged()).map(({ commit }) => commit)).toEqual([outcome.kind === "merged" ? outcome.commit : ""]);
  expect(await run.merge({ step: "one", attempt: 2, commit: more.commit, order: 0 })).toMatchObject({ kind: "merged" });
  expect((await run.take({ step: "one" })).base).toBe(await run.head());
});
