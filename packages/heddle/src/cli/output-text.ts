/**
 * Text width: columns that text takes on a terminal, and text cut or filled up to a number of them. Knows no stream.
 */

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

/** `text` in at most `columns` columns, with `…` in its middle: what tells long names apart is often at their end. */
export function cutMiddle(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 5) return cut(text, columns);
  const head = prefixIn(text, Math.ceil((columns - 1) / 2));
  const tail = suffixIn(text, columns - 1 - widthOf(head));
  return `${head}…${tail}`;
}

function prefixIn(text: string, columns: number): string {
  let width = 0;
  for (const { segment, index } of segments(text)) {
    width += segmentWidth(segment);
    if (width > columns) return text.slice(0, index);
  }
  return text;
}

function suffixIn(text: string, columns: number): string {
  const parts = [...segments(text)];
  let width = 0;
  for (const { segment, index } of parts.toReversed()) {
    width += segmentWidth(segment);
    if (width > columns) return text.slice(index + segment.length);
  }
  return text;
}

/** `text` in lines of at most `columns` columns, broken between words where there are any; at most `most` lines, the rest is cut. */
export function wrapped(text: string, columns: number, most: number): readonly string[] {
  const width = Math.max(1, columns);
  const lines: string[] = [];
  let rest = text;
  while (lines.length + 1 < most && widthOf(rest) > width) {
    const fitting = prefixIn(rest, width);
    const blank = fitting.trimStart() === "" ? -1 : fitting.lastIndexOf(" ");
    // A single character can be wider than the line.
    const end = blank > width / 2 ? blank : Math.max(1, fitting.length);
    lines.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return [...lines, cut(rest, width)];
}

/** Rows that a line takes on a terminal of so many columns: a wide character is not divided. */
export function rowsOf(text: string, columns: number): number {
  if (SIMPLE.test(text)) return Math.max(1, Math.ceil(text.length / columns));
  let rows = 1;
  let used = 0;
  for (const { segment } of segments(text)) {
    const width = segmentWidth(segment);
    if (used + width > columns) {
      rows++;
      used = 0;
    }
    used += width;
  }
  return rows;
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
