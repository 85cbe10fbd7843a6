/** Diagnostic: one problem of a plan, with its position in the text. */

export interface Diagnostic {
  /** Stable, `PascalCase`, explained in docs/errors.md. */
  readonly code: string;
  /** A plan with an error does not run. */
  readonly severity: "error" | "warning";
  /** One sentence for people. */
  readonly message: string;
  /** As the reader named it. */
  readonly file: string;
  /** From 1; 1 where the plan has no text (a TypeScript plan). */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** How to mend it; absent: the message says all. */
  readonly hint?: string;
}

/** A place in a text: both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Path into the written document, e.g. `["steps", 3, "deps", 0]`. */
export type DocumentPath = readonly (string | number)[];

/** Finds positions in the text that a plan came from. */
export interface SourceMap {
  readonly file: string;
  /** The place of the value at `path`, or of the nearest enclosing one that has a place. */
  at(path: DocumentPath): Position;
  /** The place of the key itself. */
  atKey(path: DocumentPath): Position;
}
