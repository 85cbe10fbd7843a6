/**
 * `npm run demo`: from a fresh clone to a finished run. Plain JavaScript, because the Node that starts it may be any from 20 on:
 * installs what is missing, builds, runs the example plan, and says what to type next.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "..");
const plan = "examples/full-stack/heddle.yaml";

/** @param {string} command @param {readonly string[]} args */
function run(command, ...args) {
  console.log(`\n$ ${[command, ...args].join(" ")}`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  return status ?? 1;
}

/** npm notes what it installed in a file of its own; one older than the lock file is out of date. */
function isInstalled() {
  const noted = path.join(root, "node_modules/.package-lock.json");
  const lock = path.join(root, "package-lock.json");
  return existsSync(noted) && statSync(noted).mtimeMs >= statSync(lock).mtimeMs;
}

/** @param {string} folder */
function newestIn(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(0, ...files.map((file) => statSync(path.join(file.parentPath ?? file.path, file.name)).mtimeMs));
}

function isBuilt() {
  const home = path.join(root, "packages/heddle");
  const built = path.join(home, "dist/cli.cjs");
  return existsSync(built) && statSync(built).mtimeMs >= newestIn(path.join(home, "src"));
}

function main() {
  if (!isInstalled() && run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts") !== 0) return 1;
  if (!isBuilt() && run("npm", "run", "--silent", "build") !== 0) return 1;
  if (run("npx", "--no-install", "heddle", "plan", plan) !== 0) return 1;
  const code = run("npx", "--no-install", "heddle", "run", plan);
  console.log(`
Next:
  npx heddle show          the run, step by step
  npx heddle report        how much time running in parallel saved
  npx heddle history       every event that was recorded
  npx heddle plan ${plan} --tree
The plan is ${plan}: change a step and run it again.`);
  return code;
}

process.exitCode = main();
