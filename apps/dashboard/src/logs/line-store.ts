/**
 * Line store: lines of a log by their numbers, as far as they were read, within a bound of memory. Knows no server.
 *
 * Invariants:
 *  1. It holds at most {@link LineStoreSizes.mostBytes}, beside the pages of what was put last, of {@link LineStore.wanted} and of the line
 *     {@link LineStore.pinned}: the pages looked at longest ago go first.
 *  2. Of a line at most {@link MOST_KEPT} characters are held.
 */
import { partOfLine } from "./styled-line.ts";

export interface LineStoreSizes {
  /** Lines of a page: what is held and goes together. */
  readonly pageLines: number;
  readonly mostBytes: number;
}

/** With what the page makes of them, logs stay below 20 MB. */
const SIZES: LineStoreSizes = { pageLines: 256, mostBytes: 14_000_000 };

export const MOST_KEPT = 65_536;
/** Of a line beside its characters. */
const OVERHEAD = 40;

export interface KeptLine {
  readonly text: string;
  /** Characters that were left out; 0: none. */
  readonly cut: number;
}

interface Page {
  readonly lines: (KeptLine | undefined)[];
  bytes: number;
  /** Grows with each change. */
  version: number;
}

export class LineStore {
  readonly pageLines: number;
  /** Its page stays, whatever else is looked at; 0: none. */
  pinned = 0;
  /** First and last of the lines that are looked at: their pages stay. */
  wanted: readonly [from: number, to: number] = [0, 0];
  readonly #mostBytes: number;
  /** The one looked at last is the last. */
  readonly #pages = new Map<number, Page>();
  #bytes = 0;
  #lastSeen = -1;
  #versions = 0;

  constructor(sizes: Partial<LineStoreSizes> = {}) {
    const { pageLines, mostBytes } = { ...SIZES, ...sizes };
    this.pageLines = pageLines;
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether so many lines more, each as large as those looked at are, take a small part of the bound. */
  hasRoomFor(lines: number): boolean {
    const [from, to] = this.wanted;
    let bytes = 0;
    for (let line = from; line <= to; line++) bytes += sizeOf(this.get(line));
    return (bytes / (to - from + 1)) * lines < this.#mostBytes / 4;
  }

  get(line: number): KeptLine | undefined {
    const number = this.pageOf(line);
    const page = this.#pages.get(number);
    if (page === undefined) return undefined;
    if (number !== this.#lastSeen) this.#touch(number, page);
    return page.lines[(line - 1) % this.pageLines];
  }

  /** Grows when lines of the page change; `undefined`: it has none. */
  versionOf(page: number): number | undefined {
    return this.#pages.get(page)?.version;
  }

  pageOf(line: number): number {
    return Math.floor((line - 1) / this.pageLines);
  }

  put(from: number, lines: readonly KeptLine[]): void {
    for (const [at, kept] of lines.entries()) {
      const number = this.pageOf(from + at);
      const page = this.#pages.get(number) ?? { lines: [], bytes: 0, version: 0 };
      const place = (from + at - 1) % this.pageLines;
      const more = sizeOf(kept) - sizeOf(page.lines[place]);
      page.lines[place] = kept;
      page.bytes += more;
      page.version = ++this.#versions;
      this.#bytes += more;
      if (number !== this.#lastSeen) this.#touch(number, page);
    }
    this.#evict();
  }

  /** The first line from `from` to `to` that is not held; `undefined`: all are. */
  missing(from: number, to: number): number | undefined {
    for (let line = Math.max(1, from); line <= to; line++) {
      const page = this.#pages.get(this.pageOf(line));
      if (page?.lines[(line - 1) % this.pageLines] === undefined) return line;
    }
    return undefined;
  }

  drop(line: number): void {
    const page = this.#pages.get(this.pageOf(line));
    if (page === undefined) return;
    const place = (line - 1) % this.pageLines;
    const less = sizeOf(page.lines[place]);
    page.lines[place] = undefined;
    page.bytes -= less;
    page.version = ++this.#versions;
    this.#bytes -= less;
  }

  clear(): void {
    this.#pages.clear();
    this.#bytes = 0;
    this.#lastSeen = -1;
  }

  #touch(number: number, page: Page): void {
    this.#pages.delete(number);
    this.#pages.set(number, page);
    this.#lastSeen = number;
  }

  #evict(): void {
    if (this.#bytes <= this.#mostBytes) return;
    const pinned = this.pageOf(this.pinned);
    const [first, last] = this.wanted.map((line) => this.pageOf(line)) as [number, number];
    for (const [number, page] of this.#pages) {
      if (this.#bytes <= this.#mostBytes || number === this.#lastSeen) return;
      if (number === pinned || (number >= first && number <= last)) continue;
      this.#pages.delete(number);
      this.#bytes -= page.bytes;
    }
  }
}

function sizeOf(line: KeptLine | undefined): number {
  return line === undefined ? 0 : line.text.length * 2 + OVERHEAD;
}

/** As much of a line as is held. `cut`: characters of it that are not in `raw`. */
export function keptLine(raw: string, cut = 0): KeptLine {
  if (raw.length <= MOST_KEPT) return { text: raw, cut };
  const part = partOfLine(raw, MOST_KEPT);
  // A copy: a part of a text holds the whole of it in memory.
  const text = JSON.parse(JSON.stringify(part.text)) as string;
  return { text, cut: cut + part.cut };
}
