/** Log writing: puts all of a chunk into an open log, and says why that cannot be done. Knows no attempt. */
import { writeSync } from "node:fs";
import { messageOf, systemCode } from "../base/errors.ts";

/** The problem, if not all of it could be written. A write may take less than it is given. */
export function writeToLog(file: number, path: string, chunk: Uint8Array): string | undefined {
  try {
    for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at);
    return undefined;
  } catch (thrown) {
    const isFull = systemCode(thrown) === "ENOSPC";
    const why = isFull ? "its disk is full. Free some space, then resume the run" : messageOf(thrown);
    return `cannot write the log ${path}: ${why}`;
  }
}
