/**
 * Stored resolutions: what a person decided about files of a conflict, kept beside the worktree's record until it is carried out. They
 * go with the worktree. Knows records, no git.
 *
 * Invariants:
 *  1. One is written whole or not at all, so that it is there after the process has died.
 *  2. It counts for the conflict that it was made for alone: another head or other work, and it is not there.
 *  3. They are bounded: one for each path, {@link MOST_STORED_BYTES} together.
 */
import { createHash } from "node:crypto";
import { lstat, mkdir, readFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Check, object, oneOf, optional, text } from "../base/check.ts";
import { defined } from "../base/defined.ts";
import { writeWhole } from "./repository-access.ts";
import type { FileResolution, HeldWork } from "./types.ts";
import type { WorktreePlace } from "./worktree-record.ts";

export interface StoredResolution extends Pick<HeldWork, "head" | "captured"> {
  /** As git has it. */
  readonly path: string;
  /** What the worktree had there, as `MODE ID`, when it was decided; absent: nothing. */
  readonly over?: string;
  readonly text?: string;
  readonly take?: "ours" | "theirs" | "none";
}

const stored: Check<StoredResolution> = object<StoredResolution>({
  head: text,
  captured: text,
  path: text,
  over: optional(text),
  text: optional(text),
  take: optional(oneOf<"ours" | "theirs" | "none">({ ours: true, theirs: true, none: true })),
});

export const MOST_STORED_BYTES: number = 64 << 20;
/** Of one file: a text of 1 MiB, each character of which may be six in JSON. */
const MOST_FILE_BYTES = 8 << 20;

export function resolutionOf({ text: given, take }: StoredResolution): FileResolution {
  return take === undefined ? { text: given ?? "" } : { take };
}

/** By path; those of other conflicts are left out. */
export async function readResolutions(
  place: WorktreePlace,
  held: Pick<HeldWork, "head" | "captured">,
): Promise<ReadonlyMap<string, StoredResolution>> {
  const folder = folderOf(place);
  const found = new Map<string, StoredResolution>();
  for (const name of await namesIn(folder)) {
    const one = await readOne(join(folder, name));
    if (one?.head === held.head && one.captured === held.captured) found.set(one.path, one);
  }
  return found;
}

/** `undefined`: agents run as the same user, and something else may be there. */
async function readOne(file: string): Promise<StoredResolution | undefined> {
  try {
    const found = await lstat(file);
    if (!found.isFile() || found.size > MOST_FILE_BYTES) return undefined;
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    return stored.test(value) === undefined ? (value as StoredResolution) : undefined;
  } catch {
    return undefined;
  }
}

/** `false`: there is no room for it. */
export async function writeResolution(place: WorktreePlace, resolution: StoredResolution): Promise<boolean> {
  const folder = folderOf(place);
  const text = JSON.stringify(defined({ ...resolution }));
  const file = fileOf(folder, resolution.path);
  let bytes = Buffer.byteLength(text);
  for (const name of await namesIn(folder)) {
    const other = join(folder, name);
    if (other === file) continue;
    const one = await readOne(other);
    // Of a conflict that is over.
    if (one?.head !== resolution.head || one.captured !== resolution.captured)
      await rm(other, { recursive: true, force: true });
    else bytes += (await stat(other)).size;
  }
  if (bytes > MOST_STORED_BYTES) return false;
  if ((await lstat(folder).catch(() => undefined))?.isDirectory() !== true) await rm(folder, { force: true });
  await mkdir(folder, { recursive: true });
  await writeWhole(file, text);
  return true;
}

export async function withdrawResolution(place: WorktreePlace, path: string): Promise<void> {
  await rm(fileOf(folderOf(place), path), { force: true });
}

function folderOf({ meta }: WorktreePlace): string {
  return join(meta, "resolutions");
}

function fileOf(folder: string, path: string): string {
  return join(folder, `${createHash("sha256").update(JSON.stringify(path)).digest("hex")}.json`);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json"));
}
