/** G5: what an attempt left is kept, however it ended. */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { capture } from "../../src/git/capture.ts";
import type { RepositoryAccess } from "../../src/git/repository-access.ts";
import { type TestRepository, captured, testRepository, step } from "./test-repository.ts";
import type { Capture, Worktree } from "../../src/git/types.ts";
import { worktreePlaceOf } from "../../src/git/worktree-record.ts";

interface Made extends Disposable {
  readonly at: TestRepository;
  readonly repository: RepositoryAccess;
  readonly tree: Worktree;
  readonly base: string;
}

async function made(): Promise<Made> {
  const at = testRepository();
  const { repository, base } = await at.open();
  const tree = orThrow(await (await at.worktrees()).ensure({ run: "r1", owner: step("s"), base }));
  return { at, repository, tree, base, [Symbol.dispose]: () => at[Symbol.dispose]() };
}

/** Commits that no ref leads to, after the worktree's own log is gone. */
function lost({ at, tree }: Made): string {
  rmSync(tree.path, { recursive: true, force: true });
  at.tries(["worktree", "unlock", tree.path]);
  at.git(["worktree", "prune", "--expire", "now"]);
  return at
    .git(["fsck", "--unreachable", "--no-reflogs"])
    .split("\n")
    .filter((text) => text.includes(" commit "))
    .join("\n");
}

function filesOf({ at }: Made, { commit }: Capture): readonly string[] {
  return at.git(["ls-tree", "-r", "--name-only", commit]).split("\n");
}

describe("an agent that", () => {
  test("did nothing", async () => {
    using one = await made();
    const kept = await captured(one.repository, one.tree, "s");
    expect(kept).toMatchObject({
      commit: one.base,
      base: one.base,
      changedFiles: [],
      omitted: [],
      unreachable: [],
      missing: false,
    });
    expect(one.at.git(["rev-parse", "refs/heddle/r1/s/1"])).toBe(one.base);
  });

  test("changed, added, removed and renamed, with its own index left as it was", async () => {
    using one = await made();
    const { at, tree } = one;
    at.write("a.txt", "changed\n", tree.path);
    at.write("ödd\nnäme", "x\n", tree.path);
    at.write("x.log", "ignored\n", tree.path);
    rmSync(join(tree.path, "b.txt"));
    renameSync(join(tree.path, "src"), join(tree.path, "lib"));
    chmodSync(join(tree.path, "a.txt"), 0o755);
    at.git(["add", "a.txt"], tree.path);
    const before = at.git(["status", "--porcelain"], tree.path);
    const kept = await captured(one.repository, tree, "s");
    expect(kept.changedFiles).toEqual(["a.txt", "b.txt", "lib/deep/c.txt", "src/deep/c.txt", "ödd\nnäme"]);
    expect(at.git(["status", "--porcelain"], tree.path)).toBe(before);
    expect(at.git(["log", "-1", "--format=%an %cn %P", kept.commit])).toBe(`heddle heddle ${one.base}`);
    expect(at.git(["ls-tree", kept.commit, "a.txt"])).toMatch(/^100755/);
  });

  test("committed itself is believed to the commit", async () => {
    using one = await made();
    one.at.write("a.txt", "committed\n", one.tree.path);
    one.at.git(["commit", "-q", "-am", "mine"], one.tree.path);
    const kept = await captured(one.repository, one.tree, "s");
    expect(kept.commit).toBe(one.at.git(["rev-parse", "HEAD"], one.tree.path));
    one.at.write("a.txt", "and more\n", one.tree.path);
    const more = await captured(one.repository, one.tree, "s", 2);
    expect(one.at.git(["rev-parse", `${more.commit}^`])).toBe(kept.commit);
  });

  test("committed what is ignored, and tracks what is ignored", async () => {
    using one = await made();
    one.at.write("x.log", "forced\n", one.tree.path);
    one.at.git(["add", "-f", "x.log"], one.tree.path);
    one.at.git(["commit", "-q", "-m", "forced"], one.tree.path);
    one.at.write("y.log", "staged\n", one.tree.path);
    one.at.git(["add", "-f", "y.log"], one.tree.path);
    expect((await captured(one.repository, one.tree, "s")).changedFiles).toEqual(["x.log", "y.log"]);
  });

  test("hid changes from its index", async () => {
    using one = await made();
    one.at.git(["update-index", "--assume-unchanged", "a.txt"], one.tree.path);
    one.at.git(["update-index", "--skip-worktree", "b.txt"], one.tree.path);
    one.at.write("a.txt", "hidden\n", one.tree.path);
    one.at.write("b.txt", "hidden\n", one.tree.path);
    expect((await captured(one.repository, one.tree, "s")).changedFiles).toEqual(["a.txt", "b.txt"]);
  });

  test("changed a file in the very instant that the index was written, to the same length", async () => {
    using at = testRepository();
    at.git(["config", "core.trustctime", "false"]);
    const { repository, base } = await at.open();
    const tree = orThrow(await (await at.worktrees()).ensure({ run: "r1", owner: step("s"), base }));
    const file = join(tree.path, "src/deep/c.txt");
    for (const attempt of [1, 2, 3]) {
      // All that git goes by is as before, but what is in the file.
      at.write("src/deep/c.txt", `${attempt}\n`, tree.path);
      utimesSync(file, 1_000_000_000, 1_000_000_000);
      if (attempt > 1) utimesSync(worktreePlaceOf(repository, "r1", tree.owner).index, 1_000_000_000, 1_000_000_000);
      const kept = await captured(repository, tree, "s", attempt);
      expect(at.git(["cat-file", "blob", `${kept.commit}:src/deep/c.txt`])).toBe(String(attempt));
    }
  });

  test("threw commits away: reset, amended, left a detached head and a deleted branch", async () => {
    using one = await made();
    const { at, tree } = one;
    const commit = (word: string): void => {
      at.write(`${word}.txt`, word, tree.path);
      at.git(["add", "-A"], tree.path);
      at.git(["commit", "-q", "-m", word], tree.path);
    };
    commit("one");
    commit("two");
    at.git(["commit", "-q", "--amend", "-m", "two again"], tree.path);
    at.git(["reset", "-q", "--hard", one.base], tree.path);
    at.git(["checkout", "-q", "--detach"], tree.path);
    commit("three");
    at.git(["checkout", "-q", "-b", "side"], tree.path);
    commit("four");
    at.git(["checkout", "-q", "heddle/r1/s"], tree.path);
    at.git(["branch", "-q", "-D", "side"], tree.path);
    const kept = await captured(one.repository, tree, "s");
    expect(kept).toMatchObject({ commit: one.base, changedFiles: [] });
    expect(kept.unreachable).toHaveLength(3);
    expect(lost(one)).toBe("");
  });

  test("went to a branch without history, or removed its branch", async () => {
    using one = await made();
    const { at, tree } = one;
    at.git(["checkout", "-q", "--orphan", "fresh"], tree.path);
    at.git(["branch", "-q", "-D", "heddle/r1/s"], tree.path);
    at.write("new.txt", "new\n", tree.path);
    const before = await captured(one.repository, tree, "s");
    expect(before.changedFiles).toEqual(["new.txt"]);
    at.git(["add", "-A"], tree.path);
    at.git(["commit", "-q", "-m", "root"], tree.path);
    at.write("newer.txt", "newer\n", tree.path);
    const kept = await captured(one.repository, tree, "s", 2);
    expect(at.git(["rev-list", "--parents", "-1", kept.commit])).toBe(`${kept.commit} ${one.base}`);
    expect(kept).toMatchObject({ isOnBase: false, changedFiles: ["new.txt", "newer.txt"] });
    expect(kept.unreachable).toHaveLength(1);
    at.git(["add", "-A"], tree.path);
    at.git(["commit", "-q", "-m", "once more"], tree.path);
    // HEAD leads nowhere any more, and yet its log is there.
    at.git(["update-ref", "-d", "refs/heads/fresh"]);
    expect((await captured(one.repository, tree, "s", 3)).unreachable).toHaveLength(1);
    expect(lost(one)).toBe("");
  });

  test("deleted .git, then made a repository of its own", async () => {
    using one = await made();
    const { at, tree } = one;
    at.write("a.txt", "changed\n", tree.path);
    rmSync(join(tree.path, ".git"));
    expect((await captured(one.repository, tree, "s")).changedFiles).toEqual(["a.txt"]);
    at.git(["init", "-q"], tree.path);
    at.git(["add", "-A"], tree.path);
    at.git(["commit", "-q", "-m", "own"], tree.path);
    at.write("b.txt", "changed\n", tree.path);
    expect((await captured(one.repository, tree, "s", 2)).changedFiles).toEqual(["a.txt", "b.txt"]);
    const trees = await at.worktrees();
    expect(await trees.remove(tree)).toMatchObject({ ok: false, error: { code: "WorkNotCaptured" } });
  });

  test("broke its index, or left a rebase half-way", async () => {
    using one = await made();
    const { at, tree } = one;
    at.write(".git/worktrees/s/index", "rubbish");
    at.write("a.txt", "changed\n", tree.path);
    expect((await captured(one.repository, tree, "s")).changedFiles).toEqual(["a.txt"]);
    rmSync(join(at.user, ".git/worktrees/s/index"));
    at.git(["reset", "-q", "--hard"], tree.path);
    at.write("a.txt", "one\n", tree.path);
    at.git(["commit", "-q", "-am", "one"], tree.path);
    at.git(["checkout", "-q", "-b", "x", "HEAD~1"], tree.path);
    at.write("a.txt", "two\n", tree.path);
    at.git(["commit", "-q", "-am", "two"], tree.path);
    expect(at.tries(["rebase", "heddle/r1/s"], tree.path)).toBe(false);
    const kept = await captured(one.repository, tree, "s", 2);
    expect(kept.unfinished).toEqual({ operation: "rebase", unmerged: ["a.txt"] });
    expect(at.git(["cat-file", "blob", `${kept.commit}:a.txt`])).toContain("<<<<<<<");
    at.git(["update-ref", "-d", "refs/heads/x"]);
    expect(lost(one)).toBe("");
  });

  test("removed the worktree, or git's note of it", async () => {
    using one = await made();
    const { at, tree } = one;
    at.write("a.txt", "committed\n", tree.path);
    at.git(["commit", "-q", "-am", "mine"], tree.path);
    const mine = at.git(["rev-parse", "HEAD"], tree.path);
    rmSync(join(at.user, ".git", "worktrees"), { recursive: true });
    at.write("b.txt", "changed\n", tree.path);
    expect((await captured(one.repository, tree, "s")).changedFiles).toEqual(["a.txt", "b.txt"]);
    rmSync(tree.path, { recursive: true });
    expect(await captured(one.repository, tree, "s", 2)).toMatchObject({
      commit: mine,
      missing: true,
      changedFiles: ["a.txt"],
    });
  });

  test("put a repository into the worktree", async () => {
    using one = await made();
    const { at, tree } = one;
    at.write("inner/x.txt", "x\n", tree.path);
    at.write("inner/deeper/y.txt", "y\n", tree.path);
    for (const folder of ["inner/deeper", "inner"]) {
      at.git(["init", "-q"], join(tree.path, folder));
      at.git(["add", "-A"], join(tree.path, folder));
      at.git(["commit", "-q", "-m", "inner"], join(tree.path, folder));
    }
    at.git(["add", "-A"], tree.path);
    const kept = await captured(one.repository, tree, "s");
    expect(kept.nested).toEqual(["inner"]);
    expect(kept.changedFiles).toEqual(["inner/deeper/y.txt", "inner/x.txt"]);
    expect(filesOf(one, kept)).toContain("inner/deeper/y.txt");
    expect(await captured(one.repository, tree, "s")).toEqual(kept);
  });

  test("swapped files, folders and links", async () => {
    using one = await made();
    const { at, tree } = one;
    rmSync(join(tree.path, "a.txt"));
    at.write("a.txt/inside", "x\n", tree.path);
    rmSync(join(tree.path, "src"), { recursive: true });
    at.write("src", "a file now\n", tree.path);
    rmSync(join(tree.path, "b.txt"));
    symlinkSync("/etc/passwd", join(tree.path, "b.txt"));
    mkdirSync(join(tree.path, "empty"));
    const kept = await captured(one.repository, tree, "s");
    expect(filesOf(one, kept)).toEqual([".gitignore", "a.txt/inside", "b.txt", "src"]);
    expect(at.git(["cat-file", "blob", `${kept.commit}:b.txt`])).toBe("/etc/passwd");
    expect(await captured(one.repository, tree, "s", 2)).toMatchObject({ tree: kept.tree });
  });
});

test("what is too large is left out and named; the rest is kept", async () => {
  using one = await made();
  const { at, tree, repository } = one;
  at.write("big.bin", "x".repeat(5000), tree.path);
  at.write("a.txt", "y".repeat(5000), tree.path);
  at.write("c1.txt", "z".repeat(900), tree.path);
  at.write("c2.txt", "z".repeat(900), tree.path);
  const limits = { maxFileBytes: 4000, maxTotalBytes: 1500 };
  const kept = await capture(repository, { tree, step: "s", attempt: 1, limits });
  expect(kept.changedFiles).toEqual(["c1.txt"]);
  expect([...kept.omitted].sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
    { path: "a.txt", reason: "file-too-large", bytes: 5000 },
    { path: "big.bin", reason: "file-too-large", bytes: 5000 },
    { path: "c2.txt", reason: "total-too-large", bytes: 900 },
  ]);
  // The index of the capture was kept: the next, with room, has all of it.
  expect((await captured(repository, tree, "s", 2)).changedFiles).toEqual(["a.txt", "big.bin", "c1.txt", "c2.txt"]);
});

test("capturing again gives the same, and nothing new", async () => {
  using one = await made();
  one.at.write("a.txt", "changed\n", one.tree.path);
  const first = await captured(one.repository, one.tree, "s");
  const again = await captured(one.repository, one.tree, "s");
  expect(again).toEqual(first);
  one.at.write("a.txt", "changed again\n", one.tree.path);
  const other = await captured(one.repository, one.tree, "s");
  expect(other.commit).not.toBe(first.commit);
  expect(lost(one)).toBe("");
  expect(existsSync(one.tree.path)).toBe(false);
});
