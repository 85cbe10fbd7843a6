/** Tens of thousands of lives; `HEDDLE_NIGHTLY_SCALE` multiplies them, `HEDDLE_SEED` moves to other ones. */
import { expect, test } from "vitest";
import { report, scaled } from "./scale.ts";
import { historyText, simulate } from "../support/simulation.ts";
import "../../src/graph/compile.ts";
import "../../src/plan/expression/cel.ts";

const FIRST = Number(process.env["HEDDLE_SEED"] ?? 10_000);
const LIVES = scaled(30_000);

test(`${LIVES} simulated lives keep every promise (R1, R2, R3, R11)`, async () => {
  const broken: string[] = [];
  let crashes = 0;
  let effects = 0;
  let events = 0;
  for (let seed = FIRST; seed < FIRST + LIVES; seed++) {
    const life = await simulate({ seed, crashes: 20 });
    crashes += life.crashes;
    effects += life.effects;
    events += life.events.length;
    broken.push(...life.violations.map((violation) => `seed ${seed}: ${violation}`));
  }
  report(
    `R1: ${LIVES} lives, ${crashes} crashes, ${effects} attempts carried out, ${events} events: ${broken.length} violations`,
  );
  expect(broken.slice(0, 20)).toEqual([]);
  expect(crashes).toBeGreaterThan(LIVES / 2);
});

test("the same seeds give the same histories, byte by byte (R4)", async () => {
  const pairs = scaled(2000);
  let different = 0;
  for (let seed = FIRST; seed < FIRST + pairs; seed++) {
    const [once, twice] = [await simulate({ seed, crashes: 20 }), await simulate({ seed, crashes: 20 })];
    if (historyText(once.events) !== historyText(twice.events)) different++;
  }
  report(`R4: ${pairs} pairs of lives of one seed: ${different} differ`);
  expect(different).toBe(0);
});
