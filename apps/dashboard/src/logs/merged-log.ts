/**
 * Merged log: what all running steps write, in the order in which it comes. Begins with the last lines of each. Knows no server.
 *
 * Invariants:
 *  1. A line stands there once, whole, behind what was there when it ended; a line that has no end yet is held back.
 *  2. At most {@link MOST_MERGED} lines are held, of at most {@link MOST_MERGED_BYTES}: the first go, and the others have other numbers then.
 *  3. Colours of one step do not go on in another.
 */
import { ApiProblem, type LogSearchPage } from "heddle/client";
import { patternOf } from "./hit-search.ts";
import { keptLine, type KeptLine } from "./line-store.ts";
import { styleAfter } from "./line-styles.ts";
import type { LogSearchOptions, LogSource } from "./log-source.ts";
import type { MovedLines, ShownLog } from "./shown-log.ts";
import { PLAIN, type TextStyle } from "./text-style.ts";

export const MOST_MERGED = 20_000;
export const MOST_MERGED_BYTES = 8_000_000;
/** Of each step, at first. */
const FIRST_LINES = 20;
/** That go at once where there are too many. */
const GONE_AT_ONCE = 2000;
/** Characters of a line that has no end, after which it is taken for one. */
const LONGEST_OPEN = 65_536;

/** Which attempt of which step. */
export interface MergedStep {
  readonly step: string;
  readonly attempt: number;
}

export interface MergedLine extends KeptLine {
  readonly of: MergedStep;
  readonly style: TextStyle;
  /** Bytes of the log that are not here, in place of a line. */
  readonly skipped?: number;
}

interface Writer {
  readonly of: MergedStep;
  readonly stop: () => void;
  readonly decoder: TextDecoder;
  open: string;
  style: TextStyle;
  end: number;
}

export class MergedLog implements ShownLog {
  readonly #sourceOf: (of: MergedStep) => LogSource;
  /** Of each attempt that was followed ever: once it has ended, its lines do not come again. */
  readonly #writers = new Map<string, Writer | "opening" | "ended">();
  readonly #listeners = new Set<() => void>();
  readonly #movers = new Set<(moved: MovedLines) => void>();
  readonly #abort = new AbortController();
  #lines: MergedLine[] = [];
  #bytes = 0;

  constructor(sourceOf: (of: MergedStep) => LogSource) {
    this.#sourceOf = sourceOf;
  }

  get lines(): number {
    return this.#lines.length;
  }

  line(number: number): MergedLine | undefined {
    return this.#lines[number - 1];
  }

  styleBefore(line: number): TextStyle {
    return this.line(line)?.style ?? PLAIN;
  }

  isNumbered(): boolean {
    return false;
  }

  want(): void {
    // All are here.
  }

  async read(from: number, to: number): Promise<readonly string[]> {
    return this.#lines.slice(from - 1, to).map(({ text }) => text);
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onMoved(mover: (moved: MovedLines) => void): () => void {
    this.#movers.add(mover);
    return () => void this.#movers.delete(mover);
  }

  /** Those that run now. What others wrote stays; they are followed until they say that they have ended. */
  follow(steps: readonly MergedStep[]): void {
    for (const of of steps) {
      const key = keyOf(of);
      if (this.#writers.has(key)) continue;
      this.#writers.set(key, "opening");
      void this.#open(of);
    }
  }

  /** Looks through the lines that are here. Of texts alone: nothing bounds the time of a pattern here. */
  async search(text: string, { ignoreCase, limit, after = 0 }: LogSearchOptions): Promise<LogSearchPage> {
    const pattern = patternOf({ text, isPattern: false, ignoreCase });
    const hits: { line: number; offset: number; excerpt: string }[] = [];
    for (let at = after; pattern !== undefined && at < this.#lines.length; at++) {
      const line = this.#lines[at]?.text ?? "";
      pattern.lastIndex = 0;
      if (!pattern.test(line)) continue;
      hits.push({ line: at + 1, offset: at, excerpt: line.slice(0, 200) });
      if (hits.length === limit) return { hits, next: at + 1 };
    }
    return { hits };
  }

  close(): void {
    this.#abort.abort();
    for (const writer of this.#writers.values()) if (typeof writer !== "string") writer.stop();
    this.#listeners.clear();
    this.#movers.clear();
  }

  async #open(of: MergedStep): Promise<void> {
    const source = this.#sourceOf(of);
    // Where nothing is written yet, or nothing can be had, the stream says so.
    const page = await source.lines({ tail: FIRST_LINES, quick: true }, this.#abort.signal).catch((thrown: unknown) => {
      if (!(thrown instanceof ApiProblem) && !this.#abort.signal.aborted) throw thrown;
    });
    if (this.#abort.signal.aborted) return;
    const lines = page?.isOpen === true ? page.lines.slice(0, -1) : (page?.lines ?? []);
    const open = page?.isOpen === true ? (page.lines.at(-1) ?? "") : "";
    const writer = this.#begin({ of, source, end: page?.end ?? 0, open });
    this.#push(writer, lines);
  }

  #begin({
    of,
    source,
    end,
    open,
  }: {
    readonly of: MergedStep;
    readonly source: LogSource;
    readonly end: number;
    readonly open: string;
  }): Writer {
    const writer: Writer = {
      of,
      decoder: new TextDecoder(),
      open,
      style: PLAIN,
      end,
      stop: source.follow(end, {
        bytes: (offset, chunk) => this.#write(writer, offset, chunk),
        skipped: (offset) => this.#skip(writer, offset),
        reset: () => {
          writer.open = "";
          writer.end = 0;
        },
        ended: () => this.#end(writer),
      }),
    };
    this.#writers.set(keyOf(of), writer);
    return writer;
  }

  #write(writer: Writer, offset: number, chunk: Uint8Array): void {
    if (offset > writer.end) this.#skip(writer, offset);
    const fresh = chunk.subarray(Math.min(chunk.length, writer.end - offset));
    writer.end += fresh.length;
    const parts = (writer.open + writer.decoder.decode(fresh, { stream: true })).split("\n");
    writer.open = parts.pop() ?? "";
    if (writer.open.length > LONGEST_OPEN) {
      parts.push(writer.open);
      writer.open = "";
    }
    if (parts.length > 0) this.#push(writer, parts);
  }

  #skip(writer: Writer, to: number): void {
    if (to <= writer.end) return;
    const skipped = to - writer.end;
    writer.end = to;
    writer.open = "";
    writer.style = PLAIN;
    this.#add([{ text: "", cut: 0, of: writer.of, style: PLAIN, skipped }]);
  }

  #end(writer: Writer): void {
    writer.stop();
    if (writer.open !== "") this.#push(writer, [writer.open]);
    writer.open = "";
    this.#writers.set(keyOf(writer.of), "ended");
  }

  #push(writer: Writer, texts: readonly string[]): void {
    this.#add(
      texts.map((text) => {
        const line = { ...keptLine(text), of: writer.of, style: writer.style };
        writer.style = styleAfter(line.text, writer.style);
        return line;
      }),
    );
  }

  #add(lines: readonly MergedLine[]): void {
    // One by one: a call takes only so many arguments.
    for (const line of lines) {
      this.#lines.push(line);
      this.#bytes += line.text.length * 2 + 80;
    }
    let gone = 0;
    while (
      this.#lines.length - gone > MOST_MERGED ||
      (this.#bytes > MOST_MERGED_BYTES && gone < this.#lines.length - 1)
    )
      for (const until = Math.min(this.#lines.length - 1, gone + GONE_AT_ONCE); gone < until; gone++)
        this.#bytes -= (this.#lines[gone]?.text.length ?? 0) * 2 + 80;
    if (gone > 0) {
      this.#lines = this.#lines.slice(gone);
      for (const mover of this.#movers) mover({ from: 1, by: -gone });
    }
    for (const listener of this.#listeners) listener();
  }
}

function keyOf({ step, attempt }: MergedStep): string {
  return `${attempt}/${step}`;
}
