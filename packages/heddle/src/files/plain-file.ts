/**
 * Plain file access: opens files at paths where other programs may have put something else. Knows no content.
 *
 * Invariants:
 *  1. No call waits for another process: a named pipe is never opened in blocking mode.
 *  2. A link in the place of the file is not followed, and nothing but a plain file is read or written.
 *  3. What is written is readable by its user alone, whatever the umask and whoever made the file.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { messageOf, systemCode } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";

const SAFELY = constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** The file, opened to read; `undefined` where there is nothing. The error says what is wrong with the path, to follow its name. */
export function openPlainToRead(path: string): Result<number | undefined, string> {
  const stats = lookAt(path);
  if (!stats.ok || stats.value === undefined) return stats as Result<undefined, string>;
  // Before it is opened: to open a device can have an effect.
  if (!stats.value.isFile()) return err(notPlain(stats.value));
  const opened = openPlain(path, constants.O_RDONLY);
  return opened.ok || !opened.error.isMissing ? told(opened) : ok(undefined);
}

/** The file, opened to append to; made if it is not there. */
export function openPlainToAppend(path: string): Result<number, string> {
  return told(openOwn(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT));
}

/** The file, opened to write, and emptied; made if it is not there. */
export function openPlainToWrite(path: string): Result<number, string> {
  return told(openOwn(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_CREAT));
}

/** What is wrong with the path as one of a plain file, to follow its name. `undefined`: nothing, or there is no such file. */
export function plainFileProblem(path: string): string | undefined {
  const stats = lookAt(path);
  if (!stats.ok) return stats.error;
  return stats.value === undefined || stats.value.isFile() ? undefined : notPlain(stats.value);
}

/** Removes the plain file, if there is one. The error says what is wrong with the path, to follow its name. */
export function removePlain(path: string): Result<void, string> {
  const stats = lookAt(path);
  if (!stats.ok) return stats;
  if (stats.value === undefined) return ok(undefined);
  if (!stats.value.isFile()) return err(notPlain(stats.value));
  try {
    unlinkSync(path);
    return ok(undefined);
  } catch (thrown) {
    return err(`cannot be removed: ${messageOf(thrown)}`);
  }
}

/** At most the last `bytes` bytes of a plain file; `undefined` where there is none that can be read. */
export function readPlainEnd(
  path: string,
  bytes: number,
): { readonly end: Buffer; readonly isAll: boolean } | undefined {
  const opened = openPlainToRead(path);
  if (!opened.ok || opened.value === undefined) return undefined;
  const file = opened.value;
  try {
    const { size } = fstatSync(file);
    const end = Buffer.alloc(Math.min(size, bytes));
    const read = readSync(file, end, 0, end.length, size - end.length);
    return { end: end.subarray(0, read), isAll: size <= bytes };
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

interface Refusal {
  readonly message: string;
  readonly isMissing: boolean;
}

function told<T>(opened: Result<T, Refusal>): Result<T, string> {
  return opened.ok ? opened : err(opened.error.message);
}

function openOwn(path: string, flags: number): Result<number, Refusal> {
  const opened = openPlain(path, flags);
  if (!opened.ok || (fstatSync(opened.value).mode & 0o077) === 0) return opened;
  try {
    fchmodSync(opened.value, 0o600);
    return opened;
  } catch (thrown) {
    closeSync(opened.value);
    return err({ message: `cannot be made readable by its user alone: ${messageOf(thrown)}`, isMissing: false });
  }
}

function openPlain(path: string, flags: number): Result<number, Refusal> {
  let file: number;
  try {
    file = openSync(path, flags | SAFELY, 0o600);
  } catch (thrown) {
    const isMissing = systemCode(thrown) === "ENOENT";
    return err({ message: plainFileProblem(path) ?? `cannot be opened: ${messageOf(thrown)}`, isMissing });
  }
  const stats = fstatSync(file);
  if (stats.isFile()) return ok(file);
  closeSync(file);
  return err({ message: notPlain(stats), isMissing: false });
}

function lookAt(path: string): Result<Stats | undefined, string> {
  try {
    return ok(lstatSync(path, { throwIfNoEntry: false }));
  } catch (thrown) {
    return err(`cannot be looked at: ${messageOf(thrown)}`);
  }
}

function notPlain(stats: Stats): string {
  return `is ${kindOf(stats)}, not a plain file`;
}

function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return "a symbolic link";
  if (stats.isFIFO()) return "a named pipe";
  if (stats.isDirectory()) return "a folder";
  return stats.isSocket() ? "a socket" : "a device";
}
