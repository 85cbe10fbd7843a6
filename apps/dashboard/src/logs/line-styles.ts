/**
 * Line styles: in which style each line of a log begins, as the lines before it leave it. Looks at lines that are here, no others.
 *
 * Invariant: a page whose page before is not here begins plain, until it is; most programs end their colours with the line.
 */
import { sgrStyle, PLAIN, type TextStyle } from "./text-style.ts";

/** Where lines come from. */
export interface StyledPages {
  readonly pageLines: number;
  pageOf(line: number): number;
  versionOf(page: number): number | undefined;
  line(number: number): { readonly text: string } | undefined;
}

interface PageStyles {
  readonly version: number;
  readonly first: TextStyle;
  /** Of each line at its beginning, and behind the last one. */
  readonly styles: readonly TextStyle[];
}

/** Pages before that are looked at. */
const MOST_BEFORE = 8;
const MOST_PAGES = 64;

const SGR = /(?:\u001b\[|\u009b)([\d;:]{0,256})m/g;

export class LineStyles {
  readonly #lines: StyledPages;
  readonly #pages = new Map<number, PageStyles>();

  constructor(lines: StyledPages) {
    this.#lines = lines;
  }

  /** Of a line at its beginning. */
  before(line: number): TextStyle {
    const page = this.#lines.pageOf(line);
    return this.#page(page, MOST_BEFORE)?.styles[(line - 1) % this.#lines.pageLines] ?? PLAIN;
  }

  #page(page: number, depth: number): PageStyles | undefined {
    const version = this.#lines.versionOf(page);
    if (version === undefined) return undefined;
    const known = this.#pages.get(page);
    const before = page === 0 || depth === 0 ? undefined : this.#page(page - 1, depth - 1);
    const first = before?.styles.at(-1) ?? (depth === 0 ? known?.first : undefined) ?? PLAIN;
    if (known?.version === version && known.first === first) return known;
    const { pageLines } = this.#lines;
    const styles = [first];
    for (let at = 0; at < pageLines; at++) {
      const text = this.#lines.line(page * pageLines + at + 1)?.text;
      const last = styles.at(-1) ?? PLAIN;
      // Of a line that is not here nothing is known.
      styles.push(text === undefined ? PLAIN : styleAfter(text, last));
    }
    const made = { version, first, styles };
    this.#pages.delete(page);
    this.#pages.set(page, made);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= MOST_PAGES) break;
      this.#pages.delete(oldest);
    }
    return made;
  }
}

/** In which style a line ends that begins in `before`. */
export function styleAfter(text: string, before: TextStyle): TextStyle {
  // Most lines have none.
  if (!text.includes("\u001b") && !text.includes("\u009b")) return before;
  let style = before;
  for (const [, parameters = ""] of text.matchAll(SGR)) style = sgrStyle(style, parameters);
  return style;
}
