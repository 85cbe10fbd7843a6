/** Rows of a unified diff, one below the other and side by side. */
import { describe, expect, test } from "vitest";
import { changedPart, partners, patchRows, splitRows } from "../../src/changes/patch-rows.ts";

const PATCH = `diff --git a/old.ts b/new.ts
similarity index 80%
rename from old.ts
rename to new.ts
index 1..2 100644
--- a/old.ts
+++ b/new.ts
@@ -3,4 +3,5 @@ function total() {
 same
-const a = 1;
-gone
+const a = 2;
 --- not a header
+++ nor this
\\ No newline at end of file
@@ -20 +21 @@
-x
+y
`;

describe("rows", () => {
  const rows = patchRows(PATCH);

  test("have the numbers of their lines, and the texts without the sign", () => {
    expect(rows).toEqual([
      { kind: "note", text: "similarity index 80%" },
      { kind: "note", text: "rename from old.ts" },
      { kind: "note", text: "rename to new.ts" },
      { kind: "place", text: "function total() {" },
      { kind: "same", before: 3, after: 3, text: "same" },
      { kind: "removed", before: 4, text: "const a = 1;" },
      { kind: "removed", before: 5, text: "gone" },
      { kind: "added", after: 4, text: "const a = 2;" },
      { kind: "same", before: 6, after: 5, text: "--- not a header" },
      { kind: "added", after: 6, text: "++ nor this" },
      { kind: "note", text: "no end of line at the end of the file" },
      { kind: "place", text: "" },
      { kind: "removed", before: 20, text: "x" },
      { kind: "added", after: 21, text: "y" },
    ]);
  });

  test("side by side: what was removed beside what came for it", () => {
    const pairs = splitRows(rows).flatMap((row) =>
      row.kind === "pair" ? [[row.left?.text ?? null, row.right?.text ?? null]] : [],
    );
    expect(pairs).toEqual([
      ["same", "same"],
      ["const a = 1;", "const a = 2;"],
      ["gone", null],
      ["--- not a header", "--- not a header"],
      [null, "++ nor this"],
      ["x", "y"],
    ]);
    expect(partners(rows).get(rows[5] as (typeof rows)[number])).toBe("const a = 2;");
    expect(partners(rows).has(rows[6] as (typeof rows)[number])).toBe(false);
  });

  test("of nothing are none, and of a file that is no text what git says", () => {
    expect(patchRows("")).toEqual([]);
    expect(patchRows("diff --git a/x b/x\nBinary files a/x and b/x differ\n")).toEqual([
      { kind: "note", text: "Binary files a/x and b/x differ" },
    ]);
  });
});

describe("the part of a line that changed", () => {
  test.each([
    ["const a = 1;", "const a = 2;", [10, 11]],
    ["const a = 1;", "const a = 1000;", [11, 11]],
    ["aaa", "aa", [2, 3]],
    ["wholly different", "nothing here", undefined],
    ["", "x", [0, 0]],
    ["same", "same", [4, 4]],
  ])("%j against %j", (text, other, expected) => {
    expect(changedPart(text, other)).toEqual(expected);
  });
});
