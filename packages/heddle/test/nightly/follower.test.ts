/** Thousands of runs of chance that are followed; `HEDDLE_NIGHTLY_SCALE` multiplies them, `HEDDLE_SEED` moves to other ones. */
import { expect, test } from "vitest";
import { documentProblems, livenessProblems, patchProblems } from "../support/follow-run.ts";
import { fuzzRun } from "../support/fuzz-reducer.ts";
import { report, scaled } from "./scale.ts";

const FIRST = Number(process.env["HEDDLE_SEED"] ?? 20_000);
const RUNS = scaled(1500);

test(`${RUNS} followed runs are what they are when they are looked at anew`, () => {
  const wrong: string[] = [];
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    const events = fuzzRun(seed);
    for (const problems of [patchProblems, livenessProblems, documentProblems]) wrong.push(...problems(events, seed));
  }
  report(`${RUNS} followed runs of chance: ${wrong.length} differences`);
  expect(wrong.slice(0, 20)).toEqual([]);
});
