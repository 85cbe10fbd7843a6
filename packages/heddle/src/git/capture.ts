/**
 * Capture: keeps what an attempt left, whatever it did: its files as a commit, its dropped commits under a ref. Knows no
 * outcome: failed and cancelled attempts are captured too.
 *
 * Invariants:
 *  1. The worktree, its index and its branch are not changed.
 *  2. What is kept is under heddle's own refs before the call returns.
 *  3. Called again for the same attempt and files it returns the same result and creates nothing new.
 */
import { agentCommits, unreachableCommits } from "./reflog-commits.ts";
import { HeddleError } from "../base/errors.ts";
import { type RepositoryAccess, line } from "./repository-access.ts";
import { adminOf, worktreePlaceOf } from "./worktree-record.ts";
import { changedFiles, makeCommit, treeOf } from "./commits.ts";
import { captureRef, keptRef } from "./ref-names.ts";
import { commitOf } from "./discover.ts";
import { exists } from "./checkout-files.ts";
import { snapshotOf } from "./unsaved-work.ts";
import { DEFAULT_FILE_LIMITS, type Capture, type CaptureRequest, type Worktree } from "./types.ts";

/** Commits per commit that holds them: git takes more, people's tools do not. */
const MAX_PARENTS = 100;

export async function capture(repository: RepositoryAccess, request: CaptureRequest): Promise<Capture> {
  const { tree, step, attempt } = request;
  const { base } = tree;
  const place = worktreePlaceOf(repository, tree.run, tree.owner);
  const admin = await adminOf(repository, place.path);
  const made = await agentCommits(repository, admin?.dir);
  const ref = captureRef(place.run, step, attempt);
  const { before, branchTip } = await refsBefore(repository, ref, place.branch);
  const head = made.head ?? branchTip ?? base;
  const missing = !(await exists(place.path));
  const taken = missing
    ? { tree: await treeOf(repository, head), omitted: [], nested: [] }
    : await snapshotOf(repository, {
        place,
        base,
        admin,
        head: made.head,
        limits: request.limits ?? DEFAULT_FILE_LIMITS,
      });
  const title = `${step}: attempt ${attempt}`;
  const commit = await commitFor(repository, { tree: taken.tree, head, base, before, title });
  if (commit !== before) await repository.git(["update-ref", ref, commit, before ?? ""]);
  const all = [...made.all, ...(branchTip === undefined ? [] : [branchTip]), ...(before === undefined ? [] : [before])];
  const unreachable = await keepUnreachable(repository, { tree, step, attempt, commit, all });
  return {
    ref,
    commit,
    tree: taken.tree,
    base,
    changedFiles: await changedFiles(repository, base, commit),
    omitted: taken.omitted,
    nested: taken.nested,
    unreachable,
    missing,
  };
}

/** Where two refs are, by one question. */
async function refsBefore(
  repository: RepositoryAccess,
  ref: string,
  branch: string | null,
): Promise<{ readonly before: string | undefined; readonly branchTip: string | undefined }> {
  const asked = ["for-each-ref", "--format=%(refname) %(objectname)", ref, ...(branch === null ? [] : [branch])];
  const listed = line(await repository.git(asked)).split("\n");
  const at = (name: string | null): string | undefined =>
    listed.find((text) => text.startsWith(`${name} `))?.split(" ")[1];
  return { before: at(ref), branchTip: at(branch) };
}

interface CommitParts {
  readonly tree: string;
  readonly head: string;
  readonly base: string;
  readonly before: string | undefined;
  readonly title: string;
}

async function commitFor(repository: RepositoryAccess, parts: CommitParts): Promise<string> {
  const { tree, head, base, before } = parts;
  if (tree === (await treeOf(repository, head))) return head;
  // Without a common history it could not be merged.
  const isRelated =
    head === base || (await repository.objectGit(["merge-base", head, base], { codes: [0, 1] })).code === 0;
  const parents = isRelated ? [head] : [head, base];
  if (before !== undefined) {
    const known = line(await repository.objectGit(["rev-list", "--no-walk", "--parents", before]));
    if (known === [before, ...parents].join(" ") && (await treeOf(repository, before)) === tree) return before;
  }
  return await makeCommit(repository, { tree, parents, message: parts.title, atMs: repository.clock.now() });
}

async function keepUnreachable(
  repository: RepositoryAccess,
  options: {
    readonly tree: Worktree;
    readonly step: string;
    readonly attempt: number;
    readonly commit: string;
    readonly all: readonly string[];
  },
): Promise<readonly string[]> {
  const { run } = options.tree;
  const unreachable = await unreachableCommits(repository, run, options.all, [options.commit, options.tree.base]);
  if (unreachable.length === 0) return [];
  const ref = keptRef(run, options.step, options.attempt);
  const before = await commitOf(repository, ref);
  const tree = await treeOf(repository, options.commit);
  const message = `${options.step}: commits of attempt ${options.attempt} that it left`;
  const atMs = repository.clock.now();
  let holder = before;
  for (let at = 0; at < unreachable.length; at += MAX_PARENTS) {
    const parents = [...(holder === undefined ? [] : [holder]), ...unreachable.slice(at, at + MAX_PARENTS)];
    holder = await makeCommit(repository, { tree, parents, message, atMs });
  }
  if (holder === undefined) throw new HeddleError({ code: "GitFailed", message: "no commit was made to keep others" });
  await repository.git(["update-ref", ref, holder, before ?? ""]);
  return unreachable;
}
