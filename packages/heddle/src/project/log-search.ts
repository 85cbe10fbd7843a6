/**
 * Log search: looks for a text or a pattern in a whole log, one piece at a time, for a bounded time; says where to go on.
 *
 * Invariants:
 *  1. The first hit of each line is given, in the order of the file, once; of a line that is longer than a piece, once for each search.
 *  2. A pattern takes a bounded time for each line: one whose time could grow faster is refused, and of a line that is
 *     longer than its bound the beginning is searched.
 *  3. Between two pieces the thread is free.
 */
import { closeSync, fstatSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { openPlainToRead } from "../files/plain-file.ts";
import { isSafePattern, repeatsOf } from "../plan/expression/safe-pattern.ts";
import { countBreaks, type LogIndex, readLogPiece } from "./log-index.ts";

export interface LogQuery {
  /** What is looked for, at most {@link LONGEST_QUERY} characters. */
  readonly text: string;
  /** `text` is a regular expression for one line. */
  readonly isPattern?: boolean;
  readonly ignoreCase?: boolean;
  /** At most so many hits; default and most: {@link MOST_HITS}. */
  readonly limit?: number;
  /** {@link LogHits.next} of the search before; absent: from the beginning. */
  readonly after?: number;
}

export interface LogHit {
  /** From 1. */
  readonly line: number;
  /** Where the hit begins in the file, in bytes. */
  readonly offset: number;
  /** The hit with what is around it in its line. */
  readonly excerpt: string;
}

export interface LogHits {
  readonly hits: readonly LogHit[];
  /** Where to go on, in bytes: the limit or the time came before the end of the log. Absent: all of it was searched. */
  readonly next?: number;
}

export const SEARCH_MS = 2000;
export const MOST_HITS = 1000;
export const LONGEST_QUERY = 500;
/** Characters of an excerpt, about. */
const EXCERPT = 200;
/** Of an excerpt, before the hit. */
const BEFORE = 60;
/** Steps that the engine of patterns may take for one line, about: a fifth of a second. */
const MOST_STEPS = 2e8;
const MOST_REPEATS = 3;
const NEWLINE = 0x0a;

export interface LogSearchPorts {
  readonly clock: Pick<Clock, "now">;
  /** Bytes read at once; default 1 MiB. */
  readonly piece?: number;
}

/** Where in a line, in bytes; -1: nowhere. */
type Finder = (line: Buffer) => number;

/** `undefined`: there is no log. */
export async function searchLog(
  { clock, piece = 1024 * 1024 }: LogSearchPorts,
  index: LogIndex,
  query: LogQuery,
): Promise<Result<LogHits | undefined, Problem>> {
  const problem = queryProblem(query);
  if (problem !== undefined) return err(problem);
  const opened = openPlainToRead(index.path);
  if (!opened.ok || opened.value === undefined) return ok(undefined);
  const file = opened.value;
  const until = clock.now() + SEARCH_MS;
  // What is looked for lies in one piece, or at the end of one and the beginning of the next.
  const pieceSize = Math.max(piece, 2 * Buffer.byteLength(query.text));
  const limit = Math.min(query.limit ?? MOST_HITS, MOST_HITS);
  const search = new LineSearch(query, limit);
  try {
    let offset = query.after ?? 0;
    // Where the index knows all lines, none is counted in pieces without a hit.
    search.isCounting = !index.covers(fstatSync(file).size);
    search.line = offset === 0 ? 1 : ((await index.lineAt(offset)) ?? 1);
    const buffer = Buffer.allocUnsafe(pieceSize);
    for (;;) {
      const bytes = await readLogPiece(file, offset, pieceSize, buffer);
      const isLast = bytes.length < pieceSize;
      const before = search.hits.length;
      const used = search.take(bytes, offset, isLast);
      if (!search.isCounting && search.hits.length > before)
        search.renumber(before, ((await index.lineAt(offset)) ?? 1) - search.line);
      offset += used;
      if (search.hits.length >= limit || clock.now() >= until) return ok({ hits: search.hits, next: offset });
      if (isLast) return ok({ hits: search.hits });
    }
  } finally {
    closeSync(file);
  }
}

function queryProblem({ text, isPattern = false }: LogQuery): Problem | undefined {
  const refused = (message: string): Problem => ({ code: "InvalidSearch", message });
  if (text === "") return refused("there is nothing to search for");
  if (text.length > LONGEST_QUERY) return refused(`at most ${LONGEST_QUERY} characters can be searched for`);
  if (text.includes("\n")) return refused("a search is for one line: it cannot have a line break");
  if (!isPattern) return undefined;
  try {
    void new RegExp(text, "u");
  } catch {
    return refused(`${JSON.stringify(text)} is not a regular expression`);
  }
  if (isSafePattern(text) && repeatsOf(text) <= MOST_REPEATS) return undefined;
  return {
    ...refused("the regular expression could take too long"),
    hint: `Use no repeats inside of repeated groups, no look-around, and at most ${MOST_REPEATS} repeats.`,
  };
}

/** Searches one piece after the other; knows which line it is at. */
class LineSearch {
  readonly hits: LogHit[] = [];
  /** Number of the line at the beginning of the next piece, as far as lines are counted. */
  line = 1;
  /** Absent: hits have their lines as if the piece began at {@link line}. */
  isCounting = true;
  readonly #find: Finder;
  readonly #findIn: (line: string) => number;
  /** Of text in bytes that is found as it is. */
  readonly #needle: Buffer | undefined;
  readonly #limit: number;
  /** The line goes on from the piece before, and its hit was given or its beginning searched. */
  #isDone = false;

  constructor(query: LogQuery, limit: number) {
    const isPlain = query.isPattern !== true && query.ignoreCase !== true;
    this.#needle = isPlain ? Buffer.from(query.text) : undefined;
    this.#find = finderOf(query);
    this.#findIn = textFinderOf(query);
    this.#limit = limit;
  }

  /** Searches what of the piece can be, and gives how many bytes that was; at least one, if it has any. */
  take(piece: Buffer, offset: number, isLast: boolean): number {
    const first = this.line;
    const used = this.#take(piece, offset, isLast);
    if (!this.isCounting) this.line = first;
    return used;
  }

  #take(piece: Buffer, offset: number, isLast: boolean): number {
    const lastBreak = piece.lastIndexOf(NEWLINE);
    if (lastBreak === -1 && !isLast) return this.#takePart(piece, offset);
    const end = isLast ? piece.length : lastBreak + 1;
    let at = 0;
    if (this.#isDone) {
      const lineBreak = piece.indexOf(NEWLINE);
      at = lineBreak === -1 ? piece.length : lineBreak + 1;
      if (lineBreak !== -1) this.line++;
      this.#isDone = false;
    }
    return this.#needle === undefined ? this.#eachLine(piece, at, end, offset) : this.#plain(piece, at, end, offset);
  }

  /** Of the hits from number `from` on. */
  renumber(from: number, by: number): void {
    for (const [at, hit] of this.hits.entries()) if (at >= from) this.hits[at] = { ...hit, line: hit.line + by };
  }

  /** A part of a line that is longer than a piece. */
  #takePart(piece: Buffer, offset: number): number {
    const needle = this.#needle;
    const hit = this.#isDone ? -1 : this.#find(piece);
    if (hit !== -1) this.#note(piece, hit, 0, piece.length, offset);
    // A pattern is searched at the beginning of a line alone; a text may lie across two pieces.
    this.#isDone ||= hit !== -1 || needle === undefined;
    return this.#isDone ? piece.length : Math.max(1, piece.length - (needle?.length ?? 1) + 1);
  }

  /** Looks for the bytes, and for the lines only where they are found. */
  #plain(piece: Buffer, from: number, end: number, offset: number): number {
    const needle = this.#needle ?? Buffer.alloc(0);
    let at = from;
    for (let hit = piece.indexOf(needle, at); hit !== -1 && hit < end; hit = piece.indexOf(needle, at)) {
      this.line += countBreaks(piece, hit, at);
      const start = hit === 0 ? 0 : piece.lastIndexOf(NEWLINE, hit - 1) + 1;
      const lineBreak = piece.indexOf(NEWLINE, hit);
      const lineEnd = lineBreak === -1 ? piece.length : lineBreak;
      this.#note(piece, hit, start, lineEnd, offset);
      at = lineBreak === -1 ? piece.length : lineBreak + 1;
      if (lineBreak !== -1) this.line++;
      if (this.hits.length >= this.#limit) return at;
    }
    if (this.isCounting) this.line += countBreaks(piece, end, at);
    return end;
  }

  /** All lines are made texts at once, which is ten times as fast as one by one. */
  #eachLine(piece: Buffer, from: number, end: number, offset: number): number {
    const lines = piece.toString("utf8", from, end).split("\n");
    if (lines.at(-1) === "") lines.pop();
    let at = from;
    let atLine = 0;
    for (let number = 0; number < lines.length; number++) {
      const line = lines[number] ?? "";
      if (this.#findIn(line) === -1) continue;
      for (; atLine < number; atLine++) at = piece.indexOf(NEWLINE, at) + 1;
      const lineBreak = piece.indexOf(NEWLINE, at);
      const lineEnd = lineBreak === -1 ? piece.length : lineBreak;
      const first = this.line;
      this.line += number;
      this.#note(piece, at + this.#find(piece.subarray(at, lineEnd)), at, lineEnd, offset);
      this.line = first;
      if (this.hits.length < this.#limit) continue;
      this.line += lineBreak === -1 ? number : number + 1;
      return lineBreak === -1 ? piece.length : lineBreak + 1;
    }
    this.line += piece[end - 1] === NEWLINE ? lines.length : Math.max(0, lines.length - 1);
    return end;
  }

  #note(piece: Buffer, hit: number, start: number, end: number, offset: number): void {
    const from = wholeCharacter(piece, Math.max(start, hit - BEFORE));
    const to = wholeCharacter(piece, Math.min(end, from + EXCERPT));
    const excerpt = `${from > start ? "…" : ""}${piece.toString("utf8", from, to)}${to < end ? "…" : ""}`;
    this.hits.push({ line: this.line, offset: offset + hit, excerpt });
  }
}

/** `at`, or the next place where a character begins. */
function wholeCharacter(piece: Buffer, at: number): number {
  let place = at;
  while (place < piece.length && ((piece[place] ?? 0) & 0xc0) === 0x80) place++;
  return place;
}

/** Where in a text, in UTF-16 units; -1: nowhere. */
function textFinderOf({ text, isPattern = false, ignoreCase = false }: LogQuery): (line: string) => number {
  const source = isPattern ? text : text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  const pattern = new RegExp(source, ignoreCase ? "iu" : "u");
  const longest = isPattern ? Math.floor(MOST_STEPS ** (1 / (repeatsOf(text) + 1))) : Number.POSITIVE_INFINITY;
  return (line) => (line.length > longest ? line.slice(0, longest) : line).search(pattern);
}

function finderOf(query: LogQuery): Finder {
  if (query.isPattern !== true && query.ignoreCase !== true) {
    const needle = Buffer.from(query.text);
    return (line) => line.indexOf(needle);
  }
  const find = textFinderOf(query);
  return (line) => {
    const text = line.toString("utf8");
    const at = find(text);
    return at === -1 ? -1 : Buffer.byteLength(text.slice(0, at));
  };
}
