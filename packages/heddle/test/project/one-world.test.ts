/**
 * A run that is continued, reduced or repeated, also after a change of what its steps read, ends each of its steps as a whole run of
 * the changed plan does, or is refused: every plan of the documentation and the examples, and a sample of generated ones; the nightly
 * tier has more of these.
 */
import { rmSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.ts";
import {
  contradictions,
  contradictionsOfLoaded,
  contradictionsOfSimulated,
  type Tally,
} from "../support/one-world-check.ts";
import { writtenPlans } from "../support/written-plans.ts";

const FIRST = Number(process.env["HEDDLE_SEED"] ?? 1);
const PLANS = 4;

test(`${PLANS} plans mean the same in whatever way they are run`, async () => {
  const folder = temporaryFolder("one-world");
  const tally: Tally = { runs: 0, refused: 0, reused: 0 };
  try {
    const found: string[] = [];
    for (let seed = FIRST; seed < FIRST + PLANS; seed++) found.push(...(await contradictions(folder, seed, tally)));
    for (let seed = FIRST; seed < FIRST + PLANS; seed++)
      found.push(...(await contradictionsOfSimulated(folder, seed, tally)));
    expect(found.slice(0, 10)).toEqual([]);
    expect(tally.runs).toBeGreaterThan(PLANS * 10);
    expect(tally.reused).toBeGreaterThan(tally.runs / 3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the plans of the documentation and the examples mean the same in whatever way they are run", async () => {
  const folder = temporaryFolder("one-world");
  const tally: Tally = { runs: 0, refused: 0, reused: 0 };
  try {
    const found: string[] = [];
    const plans = await writtenPlans(folder);
    for (const { name, loaded, folder: at } of plans)
      found.push(...(await contradictionsOfLoaded(at, name, loaded, tally)));
    expect(found.slice(0, 10)).toEqual([]);
    expect(plans.length).toBeGreaterThan(20);
    expect(tally.reused).toBeGreaterThan(tally.runs);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
