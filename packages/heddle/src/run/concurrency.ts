/** Concurrency of a run: its options with another number of steps at once. Pure. */
import { defined } from "../base/defined.ts";
import type { RunOptions } from "./event.ts";

/** Several that are asked for now are meant also where the run began with one step at a time. */
export function withConcurrency({ sequential, ...options }: RunOptions, maxConcurrency: number): RunOptions {
  return defined({ ...options, maxConcurrency, sequential: maxConcurrency > 1 ? undefined : sequential });
}
