/**
 * Safe text: text of others that can neither move the cursor, nor rewrite the screen, nor reorder what
 * is read. Knows no stream.
 */
import { stripVTControlCharacters } from "node:util";

/** Control characters (tab and line break are dealt with apart), separators that break lines, and marks that reorder text. */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const EACH_UNSAFE = new RegExp(UNSAFE.source, "g");

/** One line of text for the screen. Escape sequences go; of a line that was written over, the last state stays. */
export function safeLine(text: string): string {
  const line = text.includes("\n") ? text.replaceAll("\n", " ") : text;
  if (!UNSAFE.test(line)) return line.includes("\t") ? line.replaceAll("\t", "  ") : line;
  const last = line.replace(/\r+$/, "").split("\r").at(-1) ?? "";
  return stripVTControlCharacters(last).replace(EACH_UNSAFE, "\u{fffd}").replaceAll("\t", "  ");
}

/** Several lines, each made safe. */
export function safeText(text: string): string {
  return text.includes("\n") ? text.split("\n").map(safeLine).join("\n") : safeLine(text);
}
