/**
 * Checkout files: sets the files of a worktree to a commit, and reads them into a tree. Knows an index and a folder, no
 * run and no branch.
 *
 * Invariants:
 *  1. Only names are read from the agent's index, and it is not written while files are read: its times, sizes and flags
 *     cannot be trusted.
 *  2. Symbolic links are not followed out of the folder: a link is a file that contains a path.
 */
import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HeddleError } from "../base/errors.ts";
import { copyIndex, withIndexCopy } from "./index-status.ts";
import { pathIn } from "./path-bytes.ts";
import { type RepositoryAccess, items, line } from "./repository-access.ts";
import type { FileLimits, OmittedFile } from "./types.ts";

export interface TreeSnapshot {
  /** Id of the tree. */
  readonly tree: string;
  readonly omitted: readonly OmittedFile[];
  /** Folders that are repositories of their own; their files are in the tree, their history is not. */
  readonly nested: readonly string[];
  /** Paths that the agent's index has not merged. */
  readonly unmerged: readonly string[];
}

/**
 * Makes tracked files those of `commit`, as `git reset --hard` would; `index` is heddle's own. Files that git does not know
 * stay unless they are in the way.
 */
export async function populate(
  repository: RepositoryAccess,
  options: { readonly path: string; readonly index: string; readonly commit: string },
): Promise<void> {
  const draft = draftOf(options.index);
  await mkdir(dirname(options.index), { recursive: true });
  try {
    await copyIndex(options.index, draft);
    await repository.objectGit(["read-tree", "--reset", "-u", options.commit], {
      workTree: options.path,
      index: draft,
      timeoutMs: 10 * 60_000,
    });
    await rename(draft, options.index);
  } finally {
    await rm(draft, { force: true });
    await rm(`${draft}.lock`, { force: true });
  }
}

/** Next to the final file; its name says whose it is, in case the process dies before it is finished. */
export function draftOf(path: string): string {
  return `${path}.${process.pid}-${randomUUID()}`;
}

/** Removes files that git does not know, repositories in it too. `ignored`: those that are ignored as well. */
export async function clean(
  repository: RepositoryAccess,
  options: { readonly path: string; readonly index: string; readonly ignored: boolean },
): Promise<void> {
  await repository.refreshExcludes();
  const args = ["clean", "-q", "-ffd", ...(options.ignored ? ["-x"] : [])];
  await repository.objectGit(args, { workTree: options.path, index: options.index, timeoutMs: 10 * 60_000 });
}

interface SnapshotOptions {
  readonly path: string;
  /** Heddle's own; may not exist. */
  readonly index: string;
  /** The commit that the files were last set to: identifies submodules, and replaces a missing index. */
  readonly base: string;
  /** The agent's, and where its HEAD is: names of files that it tracks although they are ignored. */
  readonly agentIndex?: string;
  readonly agentHead?: string;
  readonly limits: FileLimits;
}

const MAX_NESTING = 5;

/** The files of a folder as a tree. `path` exists. */
export async function takeSnapshot(repository: RepositoryAccess, options: SnapshotOptions): Promise<TreeSnapshot> {
  return await withIndexCopy(repository, options.index, async (index) => {
    const { path, base } = options;
    await repository.refreshExcludes();
    if (!(await exists(index))) await repository.objectGit(["read-tree", base], { workTree: path, index });
    const { gitlinks, names } = await takeOutGitlinks(repository, path, index);
    const agent = await agentNames(repository, options, names);
    const budget = { left: options.limits.maxTotalBytes };
    const filled = await fill(repository, { path, index, agent, limits: options.limits, budget });
    const nested: string[] = [];
    for (const folder of filled.nested) {
      if (gitlinks.has(folder))
        await repository.objectGit(["update-index", "-z", "--add", "--stdin"], {
          workTree: path,
          index,
          input: `${folder}\0`,
        });
      else {
        nested.push(folder);
        await graft(repository, { path, index, folder, limits: options.limits, budget, omitted: filled.omitted }, 1);
      }
    }
    await putBackGitlinks(repository, path, index, gitlinks, new Set(filled.nested));
    const tree = line(await repository.objectGit(["write-tree"], { workTree: path, index }));
    // Next time only what changed since is read. Not where the index is not simply the folder's.
    if (gitlinks.size === 0 && nested.length === 0) {
      await mkdir(dirname(options.index), { recursive: true });
      await rename(index, options.index);
    }
    return { tree, omitted: filled.omitted, nested, unmerged: agent.unmerged };
  });
}

interface AgentNames {
  /** Tracked by the agent, not by us. */
  readonly extra: readonly string[];
  /** Not in the folder because the agent keeps only a part of the files there. */
  readonly skipped: ReadonlySet<string>;
  readonly unmerged: readonly string[];
}

async function agentNames(
  repository: RepositoryAccess,
  options: SnapshotOptions,
  known: ReadonlySet<string>,
): Promise<AgentNames> {
  const { path, base } = options;
  const extra = new Set<string>();
  const skipped = new Set<string>();
  const unmerged = new Set<string>();
  if (options.agentHead !== undefined && options.agentHead !== base) {
    const added = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A", base, options.agentHead];
    for (const name of items((await repository.objectGit(added)).output)) extra.add(name);
  }
  const agentIndex = options.agentIndex;
  if (agentIndex !== undefined && (await exists(agentIndex))) {
    // Exit code 128: the agent left no readable index; then it tracks nothing that we need to know.
    const answer = await repository.objectGit(["ls-files", "-z", "-t"], {
      workTree: path,
      index: agentIndex,
      codes: [0, 128],
    });
    const listed = answer.code === 0 ? items(answer.output) : [];
    for (const item of listed) {
      if (item.startsWith("M ")) unmerged.add(item.slice(2));
      if (item.startsWith("S ")) skipped.add(item.slice(2));
      else extra.add(item.slice(2));
    }
  }
  return { extra: [...extra].filter((name) => !known.has(name)), skipped, unmerged: [...unmerged].sort() };
}

interface FillOptions {
  readonly path: string;
  readonly index: string;
  readonly agent: AgentNames;
  readonly limits: FileLimits;
  readonly budget: { left: number };
}

/** Brings the index up to the folder's files. */
async function fill(
  repository: RepositoryAccess,
  options: FillOptions,
): Promise<{ readonly omitted: OmittedFile[]; readonly nested: readonly string[] }> {
  const { path, index, agent, limits, budget } = options;
  const known = { workTree: path, index };
  const differ = ["ls-files", "-z", "-m", "-d", "-o", "--exclude-standard"];
  const changed = items((await repository.objectGit(differ, known)).output);
  const omitted: OmittedFile[] = [];
  const nested: string[] = [];
  const wanted: string[] = [];
  const gone: string[] = [];
  const links = new Map<string, boolean>();
  for (const name of new Set([...changed, ...agent.extra])) {
    if (name.endsWith("/")) {
      nested.push(name.slice(0, -1));
      continue;
    }
    if (await beyondLink(path, dirname(name), links)) {
      gone.push(name);
      continue;
    }
    const found = await lstat(pathIn(path, name)).catch(() => undefined);
    if (found === undefined) {
      if (!agent.skipped.has(name)) wanted.push(name);
      continue;
    }
    if (found.isDirectory()) {
      // What is in it comes by its own name.
      gone.push(name);
      continue;
    }
    const reason = await refusal(pathIn(path, name), found, limits, budget.left);
    if (reason === undefined) {
      wanted.push(name);
      if (found.isFile()) budget.left -= found.size;
    } else omitted.push({ path: name, reason, bytes: found.size });
  }
  if (gone.length > 0) {
    const input = `${gone.join("\0")}\0`;
    await repository.objectGit(["update-index", "-z", "--force-remove", "--stdin"], { ...known, input });
  }
  for (const name of await update(repository, known, wanted))
    omitted.push({ path: name, reason: "unreadable", bytes: 0 });
  return { omitted, nested };
}

/** Whether the path to `folder` contains a symbolic link: what is behind it is not in the worktree. */
async function beyondLink(path: string, folder: string, known: Map<string, boolean>): Promise<boolean> {
  if (folder === ".") return false;
  const before = known.get(folder);
  if (before !== undefined) return before;
  const over =
    (await beyondLink(path, dirname(folder), known)) ||
    ((await lstat(pathIn(path, folder)).catch(() => undefined))?.isSymbolicLink() ?? false);
  known.set(folder, over);
  return over;
}

async function refusal(
  path: string | Buffer,
  found: Stats,
  limits: FileLimits,
  left: number,
): Promise<OmittedFile["reason"] | undefined> {
  if (!found.isFile()) return undefined;
  if (found.size > limits.maxFileBytes) return "file-too-large";
  if (found.size > left) return "total-too-large";
  const readable = await access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
  return readable ? undefined : "unreadable";
}

/** What git says of a name that it does not take, and goes on. */
const IGNORED = "Ignoring path ";

/** Of these names, those that are files and not in the index. */
async function notTaken(
  repository: RepositoryAccess,
  known: { readonly workTree: string; readonly index: string },
  names: readonly string[],
): Promise<readonly string[]> {
  const taken = new Set(items((await repository.objectGit(["ls-files", "-z"], known)).output));
  const left: string[] = [];
  for (const name of names)
    if (!taken.has(name) && (await lstat(pathIn(known.workTree, name)).catch(() => undefined)) !== undefined)
      left.push(name);
  return left;
}

/** Names that could not be taken: found by halves, so that one does not keep the others out. */
async function update(
  repository: RepositoryAccess,
  known: { readonly workTree: string; readonly index: string },
  names: readonly string[],
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const args = ["update-index", "-z", "--add", "--remove", "--replace", "--stdin"];
  try {
    const input = `${names.join("\0")}\0`;
    const { said } = await repository.objectGit(args, { ...known, input, timeoutMs: 10 * 60_000 });
    return said.includes(IGNORED) ? await notTaken(repository, known, names) : [];
  } catch (thrown) {
    if (!(thrown instanceof HeddleError)) throw thrown;
    // With a full disk no file could be taken at all: the caller must know.
    if (names.length === 1) {
      await repository.objectGit(["update-index", "-q", "--refresh"], { ...known, codes: [0, 1] });
      return names;
    }
    const half = names.length >> 1;
    const first = await update(repository, known, names.slice(0, half));
    return [...first, ...(await update(repository, known, names.slice(half)))];
  }
}

/** Files of a repository inside the worktree, which git itself would note as one commit that nobody else has. */
async function graft(
  repository: RepositoryAccess,
  options: Omit<FillOptions, "agent"> & { readonly folder: string; readonly omitted: OmittedFile[] },
  depth: number,
): Promise<void> {
  const { path, index, folder, limits, budget } = options;
  await withIndexCopy(repository, join(path, "no index"), async (own) => {
    const inner = join(path, folder);
    const agent: AgentNames = { extra: [], skipped: new Set(), unmerged: [] };
    const filled = await fill(repository, { path: inner, index: own, agent, limits, budget });
    options.omitted.push(...filled.omitted.map((one) => ({ ...one, path: `${folder}/${one.path}` })));
    for (const deeper of depth < MAX_NESTING ? filled.nested : [])
      await graft(
        repository,
        { path: inner, index: own, folder: deeper, limits, budget, omitted: options.omitted },
        depth + 1,
      );
    if (!(await exists(own))) return;
    const entries = items(
      (await repository.objectGit(["ls-files", "-z", "-s"], { workTree: inner, index: own })).output,
    );
    const input = entries.map((entry) => `${entry.replace("\t", `\t${folder}/`)}\0`).join("");
    await repository.objectGit(["update-index", "-z", "--index-info"], { workTree: path, index, input });
  });
}

/**
 * Path to commit of each submodule: while they are in the index, git would start itself in their folders. `names`: all that the
 * index has, theirs too.
 */
async function takeOutGitlinks(
  repository: RepositoryAccess,
  path: string,
  index: string,
): Promise<{ readonly gitlinks: ReadonlyMap<string, string>; readonly names: ReadonlySet<string> }> {
  const found = new Map<string, string>();
  const names = new Set<string>();
  const entries = items((await repository.objectGit(["ls-files", "-z", "-s"], { workTree: path, index })).output);
  for (const entry of entries) {
    const [, mode, id, name] = /^(\d+) ([0-9a-f]+) \d\t([\s\S]*)$/.exec(entry) ?? [];
    if (name !== undefined) names.add(name);
    if (mode === "160000" && id !== undefined && name !== undefined) found.set(name, id);
  }
  if (found.size > 0) {
    const input = `${[...found.keys()].join("\0")}\0`;
    await repository.objectGit(["update-index", "-z", "--force-remove", "--stdin"], { workTree: path, index, input });
  }
  return { gitlinks: found, names };
}

/** A submodule whose folder is empty was not filled, and is as it was; one whose folder is gone was removed. */
async function putBackGitlinks(
  repository: RepositoryAccess,
  path: string,
  index: string,
  gitlinks: ReadonlyMap<string, string>,
  filled: ReadonlySet<string>,
): Promise<void> {
  let input = "";
  for (const [name, id] of gitlinks) {
    if (filled.has(name)) continue;
    const inside = await readdir(pathIn(path, name)).catch(() => undefined);
    if (inside?.length === 0) input += `160000 ${id}\t${name}\0`;
  }
  if (input !== "")
    await repository.objectGit(["update-index", "-z", "--index-info"], { workTree: path, index, input });
}

export async function exists(path: string | Buffer): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}
