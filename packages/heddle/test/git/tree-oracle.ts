/**
 * Three-way merge of trees, independent of git: by the identity of contents, and by lines where both sides changed a file. What it
 * cannot decide by these it says.
 */
import { createHash } from "node:crypto";

export interface OracleEntry {
  readonly mode: string;
  readonly id: string;
}

/** Entries by path; a path has one character for each byte. */
export type OracleTree = ReadonlyMap<string, OracleEntry>;

export type OracleMerge =
  | { readonly kind: "tree"; readonly tree: OracleTree }
  | { readonly kind: "conflict"; readonly path: string }
  /** What git does depends on how alike it finds two files. */
  | { readonly kind: "undecided"; readonly path: string };

/** Contents by id. */
export type Contents = ReadonlyMap<string, Buffer>;

export function blobId(bytes: Buffer): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

interface Sides {
  readonly base: OracleTree;
  readonly ours: OracleTree;
  readonly theirs: OracleTree;
}

type Decision = OracleEntry | "gone" | "conflict" | "undecided";

export function mergeTreesByOracle(sides: Sides, contents: Contents): OracleMerge {
  const { base, ours, theirs } = sides;
  const renamed = renames(sides);
  const tree = new Map<string, OracleEntry>();
  let undecided: string | undefined;
  for (const path of new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])) {
    if (renamed.targets.has(path)) continue;
    const decision = decide(path, sides, contents, renamed);
    if (decision === "conflict") return { kind: "conflict", path };
    if (decision === "undecided") undecided = path;
    else if (decision !== "gone") tree.set(path, decision);
  }
  for (const [path, decision] of renamed.targets) {
    const entry = threeWay(decision.base, decision.other, decision.own, contents);
    if (entry === "conflict") return { kind: "conflict", path };
    if (typeof entry === "object") tree.set(path, entry);
  }
  if (undecided !== undefined) return { kind: "undecided", path: undecided };
  for (const path of tree.keys())
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1))
      if (tree.has(path.slice(0, at))) return { kind: "conflict", path };
  return { kind: "tree", tree };
}

function same(one: OracleEntry | undefined, other: OracleEntry | undefined): boolean {
  return one?.mode === other?.mode && one?.id === other?.id;
}

interface Renames {
  /** Where a file went on one side that the other changed: what it was, and what both made of it. */
  readonly targets: ReadonlyMap<string, Record<"base" | "other" | "own", OracleEntry>>;
  /** Files that went away there. */
  readonly sources: ReadonlySet<string>;
}

/** Files that one side moved without a change and the other changed where they were; only where there is one place to go. */
function renames({ base, ours, theirs }: Sides): Renames {
  const targets = new Map<string, Record<"base" | "other" | "own", OracleEntry>>();
  const sources = new Set<string>();
  for (const [side, otherSide] of [
    [ours, theirs],
    [theirs, ours],
  ] as const)
    for (const [path, was] of base) {
      const other = otherSide.get(path);
      if (side.has(path) || other === undefined || same(was, other)) continue;
      const found = [...side].filter(([name, { id }]) => !base.has(name) && id === was.id);
      const [one] = found;
      if (one === undefined || found.length > 1 || otherSide.has(one[0])) continue;
      targets.set(one[0], { base: was, other, own: one[1] });
      sources.add(path);
    }
  return { targets, sources };
}

function decide(path: string, sides: Sides, contents: Contents, { sources }: Renames): Decision {
  const [base, ours, theirs] = [sides.base.get(path), sides.ours.get(path), sides.theirs.get(path)];
  if (sources.has(path)) return "gone";
  if (same(ours, theirs)) {
    if (ours !== undefined || base === undefined) return ours ?? "gone";
    // Gone on both sides: on one of them it may only have been moved.
    return isLike(base, sides.base, [sides.ours, sides.theirs], contents) ? "undecided" : "gone";
  }
  if (same(base, ours)) return theirs ?? "gone";
  if (same(base, theirs)) return ours ?? "gone";
  if (ours !== undefined && theirs !== undefined) return threeWay(base, ours, theirs, contents);
  const side = ours === undefined ? sides.ours : sides.theirs;
  return base !== undefined && isLike(base, sides.base, [side], contents) ? "undecided" : "conflict";
}

/** Whether a side has a new file that shares a line with one that is gone, so that git may take it for the same. */
function isLike(was: OracleEntry, base: OracleTree, sides: readonly OracleTree[], contents: Contents): boolean {
  const lines = new Set(linesOf(contents.get(was.id) ?? Buffer.alloc(0)));
  return sides.some((side) =>
    [...side].some(
      ([name, { id }]) =>
        !base.has(name) &&
        (id === was.id || linesOf(contents.get(id) ?? Buffer.alloc(0)).some((text) => lines.has(text))),
    ),
  );
}

function threeWay(
  base: OracleEntry | undefined,
  ours: OracleEntry,
  theirs: OracleEntry,
  contents: Contents,
): OracleEntry | "conflict" | "undecided" {
  if (same(ours, theirs)) return ours;
  if (base === undefined) return "conflict";
  const pick = (was: string, one: string, other: string): string | undefined =>
    one === other || other === was ? one : one === was ? other : undefined;
  const mode = pick(base.mode, ours.mode, theirs.mode);
  const id = pick(base.id, ours.id, theirs.id);
  if (mode !== undefined && id !== undefined) return { mode, id };
  const isText = [base, ours, theirs].every((entry) => entry.mode.startsWith("100"));
  if (mode === undefined || !isText) return "conflict";
  const texts = [base, ours, theirs].map((entry) => contents.get(entry.id));
  const [was, one, other] = texts;
  if (was === undefined || one === undefined || other === undefined) return "undecided";
  // To git a file with such a byte is no text.
  if (texts.some((text) => text?.includes(0) === true)) return "conflict";
  const merged = mergeLines(linesOf(was), linesOf(one), linesOf(other));
  return merged === undefined ? "conflict" : { mode, id: blobId(Buffer.from(merged.join(""), "latin1")) };
}

/** With their ends. */
function linesOf(bytes: Buffer): readonly string[] {
  return bytes.toString("latin1").match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Lines `from` to `to` of the base, and what is there instead. */
interface Change {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

/** `undefined`: both changed the same lines, or neighbours. */
function mergeLines(
  base: readonly string[],
  ours: readonly string[],
  theirs: readonly string[],
): readonly string[] | undefined {
  const [one, other] = [changes(base, ours), changes(base, theirs)];
  const touch = (a: Change, b: Change): boolean => a.from <= b.to && b.from <= a.to;
  const equal = (a: Change, b: Change): boolean =>
    a.from === b.from && a.to === b.to && a.lines.join("") === b.lines.join("");
  if (one.some((a) => other.some((b) => touch(a, b) && !equal(a, b)))) return undefined;
  const all = [...one, ...other.filter((b) => !one.some((a) => equal(a, b)))].sort((a, b) => a.from - b.from);
  const merged: string[] = [];
  let at = 0;
  for (const { from, to, lines } of all) {
    merged.push(...base.slice(at, from), ...lines);
    at = to;
  }
  return [...merged, ...base.slice(at)];
}

/** By the longest common subsequence. */
function changes(base: readonly string[], now: readonly string[]): readonly Change[] {
  const width = now.length + 1;
  const length = new Uint32Array((base.length + 1) * width);
  for (let a = base.length - 1; a >= 0; a--)
    for (let b = now.length - 1; b >= 0; b--)
      length[a * width + b] =
        base[a] === now[b]
          ? 1 + (length[(a + 1) * width + b + 1] ?? 0)
          : Math.max(length[(a + 1) * width + b] ?? 0, length[a * width + b + 1] ?? 0);
  const found: Change[] = [];
  let [a, b] = [0, 0];
  while (a < base.length || b < now.length) {
    const [from, lines]: [number, string[]] = [a, []];
    while ((a < base.length || b < now.length) && !(a < base.length && base[a] === now[b])) {
      const isGone =
        b >= now.length || (a < base.length && (length[(a + 1) * width + b] ?? 0) >= (length[a * width + b + 1] ?? 0));
      if (isGone) a++;
      else lines.push(now[b++] ?? "");
    }
    if (a > from || lines.length > 0) found.push({ from, to: a, lines });
    while (a < base.length && base[a] === now[b]) {
      a++;
      b++;
    }
  }
  return found;
}
