/** Log bytes: a part of a log as it is, of any size. Knows no line. */
import { fstatSync } from "node:fs";
import { readLogPiece, withLog } from "./log-index.ts";

export interface LogBytes {
  /** Fewer than asked for at the end of the log alone. */
  readonly bytes: Buffer;
  /** Of the log as it is now. */
  readonly size: number;
  /** Tells the file from another one at its place. */
  readonly file: string;
}

/** `undefined`: there is no log, or what is there is no plain file. */
export async function logBytes(
  path: string,
  { from, length }: { readonly from: number; readonly length: number },
): Promise<LogBytes | undefined> {
  if (path === "") return undefined;
  return withLog(path, async (file) => {
    const { size, ino } = fstatSync(file);
    const wanted = Math.max(0, Math.min(length, size - from));
    const bytes = wanted === 0 ? Buffer.alloc(0) : await readLogPiece(file, from, wanted);
    return { bytes, size, file: ino.toString(36) };
  });
}
