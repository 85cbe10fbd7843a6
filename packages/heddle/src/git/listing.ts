/**
 * Listing: heddle's worktrees, leftovers and branches in a repository, each with its size and whether it can be removed.
 * For `heddle worktrees`, `doctor` and clean-up. Only reads.
 */
import { readFile, readdir, stat } from "node:fs/promises";
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { folderBytes } from "./disk.ts";
import { listedEntries } from "./listed-entries.ts";
import type { RepositoryAccess } from "./repository-access.ts";
import { type WorktreePlace, type TreeRecord, adminEntries, worktreePlaceOf } from "./worktree-record.ts";
import { checkRun, shortBranch, treeName } from "./ref-names.ts";
import { commitOf } from "./discover.ts";
import { inUse } from "./deferred-delete.ts";
import { unsavedWork } from "./unsaved-work.ts";
import type { TreeListing } from "./types.ts";

/** All worktrees of heddle's, or those of one run. `sizes`: false, bytes are 0 and nothing is read for them. */
export async function listWorktrees(
  repository: RepositoryAccess,
  options: { readonly run?: string; readonly sizes?: boolean } = {},
): Promise<readonly TreeListing[]> {
  const entries = await adminEntries(repository);
  const found: TreeListing[] = [];
  const runs = options.run === undefined ? await folders(repository.home) : [checkRun(options.run)];
  for (const run of runs)
    for (const name of await folders(join(repository.home, run))) {
      const path = join(repository.home, run, name);
      const record = await recordOf(join(repository.home, run, ".meta", name, "record.json"));
      const place = placeFor(repository, run, name, record);
      const admin = entries.find((entry) => entry.path === path);
      found.push({
        run,
        name,
        owner: place?.owner ?? null,
        project: record?.project ?? null,
        path,
        branch: branchOf(place),
        head: admin === undefined ? null : ((await commitOf(repository, "HEAD", admin.dir)) ?? null),
        bytes: options.sizes === false ? 0 : await folderBytes(path),
        createdAtMs: record?.createdAtMs ?? (await stat(path)).birthtimeMs,
        inUse: await inUse(path),
        ...(await stateOf(repository, place, record, admin !== undefined)),
      });
    }
  return found;
}

async function stateOf(
  repository: RepositoryAccess,
  place: WorktreePlace | undefined,
  record: TreeRecord | undefined,
  noted: boolean,
): Promise<Pick<TreeListing, "state" | "loss">> {
  if (place === undefined || record === undefined) return { state: noted ? "unfinished" : "stray" };
  if (place.owner.kind === "pool") return { state: "saved" };
  const loss = await unsavedWork(repository, place, { acceptOmitted: false });
  if (loss !== undefined) return { state: "unsaved", loss };
  return { state: noted ? "saved" : "stray" };
}

function branchOf(place: WorktreePlace | undefined): string | null {
  return place === undefined || place.branch === null ? null : shortBranch(place.branch);
}

function placeFor(
  repository: RepositoryAccess,
  run: string,
  name: string,
  record: TreeRecord | undefined,
): WorktreePlace | undefined {
  if (record === undefined || treeName(record.owner) !== name) return undefined;
  return worktreePlaceOf(repository, run, record.owner);
}

async function folders(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => name);
}

async function recordOf(path: string): Promise<TreeRecord | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  // Written by heddle alone, whole or not at all.
  return text === undefined ? undefined : (JSON.parse(text) as TreeRecord);
}

const LOCKFILES: ReadonlySet<string> = new Set([
  "package-lock.json",
  "npm-shrinkwrap.json",
  "pnpm-lock.yaml",
  "yarn.lock",
  "bun.lock",
  "deno.lock",
  "Cargo.lock",
  "go.sum",
  "uv.lock",
  "poetry.lock",
  "Pipfile.lock",
  "requirements.txt",
  "Gemfile.lock",
  "composer.lock",
  "mix.lock",
  "flake.lock",
]);

/** Key of the setup commands and of a commit's lock files, in any folder: if it is equal, setup need not run again. */
export async function setupKey(
  repository: RepositoryAccess,
  commit: string,
  commands: readonly string[],
): Promise<string> {
  const listed = await repository.objectGit(["ls-tree", "-r", "-z", "--full-tree", commit]);
  const locks = listedEntries(listed.output)
    .filter(({ path }) => LOCKFILES.has(basename(path)))
    .map(({ mode, id, path }) => [mode, id, path]);
  return createHash("sha256")
    .update(JSON.stringify([commands, locks]))
    .digest("hex");
}
