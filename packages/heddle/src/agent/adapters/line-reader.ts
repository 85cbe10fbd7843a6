/**
 * Line reader: splits a stream of bytes into lines and holds at most one line's limit. Does not know what the lines
 * mean.
 *
 * Invariant: nothing of a line above the limit is kept; it is reported once, when it ends or passes the limit.
 */
export interface LineReader {
  push(chunk: Buffer): void;
  /** The rest, where the stream ended without a line end. */
  end(): void;
}

export interface LineEvents {
  readonly line: (text: string) => void;
  readonly tooLong: () => void;
}

const LINE_END = 0x0a;

export function lineReader(limitBytes: number, events: LineEvents): LineReader {
  let parts: Buffer[] = [];
  let held = 0;
  let skipping = false;
  function keep(part: Buffer): void {
    if (skipping || part.length === 0) return;
    held += part.length;
    if (held > limitBytes) {
      skipping = true;
      parts = [];
      events.tooLong();
    } else parts.push(part);
  }
  function finish(): void {
    const text = skipping ? "" : (parts.length === 1 ? parts[0] : Buffer.concat(parts))?.toString("utf8");
    parts = [];
    held = 0;
    skipping = false;
    const trimmed = text?.trim() ?? "";
    if (trimmed !== "") events.line(trimmed);
  }
  return {
    push(chunk) {
      let from = 0;
      for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
        keep(chunk.subarray(from, end));
        finish();
        from = end + 1;
      }
      keep(chunk.subarray(from));
    },
    end: finish,
  };
}

/** Keeps the end of a text that grows: at most `limit` characters. */
export class TextTail {
  readonly #limit: number;
  #parts: string[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(text: string): void {
    const part = text.length > this.#limit ? text.slice(-this.#limit) : text;
    this.#parts.push(part);
    this.#length += part.length;
    if (this.#length > 2 * this.#limit || this.#parts.length > 10_000) {
      const kept = this.#parts.join("").slice(-this.#limit);
      this.#parts = [kept];
      this.#length = kept.length;
    }
  }

  clear(): void {
    this.#parts = [];
    this.#length = 0;
  }

  get text(): string {
    return this.#parts.join("").slice(-this.#limit);
  }
}
