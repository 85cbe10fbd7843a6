/**
 * Run look: the classes and colours with which text of a log is shown. The 16 colours of a terminal are tokens of the theme
 * (`log-colours.css`); all other colours are made readable here, for both themes at once. Knows no page.
 *
 * Invariants:
 *  1. Text has a contrast of at least {@link LEAST_CONTRAST} with what is behind it, whatever its colours, in both themes.
 *  2. The same style looks the same object: at most {@link MOST_LOOKS} are remembered.
 */
import { RGB, type TextColour, type TextStyle } from "./text-style.ts";

export interface RunLook {
  readonly className: string;
  /** Custom properties, for colours that are no tokens. */
  readonly properties?: Readonly<Record<`--${string}`, string>>;
}

export const LEAST_CONTRAST = 4.5;
/** Of a colour behind text, over the panel. */
export const TINT = 0.16;
const MOST_LOOKS = 1024;

/** What is behind text, the same in a chosen line, and what text goes towards where its colour is too near to that. */
export const THEMES = {
  light: { panel: 0xff_ff_ff, chosen: 0xe6_f0_fe, ink: 0 },
  dark: { panel: 0x15_18_1e, chosen: 0x12_26_3f, ink: 0xff_ff_ff },
} as const;

const looks = new Map<TextStyle, RunLook>();

export function runLook(style: TextStyle): RunLook {
  const known = looks.get(style);
  if (known !== undefined) return known;
  if (looks.size >= MOST_LOOKS) looks.clear();
  const look = newLook(style);
  looks.set(style, look);
  return look;
}

function newLook({ fg, bg, bold, dim, italic, underline, strike, inverse }: TextStyle): RunLook {
  const names = [
    bold && "b",
    italic && "i",
    underline && "u",
    strike && "s",
    // Colours that are on have their contrast already.
    dim && fg === undefined && "d",
  ].filter((name) => name !== false);
  const properties: Record<`--${string}`, string> = {};
  const add = (
    part: "f" | "g",
    colour: TextColour | undefined,
    shown: (theme: keyof typeof THEMES) => number,
  ): void => {
    if (colour === undefined) return;
    if (colour < RGB) names.push(`${part}${colour}`);
    else {
      names.push(part);
      properties[`--${part}l`] = hex(shown("light"));
      properties[`--${part}d`] = hex(shown("dark"));
    }
  };
  const rgb = (colour: TextColour | undefined): number => (colour ?? 0) & 0xff_ff_ff;
  // On its own colour as on the panel: the ink of both is the panel's. What was behind is not seen.
  if (inverse) names.push("v");
  else add("g", bg, (theme) => tinted(theme, rgb(bg)));
  add("f", fg, (theme) => readable(theme, rgb(fg), backOf(theme, inverse ? undefined : bg)));
  const className = names.map((name) => `log-${name}`).join(" ");
  return Object.keys(properties).length === 0 ? { className } : { className, properties };
}

/** Of tokens the strongest tint that a colour can have is assumed. */
function backOf(theme: keyof typeof THEMES, bg: TextColour | undefined): number {
  if (bg === undefined) return THEMES[theme].chosen;
  return bg < RGB ? tinted(theme, THEMES[theme].ink) : tinted(theme, bg & 0xff_ff_ff);
}

function tinted(theme: keyof typeof THEMES, colour: number): number {
  return mixed(THEMES[theme].panel, colour, TINT);
}

/** The colour, as far towards ink as it must go to be read on `back`. */
function readable(theme: keyof typeof THEMES, colour: number, back: number): number {
  const { ink } = THEMES[theme];
  const step = 1 / 32;
  let share = 0;
  let shown = colour;
  while (contrast(shown, back) < LEAST_CONTRAST && share < 1) shown = mixed(colour, ink, (share += step));
  return shown;
}

function mixed(from: number, to: number, share: number): number {
  const part = (shift: number): number => {
    const [a, b] = [(from >> shift) & 0xff, (to >> shift) & 0xff];
    return Math.round(a + (b - a) * share) << shift;
  };
  return part(16) | part(8) | part(0);
}

/** Of two colours, 1 to 21 (WCAG 2). */
export function contrast(a: number, b: number): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminance(colour: number): number {
  const channel = (shift: number): number => {
    const value = ((colour >> shift) & 0xff) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0);
}

function hex(colour: number): string {
  return `#${colour.toString(16).padStart(6, "0")}`;
}
