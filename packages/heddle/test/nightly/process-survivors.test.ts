/** P1 and P2 at full size: cancels and deaths of the engine over trees that do everything to outlive them. */
import { expect, test } from "vitest";
import { commandAttempt, started } from "../support/suites/runner.ts";
import { killEngine } from "../runner/kill-engine.ts";
import { living, nastyTree, newMark, pidsWith, shellSetting, sleepOf } from "../runner/rig.ts";
import { until } from "../support/until.ts";
import { report, scaled } from "./scale.ts";

const AT_ONCE = 2;

test.each(["helper", "plain"] as const)("P1: %s", async (way) => {
  await using at = shellSetting(way);
  const cancels = scaled(250);
  let left = 0;
  for (let done = 0; done < cancels; done += AT_ONCE) {
    const mark = newMark();
    const attempts = Array.from({ length: AT_ONCE }, () =>
      commandAttempt(at.folder, nastyTree(mark, way === "helper"), { graceMs: 100 }),
    );
    const running = await Promise.all(attempts.map((attempt) => started(at.runner, attempt, until)));
    for (const each of running) each.stop("cancel");
    for (const each of running) expect((await each.outcome).kind).toBe("stopped");
    left += pidsWith(mark).length;
  }
  report(`P1: ${cancels} cancels (${way}), ${left} left`);
  expect(left).toBe(0);
});

test("P2: engine kills", async () => {
  await using at = shellSetting("plain");
  const kills = scaled(200);
  let left = 0;
  for (let i = 0; i < kills; i++) {
    const mark = newMark();
    const run = await killEngine(at.folder, [nastyTree(mark, false), `echo up; exec ${sleepOf(mark)} # ${mark}`]);
    await until(() => living(run) === 0 && pidsWith(mark).length === 0, 15_000).catch(() => undefined);
    left += Math.max(living(run), pidsWith(mark).length);
  }
  report(`P2: ${kills} engine kills, ${left} left`);
  expect(left).toBe(0);
});
