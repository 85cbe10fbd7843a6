/** Damage is found, not believed: a few hundred flipped bits and cut tails (port, invariant 6). */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import { apply, judge, randomDamage } from "./damage.ts";
import { fill, folder, span } from "./rig.ts";

test("a damaged file gives the right history or a refusal that names it", { timeout: 30_000 }, async () => {
  using at = folder();
  const runs = await fill(at.file, 3, 40);
  const expected = new Map(runs.map((run) => [run, span(run, 1, 40)]));
  const bytes = readFileSync(at.file);
  const random = seededRandom(20261120);
  const wrong: string[] = [];
  const verdicts = { right: 0, refused: 0 };
  for (let i = 0; i < 300; i++) {
    const damage = randomDamage(bytes.length, random);
    const verdict = await judge(at.path, apply(bytes, damage), expected);
    if (verdict === "right" || verdict === "refused") verdicts[verdict]++;
    else wrong.push(`${JSON.stringify(damage)}: ${verdict}`);
  }
  expect(wrong).toEqual([]);
  // Neither answer may be the only one: then the test would not look at anything.
  expect(verdicts.refused).toBeGreaterThan(50);
  expect(verdicts.right).toBeGreaterThan(10);
});
