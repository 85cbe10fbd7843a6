/**
 * Conflict regions: where in a text with markers, and in the texts that it was made of, both sides changed. Pure: knows lines, no git.
 *
 * Invariant: only lines that name the two commits are markers: no other text is taken for one.
 */
import type { LineRange } from "./types.ts";

/** A conflict in a text with markers. */
export interface MarkedRegion {
  readonly marked: LineRange;
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

/** Lines without their ends; the last one may have none. */
export function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** `head`, `captured`: as the markers name them. What is not closed is none. */
export function markedRegions(
  text: string,
  { head, captured }: { readonly head: string; readonly captured: string },
): readonly MarkedRegion[] {
  const [begin, end] = [markerOf("<", head), markerOf(">", captured)];
  const lines = linesOf(text);
  const found: MarkedRegion[] = [];
  for (let at = 0; at < lines.length; at++) {
    const length = begin.exec(lines[at] ?? "")?.[1]?.length;
    if (length === undefined) continue;
    const parted = lines.findIndex((one, index) => index > at && one.trimEnd() === "=".repeat(length));
    const closed = lines.findIndex((one, index) => index > parted && end.exec(one)?.[1]?.length === length);
    if (parted < 0 || closed < 0) break;
    found.push({
      marked: { from: at + 1, to: closed + 2 },
      ours: lines.slice(at + 1, parted),
      theirs: lines.slice(parted + 1, closed),
    });
    at = closed;
  }
  return found;
}

/** Behind the commit may be the file's name on that side. */
function markerOf(sign: "<" | ">", commit: string): RegExp {
  return new RegExp(`^(${sign}+) ${commit}(?::.*)?\r?$`, "s");
}

/** The text with one side in the place of each conflict, and where that is. */
export function withSide(
  text: string,
  regions: readonly MarkedRegion[],
  side: "ours" | "theirs",
): { readonly text: string; readonly ranges: readonly LineRange[] } {
  const lines = linesOf(text);
  const kept: string[] = [];
  const ranges: LineRange[] = [];
  let at = 0;
  for (const { marked, [side]: chosen } of regions) {
    kept.push(...lines.slice(at, marked.from - 1));
    ranges.push({ from: kept.length + 1, to: kept.length + 1 + chosen.length });
    kept.push(...chosen);
    at = marked.to - 1;
  }
  kept.push(...lines.slice(at));
  return { text: kept.length === 0 ? "" : `${kept.join("\n")}\n`, ranges };
}

/** Lines of one text in the place of lines of another. */
export interface Hunk {
  readonly before: LineRange;
  readonly after: LineRange;
}

/** Of a unified diff without context. */
export function hunksIn(diff: string): readonly Hunk[] {
  return [...diff.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)].map(([, ...numbers]) => {
    const [from = "0", count = "1", to = "0", now = "1"] = numbers;
    return { before: rangeOf(Number(from), Number(count)), after: rangeOf(Number(to), Number(now)) };
  });
}

/** Of no lines git names the line before them. */
function rangeOf(first: number, count: number): LineRange {
  const from = count === 0 ? first + 1 : first;
  return { from, to: from + count };
}

/** Where lines of the text after were in the text before: a place inside of a change is the whole change. */
export function rangeBefore(hunks: readonly Hunk[], { from, to }: LineRange): LineRange {
  const start = placeBefore(hunks, from, "from");
  return { from: start, to: Math.max(start, placeBefore(hunks, to, "to")) };
}

function placeBefore(hunks: readonly Hunk[], line: number, edge: "from" | "to"): number {
  let shift = 0;
  for (const { before, after } of hunks) {
    const isBehind = line >= after.to && (edge === "to" || line > after.from);
    if (isBehind) shift = before.to - after.to;
    else if (line > after.from) return edge === "from" ? before.from : before.to;
    else break;
  }
  return line + shift;
}
