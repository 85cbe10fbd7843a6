/** What agents write is kept or named, however they end, and what is merged is git's own merge: a seeded sample. */
import { expect, test } from "vitest";
import { conserve } from "./conservation.ts";

test("generated endings lose nothing and merge as git does", async () => {
  // Among them are all modes of merging, commits that were dropped, a stash that stays, and a mode alone that changes.
  for (const seed of [13, 18, 58, 130, 134, 155]) {
    const { lost, wrong, done } = await conserve(seed);
    expect({ seed, lost, wrong, done }).toEqual({ seed, lost: [], wrong: undefined, done });
  }
});
