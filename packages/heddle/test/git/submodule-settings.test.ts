/** What `.gitmodules` may say, and what would run a command or leave the checkout where its submodules are fetched. */
import { afterAll, describe, expect, test } from "vitest";
import type { RepositoryAccess } from "../../src/git/repository-access.ts";
import { submoduleFindings } from "../../src/git/submodule-settings.ts";
import { type TestRepository, testRepository } from "./test-repository.ts";

/** One for all: each test makes a commit of its own, in no checkout. */
let shared: { readonly at: TestRepository; readonly repository: RepositoryAccess; readonly base: string } | undefined;
afterAll(() => shared?.at[Symbol.dispose]());

async function found(text: string, file = ".gitmodules"): Promise<readonly ("dangerous" | "odd")[]> {
  if (shared === undefined) {
    const at = testRepository();
    shared = { at, ...(await at.open()) };
  }
  const { at, repository, base } = shared;
  const commit = at.commitOnto(base, { [file]: text });
  const findings = await submoduleFindings(repository, base, commit);
  expect(await submoduleFindings(repository, commit, commit)).toEqual([]);
  return findings.map(({ isDangerous }) => (isDangerous ? "dangerous" : "odd"));
}

function settings(more: { readonly [variable: string]: string }, name = "lib"): string {
  const all = { path: "vendor/lib", url: "https://example.org/lib.git", ...more };
  const lines = Object.entries(all).map(([variable, value]) => `\t${variable} = ${JSON.stringify(value)}\n`);
  return `[submodule ${JSON.stringify(name)}]\n${lines.join("")}`;
}

describe("a url", () => {
  test.each([
    ["https://example.org/lib.git", []],
    ["ssh://git@example.org/lib.git", []],
    ["git@example.org:lib.git", []],
    ["../lib.git", []],
    ["./lib.git", []],
    ["file:///srv/lib.git", ["odd"]],
    ["/srv/lib.git", ["odd"]],
    ["C:\\srv\\lib.git", ["odd"]],
    ["ext::sh -c touch% x", ["dangerous"]],
    ["EXT::sh", ["dangerous"]],
    ["fd::7", ["dangerous"]],
    ["-u./payload", ["dangerous"]],
    ["--upload-pack=touch x", ["dangerous"]],
    ["https://example.org/%0ahost=evil.example", ["dangerous"]],
  ] as const)("%s: %j", async (url, expected) => {
    expect(await found(settings({ url }))).toEqual(expected);
  });
});

test.each([
  [settings({ path: "-p" }), ["dangerous"]],
  [settings({ path: "../out" }), ["dangerous"]],
  [settings({ path: "/etc/x" }), ["dangerous"]],
  [settings({ path: "a/.GIT/hooks" }), ["dangerous"]],
  [settings({ path: "a/..b" }), []],
  [settings({ update: "!touch x" }), ["dangerous"]],
  [settings({ update: "rebase" }), []],
  [settings({}, "../../hooks"), ["dangerous"]],
  [settings({}, "a.b/c"), []],
  [settings({ branch: "main", shallow: "true" }), []],
  ['[submodule "lib"\n\tno config', ["dangerous"]],
  ["-> a.txt", ["dangerous"]],
  ["", []],
] as const)("%j: %j", async (text, expected) => {
  expect(await found(text)).toEqual(expected);
});

test("a file of another case counts, a file elsewhere does not", async () => {
  const text = settings({ url: "ext::sh" });
  expect(await found(text, ".gitModules")).toEqual(["dangerous"]);
  expect(await found(text, "sub/.gitmodules")).toEqual([]);
});

test("what only a commit between says is found where each is asked for, but not that of others", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  const bad = at.commitOnto(base, { ".gitmodules": settings({ update: "!touch x" }) });
  const good = at.commitOnto(bad, { ".gitmodules": settings({}) });
  const asked = async (each?: { readonly without: readonly string[] }): Promise<number> =>
    (await submoduleFindings(repository, base, good, each)).length;
  expect([await asked(), await asked({ without: [] }), await asked({ without: [bad] })]).toEqual([0, 1, 0]);
  const late = at.commitOnto(good, { "other.txt": "x\n" });
  expect(await submoduleFindings(repository, good, late, { without: [] })).toEqual([]);
});
