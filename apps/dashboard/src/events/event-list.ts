/**
 * Event list: the events of a run as lines, those that a filter lets through, of which the page holds what is looked at. Knows no DOM.
 *
 * Invariants:
 *  1. Without a filter, line n is event n; with one, the n-th that it lets through. Nothing is shown behind {@link EventList.until}.
 *  2. Events are read by number when they are wanted; all of them are read once, in the background, as soon as there is a filter.
 *  3. What was shown stays when the server cannot be reached; it is asked again.
 */
import { ApiProblem, type EventPage } from "heddle/client";
import type { RunEvent } from "heddle/view";
import { askAgain } from "../logs/ask-again.ts";
import { keptLine, LineStore, type KeptLine } from "../logs/line-store.ts";
import type { ShownLog } from "../logs/shown-log.ts";
import { PLAIN, type TextStyle } from "../logs/text-style.ts";
import { EventIndex, type EventFilter } from "./event-index.ts";
import { eventText } from "./event-text.ts";

/** Where the page gets events from. */
export interface EventSource {
  /** Those behind number `after`, in order. */
  page(after: number, limit: number, signal: AbortSignal): Promise<EventPage>;
  /** Those behind number `after`, as they are recorded. What it gives back ends it. */
  follow(after: number, onEvents: (events: readonly RunEvent[]) => void): () => void;
}

export interface EventListOptions {
  readonly source: EventSource;
  /** Number of the last event that is known. */
  readonly last: number;
  /** More may come; else nothing behind {@link last} is shown. */
  readonly follows: boolean;
  readonly after: (delayMs: number, fire: () => void) => () => void;
}

const PAGE = 200;
/** Read at once where all are. */
const MOST_AT_ONCE = 1000;
const MOST_ASKED = 2;
const AHEAD = 100;

const NO_FILTER: EventFilter = { types: [], step: undefined };

export class EventList implements ShownLog {
  readonly #source: EventSource;
  readonly #after: EventListOptions["after"];
  readonly #store = new LineStore({ pageLines: PAGE });
  readonly #index = new EventIndex();
  readonly #listeners = new Set<() => void>();
  readonly #abort = new AbortController();
  readonly #stop: (() => void) | undefined;
  readonly #asked = new Set<number>();
  #last: number;
  #filter: EventFilter = NO_FILTER;
  /** `undefined`: all are shown. */
  #shown: number[] | undefined;
  #isReading = false;
  #isOffline = false;
  #problem: ApiProblem | undefined;

  constructor({ source, last, follows, after }: EventListOptions) {
    this.#source = source;
    this.#last = last;
    this.#after = after;
    this.#stop = follows ? source.follow(last, (events) => this.#take(events, true)) : undefined;
  }

  get lines(): number {
    return this.#shown?.length ?? this.#last;
  }

  /** Number of the last event that there is. */
  get last(): number {
    return this.#last;
  }

  get isOffline(): boolean {
    return this.#isOffline;
  }

  /** Why events cannot be had. */
  get problem(): ApiProblem | undefined {
    return this.#problem;
  }

  /** What is known of types: all once every event was read. */
  get index(): EventIndex {
    return this.#index;
  }

  /** Whether every event was read, and the filter has found all. */
  get isWhole(): boolean {
    return this.#index.size >= this.#last;
  }

  line(number: number): KeptLine | undefined {
    const seq = this.seqOf(number);
    return seq === undefined ? undefined : this.#store.get(seq);
  }

  /** Of the event in a line. */
  seqOf(line: number): number | undefined {
    return this.#shown === undefined ? (line >= 1 && line <= this.#last ? line : undefined) : this.#shown[line - 1];
  }

  /** In which line an event is, or the one behind it that is shown; 0: none is. */
  lineOf(seq: number): number {
    if (this.#shown === undefined) return Math.min(seq, this.#last);
    const at = this.#shown.findIndex((shown) => shown >= seq);
    return at === -1 ? this.#shown.length : at + 1;
  }

  styleBefore(): TextStyle {
    return PLAIN;
  }

  isNumbered(): boolean {
    return true;
  }

  want(from: number, to: number): void {
    const seqs: number[] = [];
    for (let line = Math.max(1, from - AHEAD); line <= Math.min(this.lines, to + AHEAD); line++)
      seqs.push(this.seqOf(line) ?? 0);
    // With a filter they may lie anywhere: those looked at longest ago go.
    this.#store.wanted = this.#shown === undefined ? [seqs[0] ?? 0, seqs.at(-1) ?? 0] : [0, 0];
    const isSeen = (seq: number): boolean => seq >= (this.seqOf(from) ?? 0) && seq <= (this.seqOf(to) ?? 0);
    // What is seen comes first.
    for (const seq of [...seqs.filter(isSeen), ...seqs])
      if (this.#asked.size < MOST_ASKED && seq > 0 && this.#store.get(seq) === undefined) void this.#read(seq);
  }

  async read(from: number, to: number, signal: AbortSignal): Promise<readonly string[]> {
    const events = await this.events(from, to, signal);
    return events.map(eventText);
  }

  /** The events of some lines, whole. Rejects as the source does. */
  async events(from: number, to: number, signal: AbortSignal): Promise<readonly RunEvent[]> {
    const wanted = Array.from({ length: to - from + 1 }, (_, at) => this.seqOf(from + at) ?? 0).filter(
      (seq) => seq > 0,
    );
    const found: RunEvent[] = [];
    for (let next = 0; next < wanted.length;) {
      const first = wanted[next] ?? 0;
      const page = await this.#source.page(first - 1, Math.min(MOST_AT_ONCE, (wanted.at(-1) ?? 0) - first + 1), signal);
      const last = page.items.at(-1)?.seq ?? Number.POSITIVE_INFINITY;
      const numbers = new Set(wanted);
      found.push(...page.items.filter(({ seq }) => numbers.has(seq)));
      while (next < wanted.length && (wanted[next] ?? 0) <= last) next++;
    }
    return found;
  }

  filter(filter: EventFilter): void {
    this.#filter = filter;
    this.#shown = filter.types.length === 0 && filter.step === undefined ? undefined : [...this.#index.matches(filter)];
    this.#changed();
    if (this.#shown !== undefined) this.readAll();
  }

  /** Reads every event once, so that it is known which there are. */
  readAll(): void {
    if (!this.#isReading && !this.isWhole) void this.#readAll();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onMoved(): () => void {
    // An event keeps its number.
    return () => undefined;
  }

  close(): void {
    this.#abort.abort();
    this.#stop?.();
    this.#listeners.clear();
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    while (!this.isWhole) {
      const page = await this.#ask((signal) => this.#source.page(this.#index.size, MOST_AT_ONCE, signal));
      if (page === undefined || page.items.length === 0) break;
      this.#take(page.items, false);
    }
    this.#isReading = false;
  }

  async #read(seq: number): Promise<void> {
    const first = Math.floor((seq - 1) / PAGE) * PAGE;
    if (this.#asked.has(first)) return;
    this.#asked.add(first);
    const page = await this.#ask((signal) => this.#source.page(first, PAGE, signal));
    if (page !== undefined) this.#take(page.items, false);
    this.#asked.delete(first);
  }

  async #ask(ask: (signal: AbortSignal) => Promise<EventPage>): Promise<EventPage | undefined> {
    try {
      return await askAgain(ask, {
        signal: this.#abort.signal,
        after: this.#after,
        onOffline: (isOffline) => {
          if (isOffline === this.#isOffline) return;
          this.#isOffline = isOffline;
          this.#changed();
        },
      });
    } catch (thrown) {
      if (!(thrown instanceof ApiProblem)) throw thrown;
      this.#problem = thrown;
      this.#changed();
      return undefined;
    }
  }

  /** `areNew`: they were recorded a moment ago. */
  #take(told: readonly RunEvent[], areNew: boolean): void {
    const events = areNew || this.#stop !== undefined ? told : told.filter(({ seq }) => seq <= this.#last);
    const [first] = events;
    if (first === undefined) return;
    this.#store.put(
      first.seq,
      events.map((event) => keptLine(eventText(event))),
    );
    this.#last = Math.max(this.#last, events.at(-1)?.seq ?? 0);
    const before = this.#index.size;
    this.#index.add(events);
    if (this.#shown !== undefined) for (const seq of this.#index.matches(this.#filter, before)) this.#shown.push(seq);
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
