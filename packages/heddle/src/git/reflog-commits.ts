/**
 * Reflog commits: finds commits that were made in a worktree, by the reflog of its HEAD. Only reads. What the agent
 * destroyed is not found, which is not an error.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type RepositoryAccess, items, line } from "./repository-access.ts";
import { commitOf } from "./discover.ts";

const MAX_COMMITS = 20_000;

export interface AgentCommits {
  /** The commit of HEAD; absent: none. */
  readonly head: string | undefined;
  /** All that HEAD has been at, `head` included. */
  readonly all: readonly string[];
  /** Those of them that were made here, as far as the log says so. */
  readonly made: ReadonlySet<string>;
}

/** `adminDir`: git's folder for the worktree; absent: it is gone. */
export async function agentCommits(repository: RepositoryAccess, adminDir: string | undefined): Promise<AgentCommits> {
  if (adminDir === undefined) return { head: undefined, all: [], made: new Set() };
  const head = await commitOf(repository, "HEAD", adminDir);
  const logged = await loggedIn(join(adminDir, "logs", "HEAD"));
  const all = new Set((logged?.all ?? (await walked(repository, adminDir))).filter((id) => id !== ""));
  if (head !== undefined) all.add(head);
  return { head, all: [...all], made: logged?.made ?? new Set() };
}

/** If the logs are not files that can be read here. */
async function walked(repository: RepositoryAccess, adminDir: string): Promise<readonly string[]> {
  const args = ["rev-list", "--walk-reflogs", "--ignore-missing", `--max-count=${MAX_COMMITS}`, "HEAD"];
  // Exit code 128: HEAD points to nothing, for example because its branch was deleted.
  const answer = await repository.git(args, { gitDir: adminDir, codes: [0, 128] });
  return answer.code === 0 ? line(answer).split("\n") : [];
}

/** What git's log says where a commit was made, and not only gone to. */
const MADE = /\t(?:commit|cherry-pick|revert|am|rebase[^:]*\((?:pick|continue|reword|edit|squash|fixup|merge)\))/;

/** Ids in a log of git's own form: what a ref was and what it became, line by line. `undefined`: there is none. */
async function loggedIn(path: string): Promise<Pick<AgentCommits, "all" | "made"> | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text === "") return undefined;
  const all: string[] = [];
  const made = new Set<string>();
  for (const entry of text.split("\n").slice(-MAX_COMMITS)) {
    const [, before, after] = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) /.exec(entry) ?? [];
    for (const id of [before, after]) if (id !== undefined && !/^0+$/.test(id)) all.push(id);
    if (after !== undefined && MADE.test(entry)) made.add(after);
  }
  return { all, made };
}

/**
 * Those of `commits` that none of `from` reaches, nor one of heddle's refs, each only if no other of them reaches it. Branches
 * do not count: they can be moved.
 */
export async function unreachableCommits(
  repository: RepositoryAccess,
  run: string,
  commits: readonly string[],
  from: readonly string[],
): Promise<readonly string[]> {
  const there = await present(
    repository,
    [...new Set(commits)].filter((id) => !from.includes(id)),
  );
  if (there.length === 0) return [];
  const input = [...there, ...from.map((id) => `^${id}`)].join("\n");
  const args = ["rev-list", "--parents", "--not", `--glob=refs/heddle/${run}/*`, "--not", "--stdin"];
  const walked = await repository.git(args, { input: `${input}\n` });
  const outside = new Set<string>();
  const reached = new Set<string>();
  for (const text of line(walked).split("\n")) {
    const [id = "", ...parents] = text.split(" ");
    outside.add(id);
    for (const parent of parents) reached.add(parent);
  }
  return there.filter((id) => outside.has(id) && !reached.has(id));
}

async function present(repository: RepositoryAccess, commits: readonly string[]): Promise<readonly string[]> {
  if (commits.length === 0) return [];
  const answer = await repository.objectGit(["cat-file", "--batch-check=%(objectname) %(objecttype)"], {
    input: `${commits.join("\n")}\n`,
  });
  return line(answer)
    .split("\n")
    .filter((text) => text.endsWith(" commit"))
    .map((text) => text.split(" ")[0] ?? "");
}

/** Trees of all that heddle's refs of a run point to; with it, where `branch` is. */
export async function savedTrees(
  repository: RepositoryAccess,
  run: string,
  branch: string | null,
): Promise<{ readonly trees: ReadonlySet<string>; readonly tip: string | undefined }> {
  const places = [`refs/heddle/${run}/`, ...(branch === null ? [] : [branch])];
  const answer = await repository.git(["for-each-ref", "--format=%(refname) %(objectname) %(tree)%00", ...places]);
  const found = items(answer.output).map((text) => text.trim().split(" "));
  return {
    trees: new Set(found.flatMap(([ref, , tree]) => (ref === branch || tree === undefined ? [] : [tree]))),
    tip: found.find(([ref]) => ref === branch)?.[1],
  };
}
