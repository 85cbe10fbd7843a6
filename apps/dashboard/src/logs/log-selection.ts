/** Log selection: what of a list of lines is selected on the page, as lines and places in their texts. Reads the document, changes nothing. */
import type { TextPlace } from "./copy-text.ts";

export interface SelectedText {
  /** Before {@link to}. */
  readonly from: TextPlace;
  readonly to: TextPlace;
}

/** The line in which the reader began, or set the caret: it must stay on the page. */
export function selectionAnchor(list: HTMLElement): number | undefined {
  const row = rowOf(list, document.getSelection()?.anchorNode ?? null);
  return row === undefined ? undefined : lineOf(row);
}

/** `undefined`: nothing in the list is selected. */
export function selectedText(list: HTMLElement): SelectedText | undefined {
  const selection = document.getSelection();
  if (selection === null || selection.isCollapsed || selection.rangeCount === 0) return undefined;
  if (rowOf(list, selection.anchorNode) === undefined) return undefined;
  const range = selection.getRangeAt(0);
  const from = placeAt(list, range.startContainer, range.startOffset);
  const to = placeAt(list, range.endContainer, range.endOffset) ?? lastPlace(list);
  if (from === undefined || to === undefined || from.line > to.line) return undefined;
  return { from, to };
}

function rowOf(list: HTMLElement, node: Node | null): HTMLElement | undefined {
  const element = node instanceof HTMLElement ? node : (node?.parentElement ?? null);
  const row = element?.closest<HTMLElement>("[data-line]") ?? null;
  return row !== null && list.contains(row) ? row : undefined;
}

function lineOf(row: HTMLElement): number {
  return Number(row.dataset["line"]);
}

/** `undefined`: it is in no line. */
function placeAt(list: HTMLElement, node: Node, offset: number): TextPlace | undefined {
  const row = rowOf(list, node) ?? rowOf(list, node.childNodes[offset] ?? null);
  const text = row?.querySelector(".log-text");
  if (row === undefined || text === null || text === undefined) return undefined;
  if (!text.contains(node)) return { line: lineOf(row), offset: 0 };
  const before = document.createRange();
  before.setStart(text, 0);
  before.setEnd(node, offset);
  return { line: lineOf(row), offset: before.toString().length };
}

/** Of the last line that is on the page: the selection goes on behind the list. */
function lastPlace(list: HTMLElement): TextPlace | undefined {
  const row = [...list.querySelectorAll<HTMLElement>("[data-line]")].at(-1);
  return row === undefined ? undefined : { line: lineOf(row), offset: Number.POSITIVE_INFINITY };
}
