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
import { type AgentIndex, applyAgentIndex, putEntries, putSkipped, readAgentIndex } from "./agent-index.ts";
import { exists } from "./disk-entry.ts";
import { entriesByPath, GITLINK, type IndexEntry } from "./listed-entries.ts";
import { type Handover, isIgnoredIn, submoduleIn } from "./handover.ts";
import { headOfSubmodule, isNamedSubmodule, submoduleLoss, unpushedIn } from "./submodules.ts";
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
  /** Files that are no work: they were there, and ignored, when the worktree was handed over. */
  readonly given: readonly string[];
  /** Paths that are pointers to commits of submodules. */
  readonly submodules: readonly string[];
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
  /** What was in the folder before; absent: only what is in `base`. */
  readonly handover?: Handover;
}

const MAX_NESTING = 5;

/** The files of a folder as a tree. `path` exists. */
export async function takeSnapshot(repository: RepositoryAccess, options: SnapshotOptions): Promise<TreeSnapshot> {
  return await withIndexCopy(repository, options.index, async (index) => {
    const { path, base, limits, agentIndex, handover } = options;
    await repository.refreshExcludes();
    if (!(await exists(index))) await repository.objectGit(["read-tree", base], { workTree: path, index });
    const { gitlinks, known } = await takeOutGitlinks(repository, path, index);
    const agent = await readAgentIndex(repository, { path, agentIndex });
    const { absent, missing } = await putSkipped(repository, { path, index, agent, known });
    const extra = await namesBeyond(repository, options, { agent, known });
    const budget = { left: limits.maxTotalBytes };
    const isGiven = (name: string): boolean => !known.has(name) && isIgnoredIn(handover, name);
    const filled = await fill(repository, { path, index, extra, skipped: absent, isGiven, limits, budget });
    const { omitted } = filled;
    const { taken } = filled;
    const applied = await applyAgentIndex(repository, { path, base, index, agent, agentIndex, known, taken });
    for (const name of missing) omitted.push({ path: name, reason: "unreadable", bytes: 0 });
    for (const name of applied.unknown) omitted.push({ path: name, reason: "filter", bytes: 0 });
    const nested: string[] = [];
    const pointers = new Map<string, IndexEntry>();
    for (const folder of filled.nested) {
      const id = await pointerOf(repository, options, { folder, agent, gitlinks });
      if (id !== undefined) {
        pointers.set(folder, { mode: GITLINK, id });
        const loss = await submoduleLoss(
          repository,
          join(path, folder),
          submoduleIn(handover, { folder, pointer: gitlinks.get(folder) }),
        );
        if (loss !== undefined) omitted.push({ path: folder, reason: "submodule", bytes: 0, detail: loss });
        continue;
      }
      nested.push(folder);
      await graft(repository, { path, index, folder, limits, budget, omitted, isGiven }, 1);
    }
    omitted.push(...(await emptiedSubmodules(repository, options, { agent, gitlinks, nested: filled.nested })));
    for (const [name, entry] of await unfilledPointers(path, { agent, gitlinks })) pointers.set(name, entry);
    await putEntries(repository, { path, index, entries: pointers });
    const tree = line(await repository.objectGit(["write-tree"], { workTree: path, index }));
    // Next time only what changed since is read. Not where the index is not simply the folder's.
    const isFolders = gitlinks.size === 0 && pointers.size === 0 && nested.length === 0 && absent.size === 0;
    if (isFolders && !applied.isChanged) {
      await mkdir(dirname(options.index), { recursive: true });
      await rename(index, options.index);
    }
    const unmerged = [...agent.unmerged].sort();
    return { tree, omitted, nested, unmerged, given: filled.given, submodules: [...pointers.keys()] };
  });
}

/** The commit that a repository in a folder is noted as, if it is a submodule: what the index says wins where it says something new. */
async function pointerOf(
  repository: RepositoryAccess,
  { path }: SnapshotOptions,
  at: { readonly folder: string; readonly agent: AgentIndex; readonly gitlinks: ReadonlyMap<string, string> },
): Promise<string | undefined> {
  const { folder, agent, gitlinks } = at;
  const before = gitlinks.get(folder);
  const noted = agent.entries.get(folder);
  const inIndex = noted?.mode === GITLINK ? noted.id : undefined;
  if (agent.unmerged.has(folder) && before !== undefined) return before;
  if (before === undefined && inIndex === undefined) return undefined;
  if (before === undefined && !(await isNamedSubmodule(repository, path, folder))) return undefined;
  if (inIndex !== undefined && inIndex !== before) return inIndex;
  return (await headOfSubmodule(repository, join(path, folder))) ?? inIndex ?? before;
}

/**
 * A submodule whose folder is empty was not filled, and is as it was, or as the index has it; one whose folder is gone was removed,
 * if it is to be in the folder.
 */
async function unfilledPointers(
  path: string,
  { agent, gitlinks }: { readonly agent: AgentIndex; readonly gitlinks: ReadonlyMap<string, string> },
): Promise<ReadonlyMap<string, IndexEntry>> {
  const found = new Map<string, IndexEntry>();
  const noted = [...agent.entries].flatMap(([name, { mode, id }]) => (mode === GITLINK ? [[name, id] as const] : []));
  for (const [name, id] of new Map([...gitlinks, ...noted])) {
    const inside = await readdir(pathIn(path, name)).catch(() => undefined);
    const isSkipped = agent.skipped.has(name) && !(await exists(pathIn(path, name)));
    if (inside?.length === 0 || isSkipped) found.set(name, { mode: GITLINK, id });
  }
  return found;
}

/**
 * Submodules whose folder is empty or gone, with commits that only the worktree's own git folder has, where git keeps them by
 * their names: by default their paths.
 */
async function emptiedSubmodules(
  repository: RepositoryAccess,
  { agentIndex, handover }: SnapshotOptions,
  at: {
    readonly agent: AgentIndex;
    readonly gitlinks: ReadonlyMap<string, string>;
    readonly nested: readonly string[];
  },
): Promise<readonly OmittedFile[]> {
  if (agentIndex === undefined) return [];
  const { agent, gitlinks, nested } = at;
  const noted = [...agent.entries].flatMap(([name, { mode }]) => (mode === GITLINK ? [name] : []));
  const found: OmittedFile[] = [];
  for (const folder of new Set([...gitlinks.keys(), ...noted])) {
    const gitDir = join(dirname(agentIndex), "modules", folder);
    if (nested.includes(folder) || !(await exists(join(gitDir, "HEAD")))) continue;
    const before = submoduleIn(handover, { folder, pointer: gitlinks.get(folder) });
    const detail = await unpushedIn(repository, gitDir, before);
    if (detail !== undefined) found.push({ path: folder, reason: "submodule", bytes: 0, detail });
  }
  return found;
}

/** Names that the agent tracks and we do not: in its commits, or its index. */
async function namesBeyond(
  repository: RepositoryAccess,
  { base, agentHead }: SnapshotOptions,
  { agent, known }: { readonly agent: AgentIndex; readonly known: ReadonlyMap<string, IndexEntry> },
): Promise<readonly string[]> {
  const extra = new Set<string>();
  if (agentHead !== undefined && agentHead !== base) {
    const added = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A", base, agentHead];
    for (const name of items((await repository.objectGit(added)).output)) extra.add(name);
  }
  for (const [name, { mode }] of agent.entries) if (mode !== GITLINK && !agent.skipped.has(name)) extra.add(name);
  return [...extra].filter((name) => !known.has(name));
}

interface FillOptions {
  readonly path: string;
  readonly index: string;
  /** Names that are looked at although they are ignored. */
  readonly extra: readonly string[];
  /** Names that are not in the folder, and not gone. */
  readonly skipped: ReadonlySet<string>;
  /** Whether a file is not to be taken, whatever became of it. */
  readonly isGiven: (name: string) => boolean;
  readonly limits: FileLimits;
  readonly budget: { left: number };
}

interface Fill {
  readonly omitted: OmittedFile[];
  readonly nested: readonly string[];
  /** Files that were read. */
  readonly taken: readonly string[];
  /** Files that were there before and are no work. */
  readonly given: readonly string[];
}

/** Brings the index up to the folder's files. */
async function fill(repository: RepositoryAccess, options: FillOptions): Promise<Fill> {
  const { path, index, extra, skipped, limits, budget } = options;
  const known = { workTree: path, index };
  const differ = ["ls-files", "-z", "-m", "-d", "-o", "--exclude-standard"];
  const changed = items((await repository.objectGit(differ, known)).output);
  const omitted: OmittedFile[] = [];
  const nested: string[] = [];
  const wanted: string[] = [];
  const given: string[] = [];
  const gone: string[] = [];
  const links = new Map<string, boolean>();
  for (const name of new Set([...changed, ...extra])) {
    if (options.isGiven(name)) {
      given.push(name);
      continue;
    }
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
      if (!skipped.has(name)) wanted.push(name);
      continue;
    }
    if (found.isDirectory()) {
      gone.push(name);
      // What is in it comes by its own name; not where it is a repository.
      if (await exists(pathIn(path, `${name}/.git`))) nested.push(name);
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
  return { omitted, nested: [...new Set(nested)], taken: wanted, given };
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
  options: Omit<FillOptions, "extra" | "skipped"> & { readonly folder: string; readonly omitted: OmittedFile[] },
  depth: number,
): Promise<void> {
  const { path, index, folder, limits, budget } = options;
  await withIndexCopy(repository, join(path, "no index"), async (own) => {
    const inner = join(path, folder);
    const isGiven = (name: string): boolean => options.isGiven(`${folder}/${name}`);
    const filled = await fill(repository, {
      path: inner,
      index: own,
      extra: [],
      skipped: new Set(),
      isGiven,
      limits,
      budget,
    });
    options.omitted.push(...filled.omitted.map((one) => ({ ...one, path: `${folder}/${one.path}` })));
    for (const deeper of depth < MAX_NESTING ? filled.nested : [])
      await graft(
        repository,
        { path: inner, index: own, folder: deeper, limits, budget, omitted: options.omitted, isGiven },
        depth + 1,
      );
    if (!(await exists(own))) return;
    const listed = (await repository.objectGit(["ls-files", "-z", "-s"], { workTree: inner, index: own })).output;
    const entries = new Map([...entriesByPath(listed)].map(([name, entry]) => [`${folder}/${name}`, entry] as const));
    await putEntries(repository, { path, index, entries });
  });
}

/**
 * Path to commit of each submodule: while they are in the index, git would start itself in their folders. `known`: all that the
 * index has, theirs too.
 */
async function takeOutGitlinks(
  repository: RepositoryAccess,
  path: string,
  index: string,
): Promise<{ readonly gitlinks: ReadonlyMap<string, string>; readonly known: ReadonlyMap<string, IndexEntry> }> {
  const known = entriesByPath((await repository.objectGit(["ls-files", "-z", "-s"], { workTree: path, index })).output);
  const gitlinks = new Map(
    [...known].flatMap(([name, { mode, id }]) => (mode === GITLINK ? [[name, id] as const] : [])),
  );
  if (gitlinks.size > 0) {
    const input = `${[...gitlinks.keys()].join("\0")}\0`;
    await repository.objectGit(["update-index", "-z", "--force-remove", "--stdin"], { workTree: path, index, input });
  }
  return { gitlinks, known };
}
