/** Log reader: reads a log file as lines, one piece at a time, whatever its size and the length of its lines. */
import { closeSync, fstatSync, readSync } from "node:fs";
import { openPlainToRead, plainFileProblem, readPlainEnd } from "../files/plain-file.ts";

const PIECE = 65_536;
const NEWLINE = 0x0a;

/** Where a reader is in a log that may still grow. */
export class LogCursor {
  readonly path: string;
  #offset: number;

  constructor(path: string, offset = 0) {
    this.path = path;
    this.#offset = offset;
  }

  /**
   * The next lines, or `undefined` where there are none (yet). A line without its end is given only when `final`, or when it is
   * longer than a piece.
   */
  next(final: boolean): readonly string[] | undefined {
    const piece = readPiece(this.path, this.#offset, PIECE);
    if (piece === undefined || piece.length === 0) return undefined;
    const lastBreak = piece.lastIndexOf(NEWLINE);
    let end = lastBreak + 1;
    if (end === 0 && (piece.length === PIECE || final)) end = piece.length;
    else if (final && piece.length < PIECE) end = piece.length;
    if (end === piece.length && end === PIECE && piece[end - 1] !== NEWLINE) end = characterBoundary(piece);
    if (end === 0) return undefined;
    this.#offset += end;
    const text = piece.toString("utf8", 0, piece[end - 1] === NEWLINE ? end - 1 : end);
    return text.split("\n");
  }
}

/** The last `count` lines of a log, at most 16 KB of them; empty if there is no log. */
export function lastLines(path: string, count: number): readonly string[] {
  const read = readPlainEnd(path, 16_384);
  if (read === undefined || read.end.length === 0) return [];
  const lines = read.end.toString("utf8").replace(/\n+$/, "").split("\n");
  if (!read.isAll) lines.shift();
  return lines.slice(-count);
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
