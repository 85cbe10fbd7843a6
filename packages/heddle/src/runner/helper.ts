/**
 * Command helpers: long-lived small shells that fork each command, at a cost that does not grow with the size of this
 * process. They behave like a direct spawn (`test/support/suites/runner.ts`); what a helper cannot do is spawned
 * directly.
 *
 * Invariants:
 *  1. A helper runs one command at a time and leads the process group and session of its commands.
 *  2. Helpers end when this process does, however it does, and end what they run (see the watcher in
 *     `helper-script.ts`).
 *  3. Where the system allows it (Linux, perl), orphans of a command are adopted by its helper: then it is certain at
 *     each end that nothing is left, whatever session a process moved to and whatever it did to its environment.
 *  4. Idle helpers do not keep this process alive.
 */
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { plainFileProblem } from "../files/plain-file.ts";
import { commandScript, helperCan, openingScript } from "./helper-script.ts";
import {
  type CommandEnd,
  type ProcessSpec,
  type Commands,
  LazyFollowed,
  type ProcessWorld,
  type RunningCommand,
  exitedWith,
  followCommand,
  plainCommands,
  spawnHelper,
  unstarted,
} from "../process/process.ts";
import { type ProcessEnding, type Followed, endAll } from "../process/terminate.ts";

export interface HelperOptions {
  /** Of the watcher, when this process dies. */
  readonly graceMs?: number;
  /** Helpers are started by it (`sh`); a test may name another. */
  readonly shell?: string;
}

export interface HelperCommands extends Commands {
  /** Whether `pid` is a process of the helpers themselves. */
  isHelper(pid: number): boolean;
  /** Pids of living helpers, for tests and `doctor`. */
  helpers(): readonly number[];
}

/** Idle helpers kept; those over it end. */
const MAX_IDLE = 16;
/** After so many helpers that never answered, no more are tried. */
const MAX_FAILURES = 2;

const DEFAULT_WATCHER_GRACE_MS = 5000;

/** prctl(PR_SET_CHILD_SUBREAPER, 1), which an exec keeps: the shell then inherits the orphans of its commands. */
const PRCTL: Readonly<Record<string, number>> = { x64: 157, arm64: 167 };
const PR_SET_CHILD_SUBREAPER = 36;

export function helperCommands(world: ProcessWorld, options: HelperOptions = {}): HelperCommands {
  return new HelperPool(world, options);
}

type Base = ProcessSpec["base"];

class HelperPool implements HelperCommands {
  readonly #world: ProcessWorld;
  readonly #options: HelperOptions;
  readonly #plain: Commands;
  readonly #all = new Map<number, Helper>();
  readonly #idle: Record<Base, Helper[]> = { inherit: [], strict: [] };
  #failures = 0;
  #perl = process.platform === "linux" && PRCTL[process.arch] !== undefined;
  #disposed = false;

  constructor(world: ProcessWorld, options: HelperOptions) {
    this.#world = world;
    this.#options = options;
    this.#plain = plainCommands(world);
  }

  start(spec: ProcessSpec): RunningCommand {
    if (spec.sink === undefined && helperCan(spec)) {
      // A helper opens it by its name: a pipe there would hold it up.
      const problem = spec.logFile === null ? undefined : plainFileProblem(spec.logFile);
      if (problem !== undefined) return unstarted(`cannot open the log: ${spec.logFile} ${problem}`);
      const helper = this.#idle[spec.base].pop() ?? this.#spawn(spec.base);
      if (helper !== undefined) {
        const text = commandScript(spec);
        if (!text.includes("\0")) return helper.run(spec, text);
        this.#rest(helper);
      }
    } else if (this.#all.size === 0) {
      // Its watcher looks after plain commands, too.
      this.warm();
    }
    return this.#plain.start(spec);
  }

  warm(): void {
    if (this.#all.size > 0) return;
    const helper = this.#spawn("inherit");
    if (helper !== undefined) this.#rest(helper);
  }

  isHelper(pid: number): boolean {
    if (this.#all.has(pid)) return true;
    for (const helper of this.#all.values()) if (helper.watcher === pid) return true;
    return false;
  }

  helpers(): readonly number[] {
    return [...this.#all.keys()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const helper of this.#all.values()) helper.end();
  }

  #spawn(base: Base): Helper | undefined {
    if (this.#disposed || this.#failures >= MAX_FAILURES) return undefined;
    const child = this.#spawnShell(base);
    if (child?.pid === undefined) {
      this.#failures = MAX_FAILURES;
      return undefined;
    }
    const opening = openingScript({
      owner: this.#world.owner,
      graceMs: this.#options.graceMs ?? DEFAULT_WATCHER_GRACE_MS,
      proc: process.platform === "linux",
    });
    const helper = new Helper(child, child.pid, base, this.#world, {
      idle: () => this.#rest(helper),
      gone: () => {
        this.#all.delete(helper.pid);
        this.#idle[base] = this.#idle[base].filter((other) => other !== helper);
        if (helper.failed) this.#failures++;
      },
      plain: (spec) => this.#plain.start(spec),
    });
    helper.say(opening);
    this.#all.set(helper.pid, helper);
    return helper;
  }

  #spawnShell(base: Base): ChildProcess | undefined {
    const env = this.#world.bases[base];
    const shell = this.#options.shell ?? "sh";
    if (this.#perl) {
      const program = `exec $ARGV[0], "-s", syscall(${PRCTL[process.arch]}, ${PR_SET_CHILD_SUBREAPER}, 1, 0, 0, 0) == 0 ? 1 : 0`;
      const child = spawnHelper("perl", ["-e", program, shell], env);
      if (child.pid !== undefined) return child;
      child.once("error", () => {});
      this.#perl = false;
    }
    const child = spawnHelper(shell, ["-s", "0"], env);
    if (child.pid !== undefined) return child;
    child.once("error", () => {});
    return undefined;
  }

  #rest(helper: Helper): void {
    const idle = this.#idle[helper.base];
    if (this.#disposed || idle.length >= MAX_IDLE) helper.end();
    else idle.push(helper);
  }
}

interface HelperEvents {
  readonly idle: () => void;
  readonly gone: () => void;
  readonly plain: (spec: ProcessSpec) => RunningCommand;
}

/** The command that a helper runs now. */
interface Job {
  readonly spec: ProcessSpec;
  readonly resolve: (end: CommandEnd) => void;
  readonly followed: LazyFollowed;
  ending: ProcessEnding | undefined;
  /**
   * Exit status of the command, once it has ended: processes that it left may still run, and ending them may end the
   * helper.
   */
  status: number | undefined;
  /** Carries it on where the helper turned out to be none. */
  instead: RunningCommand | undefined;
}

class Helper {
  readonly pid: number;
  readonly base: Base;
  watcher: number | undefined;
  /** Ended without any answer, and not because it was asked to: it is not a usable shell. */
  failed = false;
  #greeted = false;
  readonly #world: ProcessWorld;
  readonly #events: HelperEvents;
  readonly #streams: readonly Socket[];
  #dismissed = false;
  #adopts = false;
  #text = "";
  #job: Job | undefined;

  constructor(child: ChildProcess, pid: number, base: Base, world: ProcessWorld, events: HelperEvents) {
    this.pid = pid;
    this.base = base;
    this.#world = world;
    this.#events = events;
    this.#streams = [child.stdin, child.stdout, child.stdio[3]] as unknown as readonly Socket[];
    for (const stream of this.#streams) stream.on("error", () => {});
    this.#streams[1]?.on("data", (chunk: Buffer) => this.#hear(chunk.toString("latin1")));
    child.once("exit", () => this.#gone());
    child.unref();
    for (const stream of this.#streams) stream.unref();
  }

  say(text: string): void {
    this.#streams[0]?.write(text);
  }

  /** Lets the shell end when it has finished its command; its watcher ends at once. */
  end(): void {
    this.#dismissed = true;
    this.#streams[2]?.end("end\n");
    this.#streams[0]?.end();
  }

  run(spec: ProcessSpec, text: string): RunningCommand {
    const { promise, resolve } = Promise.withResolvers<CommandEnd>();
    const job: Job = {
      spec,
      resolve,
      followed: new LazyFollowed(() => this.#follow(spec)),
      ending: undefined,
      status: undefined,
      instead: undefined,
    };
    this.#job = job;
    this.#streams[1]?.ref();
    this.say(text);
    return {
      ended: promise,
      stop: (graceMs) => this.#stop(job, graceMs),
      kill: () => this.#stop(job, 0),
      members: () =>
        this.#job === job || job.ending !== undefined ? job.followed.get().look() : (job.instead?.members() ?? []),
    };
  }

  #follow(spec: ProcessSpec): Followed {
    const own = (pid: number): boolean => pid === this.pid || pid === this.watcher;
    const byGroup = followCommand(this.#world, spec, this.pid, own);
    return byGroup.with((info) => info.parent === this.pid);
  }

  #stop(job: Job, graceMs: number): void {
    if (job.instead !== undefined) {
      if (graceMs > 0) job.instead.stop(graceMs);
      else job.instead.kill();
    } else if (job.ending !== undefined) {
      if (graceMs <= 0) job.ending.kill();
    } else if (this.#job === job) {
      job.ending = this.#endAll(job, graceMs);
    }
  }

  #endAll(job: Job, graceMs: number): ProcessEnding {
    // Until it answers, the helper may be about to fork a command that was sent to it.
    const over = (): boolean => job.status !== undefined || this.#job !== job;
    return endAll(job.followed.get(), { clock: this.#world.clock, graceMs, group: this.pid, over });
  }

  #hear(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf("\n"); end >= 0; end = this.#text.indexOf("\n")) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      if (this.#greeted) this.#answer(line);
      else this.#greet(line);
    }
  }

  #greet(line: string): void {
    const [watcher, adopts] = line.split(" ");
    this.#greeted = true;
    this.watcher = Number(watcher);
    this.#adopts = adopts === "1";
  }

  #answer(line: string): void {
    const job = this.#job;
    if (job === undefined) return;
    if (line === "C") {
      this.#settle(job, { kind: "unstarted", message: `cannot enter the folder ${job.spec.cwd}` });
      return;
    }
    const [status, ...children] = line.trim().split(" ").map(Number);
    // A system that does not list children does not list the watcher either.
    if (!children.includes(this.watcher ?? 0)) this.#adopts = false;
    const left = children.some((pid) => pid !== this.watcher && this.#lives(pid));
    void this.#finish(job, status ?? 1, left);
  }

  #lives(pid: number): boolean {
    const { table } = this.#world;
    let info = table.read().processes.get(pid);
    if (info === undefined) {
      // It may be younger than the reading.
      table.forget?.();
      info = table.read().processes.get(pid);
    }
    return info !== undefined && !info.zombie;
  }

  async #finish(job: Job, status: number, left: boolean): Promise<void> {
    const { spec } = job;
    job.status = status;
    if (job.ending !== undefined || left) {
      job.ending ??= this.#endAll(job, spec.graceMs);
      const found = await job.ending.done;
      this.#settle(job, exitedWith(status, found, this.#adopts));
    } else if (status !== 0 && status <= 2 && spec.logFile !== null && !existsSync(spec.logFile)) {
      this.#settle(job, { kind: "unstarted", message: `cannot open the log ${spec.logFile}` });
    } else {
      this.#settle(job, exitedWith(status, 0, this.#adopts));
    }
  }

  #settle(job: Job, end: CommandEnd): void {
    if (this.#job !== job) return;
    this.#job = undefined;
    this.#streams[1]?.unref();
    job.resolve(end);
    this.#events.idle();
  }

  /** The shell is gone: ended with its command's group, or by somebody else. */
  #gone(): void {
    const job = this.#job;
    this.failed = !this.#greeted && job?.ending === undefined && !this.#dismissed;
    this.#events.gone();
    this.#job = undefined;
    for (const stream of this.#streams) stream.destroy();
    if (job === undefined) return;
    if (this.failed) {
      job.instead = this.#events.plain(job.spec);
      void job.instead.ended.then(job.resolve);
      return;
    }
    job.ending ??= this.#endAll(job, job.spec.graceMs);
    void job.ending.done.then((found) => job.resolve(exitedWith(job.status ?? KILLED, found, false)));
  }
}

const KILLED = 137;
