/**
 * What an agent's folder is as a tree, read from the files and the agent's index without heddle and without git's own add: and what of
 * it cannot be kept.
 */
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { USER_ENV } from "../support/user-git.ts";
import { at8, filtered, type Style, type Submodule } from "./conservation-world.ts";
import { blobId, type OracleEntry, type OracleTree } from "./tree-oracle.ts";

export interface FolderTree {
  readonly tree: OracleTree;
  /** Paths with work that cannot be kept. */
  readonly unkept: ReadonlySet<string>;
  /** Contents of files, by id. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Folders that are repositories and no submodules. */
  readonly nested: readonly string[];
  readonly unmerged: readonly string[];
}

interface Reading {
  readonly folder: string;
  readonly base: OracleTree;
  readonly style: Style;
  readonly lib: Submodule;
  /** The agent's index; it may not exist. */
  readonly index: string;
  readonly gitDir: string;
}

interface IndexOfAgent {
  readonly entries: ReadonlyMap<string, OracleEntry>;
  readonly skipped: ReadonlySet<string>;
  readonly unmerged: ReadonlySet<string>;
}

/** Output of git, a character for each byte. */
export function rawGit(
  args: readonly string[],
  gitDir: string,
  { index, input }: { readonly index?: string; readonly input?: string } = {},
): string {
  const env = { ...USER_ENV, GIT_DIR: gitDir, GIT_INDEX_FILE: index };
  const bytes = Buffer.from(input ?? "", "latin1");
  return execFileSync("git", [...args], { cwd: gitDir, env, input: bytes }).toString("latin1");
}

export function treeOfCommit(gitDir: string, commit: string): OracleTree {
  const found = new Map<string, OracleEntry>();
  for (const item of rawGit(["ls-tree", "-r", "-z", "--full-tree", commit], gitDir).split("\0")) {
    const [, mode, id, path] = /^(\d+) \w+ ([0-9a-f]+)\t([^]*)$/.exec(item) ?? [];
    if (mode !== undefined && id !== undefined && path !== undefined) found.set(path, { mode, id });
  }
  return found;
}

function indexOfAgent({ index, gitDir }: Reading): IndexOfAgent {
  const entries = new Map<string, OracleEntry>();
  const skipped = new Set<string>();
  const unmerged = new Set<string>();
  if (existsSync(index))
    for (const item of rawGit(["ls-files", "-z", "-t", "-s"], gitDir, { index }).split("\0")) {
      const [, tag, mode, id, path] = /^(\S) (\d+) ([0-9a-f]+) \d\t([^]*)$/.exec(item) ?? [];
      if (mode === undefined || id === undefined || path === undefined) continue;
      if (tag === "M") unmerged.add(path);
      else entries.set(path, { mode, id });
      if (tag === "S") skipped.add(path);
    }
  return { entries, skipped, unmerged };
}

export function readFolder(reading: Reading): FolderTree {
  const { folder, base, style, lib, index } = reading;
  const agent = indexOfAgent(reading);
  const tree = new Map<string, OracleEntry>();
  const unkept = new Set<string>();
  const contents = new Map<string, Buffer>();
  const nested: string[] = [];

  const pointerAt = (path: string): string | undefined => {
    const before = base.get(path)?.mode === "160000" ? base.get(path)?.id : undefined;
    const noted = agent.entries.get(path);
    const staged = noted?.mode === "160000" ? noted.id : undefined;
    if (agent.unmerged.has(path) && before !== undefined) return before;
    if (before === undefined) return staged !== undefined && isNamed(path) ? staged : undefined;
    if (staged !== undefined && staged !== before) return staged;
    return readFileSync(join(folder, path, ".git/HEAD"), "utf8").trim();
  };
  const isNamed = (path: string): boolean => {
    const file = join(folder, ".gitmodules");
    return existsSync(file) && readFileSync(file, "utf8").includes(`path = ${path}\n`);
  };
  /** Whether a submodule has what no remote of it has. */
  const isUnkept = (path: string): boolean => {
    const head = readFileSync(join(folder, path, ".git/HEAD"), "utf8").trim();
    const known = lib.known[head];
    if (known === undefined) return true;
    const there = readdirSync(join(folder, path)).filter((name) => name !== ".git");
    if (there.length !== Object.keys(known).length) return true;
    return there.some((name) => known[name] !== readFileSync(join(folder, path, name), "utf8"));
  };
  // Where the agent keeps the rules out of its folder they are in its index.
  const hasRules = existsSync(join(folder, ".gitignore")) || agent.skipped.has(".gitignore");
  let committed: OracleTree | undefined;
  const isCommitted = (path: string): boolean => (committed ??= headOf(dirname(index))).has(path);
  const visit = (inFolder: string): void => {
    for (const entry of readdirSync(at8(folder, inFolder), { withFileTypes: true, encoding: "buffer" })) {
      const name = entry.name.toString("latin1");
      if (name === ".git") continue;
      const path = inFolder === "" ? name : `${inFolder}/${name}`;
      if (entry.isDirectory()) visitFolder(path);
      else visitFile(path);
    }
  };
  const visitFolder = (path: string): void => {
    const isRepository = existsSync(Buffer.concat([at8(folder, path), Buffer.from("/.git/HEAD")]));
    if (!isRepository) {
      const before = [agent.entries.get(path), base.get(path)].find((entry) => entry?.mode === "160000");
      if (before !== undefined && readdirSync(at8(folder, path)).length === 0) tree.set(path, before);
      return visit(path);
    }
    const id = pointerAt(path);
    if (id === undefined) {
      nested.push(path);
      return visit(path);
    }
    tree.set(path, { mode: "160000", id });
    if (isUnkept(path)) unkept.add(path);
  };
  const visitFile = (path: string): void => {
    const file = at8(folder, path);
    const known = base.get(path);
    const noted = agent.entries.get(path);
    if (hasRules && isIgnored(path) && known === undefined && noted === undefined && !isCommitted(path)) return;
    if (/(?:^|\/)\.git(?:\/|$)/i.test(path)) return void unkept.add(path);
    const found = lstatSync(file);
    if (found.isSymbolicLink()) {
      const target = readlinkSync(file, { encoding: "buffer" });
      contents.set(blobId(target), target);
      return void tree.set(path, { mode: "120000", id: blobId(target) });
    }
    const mode = modeOf((found.mode & 0o100) === 0 ? "100644" : "100755", known?.mode, noted?.mode);
    const bytes = readFileSync(file);
    const raw = blobId(bytes);
    if (path.endsWith(".bin") && raw !== known?.id && raw !== noted?.id) {
      const stored = filtered(bytes);
      if (noted?.id === blobId(stored)) {
        contents.set(noted.id, stored);
        return void tree.set(path, { mode, id: noted.id });
      }
      unkept.add(path);
      if (known !== undefined) tree.set(path, known);
      return;
    }
    const stored = style.isNormalized?.(path) === true ? withoutReturns(bytes) : bytes;
    // A file that is stored with carriage returns keeps them where git only guesses that it is text.
    const isAsStored = known !== undefined && known.id === raw && style.attributes === undefined;
    const kept = isAsStored ? bytes : stored;
    contents.set(blobId(kept), kept);
    tree.set(path, { mode, id: blobId(kept) });
  };
  /** What the index says of a mode counts where the file says nothing new. */
  const modeOf = (own: string, before: string | undefined, noted: string | undefined): string => {
    const plain = [before, noted].map((mode) => (mode?.startsWith("100") === true ? mode : undefined));
    const [was, said] = plain;
    if (style.settings?.["core.fileMode"] === "false") return said ?? was ?? "100644";
    if (said === undefined || said === was || (was === undefined && said === "100644")) return own;
    return was === undefined || own === was ? said : own;
  };
  visit("");
  for (const path of agent.skipped) {
    const entry = agent.entries.get(path);
    if (!tree.has(path) && entry !== undefined && lstatSync(at8(folder, path), { throwIfNoEntry: false }) === undefined)
      tree.set(path, entry);
  }
  return { tree, unkept, contents, nested, unmerged: [...agent.unmerged] };
}

/** Of a HEAD without a commit: nothing. */
function headOf(gitDir: string): OracleTree {
  try {
    return treeOfCommit(gitDir, "HEAD");
  } catch {
    return new Map();
  }
}

function isIgnored(path: string): boolean {
  return path.endsWith(".log") || /(?:^|\/)(?:ignored|\.env)(?:\/|$)/.test(path);
}

function withoutReturns(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
}
