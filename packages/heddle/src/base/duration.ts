/**
 * Durations: parses what people write (`500ms`, `30s`, `10m`, `2h`, `1d`, or a number of seconds) and formats what they
 * read.
 */

/** As it is written, once it was checked: text, or a number of seconds. */
export type WrittenDuration = string | number;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/;

/** A hundred years: what is longer is a mistake of the writer. */
const LONGEST_MS = 100 * 365.25 * 86_400_000;

/** Milliseconds, or `undefined` where `text` is not a duration. */
export function parseDuration(text: string | number): number | undefined {
  const match = DURATION.exec(typeof text === "number" ? String(text) : text.trim());
  if (match === null) return undefined;
  const ms = Number(match[1]) * (UNIT_MS[match[2] ?? "s"] ?? 0);
  return ms <= LONGEST_MS ? Math.round(ms) : undefined;
}

/** For people: `0.4s`, `12.3s`, `2m 05s`, `1h 02m`, `3d 04h`. */
export function formatDuration(ms: number): string {
  if (ms < 59_950) return `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  const two = (n: number): string => String(n).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
}

/** For plans: the shortest exact text of a duration, e.g. `90s`, `2h`, `1500ms`. */
export function writeDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"]) {
    const size = UNIT_MS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
