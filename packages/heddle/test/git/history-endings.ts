/**
 * What agents do to HEAD, by name, and what comes of it on the integration branch, held against git's own merge of what differs
 * from the commit that the agent began at.
 */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { orThrow } from "../../src/base/errors.ts";
import type { Capture, MergeMode, MergeOutcome } from "../../src/git/types.ts";
import { USER_ENV } from "../support/user-git.ts";
import { mergeSetting } from "./merge-setting.ts";
import { type TestRepository, captured, lines, step } from "./test-repository.ts";

interface AtWork {
  readonly at: TestRepository;
  readonly git: (...args: readonly string[]) => string;
  readonly write: (path: string, text: string) => void;
  /** Adds a file in a commit. */
  readonly commit: (name: string) => void;
}

export interface HistoryEnding {
  readonly act: (work: AtWork) => void;
  /** HEAD is not on top of the begin, or has commits of others without their files. */
  readonly isMoved?: true;
}

const INTEGRATION = "heddle/r1/integration";

/** The user's branch goes on. */
function userCommits({ at }: AtWork): void {
  at.git(["update-ref", "refs/heads/main", at.commitOnto("main", { "user.txt": "user\n" })]);
}

/** At the begin there are the commits `first`, `second` and `late`, which added `late.txt`. */
export const HISTORY_ENDINGS: Readonly<Record<string, HistoryEnding>> = {
  "leaves files": { act: ({ write }) => write("n.txt", "n\n") },
  commits: {
    act({ commit }) {
      commit("n");
      commit("m");
    },
  },
  "amends, adding a file": {
    act({ git, write }) {
      write("n.txt", "n\n");
      git("add", "-A");
      git("commit", "-q", "--amend", "--no-edit");
    },
    isMoved: true,
  },
  "amends, taking a file out": {
    act({ git, write }) {
      git("rm", "-q", "late.txt");
      write("n.txt", "n\n");
      git("add", "-A");
      git("commit", "-q", "--amend", "--no-edit");
    },
    isMoved: true,
  },
  "takes the last commit back": { act: ({ git }) => void git("reset", "-q", "--hard", "HEAD~1"), isMoved: true },
  "takes it back and works on": {
    act({ git, commit }) {
      git("reset", "-q", "--hard", "HEAD~1");
      commit("n");
    },
    isMoved: true,
  },
  "squashes with commits from before": {
    act({ git, write }) {
      git("reset", "-q", "--soft", "HEAD~2");
      git("rm", "-q", "-f", "late.txt");
      write("n.txt", "n\n");
      git("add", "-A");
      git("commit", "-q", "-m", "one commit");
    },
    isMoved: true,
  },
  "begins a history of its own": {
    act({ git, write }) {
      git("checkout", "-q", "--orphan", "fresh");
      write("n.txt", "n\n");
      git("add", "-A");
      git("commit", "-q", "-m", "root");
    },
    isMoved: true,
  },
  "squashes onto the newer branch": {
    act({ git, commit }) {
      commit("n");
      git("reset", "-q", "--soft", INTEGRATION);
      git("commit", "-q", "-m", "n, in one commit");
    },
    isMoved: true,
  },
  "squashes onto it, with a change beside theirs": {
    act({ git, write, commit }) {
      write("b.txt", lines("b", 20).replace("b 18", "mine 18"));
      commit("n");
      git("reset", "-q", "--soft", INTEGRATION);
      git("commit", "-q", "-m", "n, in one commit");
    },
    isMoved: true,
  },
  "goes onto the newer branch and commits nothing": {
    act({ git, commit }) {
      commit("n");
      git("reset", "-q", "--soft", INTEGRATION);
    },
    isMoved: true,
  },
  "merges the newer branch": {
    act({ git, commit }) {
      commit("n");
      git("merge", "-q", "-m", "merge", INTEGRATION);
    },
  },
  "merges it and keeps its own side": {
    act({ git, commit }) {
      commit("n");
      git("merge", "-q", "-s", "ours", "-m", "merge", INTEGRATION);
    },
    isMoved: true,
  },
  "rebases onto the newer branch": {
    act({ git, commit }) {
      commit("n");
      git("rebase", "-q", INTEGRATION);
    },
  },
  "goes forward to the newer branch": {
    act({ git, commit }) {
      git("merge", "-q", "--ff-only", INTEGRATION);
      commit("n");
    },
  },
  "merges the user's newer branch": {
    act(work) {
      work.commit("n");
      userCommits(work);
      work.git("merge", "-q", "-m", "merge", "main");
    },
  },
  "squashes onto the user's newer branch": {
    act(work) {
      work.commit("n");
      userCommits(work);
      work.git("reset", "-q", "--soft", "main");
      work.git("commit", "-q", "-m", "n, in one commit");
    },
    isMoved: true,
  },
  "works on a branch of its own, its own one deleted": {
    act({ git, commit }) {
      git("checkout", "-q", "-b", "side");
      git("branch", "-q", "-D", "heddle/r1/s");
      commit("n");
    },
  },
  "works detached": {
    act({ git, commit }) {
      git("checkout", "-q", "--detach");
      commit("n");
    },
  },
  "commits on the user's branch": {
    act({ git, commit }) {
      git("checkout", "-q", "--ignore-other-worktrees", "main");
      commit("n");
    },
  },
  "adapts files in a merge of its own branches": {
    act({ git, write, commit }) {
      git("checkout", "-q", "-b", "side");
      commit("m");
      git("checkout", "-q", "-");
      commit("n");
      git("merge", "-q", "--no-commit", "--no-ff", "side");
      write("late.txt", "adapted in the merge\n");
      write("fix.txt", "made in the merge\n");
      git("add", "-A");
      git("commit", "-q", "-m", "merge side");
    },
  },
  "goes round and comes back": {
    act({ git, write, commit }) {
      commit("n");
      write("late.txt", "changed\n");
      git("commit", "-q", "-am", "changed");
      git("revert", "--no-edit", "HEAD");
      commit("m");
    },
  },
};

export interface EndedHistory {
  readonly capture: Capture;
  readonly outcome: MergeOutcome;
  /** The tree on the branch, and the one that git gives; equal. */
  readonly trees: readonly [merged: string, expected: string];
  /** Commits that no ref leads to when the worktree is gone. */
  readonly lost: string;
}

/** A step that ends so, merged in this mode, with or without something that another step merged meanwhile. */
export async function endHistory(
  ending: HistoryEnding,
  { mode, hasOthers }: { readonly mode: MergeMode; readonly hasOthers: boolean },
): Promise<EndedHistory> {
  using setting = await mergeSetting((at) => {
    at.write("late.txt", "late\n");
    at.git(["add", "-A"]);
    at.git(["commit", "-q", "-m", "late"]);
  });
  const { repository: at, base, trees } = setting;
  const queue = setting.queue({ mode });
  await queue.head();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  const others = { "other.txt": "other\n", "b.txt": lines("b", 20).replace("b 2\n", "other 2\n") };
  if (hasOthers) await queue.submit(setting.entry("other", others));
  const git = (...args: readonly string[]): string => at.git(args, tree.path);
  const write = (path: string, text: string): void => at.write(path, text, tree.path);
  const commit = (name: string): void => {
    write(`${name}.txt`, `${name}\n`);
    git("add", "-A");
    git("commit", "-q", "-m", name);
  };
  ending.act({ at, git, write, commit });
  const capture = await captured(trees.repository, tree, "s");
  const head = await queue.head();
  const outcome = await queue.submit({ step: "s", attempt: 1, commit: capture.commit, order: 9 });
  await queue.close();
  const merged = at.git(["rev-parse", `${INTEGRATION}^{tree}`]);
  const expected = threeWay(at, { base, head, files: tree.path });
  rmSync(tree.path, { recursive: true, force: true });
  for (const ref of ["refs/heads/side", "refs/heads/fresh"]) at.tries(["update-ref", "-d", ref]);
  at.git(["worktree", "unlock", tree.path]);
  at.git(["worktree", "prune", "--expire", "now"]);
  const lost = at
    .git(["fsck", "--unreachable", "--no-reflogs"])
    .split("\n")
    .filter((text) => text.startsWith("unreachable commit "))
    .map((text) => at.git(["log", "-1", "--format=%s", text.split(" ")[2] ?? ""]))
    // Made by merges in memory, and by the test for the other step.
    .filter((subject) => subject !== "for merging" && subject !== Object.keys(others).join(" "));
  return { capture, outcome, trees: [merged, expected], lost: lost.join("\n") };
}

/** The tree that git gives for `head` with what differs between `base` and a folder's files. */
export function threeWay(
  at: TestRepository,
  { base, head, files }: { readonly base: string; readonly head: string; readonly files: string },
): string {
  const env = { ...USER_ENV, GIT_DIR: join(at.user, ".git"), GIT_INDEX_FILE: join(at.folder, "oracle-index") };
  const git = (args: readonly string[], cwd = at.user): string =>
    execFileSync("git", [...args], { cwd, env: { ...env, GIT_WORK_TREE: cwd }, encoding: "utf8" }).trim();
  git(["read-tree", base]);
  git(["add", "-A"], files);
  const work = git(["commit-tree", "-m", "for merging", "-p", base, git(["write-tree"])]);
  return git(["merge-tree", "--write-tree", head, work]).split("\n")[0] ?? "";
}
