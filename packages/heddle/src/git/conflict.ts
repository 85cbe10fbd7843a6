/**
 * Conflict writer: applies a step's work onto a commit that it conflicts with, so that it can be resolved, and finds
 * what is not resolved yet. Knows trees and files, no worktree and no person.
 *
 * Invariant: no conflict is decided here. What git leaves without markers (a file that one side removed, a binary file,
 * a link) becomes a text with both sides between markers. The markers name the two commits, so that no other text can be
 * mistaken for one.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shellWord } from "../base/shell-word.ts";
import { entriesByPath, GITLINK, type IndexEntry } from "./listed-entries.ts";
import { mergeTrees, type ConflictStage } from "./merge-candidate.ts";
import { bytesOf, shownName } from "./path-bytes.ts";
import { items, line, type RepositoryAccess } from "./repository-access.ts";

export interface MarkedMerge {
  readonly tree: string;
  /** Paths that have to be decided, sorted; empty: it all goes together. */
  readonly files: readonly string[];
  /** Pointers to different commits of a submodule, which no text can show: they are for the index, as git has such conflicts. */
  readonly pointers: readonly ConflictStage[];
  /** The versions of what has to be decided. */
  readonly stages: readonly ConflictStage[];
}

/** Bytes of a side that are shown in a file of markers. */
const LONGEST_SIDE = 1 << 20;

/** `head` with the work of `captured` on top. */
export async function mergeWithMarkers(
  repository: RepositoryAccess,
  head: string,
  captured: string,
): Promise<MarkedMerge> {
  const merged = await mergeTrees(repository, head, captured);
  if (merged.kind === "clean") return { tree: merged.tree, files: [], pointers: [], stages: [] };
  const paths = new Map<string, ConflictStage[]>();
  for (const stage of merged.stages) paths.set(stage.path, [...(paths.get(stage.path) ?? []), stage]);
  const entries = new Map<string, string>();
  const pointers: ConflictStage[] = [];
  for (const [path, stages] of paths) {
    // A file that meets a folder has its commit in its name, which says all.
    if (path.endsWith(`~${head}`) || path.endsWith(`~${captured}`)) continue;
    const [ours, theirs] = [stages.find(({ stage }) => stage === 2), stages.find(({ stage }) => stage === 3)];
    if (ours === undefined && theirs === undefined) continue;
    if ([ours, theirs].every((side) => side === undefined || side.mode === GITLINK)) {
      pointers.push(...stages);
      const there = ours ?? theirs;
      if (there !== undefined) entries.set(path, `${GITLINK} ${there.id}`);
      continue;
    }
    if (await isMarked(repository, merged.tree, path, [head, captured])) continue;
    const input = Buffer.concat([
      Buffer.from(`<<<<<<< ${head}\n`),
      await sideOf(repository, path, ours),
      Buffer.from("\n=======\n"),
      await sideOf(repository, path, theirs),
      Buffer.from(`\n>>>>>>> ${captured}\n`),
    ]);
    const id = line(await repository.objectGit(["hash-object", "-w", "--stdin"], { input }));
    const isProgram = [ours, theirs].some((side) => side?.mode === "100755");
    entries.set(path, `${isProgram ? "100755" : "100644"} ${id}`);
  }
  const tree = entries.size === 0 ? merged.tree : await withEntries(repository, merged.tree, entries);
  return { tree, files: merged.files, pointers, stages: merged.stages };
}

/** Paths of `commit` in which the conflict between `head` and `captured` is still to be seen. */
export async function unresolvedPaths(
  repository: RepositoryAccess,
  at: { readonly commit: string; readonly head: string; readonly captured: string },
): Promise<readonly string[]> {
  const { commit, head, captured } = at;
  const marker = `^[<>]{2,} (${head}|${captured})`;
  const args = ["grep", "--no-textconv", "-a", "-l", "-z", "-E", "-e", marker, commit, "--"];
  const found = await repository.objectGit(args, { codes: [0, 1] });
  const marked = items(found.output).map((name) => name.slice(commit.length + 1));
  const listed = await repository.objectGit(["ls-tree", "-r", "-z", "--full-tree", "--name-only", commit]);
  const labels = [`~${head}`, `~${captured}`];
  const named = items(listed.output).filter((path) => labels.some((label) => path.includes(label)));
  return [...new Set([...marked, ...named])].sort().map(shownName);
}

/** What a commit or tree has at a path. */
export async function entryAt(
  repository: RepositoryAccess,
  tree: string,
  path: string,
): Promise<IndexEntry | undefined> {
  return (await entriesAt(repository, tree, [path])).get(path);
}

/** Characters of names that go to git as arguments. */
const MOST_ARGUMENTS = 50_000;

/** The same of several. */
export async function entriesAt(
  repository: RepositoryAccess,
  tree: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, IndexEntry>> {
  const characters = paths.reduce((sum, path) => sum + path.length, 0);
  // Arguments are text: a name that is not is looked for among all.
  const isPlain = characters <= MOST_ARGUMENTS && paths.every((path) => path.isWellFormed());
  const where = isPlain ? ["--full-tree", tree, "--", ...paths] : ["-r", "-t", "--full-tree", tree];
  const listed = await repository.objectGit(["ls-tree", "-z", ...where], { env: { GIT_LITERAL_PATHSPECS: "1" } });
  return entriesByPath(listed.output);
}

/** A tree with other entries, each `MODE ID` by its path; `undefined`: gone. What is in the way of an entry is gone too. */
export async function withEntries(
  repository: RepositoryAccess,
  tree: string,
  entries: ReadonlyMap<string, string | undefined>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "heddle-tree-"));
  const index = join(folder, "index");
  const zero = "0".repeat(tree.length);
  // Removals come first: a file may replace a folder.
  const sorted = [...entries].sort(([, a], [, b]) => Number(a !== undefined) - Number(b !== undefined));
  const input = sorted.map(([path, entry]) => `${entry ?? `0 ${zero}`}\t${path}\0`).join("");
  try {
    await repository.objectGit(["read-tree", tree], { index });
    await repository.objectGit(["update-index", "--replace", "-z", "--index-info"], { index, input });
    return line(await repository.objectGit(["write-tree"], { index }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isMarked(
  repository: RepositoryAccess,
  tree: string,
  path: string,
  commits: readonly string[],
): Promise<boolean> {
  const found = await entryAt(repository, tree, path);
  if (found?.mode.startsWith("100") !== true) return false;
  const blob = (await repository.objectGit(["cat-file", "blob", found.id])).output;
  return commits.some((commit) => blob.includes(`<< ${commit}`) || blob.includes(`>> ${commit}`));
}

/** Bytes as they are in the file, without the end of its last line. */
async function sideOf(repository: RepositoryAccess, path: string, side: ConflictStage | undefined): Promise<Buffer> {
  if (side === undefined) return Buffer.from("(this side has no such file)");
  const { mode, id } = side;
  const kind = mode === GITLINK ? "submodule" : "symbolic link";
  if (!mode.startsWith("100")) return Buffer.from(`(this side has a ${kind}: ${mode} ${id})`);
  const blob = (await repository.objectGit(["cat-file", "blob", id])).output;
  if (blob.length <= LONGEST_SIDE && !blob.includes(0)) return blob.at(-1) === 0x0a ? blob.subarray(0, -1) : blob;
  return bytesOf(`(this side is binary: git cat-file blob ${id} > ${shellWord(path)})`);
}
