/** Settled: an expectation of what a page or a server comes to, however long a busy machine takes for it. */
import { expect } from "vitest";

/** As `expect.poll`, for as long as a page may take. */
export function settled<T>(read: () => T | Promise<T>): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 20_000 });
}
