/** Pause: between two looks at what somebody else writes. */
import type { Clock } from "../base/clock.ts";

export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
