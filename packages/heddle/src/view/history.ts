/**
 * History reader: state, timeline and violations of a history, event by event. Commands that inspect a recorded run
 * build on it and on {@link RunEvent} and {@link RunSnapshot}.
 */
import { apply, createState } from "../run/apply.ts";
import { canonicalHistory, canonicalText, type CanonicalEvent } from "../run/canonical-history.ts";
import { restoreState, saveState, type SavedState } from "../run/copy-state.ts";
import type { Event } from "../run/event.ts";
import { HistoryChecker } from "../run/check/history-checker.ts";
import type { RunState } from "../run/state.ts";
import { ReadyTimes } from "./ready-times.ts";
import { Timeline } from "./timeline.ts";

export type RunEvent = Event;
export type RunSnapshot = RunState;
/** A broken rule: which, where, and how. */
export type Violation = ReturnType<HistoryChecker["next"]>[number];

/** A reader at one event, to go on from there as often as wanted. */
export interface SavedReader {
  readonly state: SavedState | undefined;
  readonly timeline: Timeline;
  readonly ready: ReadyTimes;
}

export class HistoryReader {
  readonly timeline: Timeline;
  readonly #ready: ReadyTimes;
  #state: RunState | undefined;

  /** `from`: what was saved stays as it is. */
  constructor(from?: SavedReader) {
    this.timeline = from?.timeline.copy() ?? new Timeline();
    this.#ready = from?.ready.copy() ?? new ReadyTimes();
    this.#state = from?.state && restoreState(from.state);
  }

  save(): SavedReader {
    return {
      state: this.#state && saveState(this.#state),
      timeline: this.timeline.copy(),
      ready: this.#ready.copy(),
    };
  }

  /** Absent before the first event, and if the first one is not a `run.created` of a valid plan. */
  get state(): RunState | undefined {
    return this.#state;
  }

  add(event: RunEvent): void {
    const lead = this.#state === undefined ? undefined : this.#ready.next(this.#state, event);
    if (this.#state !== undefined) apply(this.#state, event);
    else if (event.type === "run.created") {
      const created = createState(event);
      if (created.ok) this.#state = created.value;
    }
    this.timeline.add(event, lead);
  }
}

/** Folds and checks a history at once. After the first event that cannot be folded only the checks continue. */
export class Replay {
  readonly reader: HistoryReader = new HistoryReader();
  readonly #checker = new HistoryChecker();
  readonly #violations: Violation[] = [];
  #isSound = true;

  add(event: RunEvent): void {
    const found = this.#checker.next(event);
    this.#violations.push(...found);
    if (found.some(({ rule }) => rule === "known-step" || rule === "created-first")) this.#isSound = false;
    if (this.#isSound) this.reader.add(event);
  }

  get violations(): readonly Violation[] {
    return this.#violations;
  }
}

/** Ordered by the plan and renumbered, without times and durations; see `run/canonical-history.ts`. */
export function canonicalEvents(events: readonly RunEvent[]): readonly CanonicalEvent[] {
  return canonicalHistory(events);
}

/** One line of JSON per event: what is compared byte by byte. */
export function canonicalLines(events: readonly RunEvent[]): string {
  return canonicalText(events);
}
