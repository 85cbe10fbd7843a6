/**
 * Capture: keeps what an attempt left, whatever it did: its files as a commit, its dropped commits under a ref. Knows no
 * outcome: failed and cancelled attempts are captured too.
 *
 * Invariants:
 *  1. The worktree, its index and its branch are not changed.
 *  2. What is kept is under heddle's own refs before the call returns.
 *  3. Called again for the same attempt and files it returns the same result and creates nothing new.
 */
import { keepBorrowed } from "./borrowed-objects.ts";
import { parentsOf } from "./capture-parents.ts";
import { agentCommits, unreachableCommits } from "./reflog-commits.ts";
import { IDENTITY } from "./git.ts";
import { HeddleError } from "../base/errors.ts";
import { type RepositoryAccess, line } from "./repository-access.ts";
import { adminOf, operationIn, worktreePlaceOf } from "./worktree-record.ts";
import { changesBetween, commitTree, makeCommit, treeOf } from "./commits.ts";
import { shownName } from "./path-bytes.ts";
import { captureRef, keptRef } from "./ref-names.ts";
import { commitOf } from "./discover.ts";
import { exists } from "./disk-entry.ts";
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
  const { before, branchTip, others } = await refsBefore(repository, ref, { branch: place.branch, made: made.made });
  const head = made.head ?? branchTip ?? base;
  const missing = !(await exists(place.path));
  const taken = missing
    ? { tree: await treeOf(repository, head), omitted: [], nested: [], unmerged: [], given: [] }
    : await snapshotOf(repository, {
        place,
        base,
        admin,
        head: made.head,
        limits: request.limits ?? DEFAULT_FILE_LIMITS,
      });
  const title = `${step}: attempt ${attempt}`;
  // A commit that has what is no work must not be below what is merged.
  const parents = await parentsOf(repository, { base, head, tree: taken.tree, others });
  const isOnBase = taken.given.length === 0 && parents.isOnBase;
  const onto = isOnBase ? head : base;
  const commit = await commitFor(repository, { tree: taken.tree, onto, before, title });
  await keepBorrowed(repository, { commits: [commit], base });
  if (commit !== before) await repository.git(["update-ref", ref, commit, before ?? ""]);
  const all = [...made.all, ...(branchTip === undefined ? [] : [branchTip]), ...(before === undefined ? [] : [before])];
  const unreachable = await keepUnreachable(repository, { tree, step, attempt, commit, all });
  const changes = await changesBetween(repository, base, commit);
  return {
    ref,
    commit,
    tree: taken.tree,
    base,
    changedFiles: changes.map(({ shown }) => shown),
    changes,
    omitted: taken.omitted.map((one) => ({ ...one, path: shownName(one.path) })),
    nested: taken.nested.map(shownName),
    given: taken.given.map(shownName),
    unreachable,
    missing,
    isOnBase,
    brought: isOnBase ? parents.brought : [],
    unfinished: {
      operation: missing || admin === undefined ? undefined : await operationIn(admin),
      unmerged: taken.unmerged.map(shownName),
    },
  };
}

/** What a capture would keep now, as a commit that no ref keeps. */
export async function lookAt(repository: RepositoryAccess, { run, owner, base }: Worktree): Promise<string> {
  const place = worktreePlaceOf(repository, run, owner);
  const admin = await adminOf(repository, place.path);
  const { head } = await agentCommits(repository, admin?.dir);
  if (!(await exists(place.path))) return head ?? base;
  const limits = DEFAULT_FILE_LIMITS;
  const { tree } = await snapshotOf(repository, { place, base, admin, head, limits });
  return await commitTree(repository, tree, base);
}

interface RefsBefore {
  /** What the attempt's last capture kept. */
  readonly before: string | undefined;
  /** Of the worktree's own branch. */
  readonly branchTip: string | undefined;
  /** Of other branches, those left out that point to commits made in the worktree. */
  readonly others: readonly string[];
}

/** Where refs are, by one question. `made`: commits made in the worktree. */
async function refsBefore(
  repository: RepositoryAccess,
  ref: string,
  { branch, made }: { readonly branch: string | null; readonly made: ReadonlySet<string> },
): Promise<RefsBefore> {
  const asked = ["for-each-ref", "--format=%(objecttype) %(objectname) %(refname)", ref, "refs/heads", "refs/remotes"];
  const others = new Set<string>();
  let before: string | undefined;
  let branchTip: string | undefined;
  for (const text of line(await repository.git(asked)).split("\n")) {
    const [, type, id, name] = /^(\w+) ([0-9a-f]+) ([\s\S]+)$/.exec(text) ?? [];
    if (type !== "commit" || id === undefined) continue;
    if (name === ref) before = id;
    else if (name === branch) branchTip = id;
    else if (!made.has(id)) others.add(id);
  }
  return { before, branchTip, others: [...others] };
}

interface CommitParts {
  readonly tree: string;
  /** The commit that it is made on top of, or that it is, where the files are the same. */
  readonly onto: string;
  readonly before: string | undefined;
  readonly title: string;
}

async function commitFor(repository: RepositoryAccess, parts: CommitParts): Promise<string> {
  const { tree, onto, before } = parts;
  if (tree === (await treeOf(repository, onto))) return onto;
  const parents = [onto];
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
  await keepBorrowed(repository, { commits: [holder], base: options.commit });
  await repository.git(["update-ref", ref, holder, before ?? ""]);
  return await madeByOthers(repository, unreachable);
}

/** Without heddle's own, such as the capture that a kill came in between: these are kept, and nobody left them. */
async function madeByOthers(repository: RepositoryAccess, commits: readonly string[]): Promise<readonly string[]> {
  const args = ["log", "--no-walk=unsorted", "--stdin", "--format=%H %ae"];
  const said = await repository.git(args, { input: `${commits.join("\n")}\n` });
  const own = new Set(
    line(said)
      .split("\n")
      .flatMap((text) => (text.endsWith(` ${IDENTITY.email}`) ? [text.split(" ")[0]] : [])),
  );
  return commits.filter((commit) => !own.has(commit));
}
