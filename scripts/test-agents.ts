/**
 * `npm run test:agents`: runs the real agents that are on PATH against a scripted model on the loopback address, and prints
 * what came of each check as the table of docs/reliability.md. Exit code 1: something was not as it has to be.
 *
 * Options: `--form WORD` and `--check ID` (both may be repeated) choose, `--keep` leaves the folders, `--list` names all. Build
 * first (`npm run build`). No agent is asked for anything but what its script says, and none needs a key.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type JsonObject, isJsonObject } from "../packages/heddle/src/base/json.ts";
import { defined } from "../packages/heddle/src/base/defined.ts";
import { type Check, CHECKS, type Seen } from "./agents/checks.ts";
import { type ModelServer, startModel } from "./agents/model-server.ts";
import { AGENT_FORMS, type AgentForm, makeHome } from "./agents/programs.ts";

const HEDDLE = path.resolve(import.meta.dirname, "../packages/heddle/bin/heddle.cjs");
/** The longest that one check takes; an agent that keeps its provider's refusals to itself is silent until then. */
const CHECK_MS = 240_000;

const { values } = parseArgs({
  options: {
    form: { type: "string", multiple: true, default: [] },
    check: { type: "string", multiple: true, default: [] },
    keep: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

/** Told to end: no further check begins. */
let isStopped = false;

interface Cell {
  readonly text: string;
  readonly isWrong: boolean;
}

function onPath(program: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file));
}

const PLAIN_ENV = ["PATH", "LANG", "TERM"] as const;

function environment(folder: string, extra: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.fromEntries(PLAIN_ENV.map((name) => [name, process.env[name] ?? ""]));
  const git = { GIT_CONFIG_GLOBAL: path.join(folder, "gitconfig"), GIT_CONFIG_NOSYSTEM: "1" };
  return { ...own, ...git, HOME: path.join(folder, "home"), XDG_STATE_HOME: path.join(folder, "state"), ...extra };
}

async function ran(
  command: readonly [string, ...string[]],
  cwd: string,
  env: Record<string, string>,
): Promise<{ readonly code: number | undefined; readonly output: string }> {
  const [program, ...args] = command;
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      if (output.length < 5_000_000) output += chunk.toString("utf8");
    });
  const interrupt = (): void => void child.kill("SIGINT");
  const end = (): void => {
    isStopped = true;
    interrupt();
  };
  const timer = setTimeout(interrupt, CHECK_MS);
  process.on("SIGTERM", end);
  const code = await new Promise<number | undefined>((resolve) =>
    child.on("close", (ended) => resolve(ended ?? undefined)),
  );
  clearTimeout(timer);
  process.off("SIGTERM", end);
  return { code, output };
}

/** Runs heddle until an agent's worktree has this file, and kills it then. */
async function killedAt(
  file: string,
  { cwd, env }: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<void> {
  const child = spawn(process.execPath, [HEDDLE, "run"], { cwd, env, stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const worktrees = path.join(env["XDG_STATE_HOME"] ?? "", "heddle/worktrees");
  const until = performance.now() + CHECK_MS;
  while (
    child.exitCode === null &&
    performance.now() < until &&
    globSync(`*/*/*/${file}`, { cwd: worktrees }).length === 0
  )
    await sleep(100);
  child.kill("SIGKILL");
  await ended;
}

function git(cwd: string, env: Record<string, string>, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("git", args, { cwd, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function planOf(form: AgentForm, check: Check, url: string): JsonObject {
  const agents = {
    default: "tested",
    model: form.model,
    use: { tested: { preset: form.preset, protocol: form.protocol } },
    limits: { wait: "20s", idle: "60s" },
    sandbox: "off",
    land: "ff",
    ...check.agents,
  };
  const step = { id: "a", agent: { prompt: "Do it.", ...check.step }, passEnv: Object.keys(form.env(url)) };
  return { agents, steps: [step] };
}

/** Runs one check in a folder of its own. */
async function see(form: AgentForm, check: Check, folder: string, model: ModelServer): Promise<Seen> {
  const { url, served } = model;
  const repository = path.join(folder, "repository");
  makeHome(path.join(folder, "home"), form.home(url));
  mkdirSync(repository);
  const env = environment(folder, form.env(url));
  writeFileSync(
    path.join(folder, "gitconfig"),
    "[user]\nname = User\nemail = user@example.com\n[init]\ndefaultBranch = main\n",
  );
  writeFileSync(path.join(repository, ".gitignore"), ".heddle/\n");
  writeFileSync(path.join(repository, "heddle.yaml"), JSON.stringify(planOf(form, check, url)));
  git(repository, env, "init", "--quiet");
  git(repository, env, "add", "--all");
  git(repository, env, "commit", "--quiet", "--message", "base");
  const before = new Set(git(repository, env, "ls-tree", "-r", "--name-only", "HEAD").split("\n"));
  if (check.killAt !== undefined) {
    await killedAt(check.killAt, { cwd: repository, env });
    if (check.forgets === true) {
      rmSync(path.join(folder, "home"), { recursive: true, force: true });
      makeHome(path.join(folder, "home"), form.home(url));
    }
  }
  const command = check.killAt === undefined ? "run" : "resume";
  const { code, output } = await ran([process.execPath, HEDDLE, command], repository, env);
  const history = await ran([process.execPath, HEDDLE, "history", "--json"], repository, env);
  const events = history.output
    .split("\n")
    .flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as JsonObject] : []));
  const dataOf = (type: string): JsonObject | undefined => {
    const found = events.findLast((one) => one["type"] === type)?.["data"];
    return isJsonObject(found) ? found : undefined;
  };
  const error = dataOf("step.failed")?.["error"];
  const result = dataOf("step.succeeded")?.["output"];
  const usage = dataOf("usage.recorded")?.["tokens"];
  const names = git(repository, env, "ls-tree", "-r", "--name-only", "HEAD").split("\n");
  const added = names.filter((name) => name !== "" && !before.has(name));
  writeFileSync(path.join(folder, "output.txt"), output);
  return defined<Seen>({
    exitCode: code,
    failure: isJsonObject(error) ? String(error["class"] ?? error["code"]) : undefined,
    said: isJsonObject(error) ? String(error["message"]) : output.slice(-400),
    summary: isJsonObject(result) && typeof result["summary"] === "string" ? result["summary"] : undefined,
    landed: Object.fromEntries(added.map((name) => [name, git(repository, env, "show", `HEAD:${name}`)])),
    outside: readdirSync(folder).filter((name) => name === "outside.txt"),
    usage: isJsonObject(usage) ? usage : undefined,
    served,
  });
}

/** What was seen, in few words. */
function summary({ exitCode, failure, said, landed }: Seen): string {
  if (exitCode === 0) return Object.keys(landed).length === 0 ? "nothing landed" : "ok";
  if (exitCode === 2 && said.includes("RuleNotEnforceable")) return "plan refused";
  return failure ?? `exit code ${exitCode}`;
}

async function cellOf(form: AgentForm, check: Check, scratch: string): Promise<Cell> {
  const folder = mkdtempSync(path.join(scratch, `${form.id.replace(" ", "-")}-${check.id}-`));
  const from = performance.now();
  await using model = await startModel(check.script);
  const seen = await see(form, check, folder, model);
  const seconds = (performance.now() - from) / 1000;
  const wrong = check.wrong(seen, form);
  const { served } = seen;
  const asked = `${served.answers} answers, ${served.refusals} refusals, ${seconds.toFixed(1)} s`;
  console.error(`${form.id}, ${check.id}: ${wrong === undefined ? summary(seen) : `WRONG ${wrong}`} (${asked})`);
  if (values.keep)
    console.error(`    ${folder}; tools: ${[...served.tools].join(" ")}; strange: ${served.strange.join(", ")}`);
  else rmSync(folder, { recursive: true, force: true });
  return { text: wrong === undefined ? summary(seen) : `**${summary(seen)}**`, isWrong: wrong !== undefined };
}

function versionOf(form: AgentForm, program: string): string {
  const { stdout } = spawnSync(program, ["--version"], {
    encoding: "utf8",
    timeout: 30_000,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return /\d+\.\d+\.\d+\S*/.exec(stdout ?? "")?.[0] ?? form.program;
}

function canBox(): boolean {
  return spawnSync("bwrap", ["--ro-bind", "/", "/", "true"], { stdio: "ignore" }).status === 0;
}

const chosen = <One extends { readonly id: string }>(
  all: readonly One[],
  words: readonly string[],
  isWhole: boolean,
): readonly One[] =>
  words.length === 0 ? all : all.filter(({ id }) => words.some((word) => (isWhole ? id === word : id.includes(word))));

async function main(): Promise<number> {
  const forms = chosen(AGENT_FORMS, values.form, false);
  const checks = chosen(CHECKS, values.check, true);
  if (values.list) {
    for (const { id, program } of forms) console.log(`${id.padEnd(14)} ${program}`);
    for (const { id, title } of checks) console.log(`${id.padEnd(14)} ${title}`);
    return 0;
  }
  // Not below /tmp: a sandbox hides that, and codex's own fails there.
  const cache = path.join(homedir(), ".cache");
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(path.join(cache, "heddle-test-agents-"));
  const isBoxed = canBox();
  const columns: (readonly [string, ReadonlyMap<Check, Cell> | undefined])[] = [];
  try {
    for (const form of forms) {
      const program = onPath(form.program);
      if (program === undefined) {
        columns.push([`${form.id}`, undefined]);
        continue;
      }
      const cells = new Map<Check, Cell>();
      for (const check of checks) {
        if (isStopped) break;
        const isOut = check.needsBox === true && !isBoxed;
        cells.set(check, isOut ? { text: "no bubblewrap", isWrong: false } : await cellOf(form, check, scratch));
      }
      columns.push([`${form.id} ${versionOf(form, program)}`, cells]);
    }
  } finally {
    if (!values.keep) rmSync(scratch, { recursive: true, force: true });
  }
  console.log(`| check | ${columns.map(([title]) => title).join(" | ")} |`);
  console.log(`|---|${columns.map(() => "---|").join("")}`);
  for (const check of checks) {
    const cells = columns.map(([, of]) => (of === undefined ? "not installed" : (of.get(check)?.text ?? "not run")));
    console.log(`| ${check.title} | ${cells.join(" | ")} |`);
  }
  const all = columns.flatMap(([, of]) => [...(of?.values() ?? [])]);
  const wrong = all.filter(({ isWrong }) => isWrong).length;
  console.log(`\n${all.length} cells, ${wrong} not as they have to be (bold).`);
  return wrong === 0 ? 0 : 1;
}

process.exitCode = await main();
