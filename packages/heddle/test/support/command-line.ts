/**
 * The real command line in a folder of its own: its processes, their output and exit codes, and gates at which commands of a plan
 * wait for the test's word. Nothing here sleeps.
 */
import { spawn, execFileSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { COMPILED, HEDDLE } from "./built.ts";
import { Command } from "./in-process.ts";
import { CEILINGS, temporaryFolder } from "./temporary.ts";
import { Transcript } from "./transcript.ts";

/** The longest that a process may take; reached only by what hangs. */
const LIMIT_MS = 90_000;

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  /** Over what every command finds; `undefined` removes a name. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface SpawnOptions extends StartOptions {
  /** Before the command: `["faketime", "..."]`. */
  readonly through?: readonly string[];
  /** Absent: the rig's folder. */
  readonly cwd?: string;
  /** When it is killed: absent, {@link LIMIT_MS}. */
  readonly timeoutMs?: number;
}

/** Where a command of a plan waits. */
export interface Gate {
  /** The shell command to put into a step. */
  readonly command: string;
  /** Resolves when the command is there. */
  reached(): Promise<void>;
  /** Lets it go on. */
  open(): Promise<void>;
}

/** A process of the command line. */
export class Running {
  readonly child: ChildProcess;
  readonly done: Promise<Finished>;
  readonly #transcript = new Transcript();

  constructor(child: ChildProcess, timeoutMs: number = LIMIT_MS) {
    this.child = child;
    const transcript = this.#transcript;
    const limit = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    child.stdout?.setEncoding("utf8").on("data", (text: string) => transcript.add("stdout", text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => transcript.add("stderr", text));
    this.done = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        clearTimeout(limit);
        transcript.end();
        resolve({ code, signal, stdout: transcript.stdout, stderr: transcript.stderr });
      });
    });
  }

  get stdout(): string {
    return this.#transcript.stdout;
  }

  get stderr(): string {
    return this.#transcript.stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves when either stream has shown `text`; rejects where the process ends before. */
  says(text: Parameters<Transcript["says"]>[0]): Promise<void> {
    return this.#transcript.says(text);
  }
}

export class Rig implements Disposable {
  readonly dir: string;
  readonly #home: string;
  readonly #temporary: string;
  readonly #isOurs: boolean;
  readonly #running: Running[] = [];
  readonly #commands: Command[] = [];

  /** `under`: the folder for temporary ones, of this rig and of what it starts. `dir`: a folder of somebody else's, which stays. */
  constructor({ under = tmpdir(), dir }: { readonly under?: string; readonly dir?: string } = {}) {
    this.#temporary = under;
    this.#isOurs = dir === undefined;
    this.dir = dir ?? temporaryFolder("cli", under);
    this.#home = temporaryFolder("home", under);
  }

  [Symbol.dispose](): void {
    // Twice: a test that failed does not wait for what it left under way.
    for (const command of this.#commands) for (let time = 0; time < 2; time++) command.interrupt();
    for (const { child } of this.#running)
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    if (this.#isOurs) rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Gives the path of the file. */
  write(file: string, text: string | Buffer): string {
    const target = path.join(this.dir, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
    return target;
  }

  read(file: string): string {
    return readFileSync(path.join(this.dir, file), "utf8");
  }

  has(file: string): boolean {
    return existsSync(path.join(this.dir, file));
  }

  /** Writes heddle.json. */
  plan(plan: object): void {
    this.write("heddle.json", JSON.stringify(plan));
  }

  /** What every command finds: nothing of the machine's but PATH. */
  env(extra: StartOptions["env"] = {}): NodeJS.ProcessEnv {
    const env: NodeJS.ProcessEnv = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.#home,
      LANG: "C.UTF-8",
      TMPDIR: this.#temporary,
      NODE_COMPILE_CACHE: COMPILED,
      GIT_CEILING_DIRECTORIES: CEILINGS,
      ...extra,
    };
    for (const name of Object.keys(env)) if (env[name] === undefined) delete env[name];
    return env;
  }

  /** To its end, in this process. */
  heddle(args: readonly string[], options: StartOptions = {}): Promise<Finished> {
    return this.start(args, options).done;
  }

  /** In this process, with the test going on. */
  start(args: readonly string[], options: StartOptions = {}): Command {
    const command = new Command(args, { dir: this.dir, env: this.env(options.env) });
    this.#commands.push(command);
    return command;
  }

  /** In a process of its own. */
  spawn(args: readonly string[], options: SpawnOptions = {}): Running {
    return this.#spawn([...(options.through ?? []), process.execPath, HEDDLE, ...args], options);
  }

  /** A shell line in which `heddle` is the command: for pipes, closed inputs and folders that go. */
  shell(line: string, options: SpawnOptions = {}): Promise<Finished> {
    return this.#spawn(["sh", "-c", `heddle() { '${process.execPath}' '${HEDDLE}' "$@"; }; ${line}`], options).done;
  }

  #spawn([program = "", ...args]: readonly string[], { env, cwd = this.dir, timeoutMs }: SpawnOptions): Running {
    const child = spawn(program, args, { cwd, env: this.env(env), stdio: ["ignore", "pipe", "pipe"] });
    const running = new Running(child, timeoutMs);
    this.#running.push(running);
    return running;
  }

  /** The command on a terminal of its own, so many columns wide. */
  onTerminal(
    args: readonly string[],
    size: { readonly columns: number; readonly rows: number },
    options: StartOptions = {},
  ): Running {
    const command = [process.execPath, HEDDLE, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const child = spawn("script", ["-qefc", `stty cols ${size.columns} rows ${size.rows}; ${command}`, "/dev/null"], {
      cwd: this.dir,
      env: this.env({ TERM: "xterm-256color", ...options.env }),
      stdio: ["pipe", "pipe", "pipe"],
    });
    const running = new Running(child);
    this.#running.push(running);
    return running;
  }

  /** Types on the terminal of {@link onTerminal}. */
  type(running: Running, keys: string): void {
    running.child.stdin?.write(keys);
  }

  gate(name: string): Gate {
    const here = path.join(this.dir, `${name}.here`);
    const go = path.join(this.dir, `${name}.go`);
    execFileSync("mkfifo", [here, go]);
    return {
      command: `echo here > '${here}'; read word < '${go}'`,
      reached: async () => void (await readFile(here)),
      open: () => writeFile(go, "go\n"),
    };
  }
}

/** One JSON document a line. */
export function jsonLines(text: string): readonly Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
