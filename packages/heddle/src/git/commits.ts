/** Commits: creates commits under heddle's identity, and reads what is in commits. Knows ids, no refs. */
import { defined } from "../base/defined.ts";
import { shownName } from "./path-bytes.ts";
import { type RepositoryAccess, items, line } from "./repository-access.ts";
import { GITLINK } from "./listed-entries.ts";
import type { PathChange, PathMove } from "./types.ts";

export interface NewCommit {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** Epoch. */
  readonly atMs: number;
  /** Absent: heddle itself. */
  readonly author?: { readonly name: string; readonly email: string; readonly date: string };
}

/** Under heddle's identity, unsigned; no ref points to it yet. */
export async function makeCommit(repository: RepositoryAccess, commit: NewCommit): Promise<string> {
  const date = `@${Math.floor(commit.atMs / 1000)} +0000`;
  const { author } = commit;
  const env: Readonly<Record<string, string>> = defined({
    GIT_COMMITTER_DATE: date,
    GIT_AUTHOR_DATE: author?.date ?? date,
    GIT_AUTHOR_NAME: author?.name,
    GIT_AUTHOR_EMAIL: author?.email,
  });
  const args = ["commit-tree", commit.tree, ...commit.parents.flatMap((parent) => ["-p", parent])];
  const made = line(await repository.objectGit(args, { input: commit.message, env }));
  if (WHOLE_ID.test(commit.tree)) remember(repository, made, commit.tree);
  return made;
}

/** A tree as work on top of a commit, to be merged and then forgotten: the same inputs give the same id. */
export async function commitTree(repository: RepositoryAccess, tree: string, parent: string): Promise<string> {
  return await makeCommit(repository, { tree, parents: [parent], message: "for merging", atMs: 0 });
}

const TREES = new WeakMap<RepositoryAccess, Map<string, string>>();
const MOST_TREES = 1000;
const WHOLE_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** What follows from a commit's id never changes and is asked once. */
export async function treeOf(repository: RepositoryAccess, commit: string): Promise<string> {
  const known = TREES.get(repository)?.get(commit);
  if (known !== undefined) return known;
  const tree = line(await repository.objectGit(["rev-parse", "--verify", `${commit}^{tree}`]));
  remember(repository, commit, tree);
  return tree;
}

function remember(repository: RepositoryAccess, commit: string, tree: string): void {
  if (!WHOLE_ID.test(commit)) return;
  const trees = TREES.get(repository) ?? new Map<string, string>();
  TREES.set(repository, trees);
  if (trees.size >= MOST_TREES) trees.clear();
  trees.set(commit, tree);
}

/** Relative paths that differ, sorted, as they are shown. */
export async function changedFiles(repository: RepositoryAccess, from: string, to: string): Promise<readonly string[]> {
  return (await changesBetween(repository, from, to)).map(({ shown }) => shown);
}

/** The same with what became of them. */
export async function changesBetween(
  repository: RepositoryAccess,
  from: string,
  to: string,
): Promise<readonly PathChange[]> {
  const args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", from, to];
  return rawChanges((await repository.objectGit(args)).output);
}

/** What `git diff-tree --raw -z` says: of each path the modes of both sides (of a merge: of each parent, and of the merge). */
function rawChanges(output: Buffer): readonly PathChange[] {
  const listed = items(output);
  const found: PathChange[] = [];
  for (let at = 0; at + 1 < listed.length; at += 2) {
    const path = listed[at + 1] ?? "";
    const [, colons = "", rest = ""] = /^(:+)(.*)$/s.exec(listed[at] ?? "") ?? [];
    const modes = rest.split(" ").slice(0, colons.length + 1);
    found.push({ path, shown: shownName(path), isGone: modes.at(-1) === GONE, isPointer: modes.includes(GITLINK) });
  }
  return found;
}

const GONE = "000000";

/** What each commit changed that `to` has beyond `from` and `without`, together; of a merge, what none of its parents has. */
export async function changesOfEach(
  repository: RepositoryAccess,
  { from, to, without }: { readonly from: string; readonly to: string; readonly without: readonly string[] },
): Promise<readonly PathChange[]> {
  const wanted = [to, ...[from, ...without].map((id) => `^${id}`)];
  const listed = await repository.objectGit(["rev-list", "--stdin"], { input: `${wanted.join("\n")}\n` });
  const args = ["diff-tree", "--stdin", "--root", "-c", "-r", "-z", "--raw", "--no-renames", "--no-commit-id"];
  return rawChanges((await repository.objectGit(args, { input: listed.output })).output);
}

/** Files that moved, as git finds them by what is in them. */
export async function movesBetween(
  repository: RepositoryAccess,
  from: string,
  to: string,
): Promise<readonly PathMove[]> {
  const args = ["diff-tree", "-r", "-z", "--name-status", "-M", "--diff-filter=R", from, to];
  const listed = items((await repository.objectGit(args)).output);
  const found: PathMove[] = [];
  for (let at = 0; at + 2 < listed.length; at += 3) {
    const [before = "", after = ""] = listed.slice(at + 1, at + 3);
    found.push({
      from: { path: before, shown: shownName(before) },
      to: { path: after, shown: shownName(after) },
    });
  }
  return found;
}

/** What differs, as text for people. */
export async function diffStat(repository: RepositoryAccess, from: string, to: string): Promise<string> {
  return line(await repository.objectGit(["diff-tree", "-r", "--stat=100", "--no-renames", from, to]));
}

const MOST_SUBJECTS = 20;

/** Subjects of the commits that `to` has beyond `from`, newest last. */
export async function subjects(repository: RepositoryAccess, from: string, to: string): Promise<readonly string[]> {
  const args = ["rev-list", "--no-commit-header", "--format=%s", `--max-count=${MOST_SUBJECTS}`, to, `^${from}`];
  return line(await repository.objectGit(args))
    .split("\n")
    .filter((text) => text !== "")
    .toReversed();
}
