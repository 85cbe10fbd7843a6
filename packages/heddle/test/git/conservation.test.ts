/** What agents write is kept or named, however they end, and what is merged is what an oracle independent of git says: a seeded sample. */
import { expect, test } from "vitest";
import { conserve } from "./conservation.ts";
import { STYLES } from "./conservation-world.ts";

/** Endings in each kind of repository. */
const ENDINGS = 10;

test.each(Object.keys(STYLES).map((style, at) => [style, at] as const))(
  "generated endings lose nothing and merge as they should: %s",
  async (style, at) => {
    const seeds = Array.from({ length: ENDINGS }, (_, index) => 100 * (at + 1) + 10 + index);
    const { ended, landing } = await conserve(style, seeds);
    expect(ended.filter(({ lost, wrong }) => lost.length > 0 || wrong.length > 0)).toEqual([]);
    expect(landing).toEqual([]);
    expect(ended.filter(({ outcome, isDecided }) => outcome === "merged" && isDecided).length).toBeGreaterThan(2);
  },
);
