/**
 * Commands of the command line in the test's own process: no start, no import, and the code is warm after the first. What a
 * process alone has (signals, exit, a terminal, a death) takes a real one: `command-line.ts`.
 *
 * Invariant: while a command runs, this process has its folder and its environment; when none runs, its own. They belong to
 * the process, so that a command reads them as it would alone: one test at a time.
 */
import { Writable } from "node:stream";
import { runWords } from "../../src/cli/main.ts";
import { Output } from "../../src/cli/output.ts";
import type { Finished } from "./command-line.ts";
import { Transcript } from "./transcript.ts";

export interface Place {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
}

const own: Place = { dir: process.cwd(), env: process.env };
const active: Place[] = [];

export class Command {
  readonly done: Promise<Finished>;
  readonly #transcript = new Transcript();
  #isOver = false;

  constructor(words: readonly string[], place: Place) {
    this.done = this.#run(words, place);
  }

  get stdout(): string {
    return this.#transcript.stdout;
  }

  says(text: Parameters<Transcript["says"]>[0]): Promise<void> {
    return this.#transcript.says(text);
  }

  /** As Ctrl-C would. */
  interrupt(): void {
    if (!this.#isOver) process.emit("SIGINT");
  }

  async #run(words: readonly string[], place: Place): Promise<Finished> {
    active.push(place);
    enter(place);
    try {
      const out = new Output({
        env: place.env,
        debug: words.includes("--debug"),
        stdout: this.#stream("stdout"),
        stderr: this.#stream("stderr"),
      });
      const code = await runWords(out, words);
      return { code, signal: null, stdout: this.#transcript.stdout, stderr: this.#transcript.stderr };
    } finally {
      this.#isOver = true;
      active.splice(active.indexOf(place), 1);
      enter(active.at(-1) ?? own);
      this.#transcript.end();
    }
  }

  #stream(name: "stdout" | "stderr"): Writable {
    const transcript = this.#transcript;
    return new Writable({
      decodeStrings: false,
      write(text: string | Buffer, _, done) {
        transcript.add(name, String(text));
        done();
      },
    });
  }
}

function enter({ dir, env }: Place): void {
  process.env = env;
  process.chdir(dir);
}
