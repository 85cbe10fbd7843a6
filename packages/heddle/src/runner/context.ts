/**
 * Step context: what a module's function gets besides its input, and where what it prints goes. Cheap: nothing is
 * opened, created or stored before it is used. Knows the log file and the limits of progress and added steps, not how the
 * function is called.
 */
import { closeSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { openPlainToAppend } from "../files/plain-file.ts";
import { type Json, type JsonObject, toJson } from "../base/json.ts";
import { currentSink, printingTo, printToStderr, type PrintSink } from "../process/print-capture.ts";
import type { StepContext } from "../plan/plan.ts";
import type { Masker } from "../base/mask.ts";
import { writeToLog } from "./log-file.ts";
import type { Attempt } from "./port.ts";

/** Reports of progress per attempt, and bytes of each; what is over is dropped. */
const MAX_PROGRESS = 1000;
const MAX_PROGRESS_BYTES = 8192;
/** Steps that one attempt may add; more is a failure of the attempt. */
export const MAX_ADDED_STEPS = 100_000;

const FLUSH_MS = 100;
const FLUSH_CHARACTERS = 1 << 16;

/** Text for a log file, written together; the file is opened with the first. */
export class LineLog {
  readonly #path: string | null;
  readonly #clock: Clock;
  readonly #mask: Masker | undefined;
  #file: number | undefined;
  #text = "";
  /** The last line has no end yet. */
  #isLineOpen = false;
  /** Where text goes through that may hold secrets, which may be cut anywhere by the writes. */
  #masked: ReturnType<Masker["stream"]> | undefined;
  #cancelFlush: (() => void) | undefined;
  #problem: string | undefined;

  constructor(path: string | null, clock: Clock, mask: Masker | undefined) {
    this.#path = path;
    this.#clock = clock;
    this.#mask = mask;
  }

  /** Why not all is in the log: something else is in its place, or it cannot be written. */
  get problem(): string | undefined {
    return this.#problem;
  }

  line(text: string): void {
    this.write(this.#isLineOpen ? `\n${text}\n` : `${text}\n`);
  }

  /** Any piece of a line, or several lines. */
  write(text: string): void {
    if (this.#path === null || this.#problem !== undefined || text === "") return;
    this.#text += text;
    this.#isLineOpen = !text.endsWith("\n");
    if (this.#text.length >= FLUSH_CHARACTERS) this.flush();
    else this.#cancelFlush ??= this.#clock.after(FLUSH_MS, () => this.flush());
  }

  flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    if (this.#text === "") return;
    const text = this.#text;
    this.#text = "";
    if (this.#mask === undefined) return this.#put(text);
    this.#masked ??= this.#mask.stream((chunk) => this.#put(chunk));
    this.#masked.push(Buffer.from(text));
  }

  #put(text: string | Buffer): void {
    if (this.#path === null || this.#problem !== undefined) return;
    this.#file ??= this.#open(this.#path);
    if (this.#file === undefined) return;
    this.#problem = writeToLog(this.#file, this.#path, typeof text === "string" ? Buffer.from(text) : text);
  }

  end(): void {
    this.flush();
    this.#masked?.end();
    this.#masked = undefined;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #open(path: string): number | undefined {
    const opened = openPlainToAppend(path);
    if (opened.ok) return opened.value;
    this.#problem = `cannot open the log: ${path} ${opened.error}`;
    return undefined;
  }
}

/** The context of one attempt in this process. */
export class AttemptContext implements StepContext, PrintSink {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly params: JsonObject;
  readonly item: Json | undefined;
  readonly #attempt: Attempt;
  readonly #clock: Clock;
  readonly #mask: Masker | undefined;
  /** Of whoever started the attempt: what they are told, they hear as themselves. */
  readonly #outer = currentSink();
  #controller: AbortController | undefined;
  #log: LineLog | undefined;
  #steps: unknown[] | undefined;
  #progress = 0;
  #ended = false;

  constructor(attempt: Attempt, clock: Clock, mask: Masker | undefined) {
    this.run = attempt.run;
    this.step = attempt.step;
    this.attempt = attempt.attempt;
    this.params = attempt.params;
    this.item = attempt.item;
    this.#attempt = attempt;
    this.#clock = clock;
    this.#mask = mask;
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  /** What the function added, `undefined`: nothing. */
  get added(): readonly unknown[] | undefined {
    return this.#steps;
  }

  /** Why what the function logged is nowhere, or not all of it. */
  get logProblem(): string | undefined {
    return this.#log?.problem;
  }

  abort(reason: string): void {
    const controller = (this.#controller ??= new AbortController());
    const why = new DOMException(`the step was ended: ${reason}`, "AbortError");
    // The function's listeners are called now, and print as the function.
    printingTo(this, () => controller.abort(why));
  }

  throwIfAborted(): void {
    this.#controller?.signal.throwIfAborted();
  }

  log(line: string): void {
    if (this.#ended) return;
    (this.#log ??= new LineLog(this.#attempt.logFile, this.#clock, this.#mask)).line(String(line));
  }

  /** What the function printed. Without a log, and after its end, it goes to standard error. */
  print(text: string): void {
    if (this.#ended || this.#attempt.logFile === null)
      return printToStderr(this.#mask === undefined ? text : this.#mask.text(text));
    (this.#log ??= new LineLog(this.#attempt.logFile, this.#clock, this.#mask)).write(text);
  }

  progress(data: JsonObject): void {
    if (this.#ended || this.#progress >= MAX_PROGRESS) return;
    const checked = toJson(data);
    if (!checked.ok || typeof data !== "object" || data === null || Array.isArray(data)) return;
    if (JSON.stringify(data).length > MAX_PROGRESS_BYTES) return;
    this.#progress++;
    const told = this.#mask === undefined ? data : (this.#mask.json(data) as JsonObject);
    printingTo(this.#outer, () => this.#attempt.onProgress?.(told));
  }

  addSteps(steps: readonly unknown[]): void {
    if (!Array.isArray(steps)) throw new TypeError("addSteps needs a list of steps");
    const all = (this.#steps ??= []);
    if (all.length + steps.length > MAX_ADDED_STEPS)
      throw new RangeError(`a step may add at most ${MAX_ADDED_STEPS} steps`);
    for (const step of steps) all.push(step);
  }

  /** The function's later results are ignored. */
  end(): void {
    this.#ended = true;
    this.#log?.end();
  }
}
