/** G2: a crash at any point of making, capturing, merging, landing or removing heals. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { removeRunRefs } from "../../src/git/run-refs.ts";
import { job } from "../git/job.ts";
import { USER_ENV, fingerprint } from "../support/user-git.ts";
import { type TestRepository, clock, foreignRefs, namesIn, testRepository } from "../git/test-repository.ts";
import { report, scaled } from "./scale.ts";

const PROGRAM = fileURLToPath(new URL("../git/job.ts", import.meta.url));

/** Ends by itself where `afterMs` is absent. Milliseconds that it ran. */
async function run(
  at: TestRepository,
  name: string,
  landing: boolean,
  afterMs?: number,
  whole = true,
): Promise<number> {
  const args = [PROGRAM, at.user, at.stateDir, name, landing ? "land" : "stay"];
  const child = spawn(process.execPath, args, { env: USER_ENV, detached: true, stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await Promise.race([new Promise((resolve) => child.stdout.once("data", resolve)), ended]);
  const since = clock.now();
  if (afterMs !== undefined && child.pid !== undefined) {
    const { pid } = child;
    clock.after(afterMs, () => {
      try {
        // With the git that it has started just then, or without.
        process.kill(whole ? -pid : pid, "SIGKILL");
      } catch {
        // It came to its end before.
      }
    });
  }
  await ended;
  return clock.now() - since;
}

function leftovers(at: TestRepository): readonly string[] {
  const found: string[] = [];
  if (existsSync(join(at.user, ".git", "worktrees"))) found.push("worktrees");
  for (const folder of [join(at.user, ".git"), at.stateDir]) {
    const files = execFileSync("find", [folder, "-path", "*/objects/*", "-prune", "-o", "-type", "f", "-print"], {
      encoding: "utf8",
    });
    for (const file of files.split("\n"))
      if (/\.lock$|\.new$|intent|index\.\d|\.aside|record\.json|\/\.lock/.test(file)) found.push(file);
  }
  for (const home of namesIn(at.stateDir).filter((name) => name !== ".ports")) {
    found.push(...namesIn(join(at.stateDir, home)).filter((name) => !name.startsWith(".")));
    found.push(...namesIn(join(at.stateDir, home, ".trash")));
  }
  found.push(...namesIn(join(at.stateDir, ".ports")));
  return found;
}

/** What is the user's: files with their times, index, refs, configuration. */
function users(at: TestRepository, landing: boolean): string {
  const skip = (path: string): boolean =>
    /^$|^\.git$|^\.git\/(objects|worktrees|refs|logs\/refs)(\/|$)/.test(path) ||
    (landing && (/^[^/]*-(one|two)\.txt$/.test(path) || /^\.git\/(index|logs|packed-refs|HEAD)/.test(path)));
  return `${fingerprint(at.user, skip)}\n${landing ? "" : foreignRefs(at)}`;
}

async function round(at: TestRepository, name: string, random: Random, typicalMs: number): Promise<string | undefined> {
  const landing = random() < 0.4;
  const before = users(at, landing);
  const crashes = 1 + Math.floor(random() * 2);
  for (let crash = 0; crash < crashes; crash++) await run(at, name, landing, random() * typicalMs, random() < 0.6);
  await job(at.user, at.stateDir, name, { land: landing, env: USER_ENV });
  const merged = at.git(["log", "--format=%s", `heddle/${name}/integration`, "-2"]);
  if (merged !== "two\none") return `merged: ${merged}`;
  const { repository } = await at.open();
  const worktrees = await at.worktrees();
  if (landing && at.git(["rev-parse", "HEAD"]) !== at.git(["rev-parse", `heddle/${name}/integration`]))
    return "did not land";
  const status = at.git(["--no-optional-locks", "status", "--porcelain"]);
  if (status !== "?? mine.txt") return `status: ${status}`;
  if (!(await removeRunRefs(repository, worktrees.lock, name))) return "the run has worktrees";
  if (at.git(["for-each-ref", `refs/heddle/${name}/`, `refs/heads/heddle/${name}/`]) !== "") return "refs are left";
  const [was, is] = [before.split("\n"), users(at, landing).split("\n")];
  const changed = [...was.filter((text) => !is.includes(text)), ...is.filter((text) => !was.includes(text))];
  if (changed.length > 0) return `changed: ${changed.join(" | ")}`;
  const left = leftovers(at);
  return left.length === 0 ? undefined : `left: ${left.join(" ")}`;
}

test("G2: kill -9 at random in every git step", async () => {
  using at = testRepository();
  at.write("mine.txt", "not committed\n");
  const random = seededRandom(2);
  const typicalMs = await run(at, "r0", false);
  const wrong: string[] = [];
  const times = scaled(300);
  for (let time = 1; time <= times; time++) {
    const problem = await round(at, `r${time}`, random, typicalMs * 1.1).catch(String);
    if (problem !== undefined) wrong.push(`round ${time}: ${problem}`);
  }
  const fsck = at.git(["fsck", "--no-dangling"]);
  report(
    `G2: ${times} rounds of one or two kills, ${wrong.length} with something left or touched, fsck ${fsck === "" ? "clean" : fsck}`,
  );
  expect(wrong).toEqual([]);
  expect(fsck).toBe("");
});
