/**
 * Hit search: which lines of a log have what is looked for. The server looks through it, for two seconds at a time; it is asked again until
 * all was searched. Knows no DOM.
 *
 * Invariants:
 *  1. Lines are given once, in the order of the log; those that came after the search was done are searched with {@link HitSearch.grow}.
 *  2. At most {@link MOST_LINES} lines are held: with more, the search ends and says so.
 *  3. An answer to an earlier question is never taken for one to a later.
 */
import { ApiProblem, type LogSearchPage } from "heddle/client";
import type { LogSource } from "./log-source.ts";

export interface HitQuery {
  readonly text: string;
  readonly isPattern: boolean;
  readonly ignoreCase: boolean;
}

export interface HitState {
  readonly query: HitQuery;
  /** From 1, in order. */
  readonly lines: readonly number[];
  /** `stopped`: there are more lines than can be held. */
  readonly stage: "searching" | "done" | "stopped" | "refused";
  /** Up to this byte nothing is left to search; of a search that is done: to the end. */
  readonly searchedBytes: number;
  /** Why it was refused, or could not be asked. */
  readonly problem?: ApiProblem;
}

export interface HitSearchOptions {
  readonly source: Pick<LogSource, "search">;
  /** Of the lines that are found, those that count; absent: all. */
  readonly counts?: (hit: LogSearchPage["hits"][number]) => boolean;
  readonly most?: number;
}

export const MOST_LINES = 100_000;
const PAGE = 1000;
/** Bytes that are searched once more for lines that have come: they may have begun before. */
const OVERLAP = 65_536;

export class HitSearch {
  readonly #options: HitSearchOptions;
  readonly #listeners = new Set<() => void>();
  #state: HitState | undefined;
  #way: AbortController | undefined;
  /** Whole lines, and bytes, that the log had when it was searched last. */
  #known = { lines: 0, bytes: 0 };

  constructor(options: HitSearchOptions) {
    this.#options = options;
  }

  /** `undefined`: nothing is looked for. */
  get state(): HitState | undefined {
    return this.#state;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** `lines`, `bytes`: whole lines of the log as it is known, and its bytes. */
  start(query: HitQuery, lines: number, bytes: number): void {
    this.#way?.abort();
    this.#set({ query, lines: [], stage: "searching", searchedBytes: 0 });
    void this.#search(query, { after: 0, behind: 0, lines, bytes });
  }

  stop(): void {
    this.#way?.abort();
    this.#way = undefined;
    this.#set(undefined);
  }

  /** Searches what has come, once what was there is searched. */
  grow(lines: number, bytes: number): void {
    if (this.#state?.stage !== "done" || lines <= this.#known.lines) return;
    const after = Math.max(0, this.#known.bytes - OVERLAP);
    void this.#search(this.#state.query, { after, behind: this.#known.lines, lines, bytes });
  }

  /** The next hit behind `line`, or before it; beyond the last one the first. `undefined`: there is none. */
  next(line: number, direction: 1 | -1): number | undefined {
    const lines = this.#state?.lines ?? [];
    const at = firstAtLeast(lines, direction === 1 ? line + 1 : line) - (direction === 1 ? 0 : 1);
    return lines[at] ?? (direction === 1 ? lines[0] : lines.at(-1));
  }

  /** Which of the hits the line is, from 1; `undefined`: it is none. */
  numberOf(line: number): number | undefined {
    const lines = this.#state?.lines ?? [];
    const at = firstAtLeast(lines, line);
    return lines[at] === line ? at + 1 : undefined;
  }

  async #search(
    query: HitQuery,
    { after: from, behind, lines, bytes }: { after: number; behind: number; lines: number; bytes: number },
  ): Promise<void> {
    const way = new AbortController();
    this.#way = way;
    const most = this.#options.most ?? MOST_LINES;
    try {
      for (let after: number | undefined = from; after !== undefined;) {
        const options = { isPattern: query.isPattern, ignoreCase: query.ignoreCase, limit: PAGE, after };
        const page: LogSearchPage = await this.#options.source.search(query.text, options, way.signal);
        if (way.signal.aborted || this.#state === undefined) return;
        const last = Math.max(behind, this.#state.lines.at(-1) ?? 0);
        const fresh = page.hits.filter((hit) => hit.line > last && this.#options.counts?.(hit) !== false);
        const found = [...this.#state.lines, ...fresh.map(({ line }) => line)];
        after = page.next;
        const stage = found.length > most ? "stopped" : after === undefined ? "done" : "searching";
        // Before anybody is told that it is done.
        if (stage === "done") this.#known = { lines, bytes };
        this.#set({ query, lines: found.slice(0, most), stage, searchedBytes: after ?? bytes });
        if (stage === "stopped") return;
      }
    } catch (thrown) {
      if (way.signal.aborted || this.#state === undefined) return;
      if (!(thrown instanceof ApiProblem)) throw thrown;
      this.#set({ ...this.#state, stage: "refused", problem: thrown });
    }
  }

  #set(state: HitState | undefined): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** Place of the first number that is at least so large. */
function firstAtLeast(numbers: readonly number[], least: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Hits that are marked in one line. */
const MOST_MARKS = 200;

/** Where the hits in a shown text are, in UTF-16 units, as far as they are marked. */
export function hitRanges(text: string, query: HitQuery): readonly (readonly [from: number, to: number])[] {
  const pattern = patternOf(query);
  if (pattern === undefined) return [];
  const ranges: [number, number][] = [];
  for (const match of text.matchAll(pattern)) {
    if (match[0] === "") continue;
    ranges.push([match.index, match.index + match[0].length]);
    if (ranges.length >= MOST_MARKS) break;
  }
  return ranges;
}

/** As the server reads it; `undefined`: it is no pattern. */
export function patternOf({ text, isPattern, ignoreCase }: HitQuery): RegExp | undefined {
  if (text === "") return undefined;
  try {
    return new RegExp(
      isPattern ? text : text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`),
      ignoreCase ? "giu" : "gu",
    );
  } catch {
    return undefined;
  }
}
