/** Watches this process's memory, and how much it reads and writes in one go, while something runs. */
import { readFileSync } from "node:fs";

export interface Watched<T> {
  readonly outcome: T;
  /** Highest growth of the resident memory. */
  readonly grownMb: number;
  /**
   * The most that this process read and wrote between two looks, which the event loop takes when it is free: a count, where the
   * length of its turns depends on what else the machine does.
   */
  readonly mostMbAtOnce: number;
}

/** Short, so that little more than one turn of the loop lies between two looks. */
const INTERVAL_MS = 5;
const MB = 1 << 20;

export async function flood<T>(work: () => Promise<T>): Promise<Watched<T>> {
  const before = process.memoryUsage.rss();
  let highest = before;
  let last = bytesMoved();
  let most = 0;
  const look = (): void => {
    highest = Math.max(highest, process.memoryUsage.rss());
    const now = bytesMoved();
    most = Math.max(most, now - last);
    last = now;
  };
  const timer = setInterval(look, INTERVAL_MS);
  try {
    const outcome = await work();
    look();
    return { outcome, grownMb: (highest - before) / MB, mostMbAtOnce: most / MB };
  } finally {
    clearInterval(timer);
  }
}

/** What the thread of the event loop has read and written so far. The counts of the process contain those of children that have ended. */
function bytesMoved(): number {
  const text = readFileSync(`/proc/self/task/${process.pid}/io`, "utf8");
  const of = (name: string): number => Number(new RegExp(`^${name}: (\\d+)`, "m").exec(text)?.[1] ?? 0);
  return of("rchar") + of("wchar");
}
