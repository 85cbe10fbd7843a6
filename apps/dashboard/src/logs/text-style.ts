/**
 * Text style: colour and type of text in a terminal, and how SGR parameters change it. Knows no theme.
 *
 * Invariant: equal styles are the same object as long as {@link MOST_STYLES} others have not come between: to compare is to look.
 */

/** 0 to 15: a colour of the theme. From {@link RGB} on: `RGB | 0xrrggbb`. */
export type TextColour = number;

export const RGB = 0x100_0000;

export interface TextStyle {
  readonly fg: TextColour | undefined;
  readonly bg: TextColour | undefined;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly inverse: boolean;
}

export const PLAIN: TextStyle = {
  fg: undefined,
  bg: undefined,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
};

/** Parameters of one sequence that are looked at. */
const MOST_PARAMETERS = 64;
const MOST_STYLES = 1024;

const TURNS: ReadonlyMap<number, Partial<TextStyle>> = new Map([
  [1, { bold: true }],
  [2, { dim: true }],
  [3, { italic: true }],
  [7, { inverse: true }],
  [9, { strike: true }],
  [21, { underline: true }],
  [22, { bold: false, dim: false }],
  [23, { italic: false }],
  [24, { underline: false }],
  [27, { inverse: false }],
  [29, { strike: false }],
  [39, { fg: undefined }],
  [49, { bg: undefined }],
]);

/** What `\x1b[<parameters>m` makes of a style. Blinking and hidden text are shown as they are. */
export function sgrStyle(before: TextStyle, parameters: string): TextStyle {
  // Private ones (`?`, `>`) say something else.
  if (!/^[\d;:]*$/.test(parameters)) return before;
  let style = before;
  const groups = parameters.split(";", MOST_PARAMETERS);
  for (let at = 0; at < groups.length; at++) {
    const [code = 0, ...subs] = (groups[at] ?? "").split(":", MOST_PARAMETERS).map(numberOf);
    if (code === 38 || code === 48) {
      const colour = subs.length > 0 ? colonColour(subs) : semicolonColour(groups.slice(at + 1, at + 5).map(numberOf));
      if (subs.length === 0) at += colour.used;
      if (colour.colour !== undefined) style = { ...style, [code === 38 ? "fg" : "bg"]: colour.colour };
    } else if (code === 58) {
      // The colour of an underline: the underline is shown, its colour is not.
      if (subs.length === 0) at += semicolonColour(groups.slice(at + 1, at + 5).map(numberOf)).used;
    } else style = turned(style, code, subs);
  }
  return style === before ? before : shared(style);
}

function turned(style: TextStyle, code: number, subs: readonly number[]): TextStyle {
  if (code === 0) return PLAIN;
  if (code === 4) return { ...style, underline: subs[0] !== 0 };
  if (code >= 30 && code <= 37) return { ...style, fg: code - 30 };
  if (code >= 40 && code <= 47) return { ...style, bg: code - 40 };
  if (code >= 90 && code <= 97) return { ...style, fg: code - 90 + 8 };
  if (code >= 100 && code <= 107) return { ...style, bg: code - 100 + 8 };
  const turn = TURNS.get(code);
  return turn === undefined ? style : { ...style, ...turn };
}

interface ReadColour {
  readonly colour: TextColour | undefined;
  /** Parameters that it took. */
  readonly used: number;
}

/** `5;n` or `2;r;g;b` behind 38 or 48. */
function semicolonColour([kind, ...rest]: readonly number[]): ReadColour {
  if (kind === 5) return { colour: paletteColour(rest[0]), used: 2 };
  if (kind === 2) return { colour: rgbColour(rest), used: 4 };
  return { colour: undefined, used: kind === undefined ? 0 : 1 };
}

/** `5:n`, `2:r:g:b`, or `2:space:r:g:b`. */
function colonColour([kind, ...rest]: readonly number[]): ReadColour {
  if (kind === 5) return { colour: paletteColour(rest[0]), used: 0 };
  if (kind === 2) return { colour: rgbColour(rest.length > 3 ? rest.slice(1) : rest), used: 0 };
  return { colour: undefined, used: 0 };
}

function rgbColour([r = 0, g = 0, b = 0]: readonly number[]): TextColour | undefined {
  if (Math.max(r, g, b) > 255) return undefined;
  return RGB | (r << 16) | (g << 8) | b;
}

const CUBE = [0, 95, 135, 175, 215, 255] as const;

/** Of the 256: 16 of the theme, a cube of 6 by 6 by 6, and 24 greys. */
function paletteColour(index: number | undefined): TextColour | undefined {
  if (index === undefined || index > 255) return undefined;
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return rgbColour([grey, grey, grey]);
  }
  const cell = index - 16;
  return rgbColour([Math.floor(cell / 36), Math.floor(cell / 6) % 6, cell % 6].map((step) => CUBE[step] ?? 0));
}

function numberOf(text: string): number {
  return text === "" ? 0 : Number(text.slice(0, 6));
}

const styles = new Map<string, TextStyle>();

function shared(style: TextStyle): TextStyle {
  const { fg, bg, bold, dim, italic, underline, strike, inverse } = style;
  const key = `${fg ?? ""};${bg ?? ""};${[bold, dim, italic, underline, strike, inverse].map(Number).join("")}`;
  if (key === ";;000000") return PLAIN;
  const known = styles.get(key);
  if (known !== undefined) return known;
  if (styles.size >= MOST_STYLES) styles.clear();
  styles.set(key, style);
  return style;
}
