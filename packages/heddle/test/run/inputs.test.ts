/** Whatever inputs come, in any order: the history keeps its rules, and the run comes to its end. */
import { expect, test } from "vitest";
import { fuzzRun } from "../support/fuzz-reducer.ts";
import { EVENTS_OF_THE_REDUCER } from "../support/reducer-events.ts";

/** More of them: `HEDDLE_SEEDS=2000`; tens of thousands each night. */
const SEEDS = Number(process.env["HEDDLE_SEEDS"] ?? 120);

const types = new Set<string>();

test.each(Array.from({ length: 6 }, (_, part) => part))("generated runs with inputs of chance, part %i", (part) => {
  for (let seed = 1 + part; seed <= SEEDS; seed += 6) for (const { type } of fuzzRun(seed)) types.add(type);
});

test("everything that only the reducer decides on comes up in them", () => {
  expect([...types].sort()).toEqual(EVENTS_OF_THE_REDUCER);
});
