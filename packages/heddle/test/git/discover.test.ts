/** G7: strange repositories work or are refused early. */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { systemGit } from "../../src/git/git.ts";
import { openRepository } from "../../src/git/discover.ts";
import { USER_ENV } from "../support/user-git.ts";
import { type TestRepository, captured, clock, judge, testRepository, step } from "./test-repository.ts";

async function refusal(at: TestRepository, folder = at.user): Promise<string> {
  const result = await judge(folder, at.stateDir);
  expect(result.ok ? undefined : result.error.hint).toBeTruthy();
  return result.ok ? "usable" : result.error.code;
}

async function notes(at: TestRepository): Promise<readonly string[]> {
  return (await (await at.open()).notes()).map(({ code }) => code);
}

/** The whole way of an attempt. */
async function works(at: TestRepository): Promise<void> {
  const { repository, base } = await at.open();
  const trees = await at.worktrees();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  expect(at.git(["status", "--porcelain"], tree.path)).toBe("");
  at.write("made.txt", "made\n", tree.path);
  const kept = await captured(repository, tree, "s");
  expect(kept.changedFiles).toEqual(["made.txt"]);
  orThrow(await trees.remove(tree, { branch: "delete" }));
  await trees.deleteDeferred();
}

describe("refused, with a way out", () => {
  test("no repository at all", async () => {
    using at = testRepository();
    const plain = join(at.folder, "plain");
    mkdirSync(plain);
    expect(await refusal(at, plain)).toBe("NotARepository");
  });

  test("a .git that is none", async () => {
    using at = testRepository();
    const broken = join(at.folder, "broken");
    mkdirSync(join(broken, ".git"), { recursive: true });
    expect(await refusal(at, broken)).toBe("RepositoryUnreadable");
  });

  test("one above a ceiling, usable or not", async () => {
    using at = testRepository();
    const deep = join(at.user, "src/deep");
    const env = { ...USER_ENV, GIT_CEILING_DIRECTORIES: at.user };
    const options = { folder: deep, run: systemGit({ clock }), clock, stateDir: at.stateDir };
    expect(await openRepository({ ...options, env: USER_ENV })).toMatchObject({ ok: true });
    expect(await openRepository({ ...options, env })).toMatchObject({ error: { code: "NotARepository" } });
    rmSync(join(at.user, ".git/HEAD"));
    expect(await openRepository({ ...options, env: USER_ENV })).toMatchObject({
      error: { code: "RepositoryUnreadable" },
    });
    expect(await openRepository({ ...options, env })).toMatchObject({ error: { code: "NotARepository" } });
  });

  test("bare, and the folder of git's own", async () => {
    using at = testRepository();
    at.git(["clone", "-q", "--bare", at.user, "../bare"]);
    expect(await refusal(at, join(at.folder, "bare"))).toBe("RepositoryBare");
    expect(await refusal(at, join(at.user, ".git"))).toBe("NotACheckout");
  });

  test("without a commit", async () => {
    using at = testRepository({ empty: true });
    expect(await refusal(at)).toBe("RepositoryEmpty");
  });

  test.each(["rebase", "merge", "cherry-pick", "revert"])(
    "a %s in progress, unless the base is named",
    async (what) => {
      using at = testRepository();
      at.git(["checkout", "-q", "-b", "other", "HEAD~1"]);
      at.write("a.txt", "other\n");
      at.git(["commit", "-q", "-am", "other"]);
      const onto = what === "revert" ? "HEAD~1" : "main";
      if (what === "revert") {
        at.write("a.txt", "third\n");
        at.git(["commit", "-q", "-am", "third"]);
      }
      expect(at.tries([what, onto])).toBe(false);
      expect(await refusal(at)).toBe("RepositoryBusy");
      expect((await at.open({ base: "main" })).base).toBe(at.git(["rev-parse", "main"]));
    },
  );

  test("a branch where the folder of branches would be", async () => {
    using at = testRepository();
    at.git(["branch", "heddle"]);
    expect(await refusal(at)).toBe("BranchInTheWay");
  });

  test("a ref there, whatever it names", async () => {
    using at = testRepository();
    at.git(["update-ref", "refs/heddle", "HEAD:a.txt"]);
    expect(await refusal(at)).toBe("BranchInTheWay");
  });

  test("worktrees inside the checkout", async () => {
    using at = testRepository();
    expect(await judge(at.user, join(at.user, ".state"))).toMatchObject({ error: { code: "StateInsideRepository" } });
  });

  test("a base that is not there, and one that looks like an option", async () => {
    using at = testRepository();
    for (const base of ["nowhere", "--all", "-h", "HEAD:a.txt", "nowhere\nHEAD", "HEAD\n", "0".repeat(40), ""]) {
      const result = await judge(at.user, at.stateDir, { base });
      expect(result).toMatchObject({ ok: false, error: { code: "UnknownCommit" } });
    }
  });

  test("git absent or too old", async () => {
    using at = testRepository();
    const common = { folder: at.user, clock, env: USER_ENV, stateDir: at.stateDir };
    expect(await openRepository({ ...common, run: systemGit({ clock, program: "no-such-git" }) })).toMatchObject({
      error: { code: "GitMissing" },
    });
    const output = Buffer.from("git version 2.37.9\n");
    expect(
      await openRepository({ ...common, run: async () => ({ kind: "exited", code: 0, output, said: "" }) }),
    ).toMatchObject({
      error: { code: "GitTooOld" },
    });
  });
});

describe("works", () => {
  test("from a folder inside, through a symbolic link, with spaces and odd letters in the way", async () => {
    using at = testRepository();
    const odd = join(at.folder, "ödd näme 'quoted' $x");
    at.git(["clone", "-q", at.user, odd]);
    symlinkSync(odd, join(at.folder, "link"));
    const opened = await at.open({ folder: join(at.folder, "link", "src", "deep") });
    expect(opened.repository.facts.topLevel).toBe(odd);
  });

  test("on a branch with an odd name, and detached", async () => {
    using at = testRepository();
    at.git(["checkout", "-q", "-b", "feat/ünï#1@x"]);
    expect((await at.open()).branch).toBe("feat/ünï#1@x");
    at.git(["tag", "heddle/r1/s"]);
    await works(at);
    at.git(["checkout", "-q", "--detach"]);
    expect((await at.open()).branch).toBeNull();
    expect(await notes(at)).toEqual(["DetachedHead"]);
    await works(at);
  });

  test("with worktrees behind a symbolic link", async () => {
    using at = testRepository();
    mkdirSync(join(at.folder, "real"));
    symlinkSync(join(at.folder, "real"), at.stateDir);
    await works(at);
  });

  test("in a linked worktree of the user's", async () => {
    using at = testRepository();
    at.git(["worktree", "add", "-q", "-b", "linked", "../linked"]);
    const opened = await at.open({ folder: join(at.folder, "linked") });
    expect(opened.repository.facts).toMatchObject({
      commonDir: join(at.user, ".git"),
      topLevel: join(at.folder, "linked"),
    });
  });

  test("shallow", async () => {
    using at = testRepository();
    at.git(["clone", "-q", "--depth", "1", `file://${at.user}`, "../shallow"]);
    using shallow: TestRepository = {
      ...at,
      user: join(at.folder, "shallow"),
      open: async () => await at.open({ folder: join(at.folder, "shallow") }),
      worktrees: at.worktrees,
    };
    expect((await (await shallow.open()).notes()).map(({ code }) => code)).toEqual(["ShallowRepository"]);
  });

  test("with submodules, which stay as they are", async () => {
    using at = testRepository();
    at.git(["clone", "-q", at.user, "../sub"]);
    at.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", join(at.folder, "sub"), "lib"]);
    at.git(["commit", "-q", "-m", "submodule"]);
    expect(await notes(at)).toEqual(["Submodules"]);
    await works(at);
    const trees = await at.worktrees();
    const { repository, base } = await at.open();
    const tree = orThrow(await trees.ensure({ run: "r2", owner: step("s"), base }));
    at.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init"], tree.path);
    at.write("a.txt", "changed\n", tree.path);
    expect((await captured(repository, tree, "s")).changedFiles).toEqual(["a.txt"]);
    at.write("x.txt", "x\n", join(tree.path, "lib"));
    at.git(["add", "-A"], join(tree.path, "lib"));
    at.git(["commit", "-q", "-m", "in the submodule"], join(tree.path, "lib"));
    expect((await captured(repository, tree, "s", 2)).changedFiles).toEqual(["a.txt", "lib"]);
  });

  test("with files of LFS: pointers stay pointers", async () => {
    using at = testRepository();
    at.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    at.write("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
    at.git(["add", "-A"]);
    at.git(["commit", "-q", "-m", "lfs"]);
    at.git(["config", "filter.lfs.smudge", "false"]);
    at.git(["config", "filter.lfs.required", "true"]);
    expect(await notes(at)).toEqual(["FiltersOff"]);
    const { base } = await at.open();
    const tree = orThrow(await (await at.worktrees()).ensure({ run: "r1", owner: step("s"), base }));
    expect(at.read("big.bin", tree.path)).toBe(at.read("big.bin"));
  });

  test("sparse: worktrees are whole", async () => {
    using at = testRepository();
    at.git(["sparse-checkout", "set", "nothing-there"]);
    expect(existsSync(join(at.user, "src"))).toBe(false);
    expect(await notes(at)).toEqual(["SparseCheckout"]);
    const { repository, base } = await at.open();
    const trees = await at.worktrees();
    const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
    expect(at.read("src/deep/c.txt", tree.path)).toBe("c\n");
    expect(at.git(["reset", "--hard", "-q"], tree.path)).toBe("");
    expect((await captured(repository, tree, "s")).changedFiles).toEqual([]);
    // Whoever works there may keep a part alone: what is not there for that is not deleted.
    at.git(["sparse-checkout", "set", "nothing-there"], tree.path);
    expect(existsSync(join(tree.path, "src"))).toBe(false);
    expect((await captured(repository, tree, "s", 2)).changedFiles).toEqual([]);
    expect(existsSync(join(at.user, "src"))).toBe(false);
  });

  test("with symbolic links in the tree, which are never followed", async () => {
    using at = testRepository();
    symlinkSync("/etc", join(at.user, "out"));
    symlinkSync("a.txt", join(at.user, "in"));
    at.git(["add", "-A"]);
    at.git(["commit", "-q", "-m", "links"]);
    await works(at);
    const { repository, base } = await at.open();
    const tree = orThrow(await (await at.worktrees()).ensure({ run: "r2", owner: step("s"), base }));
    // A folder becomes a link to another place.
    at.git(["rm", "-rq", "src"], tree.path);
    symlinkSync("/etc", join(tree.path, "src"));
    const kept = await captured(repository, tree, "s");
    expect(kept.changedFiles).toEqual(["src", "src/deep/c.txt"]);
    expect(kept.omitted).toEqual([]);
    expect(at.git(["cat-file", "blob", `${kept.commit}:src`])).toBe("/etc");
  });

  test("with ids of sha256", async () => {
    using at = testRepository({ init: ["--object-format=sha256"] });
    expect((await at.open()).base).toHaveLength(64);
    await works(at);
  });

  test("while the user's checkout is dirty, which is said", async () => {
    using at = testRepository();
    writeFileSync(join(at.user, "a.txt"), "dirty\n");
    writeFileSync(join(at.user, "untracked"), "");
    const { notes } = await at.open();
    expect(await notes()).toMatchObject([{ code: "UncommittedChanges", message: expect.stringMatching(/^2 /) }]);
  });
});
