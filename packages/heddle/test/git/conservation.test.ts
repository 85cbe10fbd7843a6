/** What agents write is kept or named, however they end, and what is merged is git's own merge: a seeded sample. */
import { expect, test } from "vitest";
import { conserve } from "./conservation.ts";

test("generated endings lose nothing and merge as git does", async () => {
  for (const seed of [1, 3, 5, 8, 21]) {
    const { lost, wrong, done } = await conserve(seed);
    expect({ seed, lost, wrong, done }).toEqual({ seed, lost: [], wrong: undefined, done });
  }
});
