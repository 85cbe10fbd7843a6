/**
 * Path bytes: names of files as git has them, which are bytes, in strings that lose none of them. A byte that is not UTF-8 is a
 * lone surrogate (U+DC80 to U+DCFF), so that valid names are what they say. Knows no repository.
 *
 * Invariant: `bytesOf(textOf(bytes))` is `bytes`, for all bytes.
 */
import { isUtf8 } from "node:buffer";
import { join } from "node:path";

const LONE = 0xdc00;

/** Longest that a character is in UTF-8. */
const LONGEST = 4;

export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let at = 0; at < bytes.length;) {
    let length = 1;
    while (length <= LONGEST && !isUtf8(bytes.subarray(at, at + length))) length++;
    const isWhole = length <= LONGEST && at + length <= bytes.length;
    text += isWhole ? bytes.toString("utf8", at, at + length) : String.fromCharCode(LONE + (bytes[at] ?? 0));
    at += isWhole ? length : 1;
  }
  return text;
}

export function bytesOf(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const parts = text.split(/([\udc80-\udcff])/u);
  return Buffer.concat(
    parts.map((part) => (part.isWellFormed() ? Buffer.from(part, "utf8") : Buffer.of(part.charCodeAt(0) - LONE))),
  );
}

/** For functions of the file system. */
export function pathIn(folder: string, name: string): string | Buffer {
  return name.isWellFormed() ? join(folder, name) : bytesOf(`${folder}/${name}`);
}

/** For people and for the history: a name with such bytes as git quotes it. */
export function shownName(name: string): string {
  if (name.isWellFormed()) return name;
  const quoted = name
    .replaceAll(/["\\]/g, (character) => `\\${character}`)
    .replaceAll(/[\udc80-\udcff]/gu, (byte) => `\\${(byte.charCodeAt(0) - LONE).toString(8)}`);
  return `"${quoted}"`;
}
