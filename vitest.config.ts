/**
 * Three kinds of tests: rooms that only compute share one world per thread; rooms that start processes or write files share a
 * process, one file after the other; those that look at their own process have one for each file. The nightly tier is a
 * fourth, present only when asked for, so that no plain run starts it.
 */
import { availableParallelism } from "node:os";
import path from "node:path";
import { defineConfig } from "vitest/config";
import { CEILINGS } from "./packages/heddle/test/support/temporary.ts";

const tests = "packages/heddle/test";

/** Plans in examples and documentation import the package by its name: here that means its sources, built or not. */
const resolve = {
  alias: {
    "heddle/view": path.resolve(import.meta.dirname, "packages/heddle/src/view/index.ts"),
    "heddle/client": path.resolve(import.meta.dirname, "packages/heddle/src/client/index.ts"),
    heddle: path.resolve(import.meta.dirname, "packages/heddle/src/index.ts"),
  },
};

/** Rooms whose tests only compute. */
const PURE = ["base", "plan", "graph", "run", "view", "engine", "backend", "simulation"];
/** Rooms whose tests look at the memory, the children or the listeners of their own process. */
const ALONE = ["runner", "process", "agent/adapters"];

/** In rooms of those, files that only compute. */
const PURE_FILES = [
  "environment",
  "failure-class",
  "permissions",
  "policy",
  "rate-limiter",
  "reading",
  "session-id",
  "timers",
].map((name) => `${tests}/agent/adapters/${name}.test.ts`);

/** What every run of the tests tries of agents end to end. The other files take as long as all the rest together, and run at night. */
const E2E = [
  "folders",
  "hostile",
  "injection",
  "merging",
  "open",
  "overlap",
  "permissions",
  "read-only",
  "sandbox",
  "worktrees",
];

const filesOf = (rooms: readonly string[]): string[] => rooms.map((room) => `${tests}/${room}/**/*.test.ts`);
const pureFiles = [...filesOf(PURE), ...PURE_FILES, `${tests}/tidy.test.ts`];
const aloneFiles = filesOf(ALONE);
const nightlyFiles = filesOf(["nightly"]);
/** In rooms of every run, files that run at night alone. */
const lateFiles = [`${tests}/agent/e2e/!(${E2E.join("|")}).test.ts`, `${tests}/git/history-endings.test.ts`];

/** Programs that the tests of the world start. */
const globalSetup = [path.resolve(import.meta.dirname, tests, "support/programs.ts")];

/** A process is copied for each that it starts, some for thousands: it is kept small. */
const SMALL = ["--max-semi-space-size=2"];

/** Of the tests themselves: a limit against hangs, far from what any of them takes on a busy machine. */
const limits = { testTimeout: 120_000, hookTimeout: 120_000 };

const world = { pool: "forks" as const, execArgv: SMALL, globalSetup, ...limits };

const pages = "apps/dashboard/test";

/** What every run of the tests tries in a browser: a minute of the machine. The other files take ten, and run at night. */
const BROWSER = ["foreign", "hostile", "logs-follow", "run-actions", "shell"];

/** The pages' own: what only computes, and what a browser shows. One browser for all of its files. */
const dashboard = [
  {
    resolve,
    test: {
      name: "pages",
      include: [`${pages}/**/*.test.ts`],
      exclude: [`${pages}/{browser,nightly}/**`],
      pool: "threads" as const,
      isolate: false,
      ...limits,
    },
  },
  {
    resolve,
    test: {
      name: "browser",
      include: BROWSER.map((name) => `${pages}/browser/${name}.test.ts`),
      isolate: false,
      ...world,
      globalSetup: [...globalSetup, path.resolve(import.meta.dirname, pages, "support/pages.ts")],
    },
  },
];

const projects = [
  ...dashboard,
  { test: { name: "pure", include: pureFiles, pool: "threads" as const, isolate: false, ...limits } },
  { resolve, test: { name: "alone", include: aloneFiles, exclude: PURE_FILES, ...world } },
  {
    resolve,
    test: {
      name: "world",
      include: [`${tests}/**/*.test.ts`],
      exclude: [...pureFiles, ...aloneFiles, ...nightlyFiles, ...lateFiles],
      isolate: false,
      ...world,
    },
  },
];

const nightly = {
  resolve,
  test: {
    name: "nightly",
    // Agents end to end, and what they do to their history, once more with all variants.
    include: [
      ...nightlyFiles,
      `${pages}/{browser,nightly}/**/*.test.ts`,
      ...filesOf(["agent/e2e"]),
      `${tests}/git/history-endings.test.ts`,
    ],
    ...world,
    globalSetup: [...globalSetup, path.resolve(import.meta.dirname, pages, "support/pages.ts")],
    testTimeout: 40 * 60_000,
  },
};

const isNightly = process.env["HEDDLE_TIER"] === "nightly";

/**
 * For the processes of the tests and their worker threads, which load the same modules a hundred times: compiled once. Not where
 * it would blur what is looked at: a start that is measured, a line that is covered.
 */
const COMPILED = path.resolve(import.meta.dirname, "node_modules/.cache/heddle-tests");
if (!isNightly && !process.argv.some((arg) => arg.startsWith("--coverage")))
  process.env["NODE_COMPILE_CACHE"] ??= COMPILED;

export default defineConfig({
  test: {
    env: { GIT_CEILING_DIRECTORIES: CEILINGS },
    projects: isNightly ? [nightly] : projects,
    // Most tests wait for processes of their own: a few more at once than there are cores. Measurements are not disturbed by others.
    ...(isNightly ? {} : { maxWorkers: Math.max(4, availableParallelism()) }),
    coverage: { provider: "v8", include: ["packages/heddle/src/**/*.ts"], reporter: ["text-summary", "html"] },
  },
});
