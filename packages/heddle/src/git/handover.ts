/**
 * Handover: what was in a worktree when a step got it beyond the commit that it began at: what setup changed, files copied in, files
 * that are ignored, submodules that are filled. None of it is the step's work. Knows the record, takes no snapshot.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "./repository-access.ts";
import type { SubmoduleMark } from "./submodules.ts";
import type { WorktreePlace } from "./worktree-record.ts";

export interface Handover {
  /** The commit that the files were set to. */
  readonly base: string;
  /** All files that were not ignored, as a tree; absent: the commit's. */
  readonly tree?: string;
  /** What was ignored, folders with a `/` at the end. */
  readonly ignored: readonly string[];
  /** Files that no capture takes, with their marks: too large. */
  readonly omitted: Readonly<Record<string, string>>;
  readonly submodules: Readonly<Record<string, SubmoduleMark>>;
}

const FILE = "handover.json";

/** Written by {@link writeHandover} alone, whole or not at all. */
export async function readHandover({ meta }: WorktreePlace): Promise<Handover | undefined> {
  const text = await readFile(join(meta, FILE), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Handover);
}

export async function writeHandover({ meta }: WorktreePlace, handover: Handover): Promise<void> {
  await writeWhole(join(meta, FILE), JSON.stringify(handover));
}

const FOLDERS = new WeakMap<Handover, ReadonlySet<string>>();

/** Whether a path was there and ignored, by itself or with its folder. */
export function isIgnoredIn(handover: Handover | undefined, path: string): boolean {
  if (handover === undefined || handover.ignored.length === 0) return false;
  const known = FOLDERS.get(handover) ?? new Set(handover.ignored);
  FOLDERS.set(handover, known);
  if (known.has(path)) return true;
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1))
    if (known.has(path.slice(0, at + 1))) return true;
  return false;
}

/** What a submodule was like; where it was not filled yet, nothing but the commit that it is noted as. */
export function submoduleIn(
  handover: Handover | undefined,
  { folder, pointer }: { readonly folder: string; readonly pointer: string | undefined },
): SubmoduleMark {
  const known = handover?.submodules[folder];
  const tips = [...(known?.tips ?? []), ...(pointer === undefined ? [] : [pointer])];
  return { tips, changed: known?.changed ?? [] };
}
