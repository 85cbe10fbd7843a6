/** Conflicts of every kind: what is put before whoever settles it, what counts as settled, what taking a side gives. */
import { afterAll, expect, test } from "vitest";
import { makeCommit } from "../../src/git/commits.ts";
import { addedMarkers } from "../../src/git/conflict-markers.ts";
import { mergeWithMarkers, unresolvedPaths, withEntries } from "../../src/git/conflict.ts";
import type { RepositoryAccess } from "../../src/git/repository-access.ts";
import { takeSide } from "../../src/git/take-side.ts";
import { type TestRepository, testRepository } from "./test-repository.ts";

/** Files by path, links as `-> TARGET`; `null`: removed. */
type Files = Readonly<Record<string, string | null>>;

const BASE: Files = { "a.txt": "first\nsecond\nthird\n", "run.sh": "#!/bin/sh\n" };

interface Sides {
  readonly repository: RepositoryAccess;
  readonly head: string;
  readonly captured: string;
}

/** One for all: each test makes commits of its own, in no checkout. */
let shared: { readonly at: TestRepository; readonly repository: RepositoryAccess; readonly base: string } | undefined;
afterAll(() => shared?.at[Symbol.dispose]());

async function sides(ours: Files, theirs: Files): Promise<Sides & { readonly at: TestRepository }> {
  if (shared === undefined) {
    const at = testRepository();
    const { repository, base } = await at.open();
    shared = { at, repository, base: at.commitOnto(base, BASE) };
  }
  const { at, repository, base } = shared;
  return { at, repository, head: at.commitOnto(base, ours), captured: at.commitOnto(base, theirs) };
}

async function commitOf({ repository, head }: Sides, tree: string): Promise<string> {
  return await makeCommit(repository, { tree, parents: [head], message: "x", atMs: 0 });
}

const KINDS: readonly (readonly [kind: string, ours: Files, theirs: Files, file: string])[] = [
  ["lines", { "a.txt": "FIRST\nsecond\nthird\n" }, { "a.txt": "ERSTE\nsecond\nthird\n" }, "a.txt"],
  ["both add", { "n.txt": "ours\n" }, { "n.txt": "theirs\n" }, "n.txt"],
  ["both add what is no text", { logo: "o\0" }, { logo: "t\0" }, "logo"],
  ["removed here", { "a.txt": null }, { "a.txt": "longer\nsecond\nthird\n" }, "a.txt"],
  ["removed there", { "a.txt": "longer\nsecond\nthird\n" }, { "a.txt": null }, "a.txt"],
  ["links", { link: "-> a.txt" }, { link: "-> run.sh" }, "link"],
  ["a link and a file", { x: "-> a.txt" }, { x: "text\n" }, "x"],
  ["a folder here", { "thing/in.txt": "in\n" }, { thing: "file\n" }, "thing"],
  ["a folder there", { thing: "file\n" }, { "thing/in.txt": "in\n" }, "thing"],
  ["odd names", { "a b\tc'\"é.txt": "ours\n" }, { "a b\tc'\"é.txt": "theirs\n" }, "a b\tc'\"é.txt"],
];

test.each(KINDS)("%s: it is undecided until its markers are gone", async (_, ours, theirs, file) => {
  const all = await sides(ours, { ...theirs, "own.txt": "own\n" });
  const { at, repository, head, captured } = all;
  const combined = await mergeWithMarkers(repository, head, captured);
  expect(combined.files).toEqual([file]);
  const put = await commitOf(all, combined.tree);
  const left = await unresolvedPaths(repository, { commit: put, head, captured });
  // Where git keeps both under names of its own, both are to be decided.
  expect(left.length).toBeGreaterThan(0);
  expect(left.filter((name) => name !== file && !name.startsWith(`${file}~`))).toEqual([]);
  expect(at.git(["show", `${put}:own.txt`])).toBe("own");
  for (const name of left.filter((one) => one === file)) {
    const text = at.git(["show", `${put}:${name}`]);
    expect([text.includes(`<<<<<<< ${head}`), text.includes(`>>>>>>> ${captured}`)]).toEqual([true, true]);
  }
  // Whoever settles it removes what stands there, or writes something else.
  const entries = new Map(left.map((name) => [name, undefined]));
  const settled = await withEntries(repository, combined.tree, entries);
  expect(await unresolvedPaths(repository, { commit: await commitOf(all, settled), head, captured })).toEqual([]);
});

test.each(KINDS)("%s: a side is taken", async (_, ours, theirs, file) => {
  const all = await sides({ ...ours, "here.txt": "h\n" }, { ...theirs, "own.txt": "own\n" });
  const { at, repository, head, captured } = all;
  for (const side of ["ours", "theirs"] as const) {
    const commit = await takeSide(repository, { head, commit: captured, side, message: side });
    const from = side === "ours" ? head : captured;
    const listed = (of: string, path: string): string => at.git(["ls-tree", "-r", of, "--", path]);
    expect([side, listed(commit, file)]).toEqual([side, listed(from, file)]);
    expect(at.git(["show", `${commit}:own.txt`])).toBe("own");
    expect(at.git(["show", `${commit}:here.txt`])).toBe("h");
    expect(at.git(["ls-tree", "-r", "--name-only", commit])).not.toContain("~");
    expect(await unresolvedPaths(repository, { commit, head, captured })).toEqual([]);
  }
});

test("markers of others are text, and lines that do not conflict are both sides'", async () => {
  const doc = "<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> b\n";
  const all = await sides({ "a.txt": "FIRST\nsecond\nthird\n" }, { "a.txt": "first\nsecond\nTHIRD\n", "doc.md": doc });
  const { at, repository, head, captured } = all;
  const combined = await mergeWithMarkers(repository, head, captured);
  expect(combined.files).toEqual([]);
  const commit = await commitOf(all, combined.tree);
  expect(at.git(["show", `${commit}:a.txt`])).toBe("FIRST\nsecond\nTHIRD");
  expect(await unresolvedPaths(repository, { commit, head, captured })).toEqual([]);
});

test("markers that a commit adds are found, of any origin, also half of them; what was there is not", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  const whole = (label: string, eol = "\n"): string =>
    ["<<<<<<< " + label, "one", "=======", "two", ">>>>>>> other", ""].join(eol);
  const before = at.commitOnto(base, { "docs.md": whole("HEAD") });
  const after = at.commitOnto(before, {
    "docs.md": `${whole("HEAD")}more\n`,
    "stash.txt": whole("Updated upstream"),
    "wïndows 'q'.txt": whole("HEAD", "\r\n"),
    "title.md": "Title\n=======\ntext\n",
    "half.txt": "<<<<<<< HEAD\none\n",
  });
  expect(await addedMarkers(repository, before, after)).toEqual(["half.txt", "stash.txt", "wïndows 'q'.txt"]);
});
