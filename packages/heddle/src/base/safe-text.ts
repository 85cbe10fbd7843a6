/**
 * Safe text: text of others that can neither move the cursor, nor rewrite the screen, nor reorder what
 * is read. Knows no stream.
 */

/**
 * Control characters (tab and line break are dealt with apart), separators that break lines, marks that reorder text, and
 * characters that nobody sees and that make two texts look the same.
 */
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;
const EACH_UNSAFE = new RegExp(UNSAFE.source, "gu");

/** A value as JSON in which each such character is an escape: the same to who reads JSON, and nothing to a terminal. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(UNSAFE_IN_JSON, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      const unit = character.charCodeAt(at);
      return `\\u${unit.toString(16).padStart(4, "0")}`;
    }).join(""),
  );
}

/** Line breaks of the layout stay; those of the texts are escapes already. */
const UNSAFE_IN_JSON =
  /[\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/**
 * Control sequences, control strings (titles, links) and two-character escapes, in their 7-bit and 8-bit forms (ECMA-48, section 5). A
 * control string ends where another begins: so no part of a text is looked at from each of many beginnings.
 */
const ESCAPE_SEQUENCE =
  // oxlint-disable-next-line no-control-regex
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u0090\u0098\u009c-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;

/** One line of text for the screen. Escape sequences go; of a line that was written over, the last state stays. */
export function safeLine(text: string): string {
  const line = text.includes("\n") ? text.replaceAll("\n", " ") : text;
  if (!UNSAFE.test(line)) return line.includes("\t") ? line.replaceAll("\t", "  ") : line;
  const last = lastWritten(line);
  return last.replaceAll(ESCAPE_SEQUENCE, "").replace(EACH_UNSAFE, "\u{fffd}").replaceAll("\t", "  ");
}

/** What stands after the last return of the cursor, of those that something follows. */
function lastWritten(line: string): string {
  let end = line.length;
  while (line[end - 1] === "\r") end--;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1, end);
}

// oxlint-disable-next-line no-control-regex
const COLOURS = /(\u001b\[[\d;:]*m)/;

/** As {@link safeLine}, with the colours that it has; they end with it. */
export function safeColouredLine(text: string): string {
  if (!COLOURS.test(text)) return safeLine(text);
  const last = lastWritten(text.replaceAll("\n", " "));
  // Every second part is a colour.
  const parts = last.split(COLOURS).map((part, at) => (at % 2 === 1 ? part : safeLine(part)));
  return `${parts.join("")}\u001b[0m`;
}

/** One line of which nothing is left out: a character that would do something is named in its place (`^M`, `<U+202E>`). Tabs stay. */
export function visibleLine(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return text.replaceAll(EACH_UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code === 0x7f) return "^?";
    if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
    return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** Several lines, each made safe. */
export function safeText(text: string): string {
  return text.includes("\n") ? text.split("\n").map(safeLine).join("\n") : safeLine(text);
}
