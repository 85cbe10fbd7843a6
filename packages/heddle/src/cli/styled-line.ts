/** Styled line: puts coloured pieces of text side by side, cut to a number of columns. Knows no terminal. */
import type { Style } from "./output.ts";
import { cut, widthOf } from "./output-text.ts";

export type Piece = readonly [text: string, style: Style | undefined];

export interface StyledLine {
  /** With colours. */
  readonly text: string;
  /** Without. */
  readonly plain: string;
}

/** `columns`: of the terminal, of which one stays free, so that it folds no line; infinite elsewhere. */
export function styledLine(
  { columns, style }: { readonly columns: number; readonly style: (style: Style, text: string) => string },
  pieces: readonly Piece[],
): StyledLine {
  let room = Math.max(1, columns - 1);
  let text = "";
  let plain = "";
  for (const [piece, of] of pieces) {
    const fitting = Number.isFinite(room) ? cut(piece, room) : piece;
    text += of === undefined || fitting === "" ? fitting : style(of, fitting);
    plain += fitting;
    room -= widthOf(fitting);
    if (room <= 0) break;
  }
  return { text, plain };
}
