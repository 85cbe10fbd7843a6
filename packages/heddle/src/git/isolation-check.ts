/**
 * Isolation check: finds changes outside the worktrees, in the user's checkout and in what all worktrees share, by
 * comparing two snapshots. Does not know whether a step or the user made them. Only reads.
 */
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { markOf } from "./disk-entry.ts";
import { checkoutState, withIndexCopy } from "./index-status.ts";
import { type RepositoryAccess, line } from "./repository-access.ts";
import { headOf } from "./git-head.ts";
import { pathIn, shownName } from "./path-bytes.ts";
import { REFS, integrationRef, isOurRef } from "./ref-names.ts";
import type { Breach, BreachKind } from "./types.ts";

/** A look at what no step may change. Plain data. */
export interface IsolationSnapshot {
  readonly head: string;
  /** Hash of what the index holds, not of its times. */
  readonly index: string;
  /** Changed and new files, with size and time. */
  readonly files: { readonly [path: string]: string };
  /** All but other runs' and the branches that worktrees of this run work on; the stash apart. */
  readonly refs: { readonly [ref: string]: string };
  /** Commits in the stash. */
  readonly stash: readonly string[];
  readonly config: { readonly [file: string]: string };
  readonly hooks: { readonly [file: string]: string };
}

export const MAX_NAMED = 20;
const MAX_FILES = 20_000;

export async function takeIsolationSnapshot(repository: RepositoryAccess, run: string): Promise<IsolationSnapshot> {
  const { commonDir, gitDir, topLevel } = repository.facts;
  const { symbolic, commit } = await headOfCheckout(repository);
  const refs: Record<string, string> = {};
  const listed = await repository.git(["for-each-ref", "--format=%(refname) %(objectname)"]);
  for (const text of line(listed).split("\n")) {
    const [ref = "", id = ""] = text.split(" ");
    const isWatched = !isOurRef(ref) || ref === integrationRef(run) || ref.startsWith(`${REFS}${run}/`);
    if (ref !== "" && ref !== "refs/stash" && isWatched) refs[ref] = id;
  }
  const index = await withIndexCopy(repository, join(gitDir, "index"), async (copy) => {
    // The same file holds the same entries.
    const file = await textHash(copy);
    const before = LISTED.get(repository);
    if (before?.file === file) return before.entries;
    const entries = hash((await repository.objectGit(["ls-files", "-s", "-z"], { index: copy })).output);
    LISTED.set(repository, { file, entries });
    return entries;
  });
  return {
    head: `${symbolic} ${commit}`,
    index,
    files: commit === "" ? {} : await changedFiles(repository, topLevel, join(gitDir, "index"), commit),
    refs,
    stash: await stashed(join(commonDir, "logs", "refs", "stash")),
    config: await hashes([
      join(commonDir, "config"),
      join(gitDir, "config.worktree"),
      join(commonDir, "info", "attributes"),
      join(commonDir, "info", "exclude"),
      join(commonDir, "objects", "info", "alternates"),
    ]),
    hooks: await marks(join(commonDir, "hooks")),
  };
}

const LISTED = new WeakMap<RepositoryAccess, { readonly file: string; readonly entries: string }>();

/** Read from its files if they say it plainly, else asked of git; both give the same text. */
async function headOfCheckout(
  repository: RepositoryAccess,
): Promise<{ readonly symbolic: string; readonly commit: string }> {
  const { gitDir, topLevel } = repository.facts;
  const found = headOf(topLevel);
  if (found !== undefined)
    return { symbolic: found.branch === undefined ? "" : `refs/heads/${found.branch}`, commit: found.commit };
  const symbolic = await repository.git(["symbolic-ref", "-q", "HEAD"], { gitDir, codes: [0, 1] });
  const commit = await repository.git(["rev-parse", "--verify", "-q", "HEAD"], { gitDir, codes: [0, 1, 128] });
  return { symbolic: line(symbolic), commit: commit.code === 0 ? line(commit) : "" };
}

/** What differs, one entry for each kind. `isOwn`: whether heddle put a ref there. */
export function breachesBetween(
  before: IsolationSnapshot,
  after: IsolationSnapshot,
  isOwn: (ref: string, id: string | undefined) => boolean,
): readonly Breach[] {
  const found: Breach[] = [];
  const compare = (kind: BreachKind, names: readonly string[]): void => {
    if (names.length > 0) found.push({ kind, names: names.slice(0, MAX_NAMED).map(shownName) });
  };
  compare("head", before.head === after.head ? [] : ["HEAD"]);
  compare("index", before.index === after.index ? [] : ["index"]);
  compare("files", differing(before.files, after.files));
  compare(
    "refs",
    differing(before.refs, after.refs).filter((ref) => !isOwn(ref, after.refs[ref])),
  );
  compare("stash", before.stash.join() === after.stash.join() ? [] : ["refs/stash"]);
  compare("config", differing(before.config, after.config));
  compare("hooks", differing(before.hooks, after.hooks));
  return found;
}

function differing(
  before: { readonly [name: string]: string },
  after: { readonly [name: string]: string },
): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).sort();
}

async function changedFiles(
  repository: RepositoryAccess,
  workTree: string,
  index: string,
  commit: string,
): Promise<{ readonly [path: string]: string }> {
  const state = await checkoutState(repository, { workTree, index, commit });
  const files: Record<string, string> = {};
  for (const path of [...state.unstaged, ...state.untracked].slice(0, MAX_FILES))
    files[path] = await markOf(pathIn(workTree, path));
  return files;
}

async function marks(folder: string): Promise<{ readonly [file: string]: string }> {
  const names = await readdir(folder).catch(() => []);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await markOf(join(folder, name))] as const)),
  );
}

async function hashes(paths: readonly string[]): Promise<{ readonly [file: string]: string }> {
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await textHash(path)] as const)));
}

/** Newest last. */
async function stashed(log: string): Promise<readonly string[]> {
  const text = await readFile(log, "utf8").catch(() => "");
  return [...text.matchAll(/^[0-9a-f]+ ([0-9a-f]+) /gm)].map(([, id = ""]) => id);
}

async function textHash(path: string): Promise<string> {
  return await readFile(path).then(hash, () => "absent");
}

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
