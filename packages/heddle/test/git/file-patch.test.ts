/** The diff of one file: asked for by a name that comes from outside, which is compared with what git lists and is never a path. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RepositoryAccess } from "../../src/git/repository-access.ts";
import { fileChanges, filePatch } from "../../src/git/patch.ts";
import { USER_ENV } from "../support/user-git.ts";
import { lines, testRepository, type TestRepository } from "./test-repository.ts";

let at: TestRepository;
let repository: RepositoryAccess;
let base: string;
let head: string;

/** Names that mean something to a shell, to git or to a page, each changed by one line. */
const ODD = [":(top)x", ":1 a\tb\n.txt", "-p", "*.txt", "<img src=x onerror=alert(1)>", "--", "ü\u202e.ts", "a/b;c"];

beforeAll(async () => {
  at = testRepository();
  const files = Object.fromEntries(ODD.map((name, index) => [name, `odd ${index}\n`]));
  ({ repository } = await at.open());
  base = at.git(["rev-parse", "HEAD"]);
  for (const [name, text] of Object.entries(files)) at.write(name, text);
  at.write("binary", "\0\u0001\0");
  at.git(["mv", "a.txt", "moved.txt"]);
  at.write("moved.txt", lines("A", 20).replace("A 3\n", "changed\n"));
  at.write("long.txt", lines("long", 2000));
  at.git(["add", "-A"]);
  at.git(["commit", "-q", "-m", "odd"]);
  // A name that is no text, which no argument of a program can be here.
  const blob = at.git(["rev-parse", "HEAD:b.txt"]);
  execFileSync("git", ["update-index", "-z", "--index-info"], {
    cwd: at.user,
    env: USER_ENV,
    input: Buffer.concat([Buffer.from(`100644 ${blob}\t`), Buffer.from([0x61, 0xff]), Buffer.from("\0")]),
  });
  at.git(["commit", "-q", "-m", "no text"]);
  head = at.git(["rev-parse", "HEAD"]);
});
afterAll(() => at[Symbol.dispose]());

async function patchOf(file: string, maxBytes = 100_000) {
  const found = await filePatch(repository, { from: base, to: head, file, maxBytes });
  return found && { ...found.change, text: Buffer.from(found.patch.bytes).toString(), isCut: found.patch.isCut };
}

test.each(ODD)("of %j alone, whatever its name means elsewhere", async (file) => {
  const found = await patchOf(file);
  expect(found).toMatchObject({ path: file, status: "added", added: 1, removed: 0, isCut: false });
  expect(found?.text.match(/^diff --git /gm)).toHaveLength(1);
  expect(found?.text).toContain(`\n+odd ${ODD.indexOf(file)}\n`);
});

test("of a file whose name is no text, by the name that it is shown with", async () => {
  const names = (await fileChanges(repository, base, head)).map(({ path }) => path);
  const shown = '"a\\377"';
  expect(names).toContain(shown);
  const found = await patchOf(shown);
  expect(found).toMatchObject({ path: shown, added: 20, isCut: false });
  expect(found?.text.match(/^diff --git /gm)).toHaveLength(1);
  expect(await patchOf(shown, 200)).toMatchObject({ isCut: true });
});

test.each(["none", "", "..", "../user/b.txt", "/etc/passwd", ".git/config", "b.txt", "moved.txt\0", "a.tx?", "src"])(
  "of %j there is none: it does not differ",
  async (file) => {
    expect(await patchOf(file)).toBe(undefined);
  },
);

test("a move is one file, what is not text says so, and what is too long is cut behind a line", async () => {
  const moved = await patchOf("moved.txt");
  expect(moved).toMatchObject({ status: "renamed", from: "a.txt", added: 1, removed: 1 });
  expect(moved?.text).toContain("rename from a.txt\n");
  expect(await patchOf("binary")).toMatchObject({
    added: null,
    removed: null,
    text: expect.stringContaining("Binary"),
  });
  const cut = await patchOf("long.txt", 1000);
  expect(cut).toMatchObject({ added: 2000, isCut: true });
  expect(cut?.text.length).toBeLessThanOrEqual(1000);
  expect(cut?.text.endsWith("\n")).toBe(true);
});
