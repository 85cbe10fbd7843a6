/** Error messages: what SQLite's and the system's errors mean for people. Knows SQLite's error numbers; no table. */
import { accessSync, constants, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { HeddleError, messageOf, systemCode, type Problem } from "../../base/errors.ts";
import { diskFull } from "../port.ts";

/** Less than this is full: the file that shares locks between processes grows by 32 KiB at a time. */
const FULL_BYTES = 64 * 1024;

/** SQLite's number of an error, without its details; `undefined` for other errors. */
export function sqliteCode(thrown: unknown): number | undefined {
  if (typeof thrown !== "object" || thrown === null || !("errcode" in thrown)) return undefined;
  return typeof thrown.errcode === "number" ? thrown.errcode & 0xff : undefined;
}

export function isBusy(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code === 5 || code === 6;
}

/** Whether an error is of the system or the driver: an expected failure. Anything else is a bug and has to be thrown on. */
export function isSystemFailure(thrown: unknown): boolean {
  if (thrown instanceof HeddleError || sqliteCode(thrown) !== undefined) return true;
  const code = systemCode(thrown);
  // Node's own errors are bugs of the caller, except a stored number that JavaScript cannot represent: it is damaged.
  return code !== undefined && (!code.startsWith("ERR_") || code === "ERR_OUT_OF_RANGE");
}

/** The problem for an error of the driver or the system; every message names the file. */
export function problemOf(thrown: unknown, file: string): Problem {
  if (thrown instanceof HeddleError) return thrown;
  const said = messageOf(thrown);
  const make = (code: string, what: string, hint: string): Problem => ({
    code,
    message: `${file} ${what} (${said})`,
    hint,
    cause: thrown,
  });
  const system = systemCode(thrown);
  const full = (): Problem => ({ ...diskFull(file, said), cause: thrown });
  if (system === "ENOSPC" || system === "EDQUOT") return full();
  if (system === "EROFS" || system === "EACCES" || system === "EPERM") return readOnly(make);
  if (system === "ERR_OUT_OF_RANGE") return corrupt(make);
  if (system === "ENOTDIR") {
    return make("JournalUnusable", "cannot be created: its folder is a file", "Move that file away.");
  }
  switch (sqliteCode(thrown)) {
    case 5:
    case 6:
      return make(
        "JournalBusy",
        "has been locked by another process for too long",
        "Try again. If it does not help, look for a stopped heddle process.",
      );
    case 8:
      return readOnly(make);
    case 11:
    case 26:
      return corrupt(make);
    case 13:
      return full();
    case 3:
    case 10:
    case 14:
      if (isDiskFull(file)) return full();
      if (!isWritable(file)) return readOnly(make);
      return make(
        "JournalUnusable",
        "could not be read or written",
        "Check the disk and the file's permissions, then resume the run.",
      );
    default:
      return make("JournalUnusable", "could not be used", "Run `heddle doctor`.");
  }
}

type Make = (code: string, what: string, hint: string) => Problem;

function readOnly(make: Make): Problem {
  return make("JournalReadOnly", "cannot be written", "Check the permissions of the file and its folder.");
}

function corrupt(make: Make): Problem {
  return make(
    "JournalDamaged",
    "is damaged or not a journal",
    "Restore the file from a backup, or run `heddle doctor`.",
  );
}

export function removedProblem(file: string): Problem {
  return {
    code: "JournalRemoved",
    message: `${file} was removed or replaced while a run was writing to it: what it held is gone`,
    hint: "Do not change `.heddle` during a run. Restore it from a backup, or start over with `heddle run`.",
  };
}

/** Whether the file's disk is full: SQLite does not always say so. */
export function isDiskFull(file: string): boolean {
  try {
    const stats = statfsSync(dirname(file));
    return stats.bavail * stats.bsize < FULL_BYTES;
  } catch {
    return false;
  }
}

/** Whether the file and its folder may be written: the log is made beside the file. */
function isWritable(file: string): boolean {
  try {
    accessSync(dirname(file), constants.W_OK);
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs `work`; what the driver throws comes out as a `HeddleError` that names the file; a bug stays one. */
export function guarded<T>(db: { readonly file: string }, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof HeddleError || !isSystemFailure(thrown)) throw thrown;
    throw new HeddleError(problemOf(thrown, db.file));
  }
}
