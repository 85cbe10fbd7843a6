/**
 * Git HEAD reader: finds the commit that a folder has checked out by reading files. A git process would cost more than
 * the rest of a start, and could run what the repository's configuration says.
 */
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { defined } from "../base/defined.ts";
import { searchedFolders } from "./ceilings.ts";

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
/** Symbolic refs that point to others; git itself follows five. */
const MAX_HOPS = 5;
const MAX_PACKED_REFS_BYTES = 64 << 20;

export interface Head {
  readonly commit: string;
  /** Short name; absent: HEAD is detached. */
  readonly branch?: string;
}

/** `undefined`: no repository, no commit yet, or a way of storing refs that is not known here. */
export function headOf(folder: string, env: NodeJS.ProcessEnv = {}): Head | undefined {
  const gitDir = findGitDir(folder, env);
  return gitDir === undefined ? undefined : headIn(gitDir);
}

/** Of a repository's own folder, or git's folder of one worktree; else as {@link headOf}. */
export function headIn(gitDir: string): Head | undefined {
  // A worktree has its own HEAD and shares all other refs.
  const shared = read(join(gitDir, "commondir"));
  const commonDir = shared === undefined ? gitDir : resolve(gitDir, shared);
  let text = read(join(gitDir, "HEAD"));
  const branch = /^ref: refs\/heads\/([^\0]+)$/.exec(text ?? "")?.[1];
  for (let hop = 0; hop < MAX_HOPS && text !== undefined; hop++) {
    if (COMMIT.test(text)) return defined({ commit: text, branch });
    const ref = /^ref: (refs\/[^\0]+)$/.exec(text)?.[1];
    if (ref === undefined || ref.split("/").includes("..")) return undefined;
    text = read(join(gitDir, ref)) ?? read(join(commonDir, ref)) ?? packed(commonDir, ref);
  }
  return undefined;
}

function findGitDir(start: string, env: NodeJS.ProcessEnv): string | undefined {
  for (const folder of searchedFolders(start, env)) {
    const path = join(folder, ".git");
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) return path;
    if (found?.isFile()) {
      const target = /^gitdir: (.+)$/.exec(read(path) ?? "")?.[1];
      return target === undefined ? undefined : resolve(folder, target);
    }
  }
  return undefined;
}

function packed(commonDir: string, ref: string): string | undefined {
  const path = join(commonDir, "packed-refs");
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined || size > MAX_PACKED_REFS_BYTES) return undefined;
  const text = `\n${read(path) ?? ""}\n`;
  const at = text.indexOf(` ${ref}\n`);
  return at < 0 ? undefined : text.slice(text.lastIndexOf("\n", at) + 1, at);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
