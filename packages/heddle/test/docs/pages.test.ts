/** The documentation agrees with the code: codes of errors, commands, links, the acceptance table. */
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { withKeyTables } from "../../../../scripts/key-reference.ts";
import { cliReference } from "../../../../scripts/cli-reference.ts";
import { httpReference, openApiText } from "../../../../scripts/http-reference.ts";
import { LIMITS } from "../../src/plan/limits.ts";
import { anchorsOf, linksOf, PAGES, readPage, ROOT } from "./markdown.ts";

const SRC = path.join(ROOT, "packages/heddle/src");

/** What looks like a code and is none: names of classes of errors, and of a tool. */
const NO_CODES = new Set([
  "AbortError",
  "ApiProblem",
  "BugError",
  "HeddleError",
  "HeddleWarning",
  "PlanError",
  "NotebookEdit",
  "UsageError",
  "WebFetch",
  "WebSearch",
]);

/** Every code that the sources can give: texts of two humps or more, and whatever follows `code:`. */
function codesInSources(): ReadonlySet<string> {
  const codes = new Set<string>();
  for (const file of globSync("**/*.ts", { cwd: SRC })) {
    if (/suite[\w-]*\.ts$/.test(file)) continue;
    const text = readFileSync(path.join(SRC, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
    for (const [, named, written] of text.matchAll(/code: ?"([A-Z][A-Za-z]*)"|"([A-Z][a-z]+(?:[A-Z][a-z]+)+)"/g)) {
      const code = named ?? written ?? "";
      if (!NO_CODES.has(code)) codes.add(code);
    }
  }
  return codes;
}

describe("docs/errors.md", () => {
  const sections = new Set(
    [...readPage("docs/errors.md").matchAll(/^### ([A-Z][A-Za-z]+)$/gm)].map((match) => match[1] ?? ""),
  );
  const codes = codesInSources();

  test("finds the codes at all", () => {
    expect(codes.size).toBeGreaterThanOrEqual(70);
    expect(codes).toContain("CycleDetected");
    expect(codes).toContain("Usage");
  });

  test("has a section for every code of the sources", () => {
    expect([...codes].filter((code) => !sections.has(code)).toSorted()).toEqual([]);
  });

  test("has no section for a code that nothing gives", () => {
    expect([...sections].filter((code) => !codes.has(code)).toSorted()).toEqual([]);
  });
});

test("docs/reference/cli.md is what the commands say of themselves (node scripts/cli-reference.ts writes it)", async () => {
  expect(readPage("docs/reference/cli.md")).toBe(await cliReference());
});

test("docs/reference/http-api.md and openapi.json are what the server's table says (node scripts/http-reference.ts writes them)", () => {
  expect(readPage("docs/reference/http-api.md")).toBe(httpReference());
  expect(readPage("docs/reference/openapi.json")).toBe(openApiText());
});

test("docs/reference/plan-file.md has the tables of keys (node scripts/key-reference.ts writes them)", () => {
  const page = readPage("docs/reference/plan-file.md");
  expect(page).toContain("| `locks` |");
  expect(page).toBe(withKeyTables(page));
});

test("docs/reference/limits.md has the limits of plans", () => {
  const page = readPage("docs/reference/limits.md").replaceAll(",", "");
  for (const limit of [LIMITS.marks, LIMITS.depth, LIMITS.aliases, LIMITS.mergedKeys, LIMITS.nodes, LIMITS.steps])
    expect(page).toContain(` ${limit} `);
});

test.each(PAGES)("links of %s lead somewhere", (page) => {
  const lost = linksOf(page).filter((target) => {
    const [file = "", anchor] = target.split("#");
    const linked = file === "" ? page : path.posix.join(path.posix.dirname(page), file);
    if (!existsSync(path.join(ROOT, linked))) return true;
    return anchor !== undefined && linked.endsWith(".md") && !anchorsOf(linked).has(anchor);
  });
  expect(lost).toEqual([]);
});

describe("docs/found-bugs.md", () => {
  const TEST = path.join(ROOT, "packages/heddle/test");
  /** Suites hold the titles of several files. */
  const suites = textsOf(path.join(TEST, "support/suites"));
  const lines = readPage("docs/found-bugs.md").split("\n");
  const rows = lines.flatMap((line, at) => (/^\| (?!commit|---)/.test(line) ? [{ at: at + 1, line }] : []));

  test("names for every bug a file of tests, and in it the test that shows it", () => {
    const missing: string[] = [];
    let last: readonly string[] = [];
    for (const { at, line } of rows) {
      const shown = line.split(/(?<!\\)\|/).at(-2) ?? "";
      const named = [...shown.matchAll(/[\w-]+\/[\w./-]+/g)].map(([file]) =>
        file.replace(/^packages\/heddle\/test\//, ""),
      );
      const files = named.map((file) => path.join(file.startsWith("packages/") ? ROOT : TEST, file));
      for (const file of files) if (!existsSync(file)) missing.push(`line ${at}: ${path.relative(ROOT, file)}`);
      if (/the same files?\b/.test(shown)) files.push(...last);
      if (files.length === 0) missing.push(`line ${at} names no file`);
      last = files.filter((file) => existsSync(file));
      const text = suites + last.map(textsOf).join("\n");
      for (const [, title = ""] of shown.matchAll(/-t "?([^"`]+)/g))
        if (!new RegExp(title.trim()).test(text)) missing.push(`line ${at}: no test "${title}"`);
    }
    expect(missing).toEqual([]);
    expect(rows.length).toBeGreaterThan(200);
  });
});

/** Of a file, or of all in a folder, with the names of the files beside it: some tests are called by their fixtures. */
function textsOf(file: string): string {
  const isOne = file.endsWith(".ts");
  const files = isOne ? [file] : globSync(path.join(file, "**/*.ts"));
  const beside = globSync("**", { cwd: isOne ? path.dirname(file) : file });
  return [...files.map((each) => readFileSync(each, "utf8")), ...beside].join("\n");
}

describe("docs/acceptance.md", () => {
  const rows = [...readPage("docs/acceptance.md").matchAll(/^\| [^|]+ \| [^|]+ \| `([^`]+)`: ([^|]+) \|$/gm)];

  test("has its rows", () => {
    expect(rows.length).toBeGreaterThanOrEqual(30);
  });

  test.each(rows.map(([, file = "", name = ""]) => [file, name.trim()] as const))("%s has: %s", (file, name) => {
    const text = readFileSync(path.join(ROOT, "packages/heddle/test", file), "utf8");
    for (const title of name.split(" · ")) expect(text).toContain(title);
  });
});
