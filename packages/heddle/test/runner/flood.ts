/** Watches this process's memory and event loop while something runs. */

export interface Watched<T> {
  readonly outcome: T;
  /** Highest growth of the resident memory. */
  readonly grownMb: number;
  /** 99 of 100 turns of the loop were shorter. */
  readonly p99Ms: number;
}

const INTERVAL_MS = 5;

export async function flood<T>(work: () => Promise<T>): Promise<Watched<T>> {
  const before = process.memoryUsage.rss();
  let highest = before;
  let last = performance.now();
  const pauses: number[] = [];
  const timer = setInterval(() => {
    const now = performance.now();
    pauses.push(now - last - INTERVAL_MS);
    last = now;
    highest = Math.max(highest, process.memoryUsage.rss());
  }, INTERVAL_MS);
  try {
    const outcome = await work();
    pauses.sort((a, b) => a - b);
    return {
      outcome,
      grownMb: (highest - before) / (1 << 20),
      p99Ms: pauses[Math.floor(pauses.length * 0.99)] ?? 0,
    };
  } finally {
    clearInterval(timer);
  }
}
