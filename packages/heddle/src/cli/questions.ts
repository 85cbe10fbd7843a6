/**
 * Keyboard of a live view: reads every key while the view stands, and asks one question at a time, answered by one key or a line
 * of text.
 *
 * Invariants:
 *  1. Nothing that was typed before a question could be read answers it: keys without a question, and those of its first moment,
 *     are dropped.
 *  2. A key answers only if it comes alone: what is pasted or typed ahead is no consent.
 *  3. Keys that stand for signals are sent as these, as a terminal would.
 */
import { StringDecoder } from "node:string_decoder";
import type { Clock } from "../base/clock.ts";

export interface TerminalQuestion {
  readonly text: string;
  /** What may be pressed or typed. */
  readonly hint: string;
  /** What it is about; a question may be withdrawn by it. */
  readonly about?: string;
  /** The keys that answer it; absent: a line of text does. */
  readonly keys?: readonly string[];
}

interface Open extends TerminalQuestion {
  readonly answer: (text: string) => void;
  readonly withdraw: () => void;
}

/** How long a question is shown before a key can answer it: nobody has read it sooner. */
export const UNREAD_MS = 500;

/** Keys that a terminal turns into signals, if it is not told to leave them to us. */
const SIGNAL_KEYS: { readonly [key: string]: NodeJS.Signals } = {
  "\u0003": "SIGINT",
  "\u001a": "SIGTSTP",
  "\u001c": "SIGQUIT",
};

export interface QuestionsOptions {
  readonly clock: Pick<Clock, "now">;
  readonly onSignal: (signal: NodeJS.Signals) => void;
}

/** Characters of a typed line. */
const LONGEST_LINE = 4000;

function ignoreError(): void {}

export class Withdrawn extends Error {
  override readonly name = "Withdrawn";
}

export class Questions {
  readonly #open: Open[] = [];
  readonly #options: QuestionsOptions;
  readonly #decoder = new StringDecoder("utf8");
  #typed = "";
  #isListening = false;
  /** When the first question of the list could be seen. */
  #shownAt = 0;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  get current(): TerminalQuestion | undefined {
    return this.#open[0];
  }

  /** Whether the question has been on the screen long enough for a key to be its answer. */
  get isReadable(): boolean {
    return this.#options.clock.now() - this.#shownAt >= UNREAD_MS;
  }

  /** What was typed so far, of a line. */
  get typed(): string {
    return this.#typed;
  }

  /** The key, or the line. Rejects with {@link Withdrawn} when somebody else answered first. */
  ask(question: TerminalQuestion): Promise<string> {
    return new Promise<string>((resolve, reject) => {
      this.#open.push({ ...question, answer: resolve, withdraw: () => reject(new Withdrawn(question.text)) });
      if (this.#open.length === 1) this.#show();
    });
  }

  withdraw(about: string): void {
    const at = this.#open.findIndex((question) => question.about === about);
    if (at === -1) return;
    const [question] = this.#open.splice(at, 1);
    if (at === 0) this.#show();
    question?.withdraw();
  }

  close(): void {
    for (const question of this.#open.splice(0)) question.withdraw();
    this.release();
  }

  /** As the terminal sends them. Other keys are ignored. */
  press(sent: Buffer): void {
    // Arrows and the like arrive as sequences: they are ignored, and their letters are not answers.
    // oxlint-disable-next-line no-control-regex
    const keys = [...this.#decoder.write(sent).replaceAll(/\u001b(?:\[[0-?]*[ -/]*[@-~]|O.)?/g, "")];
    for (const key of keys) {
      const signal = SIGNAL_KEYS[key];
      if (signal !== undefined) this.#options.onSignal(signal);
      else if (this.isReadable && this.#take(key, keys.length === 1)) return;
    }
  }

  /** Whether the question is answered by it. */
  #take(key: string, isAlone: boolean): boolean {
    const question = this.#open[0];
    if (question === undefined) return false;
    if (question.keys !== undefined)
      return isAlone && question.keys.includes(key.toLowerCase()) && this.#answer(question, key.toLowerCase());
    if (key === "\r" || key === "\n") return this.#typed.trim() !== "" && this.#answer(question, this.#typed.trim());
    if (key === "\u007f" || key === "\b") this.#typed = [...this.#typed].slice(0, -1).join("");
    else if (key === "\u0015") this.#typed = "";
    else if (key >= " " && this.#typed.length < LONGEST_LINE) this.#typed += key;
    return false;
  }

  #answer(question: Open, text: string): true {
    this.#open.shift();
    this.#show();
    question.answer(text);
    return true;
  }

  /** Another question is the first now, or none. */
  #show(): void {
    this.#typed = "";
    this.#shownAt = this.#options.clock.now();
  }

  /** Takes the keyboard: from now on no key appears on the screen. */
  grab(): void {
    if (this.#isListening || process.stdin.isTTY !== true) return;
    this.#isListening = true;
    // A terminal that is closed says so by SIGHUP; what its end does to this stream is no fault of anybody's.
    process.stdin.off("error", ignoreError).on("error", ignoreError);
    process.stdin.setRawMode(true);
    process.stdin.on("data", this.#onKeys);
    process.stdin.resume();
  }

  /** Gives the keyboard back. */
  release(): void {
    if (!this.#isListening) return;
    this.#isListening = false;
    process.stdin.off("data", this.#onKeys);
    process.stdin.setRawMode(false);
    process.stdin.pause();
  }

  readonly #onKeys = (keys: Buffer): void => this.press(keys);
}
