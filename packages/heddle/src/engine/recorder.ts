/**
 * Recorder: checks a run's events against the rules of every history, and appends them with everything else of the same
 * turn. Listeners get an event after that, never before.
 */
import { BugError } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { EventLog, Lease, StoredNotice } from "../journal/port.ts";
import type { Event, EventBody } from "../run/event.ts";
import type { HistoryChecker } from "../run/check/history-checker.ts";
import type { RunState } from "../run/state.ts";
import { appendProblem } from "./problems.ts";
import { noticesOf, type NewNotice } from "../run/notices.ts";
import { summaryOf } from "../run/summary.ts";
import { recordEvent } from "../run/transition.ts";

export interface RecorderOptions {
  readonly journal: EventLog;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly state: RunState;
  /** Has seen all that is folded in. */
  readonly checker: HistoryChecker;
  /** Called when words for people outside were stored. */
  readonly onNotices?: () => void;
  /** Folded in and not yet on disk. */
  readonly pending?: readonly Event[];
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #listeners = new Set<(event: Event) => void>();
  #batch: Event[];

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#batch = [...(options.pending ?? [])];
  }

  /** Records one event that no transition returned: how a run begins, continues or lands. */
  record(body: EventBody): void {
    this.take([recordEvent(this.#options.state, body, this.#options.clock.now())]);
  }

  /** Takes events that were folded in. */
  take(events: readonly Event[]): void {
    for (const event of events) {
      const [violation] = this.#options.checker.next(event);
      if (violation)
        throw new BugError(`event ${event.seq} of run ${event.run} breaks ${violation.rule}: ${violation.message}`);
      this.#batch.push(event);
    }
  }

  /** Puts what was recorded on disk, then calls the listeners. After an error nothing may be recorded any more. */
  async commit(): Promise<Result<void, Problem>> {
    const batch = this.#batch;
    if (batch.length === 0) return ok(undefined);
    this.#batch = [];
    const { journal, lease, state } = this.#options;
    const notices = storedNotices(noticesOf(state, batch));
    const appended = await journal.append(lease, batch, { summary: summaryOf(state), notices });
    if (!appended.ok) return err(appendProblem(appended.error, state.run));
    if (notices.length > 0) this.#options.onNotices?.();
    for (const event of batch) for (const listener of this.#listeners) listener(event);
    return ok(undefined);
  }

  subscribe(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function storedNotices(notices: readonly NewNotice[]): readonly StoredNotice[] {
  return notices.map(({ seq, target, document }) => ({
    seq,
    target: JSON.stringify(target),
    body: JSON.stringify(document),
  }));
}
