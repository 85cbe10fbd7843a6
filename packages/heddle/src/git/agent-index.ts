/**
 * Agent index: what the index that an agent's git wrote says beyond the files: modes, pointers to submodules, contents that a filter
 * has converted, conflicts. Knows one index, no worktree of heddle.
 *
 * Invariant: a content of the index is taken only where the file has not been touched since git wrote it there.
 */
import { lstat } from "node:fs/promises";
import { pathIn } from "./path-bytes.ts";
import { type RepositoryAccess, items } from "./repository-access.ts";
import { exists } from "./disk-entry.ts";
import { entriesByPath, GITLINK, type IndexEntry, listedEntries } from "./listed-entries.ts";
import { filteredNames } from "./content-filters.ts";

export interface AgentIndex {
  readonly entries: ReadonlyMap<string, IndexEntry>;
  /** Not in the folder because the agent keeps only a part of the files there. */
  readonly skipped: ReadonlySet<string>;
  /** Names with conflicts. */
  readonly unmerged: ReadonlySet<string>;
}

export const NO_INDEX: AgentIndex = { entries: new Map(), skipped: new Set(), unmerged: new Set() };

/** `undefined`: the agent has none. */
export async function readAgentIndex(
  repository: RepositoryAccess,
  { path, agentIndex }: { readonly path: string; readonly agentIndex: string | undefined },
): Promise<AgentIndex> {
  if (agentIndex === undefined || !(await exists(agentIndex))) return NO_INDEX;
  // Exit code 128: the agent left no readable index; then it tracks nothing that we need to know.
  const answer = await repository.objectGit(["ls-files", "-z", "-t", "-s"], {
    workTree: path,
    index: agentIndex,
    codes: [0, 128],
  });
  if (answer.code !== 0) return NO_INDEX;
  const entries = new Map<string, IndexEntry>();
  const skipped = new Set<string>();
  const unmerged = new Set<string>();
  for (const { tag, mode, id, path: name } of listedEntries(answer.output)) {
    if (tag === "M") unmerged.add(name);
    else if (tag === "S") skipped.add(name);
    if (tag !== "M") entries.set(name, { mode, id });
  }
  return { entries, skipped, unmerged };
}

/**
 * Brings what the agent does not keep in its folder into heddle's index, as its own has it, and marks it so: git then reads the rules
 * of such a `.gitignore` from there.
 */
export async function putSkipped(
  repository: RepositoryAccess,
  { path, index, agent, known }: Pick<Filled, "path" | "index" | "agent" | "known">,
): Promise<Skipped> {
  const absent: string[] = [];
  for (const name of agent.skipped) if (!(await exists(pathIn(path, name)))) absent.push(name);
  if (absent.length === 0) return { absent: new Set(), missing: [] };
  const entries = new Map<string, IndexEntry>();
  const files = absent.filter((name) => agent.entries.get(name)?.mode !== GITLINK);
  for (const name of files) {
    const [entry, before] = [agent.entries.get(name), known.get(name)];
    if (entry !== undefined && (entry.id !== before?.id || entry.mode !== before.mode)) entries.set(name, entry);
  }
  const missing = await withoutContent(repository, entries);
  for (const name of missing) entries.delete(name);
  await putEntries(repository, { path, index, entries });
  const there = files.filter((name) => entries.has(name) || known.has(name));
  const input = there.map((name) => `${name}\0`).join("");
  await repository.objectGit(["update-index", "-z", "--skip-worktree", "--stdin"], { workTree: path, index, input });
  return { absent: new Set(absent), missing };
}

/** Names whose entries say a content that the repository does not have. */
async function withoutContent(
  repository: RepositoryAccess,
  entries: ReadonlyMap<string, IndexEntry>,
): Promise<readonly string[]> {
  if (entries.size === 0) return [];
  const input = [...entries.values()].map(({ id }) => `${id}\n`).join("");
  const asked = await repository.objectGit(["cat-file", "--batch-check=%(objecttype)"], { input });
  const types = asked.output.toString("latin1").split("\n");
  return [...entries.keys()].filter((_, at) => types[at] !== "blob");
}

/** What the agent does not keep in its folder. */
export interface Skipped {
  readonly absent: ReadonlySet<string>;
  /** Of these, files whose content is nowhere. */
  readonly missing: readonly string[];
}

export interface Filled {
  readonly path: string;
  readonly base: string;
  /** Heddle's, with the files as they are. */
  readonly index: string;
  readonly agent: AgentIndex;
  readonly agentIndex: string | undefined;
  /** What heddle's index had before the files were read. */
  readonly known: ReadonlyMap<string, IndexEntry>;
  /** Files that were read because they differ from that. */
  readonly taken: readonly string[];
}

export interface Applied {
  /** Files whose stored content is not known. */
  readonly unknown: readonly string[];
  /** Whether the index is not simply the folder's any more. */
  readonly isChanged: boolean;
}

/** Brings what the agent's index says more into heddle's. */
export async function applyAgentIndex(repository: RepositoryAccess, filled: Filled): Promise<Applied> {
  const modes = await betterModes(repository, filled);
  const filtered = await filteredNames(repository, { workTree: filled.path, names: filled.taken });
  if (modes.size === 0 && filtered.length === 0) return { unknown: [], isChanged: false };
  const { path, index, agent, known } = filled;
  const now = entriesByPath((await repository.objectGit(["ls-files", "-z", "-s"], { workTree: path, index })).output);
  const wanted = new Map<string, IndexEntry | undefined>();
  for (const [name, mode] of modes) {
    const entry = now.get(name);
    if (entry !== undefined) wanted.set(name, { ...entry, mode });
  }
  const unknown: string[] = [];
  const untouched = await unchangedByStat(repository, { workTree: path, index: filled.agentIndex, names: filtered });
  for (const name of filtered) {
    const entry = now.get(name);
    const stored = agent.entries.get(name);
    if (entry === undefined || entry.id === stored?.id || entry.id === known.get(name)?.id) continue;
    if (stored !== undefined && untouched.has(name)) wanted.set(name, { ...entry, id: stored.id });
    else {
      unknown.push(name);
      wanted.set(name, known.get(name));
    }
  }
  await putEntries(repository, { path, index, entries: wanted });
  return { unknown: unknown.sort(), isChanged: wanted.size > 0 };
}

/** Sets entries of an index; `undefined`: none. */
export async function putEntries(
  repository: RepositoryAccess,
  at: { readonly path: string; readonly index: string; readonly entries: ReadonlyMap<string, IndexEntry | undefined> },
): Promise<void> {
  if (at.entries.size === 0) return;
  const zero = "0".repeat(repository.facts.objectFormat === "sha1" ? 40 : 64);
  const input = [...at.entries]
    .map(([name, entry]) => `${entry === undefined ? `0 ${zero}` : `${entry.mode} ${entry.id}`}\t${name}\0`)
    .join("");
  await repository.objectGit(["update-index", "-z", "--replace", "--index-info"], {
    workTree: at.path,
    index: at.index,
    input,
  });
}

/** Where the file's own mode says nothing, or nothing new, and the index says another one. */
async function betterModes(
  repository: RepositoryAccess,
  { path, base, agent, known }: Filled,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const hasModes = !repository.facts.settings.includes("core.filemode=false");
  const hasLinks = !repository.facts.settings.includes("core.symlinks=false");
  for (const [name, { mode }] of agent.entries) {
    const before = known.get(name)?.mode;
    if (mode === before || mode === GITLINK || before === GITLINK) continue;
    if (hasModes && before === undefined && mode === "100644") continue;
    const there = await lstat(pathIn(path, name)).catch(() => undefined);
    if (there?.isFile() !== true) continue;
    if (mode === "120000") {
      if (!hasLinks) found.set(name, mode);
      continue;
    }
    const own = (there.mode & 0o100) === 0 ? "100644" : "100755";
    if (!hasModes || (own !== mode && (before === undefined || own === before))) found.set(name, mode);
  }
  if (found.size === 0) return found;
  // Heddle's index may have the file's own mode from an earlier capture: an index that says what the base does says nothing new.
  const listed = await repository.objectGit(["ls-tree", "-r", "-z", "--full-tree", base]);
  for (const { path: name, mode } of listedEntries(listed.output)) if (found.get(name) === mode) found.delete(name);
  return found;
}

const DEBUG_LINES =
  /^ {2}ctime: (\d+):(\d+)\n {2}mtime: (\d+):(\d+)\n {2}dev: \d+\tino: (\d+)\n.*\n {2}size: (\d+)\t.*\n/;

/** Of these files, those that have not been touched since git wrote them, or their entries, by all that the index knows of them. */
export async function unchangedByStat(
  repository: RepositoryAccess,
  {
    workTree,
    index,
    names,
  }: { readonly workTree: string; readonly index: string | undefined; readonly names: readonly string[] },
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  if (names.length === 0 || index === undefined) return found;
  const wanted = new Set(names);
  const answer = await repository.objectGit(["ls-files", "-z", "--debug"], { workTree, index, codes: [0, 128] });
  let name: string | undefined;
  for (const part of items(answer.output)) {
    const lines = DEBUG_LINES.exec(part);
    if (name !== undefined && lines !== null && (await isSame(pathIn(workTree, name), lines))) found.add(name);
    const next = lines === null ? part : part.slice(lines[0].length);
    name = wanted.has(next) ? next : undefined;
  }
  return found;
}

async function isSame(path: string | Buffer, [, ...lines]: RegExpExecArray): Promise<boolean> {
  const there = await lstat(path, { bigint: true }).catch(() => undefined);
  if (there === undefined) return false;
  const [ctimeS = "", ctimeNs = "", mtimeS = "", mtimeNs = "", ino = "", size = ""] = lines;
  const time = (seconds: string, rest: string): bigint => BigInt(seconds) * 1_000_000_000n + BigInt(rest);
  return (
    time(ctimeS, ctimeNs) === there.ctimeNs &&
    time(mtimeS, mtimeNs) === there.mtimeNs &&
    BigInt(ino) === (there.ino & 0xffffffffn) &&
    BigInt(size) === (there.size & 0xffffffffn)
  );
}
