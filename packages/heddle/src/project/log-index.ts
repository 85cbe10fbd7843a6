/**
 * Log index: finds lines of a log by their number without reading it from its beginning each time. Remembers where each
 * 256th line begins, as far as it has looked; a log that grows is looked at further. In memory alone.
 *
 * Invariants:
 *  1. Lines count from 1. A line ends with a line break; what follows the last one is a line if it is not empty.
 *  2. At most {@link LogIndexSizes.most} places are remembered: with more, every other one is forgotten, and the distance is twice as long.
 *  3. A file that was replaced or cut off is looked at anew.
 *  4. Between two pieces the thread is free.
 *  5. Whoever cannot wait says how many pieces are looked at for them: the number of lines is a guess until all was.
 */
import { closeSync, fstatSync, read } from "node:fs";
import { promisify } from "node:util";
import { UsedLast } from "../base/used-last.ts";
import { openPlainToRead } from "../files/plain-file.ts";

const readAt = promisify(read);
const NEWLINE = 0x0a;

export interface LogIndexSizes {
  /** Bytes read at once. */
  readonly piece: number;
  /** Lines from one remembered place to the next, at first. */
  readonly every: number;
  /** Remembered places. */
  readonly most: number;
  /** Bytes of what {@link LogIndex.lines} gives. */
  readonly given: number;
}

/** For a log of 1 GB with lines of 100 bytes: 40,000 places, 320 KB. */
const SIZES: LogIndexSizes = { piece: 1024 * 1024, every: 256, most: 65_536, given: 1024 * 1024 };

/** Lines of a log that follow each other. */
export interface LogRange {
  /** Number of the first one. */
  readonly from: number;
  /** Fewer than asked for at the end of the log, and where they are too long for one answer. */
  readonly lines: readonly string[];
  /** Where the first one begins, in bytes. */
  readonly offset: number;
  /** The byte behind the last one given, with its line break. */
  readonly end: number;
  /** The only line goes on behind `end`: it is longer than an answer. */
  readonly isCut: boolean;
  /** The last one has no line break yet: what is written next goes on in it. */
  readonly isOpen: boolean;
}

export interface LogSize {
  readonly bytes: number;
  readonly lines: number;
  /** Not all was looked at yet: `lines` follows from what was. */
  readonly isGuess?: true;
}

/** The end of a log. */
export interface LogEnd {
  readonly size: LogSize;
  /** Its `from` is a guess where the number of lines is one. `isCut`: the only line is longer than an answer, and begins before `offset`. */
  readonly range: LogRange;
}

/** A log that is open to be read; the error says what is wrong with its path, to follow its name. `undefined`: there is none. */
export async function withLog<T>(path: string, use: (file: number) => Promise<T>): Promise<T | undefined> {
  const opened = openPlainToRead(path);
  if (!opened.ok || opened.value === undefined) return undefined;
  try {
    return await use(opened.value);
  } finally {
    closeSync(opened.value);
  }
}

/** Of an open file, into `piece`; shorter than asked for at its end alone. */
export async function readLogPiece(
  file: number,
  offset: number,
  length: number,
  piece: Buffer = Buffer.allocUnsafe(length),
): Promise<Buffer> {
  let filled = 0;
  for (let got = -1; got !== 0 && filled < length; filled += got)
    got = (await readAt(file, piece, filled, length - filled, offset + filled)).bytesRead;
  return piece.subarray(0, filled);
}

export class LogIndex {
  readonly path: string;
  readonly #sizes: LogIndexSizes;
  #identity = "";
  #every: number;
  /** `#places[n]`: where line `n * #every + 1` begins. */
  #places: number[] = [0];
  /** Bytes looked at. */
  #seen = 0;
  /** Line breaks in them. */
  #breaks = 0;
  /** Behind the last line break. */
  #lastBreak = 0;
  /** The look that is under way: of all who wait for a line one reads. */
  #look: Promise<boolean> | undefined;

  constructor(path: string, sizes: Partial<LogIndexSizes> = {}) {
    this.path = path;
    this.#sizes = { ...SIZES, ...sizes };
    this.#every = this.#sizes.every;
  }

  /** How much is in it now; `undefined`: there is no log. `pieces`: at most so many are looked at; default: all. */
  async size(pieces: number = Number.POSITIVE_INFINITY): Promise<LogSize | undefined> {
    return withLog(this.path, async (file) => {
      this.#checkIdentity(file);
      return this.#sizeOf(file, pieces);
    });
  }

  /** The last `count` lines, fewer where they are too long for one answer; `undefined`: there is no log. `pieces`: as of {@link size}. */
  async last(count: number, pieces: number = Number.POSITIVE_INFINITY): Promise<LogEnd | undefined> {
    return withLog(this.path, async (file) => {
      this.#checkIdentity(file);
      const size = await this.#sizeOf(file, pieces);
      return { size, range: await this.#lastLines(file, count, size) };
    });
  }

  /** Lines `from` to `to`, as far as there are; `undefined`: there is no log. */
  async lines(from: number, to: number): Promise<LogRange | undefined> {
    return withLog(this.path, async (file) => {
      this.#checkIdentity(file);
      const buffer = Buffer.allocUnsafe(this.#sizes.piece);
      while (this.#breaks < from && (await this.#lookFurther(file, buffer)));
      return await this.#range(file, from, to);
    });
  }

  /** The number of the line that the byte at `offset` is in; `undefined`: there is no log. */
  async lineAt(offset: number): Promise<number | undefined> {
    return withLog(this.path, async (file) => {
      this.#checkIdentity(file);
      const buffer = Buffer.allocUnsafe(this.#sizes.piece);
      while (this.#seen < offset && (await this.#lookFurther(file, buffer)));
      const after = this.#places.findIndex((place) => place > offset);
      const known = (after === -1 ? this.#places.length : after) - 1;
      let line = known * this.#every + 1;
      for (let at = this.#places[known] ?? 0; at < offset;) {
        const piece = await readLogPiece(file, at, Math.min(this.#sizes.piece, offset - at));
        if (piece.length === 0) break;
        line += countBreaks(piece, piece.length);
        at += piece.length;
      }
      return line;
    });
  }

  #checkIdentity(file: number): void {
    const { dev, ino, size } = fstatSync(file);
    const identity = `${dev}:${ino}`;
    if (identity === this.#identity && size >= this.#seen) return;
    this.#identity = identity;
    this.#every = this.#sizes.every;
    this.#places = [0];
    this.#seen = 0;
    this.#breaks = 0;
    this.#lastBreak = 0;
    this.#look = undefined;
  }

  /** Whether all of the first `bytes` bytes was looked at. */
  covers(bytes: number): boolean {
    return this.#seen >= bytes;
  }

  async #sizeOf(file: number, pieces: number): Promise<LogSize> {
    const buffer = Buffer.allocUnsafe(this.#sizes.piece);
    let isAll = false;
    for (let looks = 0; !isAll && looks < pieces; looks++) isAll = !(await this.#lookFurther(file, buffer));
    const { size: bytes } = fstatSync(file);
    if (isAll || this.#seen >= bytes)
      return { bytes: this.#seen, lines: this.#breaks + (this.#seen > this.#lastBreak ? 1 : 0) };
    const lines = this.#seen === 0 ? 1 : Math.ceil((this.#breaks / this.#seen) * bytes);
    return { bytes, lines: Math.max(1, lines), isGuess: true };
  }

  /** Read from its end: no place in it has to be known. */
  async #lastLines(file: number, count: number, { bytes, lines: total }: LogSize): Promise<LogRange> {
    const start = Math.max(0, bytes - this.#sizes.given);
    const piece = await readLogPiece(file, start, bytes - start);
    const end = start + piece.length;
    let at = piece.length;
    let found = 0;
    while (at > 0 && found < count) {
      // The line break that ends the line is not the one before it.
      const before = at === 1 ? -1 : piece.lastIndexOf(NEWLINE, at - 2);
      if (before === -1 && start > 0) break;
      at = before + 1;
      found++;
    }
    const isCut = found === 0 && piece.length > 0 && count > 0;
    if (isCut)
      at = Math.max(
        0,
        piece.findIndex((byte) => (byte & 0xc0) !== 0x80),
      );
    const isOpen = piece.length > 0 && piece.at(-1) !== NEWLINE;
    const text = piece.toString("utf8", at, isOpen ? piece.length : piece.length - 1);
    const lines = at === piece.length ? [] : text.split("\n");
    return { from: Math.max(1, total - lines.length + 1), lines, offset: start + at, end, isCut, isOpen };
  }

  /** `false`: there is no more for now. */
  #lookFurther(file: number, buffer: Buffer): Promise<boolean> {
    const look = (this.#look ??= this.#lookAtPiece(file, buffer).finally(() => {
      if (this.#look === look) this.#look = undefined;
    }));
    return look;
  }

  async #lookAtPiece(file: number, buffer: Buffer): Promise<boolean> {
    const [offset, places] = [this.#seen, this.#places];
    const piece = await readLogPiece(file, offset, this.#sizes.piece, buffer);
    // Looked at anew meanwhile: what was read is of another file.
    if (this.#places !== places || this.#seen !== offset) return true;
    for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, at + 1)) {
      this.#breaks++;
      this.#lastBreak = offset + at + 1;
      if (this.#breaks % this.#every === 0) this.#remember(this.#lastBreak);
    }
    this.#seen = offset + piece.length;
    return piece.length > 0;
  }

  #remember(place: number): void {
    this.#places.push(place);
    if (this.#places.length <= this.#sizes.most) return;
    this.#every *= 2;
    // In place: a look that is under way sees a new list as a new file.
    const kept = this.#places.filter((_, index) => index % 2 === 0);
    this.#places.splice(0, this.#places.length, ...kept);
  }

  async #range(file: number, from: number, to: number): Promise<LogRange> {
    const known = Math.min(Math.floor((from - 1) / this.#every), this.#places.length - 1);
    const start = await this.#startOf(file, from, known);
    if (start === undefined)
      return { from, lines: [], offset: this.#seen, end: this.#seen, isCut: false, isOpen: false };
    const most = this.#sizes.given;
    const wanted = Math.max(0, to - from + 1);
    const bytes = await readLogPiece(file, start, most);
    const isAll = bytes.length < most;
    const lines: string[] = [];
    let at = 0;
    while (lines.length < wanted && at < bytes.length) {
      const lineBreak = bytes.indexOf(NEWLINE, at);
      // The last line of the log may have no line break; one that is longer than the answer is its only line.
      if (lineBreak === -1 && !isAll && lines.length > 0) break;
      const end = lineBreak === -1 ? bytes.length : lineBreak;
      lines.push(bytes.toString("utf8", at, end));
      at = lineBreak === -1 ? end : end + 1;
      if (lineBreak === -1) return { from, lines, offset: start, end: start + at, isCut: !isAll, isOpen: isAll };
    }
    return { from, lines, offset: start, end: start + at, isCut: false, isOpen: false };
  }

  /** Where line `from` begins; `undefined`: there is no such line. */
  async #startOf(file: number, from: number, known: number): Promise<number | undefined> {
    let left = from - 1 - known * this.#every;
    let at = this.#places[known] ?? 0;
    while (left > 0) {
      const piece = await readLogPiece(file, at, this.#sizes.piece);
      if (piece.length === 0) return undefined;
      let end = piece.length;
      for (let found = piece.indexOf(NEWLINE); found !== -1; found = piece.indexOf(NEWLINE, found + 1)) {
        if (--left > 0) continue;
        end = found + 1;
        break;
      }
      at += end;
    }
    return at;
  }
}

/** Line breaks before `end`. */
export function countBreaks(piece: Buffer, end: number, from = 0): number {
  let count = 0;
  for (let at = piece.indexOf(NEWLINE, from); at !== -1 && at < end; at = piece.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

/** Indexes of the logs that were looked at last. */
export class LogIndexes {
  readonly #indexes: UsedLast<string, LogIndex>;

  constructor(most = 64) {
    this.#indexes = new UsedLast(most);
  }

  of(path: string): LogIndex {
    const index = this.#indexes.get(path) ?? new LogIndex(path);
    this.#indexes.set(path, index);
    return index;
  }
}
