import { matchesGlob } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GlobOverlaps } from "../../../src/plan/glob/overlap.ts";

const globsOverlap = (a: string, b: string): boolean => new GlobOverlaps().has(a, b);

describe("globs that can match one path", () => {
  test.each([
    ["src/**", "src/api/a.ts"],
    ["src/**", "src"],
    ["**/*.ts", "src/api/a.ts"],
    ["**/x.ts", "x.ts"],
    ["src/**/x.ts", "src/x.ts"],
    ["src/*.ts", "src/[ab].ts"],
    ["src/{a,b}/**", "src/b/c"],
    ["{a,**}/b", "x/y/b"],
    ["{src/a,lib}/x", "lib/*"],
    ["file{1..3}.ts", "file2.ts"],
    ["a?c", "*b*"],
    ["./src//a", "/src/a"],
    ["src/api", "src/api/deep/a.ts"],
    ["src/api/", "src/api/a.ts"],
    ["[!a]x", "bx"],
    ["[a-c]", "[c-e]"],
    ["\\*", "\\*"],
    ["[", "["],
    ["[a", "[a"],
    ["{a", "{a"],
    ["{a}", "a"],
    ["{a}", "{a}"],
    ["src/!(a)/x", "src/b/x"],
    ["a/../b", "b"],
    ["[[:alpha:]]", "x"],
    ["caf\u00e9", "cafe\u0301"],
    ["", "a"],
    [".", "a/b"],
    ["a**b", "a/b"],
  ])("%s and %s", (a, b) => {
    expect(globsOverlap(a, b)).toBe(true);
    expect(globsOverlap(b, a)).toBe(true);
  });

  test.each([
    ["src/api/**", "src/ui/**"],
    ["src/a", "src/ab"],
    ["src/*", "src/a/b"],
    ["src/**/x.ts", "src-old/x.ts"],
    ["*.ts", "*.js"],
    ["**/*.ts", "docs/*.md"],
    ["src/{a,b}/**", "src/c/**"],
    ["a?", "a"],
    ["a?b", "a/b"],
    ["[ab]", "[cd]"],
    ["[!a]", "a"],
    ["\\*", "a"],
    ["a*b", "*c"],
    ["{a,b}{c,d}", "{a,b}{e,f}"],
  ])("not %s and %s", (a, b) => {
    expect(globsOverlap(a, b)).toBe(false);
    expect(globsOverlap(b, a)).toBe(false);
  });
});

/** All names and paths of up to eight characters over a small alphabet, without empty names. */
const PATHS = ((): readonly string[] => {
  const all = [""];
  for (let from = 0, length = 0; length < 8; length++) {
    const end = all.length;
    for (; from < end; from++) for (const char of "ab/") all.push((all[from] ?? "") + char);
  }
  return all.filter((path) => /^[ab]+(\/[ab]+)*$/.test(path));
})();

const PLAIN = ["a", "b", "*", "?", "[ab]", "[!a]"];
const name = fc.string({ unit: fc.constantFrom(...PLAIN, "{a,b}"), minLength: 1, maxLength: 2 });
const glob = fc
  .array(fc.oneof(name, name, fc.constant("**"), fc.constant("{a,**}"), fc.constant("{a/b,b}")), {
    minLength: 1,
    maxLength: 3,
  })
  .map((names) => names.join("/"));

describe("against all short paths", () => {
  test("never no where Node's matcher finds a path that both match", () => {
    fc.assert(
      fc.property(glob, glob, (a, b) => {
        fc.pre(!globsOverlap(a, b));
        expect(PATHS.filter((path) => matchesGlob(path, a) && matchesGlob(path, b))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("and yes only where some path matches both", () => {
    const exact = fc
      .array(fc.string({ unit: fc.constantFrom(...PLAIN), minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 })
      .map((names) => names.join("/"));
    fc.assert(
      fc.property(exact, exact, (a, b) => {
        fc.pre(globsOverlap(a, b));
        const found = PATHS.some((path) => matches(path, a) && matches(path, b));
        expect(found).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

/** Slow and simple, for the globs above: a name without wildcard at the end also stands for what is under it. */
function matches(path: string, text: string): boolean {
  const names = text.split("/");
  if (!/[*?[]/.test(names.at(-1) ?? "")) names.push("**");
  const walk = (i: number, parts: readonly string[]): boolean => {
    const want = names[i];
    if (want === undefined) return parts.length === 0;
    if (want === "**") return parts.some((_, at) => walk(i + 1, parts.slice(at))) || walk(i + 1, []);
    const [first, ...rest] = parts;
    return first !== undefined && regexOf(want).test(first) && walk(i + 1, rest);
  };
  return walk(0, path.split("/"));
}

function regexOf(want: string): RegExp {
  const body = want.replaceAll("[!a]", "[^a]").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${body}$`);
}

describe("hostile globs", () => {
  test.each([
    ["braces in braces", "{".repeat(500) + "a" + "}".repeat(500), "{".repeat(500) + "b" + "}".repeat(500)],
    ["many alternatives", `x/${"{a,b}".repeat(100)}`, `x/${"{a,c}".repeat(100)}`],
    ["stars", "*a".repeat(500), "*b".repeat(500)],
    ["folders", "**/a/".repeat(200), "**/b/".repeat(200)],
    ["length", "a".repeat(1_000_000), "*".repeat(1_000_000)],
    ["open brackets", "[".repeat(1000), "[a".repeat(500)],
    ["open classes", "[[:".repeat(340), "[[:".repeat(340)],
    ["open braces", "{a,".repeat(300), "{b,".repeat(300)],
  ])("%s cost little, and count as overlapping", (_, a, b) => {
    const overlaps = new GlobOverlaps();
    overlaps.has(a, b);
    expect(overlaps.work).toBeLessThan(250_000);
  });

  test("what is too much to tell counts as possible", () => {
    expect(globsOverlap(`x/${"{a,b}".repeat(100)}`, "x/other")).toBe(true);
    expect(globsOverlap(`x/${"{a,b}".repeat(100)}`, "y/other")).toBe(false);
    expect(globsOverlap("**/a/".repeat(200), "**/b/".repeat(200))).toBe(true);
  });
});
