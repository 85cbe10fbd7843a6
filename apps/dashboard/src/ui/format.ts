/** Texts of numbers, times and amounts, the same on all pages. Pure. */

/** `0.4 s`, `12 s`, `6:42`, `1 h 03 m`, `3 d 04 h`. */
export function durationText(ms: number): string {
  const all = Math.max(0, ms);
  if (all < 9950) return `${(all / 1000).toFixed(1)} s`;
  const seconds = Math.round(all / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

/** As {@link durationText}, of what still goes on: whole seconds, so that it does not flicker. */
export function runningText(ms: number): string {
  return ms < 59_500 ? `${Math.max(0, Math.floor(ms / 1000))} s` : durationText(Math.floor(ms / 1000) * 1000);
}

/** `just now`, `18 min ago`, `3 h ago`, `yesterday`, then the date. */
export function agoText(time: number, now: number): string {
  const minutes = Math.floor((now - time) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  if (minutes < 48 * 60) return "yesterday";
  return new Date(time).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

/** Date and time of the day, to the second. */
export function timeText(time: number): string {
  return new Date(time).toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** `1,204`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 step`, `1,204 steps`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** `$2.14`; amounts below a cent with four places. `null`: nothing is known. */
export function costText(usd: number | null): string {
  if (usd === null) return "–";
  return usd > 0 && usd < 0.01
    ? `$${usd.toFixed(4)}`
    : `$${usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** `2.9×`; `undefined`: it says nothing, as nothing was done at the same time yet, or the run waited for longer than that saved. */
export function speedupText(sequentialMs: number, parallelMs: number): string | undefined {
  return parallelMs > 0 && sequentialMs >= parallelMs ? `${(sequentialMs / parallelMs).toFixed(1)}×` : undefined;
}

/** `1.4 KB`, `20.2 MB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
