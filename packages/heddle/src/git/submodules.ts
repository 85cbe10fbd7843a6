/**
 * Submodules: finds work in the submodules of a worktree that exists nowhere else: commits that no remote has, and changed files.
 * Knows a folder and its repository; runs no program of theirs and fetches nothing.
 */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { exists, markOf } from "./disk-entry.ts";
import { checkoutState } from "./index-status.ts";
import { GITLINK, listedEntries } from "./listed-entries.ts";
import { pathIn } from "./path-bytes.ts";
import { type RepositoryAccess, items, line } from "./repository-access.ts";

/** What a submodule was like when its worktree was handed over. Plain data. */
export interface SubmoduleMark {
  /** Commits that it had under a name. */
  readonly tips: readonly string[];
  /** Changed files with their marks. */
  readonly changed: readonly string[];
}

/** Submodules in submodules that are looked into. */
const DEEPEST = 4;

/** Absolute: the git folder of the repository in a folder; `undefined`: there is none. */
export async function gitDirOf(folder: string): Promise<string | undefined> {
  const link = join(folder, ".git");
  const text = await readFile(link, "utf8").catch(() => undefined);
  const target = text === undefined ? link : /^gitdir: (.*)$/m.exec(text)?.[1];
  const dir = target === undefined ? undefined : resolve(folder, target);
  return dir !== undefined && (await exists(join(dir, "HEAD"))) ? dir : undefined;
}

/** The commit that is checked out there. */
export async function headOfSubmodule(repository: RepositoryAccess, folder: string): Promise<string | undefined> {
  const gitDir = await gitDirOf(folder);
  if (gitDir === undefined) return undefined;
  const answer = await repository.git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], {
    gitDir,
    codes: [0, 1, 128],
  });
  return answer.code === 0 ? line(answer) : undefined;
}

export async function markSubmodule(repository: RepositoryAccess, folder: string): Promise<SubmoduleMark> {
  const gitDir = await gitDirOf(folder);
  if (gitDir === undefined) return { tips: [], changed: [] };
  const listed = await repository.git(["for-each-ref", "--format=%(objectname)"], { gitDir });
  const head = await headOfSubmodule(repository, folder);
  const tips = line(listed).split("\n").filter(Boolean);
  return { tips: head === undefined ? tips : [...tips, head], changed: await changedIn(repository, folder, gitDir) };
}

/** A commit that no remote has, as a clause; `undefined`: none. `before`: what was there already. */
export async function unpushedIn(
  repository: RepositoryAccess,
  gitDir: string,
  before: SubmoduleMark | undefined,
): Promise<string | undefined> {
  const wanted = ["--branches", "--glob=refs/stas[h]", "HEAD", "--not", "--remotes", ...(before?.tips ?? [])];
  const asked = ["rev-list", "--max-count=1", "--ignore-missing", ...wanted];
  // Its settings name its folder, which may be gone: then git would not begin.
  const ahead = await repository.git(asked, { gitDir, env: { GIT_WORK_TREE: gitDir }, codes: [0, 128] });
  if (ahead.code !== 0 || line(ahead) === "") return undefined;
  return `commit ${line(ahead).slice(0, 10)}, which no remote of it has`;
}

/** What would be lost with the folder, as a clause; `undefined`: nothing. `before`: what was there already. */
export async function submoduleLoss(
  repository: RepositoryAccess,
  folder: string,
  before: SubmoduleMark | undefined,
  depth = 1,
): Promise<string | undefined> {
  const gitDir = await gitDirOf(folder);
  if (gitDir === undefined) return undefined;
  const unpushed = await unpushedIn(repository, gitDir, before);
  if (unpushed !== undefined) return unpushed;
  const known = new Set(before?.changed);
  const changed = (await changedIn(repository, folder, gitDir)).find((one) => !known.has(one));
  if (changed !== undefined) return `uncommitted changes: ${changed.split("\0")[0] ?? ""}`;
  if (depth >= DEEPEST) return undefined;
  for (const name of await submodulesOf(repository, folder, gitDir)) {
    const inner = await submoduleLoss(repository, join(folder, name), undefined, depth + 1);
    if (inner !== undefined) return `${name}: ${inner}`;
  }
  return undefined;
}

async function submodulesOf(repository: RepositoryAccess, folder: string, gitDir: string): Promise<readonly string[]> {
  const index = join(gitDir, "index");
  if (!(await exists(index))) return [];
  const env = { GIT_OBJECT_DIRECTORY: join(gitDir, "objects") };
  const listed = await repository.objectGit(["ls-files", "-z", "-s"], { workTree: folder, index, env });
  return listedEntries(listed.output).flatMap(({ mode, path }) => (mode === GITLINK ? [path] : []));
}

/** Whether the folder's `.gitmodules` names a submodule at a path: else what is there is a repository that somebody put there. */
export async function isNamedSubmodule(repository: RepositoryAccess, folder: string, name: string): Promise<boolean> {
  const file = join(folder, ".gitmodules");
  if (!(await exists(file))) return false;
  const asked = ["config", "-z", "--file", file, "--get-regexp", "^submodule\\..*\\.path$"];
  const answer = await repository.git(asked, { codes: [0, 1, 3, 128] });
  return answer.code === 0 && items(answer.output).some((item) => item.slice(item.indexOf("\n") + 1) === name);
}

/** Files that are not as they are committed, each with its mark: all of them where HEAD has no commit. */
async function changedIn(repository: RepositoryAccess, folder: string, gitDir: string): Promise<readonly string[]> {
  const commit = (await headOfSubmodule(repository, folder)) ?? line(await repository.objectGit(["mktree"]));
  const objects = join(gitDir, "objects");
  const state = await checkoutState(repository, { workTree: folder, index: join(gitDir, "index"), commit, objects });
  const names = [...new Set([...state.unstaged, ...state.staged, ...state.untracked])].sort();
  return await Promise.all(names.map(async (name) => `${name}\0${await markOf(pathIn(folder, name))}`));
}
