/** What an agent stores in a folder of its own, from which the repository borrows, is there when that folder is gone. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { land } from "../../src/git/landing.ts";
import { USER_ENV } from "../support/user-git.ts";
import { mergeSetting } from "./merge-setting.ts";
import { captured, step } from "./test-repository.ts";

test("captures, dropped commits, merges and landings are whole without the lender", async () => {
  using setting = await mergeSetting();
  const { repository: at, base, trees } = setting;
  const queue = setting.queue();
  await queue.head();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  const lender = join(at.folder, "lender");
  mkdirSync(lender);
  const own = join(at.user, ".git/objects");
  writeFileSync(join(own, "info/alternates"), `${lender}\n`);
  const env = { ...USER_ENV, GIT_OBJECT_DIRECTORY: lender, GIT_ALTERNATE_OBJECT_DIRECTORIES: own };
  const git = (...args: readonly string[]): string =>
    execFileSync("git", [...args], { cwd: tree.path, env, encoding: "utf8" }).trim();
  const commit = (name: string): string => {
    at.write(name, `${name} is borrowed\n`, tree.path);
    git("add", "-A");
    git("commit", "-q", "-m", name);
    return git("rev-parse", "HEAD");
  };
  const dropped = commit("dropped.txt");
  git("reset", "-q", "--hard", "HEAD~1");
  // What merging and landing give is in the lender as well, and in no capture.
  at.write("b.txt", "others'\n", tree.path);
  commit("kept.txt");
  git("reset", "-q", "--soft", base);
  git("commit", "-q", "-m", "one commit");
  const kept = await captured(trees.repository, tree, "s");
  const merged = await queue.submit({ step: "s", attempt: 1, commit: kept.commit, order: 1 });
  expect(merged.kind).toBe("merged");
  at.git(["commit", "-q", "--allow-empty", "-m", "user"]);
  const landed = await land({ integration: queue.integration, lock: trees.lock, mode: { kind: "merge" } });
  expect(landed.kind).toBe("landed");
  await queue.close();
  rmSync(join(own, "info/alternates"));
  rmSync(lender, { recursive: true });
  expect(at.read("kept.txt")).toBe("kept.txt is borrowed\n");
  for (const name of [kept.commit, dropped, "main", "heddle/r1/integration"])
    expect(at.git(["rev-list", "--objects", "--count", name])).toMatch(/^\d+$/);
  expect(at.git(["rev-list", "--objects", "--no-object-names", "--all"]).split("\n")).toContain(dropped);
});

test("a repository that borrows nothing gets no packs", async () => {
  using setting = await mergeSetting();
  const { repository: at, base, trees } = setting;
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  at.write("n.txt", "n\n", tree.path);
  await captured(trees.repository, tree, "s");
  expect(at.git(["count-objects", "-v"])).toContain("packs: 0");
});
