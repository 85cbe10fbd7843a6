/** D1: what is recorded survives the death of the engine, at 50 moments of chance. The nightly tier has 1,000. */
import { expect, test } from "vitest";
import { killOften, type KillReport } from "./kills.ts";

const PLANS = 25;
const KILLS = 50;

test(`${KILLS} kills over ${PLANS} plans lose nothing that was told, and run nothing again that had succeeded (D1, R1, R2, P2)`, async () => {
  const reports: KillReport[] = [];
  const seeds = Array.from({ length: PLANS }, (_, at) => at + 1);
  const worker = async (): Promise<void> => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift())
      reports.push(await killOften(seed, KILLS / PLANS));
  };
  await Promise.all([worker(), worker(), worker()]);
  const sum = (of: (report: KillReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  expect(reports.flatMap(({ violations }) => violations)).toEqual([]);
  expect(sum(({ kills }) => kills)).toBeGreaterThan(KILLS / 2);
  expect(sum(({ interrupted }) => interrupted)).toBeGreaterThan(5);
  expect(sum(({ acknowledged }) => acknowledged)).toBeGreaterThan(200);
}, 120_000);
