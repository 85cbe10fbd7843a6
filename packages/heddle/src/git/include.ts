/**
 * Include copier: copies files that git does not track and steps need (`.env`, certificates), as listed in
 * `.worktreeinclude` of the user's checkout, into a new worktree. Knows files, no run.
 *
 * Invariants:
 *  1. Only files are copied, one by one: folders are never linked and symbolic links never followed, on either side.
 *  2. Only files that the worktree ignores are copied: others would be captured and merged, and such files contain
 *     secrets.
 *  3. Nothing is overwritten.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, lstat, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemCode } from "../base/errors.ts";
import { withIndexCopy } from "./index-status.ts";
import { type RepositoryAccess, items } from "./repository-access.ts";
import { exists } from "./disk-entry.ts";
import { pathIn, shownName } from "./path-bytes.ts";
import type { IncludeReport } from "./types.ts";

export const INCLUDE_FILE = ".worktreeinclude";
const MAX_FILES = 10_000;
const MAX_BYTES = 1 << 30;

type Skipped = IncludeReport["skipped"][number];

/** `index`: of the new worktree. */
export async function copyIncluded(
  repository: RepositoryAccess,
  options: { readonly to: string; readonly index: string },
): Promise<IncludeReport> {
  const { topLevel } = repository.facts;
  const named = await namedFiles(repository);
  const inside = new Set<string>();
  for (const path of named) if (!(await leadsOut(options.to, path))) inside.add(path);
  const ignored = await ignoredOf(repository, options, [...inside]);
  const copied: string[] = [];
  const skipped: Skipped[] = [];
  let bytes = 0;
  for (const path of named) {
    const found = await lstat(pathIn(topLevel, path)).catch(() => undefined);
    let reason: Skipped["reason"] | undefined;
    if (found?.isFile() !== true) reason = "not-a-file";
    else if (!ignored.has(path)) reason = inside.has(path) ? "not-ignored" : "leads-out";
    else if (copied.length >= MAX_FILES || bytes + found.size > MAX_BYTES) reason = "too-much";
    else reason = await copyOne(pathIn(topLevel, path), options.to, path);
    if (reason !== undefined) skipped.push({ path: shownName(path), reason });
    else {
      copied.push(path);
      bytes += found?.size ?? 0;
    }
  }
  return { copied, skipped };
}

/** Files of the user's checkout that `.worktreeinclude` names, relative. */
async function namedFiles(repository: RepositoryAccess): Promise<readonly string[]> {
  const { topLevel, gitDir } = repository.facts;
  const list = join(topLevel, INCLUDE_FILE);
  if (!(await lstat(list).catch(() => undefined))?.isFile()) return [];
  return await withIndexCopy(repository, join(gitDir, "index"), async (index) => {
    const args = ["ls-files", "-z", "--others", "--ignored", `--exclude-from=${list}`];
    return items((await repository.objectGit(args, { workTree: topLevel, index })).output);
  });
}

/** Files up to this are read, larger ones known by size and time. */
const READ_BYTES = 1 << 20;

/** Key of what would be copied now: equal keys, equal files. Contains nothing of them. */
export async function includedKey(repository: RepositoryAccess): Promise<string> {
  const { topLevel } = repository.facts;
  const key = createHash("sha256");
  for (const path of (await namedFiles(repository)).slice(0, MAX_FILES)) {
    const found = await lstat(pathIn(topLevel, path)).catch(() => undefined);
    if (found?.isFile() !== true) continue;
    const text = found.size > READ_BYTES ? undefined : await readFile(pathIn(topLevel, path)).catch(() => undefined);
    key.update(JSON.stringify([path, found.mode, found.size, text === undefined ? found.mtimeMs : null]));
    if (text !== undefined) key.update(text);
  }
  return key.digest("hex");
}

async function ignoredOf(
  repository: RepositoryAccess,
  options: { readonly to: string; readonly index: string },
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  await repository.refreshExcludes();
  const answer = await repository.objectGit(["check-ignore", "-z", "--stdin"], {
    workTree: options.to,
    index: options.index,
    input: `${names.join("\0")}\0`,
    codes: [0, 1],
  });
  return new Set(items(answer.output));
}

/** Folder by folder: the commit may have a link, or a file, where the user's checkout has a folder. */
async function leadsOut(to: string, path: string): Promise<boolean> {
  const folders = path.split("/").slice(0, -1);
  for (const [at] of folders.entries()) {
    const found = await lstat(pathIn(to, folders.slice(0, at + 1).join("/"))).catch(() => undefined);
    if (found === undefined) return false;
    if (!found.isDirectory()) return true;
  }
  return false;
}

async function copyOne(from: string | Buffer, to: string, path: string): Promise<Skipped["reason"] | undefined> {
  if (await leadsOut(to, path)) return "leads-out";
  await mkdir(pathIn(to, dirname(path)), { recursive: true });
  const target = pathIn(to, path);
  if (await exists(target)) return "exists";
  try {
    await copyFile(from, target, constants.COPYFILE_EXCL);
    return undefined;
  } catch (thrown) {
    if (systemCode(thrown) === "EEXIST") return "exists";
    throw thrown;
  }
}
