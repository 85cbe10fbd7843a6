/** Timestamps: parses points in time as RFC 3339 has them (`2026-12-24T18:00:00Z`, `2026-12-24 18:00+01:00`), always with a zone. */

import { parseDuration } from "./duration.ts";

const TIMESTAMP =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*(?:[Zz]|([+-])(\d\d):?(\d\d))$/;

/** Milliseconds since the epoch, or `undefined` where `text` is no such time: a day that its month does not have, no zone. */
export function parseTimestamp(text: string): number | undefined {
  const match = TIMESTAMP.exec(text.trim());
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const milliseconds = Math.floor(Number(`0.${match[7] ?? "0"}`) * 1000);
  const [zoneHours = 0, zoneMinutes = 0] = match.slice(9, 11).map((part) => Number(part ?? 0));
  if (hour > 23 || minute > 59 || second > 59 || zoneHours > 23 || zoneMinutes > 59) return undefined;
  const days = Date.UTC(year, month - 1, day);
  const read = new Date(days);
  if (read.getUTCMonth() !== month - 1 || read.getUTCDate() !== day) return undefined;
  const offsetMinutes = (match[8] === "-" ? -1 : 1) * (zoneHours * 60 + zoneMinutes);
  return days + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000 + milliseconds;
}

/** For people, in UTC and without milliseconds: `2026-12-24T18:00:00Z`. */
export function formatTimestamp(time: number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");
}

export type DurationOrTime =
  | { readonly kind: "for"; readonly durationMs: number }
  | { readonly kind: "until"; readonly at: number };

/** What a wait says: how long, or until when. `undefined`: the text is neither. */
export function parseDurationOrTime(text: string): DurationOrTime | undefined {
  const durationMs = parseDuration(text);
  if (durationMs !== undefined) return { kind: "for", durationMs };
  const at = parseTimestamp(text);
  return at === undefined ? undefined : { kind: "until", at };
}
