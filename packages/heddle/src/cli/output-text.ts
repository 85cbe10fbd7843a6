/**
 * Safe text: text of steps, plans and files that can neither move the cursor, nor rewrite the screen, nor reorder what
 * is read. Knows no stream.
 */
import { stripVTControlCharacters } from "node:util";

/** Control characters (tab and line break are dealt with apart), separators that break lines, and marks that reorder text. */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const EACH_UNSAFE = new RegExp(UNSAFE.source, "g");

/** One line of text for the screen. Escape sequences go; of a line that was written over, the last state stays. */
export function safeLine(text: string): string {
  const line = text.includes("\n") ? text.replaceAll("\n", " ") : text;
  if (!UNSAFE.test(line)) return line.includes("\t") ? line.replaceAll("\t", "  ") : line;
  const last = line.replace(/\r+$/, "").split("\r").at(-1) ?? "";
  return stripVTControlCharacters(last).replace(EACH_UNSAFE, "\u{fffd}").replaceAll("\t", "  ");
}

/** Several lines, each made safe. */
export function safeText(text: string): string {
  return text.includes("\n") ? text.split("\n").map(safeLine).join("\n") : safeLine(text);
}

/** Printable ASCII: one column a character. */
const SIMPLE = /^[\u0020-\u007e]*$/;

/** Columns that `text` takes; it holds no escape sequences. */
export function widthOf(text: string): number {
  if (SIMPLE.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments(text)) width += segmentWidth(segment);
  return width;
}

/** `text` in at most `columns` columns, with `…` where something was cut. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return "";
  if (SIMPLE.test(text)) return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
  if (text.length * 2 <= columns) return text;
  let width = 0;
  let end = 0;
  let fitting = 0;
  for (const { segment, index } of segments(text)) {
    width += segmentWidth(segment);
    if (width > columns) return `${text.slice(0, fitting)}…`;
    end = index + segment.length;
    if (width < columns) fitting = end;
  }
  return text;
}

/** `text` filled up with blanks to `columns`. */
export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - widthOf(text)));
}

let segmenter: Intl.Segmenter | undefined;
function segments(text: string): Iterable<Intl.SegmentData> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** East Asian wide and fullwidth characters, and emoji that are shown as pictures: two columns. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}])/u;
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

function segmentWidth(segment: string): number {
  if (NO_WIDTH.test(segment)) return 0;
  return WIDE.test(segment) ? 2 : 1;
}
