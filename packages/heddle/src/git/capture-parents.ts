/**
 * Capture parents: decides which commit a capture builds on, so that a merge measures the work from the commit that the
 * attempt began at, whatever the agent did to HEAD. Knows commits and trees, no worktree.
 *
 * Invariants:
 *  1. Over a capture's merge base with anything that contains the begin, the work is what differs from the begin.
 *  2. Work of others that the agent brought in counts as brought in only if the files have it too.
 */
import { commitTree } from "./commits.ts";
import { mergeTrees } from "./merge-candidate.ts";
import { type RepositoryAccess, line } from "./repository-access.ts";

export interface AttemptHistory {
  /** The commit that the attempt began at. */
  readonly base: string;
  /** Where the agent's HEAD is. */
  readonly head: string;
  /** The files that it left, as a tree. */
  readonly tree: string;
  /** Branches of others, by their commits. */
  readonly others: readonly string[];
}

export interface CaptureParents {
  /** Whether the work may be a commit on top of `head`. `false`: it must be one on top of `base`. */
  readonly isOnBase: boolean;
  /** Commits of others that `head` has and `base` has not, each with all below it. */
  readonly brought: readonly string[];
}

const ONLY_OWN: CaptureParents = { isOnBase: true, brought: [] };
const MOVED: CaptureParents = { isOnBase: false, brought: [] };

export async function parentsOf(repository: RepositoryAccess, at: AttemptHistory): Promise<CaptureParents> {
  const { base, head, tree, others } = at;
  if (head === base) return ONLY_OWN;
  const isOnTop = await repository.objectGit(["merge-base", "--is-ancestor", base, head], { codes: [0, 1] });
  if (isOnTop.code !== 0) return MOVED;
  if (others.length === 0) return ONLY_OWN;
  const excluded = [...new Set([base, ...others])].map((id) => `^${id}`);
  const input = `${[head, ...excluded].join("\n")}\n`;
  const listed = line(await repository.objectGit(["rev-list", "--boundary", "--parents", "--stdin"], { input }));
  const commits = listed.split("\n").map((text) => text.split(" "));
  const foreign = commits.flatMap(([id = ""]) => (id.startsWith("-") && id !== `-${base}` ? [id.slice(1)] : []));
  const merged = new Set(commits.flatMap(([, ...parents]) => (parents.length > 1 ? parents : [])));
  // Nothing of its own is on HEAD: what is there is all of others.
  if (commits.every(([id = ""]) => id.startsWith("-") || id === "")) foreign.push(head);
  for (const other of new Set(foreign)) {
    const work = await commitTree(repository, tree, base);
    const both = await mergeTrees(repository, other, work);
    if (both.kind === "conflict" ? !merged.has(other) : both.tree !== tree) return MOVED;
  }
  return { isOnBase: true, brought: [...new Set(foreign)] };
}
