/** D1 at nightly size: `kill -9` of real engines. `HEDDLE_NIGHTLY_SCALE=10` is the size of a release. */
import { expect, test } from "vitest";
import { killOften, type KillReport } from "../reliability/kills.ts";
import { report, scaled } from "./scale.ts";

const KILLS_PER_PLAN = 5;

test("kills at moments of chance lose nothing that was told, and run nothing again that had succeeded (D1, R1, R2, P2)", async () => {
  const wanted = scaled(1000);
  const first = Number(process.env["HEDDLE_SEED"] ?? 1000);
  const reports: KillReport[] = [];
  const sum = (of: (report: KillReport) => number): number => reports.reduce((total, each) => total + of(each), 0);
  let seed = first;
  const worker = async (): Promise<void> => {
    while (sum(({ kills }) => kills) < wanted) reports.push(await killOften(seed++, KILLS_PER_PLAN));
  };
  await Promise.all([worker(), worker(), worker()]);
  const violations = reports.flatMap(({ violations: found }) => found);
  report(
    `D1: ${sum(({ kills }) => kills)} kills over ${reports.length} plans, ${sum(({ interrupted }) => interrupted)} with attempts under way; ` +
      `${sum(({ acknowledged }) => acknowledged)} acknowledged events, ${sum(({ effects }) => effects)} effects: ${violations.length} violations`,
  );
  expect(violations.slice(0, 20)).toEqual([]);
  expect(sum(({ interrupted }) => interrupted)).toBeGreaterThan(wanted / 5);
});
