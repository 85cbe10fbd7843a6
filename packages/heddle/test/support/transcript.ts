/** What a program has printed so far on its two streams, and waiting for it to print more. Knows neither program nor process. */
export class Transcript {
  readonly #texts = { stdout: "", stderr: "" };
  readonly #watchers = new Set<() => void>();
  #isOver = false;

  get stdout(): string {
    return this.#texts.stdout;
  }

  get stderr(): string {
    return this.#texts.stderr;
  }

  add(stream: "stdout" | "stderr", text: string): void {
    this.#texts[stream] += text;
    for (const check of this.#watchers) check();
  }

  /** Nothing more comes. */
  end(): void {
    this.#isOver = true;
    for (const check of this.#watchers) check();
  }

  /** Resolves when either stream has shown `text`, or what `text` takes; rejects where the program ends before. */
  says(text: string | ((shown: string) => boolean)): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const has = typeof text === "string" ? (shown: string): boolean => shown.includes(text) : text;
    const check = (): void => {
      if (has(this.stdout) || has(this.stderr)) resolve();
      else if (this.#isOver) reject(new Error(`ended without saying ${String(text)}:\n${this.stdout}\n${this.stderr}`));
      else return;
      this.#watchers.delete(check);
    };
    this.#watchers.add(check);
    check();
    return promise;
  }
}
