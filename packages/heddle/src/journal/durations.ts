/** Expected durations of steps: the median over the latest runs. Pure. */
import { isJsonObject } from "../base/json.ts";

/** Runs of a plan whose durations are kept: enough for a median that one unusual run does not change. */
export const KEPT_DURATIONS = 7;

/** `texts` are JSON objects of step to milliseconds; whatever else is in them is left out: they only guide the order. */
export function medians(texts: readonly string[]): ReadonlyMap<string, number> {
  const all = new Map<string, number[]>();
  for (const text of texts) {
    const record = parse(text);
    if (!isJsonObject(record)) continue;
    for (const [step, ms] of Object.entries(record)) {
      if (typeof ms !== "number") continue;
      const known = all.get(step);
      if (known === undefined) all.set(step, [ms]);
      else known.push(ms);
    }
  }
  const result = new Map<string, number>();
  for (const [step, times] of all) {
    times.sort((a, b) => a - b);
    const upper = times[times.length >> 1] ?? 0;
    const lower = times[(times.length - 1) >> 1] ?? 0;
    result.set(step, (upper + lower) / 2);
  }
  return result;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What {@link medians} reads. */
export function durationsText(durations: ReadonlyMap<string, number>): string {
  // Put together by hand: an object with a hundred thousand keys costs more than their text.
  const entries: string[] = [];
  for (const [step, ms] of durations) entries.push(`${JSON.stringify(step)}:${ms}`);
  return `{${entries.join(",")}}`;
}
