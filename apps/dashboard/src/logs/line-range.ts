/** Line range: lines of a log as addresses name them: `line=123-140`, `#L123-140`. Knows no log. */

/** Both from 1, `from` not behind `to`. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

const MOST = 1e12;

/** As people and other tools write it: `123`, `123-140`, `L123-L140`, with `#` before it or not. `undefined`: it is none. */
export function lineRangeOf(text: string): LineRange | undefined {
  const [, first = "", last] = /^#?L?(\d{1,12})(?:[-:]L?(\d{1,12}))?$/i.exec(text) ?? [];
  const [a, b] = [Number(first), Number(last ?? first)];
  if (first === "" || Math.min(a, b) < 1 || Math.max(a, b) > MOST) return undefined;
  return { from: Math.min(a, b), to: Math.max(a, b) };
}

export function lineRangeText({ from, to }: LineRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}

/** From the line that was chosen first to `line`. */
export function extendedRange(chosen: LineRange | undefined, anchor: number | undefined, line: number): LineRange {
  const fixed = anchor ?? chosen?.from ?? line;
  return { from: Math.min(fixed, line), to: Math.max(fixed, line) };
}
