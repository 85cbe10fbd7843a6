/**
 * Conflict settlement: stores what a person decided about files of a held conflict, and puts it into the worktree. What is merged is
 * made of the worktree then, as of one that was edited by hand.
 *
 * Invariants:
 *  1. Nothing that the person has not seen is written over, in the store or in the worktree.
 *  2. A text with markers of a conflict is not stored.
 *  3. No link is followed: git writes the files, by entries of its own.
 */
import { lstat, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { putEntries } from "./agent-index.ts";
import { unresolvedPaths } from "./conflict.ts";
import { linesOf } from "./conflict-regions.ts";
import {
  conflictedFile,
  entryText,
  heldConflict,
  revisionOf,
  type HeldConflict,
  type OpenPath,
} from "./held-conflict.ts";
import type { IndexEntry } from "./listed-entries.ts";
import { notInConflict, type SeenRevisions } from "./port.ts";
import { pathIn, shownName } from "./path-bytes.ts";
import { type RepositoryAccess, line } from "./repository-access.ts";
import { type StoredResolution, withdrawResolution, writeResolution } from "./stored-resolutions.ts";
import type { ConflictedFile, FileResolution, StoreWish, Worktree } from "./types.ts";
import { worktreePlaceOf } from "./worktree-record.ts";

/** Characters of a text that is stored: as long as a side that is shown. */
const LONGEST_TEXT = 1 << 20;

/** The problem: `UnknownFile`, `ResolutionMoved` or `InvalidResolution`. */
export async function storeResolution(
  repository: RepositoryAccess,
  tree: Worktree,
  { file, resolution, seen }: StoreWish,
): Promise<Result<ConflictedFile, Problem>> {
  const held = await heldConflict(repository, tree);
  const path = held?.paths.find((one) => shownName(one.path) === file);
  const before = held === undefined ? undefined : await conflictedFile(repository, held, file);
  if (held === undefined || path === undefined || before === undefined) return err(notInConflict(file));
  if (before.revision !== seen) return err(movedOn(file));
  const place = worktreePlaceOf(repository, tree.run, tree.owner);
  const { head, captured } = held;
  const record: StoredResolution | undefined =
    resolution && defined({ head, captured, path: path.path, over: entryText(path.now), ...resolution });
  if (resolution === undefined || record === undefined) await withdrawResolution(place, path.path);
  else {
    const problem = resolutionProblem(before, resolution);
    if (problem !== undefined) return err(problem);
    if (!(await writeResolution(place, record))) return err(invalid("64 MiB are stored for this conflict already"));
  }
  const now = { ...path, stored: record };
  const revision = revisionOf(held, now);
  if (resolution !== undefined)
    return ok({ ...before, state: "stored", revision, result: { from: "stored", ...resolution } });
  const paths = held.paths.map((one) => (one === path ? now : one));
  return ok((await conflictedFile(repository, { ...held, paths }, file)) ?? before);
}

function movedOn(file: string): Problem {
  return {
    code: "ResolutionMoved",
    message: `${JSON.stringify(file)} was decided or changed by somebody else meanwhile`,
    hint: "Read the file of the conflict again, and decide about what it is now.",
  };
}

function invalid(why: string, hint?: string): Problem {
  return defined({ code: "InvalidResolution", message: `this is not stored: ${why}`, hint });
}

function resolutionProblem(file: ConflictedFile, resolution: FileResolution): Problem | undefined {
  if (file.kind === "manual")
    return invalid(
      "a submodule or a folder is in the way, which no text settles",
      "Settle it with git in the worktree, or take one side for the whole conflict.",
    );
  if ("take" in resolution) return undefined;
  if (file.kind !== "text") return invalid("the file is no text", "Take one side of it, or none.");
  const { text } = resolution;
  if (text.length > LONGEST_TEXT) return invalid("the text is longer than 1 MiB", "Edit it in the worktree.");
  if (!text.isWellFormed() || text.includes("\0")) return invalid("the text has characters that no text file has");
  const line = markerLine(file, text);
  return line === undefined
    ? undefined
    : invalid(`line ${line} is a marker of the conflict`, "Decide about every place, and take the markers out.");
}

/** Whole or half removed. */
const MARKER = /^(?:<{7,}|>{7,}|\|{7,})(?: |$)|^={7}$/;

/** From 1. A line that one of the sides has is text. */
function markerLine({ base, ours, theirs }: ConflictedFile, text: string): number | undefined {
  const known = new Set([base, ours, theirs].flatMap((side) => linesOf(side?.text ?? "").map(withoutEnd)));
  const at = linesOf(text).findIndex((one) => MARKER.test(withoutEnd(one)) && !known.has(withoutEnd(one)));
  return at < 0 ? undefined : at + 1;
}

function withoutEnd(text: string): string {
  return text.endsWith("\r") ? text.slice(0, -1) : text;
}

/** Puts what is stored into the worktree. The problem: `ResolutionMoved`, `WorktreeMoved`, or `ConflictOpen` where more is to be decided. */
export async function applyResolutions(
  repository: RepositoryAccess,
  tree: Worktree,
  seen?: SeenRevisions,
): Promise<Result<readonly string[], Problem>> {
  const held = await heldConflict(repository, tree);
  const unseen = seen && unseenFile(held, seen);
  if (unseen !== undefined) return err(movedOn(unseen));
  if (held === undefined) return ok([]);
  const decided = held.paths.filter(({ stored }) => stored !== undefined);
  const wanted = new Map<string, IndexEntry | undefined>();
  for (const path of decided) {
    const entry = await entryFor(repository, path);
    if (entryText(entry) === entryText(path.now)) continue;
    if (entryText(path.now) !== path.stored?.over) return err(worktreeMoved(path.path));
    wanted.set(path.path, entry);
  }
  const open = await markedPaths(repository, held);
  const left = open.filter((file) => !decided.some(({ path }) => shownName(path) === file));
  if (left.length > 0) return err(stillOpen(left));
  await placeFiles(repository, tree.path, wanted);
  const after = await heldConflict(repository, tree);
  if (after === undefined) return ok([]);
  const place = worktreePlaceOf(repository, tree.run, tree.owner);
  // Rules of the repository for ends of lines may have made it another text: called again, that is not somebody else's.
  for (const { stored, now } of after.paths)
    if (stored !== undefined && stored.over !== entryText(now))
      await writeResolution(place, defined({ ...stored, over: entryText(now) }));
  const marked = await markedPaths(repository, after);
  return marked.length > 0 ? err(stillOpen(marked)) : ok(decided.map(({ path }) => shownName(path)));
}

/** A file that is not as it was seen, or is decided and was not seen. */
function unseenFile(held: HeldConflict | undefined, seen: SeenRevisions): string | undefined {
  const now = new Map<string, string>();
  for (const path of held?.paths ?? []) {
    const file = shownName(path.path);
    if (path.stored !== undefined && !seen.has(file)) return file;
    if (held !== undefined) now.set(file, revisionOf(held, path));
  }
  for (const [file, revision] of seen) if (now.get(file) !== revision) return file;
  return undefined;
}

async function markedPaths(
  repository: RepositoryAccess,
  { now, head, captured }: HeldConflict,
): Promise<readonly string[]> {
  return await unresolvedPaths(repository, { commit: now, head, captured });
}

function worktreeMoved(path: string): Problem {
  return {
    code: "WorktreeMoved",
    message: `${JSON.stringify(shownName(path))} was changed in the worktree since it was decided`,
    hint: "Read the file of the conflict again, and decide about what it is now; or go on with what the worktree has.",
  };
}

function stillOpen(files: readonly string[]): Problem {
  return {
    code: "ConflictOpen",
    message: `this is not decided yet: ${files.slice(0, 10).join(", ")}${files.length > 10 ? ", ..." : ""}`,
    hint: "Decide about every file of the conflict, or take one side for all of it.",
  };
}

/** What is to be there; `undefined`: nothing. */
async function entryFor(repository: RepositoryAccess, path: OpenPath): Promise<IndexEntry | undefined> {
  const { stored, base, ours, theirs } = path;
  const { take, text = "" } = stored ?? {};
  if (take !== undefined) return take === "none" ? undefined : path[take];
  const id = line(await repository.objectGit(["hash-object", "-w", "--stdin"], { input: Buffer.from(text, "utf8") }));
  // Of the sides, the one that changed the mode.
  const [first, second] = ours?.mode === base?.mode ? [theirs, ours] : [ours, theirs];
  const mode = [first, second].find((side) => side?.mode.startsWith("100") === true)?.mode ?? "100644";
  return { mode, id };
}

/** Writes files of a folder as a checkout would. `undefined`: there is to be none. */
async function placeFiles(
  repository: RepositoryAccess,
  folder: string,
  entries: ReadonlyMap<string, IndexEntry | undefined>,
): Promise<void> {
  const written = new Map([...entries].filter(([, entry]) => entry !== undefined));
  for (const [path, entry] of entries) if (entry === undefined) await removeFile(folder, path);
  if (written.size === 0) return;
  const draft = await mkdtemp(join(tmpdir(), "heddle-settle-"));
  const index = join(draft, "index");
  try {
    await putEntries(repository, { path: folder, index, entries: written });
    const input = [...written.keys()].map((path) => `${path}\0`).join("");
    await repository.objectGit(["checkout-index", "-f", "-z", "--stdin"], { workTree: folder, index, input });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Not through a link: then there is no such file in the folder. */
async function removeFile(folder: string, path: string): Promise<void> {
  for (let at = dirname(path); at !== "."; at = dirname(at))
    if ((await lstat(pathIn(folder, at)).catch(() => undefined))?.isDirectory() !== true) return;
  const file = pathIn(folder, path);
  if ((await lstat(file).catch(() => undefined))?.isDirectory() === false) await rm(file, { force: true });
}
