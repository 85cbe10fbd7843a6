/**
 * Yes-or-no questions on the keyboard, one at a time, while a live view is drawn: keys are taken as they are pressed, and only
 * while a question is open.
 */

interface Question {
  readonly text: string;
  /** What it is about; a question may be withdrawn by it. */
  readonly about: string | undefined;
  readonly answer: (yes: boolean) => void;
  readonly withdraw: () => void;
}

export class Withdrawn extends Error {
  override readonly name = "Withdrawn";
}

export class Questions {
  readonly #open: Question[] = [];
  readonly #onInterrupt: () => void;
  #isListening = false;

  constructor(options: { readonly onInterrupt: () => void }) {
    this.#onInterrupt = options.onInterrupt;
  }

  get current(): string | undefined {
    return this.#open[0]?.text;
  }

  /** Rejects with {@link Withdrawn} when somebody else answered first. */
  ask(text: string, about?: string): Promise<boolean> {
    return new Promise<boolean>((resolve, reject) => {
      this.#open.push({ text, about, answer: resolve, withdraw: () => reject(new Withdrawn(text)) });
      this.#listen();
    });
  }

  withdraw(about: string): void {
    const at = this.#open.findIndex((question) => question.about === about);
    if (at === -1) return;
    const [question] = this.#open.splice(at, 1);
    question?.withdraw();
    this.#rest();
  }

  close(): void {
    for (const question of this.#open.splice(0)) question.withdraw();
    this.#rest();
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

  readonly #onKeys = (keys: Buffer): void => {
    for (const key of keys.toString("latin1").toLowerCase()) {
      if (key === "\u0003") this.#onInterrupt();
      else if (key === "y" || key === "n") {
        this.#open.shift()?.answer(key === "y");
        this.#rest();
        return;
      }
    }
  };
}
