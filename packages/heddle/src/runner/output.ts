/** Log tail: reads the end of a log without reading the log. Knows files and lines, not who wrote them. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Bytes that {@link tail} reads by default. */
const TAIL_BYTES = 64 * 1024;

/**
 * The last lines of a file, oldest first, without line ends. Of a line longer than `maxBytes` only its end comes back. A file
 * that is not there has no lines.
 */
export function tail(file: string, lines: number, maxBytes: number = TAIL_BYTES): readonly string[] {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return [];
  }
  try {
    const { size } = fstatSync(descriptor);
    const length = Math.min(size, maxBytes);
    const buffer = Buffer.alloc(length);
    const read = readSync(descriptor, buffer, 0, length, size - length);
    let from = 0;
    if (length < size) {
      // The first line is cut off at its beginning, unless it is all there is; a cut character is left out.
      const lineEnd = buffer.indexOf(0x0a);
      from = lineEnd >= 0 && lineEnd < read - 1 ? lineEnd + 1 : 0;
      while (from < read && ((buffer[from] ?? 0) & 0xc0) === 0x80) from++;
    }
    const text = buffer.toString("utf8", from, read).replace(/\r?\n$/, "");
    return text === "" ? [] : text.split(/\r?\n/).slice(-lines);
  } catch {
    return [];
  } finally {
    closeSync(descriptor);
  }
}
