/** Open streams: how many WebSockets and event streams there are, and whether one more may be. */
import type { ServerMetrics } from "./metrics/server-metrics.ts";
import type { ProblemDetails } from "./problem.ts";

const MOST_STREAMS = 256;

export class OpenStreams {
  readonly #metrics: ServerMetrics;
  #open = 0;

  constructor(metrics: ServerMetrics) {
    this.#metrics = metrics;
  }

  /** `undefined`: there is room. Asked in the turn of the loop in which the stream is opened: many at once would all find room. */
  get fullProblem(): ProblemDetails | undefined {
    if (this.#open < MOST_STREAMS) return undefined;
    return {
      slug: "too-many-streams",
      detail: `${MOST_STREAMS} streams are open`,
      hint: "Close one, or come back later.",
    };
  }

  /** It is open until `isOver` is aborted. */
  opened(isOver: AbortSignal): void {
    if (isOver.aborted) return;
    this.#open++;
    isOver.addEventListener("abort", () => this.#open--, { once: true });
    this.#metrics.streamOpened(isOver);
  }
}
