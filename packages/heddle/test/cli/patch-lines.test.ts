/** Diffs on a screen: lines of files are told from lines of the diff, and nothing in either reaches the terminal. */
import { expect, test } from "vitest";
import { safeLine, visibleLine } from "../../src/base/safe-text.ts";
import { patchLines, statLines } from "../../src/cli/patch-lines.ts";

const screen = {
  columns: 60,
  style: (style: unknown, text: string): string => (text === "" ? "" : `<${String(style)}>${text}`),
};

function shown(...lines: readonly string[]): readonly string[] {
  return [...patchLines(screen, Buffer.from(lines.map((line) => `${line}\n`).join("")))];
}

test("lines of a hunk are coloured by their first character, also where they look like the diff's own", () => {
  const lines = [
    "diff --git a/x b/x",
    "--- a/x",
    "+++ b/x",
    "@@ -1,3 +1,3 @@ about",
    " @@ -1 +1 @@",
    "--- a/y",
    "+++ b/y",
    " ",
    "\\ No newline at end of file",
    "diff --git a/z b/z",
    "@@ -1 +0,0 @@",
    "-z",
  ];
  expect(shown(...lines)).toEqual([
    "<bold>diff --git a/x b/x",
    "<bold>--- a/x",
    "<bold>+++ b/x",
    "<cyan>@@ -1,3 +1,3 @@ about",
    " @@ -1 +1 @@",
    "<red>--- a/y",
    "<green>+++ b/y",
    " ",
    "\\ No newline at end of file",
    "<bold>diff --git a/z b/z",
    "<cyan>@@ -1 +0,0 @@",
    "<red>-z",
  ]);
  expect(shown()).toEqual([]);
});

test("what a file has in it is named where it would do something, and none of it is left out", () => {
  const evil = "+rm -rf /\r+harmless \u001b[2J\u001b]0;x\u0007 \u202eend\u200b\u009b1A\u007f\ttab";
  const [line = ""] = shown("@@ -0,0 +1 @@", evil).slice(1);
  expect(line).toBe("<green>+rm -rf /^M+harmless ^[[2J^[]0;x^G <U+202E>end<U+200B><U+009B>1A^?\ttab");
  expect(visibleLine("plain")).toBe("plain");
  // Nothing is left for `safeLine` to do but to widen tabs.
  expect(safeLine(line)).toBe(line.replaceAll("\t", "  "));
  expect(shown("diff --git a/\u202egpj.exe b/x")[0]).toBe("<bold>diff --git a/<U+202E>gpj.exe b/x");
  // A byte that is no character, and a hunk that ends early.
  expect([...patchLines(screen, Buffer.from([0x2b, 0xff, 0x1b]))]).toEqual(["<bold>+\u{fffd}^["]);
});

test("files are counted, with bars that fit", () => {
  const rows = [
    ...statLines(screen, [
      { path: "a\u001b[2J.txt", status: "modified", added: 900, removed: 100 },
      { path: "b.png", status: "added", added: null, removed: null },
      { path: "new.txt", from: "old.txt", status: "renamed", added: 0, removed: 0 },
    ]),
  ];
  expect(rows[0]).toMatch(/^ a\^\[\[2J\.txt {8} \| 1000 <green>\++<red>-+$/);
  expect(rows[0]?.replaceAll(/<\w+>/g, "").length).toBeLessThanOrEqual(60);
  expect(rows.slice(1)).toEqual([
    " b.png              | binary (added)",
    " old.txt => new.txt |    0  (renamed)",
    " 3 files, 900 lines added, 100 lines removed",
  ]);
});
