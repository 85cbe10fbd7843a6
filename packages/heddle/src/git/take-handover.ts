/** Handover taker: notes what is in a worktree when a step gets it, and takes that out of what is found there later. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { defined } from "../base/defined.ts";
import { takeSnapshot, type TreeSnapshot } from "./checkout-files.ts";
import { makeCommit, treeOf } from "./commits.ts";
import { withEntries } from "./conflict.ts";
import { markOf } from "./disk-entry.ts";
import { type Handover, writeHandover } from "./handover.ts";
import { pathIn } from "./path-bytes.ts";
import { givenRef } from "./ref-names.ts";
import { type RepositoryAccess, items } from "./repository-access.ts";
import { markSubmodule } from "./submodules.ts";
import type { WorktreePlace } from "./worktree-record.ts";
import { DEFAULT_FILE_LIMITS, type OmittedFile } from "./types.ts";

/** Notes what is there now as not the work of whoever gets it. */
export async function takeHandover(
  repository: RepositoryAccess,
  { place, base }: { readonly place: WorktreePlace; readonly base: string },
): Promise<void> {
  const { path, index } = place;
  const taken = await takeSnapshot(repository, { path, index, base, limits: DEFAULT_FILE_LIMITS });
  const listed = ["ls-files", "-z", "-o", "-i", "--exclude-standard", "--directory"];
  const ignored = items((await repository.objectGit(listed, { workTree: path, index })).output);
  const omitted: Record<string, string> = {};
  for (const { path: name, reason } of taken.omitted)
    if (reason !== "submodule") omitted[name] = await omittedMark(pathIn(path, name), reason);
  const submodules: Record<string, Handover["submodules"][string]> = {};
  for (const name of taken.submodules) submodules[name] = await markSubmodule(repository, join(path, name));
  const isBase = taken.tree === (await treeOf(repository, base));
  if (!isBase) {
    const of = { tree: taken.tree, parents: [base], message: "what was there before the step", atMs: 0 };
    const commit = await makeCommit(repository, of);
    await repository.git(["update-ref", givenRef(place.run, place.name), commit]);
  }
  await writeHandover(place, defined({ base, tree: isBase ? undefined : taken.tree, ignored, omitted, submodules }));
}

/** What a filter converts is known by its content: git may write it anew. What is too large is not read. */
async function omittedMark(path: string | Buffer, reason: OmittedFile["reason"]): Promise<string> {
  if (reason !== "filter") return await markOf(path);
  return createHash("sha256")
    .update(await readFile(path).catch(() => ""))
    .digest("hex");
}

/** A snapshot without what was there before and is as it was. */
export async function withoutHandover(
  repository: RepositoryAccess,
  { place, base }: { readonly place: WorktreePlace; readonly base: string },
  { taken, handover }: { readonly taken: TreeSnapshot; readonly handover: Handover | undefined },
): Promise<TreeSnapshot> {
  if (handover === undefined) return taken;
  const omitted = [];
  for (const one of taken.omitted) {
    const before = handover.omitted[one.path];
    if (before === undefined || before !== (await omittedMark(pathIn(place.path, one.path), one.reason)))
      omitted.push(one);
  }
  if (handover.tree === undefined || handover.base !== base || taken.tree === (await treeOf(repository, base)))
    return { ...taken, omitted };
  const args = ["diff-tree", "-r", "-z", "--no-renames"];
  const before = items((await repository.objectGit([...args, base, handover.tree])).output);
  const since = [...args, "--name-only", handover.tree, taken.tree];
  const changed = new Set(items((await repository.objectGit(since)).output));
  const entries = new Map<string, string | undefined>();
  for (let at = 0; at + 1 < before.length; at += 2) {
    // `:MODE MODE ID ID STATUS`, of the base first.
    const [mode = "", , id = ""] = (before[at] ?? "").slice(1).split(" ");
    const name = before[at + 1] ?? "";
    if (!changed.has(name)) entries.set(name, mode === "000000" ? undefined : `${mode} ${id}`);
  }
  if (entries.size === 0) return { ...taken, omitted };
  return { ...taken, omitted, tree: await withEntries(repository, taken.tree, entries) };
}
