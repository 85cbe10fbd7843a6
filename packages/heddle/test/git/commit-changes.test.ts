/** What commits changed, one by one: more than the difference of the first and the last. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { changesBetween, changesOfEach, movesBetween } from "../../src/git/commits.ts";
import { fileChanges, patchBetween } from "../../src/git/patch.ts";
import { lines, testRepository, type TestRepository } from "./test-repository.ts";

function commit(at: TestRepository, message: string): string {
  at.git(["add", "-A"]);
  at.git(["commit", "-q", "--allow-empty", "-m", message]);
  return at.git(["rev-parse", "HEAD"]);
}

test("what a commit adds and a later one removes is among them, and what only a merge has", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  at.write("keys/secret", "secret\n");
  commit(at, "adds");
  at.git(["rm", "-q", "keys/secret"]);
  commit(at, "removes");
  at.git(["checkout", "-q", "-b", "side", base]);
  at.write("side.txt", "side\n");
  commit(at, "side");
  at.git(["checkout", "-q", "main"]);
  at.git(["merge", "-q", "--no-commit", "--no-ff", "side"]);
  at.write("only-in-merge.txt", "x\n");
  at.git(["rm", "-q", "b.txt"]);
  const head = commit(at, "merge");
  const each = await changesOfEach(repository, { from: base, to: head, without: [] });
  const named = each.map(({ path, isGone }) => `${isGone ? "-" : "+"}${path}`).sort();
  expect(named).toEqual(["+keys/secret", "+only-in-merge.txt", "+side.txt", "-b.txt", "-keys/secret"]);
  const side = at.git(["rev-parse", "side"]);
  const without = await changesOfEach(repository, { from: base, to: head, without: [side] });
  expect(without.map(({ path }) => path)).not.toContain("side.txt");
});

test("a history of its own counts from its first commit", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  at.git(["checkout", "-q", "--orphan", "fresh"]);
  const head = commit(at, "root");
  const each = await changesOfEach(repository, { from: base, to: head, without: [] });
  expect(each.map(({ path }) => path)).toEqual([".gitignore", "a.txt", "b.txt", "src/deep/c.txt"]);
});

test("pointers are told, where they come, change and go", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  at.git(["update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},vendor/lib`]);
  at.git(["commit", "-q", "-m", "pointer"]);
  const head = at.git(["rev-parse", "HEAD"]);
  const pointer = { path: "vendor/lib", shown: "vendor/lib", isPointer: true };
  expect(await changesBetween(repository, base, head)).toEqual([{ ...pointer, isGone: false }]);
  expect(await changesBetween(repository, head, base)).toEqual([{ ...pointer, isGone: true }]);
});

test("a move is found where the file was changed as well", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  at.git(["mv", "a.txt", "moved.txt"]);
  at.write("moved.txt", lines("A", 20).replace("A 3\n", "changed\n"));
  const head = commit(at, "moves");
  const [a, moved] = ["a.txt", "moved.txt"].map((path) => ({ path, shown: path }));
  expect(await movesBetween(repository, base, head)).toEqual([{ from: a, to: moved }]);
});

test("files are counted by what they are: moved, odd in name, not text; their attributes start nothing", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  at.git(["config", "diff.evil.command", `touch ${at.user}/started`]);
  at.git(["config", "diff.evil.textconv", `touch ${at.user}/started; cat`]);
  at.write(".gitattributes", "* diff=evil\n");
  at.git(["mv", "a.txt", "moved.txt"]);
  at.write("moved.txt", lines("A", 20).replace("A 3\n", "changed\n"));
  at.write(":1 a\tb\n.txt", "x\n");
  at.write("bin", "a\0b");
  at.git(["rm", "-q", "b.txt"]);
  const head = commit(at, "all");
  const counts = { added: 1, removed: 0 };
  expect(await fileChanges(repository, base, head)).toEqual([
    { path: ".gitattributes", status: "added", ...counts },
    { path: ":1 a\tb\n.txt", status: "added", ...counts },
    { path: "b.txt", status: "deleted", added: 0, removed: 20 },
    { path: "bin", status: "added", added: null, removed: null },
    { path: "moved.txt", from: "a.txt", status: "renamed", added: 1, removed: 1 },
  ]);
  const patch = Buffer.from((await patchBetween(repository, { from: base, to: head, maxBytes: 100_000 })).bytes);
  expect(patch.toString()).toContain("rename from a.txt\nrename to moved.txt\n");
  expect(patch.toString()).toContain('"b/:1 a\\tb\\n.txt"');
  expect(at.tries(["cat-file", "-e", `${head}:started`])).toBe(false);
  expect(existsSync(`${at.user}/started`)).toBe(false);
});
