/** Names and contents are bytes: what is not UTF-8 is captured, merged, put before an agent and landed as it is. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import { land } from "../../src/git/landing.ts";
import { mergeWithMarkers, unresolvedPaths } from "../../src/git/conflict.ts";
import { takeSide } from "../../src/git/take-side.ts";
import { bytesOf, shownName, textOf } from "../../src/git/path-bytes.ts";
import { mergeSetting, type MergeSetting } from "./merge-setting.ts";
import { captured, step } from "./test-repository.ts";

/** A path below a folder, each character a byte. */
function raw(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, "latin1")]);
}

function names(folder: string): readonly string[] {
  return readdirSync(Buffer.from(folder), { encoding: "buffer" }).map((name) => name.toString("latin1"));
}

/** Names in a commit, each character a byte. */
function namesOf(at: MergeSetting, commit: string): readonly string[] {
  const listed = at.repository.git(["-c", "core.quotePath=true", "ls-tree", "-r", "--name-only", commit]);
  return listed.split("\n");
}

test("names go to text and back, whatever their bytes", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(
      Array.from({ length: Math.floor(random() * 12) }, () => {
        const kind = random();
        if (kind < 0.3) return Math.floor(random() * 128);
        return kind < 0.6 ? 0xc0 + Math.floor(random() * 64) : 0x80 + Math.floor(random() * 64);
      }),
    );
    expect(bytesOf(textOf(bytes)).equals(bytes)).toBe(true);
    expect(shownName(textOf(bytes)).isWellFormed()).toBe(true);
  }
  expect(textOf(Buffer.from("ünï/çödé 🧵"))).toBe("ünï/çödé 🧵");
  // What a surrogate would be in UTF-8 is no UTF-8.
  expect(textOf(Buffer.from([0xed, 0xb2, 0x80]))).toBe("\udced\udcb2\udc80");
  expect(shownName(textOf(Buffer.from('caf\xe9 "q"', "latin1")))).toBe('"caf\\351 \\"q\\""');
});

const OLD = "r\xe9sum\xe9.txt";

/** With a tracked file and a folder whose names are not UTF-8. */
async function setting(): Promise<MergeSetting> {
  return await mergeSetting((at) => {
    mkdirSync(raw(at.user, "d\xe9p"));
    writeFileSync(raw(at.user, "d\xe9p/x.txt"), "x\n");
    writeFileSync(raw(at.user, OLD), "one\ntwo\nthree\n");
    at.git(["add", "-A"]);
    at.git(["commit", "-q", "-m", "latin"]);
  });
}

interface Change {
  readonly act: (folder: string) => void;
  readonly shown: readonly string[];
}

const CHANGES: Readonly<Record<string, Change>> = {
  "a new file": {
    act: (folder) => writeFileSync(raw(folder, "caf\xe9.txt"), "new\n"),
    shown: ['"caf\\351.txt"'],
  },
  "a new file in a new folder": {
    act(folder) {
      mkdirSync(raw(folder, "n\xe9w"));
      writeFileSync(raw(folder, "n\xe9w/\xff.txt"), "new\n");
    },
    shown: ['"n\\351w/\\377.txt"'],
  },
  "a change": { act: (folder) => writeFileSync(raw(folder, OLD), "changed\n"), shown: ['"r\\351sum\\351.txt"'] },
  "a removal": { act: (folder) => rmSync(raw(folder, OLD)), shown: ['"r\\351sum\\351.txt"'] },
  "a folder in the place of a file": {
    act(folder) {
      rmSync(raw(folder, OLD));
      mkdirSync(raw(folder, OLD));
      writeFileSync(raw(folder, `${OLD}/in.txt`), "in\n");
    },
    shown: ['"r\\351sum\\351.txt"', '"r\\351sum\\351.txt/in.txt"'],
  },
  "a file in the place of a folder": {
    act(folder) {
      rmSync(raw(folder, "d\xe9p"), { recursive: true });
      writeFileSync(raw(folder, "d\xe9p"), "file\n");
    },
    shown: ['"d\\351p"', '"d\\351p/x.txt"'],
  },
};

describe("what an agent leaves under a name that is not UTF-8 is captured, merged and landed", () => {
  for (const [what, { act, shown }] of Object.entries(CHANGES))
    for (const how of ["left", "committed"] as const)
      test(`${what}, ${how}`, async () => {
        using at = await setting();
        const { trees, base, repository: user } = at;
        const queue = at.queue();
        const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
        act(tree.path);
        if (how === "committed") {
          user.git(["add", "-A"], tree.path);
          user.git(["commit", "-q", "-m", "own"], tree.path);
        }
        const kept = await captured(trees.repository, tree, "s");
        expect([kept.changedFiles, kept.omitted]).toEqual([shown, []]);
        await queue.submit({ step: "s", attempt: 1, commit: kept.commit, order: 0 });
        const { integration } = queue;
        const landed = await land({ integration, lock: trees.lock, mode: { kind: "ff" } });
        expect(landed).toMatchObject({ kind: "landed" });
        expect(user.git(["status", "--porcelain"])).toBe("");
        expect(names(user.user).toSorted()).toEqual(
          names(tree.path)
            .map((name) => name)
            .toSorted(),
        );
        expect((await trees.remove(tree)).ok).toBe(true);
        await queue.close();
      });
});

test("a name that git refuses is left out and named", async () => {
  using at = await setting();
  const { trees, base } = at;
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  writeFileSync(raw(tree.path, "git~1"), "x");
  mkdirSync(raw(tree.path, ".Git"));
  writeFileSync(raw(tree.path, ".Git/x"), "x");
  writeFileSync(raw(tree.path, "ok.txt"), "x");
  const kept = await captured(trees.repository, tree, "s");
  expect(kept.changedFiles).toEqual(["ok.txt"]);
  expect(kept.omitted.map(({ path }) => path).toSorted()).toEqual([".Git/x", "git~1"]);
});

test("a conflict keeps the bytes of both sides, in its markers and when a side is taken", async () => {
  using at = await setting();
  const { trees, base, repository: user } = at;
  const { repository } = trees;
  const texts = { ours: Buffer.from("d1 \xe9 changed\n", "latin1"), theirs: undefined };
  const owner = orThrow(await trees.ensure({ run: "r1", owner: step("a"), base }));
  writeFileSync(raw(owner.path, OLD), texts.ours);
  const ours = (await captured(repository, owner, "a")).commit;
  const other = orThrow(await trees.ensure({ run: "r1", owner: step("b"), base }));
  rmSync(raw(other.path, OLD));
  const theirs = (await captured(repository, other, "b")).commit;
  const marked = await mergeWithMarkers(repository, ours, theirs);
  expect(marked.files).toEqual(['"r\\351sum\\351.txt"']);
  const entry = user
    .git(["-c", "core.quotePath=true", "ls-tree", marked.tree])
    .split("\n")
    .find((text) => text.includes("sum"));
  const id = entry?.split(/\s/)[2] ?? "";
  const blob = (await repository.objectGit(["cat-file", "blob", id])).output;
  expect(blob.includes(Buffer.from("d1 \xe9 changed", "latin1"))).toBe(true);
  const commit = user.git(["commit-tree", "-m", "x", "-p", ours, marked.tree]);
  expect(await unresolvedPaths(repository, { commit, head: ours, captured: theirs })).toEqual(['"r\\351sum\\351.txt"']);
  const taken = { head: ours, commit: theirs, message: "taken" };
  const mine = await takeSide(repository, { ...taken, side: "ours" });
  expect(namesOf(at, mine)).toContain('"r\\351sum\\351.txt"');
  expect(namesOf(at, await takeSide(repository, { ...taken, side: "theirs" }))).not.toContain('"r\\351sum\\351.txt"');
});

test("rebased commits keep what their messages say, in whatever encoding", async () => {
  using at = await setting();
  const { trees, base, repository: user } = at;
  const queue = at.queue({ mode: "rebase" });
  await queue.submit(at.entry("other", { "other.txt": "x\n" }));
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  for (const [name, encoding] of [
    ["one", "ISO-8859-1"],
    ["two", undefined],
  ] as const) {
    writeFileSync(raw(tree.path, `${name}.txt`), name);
    writeFileSync(raw(at.repository.folder, "message"), Buffer.from(`caf\xe9 ${name}\n`, "latin1"));
    user.git(["add", "-A"], tree.path);
    const set = encoding === undefined ? [] : ["-c", `i18n.commitEncoding=${encoding}`];
    user.git([...set, "commit", "-q", "-F", `${at.repository.folder}/message`], tree.path);
  }
  const kept = await captured(trees.repository, tree, "s");
  await queue.submit({ step: "s", attempt: 1, commit: kept.commit, order: 0 });
  const read = async (name: string): Promise<Buffer> =>
    (await trees.repository.objectGit(["cat-file", "commit", user.git(["rev-parse", name])])).output;
  // Git takes what is not UTF-8 for Latin-1, in a commit that names no encoding.
  for (const [commit, text] of [
    ["heddle/r1/integration~1", "café one"],
    ["heddle/r1/integration", "café two"],
  ] as const)
    expect((await read(commit)).toString("utf8")).toContain(text);
  expect(readFileSync(raw(tree.path, "one.txt"), "utf8")).toBe("one");
  await queue.close();
});
