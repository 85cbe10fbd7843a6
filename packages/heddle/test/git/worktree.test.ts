/** G1, G3, G5, G6 in small: worktrees of a run. */
import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { present } from "../../src/base/assert.ts";
import { orThrow } from "../../src/base/errors.ts";
import { breachesBetween, takeIsolationSnapshot } from "../../src/git/isolation-check.ts";
import { listWorktrees, setupKey } from "../../src/git/listing.ts";
import { RepositoryLock } from "../../src/git/lock.ts";
import { refPart, slugOf, treeName } from "../../src/git/ref-names.ts";
import { LocalWorktrees } from "../../src/git/worktree.ts";
import { fingerprint } from "../support/user-git.ts";
import { captured, clock, foreignRefs, judge, namesIn, testRepository, step } from "./test-repository.ts";

test("G1: 16 start at once, in two processes' worth of managers, twice", async () => {
  using at = testRepository();
  const { base } = await at.open();
  for (const run of ["r1", "r2"]) {
    const managers = [await at.worktrees(), await at.worktrees()];
    const made = await Promise.all(
      Array.from({ length: 16 }, async (_, index) => {
        const manager = present(managers[index % 2], "manager");
        return orThrow(await manager.ensure({ run, owner: step(`s${index}`), base }));
      }),
    );
    expect(new Set(made.map((tree) => tree.path)).size).toBe(16);
    expect(new Set(made.flatMap((tree) => tree.ports)).size).toBe(160);
    for (const tree of made) expect(at.read("src/deep/c.txt", tree.path)).toBe("c\n");
  }
  const noted = at.git(["worktree", "list", "--porcelain"]);
  expect(noted.match(/^branch refs\/heads\/heddle\//gm)).toHaveLength(32);
  expect(noted.match(/^locked heddle$/gm)).toHaveLength(32);
  expect(at.git(["fsck"])).toBe("");
});

test("G3: the user's checkout is the same to the byte, dirty and all", async () => {
  using at = testRepository();
  at.write("a.txt", "staged\n");
  at.git(["add", "a.txt"]);
  at.write("a.txt", "and changed again\n");
  at.write("untracked.txt", "mine\n");
  at.write("x.log", "ignored\n");
  at.git(["stash", "push", "-q"]);
  at.git(["stash", "apply", "-q"]);
  const skip = (path: string): boolean =>
    // Objects are added, and git notes worktrees and heddle's refs in their places.
    /^\.git$|^\.git\/(objects|worktrees|refs\/heddle|refs\/heads\/heddle|logs\/refs\/heads\/heddle)(\/|$)|^\.git\/(refs|logs\/refs)(\/heads)?$/.test(
      path,
    );
  const before = { files: fingerprint(at.user, skip), refs: foreignRefs(at), stash: at.git(["stash", "list"]) };
  const { repository, base } = await at.open();
  const seen = await takeIsolationSnapshot(repository, "r1");
  const trees = await at.worktrees();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  at.write("a.txt", "agent\n", tree.path);
  at.git(["commit", "-q", "-am", "agent"], tree.path);
  await captured(repository, tree, "s");
  orThrow(await trees.reset(tree, base));
  await listWorktrees(repository);
  orThrow(await trees.remove(tree, { branch: "delete" }));
  await trees.deleteDeferred();
  expect({ files: fingerprint(at.user, skip), refs: foreignRefs(at), stash: at.git(["stash", "list"]) }).toEqual(
    before,
  );
  expect(
    breachesBetween(seen, await takeIsolationSnapshot(repository, "r1"), (ref, id) => repository.isWritten(ref, id)),
  ).toEqual([]);
});

test("a breach of each kind is noticed", async () => {
  using at = testRepository();
  const { repository } = await at.open();
  const breach = async (act: () => void): Promise<unknown> => {
    const before = await takeIsolationSnapshot(repository, "r1");
    act();
    return breachesBetween(before, await takeIsolationSnapshot(repository, "r1"), (ref, id) =>
      repository.isWritten(ref, id),
    ).map(({ kind }) => kind);
  };
  expect(await breach(() => at.write("a.txt", "x\n"))).toEqual(["files"]);
  expect(await breach(() => at.write("a.txt", "xx\n"))).toEqual(["files"]);
  expect(await breach(() => at.write("new.txt", "x\n"))).toEqual(["files"]);
  expect(await breach(() => at.git(["add", "new.txt"]))).toEqual(["index", "files"]);
  expect(await breach(() => at.git(["branch", "other"]))).toEqual(["refs"]);
  expect(await breach(() => at.git(["branch", "heddle/r1/x"]))).toEqual([]);
  expect(await breach(() => at.git(["checkout", "-q", "other"]))).toEqual(["head"]);
  expect(await breach(() => at.git(["config", "user.name", "x"]))).toEqual(["config"]);
  expect(await breach(() => at.write(".git/hooks/pre-commit", "x\n"))).toEqual(["hooks"]);
  expect(await breach(() => at.git(["status"]))).toEqual([]);
  expect(await breach(() => at.git(["stash", "-q"]))).toEqual(["index", "files", "stash"]);
});

test("a worktree is found again with what is in it, and a new manager finds it too", async () => {
  using at = testRepository();
  const { base } = await at.open();
  const first = orThrow(await (await at.worktrees()).ensure({ run: "r1", owner: { kind: "group", id: "web" }, base }));
  at.write("work.txt", "work\n", first.path);
  const again = orThrow(await (await at.worktrees()).ensure({ run: "r1", owner: { kind: "group", id: "web" }, base }));
  expect(again).toMatchObject({
    fresh: false,
    path: first.path,
    branch: "heddle/r1/@web",
    ports: first.ports,
    slug: first.slug,
  });
  expect(at.read("work.txt", again.path)).toBe("work\n");
});

test("group members take turns: captured, set to what was merged meanwhile, ignored files stay", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  const trees = await at.worktrees();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: { kind: "group", id: "web" }, base }));
  at.write("one.txt", "one\n", tree.path);
  at.write("ignored/cache", "cache\n", tree.path);
  at.git(["checkout", "-q", "-b", "elsewhere"], tree.path);
  expect(await trees.reset(tree, base)).toMatchObject({ ok: false, error: { code: "WorkNotCaptured" } });
  const kept = await captured(repository, tree, "one");
  const next = orThrow(await trees.reset(tree, at.git(["rev-parse", "main~1"])));
  expect(next.base).toBe(at.git(["rev-parse", "main~1"]));
  expect(at.git(["symbolic-ref", "HEAD"], tree.path)).toBe("refs/heads/heddle/r1/@web");
  expect(at.git(["status", "--porcelain"], tree.path)).toBe("");
  expect(existsSync(join(tree.path, "one.txt"))).toBe(false);
  expect(at.read("ignored/cache", tree.path)).toBe("cache\n");
  expect(at.git(["cat-file", "blob", `${kept.commit}:one.txt`])).toBe("one");
});

test("G5: what is not captured is not removed, nor reset; what was left out only if that is said", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  const trees = await at.worktrees();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  const refuses = async (): Promise<void> => {
    expect(await trees.remove(tree)).toMatchObject({ ok: false, error: { code: "WorkNotCaptured" } });
    expect(await trees.reset(tree, base)).toMatchObject({ ok: false, error: { code: "WorkNotCaptured" } });
  };
  at.write("a.txt", "changed\n", tree.path);
  await refuses();
  await captured(repository, tree, "s");
  at.write("late.txt", "after the capture\n", tree.path);
  await refuses();
  await captured(repository, tree, "s", 2);
  at.git(["add", "-A"], tree.path);
  at.git(["commit", "-q", "-m", "files are captured, this commit is not"], tree.path);
  await refuses();
  await captured(repository, tree, "s", 3);
  at.write("nested/x.txt", "x\n", tree.path);
  at.git(["init", "-q"], join(tree.path, "nested"));
  at.write("nested/deeper/y.txt", "y\n", tree.path);
  at.git(["init", "-q"], join(tree.path, "nested/deeper"));
  await captured(repository, tree, "s", 4);
  expect(await trees.remove(tree)).toMatchObject({ ok: false, error: { code: "WorkNotCaptured" } });
  // The next step gets the worktree all the same: what is not in the capture, the history of such repositories, is kept.
  const { aside = [] } = orThrow(await trees.reset(tree, base));
  expect(aside.map((folder) => existsSync(join(folder, "HEAD")))).toEqual([true, true]);
  expect(existsSync(join(tree.path, "nested"))).toBe(false);
  rmSync(join(tree.path, ".git"));
  orThrow(await trees.remove(tree, { acceptOmitted: true }));
  expect(existsSync(tree.path)).toBe(false);
  // The branch stays, and so do captures.
  const refs = at.git(["for-each-ref", "--format=%(refname)", "refs/heads/heddle/r1/", "refs/heddle/r1/"]);
  expect(refs.trim().split("\n")).toEqual([
    "refs/heads/heddle/r1/s",
    "refs/heddle/r1/@ours/s",
    "refs/heddle/r1/s/1",
    "refs/heddle/r1/s/2",
    "refs/heddle/r1/s/3",
    "refs/heddle/r1/s/4",
  ]);
});

test("a worktree that a process works in is not removed", async () => {
  using at = testRepository();
  const { base } = await at.open();
  const trees = await at.worktrees();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  const child = spawn("cat", { cwd: join(tree.path, "src"), stdio: ["pipe", "pipe", "ignore"] });
  child.stdin.write("x");
  await new Promise((resolve) => child.stdout.once("data", resolve));
  expect(await trees.remove(tree)).toMatchObject({ ok: false, error: { code: "WorktreeInUse" } });
  child.stdin.end();
  await new Promise((resolve) => child.once("exit", resolve));
  orThrow(await trees.remove(tree));
});

test("a branch that heddle did not make is not used", async () => {
  using at = testRepository();
  const { base } = await at.open();
  at.git(["branch", "heddle/r1/s", "main~1"]);
  const trees = await at.worktrees();
  expect(await trees.ensure({ run: "r1", owner: step("s"), base })).toMatchObject({
    ok: false,
    error: { code: "BranchTaken" },
  });
  expect(at.git(["rev-parse", "heddle/r1/s"])).toBe(at.git(["rev-parse", "main~1"]));
  expect(at.git(["worktree", "list"]).split("\n")).toHaveLength(1);
});

describe("what a crash or an agent leaves is put right", () => {
  test.each<[string, (tree: string, admin: string) => void, boolean]>([
    ["the link to git is gone", (tree) => rmSync(join(tree, ".git")), true],
    ["git's note is gone", (_, admin) => rmSync(admin, { recursive: true }), true],
    ["git's note is half", (_, admin) => rmSync(join(admin, "HEAD")), true],
    ["both are gone", (tree, admin) => [rmSync(join(tree, ".git")), rmSync(admin, { recursive: true })], true],
    ["the folder is gone", (tree) => rmSync(tree, { recursive: true }), false],
    ["git's note says that it is being made", (_, admin) => writeFileSync(join(admin, "locked"), "initializing"), true],
    ["lock files are left", (_, admin) => old(join(admin, "index.lock"), join(admin, "HEAD.lock")), true],
  ])("%s", async (_, damage, keeps) => {
    using at = testRepository();
    const { repository, base } = await at.open();
    const tree = orThrow(await (await at.worktrees()).ensure({ run: "r1", owner: step("s"), base }));
    at.write("work.txt", "work\n", tree.path);
    damage(tree.path, join(at.user, ".git", "worktrees", "s"));
    const trees = await at.worktrees();
    const again = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
    expect(again.fresh).toBe(!keeps);
    expect(existsSync(join(again.path, "work.txt"))).toBe(keeps);
    expect(at.read("src/deep/c.txt", again.path)).toBe("c\n");
    expect((await captured(repository, again, "s")).changedFiles).toEqual(keeps ? ["work.txt"] : []);
    expect(at.git(["worktree", "list", "--porcelain"])).not.toContain("prunable");
    orThrow(await trees.remove(again, { branch: "delete" }));
    expect(namesIn(join(at.user, ".git", "worktrees"))).toEqual([]);
  });

  function old(...paths: readonly string[]): void {
    for (const path of paths) {
      writeFileSync(path, "");
      utimesSync(path, 1, 1);
    }
  }

  test("an entry that git began for us and did not finish is removed, one of the user's is not", async () => {
    using at = testRepository();
    const { repository, base } = await at.open();
    const trees = await at.worktrees();
    orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
    for (const name of ["users", "ours"]) {
      const admin = join(at.user, ".git", "worktrees", name);
      mkdirSync(admin, { recursive: true });
      writeFileSync(join(admin, "locked"), "initializing");
      utimesSync(admin, 1, 1);
    }
    old(join(at.user, ".git", "packed-refs.lock"));
    const locks = [join(at.user, ".git", "packed-refs.lock"), join(at.user, ".git", "index.lock")];
    const intent = join(repository.home, ".intent.json");
    writeFileSync(intent, JSON.stringify({ before: ["s", "users"], locks }));
    orThrow(await (await at.worktrees()).ensure({ run: "r1", owner: step("t"), base }));
    expect(namesIn(join(at.user, ".git", "worktrees"))).toEqual(["s", "t", "users"]);
    // That lock is older than what we began: it is not ours.
    expect(existsSync(locks[0] ?? "")).toBe(true);
    utimesSync(locks[0] ?? "", 2, 2);
    writeFileSync(intent, JSON.stringify({ locks }));
    utimesSync(intent, 1, 1);
    orThrow(await (await at.worktrees()).ensure({ run: "r1", owner: step("u"), base }));
    expect(existsSync(locks[0] ?? "")).toBe(false);
  });
});

test("a lock whose owner has ended is taken over, one of a living owner is waited for", async () => {
  using at = testRepository();
  const path = join(at.folder, "locks", ".lock");
  mkdirSync(join(at.folder, "locks"));
  for (const text of ['{"pid":999999999,"started":"1"}', `{"pid":${process.pid},"started":"1"}`, "rubbish"]) {
    writeFileSync(path, text);
    expect(await new RepositoryLock(path, clock).run(async () => "in")).toBe("in");
  }
  const events: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = new RepositoryLock(path, clock).run(async () => {
    events.push("first in");
    await promise;
    events.push("first out");
  });
  while (!existsSync(path)) await new Promise((next) => setImmediate(next));
  const second = new RepositoryLock(path, clock).run(async () => events.push("second in"));
  setTimeout(resolve, 40);
  await Promise.all([first, second]);
  expect(events).toEqual(["first in", "first out", "second in"]);
  expect(namesIn(join(at.folder, "locks"))).toEqual([]);
});

test(".worktreeinclude: ignored files are copied, nothing else, and nothing leads out", async () => {
  using at = testRepository();
  at.write(".worktreeinclude", ".env\nignored/\nloose.txt\ntrap/\n");
  at.write(".gitignore", "ignored/\n*.log\n.env\ntrap/\n");
  symlinkSync("/etc", join(at.user, "trap"));
  at.git(["add", "-A", "-f", "trap", ".gitignore"]);
  at.git(["commit", "-q", "-m", "a link where the user will have a folder"]);
  rmSync(join(at.user, "trap"));
  at.write("trap/heddle-escape", "out\n");
  at.write(".env", "SECRET=1\n");
  chmodSync(join(at.user, ".env"), 0o600);
  at.write("src/.env", "SECRET=2\n");
  at.write("ignored/cert.pem", "pem\n");
  symlinkSync("/etc/passwd", join(at.user, "ignored", "link"));
  at.write("loose.txt", "not ignored\n");
  const { base } = await at.open();
  const tree = orThrow(await (await at.worktrees()).ensure({ run: "r1", owner: step("s"), base }));
  expect(tree.included.copied).toEqual([".env", "ignored/cert.pem", "src/.env"]);
  expect(tree.included.skipped).toContainEqual({ path: "loose.txt", reason: "not-ignored" });
  expect(tree.included.skipped).toContainEqual({ path: "ignored/link", reason: "not-a-file" });
  expect(tree.included.skipped.map(({ path }) => path)).toContain("trap/heddle-escape");
  expect(existsSync("/etc/heddle-escape")).toBe(false);
  expect(at.read(".env", tree.path)).toBe("SECRET=1\n");
  expect(at.git(["status", "--porcelain"], tree.path)).toBe("");
});

test("G6: number and bytes have a bound, and leftovers are listed with sizes", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  const few = new LocalWorktrees({ repository, limits: { maxTrees: 2, maxBytes: 2 ** 40 } });
  const tree = orThrow(await few.ensure({ run: "r1", owner: step("a"), base }));
  orThrow(await few.ensure({ run: "r1", owner: step("b"), base }));
  expect(await few.ensure({ run: "r1", owner: step("c"), base })).toMatchObject({
    ok: false,
    error: { code: "WorktreeLimit" },
  });
  const small = new LocalWorktrees({ repository, limits: { maxTrees: 9, maxBytes: 1000 } });
  expect(await small.ensure({ run: "r1", owner: step("c"), base })).toMatchObject({
    ok: false,
    error: { code: "WorktreeLimit" },
  });
  at.write("big.bin", "x".repeat(100_000), tree.path);
  const listed = await listWorktrees(repository);
  expect(listed).toMatchObject([
    { name: "a", state: "unsaved", branch: "heddle/r1/a", inUse: false },
    { name: "b", state: "saved" },
  ]);
  expect(listed[0]?.bytes).toBeGreaterThan(100_000);
});

test("setup is due once, and again when a lock file changes", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  const trees = await at.worktrees();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  const key = await setupKey(repository, base, ["npm ci"]);
  expect(await trees.needsSetup(tree, key)).toBe(true);
  await trees.setupDone(tree, key);
  expect(await trees.needsSetup(tree, key)).toBe(false);
  expect(await setupKey(repository, base, ["npm ci --x"])).not.toBe(key);
  at.write("package-lock.json", "{}");
  at.git(["add", "-A"]);
  at.git(["commit", "-q", "-m", "lock"]);
  expect(await setupKey(repository, at.git(["rev-parse", "HEAD"]), ["npm ci"])).not.toBe(key);
});

test("names: different for different ids, and valid refs", () => {
  const ids = [
    "a",
    "A",
    "a.lock",
    "a..b",
    "a.",
    ".a",
    "-a",
    "a/b",
    "@",
    "@{",
    "integration",
    "ä~^:?*[\\",
    "x".repeat(100),
    "X".repeat(100),
  ];
  const names = [
    ...ids.map((id) => treeName({ kind: "step", id })),
    ...ids.map((id) => treeName({ kind: "group", id })),
  ];
  names.push(treeName({ kind: "pool", id: 1 }));
  expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
  using at = testRepository({ empty: true });
  for (const name of names) {
    expect(at.tries(["check-ref-format", `refs/heads/heddle/r/${name}`])).toBe(true);
    expect(basename(name)).toBe(name);
  }
  expect(names).not.toContain("integration");
  expect(refPart("x")).toBe("x");
  expect(slugOf("r1", "web")).toBe("web_r1");
  const slugs = [...names, "a-b", "a_b", "@web", "web", `${"x".repeat(30)}1`, `${"x".repeat(30)}2`, "+my-@Step"].map(
    (name) => slugOf("abc123abc123abc", name),
  );
  for (const slug of slugs) expect(slug).toMatch(/^[a-z0-9_]{1,40}$/);
  expect(new Set(slugs).size).toBe(slugs.length);
  expect(readFileSync(join(at.user, ".git", "HEAD"), "utf8")).toContain("main");
});

test("ports that a crash left claimed are free again with the next run, those of others are not", async () => {
  using at = testRepository();
  const { base } = await at.open();
  const first = await at.worktrees();
  const tree = orThrow(await first.ensure({ run: "r1", owner: { kind: "step", id: "a" }, base }));
  const folder = join(at.stateDir, ".ports");
  writeFileSync(join(folder, "22000"), join(at.stateDir, "gone"));
  writeFileSync(join(folder, "22010"), "");
  utimesSync(join(folder, "22010"), 1, 1);
  writeFileSync(join(folder, "22020"), "");
  const later = await at.worktrees();
  orThrow(await later.ensure({ run: "r2", owner: { kind: "step", id: "b" }, base }));
  const left = namesIn(folder).toSorted();
  expect(left).toEqual(["21000", "21010", "22020"]);
  expect(readFileSync(join(folder, String(tree.ports[0])), "utf8")).toBe(tree.path);
});

test("worktrees are found again where the repository's folder was renamed, not where it was copied", async () => {
  using at = testRepository();
  const { base } = await at.open();
  const before = await at.worktrees();
  for (const id of ["one", "two"]) {
    const tree = orThrow(await before.ensure({ run: "r1", owner: step(id), base }));
    at.write("half.txt", `${id}\n`, tree.path);
  }
  const copy = join(at.folder, "copy");
  cpSync(at.user, copy, { recursive: true });
  const there = await judge(copy, at.stateDir);
  if (!there.ok) throw new Error(there.error.message);
  expect(await listWorktrees(there.value.repository)).toEqual([]);
  const renamed = join(at.folder, "renamed");
  renameSync(at.user, renamed);
  for (let round = 0; round < 2; round++) {
    const opened = await judge(renamed, at.stateDir);
    if (!opened.ok) throw new Error(opened.error.message);
    const { repository } = opened.value;
    expect((await listWorktrees(repository)).map(({ name, state }) => [name, state])).toEqual([
      ["one", "unsaved"],
      ["two", "unsaved"],
    ]);
    const trees = new LocalWorktrees({ repository });
    const tree = orThrow(await trees.ensure({ run: "r1", owner: step("one"), base }));
    expect([tree.fresh, at.read("half.txt", tree.path)]).toEqual([false, "one\n"]);
    expect(at.git(["status", "--short"], tree.path)).toBe("?? half.txt");
  }
});
