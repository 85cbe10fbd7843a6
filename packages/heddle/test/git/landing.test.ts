/** Landing: what comes into the user's branch and checkout, and what keeps it out. */
import { rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import type { Integration } from "../../src/git/integration.ts";
import { land, revertStep } from "../../src/git/landing.ts";
import { LocalMergeQueue } from "../../src/git/merge-queue.ts";
import { mergeSetting } from "./merge-setting.ts";
import { fingerprint } from "../support/user-git.ts";
import { type TestRepository, captured, foreignRefs, passes, testRepository, step } from "./test-repository.ts";
import type { LandTarget, LandOutcome } from "../../src/git/types.ts";

interface Done extends Disposable {
  readonly at: TestRepository;
  readonly head: string;
  readonly integration: Integration;
  land(mode: LandTarget, target?: string): Promise<LandOutcome>;
}

/** A run with one merged step that changed, added and removed files. */
async function done(): Promise<Done> {
  const at = testRepository();
  const { repository, base } = await at.open();
  const trees = await at.worktrees();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  at.write("a.txt", "landed\n", tree.path);
  at.write("new/file.txt", "landed\n", tree.path);
  at.git(["rm", "-q", "b.txt"], tree.path);
  const { commit } = await captured(repository, tree, "s");
  const queue = new LocalMergeQueue({ worktrees: trees, run: "r1", base, verify: passes });
  await queue.submit({ step: "s", attempt: 1, commit, order: 0 });
  const head = await queue.head();
  return {
    at,
    head,
    integration: queue.integration,
    land: async (mode, target) =>
      await land({
        integration: queue.integration,
        lock: trees.lock,
        mode,
        ...(target === undefined ? {} : { target }),
      }),
    [Symbol.dispose]: () => at[Symbol.dispose](),
  };
}

function state(at: TestRepository): unknown {
  const skip = (path: string): boolean => path === ".git" || path.startsWith(".git/objects");
  return [fingerprint(at.user, skip), foreignRefs(at)];
}

test("none, and a branch of its own: the checkout is not touched", async () => {
  using one = await done();
  const before = fingerprint(one.at.user, (path) => path.startsWith(".git"));
  expect(await one.land({ kind: "none" })).toEqual({ kind: "none" });
  const outcome = { kind: "landed", branch: "feature/x", commit: one.head };
  expect(await one.land({ kind: "branch", name: "feature/x" })).toEqual({ ...outcome, moved: true });
  expect(await one.land({ kind: "branch", name: "feature/x" })).toEqual({ ...outcome, moved: false });
  expect(await one.land({ kind: "branch", name: "main" })).toMatchObject({ problem: { code: "BranchCheckedOut" } });
  for (const name of ["-x", "a..b", "@{-1}", ""])
    expect(await one.land({ kind: "branch", name })).toMatchObject({ problem: { code: "BranchName" } });
  expect(fingerprint(one.at.user, (path) => path.startsWith(".git"))).toBe(before);
});

test("a branch that was landed goes on with the run; not where it is checked out, heddle's own, or gone on from", async () => {
  using one = await done();
  const { at } = one;
  const land = async (name: string): Promise<LandOutcome> => await one.land({ kind: "branch", name });
  for (const name of ["landed", "theirs"]) expect(await land(name)).toMatchObject({ kind: "landed", moved: true });
  at.git(["branch", "begun", "main"]);
  at.git(["update-ref", "refs/heads/theirs", at.git(["commit-tree", "main^{tree}", "-p", "theirs", "-m", "mine"])]);
  at.git(["update-ref", "refs/heads/heddle/r1/s", one.head]);
  const reverted = await revertStep(one.integration, "s");
  const commit = reverted.kind === "reverted" ? reverted.commit : "";
  at.git(["checkout", "-q", "landed"]);
  const before = state(at);
  expect(await land("landed")).toMatchObject({ problem: { code: "BranchCheckedOut" } });
  for (const name of ["theirs", "heddle/r1/s"])
    expect(await land(name)).toMatchObject({ problem: { code: "BranchExists" } });
  expect(state(at)).toEqual(before);
  at.git(["checkout", "-q", "main"]);
  expect(await land("begun")).toEqual({ kind: "landed", branch: "begun", commit, moved: true });
  expect(await land("landed")).toEqual({ kind: "landed", branch: "landed", commit, moved: true });
  expect(await land("landed")).toMatchObject({ moved: false });
  expect(at.git(["diff", "main", "landed"])).toBe("");
});

test("fast-forward: branch and files, once", async () => {
  using one = await done();
  one.at.write("untracked.txt", "mine\n");
  const outcome = { kind: "landed", branch: "main", commit: one.head };
  expect(await one.land({ kind: "ff" })).toEqual({ ...outcome, moved: true });
  expect(one.at.git(["status", "--porcelain"])).toBe("?? untracked.txt");
  expect(one.at.git(["rev-parse", "HEAD"])).toBe(one.head);
  expect(one.at.read("new/file.txt")).toBe("landed\n");
  expect(one.at.git(["reflog", "-1", "--format=%gs"])).toBe("heddle: land heddle/r1/integration");
  expect(await one.land({ kind: "ff" })).toEqual({ ...outcome, moved: false });
});

test.each<[string, string, (at: TestRepository) => void]>([
  ["a changed file", "CheckoutNotClean", (at) => at.write("src/deep/c.txt", "mine\n")],
  ["a staged change", "CheckoutNotClean", (at) => [at.write("z.txt", "z\n"), at.git(["add", "z.txt"])]],
  ["a file in the way", "CheckoutNotClean", (at) => at.write("new/file.txt", "mine\n")],
  [
    "an ignored file in the way",
    "CheckoutNotClean",
    (at) => [at.write(".git/info/exclude", "new/\n"), at.write("new/file.txt", "mine\n")],
  ],
  ["another branch", "NotOnBranch", (at) => at.git(["checkout", "-q", "-b", "other"])],
  ["a detached HEAD", "NotOnBranch", (at) => at.git(["checkout", "-q", "--detach"])],
  ["commits of its own", "NotFastForward", (at) => at.git(["commit", "-q", "--allow-empty", "-m", "mine"])],
])("fast-forward is refused for %s, and nothing is changed", async (_, code, prepare) => {
  using one = await done();
  prepare(one.at);
  const before = state(one.at);
  expect(await one.land({ kind: "ff" }, "main")).toMatchObject({ kind: "refused", problem: { code } });
  expect(state(one.at)).toEqual(before);
});

test("merge: a commit of both, or a conflict that changes nothing", async () => {
  using one = await done();
  one.at.write("src/deep/c.txt", "mine\n");
  one.at.git(["commit", "-q", "-am", "mine"]);
  const mine = one.at.git(["rev-parse", "HEAD"]);
  expect(await one.land({ kind: "merge" })).toMatchObject({ kind: "landed", moved: true });
  expect(one.at.git(["log", "-1", "--format=%P"])).toBe(`${mine} ${one.head}`);
  expect(one.at.git(["status", "--porcelain"])).toBe("");
  expect(await one.land({ kind: "merge" })).toMatchObject({ kind: "landed", moved: false });
  one.at.git(["reset", "-q", "--hard", mine]);
  one.at.write("a.txt", "mine\n");
  one.at.git(["commit", "-q", "-am", "mine too"]);
  const before = state(one.at);
  expect(await one.land({ kind: "merge" })).toEqual({ kind: "conflict", files: ["a.txt"] });
  expect(state(one.at)).toEqual(before);
});

test("a landing that was stopped is finished: before the branch moved, and while files were written", async () => {
  using one = await done();
  const { at } = one;
  const tip = at.git(["rev-parse", "HEAD"]);
  at.git(["read-tree", "-m", "-u", tip, one.head]);
  expect(await one.land({ kind: "ff" })).toMatchObject({ kind: "landed", moved: true });
  expect(at.git(["status", "--porcelain"])).toBe("");
  at.git(["reset", "-q", "--hard", tip]);
  at.write("a.txt", "landed\n");
  at.write("new/file.txt", "landed\n");
  writeFileSync(join(at.user, ".git", "index.lock"), "");
  const { repository } = await at.open();
  const intent = join(repository.home, ".intent.json");
  writeFileSync(intent, JSON.stringify({ locks: [join(at.user, ".git", "index.lock")] }));
  for (const path of [intent, join(at.user, ".git", "index.lock")]) utimesSync(path, 1, 1);
  expect(await one.land({ kind: "ff" })).toMatchObject({ kind: "landed", moved: true });
  expect(at.git(["status", "--porcelain"])).toBe("");
  at.git(["reset", "-q", "--hard", tip]);
  at.write("a.txt", "landed\n");
  at.write("new/file.txt", "not what was to land\n");
  expect(await one.land({ kind: "ff" })).toMatchObject({ problem: { code: "CheckoutNotClean" } });
  expect(at.read("new/file.txt")).toBe("not what was to land\n");
});

interface Swap {
  /** Of the path `conf`, as files by path; a link as `-> TARGET`. */
  readonly before: Readonly<Record<string, string>>;
  readonly after: Readonly<Record<string, string>>;
  /** What the user has there that git does not know. */
  readonly own?: string;
  readonly isRefused?: true;
}

const SWAPS: Readonly<Record<string, Swap>> = {
  "a folder becomes a file": { before: { "conf/a": "a", "conf/deep/b": "b" }, after: { conf: "one" } },
  "a file becomes a folder": { before: { conf: "one" }, after: { "conf/a": "a" } },
  "a link becomes a folder": { before: { "real/a": "a", conf: "-> real" }, after: { "real/a": "a", "conf/a": "b" } },
  "a folder becomes a link": { before: { "real/a": "a", "conf/a": "b" }, after: { "real/a": "a", conf: "-> real" } },
  "a link becomes a file": { before: { conf: "-> a.txt" }, after: { conf: "one" } },
  "a file becomes a link": { before: { conf: "one" }, after: { conf: "-> a.txt" } },
  "a folder with an ignored file becomes a file": {
    before: { "conf/a": "a" },
    after: { conf: "one" },
    own: "conf/my.log",
    isRefused: true,
  },
  "a folder with a new file becomes a file": {
    before: { "conf/a": "a" },
    after: { conf: "one" },
    own: "conf/my.txt",
    isRefused: true,
  },
  "an ignored file is where one is added": { before: {}, after: { "x.log": "one" }, own: "x.log", isRefused: true },
  "an ignored file is where a folder is added": {
    before: {},
    after: { "x.log/a": "one" },
    own: "x.log",
    isRefused: true,
  },
};

describe("landing where", () => {
  const put = (at: TestRepository, files: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(files))
      if (text.startsWith("-> ")) symlinkSync(text.slice(3), join(at.user, path));
      else at.write(path, text);
  };
  for (const [what, { before, after, own, isRefused }] of Object.entries(SWAPS))
    test(`${what}`, async () => {
      using setting = await mergeSetting((at) => {
        put(at, before);
        at.git(["add", "-A"]);
        at.git(["commit", "-q", "--allow-empty", "-m", "before"]);
      });
      const { repository: at, base, trees } = setting;
      for (const path of ["conf", "real"]) rmSync(join(at.user, path), { recursive: true, force: true });
      put(at, after);
      at.git(["add", "-A", "-f"]);
      at.git(["commit", "-q", "-m", "after"]);
      const wanted = at.git(["rev-parse", "HEAD"]);
      at.git(["reset", "-q", "--hard", base]);
      at.git(["update-index", "-q", "--refresh"]);
      if (own !== undefined) at.write(own, "the user's\n");
      const queue = setting.queue();
      await queue.submit({ step: "s", attempt: 1, commit: wanted, order: 0 });
      const landed = await land({ integration: queue.integration, lock: trees.lock, mode: { kind: "ff" } });
      expect(landed.kind).toBe(isRefused === true ? "refused" : "landed");
      if (own !== undefined) expect(at.read(own)).toBe("the user's\n");
      else expect(at.git(["diff", "--stat", wanted])).toBe("");
      await queue.close();
    });
});

describe("a revert leaves what the user committed and the agent merged in", () => {
  for (const mode of ["squash", "merge", "rebase"] as const)
    test(`${mode}`, async () => {
      using setting = await mergeSetting();
      const { repository: at, base, trees } = setting;
      const queue = setting.queue({ mode });
      const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
      at.write("mine.txt", "the step's\n", tree.path);
      at.git(["add", "-A"], tree.path);
      at.git(["commit", "-q", "-m", "mine"], tree.path);
      at.write("user.txt", "the user's\n");
      at.git(["add", "-A"]);
      at.git(["commit", "-q", "-m", "user"]);
      const user = at.git(["rev-parse", "HEAD"]);
      at.git(["merge", "-q", "-m", "merge", "main"], tree.path);
      const { commit, brought } = await captured(trees.repository, tree, "s");
      expect(brought).toEqual([user]);
      await queue.submit({ step: "s", attempt: 1, commit, brought, order: 0 });
      const { integration } = queue;
      const bring = async (): Promise<LandOutcome> =>
        await land({ integration, lock: trees.lock, mode: { kind: "merge" } });
      expect((await bring()).kind).toBe("landed");
      expect(await revertStep(setting.queue().integration, "s")).toMatchObject({
        kind: "reverted",
        files: ["mine.txt"],
      });
      expect((await bring()).kind).toBe("landed");
      expect(at.git(["ls-files"]).split("\n")).toContain("user.txt");
      expect(at.git(["ls-files"]).split("\n")).not.toContain("mine.txt");
      await queue.close();
    });
});

for (const flag of ["--skip-worktree", "--assume-unchanged"])
  test(`a file that git was told to overlook is named: ${flag}`, async () => {
    using one = await done();
    one.at.git(["update-index", flag, "a.txt"]);
    one.at.write("a.txt", "my own settings\n");
    expect(await one.land({ kind: "ff" })).toMatchObject({
      problem: { code: "CheckoutNotClean", message: expect.stringContaining("a.txt has changes") as unknown },
    });
    expect(one.at.read("a.txt")).toBe("my own settings\n");
  });

test("a branch that was renamed meanwhile is not told to be checked out", async () => {
  using one = await done();
  one.at.git(["branch", "-m", "main", "trunk"]);
  const { problem } = (await one.land({ kind: "ff" }, "main")) as Extract<LandOutcome, { kind: "refused" }>;
  expect([problem.code, problem.hint]).toEqual(["NotOnBranch", expect.stringContaining("git merge heddle/r1")]);
});
