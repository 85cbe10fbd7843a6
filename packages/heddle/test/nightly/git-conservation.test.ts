/**
 * Conservation at full size: 1,000 generated endings of agents, each kept whole or named, each merged as an oracle independent of git
 * says.
 */
import { expect, test } from "vitest";
import { conserve } from "../git/conservation.ts";
import { STYLES } from "../git/conservation-world.ts";
import { report, scaled } from "./scale.ts";

const ENDINGS = 1000;
/** In one repository. */
const AT_ONCE = 20;
const FIRST_SEED = Number(process.env["HEDDLE_SEED"] ?? "1000");

test("generated endings lose nothing and merge as they should", async () => {
  const count = scaled(ENDINGS);
  const styles = Object.keys(STYLES);
  const outcomes: Record<string, number> = {};
  const failed: unknown[] = [];
  let undecided = 0;
  for (let from = 0, at = 0; from < count; from += AT_ONCE, at++) {
    const style = styles[at % styles.length] ?? "plain";
    const seeds = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => FIRST_SEED + from + index);
    const { ended, landing } = await conserve(style, seeds);
    if (landing.length > 0) failed.push({ style, seeds, landing });
    for (const one of ended) {
      outcomes[one.outcome] = (outcomes[one.outcome] ?? 0) + 1;
      if (!one.isDecided) undecided++;
      if (one.lost.length > 0 || one.wrong.length > 0) failed.push({ style, ...one });
    }
  }
  report(`git-conservation: ${count} endings, ${JSON.stringify(outcomes)}, ${undecided} of them undecided`);
  expect(failed).toEqual([]);
  expect(outcomes["merged"] ?? 0).toBeGreaterThan(count / 4);
  expect(undecided).toBeLessThan(count / 50);
});
