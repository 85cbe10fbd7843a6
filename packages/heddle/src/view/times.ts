/** Time texts: how long something took, for people. */
import { formatDuration } from "../base/duration.ts";

/** `12ms` below a tenth of a second, else as {@link formatDuration}. */
export function tookText(ms: number): string {
  return ms < 100 ? `${Math.max(0, Math.round(ms))}ms` : formatDuration(ms);
}
