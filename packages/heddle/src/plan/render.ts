/**
 * Diagnostic renderer: prints a diagnostic with position, message, the line with a caret, and the hint. Plain text
 * without colours; the caller may add them. Text of the plan is shown as data, without control characters.
 */
import type { Diagnostic } from "./diagnostic.ts";

/** Columns of a shown line, so that it fits a terminal of 80; of a longer one the part around the caret is shown. */
const WIDTH = 70;
const LEFT_OF_CARET = 30;
/** A tab is shown as so many blanks. */
const TAB = "  ";

/** `text` is the plan's text; without it the line is left out. */
export function formatDiagnostic(diagnostic: Diagnostic, text?: string): string {
  const { severity, code, message, file, line, column, hint } = diagnostic;
  const parts = [`${file}:${line}:${column}: ${severity}[${code}]: ${message}`];
  const source = text === undefined ? undefined : lineOf(text, line);
  if (source !== undefined && source.trim() !== "") parts.push(...withCaret(source, line, column));
  if (hint !== undefined) parts.push(`  hint: ${hint}`);
  return parts.join("\n");
}

/** All of them, each after a blank line, and how many there are. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[], text?: string): string {
  const word = diagnostics.every(({ severity }) => severity === "warning") ? "warning" : "problem";
  const count = `${diagnostics.length} ${word}${diagnostics.length === 1 ? "" : "s"}`;
  return [...diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, text)), count].join("\n\n");
}

/** Line `number` of `text`, from 1, without its end. */
function lineOf(text: string, number: number): string | undefined {
  let start = 0;
  for (let line = 1; line < number; line++) {
    const next = text.indexOf("\n", start);
    if (next < 0) return undefined;
    start = next + 1;
  }
  const end = text.indexOf("\n", start);
  return text.slice(start, end < 0 ? text.length : end).replace(/\r$/, "");
}

function withCaret(source: string, line: number, column: number): readonly string[] {
  // Far more than can be shown, far less than a line of a hostile file.
  const from = Math.max(0, column - 1 - 4 * LEFT_OF_CARET);
  const before = cells(source.slice(from, column - 1));
  const after = cells(source.slice(column - 1, column - 1 + 4 * WIDTH));
  const left = keepRight(before, LEFT_OF_CARET + Math.max(0, WIDTH - LEFT_OF_CARET - widthOf(after)));
  const cutLeft = from > 0 || left.length < before.length;
  const right = keepLeft(after, WIDTH - widthOf(left));
  const cutRight = right.length < after.length || column - 1 + 4 * WIDTH < source.length;
  const start = cutLeft ? "…" : "";
  const gutter = `${line} | `;
  return [
    `  ${gutter}${start}${left.join("")}${right.join("")}${cutRight ? "…" : ""}`,
    `  ${" ".repeat(gutter.length - 2)}| ${" ".repeat(start.length + widthOf(left))}^`,
  ];
}

/** What a terminal shows, one entry per character with its combining marks. */
function cells(text: string): readonly string[] {
  return Array.from(new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text), ({ segment }) =>
    segment === "\t" ? TAB : segment.replace(/\p{C}/gu, "\u{fffd}"),
  );
}

function keepRight(all: readonly string[], width: number): readonly string[] {
  let used = 0;
  let first = all.length;
  while (first > 0 && used + cellWidth(all[first - 1] ?? "") <= width) used += cellWidth(all[--first] ?? "");
  return all.slice(first);
}

function keepLeft(all: readonly string[], width: number): readonly string[] {
  let used = 0;
  let end = 0;
  while (end < all.length && used + cellWidth(all[end] ?? "") <= width) used += cellWidth(all[end++] ?? "");
  return all.slice(0, end);
}

function widthOf(all: readonly string[]): number {
  return all.reduce((sum, cell) => sum + cellWidth(cell), 0);
}

/** East Asian wide characters and emoji take two columns. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])/u;

function cellWidth(cell: string): number {
  if (cell === TAB) return TAB.length;
  return WIDE.test(cell) || cell.includes("\ufe0f") ? 2 : 1;
}
