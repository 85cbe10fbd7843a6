/** G4: merges are git's own: the same tree, or the same conflicting files. G1, G6 and captures at full size. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { mergeTrees } from "../../src/git/merge-candidate.ts";
import { folderBytes, treeFolders } from "../../src/git/disk.ts";
import { listWorktrees } from "../../src/git/listing.ts";
import { LocalWorktrees } from "../../src/git/worktree.ts";
import { workAtRandom } from "../git/endings.ts";
import { USER_ENV } from "../support/user-git.ts";
import { type TestRepository, captured, lines, testRepository, step } from "../git/test-repository.ts";
import { report, scaled } from "./scale.ts";

/** Changes that two people make to the same few files. */
function edit(at: TestRepository, random: Random): void {
  const files = ["a.txt", "b.txt", "src/one.txt", "src/two.txt", "lib/three.txt"];
  const pick = (): string => files[Math.floor(random() * files.length)] ?? "a.txt";
  const count = 1 + Math.floor(random() * 4);
  for (let done = 0; done < count; done++) {
    const file = pick();
    const path = join(at.user, file);
    const act = random();
    if (act < 0.45 && existsSync(path)) {
      const text = at.read(file).split("\n");
      text[Math.floor(random() * text.length)] = `changed ${Math.floor(random() * 3)}`;
      at.write(file, text.join("\n"));
    } else if (act < 0.6) rmSync(path, { force: true });
    else if (act < 0.7 && existsSync(path)) renameSync(path, join(at.user, `${file}.moved${Math.floor(random() * 2)}`));
    else if (act < 0.8) at.write(`new${Math.floor(random() * 3)}.txt`, `${Math.floor(random() * 2)}\n`);
    else if (act < 0.85 && existsSync(path)) chmodSync(path, 0o755);
    else if (act < 0.9) {
      rmSync(path, { force: true });
      symlinkSync(`target${Math.floor(random() * 2)}`, path);
    } else if (act < 0.95) {
      rmSync(path, { force: true, recursive: true });
      if (!existsSync(path)) at.write(`${file}/inside.txt`, "a folder now\n");
    } else at.write("list.union", `${at.read("list.union")}line ${Math.floor(random() * 9)}\n`);
  }
}

function commitSide(at: TestRepository, base: string, random: Random): string {
  at.git(["checkout", "-q", "-f", "--detach", base]);
  at.git(["clean", "-fdxq"]);
  const commits = 1 + Math.floor(random() * 2);
  for (let done = 0; done < commits; done++) {
    try {
      edit(at, random);
    } catch {
      // A folder where a file was: what was done until then counts.
    }
    at.git(["add", "-A"]);
    at.git(["commit", "-q", "--allow-empty", "-m", "side"]);
  }
  return at.git(["rev-parse", "HEAD"]);
}

test("G4: generated merges against git merge", async () => {
  using at = testRepository();
  for (const file of ["src/one.txt", "src/two.txt", "lib/three.txt"]) at.write(file, lines(file, 12));
  at.write("list.union", "start\n");
  at.write(".gitattributes", "*.union merge=union\n");
  at.git(["add", "-A"]);
  at.git(["commit", "-q", "-m", "base"]);
  const { repository, base } = await at.open();
  const random = seededRandom(4);
  const wrong: string[] = [];
  const times = scaled(500);
  let conflicts = 0;
  for (let time = 0; time < times; time++) {
    const theirs = commitSide(at, base, random);
    const ours = commitSide(at, base, random);
    const clean = at.tries(["-c", "merge.conflictStyle=merge", "merge", "-q", "-m", "merged", theirs]);
    const unmerged = at
      .git(["ls-files", "-u", "-z"])
      .split("\0")
      .filter((text) => text !== "")
      .map((text) => (text.split("\t")[1] ?? "").split("~")[0] ?? "");
    const expected = clean
      ? { kind: "clean", tree: at.git(["rev-parse", "HEAD^{tree}"]) }
      : { kind: "conflict", files: [...new Set(unmerged)].sort() };
    const found = await mergeTrees(repository, ours, theirs);
    if (found.kind === "conflict") conflicts++;
    const seen = found.kind === "conflict" ? { kind: found.kind, files: found.files } : found;
    if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong.push(`${time}: ${JSON.stringify([found, expected])}`);
    at.tries(["merge", "--abort"]);
  }
  report(`G4: ${times} merges, ${conflicts} of them conflicts, ${wrong.length} unlike git merge`);
  expect(wrong).toEqual([]);
  expect(conflicts).toBeGreaterThan(0);
});

/** Files as git itself would add them, by its own index. */
function treeByGit(at: TestRepository, path: string, head: string): string {
  const env = {
    ...USER_ENV,
    GIT_DIR: join(at.user, ".git"),
    GIT_WORK_TREE: path,
    GIT_INDEX_FILE: join(at.folder, "oracle"),
  };
  const git = (...args: readonly string[]): string =>
    execFileSync("git", [...args], { cwd: path, env, encoding: "utf8" }).trim();
  git("read-tree", head);
  git("add", "-A");
  return git("write-tree");
}

test("captures: random endings, and no commit or file lost", async () => {
  using at = testRepository();
  const random = seededRandom(5);
  const { repository, base } = await at.open();
  const trees = await at.worktrees();
  const times = scaled(500);
  const wrong: string[] = [];
  let unreachable = 0;
  for (let time = 1; time <= times; time++) {
    const tree = orThrow(await trees.ensure({ run: "r1", owner: step(`s${time}`), base }));
    const work = workAtRandom(at, tree.path, { random });
    const admin = join(at.user, ".git", "worktrees", `s${time}`);
    const headOf = (): string => {
      try {
        return at.git(["--git-dir", admin, "rev-parse", "--verify", "-q", "HEAD"]);
      } catch {
        return base;
      }
    };
    const expected = treeByGit(at, tree.path, headOf());
    const kept = await captured(repository, tree, `s${time}`);
    unreachable += kept.unreachable.length;
    if (kept.tree !== expected) wrong.push(`${time}: files differ after ${work.join(", ")}`);
    try {
      orThrow(await trees.remove(tree, { branch: "delete" }));
    } catch (thrown) {
      wrong.push(`${time}: ${String(thrown)} after ${work.join(", ")}`);
    }
    if (time % 25 === 0 || time === times) {
      const lost = at.git(["fsck", "--unreachable", "--no-reflogs"]).match(/^unreachable commit .*$/gm) ?? [];
      if (lost.length > 0) wrong.push(`${time}: ${lost.length} commits lost`);
    }
  }
  await trees.deleteDeferred();
  report(
    `G5: ${times} random endings captured, ${unreachable} commits kept that no branch had, ${wrong.length} with something lost`,
  );
  expect(wrong).toEqual([]);
});

test("G1: 90 start at once", async () => {
  using at = testRepository();
  const { base } = await at.open();
  const count = scaled(90);
  const trees = await at.worktrees();
  const ended = await Promise.allSettled(
    Array.from({ length: count }, (_, index) => trees.ensure({ run: "r1", owner: step(`s${index}`), base })),
  );
  const failed = ended.filter(({ status }) => status === "rejected");
  report(`G1: ${count} worktrees at once, ${failed.length} failed`);
  expect(failed).toEqual([]);
  expect(at.git(["worktree", "list"]).split("\n")).toHaveLength(count + 1);
});

test("G6: the bounds hold while worktrees come and go", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  const limits = { maxTrees: 8, maxBytes: 3 << 20 };
  const trees = new LocalWorktrees({ repository, limits });
  const random = seededRandom(6);
  const times = scaled(200);
  let refused = 0;
  let most = 0;
  const wrong: string[] = [];
  for (let time = 0; time < times; time++) {
    const owner = step(`s${Math.floor(random() * 14)}`);
    const there = await trees.find("r1", owner);
    if (there !== undefined) orThrow(await trees.remove(there, { branch: "delete" }));
    else
      try {
        const tree = orThrow(await trees.ensure({ run: "r1", owner, base }));
        at.write("ignored/big", "x".repeat(Math.floor(random() * 800_000)), tree.path);
      } catch (thrown) {
        refused++;
        if (!String(thrown).includes("worktrees of this repository")) wrong.push(String(thrown));
      }
    const folders = await treeFolders(repository);
    most = Math.max(most, folders.length);
  }
  await trees.deleteDeferred();
  const listed = await listWorktrees(repository);
  for (const one of listed) {
    const bytes = await folderBytes(one.path);
    const du = Number(execFileSync("du", ["-s", "-B1", one.path], { encoding: "utf8" }).split("\t")[0]);
    if (one.bytes !== bytes || Math.abs(du - bytes) > 64 * 4096) wrong.push(`${one.name}: ${one.bytes}, ${du} by du`);
  }
  report(
    `G6: ${times} comings and goings, at most ${most} worktrees of ${limits.maxTrees}, ${refused} refused, ${wrong.length} wrong`,
  );
  expect(wrong).toEqual([]);
  expect(most).toBeLessThanOrEqual(limits.maxTrees);
});
