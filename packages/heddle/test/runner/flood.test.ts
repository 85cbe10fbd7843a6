/** A step's output cannot fill this process's memory (D11, small; at full size it runs at night). */
import { statSync } from "node:fs";
import { expect, test } from "vitest";
import { commandAttempt } from "../support/suites/runner.ts";
import { flood } from "./flood.ts";
import { shellSetting } from "./rig.ts";

const MB = 1 << 20;

test.each([
  ["one line straight to the log", "head -c 104857600 /dev/zero | tr '\\0' x", [], 100],
  ["many lines straight to the log", "yes 0123456789 | head -c 104857600", [], 100],
  ["lines through the masker", "yes 0123456789 | head -c 16777216", ["KEY"], 16],
  ["one line through the masker", "head -c 16777216 /dev/zero | tr '\\0' x", ["KEY"], 16],
] as const)("%s", async (_title, command, secrets, sizeMb) => {
  await using at = shellSetting("helper");
  const attempt = commandAttempt(at.folder, command, { secrets, env: { KEY: "correct horse battery staple" } });
  const { outcome, grownMb, mostMbAtOnce } = await flood(() => at.runner.start(attempt).outcome);
  expect(outcome.kind).toBe("succeeded");
  expect(statSync(attempt.logFile ?? "").size).toBe(sizeMb * MB);
  expect(grownMb).toBeLessThan(64);
  expect(mostMbAtOnce).toBeLessThan(4);
});
