/** D11 at full size: what a step writes fills neither memory nor the event loop's time. */
import { statSync } from "node:fs";
import { expect, test } from "vitest";
import { commandAttempt } from "../support/suites/runner.ts";
import { flood } from "../runner/flood.ts";
import { shellSetting } from "../runner/rig.ts";
import { report, scaled } from "./scale.ts";

const GB = 1 << 30;

test.each([
  ["1 GB", (bytes: number) => `head -c ${bytes} /dev/zero`, GB, []],
  ["one 1 GB line", (bytes: number) => `head -c ${bytes} /dev/zero | tr '\\0' x`, GB, []],
  ["10 M lines", (bytes: number) => `yes 0123456789 | head -c ${bytes}`, 110_000_000, []],
  ["1 GB through the masker", (bytes: number) => `yes 0123456789 | head -c ${bytes}`, GB, ["KEY"]],
] as const)("D11: %s", async (title, command, full, secrets) => {
  await using at = shellSetting("helper");
  const bytes = scaled(full);
  const attempt = commandAttempt(at.folder, command(bytes), { secrets, env: { KEY: "correct horse battery staple" } });
  const { outcome, grownMb, mostMbAtOnce } = await flood(() => at.runner.start(attempt).outcome);
  report(
    `D11: ${title}: ${bytes} bytes, memory grew by ${grownMb.toFixed(0)} MB, ${mostMbAtOnce.toFixed(1)} MB in one turn of the loop`,
  );
  expect(outcome.kind).toBe("succeeded");
  expect(statSync(attempt.logFile ?? "").size).toBe(bytes);
  expect(grownMb).toBeLessThan(64);
  expect(mostMbAtOnce).toBeLessThan(4);
});
