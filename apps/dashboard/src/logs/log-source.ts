/** Log source: where the page gets an attempt's log from. The port of this folder: knows neither HTTP nor what is shown. */
import type { LogPage, LogSearchPage } from "heddle/client";

export interface LogSource {
  /** Lines by number, or the last ones. `quick`: not later than 8 MiB are counted; then the numbers of the last ones are guesses. */
  lines(
    query:
      | { readonly from: number; readonly limit: number; readonly quick?: boolean }
      | { readonly tail: number; readonly quick: boolean },
    signal: AbortSignal,
  ): Promise<LogPage>;
  search(text: string, options: LogSearchOptions, signal: AbortSignal): Promise<LogSearchPage>;
  /** What is written behind byte `after`, as it is written, over lost connections. What it gives back ends it. */
  follow(after: number, sink: LogSink): () => void;
}

export interface LogSearchOptions {
  readonly isPattern: boolean;
  readonly ignoreCase: boolean;
  readonly limit: number;
  /** {@link LogSearchPage.next} of the page before. */
  readonly after?: number;
}

export interface LogSink {
  /** Bytes of the log that begin at `offset`. */
  bytes(offset: number, chunk: Uint8Array): void;
  /** Nothing is told of the bytes before `offset`: they are too many to follow. */
  skipped(offset: number): void;
  /** It is another log, or shorter than it was: it is told from its beginning. */
  reset(): void;
  /** All is written: the attempt has ended, or nobody works on the run. */
  ended(): void;
}
