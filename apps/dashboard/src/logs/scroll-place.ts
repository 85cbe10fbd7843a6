/**
 * Scroll place: which line is at the top of a list of any length, and where the scroll bar stands for it. A browser draws nothing higher than
 * some 16,000,000 px, and lines that wrap have heights that nobody knows before they are drawn: so the truth is a line, and the bar follows.
 *
 * Invariants:
 *  1. A short scroll moves the lines by as many pixels as the hand moved; a long one, as with the bar, goes to that part of the log.
 *  2. The element is at most {@link MOST_PX} high.
 *  3. Near either end the bar has as much way left as the lines have, so that both ends can be reached by short scrolls.
 *  4. What comes before or behind, or turns out to be higher than thought, never moves the line at the top.
 */

/** The line at the top, from 1, and how many pixels of it are above the edge. */
export interface Place {
  readonly line: number;
  readonly px: number;
}

export const MOST_PX = 8_000_000;
/** A scroll by more than so many views goes to a part of the log. */
const SHORT_VIEWS = 2;
/** Near an end: within so many views of it. */
const NEAR_VIEWS = 3;
/** Pixels from the end that still are the end: heights are rounded. */
const END_PX = 4;

export interface ScrollSizes {
  readonly lines: number;
  readonly viewPx: number;
  /** Of a line that does not wrap. */
  readonly rowPx: number;
  /** Of one line, as far as it is known; absent: all are {@link rowPx} high. */
  readonly heightOf?: (line: number) => number;
  /** Mean height of a line; absent: {@link rowPx}. */
  readonly meanPx?: number;
}

export class ScrollPlace {
  #sizes: ScrollSizes = { lines: 0, viewPx: 0, rowPx: 18 };
  #place: Place = { line: 1, px: 0 };
  /** Where the bar was last, as far as is known here. */
  #top = 0;

  get place(): Place {
    return this.#place;
  }

  /** The place stays, as far as there are lines. */
  resize(sizes: ScrollSizes): void {
    this.#sizes = sizes;
    this.#set(this.#place);
  }

  /** Of the element that is scrolled. */
  get heightPx(): number {
    const { lines, meanPx, rowPx, viewPx } = this.#sizes;
    return Math.max(viewPx, Math.min(MOST_PX, Math.ceil(lines * (meanPx ?? rowPx))));
  }

  /** Where the bar stands for the place. */
  get topPx(): number {
    const most = this.#mostTop;
    if (this.isExact) return Math.min(most, this.#fromStart(this.#place, Number.POSITIVE_INFINITY));
    const end = this.#endPlace();
    const share = this.#position(end) === 0 ? 0 : this.#position(this.#place) / this.#position(end);
    const near = NEAR_VIEWS * this.#sizes.viewPx;
    const least = Math.min(near, most / 2, this.#fromStart(this.#place, near));
    const left = Math.min(near, most / 2, this.#between(this.#place, end, near));
    return Math.round(Math.min(Math.max(share * most, least), most - left));
  }

  /** Where the bar stands, as far as is known here. */
  get barPx(): number {
    return this.#top;
  }

  /** All lines are in view. */
  get fits(): boolean {
    return this.#between({ line: 1, px: 0 }, this.#endPlace(), 1) === 0;
  }

  /** The bar was set to `top` by the page itself. */
  wasSet(top: number): void {
    this.#top = top;
  }

  /** Whether the bar must be set anew for more short scrolls to be possible. */
  get isShortOfWay(): boolean {
    if (this.isExact) return false;
    const { viewPx } = this.#sizes;
    const way = Math.min(this.#top, this.#mostTop - this.#top);
    return way < viewPx && Math.abs(this.topPx - this.#top) > 1;
  }

  /** The bar was moved to `top` by the reader. Gives by how many pixels, about. */
  scrolled(top: number): number {
    const by = top - this.#top;
    this.#top = top;
    if (by === 0) return 0;
    if (this.isExact) this.#set(this.#moved({ line: 1, px: 0 }, top));
    else if (Math.abs(by) <= SHORT_VIEWS * this.#sizes.viewPx) this.#set(this.#moved(this.#place, by));
    else if (top >= this.#mostTop - 1) this.#set(this.#endPlace());
    else this.#set(this.#at((top / this.#mostTop) * this.#position(this.#endPlace())));
    return by;
  }

  moveBy(px: number): void {
    this.#set(this.#moved(this.#place, px));
  }

  goTo(place: Place): void {
    this.#set(place);
  }

  goToEnd(): void {
    this.#set(this.#endPlace());
  }

  /** Into the middle of the view, unless it is seen already. */
  reveal(line: number): void {
    if (this.isSeen(line)) return;
    const middle = (this.#sizes.viewPx - this.#heightOf(line)) / 2;
    this.#set(this.#moved({ line, px: 0 }, -Math.max(0, middle)));
  }

  /** Whole, or as much of it as the view has place for. */
  isSeen(line: number): boolean {
    const { line: first, px } = this.#place;
    if (line < first || (line === first && px > 0)) return false;
    const { viewPx } = this.#sizes;
    const above = this.#between(this.#place, { line, px: 0 }, viewPx);
    return above + Math.min(this.#heightOf(line), viewPx) <= viewPx + 1;
  }

  get isAtEnd(): boolean {
    return this.#between(this.#place, this.#endPlace(), END_PX + 1) <= END_PX;
  }

  /** First and last line that are in the view, if only in part. */
  get seen(): readonly [first: number, last: number] {
    const { lines, viewPx } = this.#sizes;
    const { line, px } = this.#moved(this.#place, viewPx);
    const last = px > 0 || line === this.#place.line ? line : line - 1;
    return [Math.min(this.#place.line, Math.max(1, lines)), Math.min(lines, Math.max(last, 1))];
  }

  /** Lines from number `from` on have others now, as lines before them came or went. */
  shift(from: number, by: number): void {
    this.#sizes = { ...this.#sizes, lines: Math.max(0, this.#sizes.lines + by) };
    const { line, px } = this.#place;
    this.#set(line >= from ? { line: Math.max(1, line + by), px } : { line, px });
  }

  /** The bar's place is that of the lines: it need not be set. */
  get isExact(): boolean {
    const { heightOf, lines, rowPx } = this.#sizes;
    return heightOf === undefined && lines * rowPx <= MOST_PX;
  }

  get #mostTop(): number {
    return Math.max(0, this.heightPx - this.#sizes.viewPx);
  }

  #heightOf(line: number): number {
    const { heightOf, rowPx } = this.#sizes;
    return heightOf?.(line) ?? rowPx;
  }

  #set(place: Place): void {
    const { lines } = this.#sizes;
    const line = Math.min(Math.max(1, place.line), Math.max(1, lines));
    const px = line === place.line ? Math.min(Math.max(0, place.px), this.#heightOf(line)) : 0;
    const end = this.#endPlace();
    this.#place = this.#isBehind({ line, px }, end) ? end : { line, px };
  }

  #isBehind(one: Place, other: Place): boolean {
    return one.line > other.line || (one.line === other.line && one.px > other.px);
  }

  /** The last one that there is: the last line is at the bottom. */
  #endPlace(): Place {
    const { lines, viewPx } = this.#sizes;
    let left = viewPx;
    for (let line = lines; line >= 1; line--) {
      const height = this.#heightOf(line);
      if (height >= left) return { line, px: height - left };
      left -= height;
    }
    return { line: 1, px: 0 };
  }

  /** By so many pixels on, or back. */
  #moved({ line, px }: Place, by: number): Place {
    const { heightOf, lines, rowPx } = this.#sizes;
    if (heightOf === undefined) {
      const all = Math.max(0, (line - 1) * rowPx + px + by);
      const at = Math.min(Math.floor(all / rowPx), Math.max(0, lines - 1));
      return { line: at + 1, px: all - at * rowPx };
    }
    let at = line;
    let rest = px + by;
    while (rest < 0 && at > 1) rest += this.#heightOf(--at);
    for (let height = this.#heightOf(at); rest >= height && at < lines; height = this.#heightOf(at)) {
      rest -= height;
      at++;
    }
    return { line: at, px: Math.max(0, rest) };
  }

  /** In lines and parts of lines from the first one on. */
  #position({ line, px }: Place): number {
    return line - 1 + px / Math.max(1, this.#heightOf(line));
  }

  #at(position: number): Place {
    const line = Math.min(Math.floor(position) + 1, Math.max(1, this.#sizes.lines));
    return { line, px: (position - line + 1) * this.#heightOf(line) };
  }

  #fromStart(place: Place, most: number): number {
    return this.#between({ line: 1, px: 0 }, place, most);
  }

  /** Pixels from one place to a later one, counted up to `most`; 0: it is not later. */
  #between(from: Place, to: Place, most: number): number {
    if (!this.#isBehind(to, from)) return 0;
    const { heightOf, rowPx } = this.#sizes;
    if (heightOf === undefined) return Math.min(most, (to.line - from.line) * rowPx + to.px - from.px);
    let px = to.px - from.px;
    for (let line = from.line; line < to.line && px < most; line++) px += this.#heightOf(line);
    return Math.min(most, px);
  }
}
