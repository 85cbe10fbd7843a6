/** Conflict markers in lines that a commit adds: of any length, whole or half removed. */
import { afterAll, expect, test } from "vitest";
import { addedMarkers } from "../../src/git/conflict-markers.ts";
import type { RepositoryAccess } from "../../src/git/repository-access.ts";
import { type TestRepository, testRepository } from "./test-repository.ts";

let shared: { readonly at: TestRepository; readonly repository: RepositoryAccess; readonly base: string } | undefined;
afterAll(() => shared?.at[Symbol.dispose]());

function conflict(length: number, ours = " HEAD", theirs = " other"): string {
  return `one\n${"<".repeat(length)}${ours}\nmine\n${"=".repeat(length)}\ntheirs\n${">".repeat(length)}${theirs}\n`;
}

test.each([
  ["whole", conflict(7), true],
  ["without names", conflict(7, "", ""), true],
  ["with carriage returns", conflict(7).replaceAll("\n", "\r\n"), true],
  ["longer, by an attribute", conflict(32), true],
  ["longer, without names", conflict(10, "", ""), true],
  ["shorter, by an attribute", conflict(3), true],
  ["with the common version", conflict(7).replace("=======", "||||||| base\nwas\n======="), true],
  ["the beginning left", "one\n<<<<<<< HEAD\nmine\n", true],
  ["the end left", "mine\ntheirs\n>>>>>>> 1234abc (a commit)\n", true],
  ["the end left, longer", "mine\n>>>>>>>>>> other\n", true],
  ["the beginning gone", "mine\n=======\ntheirs\n>>>>>>> other\n", true],
  ["a line under a heading", "Heading\n=======\n", false],
  ["a line of a table", "a\n=======\nb\n=======\n", false],
  ["a session of Python", ">>> print(1)\n1\n>>> x = [\n", false],
  ["a here string", "cat <<< word\n<<<\n", false],
  ["a mail, quoted", "> > > text\n>>>> more\n", false],
  ["inside a line", "say <<<<<<< HEAD and >>>>>>> other\n", false],
  ["out of order", ">>>>>>>\n=======\n<<<<<<<\n", false],
  ["of different lengths", "<<<<<<<\n======\n>>>>>>>\n", false],
])("%s", async (_, text, isFound) => {
  if (shared === undefined) {
    const at = testRepository();
    shared = { at, ...(await at.open()) };
  }
  const { at, repository, base } = shared;
  const commit = at.commitOnto(base, { "b.txt": text });
  expect(await addedMarkers(repository, base, commit)).toEqual(isFound ? ["b.txt"] : []);
  // What was there before is not added.
  const more = at.commitOnto(commit, { "b.txt": `${text}more\n`, "c.txt": "c\n" });
  expect(await addedMarkers(repository, commit, more)).toEqual([]);
});
