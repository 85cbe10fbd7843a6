/**
 * A run that is continued, reduced or repeated, also after a change of what its steps read, ends each of its steps as a whole run of
 * the changed plan does, or is refused. A sample; the nightly tier has more.
 */
import { rmSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.ts";
import { contradictions, contradictionsOfSimulated, type Tally } from "../support/one-world-check.ts";

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
