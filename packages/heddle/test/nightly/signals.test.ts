/** P4 at nightly size: 200 of each. */
import { expect, test } from "vitest";
import { killOften } from "../reliability/kills.ts";
import { report, scaled } from "./scale.ts";

test.each(["SIGINT", "SIGTERM"] as const)("%s: exit code, resumable, nothing left (P4)", async (signal) => {
  const wanted = scaled(200);
  const violations: string[] = [];
  let requests = 0;
  for (let seed = 1; requests < wanted; seed++) {
    const life = await killOften(seed, 3, signal);
    requests += Math.max(1, life.kills);
    violations.push(...life.violations);
  }
  report(`P4: ${requests} x ${signal}: ${violations.length} violations`);
  expect(violations.slice(0, 20)).toEqual([]);
});
