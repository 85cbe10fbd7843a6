/**
 * Print queue: prints lines and whole logs of a run in order. A log of any size is copied piece by piece, as fast as the
 * reader takes it, and what follows waits. Lines of one turn of the event loop are written together.
 */
import type { LogCursor } from "../project/log-lines.ts";
import { safeColouredLine, safeLine } from "../base/safe-text.ts";

/** Where it is printed: standard output, or above a live view. */
export interface Sink {
  write(text: string): boolean;
  drained(): Promise<void>;
}

type Job =
  | { readonly cursor: LogCursor; readonly prefix: string; readonly final: boolean }
  | { readonly text: string }
  | { readonly tell: (lines: number) => void };

export class PrintQueue {
  readonly #sink: Sink;
  readonly #safe: (text: string) => string;
  readonly #jobs: Job[] = [];
  #buffer = "";
  #lines = 0;
  #scheduled = false;
  #work: Promise<void> | undefined;

  /** `colour`: logs are shown with the colours that they have. */
  constructor(sink: Sink, { colour = false }: { readonly colour?: boolean } = {}) {
    this.#sink = sink;
    this.#safe = colour ? safeColouredLine : safeLine;
  }

  /** One or more lines; `text` has no line break at its end and is safe to show. */
  line(text: string): void {
    if (this.#jobs.length > 0 || this.#work !== undefined) this.#jobs.push({ text: `${text}\n` });
    else this.#append(`${text}\n`);
  }

  /** Lines printed so far. */
  get lines(): number {
    return this.#lines;
  }

  /** Calls `tell` when all that was given before is printed, with the number of lines so far. */
  whenPrinted(tell: (lines: number) => void): void {
    if (this.#jobs.length > 0 || this.#work !== undefined) this.#jobs.push({ tell });
    else tell(this.#lines);
  }

  /** What a log holds from the cursor on, each line after `prefix`. `final`: nothing more will be written there. */
  log(cursor: LogCursor, prefix: string, final: boolean): void {
    this.#jobs.push({ cursor, prefix, final });
    this.#work ??= this.#run();
  }

  /** Resolves when all is printed. */
  async idle(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
    this.#flush();
    await this.#sink.drained();
  }

  #append(text: string): void {
    this.#buffer += text;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) this.#lines++;
    if (this.#buffer.length > 32_768) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
  }

  #flush(): void {
    if (this.#buffer === "") return;
    const text = this.#buffer;
    this.#buffer = "";
    this.#sink.write(text);
  }

  /** Goes on without a turn of the event loop as long as there is one piece to print. */
  async #run(): Promise<void> {
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      if ("tell" in job) job.tell(this.#lines);
      else if ("text" in job) this.#append(job.text);
      else await this.#copy(job.cursor, job.prefix, job.final);
    }
    this.#work = undefined;
  }

  async #copy(cursor: LogCursor, prefix: string, final: boolean): Promise<void> {
    let isOpen = false;
    for (let read = cursor.next(final); read !== undefined;) {
      const [first = "", ...others] = read.lines.map(this.#safe);
      const text = [isOpen ? first : `${prefix}${first}`, ...others].join(`\n${prefix}`);
      ({ isOpen } = read);
      this.#append(isOpen ? text : `${text}\n`);
      read = cursor.next(final);
      if (read === undefined) break;
      this.#flush();
      await this.#sink.drained();
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
    // A log that ends without a line break.
    if (isOpen) this.#append("\n");
  }
}
