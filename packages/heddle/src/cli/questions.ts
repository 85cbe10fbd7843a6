/**
 * Keyboard of a live view: reads every key while the view stands, and asks one question at a time, answered by a line of text.
 *
 * Invariants:
 *  1. Nothing that was typed before a question could be read answers it: keys without a question, those of its first moment, and
 *     what is typed on from there without a pause, are dropped.
 *  2. An answer is a whole line. Of a question with choices it is one of them, by its letter or its word; any other line is dropped.
 *  3. Keys that stand for signals are sent as these, as a terminal would.
 */
import { StringDecoder } from "node:string_decoder";
import type { Clock } from "../base/clock.ts";
import type { Keyboard } from "./output.ts";

export interface TerminalQuestion {
  readonly text: string;
  /** What may be typed. */
  readonly hint: string;
  /** What it is about; a question may be withdrawn by it. */
  readonly about?: string;
  /** The words that answer it, of which the first letter does too; absent: any line of text does. */
  readonly choices?: readonly string[];
}

interface Open extends TerminalQuestion {
  readonly answer: (text: string) => void;
  readonly withdraw: () => void;
}

/** How long a question is shown before a key can belong to its answer: nobody has read it sooner. */
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
  /** Absent: keys are pressed by {@link Questions.press} alone. */
  readonly keyboard?: Keyboard;
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
  /** The line that was typed last and is no answer. */
  #refused = "";
  #isListening = false;
  /** When the first question of the list could be seen, or a key was dropped since that was not meant for it. */
  #unreadSince = 0;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  get current(): TerminalQuestion | undefined {
    return this.#open[0];
  }

  /** Whether the question has been on the screen long enough for a key to belong to its answer. */
  get isReadable(): boolean {
    return this.#options.clock.now() - this.#unreadSince >= UNREAD_MS;
  }

  /** What was typed so far, of a line. */
  get typed(): string {
    return this.#typed;
  }

  /** A line that was no answer, until more is typed. */
  get refused(): string {
    return this.#refused;
  }

  /** The choice, or the line. Rejects with {@link Withdrawn} when somebody else answered first. */
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
    // Arrows and the like arrive as sequences: they are ignored, and their letters are no text.
    // oxlint-disable-next-line no-control-regex
    const keys = this.#decoder.write(sent).replaceAll(/\u001b(?:\[[0-?]*[ -/]*[@-~]|O.)?/g, "");
    for (const key of keys) {
      const signal = SIGNAL_KEYS[key];
      if (signal !== undefined) this.#options.onSignal(signal);
      else this.#take(key);
    }
  }

  #take(key: string): void {
    const [question] = this.#open;
    if (question === undefined) return;
    if (!this.isReadable) {
      // What is being typed was begun for something else: its end is no answer either.
      this.#unreadSince = this.#options.clock.now();
      return;
    }
    this.#refused = "";
    if (key === "\r" || key === "\n") this.#send(question);
    else if (key === "\u007f" || key === "\b") this.#typed = [...this.#typed].slice(0, -1).join("");
    else if (key === "\u0015") this.#typed = "";
    else if (key >= " " && this.#typed.length < LONGEST_LINE) this.#typed += key;
  }

  #send(question: Open): void {
    const said = this.#typed.trim();
    this.#typed = "";
    const answer = question.choices === undefined ? said : choiceOf(question.choices, said);
    if (answer === undefined || answer === "") {
      this.#refused = said;
      return;
    }
    this.#open.shift();
    this.#show();
    question.answer(answer);
  }

  /** Another question is the first now, or none. */
  #show(): void {
    this.#typed = "";
    this.#refused = "";
    this.#unreadSince = this.#options.clock.now();
  }

  /** Takes the keyboard: from now on no key appears on the screen. */
  grab(): void {
    if (this.#isListening || this.#options.keyboard?.isTTY !== true) return;
    this.#isListening = true;
    // A terminal that is closed says so by SIGHUP; what its end does to this stream is no fault of anybody's.
    const { keyboard } = this.#options;
    keyboard.off("error", ignoreError);
    keyboard.on("error", ignoreError);
    keyboard.setRawMode(true);
    keyboard.on("data", this.#onKeys);
    keyboard.resume();
  }

  /** Gives the keyboard back. */
  release(): void {
    if (!this.#isListening) return;
    this.#isListening = false;
    const { keyboard } = this.#options;
    keyboard?.off("data", this.#onKeys);
    keyboard?.setRawMode(false);
    keyboard?.pause();
  }

  readonly #onKeys = (keys: Buffer): void => this.press(keys);
}

function choiceOf(choices: readonly string[], said: string): string | undefined {
  const word = said.toLowerCase();
  return choices.find((choice) => word === choice || word === choice.slice(0, 1));
}
