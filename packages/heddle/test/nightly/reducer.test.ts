/** Tens of thousands of runs with inputs of chance; `HEDDLE_NIGHTLY_SCALE` multiplies them, `HEDDLE_SEED` moves to other ones. */
import { expect, test } from "vitest";
import { fuzzRun } from "../support/fuzz-reducer.ts";
import { report, scaled } from "./scale.ts";

const FIRST = Number(process.env["HEDDLE_SEED"] ?? 10_000);
const RUNS = scaled(30_000);

test(`${RUNS} runs keep their rules, whatever inputs come`, () => {
  const broken: string[] = [];
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    try {
      fuzzRun(seed);
    } catch (thrown) {
      broken.push(String(thrown));
    }
  }
  report(`${RUNS} runs with inputs of chance: ${broken.length} broken`);
  expect(broken.slice(0, 20)).toEqual([]);
});
