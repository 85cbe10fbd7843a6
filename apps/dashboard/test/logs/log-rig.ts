/** A log in memory as the server would give it: by lines, from its end, searched, and followed as it is written. */
import { ApiProblem, type LogPage, type LogSearchPage } from "heddle/client";
import { patternOf } from "../../src/logs/hit-search.ts";
import type { LogSearchOptions, LogSink, LogSource } from "../../src/logs/log-source.ts";

export class MemoryLog implements LogSource {
  #written = Buffer.alloc(0);
  /** Bytes that are counted for each quick answer. */
  countedAtOnce = Number.POSITIVE_INFINITY;
  /** Answers for which all of it was counted. */
  countedWhole = 0;
  /** Bytes of an answer, at most. */
  given = 1_000_000;
  /** Answers with a problem instead. */
  problem: ApiProblem | undefined;
  readonly asked: string[] = [];
  #counted = 0;
  readonly #sinks = new Set<{ readonly after: number; readonly sink: LogSink }>();

  constructor(text = "") {
    this.write(text);
  }

  get text(): string {
    return this.#written.toString();
  }

  get bytes(): number {
    return this.#written.length;
  }

  get followers(): number {
    return this.#sinks.size;
  }

  /** Tells nobody yet. */
  write(text: string | Uint8Array): void {
    this.#written = Buffer.concat([this.#written, typeof text === "string" ? Buffer.from(text) : text]);
  }

  replace(text: string): void {
    this.#written = Buffer.from(text);
    this.#counted = 0;
  }

  /** Tells those who follow what is written from byte `from` to byte `to`. */
  tell(from: number, to: number = this.bytes): void {
    for (const { sink } of this.#sinks) sink.bytes(from, new Uint8Array(this.#written.subarray(from, to)));
  }

  skip(to: number): void {
    for (const { sink } of this.#sinks) sink.skipped(to);
  }

  /** Written anew. */
  reset(text: string): void {
    this.replace(text);
    for (const { sink } of this.#sinks) sink.reset();
  }

  end(): void {
    for (const { sink } of this.#sinks) sink.ended();
  }

  async lines(query: Parameters<LogSource["lines"]>[0]): Promise<LogPage> {
    this.asked.push("tail" in query ? `tail ${query.tail}` : `${query.from}+${query.limit}`);
    await Promise.resolve();
    if (this.problem !== undefined) throw this.problem;
    if (query.quick !== true) {
      this.countedWhole++;
      this.#counted = Number.POSITIVE_INFINITY;
    } else if ("tail" in query) this.#counted += this.countedAtOnce;
    const text = this.text;
    const all = text.split("\n");
    if (all.at(-1) === "") all.pop();
    const isGuess = this.#counted < this.bytes;
    const totalLines = isGuess ? Math.max(1, Math.ceil(all.length * 1.3)) : all.length;
    const wanted = "tail" in query ? query.tail : query.limit;
    const start = "tail" in query ? Math.max(0, all.length - wanted) : query.from - 1;
    const lines: string[] = [];
    let size = 0;
    const taken = all.slice(start, start + wanted);
    for (const line of "tail" in query ? taken.toReversed() : taken) {
      size += Buffer.byteLength(line) + 1;
      if (lines.length > 0 && size > this.given) break;
      lines.push(line);
    }
    if ("tail" in query) lines.reverse();
    const first = "tail" in query ? all.length - lines.length : start;
    const isLast = first + lines.length >= all.length;
    const offset = Buffer.byteLength(
      all
        .slice(0, first)
        .map((line) => `${line}\n`)
        .join(""),
    );
    const end = isLast ? this.bytes : offset + Buffer.byteLength(lines.map((line) => `${line}\n`).join(""));
    return {
      from: "tail" in query ? totalLines - lines.length + 1 : query.from,
      lines,
      totalLines,
      totalBytes: this.bytes,
      offset,
      end,
      ...(isLast ? {} : { next: first + lines.length + 1 }),
      ...(isGuess ? { isGuess } : {}),
      ...(isLast && text !== "" && !text.endsWith("\n") ? { isOpen: true } : {}),
    } as LogPage;
  }

  async search(text: string, { isPattern, ignoreCase, limit, after = 0 }: LogSearchOptions): Promise<LogSearchPage> {
    this.asked.push(`search ${text} ${after}`);
    await Promise.resolve();
    if (this.problem !== undefined) throw this.problem;
    const pattern = patternOf({ text, isPattern, ignoreCase }) ?? /$^/u;
    pattern.lastIndex = 0;
    const hits: { line: number; offset: number; excerpt: string }[] = [];
    let offset = 0;
    for (const [at, line] of this.text.split("\n").entries()) {
      const found = line.search(pattern);
      if (found !== -1 && offset >= after) {
        hits.push({ line: at + 1, offset: offset + Buffer.byteLength(line.slice(0, found)), excerpt: line });
        if (hits.length === limit) return { hits, next: offset + Buffer.byteLength(line) + 1 };
      }
      offset += Buffer.byteLength(line) + 1;
    }
    return { hits };
  }

  follow(after: number, sink: LogSink): () => void {
    const one = { after, sink };
    this.#sinks.add(one);
    return () => void this.#sinks.delete(one);
  }
}

/** Timers that fire when the test says so. */
export class ManualTimers {
  readonly #waiting = new Set<{ readonly delayMs: number; readonly fire: () => void }>();

  readonly after = (delayMs: number, fire: () => void): (() => void) => {
    const one = { delayMs, fire };
    this.#waiting.add(one);
    return () => void this.#waiting.delete(one);
  };

  get delays(): readonly number[] {
    return [...this.#waiting].map(({ delayMs }) => delayMs);
  }

  /** Those that wait now. */
  fire(): void {
    const now = [...this.#waiting];
    for (const one of now) {
      this.#waiting.delete(one);
      one.fire();
    }
  }
}

/** Everything that follows by itself has followed. */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => void setImmediate(resolve));
}

export const UNREACHABLE = new ApiProblem({ code: "unreachable", status: 0, detail: "No answer" });
export const NO_LOG = new ApiProblem({ code: "no-log", status: 404, detail: "no log", hint: "It has not begun." });
