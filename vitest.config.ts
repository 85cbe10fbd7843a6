/**
 * Two kinds of tests: rooms that are pure share one world per thread; rooms that start processes or write files get a process
 * for each file. The nightly tier is a third, present only when asked for, so that no plain run starts it.
 */
import { availableParallelism } from "node:os";
import path from "node:path";
import { defineConfig } from "vitest/config";

const tests = "packages/heddle/test";

/** Plans in examples and documentation import the package by its name: here that means its sources, built or not. */
const resolve = { alias: { heddle: path.resolve(import.meta.dirname, "packages/heddle/src/index.ts") } };

/** Rooms whose tests only compute. */
const PURE = ["base", "plan", "graph", "run", "view"];

const pureFiles = [...PURE.map((room) => `${tests}/${room}/**/*.test.ts`), `${tests}/tidy.test.ts`];
const nightlyFiles = [`${tests}/nightly/**/*.test.ts`];

/** Programs that the tests of the world start. */
const globalSetup = [path.resolve(import.meta.dirname, tests, "support/programs.ts")];

/** A process is copied for each that it starts, some for thousands: it is kept small. */
const SMALL = ["--max-semi-space-size=2"];

const projects = [
  {
    test: {
      name: "pure",
      include: pureFiles,
      pool: "threads" as const,
      isolate: false,
      testTimeout: 30_000,
    },
  },
  {
    resolve,
    test: {
      name: "world",
      include: [`${tests}/**/*.test.ts`],
      exclude: [...pureFiles, ...nightlyFiles],
      pool: "forks" as const,
      execArgv: SMALL,
      globalSetup,
      testTimeout: 120_000,
      hookTimeout: 120_000,
    },
  },
];

const nightly = {
  test: {
    name: "nightly",
    // Agents end to end once more, with all variants.
    include: [...nightlyFiles, `${tests}/agent/e2e/**/*.test.ts`],
    pool: "forks" as const,
    globalSetup,
    testTimeout: 40 * 60_000,
    hookTimeout: 120_000,
  },
};

const isNightly = process.env["HEDDLE_TIER"] === "nightly";

export default defineConfig({
  test: {
    projects: isNightly ? [nightly] : projects,
    // Most tests wait for processes of their own: a few more at once than there are cores. Measurements are not disturbed by others.
    ...(isNightly ? {} : { maxWorkers: Math.max(3, availableParallelism()) }),
    coverage: { provider: "v8", include: ["packages/heddle/src/**/*.ts"], reporter: ["text-summary", "html"] },
  },
});
