/**
 * One generated ending of an agent's work: what it wrote is reachable afterwards or named as left out, and what is merged is what git
 * itself gives for the difference from the commit that it began at.
 */
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { orThrow } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { MergeMode } from "../../src/git/types.ts";
import { USER_ENV } from "../support/user-git.ts";
import { workAtRandom } from "./endings.ts";
import { threeWay } from "./history-endings.ts";
import { mergeSetting } from "./merge-setting.ts";
import { type TestRepository, captured, lines, step } from "./test-repository.ts";

export interface Conserved {
  /** What the agent did, for a message. */
  readonly done: readonly string[];
  /** Contents that it wrote and that nothing leads to, less those that were named as left out. */
  readonly lost: readonly string[];
  /** What is wrong with the merge; `undefined`: nothing. */
  readonly wrong: string | undefined;
  readonly outcome: string;
}

const MODES: readonly MergeMode[] = ["squash", "merge", "rebase"];

export async function conserve(seed: number): Promise<Conserved> {
  const random = seededRandom(seed);
  using setting = await mergeSetting();
  const { repository: at, base, trees } = setting;
  const queue = setting.queue({ mode: MODES[seed % MODES.length] ?? "squash" });
  await queue.head();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  const others = { "a.txt": lines("A", 20).replace("A 3\n", "other 3\n"), "other.txt": `${seed}\n` };
  if (random() < 0.7) await queue.submit(setting.entry("other", others));
  const done = workAtRandom(at, tree.path, { random, hasStash: true });
  const written = contentsOf(at, { path: tree.path, base });
  const capture = await captured(trees.repository, tree, "s");
  const { operation, unmerged } = capture.unfinished;
  const head = await queue.head();
  let outcome = "not merged";
  let wrong: string | undefined;
  if (operation === undefined && unmerged.length === 0 && capture.omitted.length === 0) {
    const merged = await queue.submit({ step: "s", attempt: 1, commit: capture.commit, order: 9 });
    outcome = merged.kind;
    const tip = at.git(["rev-parse", "heddle/r1/integration^{tree}"]);
    const expected = oracle(at, { base, head, files: tree.path });
    if (expected === undefined)
      wrong = merged.kind === "conflict" ? undefined : `git has a conflict, here: ${merged.kind}`;
    else if (merged.kind === "conflict") wrong = "git merges it, here it conflicts";
    else if (tip !== expected) wrong = `another tree: ${at.git(["diff", "--stat", expected, tip])}`;
  }
  await queue.close();
  rmSync(tree.path, { recursive: true, force: true });
  at.tries(["worktree", "unlock", tree.path]);
  at.git(["worktree", "prune", "--expire", "now"]);
  // What an agent stashes is in the user's stash, of which only the newest has a ref.
  const stashes = at.git(["for-each-ref", "--format=%(objectname)", "refs/stash"]) === "" ? [] : stashesOf(at);
  const reachable = new Set(at.git(["rev-list", "--objects", "--no-object-names", "--all", ...stashes]).split("\n"));
  const named = new Set(capture.omitted.map(({ path }) => path));
  const lost = [...written].filter(([id, path]) => !reachable.has(id) && !named.has(path)).map(([, path]) => path);
  return { done, lost, wrong, outcome };
}

function stashesOf(at: TestRepository): readonly string[] {
  return at.git(["stash", "list", "--format=%H"]).split("\n").filter(Boolean);
}

/** The tree that git gives; `undefined`: a conflict. */
function oracle(at: TestRepository, of: Parameters<typeof threeWay>[1]): string | undefined {
  try {
    return threeWay(at, of);
  } catch {
    return undefined;
  }
}

/** Ids of all contents in the folder that are not ignored, and in all commits that HEAD has been at, with a path of each. */
function contentsOf(
  at: TestRepository,
  { path, base }: { readonly path: string; readonly base: string },
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const env = { ...USER_ENV, GIT_DIR: join(at.user, ".git"), GIT_WORK_TREE: path };
  const index = join(at.folder, "written-index");
  const git = (args: readonly string[]): string =>
    execFileSync("git", [...args], { cwd: path, env: { ...env, GIT_INDEX_FILE: index }, encoding: "utf8" });
  if (existsSync(path)) {
    git(["read-tree", base]);
    git(["add", "-A"]);
    for (const entry of git(["ls-files", "-z", "-s"]).split("\0")) {
      const [, id, name] = /^\d+ ([0-9a-f]+) \d\t([^]*)$/.exec(entry) ?? [];
      if (id !== undefined && name !== undefined) found.set(id, name);
    }
  }
  const admin = join(at.user, ".git/worktrees/s");
  const log = existsSync(join(admin, "logs/HEAD")) ? ["rev-list", "--objects", "--reflog", `^${base}`] : undefined;
  for (const text of log === undefined ? [] : at.git(log).split("\n")) {
    const [id = "", ...name] = text.split(" ");
    if (name.length > 0 && name.join(" ") !== "") found.set(id, name.join(" "));
  }
  return found;
}
