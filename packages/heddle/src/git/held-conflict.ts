/**
 * Held conflict: reads the conflict that a worktree holds, for a person who is to settle it: both sides, where they meet, and what is
 * decided. Only reads; `settle-conflict.ts` writes.
 *
 * Invariant: names come from git. What is asked for by name is compared with them.
 */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { defined } from "../base/defined.ts";
import { lookAt } from "./capture.ts";
import { entriesAt, type MarkedMerge, mergeWithMarkers, unresolvedPaths } from "./conflict.ts";
import { hunksIn, markedRegions, rangeBefore, withSide } from "./conflict-regions.ts";
import { GITLINK, type IndexEntry } from "./listed-entries.ts";
import { fileChanges, forkPoint } from "./patch.ts";
import { shownName } from "./path-bytes.ts";
import { type RepositoryAccess, line } from "./repository-access.ts";
import { readResolutions, resolutionOf, type StoredResolution } from "./stored-resolutions.ts";
import type {
  ConflictedFile,
  ConflictedPath,
  ConflictOverview,
  ConflictRegion,
  ConflictSide,
  HeldWork,
  Worktree,
} from "./types.ts";
import { worktreePlaceOf } from "./worktree-record.ts";

/** Of a side whose text is shown and edited. */
const LONGEST_TEXT = 1 << 20;

const SIDES = ["base", "ours", "theirs"] as const;

/** A path that has to be decided, as git has it. */
export interface OpenPath {
  /** A byte that is not UTF-8 is a lone surrogate. */
  readonly path: string;
  readonly base: IndexEntry | undefined;
  readonly ours: IndexEntry | undefined;
  readonly theirs: IndexEntry | undefined;
  /** A folder or a submodule is in it. */
  readonly isManual: boolean;
  /** What it is with markers. */
  readonly marked: IndexEntry | undefined;
  /** What the worktree has. */
  readonly now: IndexEntry | undefined;
  readonly stored: StoredResolution | undefined;
}

export interface HeldConflict extends Pick<HeldWork, "head" | "captured"> {
  /** The worktree as it is now: a commit that nothing keeps. */
  readonly now: string;
  readonly tree: string;
  readonly paths: readonly OpenPath[];
}

/** `undefined`: the worktree holds none. */
export async function heldConflict(repository: RepositoryAccess, tree: Worktree): Promise<HeldConflict | undefined> {
  if (tree.holds === undefined) return undefined;
  const { head, captured } = tree.holds;
  const merged = await markedMerge(repository, head, captured);
  const place = worktreePlaceOf(repository, tree.run, tree.owner);
  const now = await lookAt(repository, tree);
  const labels = new RegExp(`~(?:${head}|${captured})`);
  // A file that meets a folder has its commit in its name.
  const staged = merged.stages.map((stage) => ({ ...stage, name: stage.path.split(labels)[0] ?? stage.path }));
  const names = [...new Set(staged.map(({ name }) => name))];
  const [marked, there] = await Promise.all(
    [merged.tree, now].map(async (id) => await entriesAt(repository, id, names)),
  );
  const stored = await readResolutions(place, { head, captured });
  const paths = new Map<string, { -readonly [Key in keyof OpenPath]: OpenPath[Key] }>();
  for (const { name: path, path: labelled, stage, mode, id } of staged) {
    const known = paths.get(path) ?? {
      path,
      base: undefined,
      ours: undefined,
      theirs: undefined,
      isManual: false,
      marked: marked?.get(path),
      now: there?.get(path),
      stored: stored.get(path),
    };
    known[SIDES[stage - 1] ?? "base"] = { mode, id };
    known.isManual ||= path !== labelled || mode === GITLINK;
    paths.set(path, known);
  }
  // What both sides moved elsewhere is decided there.
  const open = [...paths.values()].filter(({ ours, theirs }) => ours !== undefined || theirs !== undefined);
  return { head, captured, now, tree: merged.tree, paths: open.sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

/** What two commits give never changes: it is made once. */
const MARKED = new WeakMap<RepositoryAccess, Map<string, MarkedMerge>>();
const MOST_MARKED = 20;

async function markedMerge(repository: RepositoryAccess, head: string, captured: string): Promise<MarkedMerge> {
  const key = `${head} ${captured}`;
  const known = MARKED.get(repository) ?? new Map<string, MarkedMerge>();
  MARKED.set(repository, known);
  const found = known.get(key) ?? (await mergeWithMarkers(repository, head, captured));
  if (known.size >= MOST_MARKED) known.clear();
  known.set(key, found);
  return found;
}

/** Files whose contents are in memory at once: four texts of each. */
const AT_ONCE = 40;

/** What conflicts, and what goes together. */
export async function conflictOverview(repository: RepositoryAccess, held: HeldConflict): Promise<ConflictOverview> {
  const { head, captured, paths, tree } = held;
  const unsettled = await stillMarked(repository, held);
  const files: ConflictedPath[] = [];
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const some = paths.slice(at, at + AT_ONCE);
    const blobs = await readBlobs(
      repository,
      some.flatMap(({ base, ours, theirs, marked }) => [base, ours, theirs, marked]),
    );
    for (const path of some) {
      const { regions, ...file } = describe(held, path, { blobs, unsettled });
      const [base = null, ours = null, theirs = null] = [file.base, file.ours, file.theirs].map(withoutText);
      files.push({ ...file, base, ours, theirs, regions: regions.length });
    }
  }
  const names = new Set(files.map(({ file }) => file));
  const clean = (await fileChanges(repository, head, tree)).filter(({ path }) => !names.has(path));
  return defined({ head, captured, fork: await forkPoint(repository, head, captured), files, clean });
}

function withoutText(side: ConflictSide | null): ConflictSide | null {
  return side && { kind: side.kind, id: side.id, bytes: side.bytes };
}

/** One of them with its texts; `undefined`: it does not conflict. `file`: as it is shown. */
export async function conflictedFile(
  repository: RepositoryAccess,
  held: HeldConflict,
  file: string,
): Promise<ConflictedFile | undefined> {
  const path = held.paths.find((one) => shownName(one.path) === file);
  if (path === undefined) return undefined;
  const { base, ours, theirs, marked, now, stored } = path;
  const blobs = await readBlobs(repository, [base, ours, theirs, marked, now]);
  const { regions: found, ...described } = describe(held, path, {
    blobs,
    unsettled: await stillMarked(repository, held),
  });
  const markedText = found.length === 0 ? undefined : textIn(blobs, marked);
  const regions = markedText === undefined ? [] : await regionsOf(repository, path, { held, text: markedText });
  const nowText = textIn(blobs, now);
  const result =
    stored !== undefined
      ? ({ from: "stored", ...resolutionOf(stored) } as const)
      : nowText !== undefined && now?.mode !== LINK && (regions.length > 0 || described.state === "settled")
        ? ({ from: "worktree", text: nowText } as const)
        : undefined;
  return defined({ ...described, marked: markedText, regions, result });
}

const LINK = "120000";

/** Paths, as they are shown, that the worktree has with markers. */
async function stillMarked(repository: RepositoryAccess, held: HeldConflict): Promise<ReadonlySet<string>> {
  return new Set(await unresolvedPaths(repository, { commit: held.now, head: held.head, captured: held.captured }));
}

interface Known {
  readonly blobs: Blobs;
  readonly unsettled: ReadonlySet<string>;
}

type Described = Omit<ConflictedPath, "regions"> & { readonly regions: ReturnType<typeof markedRegions> };

function describe(held: HeldConflict, path: OpenPath, { blobs, unsettled }: Known): Described {
  const file = shownName(path.path);
  const [base = null, ours = null, theirs = null] = SIDES.map((side) => sideOf(blobs, path[side]));
  const isText = [base, ours, theirs].every((side) => side === null || (isFile(side) && side.text !== undefined));
  const isOpen = entryText(path.now) === entryText(path.marked) || unsettled.has(file);
  const text = ours === null || theirs === null ? undefined : textIn(blobs, path.marked);
  return {
    file,
    kind: path.isManual ? "manual" : isText ? "text" : "whole",
    base,
    ours,
    theirs,
    regions: isText && !path.isManual && text !== undefined ? markedRegions(text, held) : [],
    state: path.stored !== undefined ? "stored" : isOpen ? "open" : "settled",
    revision: revisionOf(held, path),
  };
}

function isFile({ kind }: ConflictSide): boolean {
  return kind === "file" || kind === "program";
}

export function entryText(entry: IndexEntry | undefined): string | undefined {
  return entry && `${entry.mode} ${entry.id}`;
}

/** Of what is decided about a path, and of what the worktree has there. */
export function revisionOf({ head, captured }: HeldConflict, { path, now, stored }: OpenPath): string {
  const told = [head, captured, path, entryText(now), stored];
  return createHash("sha256").update(JSON.stringify(told)).digest("hex").slice(0, 32);
}

function sideOf(blobs: Blobs, entry: IndexEntry | undefined): ConflictSide | null {
  if (entry === undefined) return null;
  const { mode, id } = entry;
  const kind = KINDS[mode] ?? "file";
  return defined({ kind, id, bytes: blobs.get(id)?.size ?? 0, text: textIn(blobs, entry) });
}

const KINDS: Readonly<Record<string, ConflictSide["kind"]>> = {
  "100755": "program",
  [LINK]: "link",
  [GITLINK]: "submodule",
  "040000": "folder",
};

/** In each of the texts. */
async function regionsOf(
  repository: RepositoryAccess,
  { base, ours, theirs }: OpenPath,
  { held, text }: { readonly held: HeldConflict; readonly text: string },
): Promise<readonly ConflictRegion[]> {
  const found = markedRegions(text, held);
  const [mine, other] = await Promise.all(
    (["ours", "theirs"] as const).map(async (side) => {
      const whole = withSide(text, found, side);
      const id = line(await repository.objectGit(["hash-object", "-w", "--stdin"], { input: whole.text }));
      const hunks = await hunksBetween(repository, (side === "ours" ? ours : theirs)?.id, id);
      return whole.ranges.map((range) => rangeBefore(hunks, range));
    }),
  );
  const toBase = await hunksBetween(repository, base?.id, ours?.id);
  return found.map(({ marked }, at) => {
    const range = mine?.[at] ?? NO_LINES;
    const before = base === undefined ? NO_LINES : rangeBefore(toBase, range);
    return { marked, base: before, ours: range, theirs: other?.[at] ?? NO_LINES };
  });
}

const NO_LINES = { from: 1, to: 1 } as const;

async function hunksBetween(
  repository: RepositoryAccess,
  before: string | undefined,
  after: string | undefined,
): Promise<ReturnType<typeof hunksIn>> {
  if (before === undefined || after === undefined || before === after) return [];
  const args = ["diff", "-U0", "-a", "--no-ext-diff", "--no-textconv", "--no-color", before, after];
  return hunksIn((await repository.objectGit(args)).output.toString("latin1"));
}

/** Of each id how large it is, and what is in it, of what is not too large. */
type Blobs = ReadonlyMap<string, { readonly size: number; readonly bytes?: Buffer }>;

async function readBlobs(repository: RepositoryAccess, entries: readonly (IndexEntry | undefined)[]): Promise<Blobs> {
  const known = entries.filter((entry) => entry !== undefined && entry.mode !== GITLINK) as readonly IndexEntry[];
  const ids = [...new Set(known.map(({ id }) => id))];
  if (ids.length === 0) return new Map();
  const asked = (some: readonly string[]): string => some.map((id) => `${id}\n`).join("");
  const checked = await repository.objectGit(["cat-file", "--batch-check=%(objectsize)"], { input: asked(ids) });
  const sizes = checked.output.toString("latin1").split("\n").map(Number);
  const small = ids.filter((_, at) => (sizes[at] ?? 0) <= LONGEST_TEXT);
  const found = new Map(
    ids.map((id, at) => [id, { size: sizes[at] ?? 0 }] as [string, { size: number; bytes?: Buffer }]),
  );
  if (small.length === 0) return found;
  const { output } = await repository.objectGit(["cat-file", "--batch=%(objectsize)"], { input: asked(small) });
  let at = 0;
  for (const id of small) {
    const start = output.indexOf(0x0a, at) + 1;
    const size = Number(output.subarray(at, start - 1).toString("latin1"));
    found.set(id, { size, bytes: output.subarray(start, start + size) });
    at = start + size + 1;
  }
  return found;
}

/** `undefined`: it is no text in UTF-8, or too long for one. */
function textIn(blobs: Blobs, entry: IndexEntry | undefined): string | undefined {
  const { bytes } = (entry && blobs.get(entry.id)) ?? {};
  return bytes === undefined || bytes.includes(0) || !isUtf8(bytes) ? undefined : bytes.toString("utf8");
}
