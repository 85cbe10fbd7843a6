/**
 * Runs the tests and says on the last line how many passed and failed. Refuses to pass on an old Node or on suspiciously
 * few tests: a suite that was not found must not look like one that held.
 *
 * `--nightly` runs the nightly tier instead. Other arguments go to vitest; with them the count is not checked. A run of everything names
 * what was skipped; `HEDDLE_MISSING` has the packages whose programs are not there.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const OLDEST_NODE = 24;

/** Raised as tests are added; a run with fewer has lost some. */
const FEWEST_TESTS = 1400;

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

async function main(): Promise<number> {
  if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE) {
    console.error(`The tests need Node ${OLDEST_NODE}; this is ${process.versions.node}. Use \`npm test\`.`);
    return 2;
  }
  const args = process.argv.slice(2);
  const nightly = args.includes("--nightly");
  const filters = args.filter((arg) => arg !== "--nightly");
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-tests-"));
  const file = path.join(folder, "report.json");
  try {
    const code = await vitest(file, filters, nightly);
    const report = await readReport(file);
    if (report === undefined) {
      console.error(`vitest ended with ${code} and left no report.`);
      console.log("0 passed, 1 failed");
      return 1;
    }
    const isWhole = !nightly && filters.length === 0;
    if (isWhole) nameSkipped(report);
    return summarise(report, code, isWhole ? FEWEST_TESTS : 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function vitest(report: string, filters: readonly string[], nightly: boolean): Promise<number> {
  const program = path.resolve(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
  const args = [program, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...filters];
  const env = nightly ? { ...process.env, HEDDLE_TIER: "nightly" } : process.env;
  const child = spawn(process.execPath, args, { stdio: "inherit", env });
  // A Ctrl-C reaches vitest by the terminal; this process stays to say how far it came.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

async function readReport(file: string): Promise<Report | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Report;
  } catch {
    return undefined;
  }
}

function nameSkipped({ testResults }: Report): void {
  const missing = process.env["HEDDLE_MISSING"] ?? "";
  if (missing !== "") console.log(`Not installed: ${missing}. As root, .ci/run installs them; without, it fails.`);
  for (const { name, assertionResults } of testResults)
    for (const { status, fullName } of assertionResults)
      if (status !== "passed" && status !== "failed")
        console.log(`Skipped: ${path.relative(process.cwd(), name)}: ${fullName}`);
}

function summarise(report: Report, code: number, fewest: number): number {
  const broken = report.testResults.filter(
    (suite) => suite.status === "failed" && !suite.assertionResults.some((result) => result.status === "failed"),
  );
  for (const suite of broken) console.error(`Could not run all of ${path.relative(process.cwd(), suite.name)}`);
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  let failed = report.numFailedTests + broken.length;
  if (passed + failed < fewest) {
    console.error(`Only ${passed + failed} tests ran, at least ${fewest} were expected: some were not found.`);
    failed++;
  }
  if (code !== 0 && failed === 0) {
    console.error(`vitest ended with ${code} although every test passed: see its output above.`);
    failed++;
  }
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
