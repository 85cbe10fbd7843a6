/** Log places: where the reader was in each log that was looked at in this tab of the browser, for when they come back to it. */
import type { Place } from "./scroll-place.ts";

export interface LogPlace extends Place {
  /** The view was taken along by the end. */
  readonly follows: boolean;
}

const KEY = "heddle.log-places";
const MOST = 50;

type Stored = readonly (readonly [log: string, place: LogPlace])[];

/** `undefined`: it was not looked at, or the storage has something else. */
export function storedPlace(log: string): LogPlace | undefined {
  const found = read().find(([name]) => name === log)?.[1];
  return found !== undefined && Number.isSafeInteger(found.line) && found.line >= 1 && Number.isFinite(found.px)
    ? { line: found.line, px: found.px, follows: found.follows }
    : undefined;
}

export function storePlace(log: string, place: LogPlace): void {
  const others = read().filter(([name]) => name !== log);
  sessionStorage.setItem(KEY, JSON.stringify([...others, [log, place]].slice(-MOST)));
}

function read(): Stored {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored)
      ? (stored as Stored).filter((one) => Array.isArray(one) && typeof one[1] === "object")
      : [];
  } catch {
    return [];
  }
}
