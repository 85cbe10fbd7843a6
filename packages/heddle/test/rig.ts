/**
 * The real command line in a folder of its own: its processes, their output and exit codes, and gates at which commands of a plan
 * wait for the test's word. Nothing here sleeps.
 */
import { spawn, execFileSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const ENTRY = path.join(import.meta.dirname, "heddle.ts");
const NODE = [process.execPath, "--disable-warning=ExperimentalWarning"] as const;

/** Starts from sources are twice as fast with their compiled code kept; the same sources are the same everywhere. */
const CACHE = path.join(tmpdir(), `heddle-test-compiled-${process.getuid?.() ?? 0}`);

/** The longest that anything here may take; reached only by what hangs. */
const LIMIT_MS = 30_000;

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
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

export class Running {
  readonly child: ChildProcess;
  readonly done: Promise<Finished>;
  #stdout = "";
  #stderr = "";
  readonly #waiting = new Set<() => void>();

  constructor(child: ChildProcess) {
    this.child = child;
    const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      for (const check of this.#waiting) check();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
      for (const check of this.#waiting) check();
    });
    this.done = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        clearTimeout(limit);
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
        for (const check of this.#waiting) check();
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves when either stream has shown `text`; fails where the process ends before. */
  async says(text: string): Promise<void> {
    const has = (): boolean => this.#stdout.includes(text) || this.#stderr.includes(text);
    if (has()) return;
    let check = (): void => undefined;
    const seen = new Promise<void>((resolve) => {
      check = () => {
        if (has()) resolve();
      };
      this.#waiting.add(check);
    });
    const ended = this.done.then(() => {
      if (!has()) throw new Error(`ended without saying ${JSON.stringify(text)}:\n${this.#stdout}\n${this.#stderr}`);
    });
    await Promise.race([seen, ended]);
    this.#waiting.delete(check);
  }
}

export class Rig implements Disposable {
  readonly dir: string = mkdtempSync(path.join(tmpdir(), "heddle-cli-"));
  readonly #home: string = mkdtempSync(path.join(tmpdir(), "heddle-home-"));
  readonly #running: Running[] = [];

  [Symbol.dispose](): void {
    for (const { child } of this.#running)
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
    rmSync(this.#home, { recursive: true, force: true });
  }

  write(file: string, text: string): void {
    const target = path.join(this.dir, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
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

  env(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: this.#home,
      LANG: "C.UTF-8",
      TMPDIR: tmpdir(),
      NODE_COMPILE_CACHE: CACHE,
      ...extra,
    };
  }

  start(args: readonly string[], options: StartOptions = {}): Running {
    const [node, ...flags] = NODE;
    const child = spawn(node, [...flags, ENTRY, ...args], {
      cwd: this.dir,
      env: this.env(options.env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const running = new Running(child);
    this.#running.push(running);
    return running;
  }

  heddle(args: readonly string[], options: StartOptions = {}): Promise<Finished> {
    return this.start(args, options).done;
  }

  /** The command on a terminal of its own, so many columns wide. */
  onTerminal(
    args: readonly string[],
    size: { readonly columns: number; readonly rows: number },
    options: StartOptions = {},
  ): Running {
    const command = [...NODE, ENTRY, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
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
