/** A conflict of every kind in one worktree of a real repository: what a person is shown, what may be stored, what is put into the files. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { systemGit } from "../../src/git/git.ts";
import { localRepositories } from "../../src/git/local.ts";
import type { Repository } from "../../src/git/port.ts";
import type { ConflictedFile, FileResolution, Worktree } from "../../src/git/types.ts";
import { USER_ENV } from "../support/user-git.ts";
import { clock, lines, namesIn, testRepository, type TestRepository } from "./test-repository.ts";

type Files = Readonly<Record<string, string | null>>;

const LONG = lines("long", 200_000);
const ODD = ":(top)<b>\t'\"é.ts";

const BASE: Files = {
  "code.ts": lines("x", 40),
  "windows.txt": "one\r\ntwo\r\nthree\r\n",
  "no-end.txt": "one\ntwo",
  "gone-here.txt": "text\n",
  "gone-there.txt": "text\n",
  "tool.sh": "#!/bin/sh\none\n",
  logo: "\0base",
  "latin.txt": "caf\u00e9\n",
  [ODD]: "base\n",
  "huge.txt": LONG,
  link: "-> code.ts",
  "moved.txt": lines("moved", 30),
  "deep/a.txt": "base\n",
  "deep/b.txt": "base\n",
};

/** Two places of `code.ts` conflict, and a third one goes together. */
const code = (word: string, third: string): string =>
  lines("x", 40)
    .replace("x 5\n", `${word} five\n${word} more\n`)
    .replace("x 30\n", word === "ours" ? "" : "theirs thirty\n")
    .replace(third, `${word} alone\n`);

const OURS: Files = {
  "code.ts": code("ours", "x 15\n"),
  "windows.txt": "one\r\nOURS\r\nthree\r\n",
  "no-end.txt": "one\nours",
  "gone-here.txt": null,
  "gone-there.txt": "ours\n",
  "tool.sh": "#!/bin/sh\nours\n",
  logo: "\0ours",
  [ODD]: "ours\n",
  "huge.txt": `ours\n${LONG}`,
  link: "-> windows.txt",
  thing: "file\n",
  "both.txt": "ours\n",
  "moved.txt": null,
  "ours-name.txt": lines("moved", 30),
  "deep/a.txt": "ours\n",
  "deep/b.txt": "ours\n",
};

const THEIRS: Files = {
  "code.ts": code("theirs", "x 20\n"),
  "windows.txt": "one\r\nTHEIRS\r\nthree\r\n",
  "no-end.txt": "one\ntheirs\n",
  "gone-here.txt": "theirs\n",
  "gone-there.txt": null,
  "tool.sh": "#!/bin/sh\ntheirs\n",
  logo: "\0theirs",
  [ODD]: "theirs\n",
  "huge.txt": `theirs\n${LONG}`,
  link: "-> no-end.txt",
  "thing/in.txt": "in\n",
  "both.txt": "theirs\n",
  "moved.txt": null,
  "theirs-name.txt": lines("moved", 30),
  "clean/new.txt": "new\n",
  "deep/a.txt": "theirs\n",
  "deep/b.txt": "theirs\n",
};

let at: TestRepository;
let repository: Repository;
let tree: Worktree;
beforeAll(async () => {
  at = testRepository();
  const base = at.commitOnto(at.git(["rev-parse", "HEAD"]), BASE);
  const head = at.commitOnto(base, OURS);
  let captured = at.commitOnto(base, THEIRS);
  // The step made a program of it.
  const tool = at.git(["rev-parse", `${captured}:tool.sh`]);
  at.git(["read-tree", captured]);
  at.git(["update-index", "--cacheinfo", `100755,${tool},tool.sh`]);
  captured = at.git(["commit-tree", at.git(["write-tree"]), "-p", base, "-m", "theirs"]);
  const options = { projectDir: at.user, stateDir: at.stateDir, clock, run: systemGit({ clock }), env: USER_ENV };
  ({ repository } = orThrow(await localRepositories(options).open()));
  const made = orThrow(
    await repository.worktrees.ensure({ run: "r1", owner: { kind: "step", id: "web" }, base: head }),
  );
  tree = orThrow(await repository.worktrees.applyOnto(made, { step: "web", attempt: 1, head, captured }));
});
afterAll(() => at[Symbol.dispose]());

async function fileOf(file: string): Promise<ConflictedFile> {
  const found = await repository.conflicts.file(tree, file);
  if (found === undefined) throw new Error(`${file} does not conflict`);
  return found;
}

async function revisions(): Promise<ReadonlyMap<string, string>> {
  const found = await repository.conflicts.overview(tree);
  return new Map(found?.files.map(({ file, revision }) => [file, revision]));
}

test("each path is told by what can be done with it, and what goes together apart", async () => {
  const found = await repository.conflicts.overview(tree);
  const told = found?.files.map(({ file, kind, ours, theirs, regions }) => [
    file,
    kind,
    ours?.kind ?? null,
    theirs?.kind ?? null,
    regions,
  ]);
  expect(told).toEqual([
    [ODD, "text", "file", "file", 1],
    ["both.txt", "text", "file", "file", 1],
    ["code.ts", "text", "file", "file", 2],
    ["deep/a.txt", "text", "file", "file", 1],
    ["deep/b.txt", "text", "file", "file", 1],
    ["gone-here.txt", "text", null, "file", 0],
    ["gone-there.txt", "text", "file", null, 0],
    ["huge.txt", "whole", "file", "file", 0],
    ["link", "whole", "link", "link", 0],
    ["logo", "whole", "file", "file", 0],
    ["no-end.txt", "text", "file", "file", 1],
    ["ours-name.txt", "text", "file", null, 0],
    ["theirs-name.txt", "text", null, "file", 0],
    ["thing", "manual", "file", null, 0],
    ["tool.sh", "text", "file", "program", 1],
    ["windows.txt", "text", "file", "file", 1],
  ]);
  expect(found?.files.every(({ state }) => state === "open")).toBe(true);
  expect(found?.files.some(({ ours, theirs }) => ours?.text !== undefined || theirs?.text !== undefined)).toBe(false);
  expect(found?.clean.map(({ path }) => path)).toContain("clean/new.txt");
});

test("regions are the lines of each text", async () => {
  const { ours, theirs, base, regions, marked = "" } = await fileOf("code.ts");
  const cut = (text: string | undefined, { from, to }: { readonly from: number; readonly to: number }): string =>
    (text ?? "")
      .split("\n")
      .slice(from - 1, to - 1)
      .join("|");
  expect(regions.map((one) => [cut(base?.text, one.base), cut(ours?.text, one.ours), cut(theirs?.text, one.theirs)])) //
    .toEqual([
      ["x 5", "ours five|ours more", "theirs five|theirs more"],
      ["x 30", "", "theirs thirty"],
    ]);
  for (const { marked: range } of regions) {
    expect(cut(marked, range)).toMatch(/^<<<<<<< [0-9a-f]{40}\|.*=======\|.*>>>>>>> [0-9a-f]{40}$/);
  }
  // Where one side alone changed something, it is in the text already.
  expect([marked.includes("ours alone\n"), marked.includes("theirs alone\n")]).toEqual([true, true]);
});

test("what does not end with a line's end, and what ends as on Windows, is shown as it is", async () => {
  expect((await fileOf("no-end.txt")).ours?.text).toBe("one\nours");
  const { ours, marked } = await fileOf("windows.txt");
  expect([ours?.text, marked?.includes("OURS\r\n")]).toEqual(["one\r\nOURS\r\nthree\r\n", true]);
});

test("what is no solution is not stored, and why is said, with the line", async () => {
  const refused: readonly (readonly [file: string, resolution: FileResolution, says: string])[] = [
    ["both.txt", { text: `one\n<<<<<<< ${"a".repeat(40)}\ntwo\n` }, "line 2 "],
    ["both.txt", { text: "one\n=======\r\ntwo\n" }, "line 2 "],
    ["both.txt", { text: "one\n\n>>>>>>> x" }, "line 3 "],
    ["both.txt", { text: "|||||||\n" }, "line 1 "],
    ["both.txt", { text: "a\0b" }, "characters"],
    ["both.txt", { text: "a\ud800b" }, "characters"],
    ["both.txt", { text: "x".repeat((1 << 20) + 1) }, "1 MiB"],
    ["logo", { text: "text\n" }, "no text"],
    ["link", { text: "code.ts" }, "no text"],
    ["thing", { take: "ours" }, "folder"],
  ];
  const seen = await revisions();
  for (const [file, resolution, says] of refused) {
    const stored = await repository.conflicts.store(tree, { file, resolution, seen: seen.get(file) ?? "" });
    expect(stored).toMatchObject({ ok: false, error: { code: "InvalidResolution" } });
    expect(stored.ok ? "" : stored.error.message).toContain(says);
  }
  expect(await revisions()).toEqual(seen);
});

test("a name that does not conflict is none, whatever it is on the disk", async () => {
  for (const file of ["none", "../user/a.txt", "", "clean/new.txt", "moved.txt", "Code.ts", "/etc/passwd"]) {
    const stored = await repository.conflicts.store(tree, { file, resolution: { text: "x" }, seen: "x" });
    expect([file, stored]).toMatchObject([file, { error: { code: "UnknownFile" } }]);
  }
});

test("all kinds are decided and put into the worktree, through no link, with their modes and ends of lines", async () => {
  // Where files are to be, something put a link to a folder outside: nothing is written or removed through it.
  const outside = join(at.folder, "outside");
  mkdirSync(outside);
  for (const name of ["a.txt", "b.txt"]) writeFileSync(join(outside, name), "kept\n");
  rmSync(join(tree.path, "deep"), { recursive: true });
  symlinkSync(outside, join(tree.path, "deep"));
  const decided: readonly (readonly [string, FileResolution])[] = [
    [ODD, { text: "both\n" }],
    ["both.txt", { take: "theirs" }],
    ["code.ts", { text: "const marker = '<<<<<<<';\n<<<<<< six\n" }],
    ["deep/a.txt", { text: "both\n" }],
    ["deep/b.txt", { take: "none" }],
    ["gone-here.txt", { take: "none" }],
    ["gone-there.txt", { take: "theirs" }],
    ["huge.txt", { take: "theirs" }],
    ["link", { take: "theirs" }],
    ["logo", { take: "ours" }],
    ["no-end.txt", { text: "one\nboth" }],
    ["ours-name.txt", { take: "ours" }],
    ["theirs-name.txt", { take: "none" }],
    ["tool.sh", { text: "#!/bin/sh\nboth\n" }],
    ["windows.txt", { text: "one\r\nBOTH\r\nthree\r\n" }],
  ];
  const seen = await revisions();
  for (const [file, resolution] of decided) {
    const stored = await repository.conflicts.store(tree, { file, resolution, seen: seen.get(file) ?? "" });
    expect([file, stored.ok]).toEqual([file, true]);
  }
  expect(await repository.conflicts.apply(tree)).toMatchObject({ error: { code: "ConflictOpen" } });
  // Only git settles that one, here by a person in the worktree.
  const before = await repository.captures.capture({ tree, step: "web", attempt: 2 });
  for (const name of await repository.captures.unresolved(tree, before.commit))
    if (name.startsWith("thing~")) rmSync(join(tree.path, name));
  expect(orThrow(await repository.conflicts.apply(tree))).toEqual(decided.map(([file]) => file));
  const read = (file: string): string => readFileSync(join(tree.path, file), "utf8");
  expect([read(ODD), read("both.txt"), read("code.ts")]).toEqual([
    "both\n",
    "theirs\n",
    "const marker = '<<<<<<<';\n<<<<<< six\n",
  ]);
  expect([read("no-end.txt"), read("windows.txt")]).toEqual(["one\nboth", "one\r\nBOTH\r\nthree\r\n"]);
  expect(["gone-here.txt", "gone-there.txt", "theirs-name.txt"].map((file) => existsSync(join(tree.path, file)))) //
    .toEqual([false, false, false]);
  expect(readlinkSync(join(tree.path, "link"))).toBe("no-end.txt");
  expect(lstatSync(join(tree.path, "tool.sh")).mode & 0o111).not.toBe(0);
  expect(read("huge.txt").startsWith("theirs\nlong 0\n")).toBe(true);
  const { commit } = await repository.captures.capture({ tree, step: "web", attempt: 3 });
  expect(await repository.captures.unresolved(tree, commit)).toEqual([]);
  expect(at.git(["ls-tree", commit, "tool.sh"])).toMatch(/^100755/);
  expect(["a.txt", "b.txt"].map((name) => readFileSync(join(outside, name), "utf8"))).toEqual(["kept\n", "kept\n"]);
  expect([namesIn(join(tree.path, "deep")), read("deep/a.txt")]).toEqual([["a.txt"], "both\n"]);
});

test("records that something else put there are none", async () => {
  const meta = join(tree.path, "..", ".meta", "web", "resolutions");
  const before = await fileOf("both.txt");
  expect(before.state).toBe("stored");
  const secret = join(at.folder, "secret.json");
  writeFileSync(secret, JSON.stringify({ ...tree.holds, path: "both.txt", text: "evil" }));
  rmSync(meta, { recursive: true });
  mkdirSync(meta);
  symlinkSync(secret, join(meta, "x.json"));
  writeFileSync(join(meta, "y.json"), "{");
  writeFileSync(join(meta, "z.json"), JSON.stringify({ head: 1 }));
  chmodSync(join(meta, "z.json"), 0o600);
  expect((await fileOf("both.txt")).state).toBe("settled");
  // And where the folder is a link, nothing is written through it.
  rmSync(meta, { recursive: true });
  const elsewhere = join(at.folder, "elsewhere");
  mkdirSync(elsewhere);
  symlinkSync(elsewhere, meta);
  const { revision: seen } = await fileOf("both.txt");
  const wish = { file: "both.txt", resolution: { text: "x\n" }, seen };
  expect(await repository.conflicts.store(tree, wish)).toMatchObject({ ok: true, value: { state: "stored" } });
  expect(lstatSync(meta).isDirectory()).toBe(true);
});
