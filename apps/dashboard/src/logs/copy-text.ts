/** Copy text: what of a log goes to the clipboard: what is shown of its lines, without numbers, colours and what acts on a terminal. Pure. */
import { plainLine } from "./styled-line.ts";

/** A place in the shown text of a line. */
export interface TextPlace {
  readonly line: number;
  /** In UTF-16 units. */
  readonly offset: number;
}

/** Lines that are copied at most: more is a download. */
export const MOST_COPIED = 100_000;

/** `from` is before `to`. `raws`: the lines from the one to the other. `hidden`: characters that are not shown at the beginning of a text. */
export function copyText(
  raws: readonly string[],
  from: TextPlace,
  to: TextPlace,
  hidden: (text: string) => number = () => 0,
): string {
  return raws
    .map((raw, at) => {
      const whole = plainLine(raw);
      const text = whole.slice(hidden(whole));
      const start = at === 0 ? from.offset : 0;
      return text.slice(start, from.line + at === to.line ? to.offset : undefined);
    })
    .join("\n");
}
