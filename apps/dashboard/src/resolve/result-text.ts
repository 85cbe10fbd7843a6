/**
 * Result text: the text that a file of a conflict is to become, with the places that are to be decided in it. Pure. In it every line ends
 * with `\n`; ends of lines of Windows are taken out and put back.
 *
 * Invariants:
 *  1. What goes together is git's: it comes from the text with markers, and only what stands between markers is chosen from.
 *  2. An undecided place has the lines that both sides began at, so that no text with markers is ever shown, or kept.
 */
import type { ConflictFileDocument } from "heddle/client";

/** What was chosen for a place. `edited`: somebody wrote something else there. */
export type HunkState = "open" | "ours" | "theirs" | "both" | "edited";

export interface Hunk {
  /** Characters from and to in the text. */
  readonly from: number;
  readonly to: number;
  readonly state: HunkState;
  /** The lines to choose from, with their ends. */
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

export interface ResultText {
  readonly text: string;
  readonly hunks: readonly Hunk[];
  /** Every line ends as on Windows. */
  readonly isWindows: boolean;
}

/** A text without and with places to decide, in turn; the first and last have none. */
interface Parts {
  readonly clean: readonly string[];
  readonly places: readonly Pick<Hunk, "base" | "ours" | "theirs">[];
}

type Shown = Pick<ConflictFileDocument, "marked" | "regions" | "base" | "ours" | "theirs" | "result" | "state">;

/** `undefined`: the file has no text with places to decide. */
export function resultText(file: Shown & Pick<ConflictFileDocument, "head" | "captured">): ResultText | undefined {
  const { marked, result } = file;
  if (marked === undefined) return undefined;
  const isWindows = isWindowsText(marked);
  const parts = partsOf(file, isWindows);
  const decided = result !== undefined && "text" in result ? plain(result.text, isWindows) : undefined;
  const isUntouched = result?.from === "worktree" && file.state === "open" && decided === plain(marked, isWindows);
  if (decided === undefined || isUntouched) return { ...whole(parts), isWindows };
  return { ...withoutMarks(matched(decided, parts) ?? { text: decided, hunks: [] }, file), isWindows };
}

/** As it is to be kept. */
export function keptText({ text, isWindows }: Pick<ResultText, "text" | "isWindows">): string {
  return isWindows ? text.replaceAll("\n", "\r\n") : text;
}

/** What stands in a place with that choice. */
export function chosenText({ base, ours, theirs }: Pick<Hunk, "base" | "ours" | "theirs">, state: HunkState): string {
  switch (state) {
    case "ours":
      return ours;
    case "theirs":
      return theirs;
    case "both":
      return ours === "" || ours.endsWith("\n") ? `${ours}${theirs}` : `${ours}\n${theirs}`;
    default:
      return base;
  }
}

function isWindowsText(text: string): boolean {
  return text.includes("\r\n") && !/(^|[^\r])\n|\r(?!\n)/.test(text);
}

function plain(text: string, isWindows: boolean): string {
  return isWindows ? text.replaceAll("\r\n", "\n") : text;
}

function linesIn(text: string): readonly string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function partsOf({ marked = "", regions, base, ours, theirs }: Shown, isWindows: boolean): Parts {
  const lines = linesIn(plain(marked, isWindows));
  const clean: string[] = [];
  const places: Parts["places"][number][] = [];
  let at = 0;
  for (const region of regions) {
    clean.push(lines.slice(at, region.marked.from - 1).join(""));
    at = region.marked.to - 1;
    const between = lines.slice(region.marked.from - 1, at);
    const sides = sidesIn(between);
    // Behind a last line without an end git puts one, for the marker.
    const isLast = at >= lines.length;
    const cut = (text: string, side: { readonly text?: string } | null): string =>
      isLast && side?.text !== undefined && !side.text.endsWith("\n") ? text.replace(/\n$/, "") : text;
    places.push({
      base: linesIn(plain(base?.text ?? "", isWindows))
        .slice(region.base.from - 1, region.base.to - 1)
        .join(""),
      ours: cut(sides.ours, ours),
      theirs: cut(sides.theirs, theirs),
    });
  }
  clean.push(lines.slice(at).join(""));
  return { clean, places };
}

/** Of a conflict with its markers, the lines between them. */
function sidesIn(lines: readonly string[]): { readonly ours: string; readonly theirs: string } {
  const length = /^<+/.exec(lines[0] ?? "")?.[0].length ?? 7;
  const middle = lines.findIndex((line) => line.trimEnd() === "=".repeat(length));
  return { ours: lines.slice(1, middle).join(""), theirs: lines.slice(middle + 1, -1).join("") };
}

/** Nothing decided yet. */
function whole({ clean, places }: Parts): Pick<ResultText, "text" | "hunks"> {
  let text = clean[0] ?? "";
  const hunks = places.map((place, index): Hunk => {
    const from = text.length;
    text += place.base;
    const to = text.length;
    text += clean[index + 1] ?? "";
    return { ...place, from, to, state: "open" };
  });
  return { text, hunks };
}

const CHOICES: readonly HunkState[] = ["ours", "theirs", "both"];

/** A text that somebody decided, with the places found again in it; `undefined`: what is around them was changed too. */
function matched(text: string, { clean, places }: Parts): Pick<ResultText, "text" | "hunks"> | undefined {
  const [first = ""] = clean;
  if (!text.startsWith(first)) return undefined;
  let at = first.length;
  const hunks: Hunk[] = [];
  for (const [index, place] of places.entries()) {
    const after = clean[index + 1] ?? "";
    const isLast = index === places.length - 1;
    const fits = (state: HunkState): boolean => {
      const chosen = chosenText(place, state);
      const end = at + chosen.length;
      return text.startsWith(chosen, at) && (isLast ? text.slice(end) === after : text.startsWith(after, end));
    };
    const state = CHOICES.find(fits);
    const to = state === undefined ? endBefore(text, at, after, isLast) : at + chosenText(place, state).length;
    if (to === undefined) return undefined;
    hunks.push({ ...place, from: at, to, state: state ?? "edited" });
    at = to + after.length;
  }
  return at === text.length ? { text, hunks } : undefined;
}

/** Where the lines end that somebody wrote before what goes together. */
function endBefore(text: string, from: number, after: string, isLast: boolean): number | undefined {
  if (isLast)
    return text.length - after.length >= from && text.endsWith(after) ? text.length - after.length : undefined;
  for (let at = from; ;) {
    const found = text.indexOf(after, at);
    if (found < 0) return undefined;
    if (found === from || text[found - 1] === "\n") return found;
    at = found + 1;
  }
}

/**
 * Where its agent, or somebody by hand, settled some conflicts, the others still have their markers: they are places that are undecided,
 * known ones or others.
 */
function withoutMarks(
  { text, hunks }: Pick<ResultText, "text" | "hunks">,
  of: Pick<ConflictFileDocument, "head" | "captured">,
): Pick<ResultText, "text" | "hunks"> {
  const found: Hunk[] = [];
  let shown = "";
  let at = 0;
  const goOn = (to: number): void => {
    shown += text.slice(at, to);
    at = to;
  };
  for (const place of [...hunks, undefined]) {
    const end = place?.from ?? text.length;
    const start = at;
    for (const block of blocksIn(text.slice(start, end), of)) {
      goOn(start + block.from);
      found.push({
        base: "",
        ours: block.ours,
        theirs: block.theirs,
        from: shown.length,
        to: shown.length,
        state: "open",
      });
      at = start + block.from + block.length;
    }
    goOn(end);
    if (place === undefined) break;
    const from = shown.length;
    const own = text.slice(place.from, place.to);
    const [block] = blocksIn(own, of);
    const isOpen = block?.from === 0 && block.length === own.length;
    shown += isOpen ? place.base : own;
    at = place.to;
    found.push({ ...place, from, to: shown.length, state: isOpen ? "open" : place.state });
  }
  return { text: shown, hunks: found };
}

interface Block {
  readonly from: number;
  readonly length: number;
  readonly ours: string;
  readonly theirs: string;
}

/** Conflicts with their markers, one behind the other. */
function blocksIn(text: string, { head, captured }: Pick<ConflictFileDocument, "head" | "captured">): readonly Block[] {
  const lines = linesIn(text);
  const found: Block[] = [];
  let from = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const end = isMarker(line, "<", head)
      ? lines.findIndex((one, index) => index > at && isMarker(one, ">", captured))
      : -1;
    const block = lines.slice(at, end + 1);
    const { length } = end < 0 ? line : block.join("");
    if (end >= 0) {
      found.push({ from, length, ...sidesIn(block) });
      at = end;
    }
    from += length;
  }
  return found;
}

function isMarker(line: string, sign: string, commit: string): boolean {
  const length = line.length - line.replace(new RegExp(`^[${sign}]+`), "").length;
  return length >= 2 && line.slice(length).trimEnd().split(":")[0] === ` ${commit}`;
}

/** How many are to be decided. */
export function openHunks(hunks: readonly Pick<Hunk, "state">[]): number {
  return hunks.filter(({ state }) => state === "open").length;
}
