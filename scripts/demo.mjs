/**
 * `npm run demo`: from a fresh clone to a finished run. Plain JavaScript, because the Node that starts it may be any from 20 on:
 * installs what is missing, builds, runs agents on a scratch repository, and says what to type next. The agents are scripted: no model,
 * no network. `npm run demo -- examples/full-stack/heddle.yaml` runs another example, of commands alone.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "..");

/** @param {string} command @param {readonly string[]} args */
function run(command, ...args) {
  return runIn(root, {}, command, ...args);
}

/** @param {string} cwd @param {Record<string, string>} env @param {string} command @param {readonly string[]} args */
function runIn(cwd, env, command, ...args) {
  console.log(`\n$ ${[command, ...args].join(" ")}`);
  const { status } = spawnSync(command, args, { cwd, env: { ...process.env, ...env }, stdio: "inherit" });
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

/** A repository of its own with the example's files in one commit. */
function scratch() {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "heddle-demo-")));
  const repository = path.join(folder, "shop");
  cpSync(path.join(root, "examples/agents/project"), repository, { recursive: true });
  writeFileSync(path.join(repository, ".gitignore"), ".heddle/\n");
  const git = (/** @type {readonly string[]} */ ...args) =>
    spawnSync("git", ["-c", "user.name=You", "-c", "user.email=you@localhost", ...args], { cwd: repository });
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-q", "-m", "begin");
  return { folder, repository };
}

/** @param {string} plan */
function runPlan(plan) {
  if (run("npx", "--no-install", "heddle", "plan", plan) !== 0) return 1;
  return run("npx", "--no-install", "heddle", "run", plan);
}

/** The run that was made last in a folder; empty: there is none. @param {string} cwd @param {Record<string, string>} env */
function latestRun(cwd, env) {
  const asked = spawnSync("heddle", ["runs", "--json"], { cwd, env: { ...process.env, ...env }, encoding: "utf8" });
  try {
    return String(JSON.parse(asked.stdout).runs[0].run);
  } catch {
    return "";
  }
}

function runAgents() {
  if (spawnSync("git", ["--version"]).status !== 0) {
    console.error("The demo of agents needs git 2.38 or newer on PATH.");
    return 1;
  }
  const { folder, repository } = scratch();
  const bin = path.join(root, "node_modules/.bin");
  const env = {
    PATH: `${bin}${path.delimiter}${process.env["PATH"] ?? ""}`,
    XDG_STATE_HOME: path.join(folder, "state"),
  };
  console.log(`\nA scratch repository: ${repository}`);
  if (runIn(repository, env, "heddle", "plan") !== 0) return 1;
  const code = runIn(repository, env, "heddle", "run");
  runIn(repository, env, "git", "--no-pager", "log", "--graph", "--oneline", "--branches=heddle/*/integration");
  runIn(repository, env, "git", "--no-pager", "status", "--short", "--branch");
  const run = latestRun(repository, env);
  console.log(`
Each agent worked in its own worktree, one conflict was resolved during the run, and your branch is unchanged.
Next:
  cd ${repository} && PATH="${bin}:$PATH"
  heddle merge             brings it to your branch
  heddle show              the run, step by step
  heddle report            how much time running in parallel saved
  heddle history           every event that was recorded
  heddle serve --open ${run}   the run in a browser: open the link that it prints
The plan is examples/agents/project/heddle.yaml, what its agents do is beside it in agents.yaml.`);
  return code;
}

function main() {
  if (!isInstalled() && run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts") !== 0) return 1;
  if (!isBuilt() && run("npm", "run", "--silent", "build") !== 0) return 1;
  const [plan] = process.argv.slice(2);
  return plan === undefined ? runAgents() : runPlan(plan);
}

process.exitCode = main();
