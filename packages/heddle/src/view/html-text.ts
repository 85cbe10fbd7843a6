/** Texts of the report page: escaped, cut and dated. All text of others goes through {@link escapeHtml}. */

/** Controls, and marks that reorder or hide text. */
const UNREADABLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** The text with a mark in place of each of them; tabs and line breaks stay. */
export function withoutUnreadable(text: string): string {
  return text.replace(UNREADABLE, "\u{fffd}");
}

export function escapeHtml(text: string): string {
  return withoutUnreadable(text).replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}

/** At most `length` characters, the middle cut out: ids often differ at their end. */
export function shortLabel(text: string, length: number): string {
  const characters = [...text];
  if (characters.length <= length) return text;
  const end = Math.floor((length - 1) / 2);
  return `${characters.slice(0, length - 1 - end).join("")}…${characters.slice(characters.length - end).join("")}`;
}

const DATE_AND_TIME: Intl.DateTimeFormatOptions = {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "longOffset",
};

/** The date and time of a zone, with its distance from UTC. `timeZone` absent: that of the machine. */
export function localTime(ms: number, timeZone: string | undefined): string {
  const format = new Intl.DateTimeFormat("en-GB", { ...DATE_AND_TIME, timeZone });
  const text = format.format(new Date(ms)).replace(/GMT$/, "UTC").replace("GMT", "UTC");
  const zone = timeZone ?? format.resolvedOptions().timeZone;
  return zone === "UTC" ? text : `${text} (${zone})`;
}
