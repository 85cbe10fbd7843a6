/** Hundreds of plans, each run in every way; `HEDDLE_NIGHTLY_SCALE` multiplies them, `HEDDLE_SEED` moves to other ones. */
import { rmSync } from "node:fs";
import { expect, test } from "vitest";
import { contradictions, contradictionsOfSimulated, type Tally } from "../support/one-world-check.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { report, scaled } from "./scale.ts";

const FIRST = Number(process.env["HEDDLE_SEED"] ?? 1000);
const PLANS = scaled(400);

test(`${PLANS} plans mean the same whole, in part, from a step on, and again`, async () => {
  const folder = temporaryFolder("one-world");
  const tally: Tally = { runs: 0, refused: 0, reused: 0 };
  const found: string[] = [];
  try {
    for (let seed = FIRST; seed < FIRST + PLANS; seed++) found.push(...(await contradictions(folder, seed, tally)));
    for (let seed = FIRST; seed < FIRST + PLANS / 2; seed++)
      found.push(...(await contradictionsOfSimulated(folder, seed, tally)));
  } finally {
    rmSync(folder, { recursive: true });
  }
  report(
    `one world: ${PLANS * 1.5} plans, ${tally.runs} reduced or continued runs, ${tally.refused} refused, ${tally.reused} results reused: ${found.length} contradictions`,
  );
  expect(found.slice(0, 20)).toEqual([]);
});
