/**
 * Styled line: what a terminal would show of one line of a log, as text with styles. Colours and kinds of type (SGR) are kept; what
 * would move the cursor, name the window, make a link or reorder text is dropped or named. Knows no theme and no page.
 *
 * Invariants:
 *  1. No character of the text does anything: control characters are gone, marks that reorder or hide text are named (`<U+202E>`).
 *  2. Of a line that was written over (`\r`) the last state is shown, as progress is; backspaces take back what they would.
 *  3. One line costs a bounded time and has at most {@link MOST_RUNS} pieces and about {@link LONGEST_LINE} characters, whatever is in it.
 *  4. Its style goes on in the next line, as in a terminal.
 */
import { PLAIN, sgrStyle, type TextStyle } from "./text-style.ts";

/** Text in one style. */
export interface StyledRun {
  readonly text: string;
  readonly style: TextStyle;
  /** The name of a character that is not shown as itself. */
  readonly isName?: true;
}

export interface StyledLine {
  readonly runs: readonly StyledRun[];
  /** All of the runs: what is searched and copied. */
  readonly text: string;
  /** At its end. */
  readonly style: TextStyle;
  /** Characters of the line behind what is shown; 0: it is whole. */
  readonly cut: number;
}

/** Characters of a line that are looked at, unless more are asked for. */
export const LONGEST_LINE = 4096;
export const MOST_RUNS = 256;
/** Characters of a line as {@link plainLine} gives it. */
const MOST_PLAIN = 65_536;
/** The longest sequence that is taken for one; a longer one is text behind an escape character. */
const LONGEST_SEQUENCE = 4096;

/** As of {@link StyledLine}: control characters but tabs, separators of lines, marks that reorder text, and what nobody sees. */
const SPECIAL =
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;
const EACH_SPECIAL = new RegExp(SPECIAL.source, "gu");

/** Parameters, intermediates and the final byte of a control sequence. */
const CONTROL_SEQUENCE = /[0-?]{0,256}[ -/]{0,16}[@-~]/y;
/** Two-character escape sequences: character sets, keypad modes, and the like. */
const SHORT_SEQUENCE = /[ -/]{0,16}[0-~]/y;
/** What begins a string that goes on to its terminator: DCS, SOS, OSC, PM, APC. */
const STRING_OPENERS = new Set(["P", "X", "]", "^", "_"]);
const EIGHT_BIT_STRINGS = new Set(["\u0090", "\u0098", "\u009d", "\u009e", "\u009f"]);

/** Of a line that has nothing special and no style, which most are, this is all there is to do. */
export function styledLine(raw: string, before: TextStyle, longest: number = LONGEST_LINE): StyledLine {
  const { text: shown, cut } = partOfLine(raw, longest);
  const pen = new Pen(before);
  let at = 0;
  EACH_SPECIAL.lastIndex = 0;
  for (let found = EACH_SPECIAL.exec(shown); found !== null; found = EACH_SPECIAL.exec(shown)) {
    pen.write(shown.slice(at, found.index));
    at = special(shown, found.index, found[0], pen);
    EACH_SPECIAL.lastIndex = at;
  }
  pen.write(shown.slice(at));
  return { ...pen.line(), cut };
}

/** The text of a line alone, as far as it is held. */
export function plainLine(raw: string): string {
  return styledLine(raw, PLAIN, MOST_PLAIN).text;
}

/**
 * Of a long line the beginning; of one that is written over and over the end, which has the last state. `cut`: characters behind it that would
 * be shown.
 */
export function partOfLine(raw: string, longest: number): { readonly text: string; readonly cut: number } {
  if (raw.length <= longest) return { text: raw, cut: 0 };
  const end = raw.endsWith("\r") ? raw.length - 1 : raw.length;
  const lastBegin = raw.lastIndexOf("\r", end - 1) + 1;
  // What was written over is not missed.
  const isLastShort = lastBegin > 0 && end - lastBegin < longest;
  const start = isLastShort ? raw.indexOf("\r", end - longest) : lastBegin;
  const text = wholePairs(raw.slice(start, Math.min(end, start + longest)));
  return { text, cut: end - start - text.length };
}

/** Without half of a character at the end. */
function wholePairs(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}

/** Does what the special character at `at` asks for, and gives the place behind it. */
function special(text: string, at: number, character: string, pen: Pen): number {
  const next = at + character.length;
  if (character === "\u001b") return escapeSequence(text, next, pen);
  if (character === "\u009b") return controlSequence(text, next, pen);
  if (EIGHT_BIT_STRINGS.has(character)) return stringEnd(text, next);
  if (character === "\r") pen.goBack();
  else if (character === "\b") pen.takeBack();
  else if (character > "\u009f") pen.name(character);
  return next;
}

function escapeSequence(text: string, at: number, pen: Pen): number {
  const opener = text[at] ?? "";
  if (opener === "[") return controlSequence(text, at + 1, pen);
  if (STRING_OPENERS.has(opener)) return stringEnd(text, at + 1);
  SHORT_SEQUENCE.lastIndex = at;
  return SHORT_SEQUENCE.test(text) ? SHORT_SEQUENCE.lastIndex : at;
}

function controlSequence(text: string, at: number, pen: Pen): number {
  CONTROL_SEQUENCE.lastIndex = at;
  if (!CONTROL_SEQUENCE.test(text)) return at;
  const end = CONTROL_SEQUENCE.lastIndex;
  const [final, parameters] = [text[end - 1], text.slice(at, end - 1)];
  if (final === "m") pen.restyle(parameters);
  // Erased to its end, or wholly: what was written before is gone for sure where the line is written anew.
  else if (final === "K" || final === "J") pen.erase(parameters);
  return end;
}

/** Behind the terminator; a string that has none ends nowhere: only its opener is dropped. */
function stringEnd(text: string, at: number): number {
  const until = Math.min(text.length, at + LONGEST_SEQUENCE);
  for (let place = at; place < until; place++) {
    const character = text[place] ?? "";
    if (character === "\u0007" || character === "\u009c") return place + 1;
    if (character === "\u001b" && text[place + 1] === "\\") return place + 2;
    // Something else begins: this was none.
    if (character < " " || (character >= "\u007f" && character <= "\u009f")) return at;
  }
  return at;
}

/** Where the line is written: runs of text, the style that is on, and what was written before the last carriage return. */
class Pen {
  #style: TextStyle;
  #runs: StyledRun[] = [];
  #text = "";
  /** Written before the last carriage return: stays until something is written over it. */
  #under: { readonly runs: StyledRun[]; readonly text: string } | undefined;

  constructor(style: TextStyle) {
    this.#style = style;
  }

  write(text: string): void {
    if (text === "") return;
    this.#under = undefined;
    this.#text += text;
    this.#push({ text, style: this.#style });
  }

  name(character: string): void {
    const code = character.codePointAt(0) ?? 0;
    const text = `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
    this.#under = undefined;
    this.#text += text;
    this.#push({ text, style: this.#style, isName: true });
  }

  goBack(): void {
    if (this.#text === "") return;
    this.#under = { runs: this.#runs, text: this.#text };
    this.#runs = [];
    this.#text = "";
  }

  /** The last character, with what belongs to it. */
  takeBack(): void {
    const last = this.#runs.at(-1);
    if (last === undefined || last.isName === true) return;
    const characters = lastCharacter(last.text);
    this.#text = this.#text.slice(0, -characters);
    this.#runs.pop();
    if (last.text.length > characters) this.#runs.push({ ...last, text: last.text.slice(0, -characters) });
  }

  restyle(parameters: string): void {
    this.#style = sgrStyle(this.#style, parameters);
  }

  erase(parameters: string): void {
    this.#under = undefined;
    // From the cursor on there is nothing here: the text ends at it.
    if (parameters === "" || parameters === "0") return;
    this.#runs = [];
    this.#text = "";
  }

  line(): Omit<StyledLine, "cut"> {
    return { ...(this.#under ?? { runs: this.#runs, text: this.#text }), style: this.#style };
  }

  #push(run: StyledRun): void {
    const last = this.#runs.at(-1);
    const isSame = last !== undefined && last.style === run.style && last.isName === run.isName;
    // More pieces than a line may have: the last one takes the rest.
    if (last !== undefined && (isSame || this.#runs.length >= MOST_RUNS))
      this.#runs[this.#runs.length - 1] = { ...last, text: last.text + run.text };
    else this.#runs.push(run);
  }
}

function lastCharacter(text: string): number {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xdc00 && last <= 0xdfff && text.length > 1 ? 2 : 1;
}
