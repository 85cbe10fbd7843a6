/**
 * Merge candidate: creates the commit that a merge would give, in memory: no branch moves, no file changes. Knows
 * commits and messages, no queue.
 *
 * Invariants:
 *  1. The same inputs give the same tree. Git's exit code and formatted output say what conflicts, not its messages.
 *  2. Attributes are those of the branch merged into (`merge=union`, `-text`), as in a checkout of it. Merge programs
 *     that a repository names are not run.
 */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { commitTree, makeCommit, treeOf } from "./commits.ts";
import { pathIn, shownName, textOf } from "./path-bytes.ts";
import { attributeFiles, listedEntries } from "./listed-entries.ts";
import { type RepositoryAccess, items, line } from "./repository-access.ts";
import { draftOf } from "./checkout-files.ts";
import { exists } from "./disk-entry.ts";
import type { MergeMode } from "./types.ts";

export type Candidate =
  | { readonly kind: "clean"; readonly commit: string; readonly tree: string }
  /** The branch has all of it already. */
  | { readonly kind: "nothing" }
  | { readonly kind: "conflict"; readonly files: readonly string[] };

export interface CandidateRequest {
  /** Merged into. */
  readonly head: string;
  readonly commit: string;
  readonly mode: MergeMode;
  /** Whole, trailers included. */
  readonly message: string;
  readonly atMs: number;
  /** What both sides are compared with; absent: the merge base that git finds. Then the work comes as one commit. */
  readonly over?: string;
}

export async function makeCandidate(repository: RepositoryAccess, request: CandidateRequest): Promise<Candidate> {
  const { head, commit, over } = request;
  if (over !== undefined) {
    const merged = await mergeOver(repository, { base: over, ours: head, theirs: commit });
    if (merged.kind === "conflict") return { kind: "conflict", files: merged.files };
    return await candidateOf(repository, request, merged.tree);
  }
  const contained = await repository.objectGit(["merge-base", "--is-ancestor", commit, head], { codes: [0, 1] });
  if (contained.code === 0) return { kind: "nothing" };
  const merged = await mergeTrees(repository, head, commit);
  if (merged.kind === "conflict") return { kind: "conflict", files: merged.files };
  if (request.mode === "rebase") return await replay(repository, request, merged.tree);
  return await candidateOf(repository, request, merged.tree);
}

async function candidateOf(repository: RepositoryAccess, request: CandidateRequest, tree: string): Promise<Candidate> {
  const { head, commit, mode, message, atMs } = request;
  if (mode !== "merge" && tree === (await treeOf(repository, head))) return { kind: "nothing" };
  const parents = mode === "merge" ? [head, commit] : [head];
  return { kind: "clean", commit: await makeCommit(repository, { tree, parents, message, atMs }), tree };
}

/** A version of a file that conflicts, as git's index has it: 1 the common one, 2 ours, 3 theirs. */
export interface ConflictStage {
  readonly mode: string;
  readonly id: string;
  readonly stage: 1 | 2 | 3;
  /** For a file that meets a folder: with `~` and the commit after it. */
  readonly path: string;
}

export type MergedTrees =
  | { readonly kind: "clean"; readonly tree: string }
  /** `tree`: with conflict markers in the files, which name the commits. */
  | {
      readonly kind: "conflict";
      readonly files: readonly string[];
      readonly stages: readonly ConflictStage[];
      readonly tree: string;
    };

/** Three-way, over the merge base that git finds. Both have a common history. */
export async function mergeTrees(repository: RepositoryAccess, ours: string, theirs: string): Promise<MergedTrees> {
  const workTree = await attributesFolder(repository, ours);
  const args = ["merge-tree", "--write-tree", "-z", "--no-messages", "--allow-unrelated-histories", ours, theirs];
  const answer = await repository.objectGit(args, { workTree, codes: [0, 1] });
  const [tree = ""] = items(answer.output);
  if (answer.code === 0) return { kind: "clean", tree };
  const stages = listedEntries(answer.output).map(({ mode, id, stage, path }): ConflictStage => ({
    mode,
    id,
    stage: stage as ConflictStage["stage"],
    path,
  }));
  const names = stages.map(({ path }) => path);
  return { kind: "conflict", files: withoutLabels(names, [ours, theirs]), stages, tree };
}

/** Where a file and a folder meet, git names the file after the commit that it is of (`name~commit`): no commit has such a file. */
function withoutLabels(files: readonly string[], commits: readonly string[]): readonly string[] {
  const plain = files.map((file) => commits.reduce((name, commit) => name.split(`~${commit}`)[0] ?? name, file));
  return [...new Set(plain)].sort().map(shownName);
}

/** As {@link mergeTrees}, over a base of the caller's choice: both sides, commits or trees, become its children for the purpose. */
export async function mergeOver(
  repository: RepositoryAccess,
  options: { readonly base: string; readonly ours: string; readonly theirs: string },
): Promise<MergedTrees> {
  const as = async (commit: string): Promise<string> =>
    await commitTree(repository, await treeOf(repository, commit), options.base);
  return await mergeTrees(repository, await as(options.ours), await as(options.theirs));
}

/**
 * Each commit that the branch does not have, in order, merges left out, on top of the other. What that does not give of `whole`,
 * the merge of everything at once, is one more commit; where the commits do not go one by one, all is one.
 */
async function replay(repository: RepositoryAccess, request: CandidateRequest, whole: string): Promise<Candidate> {
  const { head, commit, atMs } = request;
  const args = ["rev-list", "--reverse", "--topo-order", "--no-merges", commit, `^${head}`];
  const commits = line(await repository.objectGit(args))
    .split("\n")
    .filter((id) => id !== "");
  const trailers = request.message.slice(request.message.lastIndexOf("\n\n") + 2);
  let onto = head;
  let tree = await treeOf(repository, head);
  if (whole === tree) return { kind: "nothing" };
  // Made when the next one is known to change something, so that the trailers are on the last of them.
  let pending: CommitText | undefined;
  const make = async ({ name, email, date }: CommitText, message: string): Promise<void> => {
    const author = { name, email, date };
    onto = await makeCommit(repository, { tree, parents: [onto], message, atMs, author });
  };
  for (const id of commits) {
    const before = await parentOf(repository, id);
    const merged = await mergeOver(repository, { base: before, ours: tree, theirs: id });
    if (merged.kind === "conflict") return await candidateOf(repository, { ...request, mode: "squash" }, whole);
    if (merged.tree === tree) continue;
    if (pending !== undefined) await make(pending, ownWords(pending.message));
    tree = merged.tree;
    pending = await readCommit(repository, id);
  }
  if (pending !== undefined && tree === whole) await make(pending, `${pending.message.trimEnd()}\n\n${trailers}`);
  else {
    if (pending !== undefined) await make(pending, ownWords(pending.message));
    onto = await makeCommit(repository, { tree: whole, parents: [onto], message: request.message, atMs });
  }
  return { kind: "clean", commit: onto, tree: whole };
}

/** Merged work is found by trailers, so trailers of an agent must not be where heddle's are. */
function ownWords(message: string): string {
  const last = message.trimEnd().split("\n\n").at(-1) ?? "";
  return /^(?:run|step|attempt|captured|reverts):/im.test(last)
    ? `${message.trimEnd()}\n\n(as its author wrote it)\n`
    : message;
}

/** The first parent, or for a first commit the empty one. */
async function parentOf(repository: RepositoryAccess, commit: string): Promise<string> {
  const parents = line(await repository.objectGit(["rev-list", "--no-walk", "--parents", commit])).split(" ");
  if (parents[1] !== undefined) return parents[1];
  const tree = line(await repository.objectGit(["mktree"]));
  return await makeCommit(repository, { tree, parents: [], message: "nothing", atMs: 0 });
}

export interface CommitText {
  readonly name: string;
  readonly email: string;
  /** As git writes it: seconds and zone. */
  readonly date: string;
  readonly message: string;
}

export async function readCommit(repository: RepositoryAccess, commit: string): Promise<CommitText> {
  const text = decoded((await repository.objectGit(["cat-file", "commit", commit])).output);
  const at = text.indexOf("\n\n");
  const headers = at < 0 ? text : text.slice(0, at);
  const [, name = "", email = "", date = ""] = /^author (.*?) ?<([^>]*)> (\d+ [+-]\d+)$/m.exec(headers) ?? [];
  return { name: name === "" ? "unknown" : name, email, date: `@${date}`, message: at < 0 ? "" : text.slice(at + 2) };
}

/** By the encoding that the commit names, if it is known here; else what is not UTF-8 stays as it is. */
function decoded(commit: Buffer): string {
  const encoding = isUtf8(commit) ? undefined : /^encoding (.+)$/m.exec(commit.toString("latin1"))?.[1];
  try {
    return encoding === undefined ? textOf(commit) : new TextDecoder(encoding).decode(commit);
  } catch {
    return textOf(commit);
  }
}

/**
 * A folder with the `.gitattributes` files of a commit and nothing else, for git to read them where it looks for them. One for
 * each set of such files.
 */
async function attributesFolder(repository: RepositoryAccess, commit: string): Promise<string> {
  const listed = await repository.objectGit(["ls-tree", "-r", "-z", "--full-tree", commit]);
  const files = attributeFiles(listed.output);
  const key = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 24);
  const folder = join(repository.home, ".attributes", key);
  if (await exists(folder)) return folder;
  const draft = draftOf(folder);
  await mkdir(draft, { recursive: true });
  for (const { id, path } of files) {
    await mkdir(pathIn(draft, dirname(path)), { recursive: true });
    await writeFile(pathIn(draft, path), (await repository.objectGit(["cat-file", "blob", id])).output);
  }
  // Somebody else may have made it meanwhile; it is the same.
  await rename(draft, folder).catch(async () => await rm(draft, { recursive: true, force: true }));
  return folder;
}
