/**
 * Token file: where a server leaves its tokens for the command line and the library of the same user. Readable by that user alone; written
 * whole or not at all.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Check, finite, listOf, object, text } from "../base/check.ts";
import { messageOf, type Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";

export interface TokenFile {
  readonly pid: number;
  /** What a person calls the process. */
  readonly title: string;
  /** Without a slash at its end. */
  readonly url: string;
  /** The folders of its projects; absolute. */
  readonly dirs: readonly string[];
  readonly act: string;
  readonly read: string;
}

const check: Check<TokenFile> = object<TokenFile>({
  pid: finite,
  title: text,
  url: text,
  dirs: listOf(text),
  act: text,
  read: text,
});

/** Absolute. */
export function tokenFileOf(env: Readonly<Record<string, string | undefined>>, port: number): string {
  const state = env["XDG_STATE_HOME"];
  const base = state?.startsWith("/") === true ? state : join(env["HOME"] ?? homedir(), ".local", "state");
  return join(base, "heddle", "server", `${port}.json`);
}

export function writeTokenFile(path: string, content: TokenFile): Result<void, Problem> {
  const folder = join(path, "..");
  const written = `${path}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    rmSync(written, { force: true });
    writeFileSync(written, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: "wx" });
    renameSync(written, path);
    return ok(undefined);
  } catch (thrown) {
    return err({
      code: "TokenFileUnwritable",
      message: `${path} cannot be written: ${messageOf(thrown)}`,
      hint: "The server's tokens are kept there: make the folder writable, or set XDG_STATE_HOME.",
      cause: thrown,
    });
  }
}

/** `undefined`: there is none, or it is not this user's alone, or no token file. */
export function readTokenFile(path: string): TokenFile | undefined {
  try {
    const { mode, uid } = statSync(path);
    if ((mode & 0o077) !== 0 || (process.getuid !== undefined && uid !== process.getuid())) return undefined;
    const content: unknown = JSON.parse(readFileSync(path, "utf8"));
    return check.test(content) === undefined ? (content as TokenFile) : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the file of the server with this token, not of one that came after it. */
export function removeTokenFile(path: string, act: string): void {
  if (readTokenFile(path)?.act === act) rmSync(path, { force: true });
}
