/**
 * Index status: compares a folder of files with an index and a commit, without writing either: the index is copied and
 * refreshed elsewhere. Also copies and moves indexes. Knows no worktree of heddle and no user.
 */
import { createHash, randomUUID } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemCode } from "../base/errors.ts";
import { unchangedByStat } from "./agent-index.ts";
import { filteredNames } from "./content-filters.ts";
import type { GitEnvironment } from "./git.ts";
import { type RepositoryAccess, items } from "./repository-access.ts";

export interface CheckoutState {
  /** Tracked files whose content, kind or mode is not the index's, or that are gone. Sorted, relative. */
  readonly unstaged: readonly string[];
  /** Paths whose entry in the index is not the commit's. */
  readonly staged: readonly string[];
  /** Files, and folders with a `/` at the end that are repositories of their own; nothing that is ignored. */
  readonly untracked: readonly string[];
}

/** Submodules are not looked into: git would start itself in them, under their configuration. */
const OVER_SUBMODULES = "--ignore-submodules=all";

const STAGED = new WeakMap<RepositoryAccess, { readonly key: string; readonly staged: readonly string[] }>();

async function hashOf(file: string): Promise<string> {
  return await readFile(file).then(
    (bytes) => createHash("sha256").update(bytes).digest("hex"),
    () => "none",
  );
}

/** `index` may not exist: everything is untracked then. */
export async function checkoutState(
  repository: RepositoryAccess,
  options: {
    readonly workTree: string;
    readonly index: string;
    readonly commit: string;
    /** Absolute: where the objects are, if it is another repository's folder. */
    readonly objects?: string;
  },
): Promise<CheckoutState> {
  const { workTree, commit, objects } = options;
  const env: GitEnvironment = objects === undefined ? {} : { GIT_OBJECT_DIRECTORY: objects };
  return await withIndexCopy(repository, options.index, async (index) => {
    // The same index has the same entries, whatever became of the files.
    const key = `${await hashOf(index)} ${commit}`;
    await repository.refreshExcludes();
    // Exit code 1: something needs an update; the next commands say what.
    await repository.objectGit(["update-index", "-q", "--refresh", OVER_SUBMODULES.replace("=all", "")], {
      workTree,
      index,
      env,
      codes: [0, 1],
    });
    const differing = await repository.objectGit(["diff-files", "-z", "--name-only", OVER_SUBMODULES], {
      workTree,
      index,
      env,
    });
    const before = STAGED.get(repository);
    const differ = ["diff-index", "-z", "--cached", "--name-only", OVER_SUBMODULES, commit];
    const staged =
      before?.key === key
        ? before.staged
        : items((await repository.objectGit(differ, { workTree, index, env })).output);
    STAGED.set(repository, { key, staged });
    const untracked = await repository.objectGit(["ls-files", "-z", "--others", "--exclude-standard"], {
      workTree,
      index,
      env,
    });
    const unstaged = [...new Set(items(differing.output))];
    // A filter converts them, and none is run here: what git itself wrote and nobody touched since is as it should be.
    const filtered = objects === undefined ? await filteredNames(repository, { workTree, names: unstaged }) : [];
    const untouched = await unchangedByStat(repository, { workTree, index: options.index, names: filtered });
    return {
      unstaged: unstaged.filter((name) => !untouched.has(name)),
      staged,
      untracked: items(untracked.output),
    };
  });
}

/**
 * Runs `work` with the path of a copy of `index` that is removed afterwards; no file there where there was none. In a folder of its
 * own, with the part that a split index shares with others.
 */
export async function withIndexCopy<T>(
  repository: RepositoryAccess,
  index: string,
  work: (copy: string) => Promise<T>,
): Promise<T> {
  const folder = join(repository.home, ".tmp", `index.${process.pid}-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const copy = join(folder, "index");
  try {
    if (await copyIndex(index, copy)) await copyShared(dirname(index), folder);
    return await work(copy);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyShared(from: string, to: string): Promise<void> {
  for (const name of await readdir(from))
    if (name.startsWith("sharedindex.")) await copyFile(join(from, name), join(to, name));
}

/**
 * With its time, cut down: a file changed in the same instant as the index was written is looked into by git only while the
 * index is not younger than the file.
 */
export async function copyIndex(from: string, to: string): Promise<boolean> {
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) return false;
  await copyFile(from, to);
  await utimes(to, Math.floor(found.mtimeMs / 1000), Math.floor(found.mtimeMs / 1000));
  return true;
}

/** Whole or not at all, between file systems too. */
export async function moveIndex(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (thrown) {
    if (systemCode(thrown) !== "EXDEV") throw thrown;
    await copyIndex(from, `${to}.heddle`);
    await rename(`${to}.heddle`, to);
    await rm(from, { force: true });
  }
}
