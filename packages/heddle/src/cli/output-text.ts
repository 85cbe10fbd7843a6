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
