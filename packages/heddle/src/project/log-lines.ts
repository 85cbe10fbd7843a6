/**
 * Log reader: reads a log file as lines, one piece at a time, whatever its size and the length of its lines.
 *
 * Invariants:
 *  1. At most {@link PIECE} bytes of the log are in memory.
 *  2. A line is given once, when its end is written or `final` says that nothing more will be; a longer one than a piece comes in
 *     several calls in a row, with no line break between.
 */
import { closeSync, fstatSync, readSync } from "node:fs";
import { openPlainToRead, plainFileProblem, readPlainEnd } from "../files/plain-file.ts";

const PIECE = 65_536;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const ESCAPE = 0x1b;
/** The longest escape sequence that is not cut in two. */
const LONGEST_SEQUENCE = 1024;

/** Lines of a log that follow each other. */
export interface LogLines {
  readonly lines: readonly string[];
  /** The last one goes on in what is given next. */
  readonly isOpen: boolean;
}

/** Where a reader is in a log that may still grow. */
export class LogCursor {
  readonly path: string;
  #offset: number;
  /** No line ends between {@link #offset} and here. */
  #searched = 0;
  /** The line that is longer than a piece is whole: it is given to its end. */
  #isWhole = false;

  constructor(path: string, offset = 0) {
    this.path = path;
    this.#offset = offset;
  }

  /** The next lines, or `undefined` where there are none (yet). `final`: nothing more will be written. */
  next(final: boolean): LogLines | undefined {
    for (;;) {
      const piece = readPiece(this.path, this.#offset, PIECE);
      if (piece === undefined || piece.length === 0) return undefined;
      const lineEnd = piece.lastIndexOf(NEWLINE);
      if (lineEnd !== -1) {
        this.#isWhole = false;
        // What follows the last line break is read again: it is a line that is not whole, or goes on behind the piece.
        const isLast = final && piece.length < PIECE && lineEnd + 1 < piece.length;
        return this.#take(piece, isLast ? piece.length : lineEnd + 1, false);
      }
      if (piece.length < PIECE) return final ? this.#take(piece, piece.length, false) : undefined;
      if (!final && !this.#isWhole && !this.#findLineEnd()) return undefined;
      this.#isWhole = true;
      const overwritten = piece.lastIndexOf(RETURN, piece.length - 2);
      if (overwritten === -1) return this.#take(piece, openEnd(piece), true);
      // Only the last state of a line that is written over and over is shown.
      this.#offset += overwritten + 1;
    }
  }

  #take(piece: Buffer, end: number, isOpen: boolean): LogLines {
    this.#offset += end;
    const text = piece.toString("utf8", 0, piece[end - 1] === NEWLINE ? end - 1 : end);
    return { lines: text.split("\n"), isOpen };
  }

  /** Whether the line that begins at the cursor, or before it, has ended. Looks at each byte once. */
  #findLineEnd(): boolean {
    this.#searched = Math.max(this.#searched, this.#offset);
    for (;;) {
      const piece = readPiece(this.path, this.#searched, PIECE);
      if (piece === undefined || piece.length === 0) return false;
      if (piece.includes(NEWLINE)) return true;
      this.#searched += piece.length;
    }
  }
}

/** The end of the last whole character, before an escape sequence that may go on. */
function openEnd(piece: Buffer): number {
  const escape = piece.lastIndexOf(ESCAPE);
  if (escape > piece.length - LONGEST_SEQUENCE) return escape;
  return piece.at(-1) === RETURN ? piece.length - 1 : characterBoundary(piece);
}

/** The last `count` lines of a log, at most `bytes` of them, and of a longer line its end; empty if there is no log. */
export function lastLines(path: string, count: number, bytes = 16_384): readonly string[] {
  const read = readPlainEnd(path, bytes);
  if (read === undefined || read.end.length === 0) return [];
  const lines = read.end.toString("utf8").replace(/\n+$/, "").split("\n");
  if (read.isAll) return lines.slice(-count);
  const [cutLine = "", ...whole] = lines;
  // It may begin in the middle of a character.
  return whole.length === 0 ? [`…${cutLine.replace(/^\ufffd+/, "")}`] : whole.slice(-count);
}

/** What stands in the place of a log instead, to follow its name; `undefined`: a log, or nothing. */
export function logProblem(path: string): string | undefined {
  return plainFileProblem(path);
}

export function sizeOf(path: string): number {
  return withFile(path, (file) => fstatSync(file).size) ?? 0;
}

/** Shorter than asked only at the file's end: the system may return less at a time, and half a line is not a line. */
function readPiece(path: string, offset: number, length: number): Buffer | undefined {
  return withFile(path, (file) => {
    const piece = Buffer.allocUnsafe(length);
    let filled = 0;
    for (let got = -1; got !== 0 && filled < length; filled += got) {
      got = readSync(file, piece, filled, length - filled, offset + filled);
    }
    return piece.subarray(0, filled);
  });
}

/** `undefined` where the file cannot be read: a log that is not there yet, or was removed, has nothing to show. */
function withFile<T>(path: string, use: (file: number) => T): T | undefined {
  const opened = openPlainToRead(path);
  const file = opened.ok ? opened.value : undefined;
  if (file === undefined) return undefined;
  try {
    return use(file);
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** The end of the last whole UTF-8 character. */
function characterBoundary(piece: Buffer): number {
  for (let end = piece.length; end > piece.length - 4; end--) {
    const byte = piece[end - 1] ?? 0;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return end - 1;
  }
  return piece.length;
}
