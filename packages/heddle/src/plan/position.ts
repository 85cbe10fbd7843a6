/** Positions: converts offsets in a text to lines and columns. Columns count UTF-16 units from 1, as editors do. */
import type { Position } from "./diagnostic.ts";

/** The position of `offset`; past the end: the end. */
export function positionAt(text: string, offset: number): Position {
  const end = Math.max(0, Math.min(offset, text.length));
  let line = 1;
  let lineStart = 0;
  for (let next = text.indexOf("\n"); next !== -1 && next < end; next = text.indexOf("\n", next + 1)) {
    line++;
    lineStart = next + 1;
  }
  return { line, column: end - lineStart + 1 };
}

/** Places of many offsets of one text: finds all line ends once. */
export function positions(text: string): (offset: number) => Position {
  const starts: number[] = [0];
  for (let next = text.indexOf("\n"); next !== -1; next = text.indexOf("\n", next + 1)) starts.push(next + 1);
  return (offset) => {
    const end = Math.max(0, Math.min(offset, text.length));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= end) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: end - (starts[low] ?? 0) + 1 };
  };
}

/** Where `JSON.parse` gave up: it says so in its message, in one of two forms; else the end. */
export function jsonErrorOffset(message: string, text: string): number {
  const position = /position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return Number(position);
  return text.trimEnd().length;
}
