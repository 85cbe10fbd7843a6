/**
 * Marks of a run: the events of a history that people look for, so that a scrubber can show where they are. Gets events in order, once;
 * can be read at any time. Pure.
 *
 * Invariants:
 *  1. The first and the last mark of each kind are kept, however many there are.
 *  2. At most {@link MOST_MARKS} are given: neighbours of one kind become one mark that says how many they are.
 */
import { defined } from "../base/defined.ts";
import type { Event } from "../run/event.ts";

export type MarkKind = "failure" | "retry" | "question" | "conflict" | "resume" | "cancel" | "end";

export interface HistoryMark {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly kind: MarkKind;
  /** Absent: the run as a whole. */
  readonly step?: string;
  /** It stands for so many of its kind, from here on; absent: for itself. */
  readonly count?: number;
}

/** `GET .../runs/{run}/marks`. */
export interface HistoryMarks {
  readonly run: string;
  /** Of the last event. */
  readonly seq: number;
  /** In the order of the history. */
  readonly items: readonly HistoryMark[];
  /** Numbers of events with their times, the first and the last among them: between two of them a time is about where it is by proportion. */
  readonly times: readonly (readonly [seq: number, time: number])[];
  /** Times before a resume in which no engine had the run, the latest 500. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
}

const MOST_MARKS = 1000;
/** Pairs of {@link HistoryMarks.times}, about. */
const MOST_TIMES = 512;
const MOST_GAPS = 500;

export class MarkReader {
  #marks: HistoryMark[] = [];
  #times: (readonly [number, number])[] = [];
  readonly #gaps: { readonly from: number; readonly to: number }[] = [];
  #last: readonly [number, number] | undefined;
  /** Events from one pair of {@link #times} to the next. */
  #every = 1;

  /** Of the last event; 0: there was none. */
  get seq(): number {
    return this.#last?.[0] ?? 0;
  }

  add(event: Event): void {
    const { seq, time } = event;
    const kind = markOf(event);
    if (kind !== undefined) this.#marks.push(defined<HistoryMark>({ seq, time, kind, step: stepOf(event) }));
    if (this.#marks.length >= 2 * MOST_MARKS) this.#marks = thinned(this.#marks);
    const from = this.#last?.[1] ?? time;
    if (event.type === "run.resumed" && time > from) this.#gaps.push({ from, to: time });
    if (this.#gaps.length > MOST_GAPS) this.#gaps.shift();
    this.#last = [seq, time];
    if ((seq - 1) % this.#every !== 0) return;
    this.#times.push([seq, time]);
    if (this.#times.length <= MOST_TIMES) return;
    this.#every *= 2;
    this.#times = this.#times.filter(([at]) => (at - 1) % this.#every === 0);
  }

  marks(run: string): HistoryMarks {
    const last = this.#last;
    const hasLast = last === undefined || this.#times.at(-1)?.[0] === last[0];
    return {
      run,
      seq: this.seq,
      items: this.#marks.length > MOST_MARKS ? thinned(this.#marks) : [...this.#marks],
      times: hasLast ? [...this.#times] : [...this.#times, last],
      gaps: [...this.#gaps],
    };
  }
}

function stepOf(event: Event): string | undefined {
  return "step" in event ? event.step : undefined;
}

function markOf(event: Event): MarkKind | undefined {
  switch (event.type) {
    case "step.failed":
      return event.data.willRetry ? "retry" : "failure";
    case "approval.requested":
      return event.data.about === "conflict" ? "conflict" : "question";
    case "rollback.failed":
    case "landing.refused":
      return "failure";
    case "run.resumed":
      return "resume";
    case "run.cancelled":
      return "cancel";
    case "run.succeeded":
    case "run.failed":
      return "end";
    default:
      return undefined;
  }
}

/** Half as many of each kind, about: each second one is counted by the one before it, the last one stays. */
function thinned(marks: readonly HistoryMark[]): HistoryMark[] {
  const byKind = new Map<MarkKind, HistoryMark[]>();
  for (const mark of marks) {
    const known = byKind.get(mark.kind);
    if (known === undefined) byKind.set(mark.kind, [mark]);
    else known.push(mark);
  }
  const kept = [...byKind.values()].flatMap((same) => {
    const last = same.at(-1) as HistoryMark;
    const before = same.slice(0, -1);
    const pairs = before.flatMap((mark, at) => {
      if (at % 2 === 1) return [];
      const next = before[at + 1];
      return next === undefined ? [mark] : [{ ...mark, count: (mark.count ?? 1) + (next.count ?? 1) }];
    });
    return [...pairs, last];
  });
  return kept.sort((a, b) => a.seq - b.seq);
}
