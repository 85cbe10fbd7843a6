/** Conservation at full size: 1,000 generated endings of agents, each kept whole or named, each merged as git itself merges. */
import { expect, test } from "vitest";
import { conserve } from "../git/conservation.ts";
import { report, scaled } from "./scale.ts";

const ENDINGS = 1000;
const FIRST_SEED = Number(process.env["HEDDLE_SEED"] ?? "1000");

test("generated endings lose nothing and merge as git does", async () => {
  const count = scaled(ENDINGS);
  const outcomes: Record<string, number> = {};
  for (let seed = FIRST_SEED; seed < FIRST_SEED + count; seed++) {
    const { lost, wrong, done, outcome } = await conserve(seed);
    expect({ seed, lost, wrong, done }).toEqual({ seed, lost: [], wrong: undefined, done });
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  expect(outcomes["merged"] ?? 0).toBeGreaterThan(count / 4);
  report(`git-conservation: ${count} endings, ${JSON.stringify(outcomes)}`);
});
