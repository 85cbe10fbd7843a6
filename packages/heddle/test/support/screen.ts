/**
 * Screen: a terminal in memory, with scrollback, which folds long lines and folds them anew when its width changes, as tmux and
 * most terminals do. Knows what heddle writes (text, line ends, cursor up, clear below, colours, private modes), and refuses the rest.
 */
import { EventEmitter } from "node:events";
import { Writable } from "node:stream";
import { widthOf } from "../../src/cli/output-text.ts";
import { Output, type Keyboard } from "../../src/cli/output.ts";

interface Row {
  /** One for each column; behind a wide character an empty one. */
  cells: string[];
  /** The line goes on in the next row. */
  isFolded: boolean;
}

// oxlint-disable-next-line no-control-regex
const SEQUENCE = /^\u001b\[([?]?)([\d;]*)([A-Za-z])/;

function textOf({ cells }: Row): string {
  return cells.join("").trimEnd();
}

export class Screen {
  columns: number;
  rows: number;
  isCursorVisible = true;
  bells = 0;
  #lines: Row[] = [{ cells: [], isFolded: false }];
  #row = 0;
  #column = 0;
  readonly #segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

  constructor(size: { readonly columns: number; readonly rows: number }) {
    this.columns = size.columns;
    this.rows = size.rows;
  }

  write(written: string): void {
    let rest = written;
    while (rest !== "") {
      const sequence = SEQUENCE.exec(rest);
      if (sequence !== null) {
        this.#control(sequence[1] ?? "", sequence[2] ?? "", sequence[3] ?? "");
        rest = rest.slice(sequence[0].length);
        continue;
      }
      // oxlint-disable-next-line no-control-regex
      const plain = /^[^\u0000-\u001f]+/.exec(rest)?.[0] ?? rest.slice(0, 1);
      if (plain === "\n") this.#newline();
      else if (plain === "\r") this.#column = 0;
      else if (plain === "\u0007") this.bells++;
      else if (plain < " ") throw new Error(`unexpected ${JSON.stringify(plain)}`);
      else for (const { segment } of this.#segmenter.segment(plain)) this.#put(segment);
      rest = rest.slice(plain.length);
    }
  }

  /** What is to be seen, and what was scrolled away above it, without the blanks at the ends. */
  get text(): readonly string[] {
    const lines = this.#lines.map(textOf);
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  /** The rows on the screen now. */
  get visible(): readonly string[] {
    return this.#lines.slice(this.#top).map(textOf);
  }

  /** Rows of a line that did not fit. */
  get folded(): readonly string[] {
    return this.#lines.filter(({ isFolded }) => isFolded).map(textOf);
  }

  resize(size: { readonly columns: number; readonly rows: number }): void {
    const lines: string[][] = [[]];
    let cursor = { line: 0, cell: 0 };
    for (const [at, { cells, isFolded }] of this.#lines.entries()) {
      const line = lines.at(-1) ?? [];
      if (at === this.#row) cursor = { line: lines.length - 1, cell: line.length + this.#column };
      for (const cell of cells) line.push(cell);
      if (!isFolded && at < this.#lines.length - 1) lines.push([]);
    }
    this.columns = size.columns;
    this.rows = size.rows;
    this.#lines = [{ cells: [], isFolded: false }];
    [this.#row, this.#column] = [0, 0];
    let place: readonly [number, number] = [0, 0];
    for (const [at, line] of lines.entries()) {
      if (at > 0) this.#newline();
      for (const [cell, segment] of line.entries()) {
        if (at === cursor.line && cell === cursor.cell) place = [this.#row, this.#column];
        if (segment !== "") this.#put(segment);
      }
      if (at === cursor.line && cursor.cell >= line.length) place = [this.#row, this.#column];
    }
    [this.#row, this.#column] = place;
  }

  get #top(): number {
    return Math.max(0, this.#lines.length - this.rows);
  }

  #newline(): void {
    this.#row++;
    this.#column = 0;
    if (this.#row === this.#lines.length) this.#lines.push({ cells: [], isFolded: false });
  }

  #put(segment: string): void {
    const width = widthOf(segment);
    if (this.#column + width > this.columns) {
      const row = this.#lines[this.#row];
      if (row !== undefined) row.isFolded = true;
      this.#newline();
    }
    const cells = this.#lines[this.#row]?.cells ?? [];
    while (cells.length < this.#column) cells.push(" ");
    cells[this.#column] = segment;
    for (let more = 1; more < width; more++) cells[this.#column + more] = "";
    this.#column += width;
  }

  #control(mark: string, argument: string, command: string): void {
    if (command === "m") return;
    if (mark === "?") {
      if (argument === "25") this.isCursorVisible = command === "h";
      return;
    }
    switch (command) {
      case "A":
        this.#row = Math.max(this.#top, this.#row - Number(argument === "" ? 1 : argument));
        return;
      case "J": {
        this.#lines = this.#lines.slice(0, this.#row + 1);
        const row = this.#lines[this.#row];
        if (row === undefined) return;
        row.cells = row.cells.slice(0, this.#column);
        row.isFolded = false;
        return;
      }
      default:
        throw new Error(`unexpected escape sequence ${argument}${command}`);
    }
  }
}

/** A terminal with its keyboard, and the console that draws on it. */
export class FakeTerminal {
  readonly screen: Screen;
  readonly out: Output;
  isRaw = false;
  readonly #keys = new EventEmitter();
  readonly #stdout: Writable & { isTTY: true; columns: number; rows: number };

  constructor(size: { readonly columns: number; readonly rows: number }, env: NodeJS.ProcessEnv = { NO_COLOR: "1" }) {
    this.screen = new Screen(size);
    const { screen } = this;
    const stdout = new Writable({
      decodeStrings: false,
      write(text: string | Buffer, _, done) {
        screen.write(String(text));
        done();
      },
    });
    this.#stdout = Object.assign(stdout, { isTTY: true as const, ...size });
    const keys = this.#keys;
    const stdin = {
      isTTY: true,
      setRawMode: (on: boolean) => void (this.isRaw = on),
      on: (name: string, listener: (keys: Buffer) => void) => keys.on(name, listener),
      off: (name: string, listener: (keys: Buffer) => void) => keys.off(name, listener),
      resume: () => undefined,
      pause: () => undefined,
    };
    const stderr = new Writable({ write: (_text, _encoding, done) => done() });
    this.out = new Output({ env, debug: false, stdout: this.#stdout, stderr, stdin: stdin as unknown as Keyboard });
  }

  /** Keys as they are typed. Where nobody has taken the keyboard, the terminal shows them. */
  type(text: string): void {
    if (this.isRaw) this.#keys.emit("data", Buffer.from(text));
    else this.screen.write(text.replaceAll("\r", "\n"));
  }

  resize(size: { readonly columns: number; readonly rows: number }): void {
    this.screen.resize(size);
    Object.assign(this.#stdout, size);
    this.#stdout.emit("resize");
  }
}
