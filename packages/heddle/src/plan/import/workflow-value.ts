/** Workflow values: what an expression of a workflow is in CEL. */

export type CelType = "text" | "number" | "flag";

/** An expression, and what it gives. */
export interface Cel {
  readonly text: string;
  readonly type: CelType;
  /** Of a text that the workflow has as something else; `mixed`: as several things. Absent: it is a text there too. */
  readonly written?: "number" | "flag" | "mixed";
}

/** A text in CEL. */
export function celText(text: string): string {
  return JSON.stringify(text);
}

/** As a part of a larger expression. */
export function operandText({ text }: Cel): string {
  return /\s/.test(text) && !/^"(?:[^"\\]|\\.)*"$/.test(text) ? `(${text})` : text;
}
