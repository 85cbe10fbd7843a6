/**
 * Proves that the tests of the rooms run and engine, the simulation, and the conservation of agents' work, find what they are for: plants one bug at a time in a copy of the
 * sources, runs them on the copy, and tells which were caught. Fails where one was missed, or where the text to be replaced is
 * no longer in the sources.
 *
 * `node scripts/planted-bugs.ts [WORD]`: only the bugs whose name or file contains the word.
 */
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { BUGS, type Bug } from "./planted-bug-list.ts";

const ROOT = path.resolve(import.meta.dirname, "..");
const TESTS = ["run", "simulation", "engine"];
const ALL = TESTS.map((room) => `${room}/`);

/** Nothing has to be built for these tests; what they begin with is made beside the copy. */
const config = (folder: string): string =>
  `export default { test: { include: ["packages/**/*.test.ts"], pool: "threads", testTimeout: 120_000, bail: 1, provide: { built: ${JSON.stringify(path.join(folder, "built"))} } } };`;

/** What they are made of. */
const HELPERS = ["support", "git", "view", "docs", "journal", "project"];

/** What they read. */
const READ = ["docs", "examples", "README.md"];

async function main(): Promise<number> {
  const word = process.argv[2] ?? "";
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-planted-"));
  try {
    await copySources(folder);
    const bugs = BUGS.filter(({ name, file }) => name.includes(word) || file.includes(word));
    for (const tests of new Set(bugs.map((bug) => bug.tests ?? ALL))) {
      if (await testsPass(folder, tests)) continue;
      console.error(`The tests fail on sources without a planted bug, or there are none: ${tests.join(" ")}`);
      return 1;
    }
    let missed = 0;
    for (const bug of bugs) {
      const verdict = await plant(folder, bug);
      if (verdict !== "caught") missed++;
      console.log(`${verdict.padEnd(8)} ${bug.name} (${bug.file})`);
    }
    console.log(`${bugs.length - missed} of ${bugs.length} planted bugs were caught`);
    return missed === 0 ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copySources(folder: string): Promise<void> {
  const heddle = path.join(folder, "packages/heddle");
  await mkdir(path.join(heddle, "test"), { recursive: true });
  await cp(path.join(ROOT, "packages/heddle/src"), path.join(heddle, "src"), { recursive: true });
  for (const room of [...TESTS, ...HELPERS])
    await cp(path.join(ROOT, "packages/heddle/test", room), path.join(heddle, "test", room), { recursive: true });
  for (const file of ["package.json", "packages/heddle/package.json", "tsconfig.json"])
    await cp(path.join(ROOT, file), path.join(folder, file));
  await writeFile(path.join(folder, "vitest.config.ts"), config(folder));
  for (const name of ["node_modules", ...READ]) await symlink(path.join(ROOT, name), path.join(folder, name));
}

async function plant(folder: string, bug: Bug): Promise<"caught" | "MISSED" | "STALE"> {
  const file = path.join(folder, "packages/heddle/src", bug.file);
  const sound = await readFile(file, "utf8");
  if (sound.split(bug.from).length !== 2) return "STALE";
  await writeFile(
    file,
    sound.replace(bug.from, () => bug.to),
  );
  try {
    return (await testsPass(folder, bug.tests ?? ALL)) ? "MISSED" : "caught";
  } finally {
    await writeFile(file, sound);
  }
}

/** The tests stop at the first failure; a run that hangs counts as failed. */
function testsPass(folder: string, tests: readonly string[]): Promise<boolean> {
  const filters = tests.map((test) => `packages/heddle/test/${test}`);
  const vitest = path.join(ROOT, "node_modules/vitest/vitest.mjs");
  const args = [vitest, "run", "--root", folder, "--bail", "1", "--reporter", "dot", ...filters];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: folder,
      stdio: "ignore",
      timeout: 600_000,
      killSignal: "SIGKILL",
    });
    child.on("close", (code) => resolve(code === 0));
  });
}

process.exitCode = await main();
