/**
 * Tail of a run: its events as they are recorded, and the lines of a step's log as they are written. Knows no face.
 *
 * Invariants:
 *  1. Events come in order, each once, after it is on disk. They are read from the journal, so a slow reader costs no
 *     memory.
 *  2. A tail ends when no process works on the run any more, after all that was recorded until then: a dead engine ends
 *     it too.
 *  3. Between two readings only a timer or a listener is held, and neither outlives the tail.
 */
import type { Clock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import type { RunHandle } from "../engine/api.ts";
import type { EventLog } from "../journal/port.ts";
import type { Event } from "../run/event.ts";
import { HistoryReader, type RunSnapshot } from "../view/history.ts";
import { LogCursor, type LogLines } from "./log-lines.ts";

export interface TailPorts {
  readonly log: Pick<EventLog, "read" | "get" | "watch">;
  readonly clock: Clock;
  /** The run, where this process runs it: it says itself when there is something new. */
  readonly liveRun?: (run: string) => Pick<RunHandle, "subscribe" | "result"> | undefined;
}

export interface TailOptions {
  /** Only events with a greater `seq`; default 0. */
  readonly after?: number;
  /** Ends the tail where it is, also while it waits. */
  readonly signal?: AbortSignal;
}

export type TailItem =
  | { readonly kind: "events"; readonly events: readonly Event[] }
  /** All that is recorded so far was given. Said again at every look: ten times a second, or as events come. */
  | { readonly kind: "caught-up" }
  /** The last item: nobody works on the run, which has ended, waits for people, or was interrupted. */
  | { readonly kind: "end" };

/** How often the journal is looked at, milliseconds. */
const POLL_MS = 100;
/** How often, in looks, it is asked whether the run's process still lives: a dead one writes nothing that would say so. */
const HOLDER_POLLS = 10;

/** When to look again. */
interface Pulse {
  /** `isLast`: whatever is recorded was recorded before this look. `isEnded`: what was read says that the run has ended. */
  look(isEnded: boolean): Promise<{ readonly hasNews: boolean; readonly isLast: boolean }>;
  wait(): Promise<void>;
  close(): void;
}

export async function* tailRun(
  ports: TailPorts,
  run: string,
  options: TailOptions = {},
): AsyncGenerator<TailItem, void, undefined> {
  const handle = ports.liveRun?.(run);
  const { signal } = options;
  yield* follow(ports, run, handle === undefined ? polling(ports, run, signal) : listening(handle, signal), options);
}

async function* follow(
  { log }: TailPorts,
  run: string,
  pulse: Pulse,
  { after = 0, signal }: TailOptions,
): AsyncGenerator<TailItem, void, undefined> {
  const isLeft = (): boolean => signal?.aborted === true;
  let seq = after;
  let isEnded = false;
  try {
    while (!isLeft()) {
      const { hasNews, isLast } = await pulse.look(isEnded);
      if (hasNews) {
        for await (const events of log.read(run, { after: seq })) {
          for (const event of events) {
            ({ seq } = event);
            isEnded = endOf(event) ?? isEnded;
          }
          yield { kind: "events", events };
          if (isLeft()) return;
        }
      }
      yield { kind: isLast ? "end" : "caught-up" };
      if (isLast) return;
      await pulse.wait();
    }
  } finally {
    pulse.close();
  }
}

/** Whether an event ends its run, or has it go on; `undefined`: neither. */
function endOf({ type }: Event): boolean | undefined {
  switch (type) {
    case "run.succeeded":
    case "run.failed":
    case "run.cancelled":
    case "rollback.ended":
      return true;
    case "run.resumed":
    case "rollback.started":
      return false;
    default:
      return undefined;
  }
}

/** For a run of another process. One that has ended is let go soon: its holder is asked for at every look. */
function polling({ log, clock }: TailPorts, run: string, signal: AbortSignal | undefined): Pulse {
  const writes = log.watch();
  const bell = new Bell(signal);
  let looks = 0;
  return {
    async look(isEnded) {
      bell.reset();
      const asksHolder = looks++ % HOLDER_POLLS === 0 || isEnded;
      // Before what is recorded is read: nothing that a holder wrote before it went is missed.
      const isLast = asksHolder && ((await log.get(run))?.holder ?? null) === null;
      return { hasNews: writes.changed() || asksHolder, isLast };
    },
    async wait() {
      const cancel = clock.after(POLL_MS, () => bell.ring());
      await bell.rung();
      cancel();
    },
    close: () => bell.close(),
  };
}

/** For a run of this process. */
function listening({ subscribe, result }: Pick<RunHandle, "subscribe" | "result">, signal?: AbortSignal): Pulse {
  const bell = new Bell(signal);
  let isLast = false;
  const unsubscribe = subscribe(() => bell.ring());
  const end = (): void => {
    isLast = true;
    bell.ring();
  };
  result.then(end, end);
  return {
    async look() {
      bell.reset();
      return { hasNews: true, isLast };
    },
    wait: () => bell.rung(),
    close() {
      unsubscribe();
      bell.close();
    },
  };
}

/** Rings for whatever comes first, or for the signal; what rang before it was reset is no news. */
class Bell {
  readonly #signal: AbortSignal | undefined;
  #next = Promise.withResolvers<void>();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener("abort", this.ring);
  }

  readonly ring = (): void => this.#next.resolve();

  reset(): void {
    this.#next = Promise.withResolvers<void>();
    if (this.#signal?.aborted === true) this.ring();
  }

  rung(): Promise<void> {
    return this.#next.promise;
  }

  close(): void {
    this.#signal?.removeEventListener("abort", this.ring);
  }
}

export type LogItem =
  | ({ readonly kind: "lines" } & LogLines)
  /** The last item. `isStepOver`: the step has ended; else nobody works on the run any more. */
  | { readonly kind: "end"; readonly isStepOver: boolean };

/** The log of one attempt of a step, from its first line on, until the step has ended or nobody works on the run any more. */
export async function* tailLog(
  ports: TailPorts,
  of: { readonly run: string; readonly step: string; readonly file: string },
  { signal }: Pick<TailOptions, "signal"> = {},
): AsyncGenerator<LogItem, void, undefined> {
  const reader = new HistoryReader();
  const cursor = new LogCursor(of.file);
  // Polled, whoever holds the run: a log grows without an event.
  for await (const item of follow(ports, of.run, polling(ports, of.run, signal), defined({ signal }))) {
    if (item.kind === "events") {
      for (const event of item.events) reader.add(event);
      continue;
    }
    // Asked before the log is read: an attempt has written all when its end is recorded.
    const isStepOver = reader.state !== undefined && hasEnded(reader.state, of.step);
    const isLast = isStepOver || item.kind === "end";
    for (let read = cursor.next(isLast); read !== undefined; read = cursor.next(isLast))
      yield { kind: "lines", ...read };
    if (isLast) {
      yield { kind: "end", isStepOver };
      return;
    }
  }
}

function hasEnded(state: RunSnapshot, step: string): boolean {
  const tag = state.phases[state.index.byId.get(step) ?? -1]?.tag;
  return tag !== "running" && tag !== "waiting" && tag !== "retrying";
}
