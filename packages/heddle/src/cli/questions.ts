/**
 * Keyboard questions: asks one question at a time during a live view, answered by one key or a line of text. Keys are
 * read only while a question is open.
 */
import { StringDecoder } from "node:string_decoder";

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

/** Characters of a typed line. */
const LONGEST_LINE = 4000;

export class Withdrawn extends Error {
  override readonly name = "Withdrawn";
}

export class Questions {
  readonly #open: Open[] = [];
  readonly #onInterrupt: () => void;
  readonly #decoder = new StringDecoder("utf8");
  #typed = "";
  #isListening = false;

  constructor(options: { readonly onInterrupt: () => void }) {
    this.#onInterrupt = options.onInterrupt;
  }

  get current(): TerminalQuestion | undefined {
    return this.#open[0];
  }

  /** What was typed so far, of a line. */
  get typed(): string {
    return this.#typed;
  }

  /** The key, or the line. Rejects with {@link Withdrawn} when somebody else answered first. */
  ask(question: TerminalQuestion): Promise<string> {
    return new Promise<string>((resolve, reject) => {
      this.#open.push({ ...question, answer: resolve, withdraw: () => reject(new Withdrawn(question.text)) });
      this.#listen();
    });
  }

  withdraw(about: string): void {
    const at = this.#open.findIndex((question) => question.about === about);
    if (at === -1) return;
    const [question] = this.#open.splice(at, 1);
    if (at === 0) this.#typed = "";
    question?.withdraw();
    this.#rest();
  }

  close(): void {
    for (const question of this.#open.splice(0)) question.withdraw();
    this.#rest();
  }

  /** As the terminal sends them. Other keys are ignored. */
  press(keys: Buffer): void {
    // Arrows and the like arrive as sequences: they are ignored, and their letters are not answers.
    // oxlint-disable-next-line no-control-regex
    for (const key of this.#decoder.write(keys).replaceAll(/\u001b(?:\[[0-?]*[ -/]*[@-~]|O.)?/g, "")) {
      if (key === "\u0003") this.#onInterrupt();
      else if (this.#take(key)) return;
    }
  }

  /** Whether the question is answered by it. */
  #take(key: string): boolean {
    const question = this.#open[0];
    if (question === undefined) return false;
    if (question.keys !== undefined)
      return question.keys.includes(key.toLowerCase()) && this.#answer(question, key.toLowerCase());
    if (key === "\r" || key === "\n") return this.#typed.trim() !== "" && this.#answer(question, this.#typed.trim());
    if (key === "\u007f" || key === "\b") this.#typed = [...this.#typed].slice(0, -1).join("");
    else if (key === "\u0015") this.#typed = "";
    else if (key >= " " && this.#typed.length < LONGEST_LINE) this.#typed += key;
    return false;
  }

  #answer(question: Open, text: string): true {
    this.#open.shift();
    this.#typed = "";
    question.answer(text);
    this.#rest();
    return true;
  }

  #listen(): void {
    if (this.#isListening || process.stdin.isTTY !== true) return;
    this.#isListening = true;
    process.stdin.setRawMode(true);
    process.stdin.on("data", this.#onKeys);
    process.stdin.resume();
  }

  #rest(): void {
    if (!this.#isListening || this.#open.length > 0) return;
    this.#isListening = false;
    process.stdin.off("data", this.#onKeys);
    process.stdin.setRawMode(false);
    process.stdin.pause();
  }

  readonly #onKeys = (keys: Buffer): void => this.press(keys);
}
