/**
 * History of memory git: commits as maps of paths to texts, branches, three-way merges, and what was merged on integration branches.
 * Knows no folder but by the helpers at its end.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { IntegrationOrigin, MergedStep } from "../../src/git/types.ts";

export type Files = Readonly<Record<string, string>>;

export interface Commit {
  readonly files: Files;
  readonly parents: readonly string[];
  readonly subject: string;
  readonly merged?: Omit<MergedStep, "commit">;
  /** The merge that this commit takes back. */
  readonly reverts?: string;
}

export type Merged =
  | { readonly kind: "clean"; readonly files: Files }
  | { readonly kind: "conflict"; readonly paths: readonly string[]; readonly files: Files };

export class MemoryHistory {
  readonly #commits = new Map<string, Commit>();
  readonly branches: Map<string, string> = new Map();
  readonly origins: Map<string, IntegrationOrigin> = new Map();

  add(commit: Commit): string {
    const id = createHash("sha1").update(JSON.stringify(commit)).digest("hex");
    this.#commits.set(id, commit);
    return id;
  }

  has(id: string): boolean {
    return this.#commits.has(id);
  }

  commitOf(id: string): Commit {
    const found = this.#commits.get(id);
    if (found === undefined) throw new Error(`there is no commit ${id}`);
    return found;
  }

  branch(name: string): string | undefined {
    return this.branches.get(name);
  }

  /** Three-way, over the nearest commit that both have; `base`: over that one. */
  merge(ours: string, theirs: string, base: string = this.#mergeBase(ours, theirs)): Merged {
    const [before, left, right] = [base, ours, theirs].map((id) => this.#commits.get(id)?.files ?? {}) as [
      Files,
      Files,
      Files,
    ];
    const files: Record<string, string> = {};
    const paths: string[] = [];
    for (const path of [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()) {
      const [a, b, was] = [left[path], right[path], before[path]];
      const chosen = a === b || b === was ? a : a === was ? b : undefined;
      const isConflict = a !== b && b !== was && a !== was;
      if (isConflict) {
        paths.push(path);
        files[path] =
          `<<<<<<< ${ours}\n${a ?? "(no such file)"}\n=======\n${b ?? "(no such file)"}\n>>>>>>> ${theirs}\n`;
      } else if (chosen !== undefined) files[path] = chosen;
    }
    return paths.length === 0 ? { kind: "clean", files } : { kind: "conflict", paths, files };
  }

  /** The integration branch of a run; made if need be. */
  headOf(origin: IntegrationOrigin): string {
    const name = integrationOf(origin.run);
    const known = this.branches.get(name);
    if (known !== undefined) return known;
    this.origins.set(origin.run, origin);
    const begin = origin.begin ?? origin.base;
    this.branches.set(name, begin);
    return begin;
  }

  /** What is merged and not reverted, oldest first. */
  mergedOn(origin: IntegrationOrigin): readonly MergedStep[] {
    const merged: MergedStep[] = [];
    for (const id of this.between(origin.base, this.headOf(origin))) {
      const commit = this.commitOf(id);
      if (commit.merged !== undefined) merged.push({ ...commit.merged, commit: id });
      const reverted = merged.findIndex((one) => one.commit === commit.reverts);
      if (reverted >= 0) merged.splice(reverted, 1);
    }
    return merged;
  }

  /** First parents of `to`, oldest first, without those that `from` has. */
  between(from: string, to: string): readonly string[] {
    const known = this.ancestors(from);
    const found: string[] = [];
    for (let at: string | undefined = to; at !== undefined && !known.has(at); at = this.commitOf(at).parents[0])
      found.unshift(at);
    return found;
  }

  #mergeBase(a: string, b: string): string {
    const known = this.ancestors(a);
    return [...this.ancestors(b)].find((id) => known.has(id)) ?? "";
  }

  /** Nearest first; itself too. */
  ancestors(id: string): ReadonlySet<string> {
    const found = new Set<string>();
    const waiting = [id];
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      if (found.has(at) || !this.#commits.has(at)) continue;
      found.add(at);
      waiting.push(...this.commitOf(at).parents);
    }
    return found;
  }
}

export function integrationOf(run: string): string {
  return `heddle/${run}/integration`;
}

/** Paths that differ, sorted. */
export function differing(before: Files, after: Files): readonly string[] {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...paths].filter((path) => before[path] !== after[path]).sort();
}

export function readFiles(folder: string): Files {
  if (!existsSync(folder)) return {};
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.sort().map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]));
}

export function writeFiles(folder: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** The folder holds these files and no others. */
export function setFiles(folder: string, files: Files): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFiles(folder, files);
}
