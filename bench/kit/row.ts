/** What a row of the table is: something to measure, what it is held against, and what came of it. */

/** One contestant's number. */
export interface Entry {
  readonly who: string;
  /** Median of the samples. */
  readonly value: number;
  readonly unit: "ms" | "us" | "rows/s" | "steps/s" | "MB" | "bytes" | "x";
  readonly samples: number;
  /** Version, setting, or where a number that was not measured here comes from. */
  readonly note?: string;
}

/** One bar, and how we stand to it. */
export interface Verdict {
  /** What is compared, as in `run / Node start`. */
  readonly what: string;
  readonly ours: number;
  /** The most that `ours` may be; with `atLeast`, the least. */
  readonly bar: number;
  readonly atLeast?: boolean;
  readonly unit: "x" | "ms" | "MB" | "bytes";
}

export type Outcome =
  | { readonly kind: "not-run"; readonly reason: string }
  | {
      readonly kind: "measured";
      readonly entries: readonly Entry[];
      readonly verdicts: readonly Verdict[];
      readonly notes: readonly string[];
    };

export interface Settings {
  /** Fewer samples and smaller sizes. */
  readonly quick: boolean;
  /** A folder of this row's own, removed after it. */
  readonly folder: string;
  /** A folder of published graphs, where one was given. */
  readonly dags: string | undefined;
}

export interface Row {
  /** For `--only`. */
  readonly id: string;
  readonly title: string;
  /** The bar in words. */
  readonly bar: string;
  /** What is run, as a person would type it. */
  readonly command: string;
  measure(settings: Settings): Promise<Outcome>;
}

export function holds({ ours, bar, atLeast }: Verdict): boolean {
  return atLeast === true ? ours >= bar : ours <= bar;
}
