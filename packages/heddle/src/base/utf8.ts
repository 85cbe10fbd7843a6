/**
 * UTF-8 reader: bytes that must be text, or where they are not. A decoder would put U+FFFD in the place of a byte that it cannot read,
 * and the text would be another one.
 */
import { isUtf8 } from "node:buffer";
import { err, ok, type Result } from "./result.ts";

/** The first byte that is no part of a text in UTF-8. */
export interface NotUtf8 {
  /** For people: what the byte is, and what the text may be instead. */
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters as JavaScript counts them. */
  readonly column: number;
}

const REPLACED = Buffer.from("\u{fffd}");

export function textOfUtf8(bytes: Buffer): Result<string, NotUtf8> {
  const text = bytes.toString("utf8");
  if (isUtf8(bytes)) return ok(text);
  let offset = 0;
  let from = 0;
  for (let at = text.indexOf("\u{fffd}"); at >= 0; at = text.indexOf("\u{fffd}", at + 1)) {
    offset += Buffer.byteLength(text.slice(from, at));
    // The character itself may be in the text.
    if (!bytes.subarray(offset, offset + REPLACED.length).equals(REPLACED))
      return err(badByte(bytes, offset, text, at));
    offset += REPLACED.length;
    from = at + 1;
  }
  return err(badByte(bytes, bytes.length - 1, text, text.length));
}

function badByte(bytes: Buffer, offset: number, text: string, at: number): NotUtf8 {
  const before = text.slice(0, at);
  const lines = before.split("\n");
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const byte = (bytes[offset] ?? 0).toString(16).padStart(2, "0");
  return {
    message: isUtf16 ? "is UTF-16 text, not UTF-8" : `is not UTF-8 text: byte 0x${byte} at offset ${offset}`,
    line: lines.length,
    column: (lines.at(-1)?.length ?? 0) + 1,
  };
}
