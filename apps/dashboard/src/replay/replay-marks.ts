/** Marks of a scrubber: those that would stand on each other are one, that shows what matters most. Pure. */
import type { HistoryMark, MarkKind } from "heddle/client";
import type { GlyphName } from "heddle/view";

export interface ShownMark {
  readonly seq: number;
  /** Share of the way, 0 to 1. */
  readonly at: number;
  readonly kind: MarkKind;
  readonly text: string;
}

export const MARK_GLYPHS: Readonly<Record<MarkKind, GlyphName>> = {
  failure: "failed",
  conflict: "needs-resolution",
  question: "needs-approval",
  cancel: "cancelled",
  resume: "interrupted",
  retry: "retrying",
  end: "succeeded",
};

/** What matters more comes first. */
const ORDER: readonly MarkKind[] = ["failure", "conflict", "question", "cancel", "resume", "retry", "end"];

const WORDS: Readonly<Record<MarkKind, string>> = {
  failure: "failed",
  conflict: "conflict",
  question: "asked a person",
  cancel: "cancelled",
  resume: "resumed",
  retry: "failed and was tried again",
  end: "ended",
};

/** `apart`: share of the way that a mark needs for itself. */
export function shownMarks(marks: readonly HistoryMark[], last: number, apart: number): readonly ShownMark[] {
  const groups: HistoryMark[][] = [];
  for (const mark of marks) {
    if (mark.kind === "end" || mark.seq > last) continue;
    const group = groups.at(-1);
    const first = group?.[0];
    if (group !== undefined && first !== undefined && (mark.seq - first.seq) / last < apart) group.push(mark);
    else groups.push([mark]);
  }
  return groups.map((group) => {
    const most = group.reduce((found, mark) => (rank(mark) < rank(found) ? mark : found));
    return { seq: most.seq, at: shareOf(most.seq, last), kind: most.kind, text: textOf(group, most) };
  });
}

/** Where an event stands on the way from the first to the last, 0 to 1. */
export function shareOf(seq: number, last: number): number {
  return last <= 1 ? 1 : (Math.min(seq, last) - 1) / (last - 1);
}

/** The mark behind or before an event; `undefined`: there is none. */
export function markFrom(marks: readonly HistoryMark[], seq: number, by: 1 | -1): HistoryMark | undefined {
  return by === 1 ? marks.find((mark) => mark.seq > seq) : marks.findLast((mark) => mark.seq < seq);
}

function rank({ kind }: HistoryMark): number {
  return ORDER.indexOf(kind);
}

function textOf(group: readonly HistoryMark[], most: HistoryMark): string {
  const count = group.reduce((sum, mark) => sum + (mark.count ?? 1), 0);
  const about = most.step === undefined ? `The run: ${WORDS[most.kind]}` : `${most.step}: ${WORDS[most.kind]}`;
  return count === 1 ? about : `${about}, and ${count - 1} more here`;
}
