/** What verification remembers to have passed: by hash, bounded in number and age, whole in every process. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Clock } from "../../src/base/clock.ts";
import { passedStore, REMEMBERED, REMEMBERED_MS } from "../../src/git/verify.ts";
import { clock } from "./test-repository.ts";
import { temporaryFolder } from "../support/temporary.ts";

function store(): { readonly path: string; at: number; readonly time: Clock } & Disposable {
  const folder = temporaryFolder("passed");
  const made = {
    path: join(folder, "deep", "passed"),
    at: 1_000_000_000_000,
    time: { ...clock, now: () => made.at },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
  return made;
}

test("by key and tree, in another process too, and without either in the file", async () => {
  using s = store();
  await passedStore(s.time, s.path).add("secret key", "tree");
  const other = passedStore(s.time, s.path);
  expect(await other.has("secret key", "tree")).toBe(true);
  expect(await other.has("secret key", "tree 2")).toBe(false);
  expect(await other.has("secret", "key tree")).toBe(false);
  expect(readFileSync(s.path, "utf8")).not.toMatch(/secret|tree/);
});

test("for a week, in this process and in the next", async () => {
  using s = store();
  const mine = passedStore(s.time, s.path);
  await mine.add("k", "t");
  s.at += REMEMBERED_MS;
  expect([await mine.has("k", "t"), await passedStore(s.time, s.path).has("k", "t")]).toEqual([true, true]);
  s.at++;
  expect([await mine.has("k", "t"), await passedStore(s.time, s.path).has("k", "t")]).toEqual([false, false]);
  expect(readFileSync(s.path, "utf8")).toBe("");
});

test("so many at most, the youngest, and no line that is none of them", async () => {
  using s = store();
  const mine = passedStore(s.time, s.path);
  for (let n = 0; n < 2 * REMEMBERED + 10; n++) await mine.add("k", String(n));
  expect(readFileSync(s.path, "utf8").split("\n").filter(Boolean).length).toBeLessThan(2 * REMEMBERED);
  expect(await mine.has("k", String(2 * REMEMBERED + 9))).toBe(true);
  writeFileSync(s.path, `"a line of before" tree\n${readFileSync(s.path, "utf8")}`);
  const next = passedStore(s.time, s.path);
  expect([await next.has("k", String(2 * REMEMBERED + 9)), await next.has("k", "0")]).toEqual([true, false]);
  const lines = readFileSync(s.path, "utf8").split("\n").filter(Boolean);
  expect([lines.length <= REMEMBERED, lines.every((line) => /^\d+ [0-9a-f]{64}$/.test(line))]).toEqual([true, true]);
});
