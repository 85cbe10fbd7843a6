/**
 * Git process: the only caller of git. Starts one git process, limited in time and output, with a clean environment.
 * Knows no repository: `repository-access.ts` says which one, and which of its parts are trusted.
 *
 * Invariants:
 *  1. No program that a repository names is started (S11): no hooks, no monitor, no editor, no pager, no transport.
 *  2. Of the caller's environment git gets only the names in {@link PASSED}: no `GIT_DIR` of a hook that heddle was
 *     called from, no `GIT_CONFIG_*`, no `GIT_EXTERNAL_DIFF`.
 *  3. Messages for people are never parsed: only exit codes, and output of commands that were asked for a format.
 */
import { spawn } from "node:child_process";
import type { Clock } from "../base/clock.ts";
import { HeddleError, messageOf, systemCode } from "../base/errors.ts";

export interface GitCall {
  readonly args: readonly string[];
  /** Absolute, exists. */
  readonly cwd: string;
  /** The whole environment. */
  readonly env: GitEnvironment;
  readonly input?: string | Uint8Array;
  /** Absent: {@link DEFAULT_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** Of standard output; absent: {@link DEFAULT_OUTPUT_BYTES}. */
  readonly maxOutputBytes?: number;
}

export interface GitEnvironment {
  readonly [name: string]: string;
}

export type GitEnd =
  | { readonly kind: "exited"; readonly code: number; readonly output: Buffer; readonly said: string }
  /** It was not found, was ended by a signal, took too long or wrote too much. */
  | {
      readonly kind: "broken";
      readonly reason: "missing" | "signal" | "timeout" | "output";
      readonly message: string;
      /** Where it wrote too much: what fits. */
      readonly output?: Buffer;
    };

/** Never rejects. */
export type GitRun = (call: GitCall) => Promise<GitEnd>;

export const DEFAULT_TIMEOUT_MS = 60_000;
export const DEFAULT_OUTPUT_BYTES: number = 256 << 20;
const MAX_SAID_BYTES = 16 << 10;
/** Between TERM and KILL for a git that took too long: it removes its lock files at TERM. */
const GRACE_MS = 2000;

/** Before every command. What is set here wins over every configuration file. */
const SAFE_OPTIONS: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "protocol.ext.allow=never",
  "core.untrackedCache=false",
  "core.splitIndex=false",
  "index.sparse=false",
  "core.quotePath=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "log.showSignature=false",
  "merge.renormalize=false",
  // On disk before anything follows from it: by default git does not sync new objects.
  "core.fsync=committed",
  "core.fsyncMethod=batch",
].flatMap((option) => ["-c", option]);

/** What git may know of the environment of this process. */
const PASSED = ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "GIT_CEILING_DIRECTORIES"] as const;

export const IDENTITY = { name: "heddle", email: "heddle@localhost" } as const;

/** `userConfig`: the user's and the system's configuration is read, for settings that only they hold (`safe.directory`). */
export function gitEnvironment(
  outside: { readonly [name: string]: string | undefined },
  options: { readonly userConfig?: boolean } = {},
): GitEnvironment {
  const env: Record<string, string> = {
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_EDITOR: "true",
    GIT_SEQUENCE_EDITOR: "true",
    GIT_PAGER: "cat",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_NO_LAZY_FETCH: "1",
    GIT_ATTR_NOSYSTEM: "1",
    // No protocol has this name: objects that are absent stay absent, nothing is fetched, no helper is started.
    GIT_ALLOW_PROTOCOL: "none",
    GIT_AUTHOR_NAME: IDENTITY.name,
    GIT_AUTHOR_EMAIL: IDENTITY.email,
    GIT_COMMITTER_NAME: IDENTITY.name,
    GIT_COMMITTER_EMAIL: IDENTITY.email,
  };
  if (options.userConfig !== true) Object.assign(env, { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" });
  for (const name of PASSED) {
    const value = outside[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** The git of this machine. `program`: its path; absent: the first on PATH. */
export function systemGit(options: { readonly clock: Clock; readonly program?: string }): GitRun {
  return (call) => start(options.program ?? "git", call, options.clock);
}

function start(program: string, call: GitCall, clock: Clock): Promise<GitEnd> {
  const { promise, resolve } = Promise.withResolvers<GitEnd>();
  const limit = call.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES;
  const child = spawn(program, [...SAFE_OPTIONS, ...call.args], {
    cwd: call.cwd,
    env: call.env,
    // A pipe that nobody writes to costs a tenth of the start.
    stdio: [call.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let said = "";
  let broken: "timeout" | "output" | undefined;
  const stop = (reason: "timeout" | "output"): void => {
    broken ??= reason;
    child.kill("SIGTERM");
    cancelKill ??= clock.after(GRACE_MS, () => child.kill("SIGKILL"));
  };
  let cancelKill: (() => void) | undefined;
  const cancelTimer = clock.after(call.timeoutMs ?? DEFAULT_TIMEOUT_MS, () => stop("timeout"));
  const settle = (end: GitEnd): void => {
    cancelTimer();
    cancelKill?.();
    resolve(end);
  };
  child.stdout?.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (broken === "output") return;
    if (bytes > limit) stop("output");
    chunks.push(bytes > limit ? chunk.subarray(0, chunk.length - (bytes - limit)) : chunk);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    if (said.length < MAX_SAID_BYTES) said += chunk.toString("utf8");
  });
  child.on("error", (thrown) => {
    const missing = systemCode(thrown) === "ENOENT";
    settle({ kind: "broken", reason: missing ? "missing" : "signal", message: messageOf(thrown) });
  });
  child.on("close", (code, signal) => {
    if (broken === "output") settle({ kind: "broken", reason: broken, message: said, output: Buffer.concat(chunks) });
    else if (broken !== undefined) settle({ kind: "broken", reason: broken, message: said });
    else if (code === null) settle({ kind: "broken", reason: "signal", message: `ended by ${signal ?? "a signal"}` });
    else settle({ kind: "exited", code, output: Buffer.concat(chunks), said });
  });
  // A git that ends without reading all of its input breaks the pipe; its exit code says why.
  child.stdin?.on("error", () => {});
  child.stdin?.end(call.input);
  return promise;
}

/** The problem when git itself failed, with its message as the cause. */
export function gitFailure(args: readonly string[], end: GitEnd): HeddleError {
  const what = `git ${args.find((argument) => !argument.startsWith("-")) ?? ""}`.trim();
  if (end.kind === "exited")
    return new HeddleError({
      code: "GitFailed",
      message: `${what} ended with exit code ${end.code}: ${firstLine(end.said)}`,
      hint: "Check the repository with `git fsck`, and that its disk has space left.",
      cause: end.said,
    });
  if (end.reason === "missing")
    return new HeddleError({
      code: "GitMissing",
      message: "git was not found",
      hint: "Install git 2.38 or newer and put it on PATH.",
      cause: end.message,
    });
  const how = { signal: "was ended by a signal", timeout: "took too long", output: "wrote too much" }[end.reason];
  return new HeddleError({ code: "GitFailed", message: `${what} ${how}`, cause: end.message });
}

function firstLine(text: string): string {
  return text.split("\n").find((line) => line !== "") ?? "no message";
}
