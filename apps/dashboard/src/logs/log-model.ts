/**
 * Log model: an attempt's log of any size, of which the page holds what is looked at. Lines come in pages when they are wanted, and
 * those that are written behind the last one as they are written. Knows no DOM.
 *
 * Invariants:
 *  1. A line has the number that it has in the file, but for the last ones of a log that is not counted yet: those have a guess, and
 *     {@link LogModel.onMoved} says by how much it was wrong.
 *  2. While the log is followed, the last line and what comes behind it are told by the stream alone: an answer of the server, which may
 *     be ahead of it, never puts the same text there twice.
 *  3. At most {@link MOST_ASKED} requests for lines are under way; what is not wanted any more is not asked for.
 *  4. What was shown stays when the server cannot be reached; it is asked again.
 */
import { ApiProblem, type LogPage } from "heddle/client";
import { askAgain } from "./ask-again.ts";
import { keptLine, LineStore, type KeptLine, type LineStoreSizes } from "./line-store.ts";
import { LineStyles } from "./line-styles.ts";
import type { LogSource } from "./log-source.ts";
import type { MovedLines, ShownLog } from "./shown-log.ts";
import { PLAIN, type TextStyle } from "./text-style.ts";

export type LogStatus =
  | { readonly tag: "opening" }
  | { readonly tag: "ready" }
  /** The attempt has written nothing, or its log was removed. */
  | { readonly tag: "none"; readonly hint: string }
  | { readonly tag: "problem"; readonly detail: string; readonly hint: string };

/** What is known of the log; another object after each change. */
export interface LogState {
  readonly status: LogStatus;
  readonly lines: number;
  readonly bytes: number;
  /** `lines` is one. */
  readonly isGuess: boolean;
  /** More may be written. */
  readonly isLive: boolean;
  /** The last request got no answer. */
  readonly isOffline: boolean;
}

export interface LogModelOptions {
  readonly source: LogSource;
  /** Whether more may be written. */
  readonly isLive: boolean;
  readonly after: (delayMs: number, fire: () => void) => () => void;
  readonly sizes?: Partial<LineStoreSizes>;
  /** Last lines that are read at once. */
  readonly tailLines?: number;
}

export const TAIL_LINES = 256;
const MOST_ASKED = 2;
/** Beside what is wanted, in lines. */
const AHEAD = 128;
/** Of a log that grows faster than it can be followed, how often its end is looked at. */
const RESYNC_MS = 250;

export class LogModel implements ShownLog {
  readonly #source: LogSource;
  readonly #after: LogModelOptions["after"];
  readonly #tailLines: number;
  readonly #store: LineStore;
  readonly #styles: LineStyles = new LineStyles(this);
  readonly #listeners = new Set<() => void>();
  readonly #movers = new Set<(moved: MovedLines) => void>();
  readonly #abort = new AbortController();
  #state: LogState;
  /** The last lines, while their numbers are guesses. */
  #guessed: { readonly from: number; readonly lines: readonly KeptLine[] } | undefined;
  /** The byte behind what is known. */
  #end = 0;
  /** The last line has no line break yet. */
  #isOpen = false;
  #decoder = new TextDecoder();
  #stopFollowing: (() => void) | undefined;
  /** The end of the log is read: what the stream says meanwhile is behind it, or in it. */
  #isSyncing = false;
  /** The end was read a moment ago. */
  #isResting = false;
  /** And is to be read again. */
  #isBehind = false;
  #wanted: { readonly from: number; readonly to: number } | undefined;
  /** First lines of what is asked for. */
  readonly #asked = new Set<number>();
  /** Lines that were asked for since something else was wanted: if they are not here, there is no room, or they are not to be had. */
  readonly #askedOnce = new Set<number>();

  constructor({ source, isLive, after, sizes, tailLines = TAIL_LINES }: LogModelOptions) {
    this.#source = source;
    this.#tailLines = tailLines;
    this.#after = after;
    this.#store = new LineStore(sizes);
    this.#state = { status: { tag: "opening" }, lines: 0, bytes: 0, isGuess: false, isLive, isOffline: false };
    void this.#sync();
  }

  get lines(): number {
    return this.#state.lines;
  }

  get state(): LogState {
    return this.#state;
  }

  /** Called after each change of the state, and when lines came. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onMoved(mover: (moved: MovedLines) => void): () => void {
    this.#movers.add(mover);
    return () => void this.#movers.delete(mover);
  }

  line(number: number): KeptLine | undefined {
    const guessed = this.#guessed;
    if (guessed !== undefined && number >= guessed.from) return guessed.lines[number - guessed.from];
    return this.#store.get(number);
  }

  isNumbered(line: number): boolean {
    return this.#guessed === undefined || line < this.#guessed.from;
  }

  styleBefore(line: number): TextStyle {
    return this.isNumbered(line) ? this.#styles.before(line) : PLAIN;
  }

  pageOf(line: number): number {
    return this.#store.pageOf(line);
  }

  get pageLines(): number {
    return this.#store.pageLines;
  }

  /** Another one when lines of the page have changed; `undefined`: none of them is here. */
  versionOf(page: number): number | undefined {
    return this.#store.versionOf(page);
  }

  /** And what is near it; what was wanted before and is not asked for yet is not read. */
  want(from: number, to: number): void {
    if (this.#wanted?.from !== from || this.#wanted.to !== to) this.#askedOnce.clear();
    this.#wanted = { from, to };
    this.#store.wanted = [from, to];
    this.#ask();
  }

  async read(from: number, to: number, signal: AbortSignal): Promise<readonly string[]> {
    const lines: string[] = [];
    for (let next: number | undefined = from; next !== undefined && next <= to;) {
      const held = this.line(next);
      if (held !== undefined && held.cut === 0) {
        lines.push(held.text);
        next++;
        continue;
      }
      const page: LogPage = await this.#source.lines({ from: next, limit: Math.min(2000, to - next + 1) }, signal);
      lines.push(...page.lines);
      if (page.lines.length === 0) break;
      next = page.next;
    }
    return lines;
  }

  /** All that will be is written. */
  end(): void {
    if (!this.#state.isLive) return;
    this.#stopFollowing?.();
    this.#stopFollowing = undefined;
    this.#set({ isLive: false });
    void this.#sync();
  }

  close(): void {
    this.#abort.abort();
    this.#stopFollowing?.();
    this.#listeners.clear();
    this.#movers.clear();
  }

  /** Reads the end of the log, until its lines are counted; then what comes behind it is followed. */
  async #sync(): Promise<void> {
    if (this.#isSyncing) return;
    this.#isSyncing = true;
    this.#isBehind = false;
    for (let isCounted = false; !isCounted;) {
      const page = await this.#answerOf((signal) => this.#source.lines({ tail: this.#tailLines, quick: true }, signal));
      if (page === undefined) return;
      isCounted = page.isGuess !== true;
      this.#takeEnd(page);
    }
    this.#isSyncing = false;
    if (this.#state.isLive) this.#follow();
    this.#ask();
  }

  #takeEnd(page: LogPage): void {
    const { from, isGuess = false, totalLines, totalBytes } = page;
    const lines = page.lines.map((line) => keptLine(line));
    const before = this.#guessed;
    // Cut off, or written anew.
    if (totalBytes < this.#end) this.#store.clear();
    // It may have been told only in part.
    if (this.#isOpen) this.#store.drop(this.#state.lines);
    if (isGuess) this.#guessed = { from, lines };
    else {
      this.#guessed = undefined;
      this.#store.pinned = totalLines;
      this.#store.put(from, lines);
    }
    this.#end = page.end;
    this.#isOpen = page.isOpen === true;
    this.#decoder = new TextDecoder();
    const moved = totalLines - this.#state.lines;
    this.#set({ status: { tag: "ready" }, lines: totalLines, bytes: totalBytes, isGuess });
    if (before !== undefined && moved !== 0) for (const mover of this.#movers) mover({ from: before.from, by: moved });
  }

  #follow(): void {
    this.#stopFollowing ??= this.#source.follow(this.#end, {
      bytes: (offset, chunk) => this.#append(offset, chunk),
      skipped: (offset) => {
        if (offset > this.#end) this.#resync();
      },
      reset: () => this.#reset(),
      ended: () => this.end(),
    });
  }

  #reset(): void {
    this.#store.clear();
    this.#end = 0;
    this.#isOpen = false;
    this.#decoder = new TextDecoder();
    this.#set({ lines: 0, bytes: 0 });
  }

  #append(offset: number, chunk: Uint8Array): void {
    if (this.#isSyncing) return;
    if (offset > this.#end) return this.#resync();
    const fresh = chunk.subarray(Math.min(chunk.length, this.#end - offset));
    if (fresh.length === 0) return;
    this.#end += fresh.length;
    const { lines: total } = this.#state;
    const open = this.#isOpen ? this.#store.get(total) : undefined;
    const parts = ((open?.text ?? "") + this.#decoder.decode(fresh, { stream: true })).split("\n");
    const rest = parts.at(-1) === "" ? parts.pop() : undefined;
    const first = this.#isOpen ? total : total + 1;
    const last = first + parts.length - 1;
    this.#store.pinned = last;
    this.#store.put(
      first,
      parts.map((part, at) => keptLine(part, at === 0 ? open?.cut : 0)),
    );
    this.#isOpen = rest === undefined;
    this.#set({ status: { tag: "ready" }, lines: last, bytes: Math.max(this.#state.bytes, this.#end) });
  }

  /** Not at once where the end was read a moment ago: of a log that fast nobody reads every line as it comes. */
  #resync(): void {
    if (this.#isResting) {
      this.#isBehind = true;
      return;
    }
    this.#isResting = true;
    this.#after(RESYNC_MS, () => {
      this.#isResting = false;
      if (this.#isBehind) this.#resync();
    });
    void this.#sync();
  }

  #ask(): void {
    if (this.#wanted === undefined || this.#state.status.tag !== "ready") return;
    const { from, to } = this.#wanted;
    this.#askFor(from, to);
    if (this.#asked.size === 0 && this.#store.hasRoomFor(2 * AHEAD)) this.#askFor(from - AHEAD, to + AHEAD);
  }

  #askFor(from: number, to: number): void {
    while (this.#asked.size < MOST_ASKED) {
      const missing = this.#missing(Math.max(1, from), Math.min(to, this.#lastToAsk()));
      if (missing === undefined) return;
      void this.#read(missing);
    }
  }

  /** Lines whose numbers are guesses are here already; what is behind them is told by the stream. */
  #lastToAsk(): number {
    return this.#guessed === undefined ? this.#state.lines : this.#guessed.from - 1;
  }

  /** A line that is not here and not asked for. */
  #missing(from: number, to: number): number | undefined {
    for (let line = this.#store.missing(from, to); line !== undefined; line = this.#store.missing(line, to)) {
      const page = this.pageOf(line);
      const isAsked = [...this.#asked].some((asked) => this.pageOf(asked) === page);
      if (!isAsked && !this.#askedOnce.has(line)) return line;
      line = (page + 1) * this.pageLines + 1;
    }
    return undefined;
  }

  async #read(missing: number): Promise<void> {
    const pageStart = this.pageOf(missing) * this.pageLines + 1;
    // A page is read whole, or from the line on that did not fit into the answer before.
    const from = this.#store.missing(pageStart, missing) ?? missing;
    this.#asked.add(from);
    this.#askedOnce.add(missing);
    const limit = pageStart + this.pageLines - from;
    // How many there are is asked for by itself: of a large log these lines are here long before all of it is counted.
    const page = await this.#answerOf((signal) => this.#source.lines({ from, limit, quick: true }, signal));
    this.#asked.delete(from);
    if (page === undefined) return;
    // The stream tells the rest of a last line, and what comes behind it.
    const { isLive, lines: total } = this.#state;
    const last = isLive && this.#guessed === undefined ? total - Number(this.#isOpen) : Number.POSITIVE_INFINITY;
    const lines = page.lines.slice(0, Math.max(0, last - from + 1)).map((line) => keptLine(line));
    if (page.isCut === true && lines[0] !== undefined) lines[0] = { ...lines[0], cut: Math.max(1, lines[0].cut) };
    this.#store.put(page.from, lines);
    // Fewer than were counted: the log was cut off, or removed and written anew.
    if (page.lines.length === 0 && this.#guessed === undefined) return this.#resync();
    this.#changed();
    this.#ask();
  }

  /** The answer, however often it takes; `undefined`: there will be none. */
  async #answerOf<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    try {
      return await askAgain(ask, {
        signal: this.#abort.signal,
        after: this.#after,
        onOffline: (isOffline) => (isOffline === this.#state.isOffline ? undefined : this.#set({ isOffline })),
      });
    } catch (thrown) {
      if (!(thrown instanceof ApiProblem)) throw thrown;
      this.#refused(thrown);
      return undefined;
    }
  }

  #refused({ code, detail, hint = "" }: ApiProblem): void {
    this.#isSyncing = false;
    const status: LogStatus = code === "no-log" ? { tag: "none", hint } : { tag: "problem", detail, hint };
    this.#set({ status, isOffline: false });
    // It may begin.
    if (status.tag === "none" && this.#state.isLive) this.#follow();
  }

  #set(changes: Partial<LogState>): void {
    this.#state = { ...this.#state, ...changes };
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
