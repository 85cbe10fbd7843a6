/** Line time: the time that a program wrote at the beginning of a line, if it did. Pure. */

/** `2026-12-01T07:31:18.123Z`, `[2026-12-01 07:31:18]`, `07:31:18.5`, with what parts it from the text. */
const TIME = /^\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?(?=\s|$)[ \t]{0,8}/;

/** Characters of it, with the space behind; 0: there is none. */
export function timeLength(text: string): number {
  return TIME.exec(text)?.[0].length ?? 0;
}
