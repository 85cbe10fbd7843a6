/**
 * Import findings: collects what an import has to say: errors, and notes on what was changed or not taken over. Every
 * one has its position in the file that it speaks of, and is said once.
 */
import { defined } from "../../base/defined.ts";
import type { Diagnostic } from "../diagnostic.ts";
import type { Source } from "./source.ts";

/** What was changed or not taken over, for people. */
export interface ImportNote {
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

interface Finding {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

interface Loss extends Finding {
  /** What a lenient import does: the rest of a sentence that begins with the message. */
  readonly otherwise: string;
}

interface Collected {
  readonly lenient: boolean;
  readonly errors: Diagnostic[];
  readonly notes: ImportNote[];
  readonly said: Set<string>;
}

type Place = { readonly offset: number };

export class Findings {
  readonly #source: Source;
  readonly #all: Collected;

  private constructor(source: Source, all: Collected) {
    this.#source = source;
    this.#all = all;
  }

  static of(source: Source, lenient: boolean): Findings {
    return new Findings(source, { lenient, errors: [], notes: [], said: new Set() });
  }

  /** The same collection, for positions in another file. */
  in(source: Source): Findings {
    return new Findings(source, this.#all);
  }

  get source(): Source {
    return this.#source;
  }

  get isLenient(): boolean {
    return this.#all.lenient;
  }

  /** In the order of the text. */
  get errors(): readonly Diagnostic[] {
    return inOrder(this.#all.errors);
  }

  get notes(): readonly ImportNote[] {
    return inOrder(this.#all.notes);
  }

  /** What the reader of another file found. */
  addErrors(errors: readonly Diagnostic[]): void {
    this.#all.errors.push(...errors);
  }

  error(place: Place, { code, message, hint }: Finding): void {
    const { file } = this.#source;
    const at = this.#source.positionOf(place);
    if (!this.#isNew(`${code} ${message}`, at)) return;
    this.#all.errors.push(defined({ code, severity: "error", message, file, ...at, hint }));
  }

  note(place: Place, message: string): void {
    const at = this.#source.positionOf(place);
    if (this.#isNew(message, at)) this.#all.notes.push({ message, file: this.#source.file, ...at });
  }

  /** An error; where the import is lenient, a note on what is done instead. */
  loss(place: Place, { code, message, hint, otherwise }: Loss): void {
    if (this.isLenient) this.note(place, `${message}; ${otherwise}`);
    else this.error(place, { code, message, hint: hint ?? `--lenient: ${otherwise}` });
  }

  #isNew(text: string, { line, column }: { readonly line: number; readonly column: number }): boolean {
    const key = `${this.#source.file}:${line}:${column} ${text}`;
    if (this.#all.said.has(key)) return false;
    this.#all.said.add(key);
    return true;
  }
}

/** Files keep the order in which they were first spoken of. */
function inOrder<T extends ImportNote | Diagnostic>(list: readonly T[]): readonly T[] {
  const files = [...new Set(list.map(({ file }) => file))];
  return list.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}
