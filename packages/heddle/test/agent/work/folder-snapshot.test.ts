/** What is told of a folder between two looks at it. */
import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { changedPaths, takeFolderSnapshot } from "../../../src/agent/work/folder-snapshot.ts";
import { temporaryFolder } from "../../support/temporary.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder("snapshot");
  mkdirSync(join(folder, "src/deep"), { recursive: true });
  for (const file of ["a.txt", "src/b.txt", "src/deep/c.txt"]) writeFileSync(join(folder, file), file);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function changesBy(change: () => void): Promise<readonly string[]> {
  const before = await takeFolderSnapshot(folder, [".heddle"]);
  change();
  return changedPaths(before, await takeFolderSnapshot(folder, [".heddle"]));
}

test.each<[string, () => void, readonly string[]]>([
  ["nothing", () => {}, []],
  ["a new file", () => writeFileSync(join(folder, "src/new.txt"), "x"), ["src/new.txt"]],
  ["a new folder, empty", () => mkdirSync(join(folder, "src/empty")), ["src/empty"]],
  ["other text of the same length", () => writeFileSync(join(folder, "a.txt"), "b.txt"), ["a.txt"]],
  ["a deleted file", () => rmSync(join(folder, "src/deep/c.txt")), ["src/deep/c.txt"]],
  ["a deleted folder", () => rmSync(join(folder, "src/deep"), { recursive: true }), ["src/deep", "src/deep/c.txt"]],
  ["a changed mode", () => chmodSync(join(folder, "a.txt"), 0o755), ["a.txt"]],
  [
    "a link in place of a file",
    () => {
      rmSync(join(folder, "a.txt"));
      symlinkSync("src/b.txt", join(folder, "a.txt"));
    },
    ["a.txt"],
  ],
  [
    "text put back with the old time",
    () => {
      writeFileSync(join(folder, "a.txt"), "B.txt");
      utimesSync(join(folder, "a.txt"), 1, 1);
    },
    ["a.txt"],
  ],
  [
    "what heddle and git write themselves",
    () => {
      for (const name of [".heddle", ".git", "src/.git", "node_modules"]) {
        mkdirSync(join(folder, name), { recursive: true });
        writeFileSync(join(folder, name, "file"), "x");
      }
    },
    [],
  ],
  [".heddle elsewhere is a folder like others", () => mkdirSync(join(folder, "src/.heddle")), ["src/.heddle"]],
])("%s", async (_, change, expected) => {
  expect(await changesBy(change)).toEqual(expected);
});

test("a folder that is not there holds nothing", async () => {
  expect((await takeFolderSnapshot(join(folder, "none"))).entries.size).toBe(0);
});
