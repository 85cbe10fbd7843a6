/** What a checkout is like apart from its commits: which part of the files it has, and whether letters of any case are the same. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import type { Capture } from "../../src/git/types.ts";
import { type TestRepository, captured, step, testRepository } from "./test-repository.ts";

interface Setting extends Disposable {
  readonly at: TestRepository;
  readonly path: string;
  git(...args: readonly string[]): string;
  capture(): Promise<Capture>;
}

async function setting(prepare: (at: TestRepository) => void = () => {}): Promise<Setting> {
  const at = testRepository();
  prepare(at);
  const { base } = await at.open();
  const trees = await at.worktrees();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  return {
    at,
    path: tree.path,
    git: (...args) => at.git(args, tree.path),
    capture: async () => await captured(trees.repository, tree, "s"),
    [Symbol.dispose]: () => at[Symbol.dispose](),
  };
}

/** The agent keeps `src` alone. */
async function sparse(): Promise<Setting> {
  const one = await setting();
  one.git("sparse-checkout", "set", "--no-cone", "/src");
  expect(existsSync(join(one.path, "b.txt"))).toBe(false);
  return one;
}

test("what an agent does not keep in its folder is not removed, and its rules still say what is ignored", async () => {
  using one = await sparse();
  one.at.write("x.log", "ignored\n", one.path);
  one.at.write("src/new.txt", "new\n", one.path);
  expect((await one.capture()).changedFiles).toEqual(["src/new.txt"]);
});

test("what an agent changed, added and removed beside what it keeps is in the capture", async () => {
  using one = await sparse();
  one.git("cherry-pick", one.at.commitOnto("main", { "b.txt": "picked\n" }));
  one.at.write("aside/x.txt", "aside\n", one.path);
  one.git("add", "--sparse", "aside/x.txt");
  one.git("rm", "-q", "--sparse", "a.txt");
  one.git("commit", "-q", "-m", "beside");
  one.git("sparse-checkout", "reapply");
  expect(existsSync(join(one.path, "aside/x.txt"))).toBe(false);
  const kept = await one.capture();
  expect(kept.changedFiles).toEqual(["a.txt", "aside/x.txt", "b.txt"]);
  expect(one.at.git(["cat-file", "blob", `${kept.commit}:b.txt`])).toBe("picked");
  expect((await one.capture()).commit).toBe(kept.commit);
});

test("an index that names a content which is nowhere keeps nothing from being captured", async () => {
  using one = await setting();
  one.git("update-index", "--cacheinfo", `100644,${"1".repeat(40)},b.txt`);
  one.git("update-index", "--skip-worktree", "b.txt");
  rmSync(join(one.path, "b.txt"));
  one.at.write("new.txt", "new\n", one.path);
  const kept = await one.capture();
  expect([kept.changedFiles, kept.omitted]).toEqual([["new.txt"], [{ path: "b.txt", reason: "unreadable", bytes: 0 }]]);
});

test("a submodule that is not to be in the folder is not removed", async () => {
  const pointer = "1".repeat(40);
  using one = await setting((at) => {
    at.write(".gitmodules", '[submodule "lib"]\n\tpath = lib\n\turl = ../lib.git\n');
    at.git(["update-index", "--add", "--cacheinfo", `160000,${pointer},lib`]);
    at.git(["add", ".gitmodules"]);
    at.git(["commit", "-q", "-m", "submodule"]);
  });
  one.git("sparse-checkout", "set", "--no-cone", "/src");
  expect((await one.capture()).changedFiles).toEqual([]);
});

test("a file renamed by case alone is in the capture, whatever the checkout's disk makes of case", async () => {
  using one = await setting((at) => at.git(["config", "core.ignoreCase", "true"]));
  renameSync(join(one.path, "b.txt"), join(one.path, "B.txt"));
  expect((await one.capture()).changedFiles).toEqual(["B.txt", "b.txt"]);
});
