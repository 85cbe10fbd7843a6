/**
 * Processes: the only owner of child processes: starts and signals them, and reports their end. Knows commands, files
 * and environment, no step and no attempt.
 *
 * Invariants of every way to start a command (tested by `test/support/suites/runner.ts`):
 *  1. A command reads nothing (`/dev/null`), writes both outputs to one file, and can be signalled as a group.
 *  2. `ended` settles once, never rejects, and only when no process of the command is running.
 *  3. A process killed by a signal reports 128 + its number and the signal's name; so does a shell that passes such an
 *     end of its last command on.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { constants } from "node:os";
import type { Clock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import { messageOf } from "../base/errors.ts";
import { openPlainToAppend } from "../files/plain-file.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { BaseEnvironments, Environment } from "./environment.ts";
import { OWNER_VARIABLE, TAG_VARIABLE } from "./environment.ts";
import { type ProcessInfo, type ProcessTable, linuxProcessTable, psProcessTable } from "./table.ts";
import { type ProcessEnding, Followed, endAll, sendSignalTo } from "./terminate.ts";

export interface ProcessSpec {
  /** Text for the shell: the only value here that a shell reads as code. */
  readonly command: string;
  /** The shell's name or path, with options of its own after spaces: `sh`, `bash -e -o pipefail`. */
  readonly shell: string;
  /** Absolute. */
  readonly cwd: string;
  readonly base: keyof BaseEnvironments;
  /** Over the base. */
  readonly env: Environment;
  /** Appended to; `null`: no log. */
  readonly logFile: string | null;
  /** Gets the output instead of the log file, stream by stream. */
  readonly sink?: (stream: "stdout" | "stderr", chunk: Buffer) => void;
  /** Between TERM and KILL for processes that the command leaves behind. */
  readonly graceMs: number;
}

export type CommandEnd =
  /**
   * `found`: processes that were ended after the command's end, or to end it. `contained`: it is certain that none
   * escaped; otherwise a sweep finds out.
   */
  | {
      readonly kind: "exited";
      readonly code: number;
      readonly signal?: string;
      readonly found: number;
      readonly contained: boolean;
    }
  | { readonly kind: "unstarted"; readonly message: string };

export interface RunningCommand {
  readonly ended: Promise<CommandEnd>;
  /** TERM, after `graceMs` KILL, to all that belongs to the command. Further calls do nothing. */
  stop(graceMs: number): void;
  kill(): void;
  /** Living processes of the command. A look at the whole table. */
  members(): readonly ProcessInfo[];
}

export interface Commands extends AsyncDisposable {
  start(spec: ProcessSpec): RunningCommand;
  warm(): void;
}

/** What starting processes needs of the outside. */
export interface ProcessWorld {
  readonly clock: Clock;
  readonly table: ProcessTable;
  readonly bases: BaseEnvironments;
  /** Random, new for each engine process: see {@link OWNER_VARIABLE}. */
  readonly owner: string;
}

/** The table of this system. */
export function systemProcessTable(): ProcessTable {
  if (process.platform === "linux") return linuxProcessTable();
  return psProcessTable((args) =>
    execFileSync("ps", [...args], { encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "ignore"] }),
  );
}

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** The end, from a shell's status. */
export function exitedWith(status: number, found: number, contained: boolean): CommandEnd {
  const name = status > 128 ? SIGNAL_NAMES.get(status - 128) : undefined;
  return defined({ kind: "exited", code: status, found, contained, signal: name });
}

export function statusOfSignal(name: NodeJS.Signals): number {
  return 128 + constants.signals[name];
}

/** Program and arguments of a command. */
export function argumentsOf(spec: ProcessSpec): readonly [string, ...string[]] {
  if (spec.shell === "sh") return ["sh", "-c", spec.command];
  const [program = "sh", ...options] = spec.shell.trim().split(/\s+/);
  return [program === "" ? "sh" : program, ...options, "-c", spec.command];
}

/** Who belongs to a command: its group, and everything younger that carries its tag. */
export function followCommand(
  world: Pick<ProcessWorld, "table" | "owner">,
  spec: Pick<ProcessSpec, "env">,
  group: number,
  excludes: (pid: number) => boolean,
): Followed {
  const tag = spec.env[TAG_VARIABLE];
  let since: string | undefined;
  return new Followed(world.table, {
    includes(info, snapshot) {
      if (info.group === group) return true;
      // Reading an environment costs more than all else; nobody of this command is older than its group.
      since ??= snapshot.processes.get(group)?.started;
      if (tag === undefined || Number(info.started) < Number(since ?? "")) return false;
      return (
        snapshot.variable(info.pid, TAG_VARIABLE) === tag && snapshot.variable(info.pid, OWNER_VARIABLE) === world.owner
      );
    },
    excludes: (pid) => pid === process.pid || excludes(pid),
  });
}

/** Longest wait for the pipes of a command that has ended: somebody out of reach may hold them. */
const PIPE_WAIT_MS = 200;

/** Each command by a `spawn` of its own. Simple, and slow where this process is large: a fork copies its page tables. */
export function plainCommands(world: ProcessWorld): Commands {
  return {
    start: (spec) => startPlain(world, spec),
    warm() {},
    async [Symbol.asyncDispose]() {},
  };
}

/** The log of a command that writes to it by itself; `undefined`: it does not. Another step may have put something else there. */
function openLog({ sink, logFile }: Pick<ProcessSpec, "sink" | "logFile">): Result<number | undefined, string> {
  if (sink !== undefined || logFile === null) return ok(undefined);
  const opened = openPlainToAppend(logFile);
  return opened.ok ? opened : err(`cannot open the log: ${logFile} ${opened.error}`);
}

function startPlain(world: ProcessWorld, spec: ProcessSpec): RunningCommand {
  const { promise, resolve } = Promise.withResolvers<CommandEnd>();
  const [program, ...args] = argumentsOf(spec);
  const opened = openLog(spec);
  if (!opened.ok) return unstarted(opened.error);
  const log = opened.value;
  let child: ChildProcess;
  try {
    const output = spec.sink === undefined ? (log ?? "ignore") : "pipe";
    child = spawn(program, args, {
      cwd: spec.cwd,
      env: { ...world.bases[spec.base], PWD: spec.cwd, [OWNER_VARIABLE]: world.owner, ...spec.env },
      stdio: ["ignore", output, output],
      detached: true,
    });
  } catch (thrown) {
    return unstarted(messageOf(thrown));
  } finally {
    if (log !== undefined) closeSync(log);
  }
  const group = child.pid;
  if (group === undefined) {
    child.once("error", (error) => resolve({ kind: "unstarted", message: messageOf(error) }));
    return { ended: promise, stop() {}, kill() {}, members: () => [] };
  }
  const followed = new LazyFollowed(() => followCommand(world, spec, group, () => false));
  let ending: ProcessEnding | undefined;
  let exited = false;
  const closed = spec.sink === undefined ? undefined : readPipes(child, spec.sink);
  child.once("error", () => {});
  child.once("exit", (code, name) => {
    exited = true;
    void settle(code ?? (name === null ? 1 : statusOfSignal(name)));
  });
  async function settle(status: number): Promise<void> {
    if (ending === undefined && sendSignalTo(-(group as number), 0)) ending = end(spec.graceMs);
    const found = ending === undefined ? 0 : await ending.done;
    if (closed !== undefined) await within(world.clock, PIPE_WAIT_MS, closed, () => destroyPipes(child));
    resolve(exitedWith(status, found, false));
  }
  function end(graceMs: number): ProcessEnding {
    return endAll(followed.get(), { clock: world.clock, graceMs, group: group as number, over: () => exited });
  }
  return {
    ended: promise,
    stop: (graceMs) => void (ending ??= end(graceMs)),
    kill() {
      if (ending === undefined) ending = end(0);
      else ending.kill();
    },
    members: () => followed.get().look(),
  };
}

/** A command that could not be started. */
export function unstarted(message: string): RunningCommand {
  return { ended: Promise.resolve({ kind: "unstarted", message }), stop() {}, kill() {}, members: () => [] };
}

/** Most commands end without anybody asking for their processes. */
export class LazyFollowed {
  readonly #make: () => Followed;
  #made: Followed | undefined;
  constructor(make: () => Followed) {
    this.#make = make;
  }
  get(): Followed {
    return (this.#made ??= this.#make());
  }
}

function readPipes(child: ChildProcess, sink: NonNullable<ProcessSpec["sink"]>): Promise<void> {
  child.stdout?.on("data", (chunk: Buffer) => sink("stdout", chunk));
  child.stderr?.on("data", (chunk: Buffer) => sink("stderr", chunk));
  return new Promise((resolve) => child.once("close", () => resolve()));
}

function destroyPipes(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/** Resolves with `work`, or after `ms` once `late` was called. */
async function within(clock: Clock, ms: number, work: Promise<void>, late: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, () => {
    late();
    resolve();
  });
  void work.then(resolve);
  await promise;
  cancel();
}

/** A program that is spoken to by pipes, leading a group of its own. `env` is all that it finds. Throws as `spawn` does. */
export function spawnPiped(program: string, args: readonly string[], cwd: string, env: Environment): ChildProcess {
  return spawn(program, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
}

/** A long-lived process of ours: its own group and session, spoken to by pipes. */
export function spawnHelper(program: string, args: readonly string[], env: Environment): ChildProcess {
  return spawn(program, args, { cwd: "/", env, stdio: ["pipe", "pipe", "ignore", "pipe"], detached: true });
}
