/**
 * Console: its only owner. Results go to standard output, problems and notes to standard error. Whoever composes a line
 * makes foreign text safe ({@link safeLine}); this file adds colours and knows the terminal.
 *
 * Invariants:
 *  1. A closed pipe ends the output quietly: later writes are dropped, and {@link Output.onClosed} is called once.
 *  2. It writes past every capture of what code of a plan prints.
 *  3. The cursor is visible again whenever the process ends.
 */
import type { Writable } from "node:stream";
import { isatty, type ReadStream, type WriteStream } from "node:tty";
import { styleText } from "node:util";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { systemCode } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { writeUncaptured } from "../process/print-capture.ts";
import { safeJson, safeText } from "../base/safe-text.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "magenta" | "blue";

/** Target of text: a stream of the process, or another one that is not a terminal. */
export type Stream = Writable & Partial<Pick<WriteStream, "isTTY" | "columns" | "rows">>;

/** Where keys come from: standard input, or what stands for it. */
export type Keyboard = Pick<ReadStream, "isTTY" | "setRawMode" | "on" | "off" | "resume" | "pause">;

export interface OutputOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Show causes and stacks of problems. */
  readonly debug: boolean;
  readonly stdout?: Stream;
  readonly stderr?: Stream;
  readonly stdin?: Keyboard;
  /** Whether this process may use the terminal; absent: it may. */
  readonly isInForeground?: () => boolean;
}

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";

/** Leaves now, pending timers and handles or not. What a slow reader of a pipe has not taken is lost: see {@link Output.drained}. */
export function leaveNow(code: number): never {
  process.exit(code);
}

export class Output {
  /** Standard output is a terminal that can be drawn on. */
  readonly isTerminal: boolean;
  readonly #stdin: Keyboard | undefined;
  readonly #stdout: Stream;
  readonly #stderr: Stream;
  readonly #debug: boolean;
  readonly #colour: boolean;
  readonly #errorColour: boolean;
  /** Problems are printed as JSON on standard output too. */
  #tellsJson = false;
  #closed = false;
  #cursorHidden = false;
  #onClosed: (() => void) | undefined;

  constructor({
    env,
    debug,
    stdout = process.stdout,
    stderr = process.stderr,
    stdin,
    isInForeground = () => true,
  }: OutputOptions) {
    const capable = env["TERM"] !== "dumb";
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#debug = debug;
    this.#stdin = stdin;
    this.isTerminal = stdout.isTTY === true && capable && !isSet(env["CI"]) && isInForeground();
    this.#colour = wantsColour(env, stdout.isTTY === true && capable);
    this.#errorColour = wantsColour(env, stderr.isTTY === true && capable);
    stdout.on("error", (error) => this.#close(error));
    stderr.on("error", () => undefined);
  }

  /** Made when it is asked for. */
  get keyboard(): Keyboard {
    return this.#stdin ?? process.stdin;
  }

  get #hasKeyboard(): boolean {
    return this.#stdin === undefined ? isInputTerminal() : this.#stdin.isTTY === true;
  }

  /** A person can be asked: both ends are a terminal. */
  get canAsk(): boolean {
    return this.isTerminal && this.#hasKeyboard;
  }

  /** One of the three streams is a terminal, whatever can be drawn on it. */
  get hasTerminal(): boolean {
    return this.#stdout.isTTY === true || this.#stderr.isTTY === true || this.#hasKeyboard;
  }

  /** Standard output is a terminal, whatever can be drawn on it. */
  get isScreen(): boolean {
    return this.#stdout.isTTY === true;
  }

  /** Standard output is shown with colours. */
  get hasColour(): boolean {
    return this.#colour;
  }

  get columns(): number {
    return positive(this.#stdout.columns) ?? 80;
  }

  get rows(): number {
    return positive(this.#stdout.rows) ?? 24;
  }

  /** Called when nobody reads any more: a closed pipe or terminal. */
  onClosed(listener: () => void): void {
    this.#onClosed = listener;
    if (this.#closed) listener();
  }

  onResize(listener: () => void): () => void {
    this.#stdout.on("resize", listener);
    return () => this.#stdout.off("resize", listener);
  }

  style(style: Style | readonly Style[], text: string): string {
    return this.#colour ? styleText(style as Style, text, { validateStream: false }) : text;
  }

  line(text = ""): void {
    this.write(`${text}\n`);
  }

  lines(texts: Iterable<string>): void {
    let block = "";
    for (const text of texts) {
      block += `${text}\n`;
      if (block.length < 32_768) continue;
      this.write(block);
      block = "";
    }
    if (block !== "") this.write(block);
  }

  /** As it is, to standard output. `false`: the reader is slow, wait with {@link drained}. */
  write(text: string | Uint8Array): boolean {
    return this.#closed || writeUncaptured(this.#stdout, text);
  }

  /** Resolves when the reader has taken everything: a process that exits before loses the rest. */
  async drained(): Promise<void> {
    const stdout = this.#stdout;
    if (this.#closed || stdout.writableLength === 0) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stdout.off("close", done).off("error", done);
        resolve();
      };
      stdout.on("close", done).on("error", done);
      writeUncaptured(stdout, "", done);
    });
  }

  /** One JSON document, readable on a terminal, one line elsewhere. */
  json(value: unknown): void {
    this.line(safeJson(value, this.#stdout.isTTY === true ? 2 : undefined));
  }

  /** A remark on standard error. */
  note(text: string): void {
    writeUncaptured(this.#stderr, `${text}\n`);
  }

  get tellsJson(): boolean {
    return this.#tellsJson;
  }

  /** From now on a problem is data too. */
  tellJson(on: boolean): void {
    this.#tellsJson = on;
  }

  /** For people on standard error. With `--json` a document on standard output too, with `more` beside the error. */
  problem(problem: Problem, more: JsonObject = {}): void {
    const mark = this.#errorColour ? styleText(["bold", "red"], "error", { validateStream: false }) : "error";
    const [first = "", ...rest] = safeText(problem.message).split("\n");
    this.note(`${mark} [${problem.code}] ${[first, ...rest].join("\n")}`);
    if (problem.hint !== undefined) this.note(`  ${safeText(problem.hint)}`);
    if (this.#debug) this.note(safeText(describe(problem)));
    if (!this.#tellsJson) return;
    const { code, message, hint } = problem;
    this.json({ error: { code, message, ...defined<Pick<Problem, "hint">>({ hint }) }, ...more });
  }

  hideCursor(): void {
    if (this.#cursorHidden) return;
    this.#cursorHidden = true;
    process.on("exit", this.showCursor);
    this.write(HIDE_CURSOR);
  }

  readonly showCursor = (): void => {
    if (!this.#cursorHidden) return;
    this.#cursorHidden = false;
    process.off("exit", this.showCursor);
    this.write(SHOW_CURSOR);
  };

  #close(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    // EPIPE: the reader is gone. EIO: the terminal was closed. Nobody could read a message.
    const code = systemCode(error);
    if (code !== "EPIPE" && code !== "EIO")
      this.note(`error [OutputFailed] cannot write to standard output: ${code ?? "unknown"}`);
    if (this.#onClosed === undefined) leaveNow(0);
    this.#onClosed();
  }
}

/** To ask `process.stdin` would make a stream, which loads modules for 3 ms. */
function isInputTerminal(): boolean {
  return isatty(0);
}

/** Some terminals say 0 where they do not know. */
function positive(size: number | undefined): number | undefined {
  return size !== undefined && size > 0 ? size : undefined;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value !== "false";
}

function wantsColour(env: NodeJS.ProcessEnv, capable: boolean): boolean {
  if (env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "") return false;
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return capable;
}

function describe(problem: Problem): string {
  const causes: string[] = [];
  if (problem instanceof Error && problem.stack !== undefined) causes.push(problem.stack);
  for (let cause: unknown = problem.cause, depth = 0; cause !== undefined && depth < 5; depth++) {
    causes.push(`caused by: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes.join("\n");
}
