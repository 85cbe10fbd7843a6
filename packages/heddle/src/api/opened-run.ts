/**
 * Opened run: a recorded run for programs, whichever process works on it. Reads its history, and leaves requests for the
 * process that holds it. Knows no rule of runs.
 *
 * Invariants:
 *  1. What is read is on disk: nothing is told that a restart would not tell again.
 *  2. Nothing outlives {@link OpenedRun.close}: iterations end, and a result that is waited for rejects.
 */
import { systemClock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import { HeddleError, orThrow } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { findStep } from "../project/find-run.ts";
import { LogCursor, type LogLines, logProblem } from "../project/log-lines.ts";
import { logTargets, noLog, unreadableLogs } from "../project/log-targets.ts";
import type { AnswerDecision, Event, Project } from "../project/port.ts";
import { emptyRun } from "../project/read-run.ts";
import { HistoryReader, type RunSnapshot } from "../view/history.ts";
import {
  failuresOf,
  outputsById,
  runProgressOf,
  stepProgressOf,
  type RunProgress,
  type StepProgress,
} from "../view/run-progress.ts";
import { runStatus } from "../view/status.ts";
import { heldBackBy } from "../view/waits.ts";
import { handleClosed, invalidOption, notAQuestion } from "./errors.ts";
import type { AnswerOptions, ConflictChoice, RunResult } from "./handle.ts";
import { outputReader } from "./local-run.ts";
import {
  countProblem,
  type EventsOptions,
  type FollowOptions,
  type LogOptions,
  type MergeRunOptions,
} from "./settings.ts";

/**
 * What became of a request. `sent`: it is left for the process that works on the run, which takes it within a fraction of a
 * second; its consequence is an event. `done`: no process works on the run, and the consequence is recorded.
 */
export type Delivery = "sent" | "done";

/**
 * A recorded run, in whichever process it runs. Everything rejects with a `HeddleError` where it cannot be done. Iterating gives
 * what {@link OpenedRun.events} gives.
 */
export interface OpenedRun extends AsyncIterable<Event>, AsyncDisposable {
  /** The run's whole id. */
  readonly run: string;
  /** The run's current status. Visits every step: not for tight loops over large plans. */
  status(): Promise<RunProgress>;
  /** The current status of every step, in the order of the plan; those that were added on the way come last. */
  steps(): Promise<readonly StepProgress[]>;
  /** A step's current status; `undefined`: the run has no such step (yet). */
  step(id: string): Promise<StepProgress | undefined>;
  /** The events of the run, recorded ones and those to come, in order, until no process works on it any more. */
  events(options?: EventsOptions): AsyncIterable<Event>;
  /**
   * The run's status now, and whenever it has changed, until no process works on it any more. Who reads slowly misses
   * statuses in between, never the last one.
   */
  watch(options?: FollowOptions): AsyncIterable<RunProgress>;
  /** The lines of a step's log, without line breaks; those of more than about a million characters in pieces. Steps that ask, and those of several steps, have none. */
  logs(step: string, options?: LogOptions): AsyncIterable<string>;
  /**
   * Waits until no process works on the run any more, and says how it stands then. Asked again, it looks again: a run that was
   * `waiting` or `interrupted` may have been resumed.
   */
  result(options?: FollowOptions): Promise<RecordedResult>;
  /** Ends running steps with grace, then the run as `cancelled`. The run can be resumed. */
  cancel(): Promise<Delivery>;
  /** From now on so many steps at once, as of {@link Run}. Needs a process that works on the run. */
  setConcurrency(maxConcurrency: number): Promise<Delivery>;
  /** No new step starts until {@link unpause}; running steps continue. Needs a process that works on the run. */
  pause(reason?: string): Promise<Delivery>;
  /** Takes a {@link pause} back. */
  unpause(): Promise<Delivery>;
  /** Answers a question with yes. Where no process works on the run, resume it then. */
  approve(step: string, answer?: AnswerOptions): Promise<Delivery>;
  /** As {@link approve}, with no. The step fails. */
  reject(step: string, answer?: AnswerOptions): Promise<Delivery>;
  /** Answers an agent's question with `text`, or with the number of one of its options. Refused where the step asks for anything else. */
  answer(step: string, text: string, answer?: Pick<AnswerOptions, "by">): Promise<Delivery>;
  /**
   * Decides a conflict. `ours`: where they conflict, what was merged stays; `theirs`: the step's work counts; `continue`: the
   * step's worktree as it is now.
   */
  resolve(step: string, choice: ConflictChoice, answer?: AnswerOptions): Promise<Delivery>;
  /**
   * Sends a signal to the step that waits for it, now or later; `value` becomes that step's output, default: `null`. Where no process
   * works on the run, resume it then.
   */
  signal(name: string, value?: Json, answer?: Pick<AnswerOptions, "by">): Promise<Delivery>;
  /** Brings what agents of the run merged to the user's branch. Nothing is pushed. */
  merge(options?: MergeRunOptions): Promise<MergedWork>;
  /** Ends what is iterated or waited for. The run is not affected. Also called by `await using`. */
  close(): Promise<void>;
}

/** How a recorded run stands when no process works on it. */
export interface RecordedResult extends Pick<RunResult, "run" | "outputs" | "failures" | "output"> {
  /**
   * `waiting`: the run needs a person's answer or a signal: answer and resume. `interrupted`: the process that worked on it is gone: resume
   * it.
   */
  readonly status: "succeeded" | "failed" | "cancelled" | "waiting" | "interrupted";
}

/** Where the work of a run's agents is. */
export interface MergedWork {
  /** The run's own branch, which has all that was merged in it. */
  readonly integration: string;
  /** Merged steps on it. */
  readonly commits: number;
  /** Where they landed; absent: there was nothing to land. */
  readonly branch?: string;
  /** The commit that this branch is at; absent: there was nothing to land. */
  readonly commit?: string;
}

/** In characters: longer lines are given in pieces. */
const LONGEST_LINE = 1024 * 1024;

/** The run whose id is `run`. `onClose` is called once, when the handle is closed. */
export function openedRun(project: Project, run: string, onClose: () => Promise<void>): OpenedRun {
  return new RunReader(project, run, onClose);
}

class RunReader implements OpenedRun {
  readonly run: string;
  readonly #held: Project;
  readonly #onClose: () => Promise<void>;
  readonly #clock = systemClock();
  readonly #closing = new AbortController();
  /** Folded as far as it was read last. */
  readonly #reader = new HistoryReader();
  #seq = 0;
  /** One reading at a time: events are folded once, in order. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(project: Project, run: string, onClose: () => Promise<void>) {
    this.run = run;
    this.#held = project;
    this.#onClose = onClose;
  }

  get #project(): Project {
    if (this.#closing.signal.aborted) throw handleClosed(`run ${this.run}`);
    return this.#held;
  }

  async status(): Promise<RunProgress> {
    const { state, live } = await this.#read();
    return runProgressOf(state, live, live ? heldBackBy(state, this.#clock.now()) : undefined);
  }

  async steps(): Promise<readonly StepProgress[]> {
    const { state, live } = await this.#read();
    const now = this.#clock.now();
    return state.steps.flatMap(({ id }) => stepProgressOf(state, id, live, now) ?? []);
  }

  async step(id: string): Promise<StepProgress | undefined> {
    const { state, live } = await this.#read();
    return stepProgressOf(state, id, live, this.#clock.now());
  }

  async *events(options: EventsOptions = {}): AsyncGenerator<Event, void, undefined> {
    for await (const item of this.#project.runs.tail(this.run, { ...options, signal: this.#until(options) }))
      if (item.kind === "events") yield* item.events;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    return this.events();
  }

  async *watch(options: FollowOptions = {}): AsyncGenerator<RunProgress, void, undefined> {
    const reader = new HistoryReader();
    let last: RunProgress | undefined;
    for await (const item of this.#project.runs.tail(this.run, { signal: this.#until(options) })) {
      if (item.kind === "events") for (const event of item.events) reader.add(event);
      else if (reader.state !== undefined) {
        const live = item.kind !== "end";
        const next = runProgressOf(reader.state, live, live ? heldBackBy(reader.state, this.#clock.now()) : undefined);
        if (next.seq !== last?.seq || next.status !== last.status) yield next;
        last = next;
      }
    }
  }

  async *logs(step: string, options: LogOptions = {}): AsyncGenerator<string, void, undefined> {
    const { attempt, follow = false } = options;
    const problem = countProblem("attempt", attempt);
    if (problem !== undefined) throw problem;
    const { state, live } = await this.#read();
    orThrow(findStep(state, step));
    const { logs } = this.#project;
    const [target] = logTargets(logs.file, state, { step, attempt, unstarted: follow && live });
    if (target === undefined) throw new HeddleError(noLog(state, step, attempt));
    const strange = logProblem(target.log);
    if (strange !== undefined) throw new HeddleError(unreadableLogs([`the log ${target.log} ${strange}`]));
    const whole = new WholeLines();
    if (follow) {
      const of = { run: this.run, step, file: target.log };
      for await (const item of logs.tail(of, { signal: this.#until(options) }))
        if (item.kind === "lines") yield* whole.take(item);
      return;
    }
    const cursor = new LogCursor(target.log);
    for (let read = cursor.next(true); read !== undefined; read = cursor.next(true)) yield* whole.take(read);
  }

  async result(options: FollowOptions = {}): Promise<RecordedResult> {
    const reader = new HistoryReader();
    let isOver = false;
    for await (const item of this.#project.runs.tail(this.run, { signal: this.#until(options) })) {
      if (item.kind === "events") for (const event of item.events) reader.add(event);
      isOver = item.kind === "end";
    }
    if (!isOver) throw this.#closing.signal.aborted ? handleClosed(`run ${this.run}`) : notWaitedFor(this.run);
    const { state } = reader;
    if (state === undefined) throw new HeddleError(emptyRun(this.run));
    const outputs: Readonly<Record<string, Json>> = outputsById(state);
    return {
      run: this.run,
      status: endStatus(state),
      outputs,
      failures: failuresOf(state),
      output: outputReader(outputs),
    };
  }

  async cancel(): Promise<Delivery> {
    return orThrow(await this.#project.control.send(this.run, { kind: "cancel" }));
  }

  async setConcurrency(maxConcurrency: number): Promise<Delivery> {
    const problem = countProblem("maxConcurrency", maxConcurrency);
    if (problem !== undefined) throw problem;
    return orThrow(await this.#project.control.send(this.run, { kind: "set-concurrency", maxConcurrency, by: "api" }));
  }

  async pause(reason: string = "requested by the program"): Promise<Delivery> {
    return orThrow(await this.#project.control.send(this.run, { kind: "pause", reason }));
  }

  async unpause(): Promise<Delivery> {
    return orThrow(await this.#project.control.send(this.run, { kind: "unpause" }));
  }

  approve(step: string, answer: AnswerOptions = {}): Promise<Delivery> {
    return this.#give("approve", step, answer);
  }

  reject(step: string, answer: AnswerOptions = {}): Promise<Delivery> {
    return this.#give("reject", step, answer);
  }

  async answer(step: string, text: string, answer: Pick<AnswerOptions, "by"> = {}): Promise<Delivery> {
    const { question } = orThrow(await this.#project.control.asked(this.run, step));
    if (question.about !== "question") throw notAQuestion(this.run, step);
    return await this.#give("approve", step, { ...answer, comment: text });
  }

  async resolve(step: string, choice: ConflictChoice, answer: AnswerOptions = {}): Promise<Delivery> {
    const { by = "api", comment } = answer;
    return orThrow(await this.#project.control.resolve(this.run, choice, { step, by, comment })).result;
  }

  async signal(name: string, value: Json = null, { by = "api" }: Pick<AnswerOptions, "by"> = {}): Promise<Delivery> {
    return orThrow(await this.#project.control.signal(this.run, { signal: name, value, by }));
  }

  async merge({ ff = false, branch: name, partial = false }: MergeRunOptions = {}): Promise<MergedWork> {
    if (ff && name !== undefined) throw invalidOption("branch", "not combined with `ff`", name);
    const kind = name !== undefined ? "branch" : ff ? "ff" : "merge";
    const landed = orThrow(await this.#project.worktrees.land(this.run, { kind, name, partial }));
    const { integration, commits, branch, commit } = landed;
    return defined<MergedWork>({ integration, commits, branch, commit });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#reading;
    await this.#onClose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #give(decision: AnswerDecision, step: string, answer: AnswerOptions): Promise<Delivery> {
    const { by = "api", comment } = answer;
    return orThrow(await this.#project.control.answer(this.run, decision, { step, by, comment })).result;
  }

  #read(): Promise<{ readonly state: RunSnapshot; readonly live: boolean }> {
    const next = this.#reading.then(() => this.#readOn());
    this.#reading = next.catch(() => undefined);
    return next;
  }

  async #readOn(): Promise<{ readonly state: RunSnapshot; readonly live: boolean }> {
    const { runs } = this.#project;
    // Before the events: what a process wrote before it went is read after it is known to be gone.
    const live = await runs.isLive(this.run);
    for await (const events of runs.events(this.run, { after: this.#seq })) {
      for (const event of events) {
        this.#reader.add(event);
        this.#seq = event.seq;
      }
    }
    const { state } = this.#reader;
    if (state === undefined) throw new HeddleError(emptyRun(this.run));
    return { state, live };
  }

  #until({ signal }: FollowOptions): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }
}

/** Puts pieces of long lines together, up to a bound. */
class WholeLines {
  #begun = "";

  take({ lines, isOpen }: LogLines): readonly string[] {
    const [first = "", ...others] = lines;
    const whole = [this.#begun + first, ...others];
    this.#begun = isOpen && (whole.at(-1)?.length ?? 0) < LONGEST_LINE ? (whole.pop() ?? "") : "";
    return whole;
  }
}

/** No process works on the run. */
function endStatus(state: RunSnapshot): RecordedResult["status"] {
  const status = runStatus(state, false);
  return status === "running" || status === "paused" ? "interrupted" : status;
}

function notWaitedFor(run: string): HeddleError {
  return new HeddleError({
    code: "NotWaitedFor",
    message: `the result of run ${run} is not waited for any more: the signal was aborted`,
    hint: "The run is not affected. `result()` waits again.",
  });
}
