/**
 * Run follower: folds the events of one run as they come, and gives what has changed since it was asked last, for many who look on. Reads
 * no disk and no clock.
 *
 * Invariants:
 *  1. An event costs what its changes cost, and a patch what has changed since the last one, and the queues in which steps wait. All
 *     steps are looked at only where a resume, an undo, a failure that ends something, or the liveness of the run concerns them all.
 *  2. What it shows at a seq depends on the history and on the liveness alone, and not on when it was asked.
 */
import { BugError } from "../base/assert.ts";
import { haltReason } from "../run/finish.ts";
import type { StepPhase } from "../run/facts.ts";
import type { Event } from "../run/event.ts";
import { skipText } from "../run/explain.ts";
import {
  queueKey,
  queueReasons,
  readyAt,
  runReasons,
  waitsUntil,
  waitStage,
  type Reason,
  type WaitStage,
} from "../run/reasons.ts";
import { phaseOf, stepAt, type RunState } from "../run/state.ts";
import { costByStep, costOfRun, totalUsage } from "../run/usage.ts";
import { differences, isSame } from "./differences.ts";
import { failureText } from "./failure-text.ts";
import { HistoryReader } from "./history.ts";
import { tookOf } from "./run-view.ts";
import type { LiveHead, LiveRun, LiveStep, RunOp, RunPatch } from "./live-run.ts";
import { runStatus, statusCounts, stepCounts, stepStatus } from "./status.ts";

/** Characters of a step's note. */
const NOTE_LENGTH = 160;

/** Stages in which it matters what is short in the step's queue. */
const QUEUED: ReadonlySet<WaitStage | null> = new Set<WaitStage>(["ready", "condition", "retry-delay"]);

/** What was given out last. */
interface Published {
  seq: number;
  head: LiveHead;
  readonly queues: Map<number, readonly Reason[]>;
  steps: LiveStep[];
}

export class RunFollower {
  /** State and timeline of the events so far, for documents that are made whole. */
  readonly reader: HistoryReader;
  #live: boolean;
  #published: Published | undefined;
  /** Steps whose rows may have changed since the last patch. */
  readonly #touched = new Set<number>();
  #isAllTouched = true;
  #isRenumbered = true;
  #hasNewUsage = false;
  #costs: ReadonlyMap<string, number> = new Map();
  #queueOf: number[] = [];
  readonly #firstOf = new Map<string, number>();
  /** How many steps wait in a queue, of those that were published. */
  readonly #waiting = new Map<number, number>();

  /** `live`: a process holds the run now. `reader`: of the events that there were before; it belongs to the follower from now on. */
  constructor(live: boolean, reader: HistoryReader = new HistoryReader()) {
    this.#live = live;
    this.reader = reader;
    if (reader.state === undefined) return;
    reader.state.index.touched = this.#touched;
    this.#hasNewUsage = true;
  }

  /** Of the last event; 0: there was none. */
  get seq(): number {
    return this.reader.state?.seq ?? 0;
  }

  get live(): boolean {
    return this.#live;
  }

  set live(live: boolean) {
    if (live !== this.#live) this.#isAllTouched = true;
    this.#live = live;
  }

  /** The run's events in order, `run.created` first. */
  add(event: Event): void {
    const { state: before } = this.reader;
    const ending = before === undefined ? "" : endingOf(before);
    const openLayer = before?.index.openLayer ?? 0;
    if (before !== undefined) this.#touchByEvent(before, event);
    this.reader.add(event);
    const { state } = this.reader;
    if (state === undefined) return;
    const isClosedAgain = state.index.openLayer < openLayer;
    if (before !== undefined && (isClosedAgain || endingOf(state) !== ending)) this.#isAllTouched = true;
    if (event.type === "usage.recorded") this.#hasNewUsage = true;
    if (event.type === "run.resumed") {
      this.#isAllTouched = true;
      this.#isRenumbered = true;
    }
    if (state.index.touched === this.#touched) return;
    // The index is new.
    state.index.touched = this.#touched;
    this.#isAllTouched = true;
  }

  /** What the reducer does not put into another queue, but shows otherwise. */
  #touchByEvent({ index, phases }: RunState, event: Event): void {
    const step = "step" in event ? index.byId.get(event.step) : undefined;
    if (step !== undefined) this.#touched.add(step);
    const phase = phases[step ?? -1];
    const signal = event.type === "signal.received" ? event.data.signal : signalOf(phase);
    if (signal !== undefined) for (const listener of index.listeners.get(signal) ?? []) this.#touched.add(listener);
  }

  /** As it was given out by the last patch, so that the next one goes on from here; the present, where there was none yet. */
  snapshot(): LiveRun | undefined {
    if (this.#published === undefined) this.patch();
    if (this.#published === undefined) return undefined;
    const { seq, head, queues, steps } = this.#published;
    return { seq, head, queues: Object.fromEntries(queues), steps: [...steps] };
  }

  /** What has changed since the last call; `undefined`: nothing, or there was no call and no snapshot before. */
  patch(): RunPatch | undefined {
    const { state } = this.reader;
    if (state === undefined) return undefined;
    const head = this.#headOf(state);
    const before = this.#published;
    // Without a process, whether a container counts as at work depends on the whole run.
    if (!this.#live && before?.head.status !== head.status) this.#isAllTouched = true;
    if (this.#hasNewUsage) this.#costs = costByStep(state.usage);
    this.#hasNewUsage = false;
    if (this.#isRenumbered) this.#forgetNumbers();
    this.#giveQueues(state);
    const published = before ?? { seq: 0, head, queues: new Map(), steps: [] };
    this.#published = published;
    const from = published.seq;
    const ops = [
      ...headOps(published.head, head),
      ...this.#stepOps(state, published),
      ...this.#queueOps(state, published),
    ];
    published.seq = state.seq;
    published.head = head;
    this.#isAllTouched = false;
    this.#isRenumbered = false;
    this.#touched.clear();
    if (before === undefined || (ops.length === 0 && from === state.seq)) return undefined;
    return { from, to: state.seq, ops };
  }

  #forgetNumbers(): void {
    this.#queueOf = [];
    this.#firstOf.clear();
    this.#waiting.clear();
  }

  /** Each step that is new gets its queue: in the order of their numbers, so that a queue is called the same whenever it is asked for. */
  #giveQueues(state: RunState): void {
    for (let step = this.#queueOf.length; step < state.steps.length; step++) {
      const key = queueKey(state, step);
      const first = this.#firstOf.get(key) ?? step;
      if (first === step) this.#firstOf.set(key, step);
      this.#queueOf.push(first);
    }
  }

  #stepOps(state: RunState, published: Published): readonly RunOp[] {
    const { steps } = published;
    const known = steps.length;
    if (this.#isRenumbered && !isSameSteps(steps, state)) {
      published.steps = state.steps.map((_, step) => this.#rowOf(state, step));
      for (const row of published.steps) this.#count(undefined, row);
      return [{ op: "steps", steps: [...published.steps] }];
    }
    if (this.#isRenumbered) for (const row of steps) this.#count(undefined, row);
    const rows: (readonly [number, Partial<LiveStep>])[] = [];
    const changed = this.#isAllTouched ? steps.keys() : [...this.#touched].sort((a, b) => a - b);
    for (const step of changed) {
      const before = steps[step];
      if (before === undefined) continue;
      const row = this.#rowOf(state, step);
      const set = differences(before, row);
      if (set === undefined) continue;
      this.#count(before, row);
      steps[step] = row;
      rows.push([step, set]);
    }
    const added: LiveStep[] = [];
    for (let step = known; step < state.steps.length; step++) {
      const row = this.#rowOf(state, step);
      this.#count(undefined, row);
      steps.push(row);
      added.push(row);
    }
    const ops: RunOp[] = [];
    if (rows.length > 0) ops.push({ op: "rows", rows });
    if (added.length > 0) ops.push({ op: "added", steps: added });
    return ops;
  }

  #count(before: LiveStep | undefined, after: LiveStep): void {
    if (before !== undefined && QUEUED.has(before.waits)) this.#countIn(before.queue, -1);
    if (QUEUED.has(after.waits)) this.#countIn(after.queue, 1);
  }

  #countIn(queue: number, by: 1 | -1): void {
    const count = (this.#waiting.get(queue) ?? 0) + by;
    if (count === 0) this.#waiting.delete(queue);
    else this.#waiting.set(queue, count);
  }

  #queueOps(state: RunState, { queues }: Published): readonly RunOp[] {
    const changed: (readonly [number, readonly Reason[]])[] = [];
    for (const queue of queues.keys()) {
      if (this.#waiting.has(queue)) continue;
      queues.delete(queue);
      changed.push([queue, []]);
    }
    for (const queue of this.#waiting.keys()) {
      const reasons = queueReasons(state, queue);
      const before = queues.get(queue) ?? [];
      if (isSame(before, reasons)) continue;
      if (reasons.length === 0) queues.delete(queue);
      else queues.set(queue, reasons);
      changed.push([queue, reasons]);
    }
    return changed.length === 0 ? [] : [{ op: "queues", queues: changed }];
  }

  #headOf(state: RunState): LiveHead {
    const { timeline } = this.reader;
    const live = this.#live;
    const before = this.#published?.head;
    const isKnown = before !== undefined && !this.#hasNewUsage;
    return {
      run: state.run,
      plan: state.plan.name,
      status: runStatus(state, live),
      live,
      startedAt: state.startedAt ?? state.createdAt,
      endedAt: "endedAt" in state.phase ? state.phase.endedAt : null,
      counts: stepCounts(state, live),
      byStatus: statusCounts(state, live),
      progress: {
        ended: state.steps.length - state.index.open,
        total: state.steps.length,
        slots: state.index.slots,
        maxConcurrency: state.options.maxConcurrency,
      },
      holds: runReasons(state, live),
      sequentialMs: timeline.sequentialMs,
      parallelMs: timeline.parallelMs(),
      cost: isKnown ? before.cost : costOfRun(state.usage),
      turnsWithoutCost: isKnown ? before.turnsWithoutCost : totalUsage(state.usage).turnsWithoutUsd,
      landing: state.landing ?? null,
    };
  }

  #rowOf(state: RunState, step: number): LiveStep {
    const { id } = stepAt(state, step);
    const phase = phaseOf(state, step);
    const parent = state.parents[step] ?? -1;
    const waits = waitStage(state, step, this.#live) ?? null;
    const last = this.reader.timeline.lastOf(id);
    const queue = this.#queueOf[step];
    if (queue === undefined) throw new BugError("a step has no queue");
    return {
      id,
      parent: parent === -1 ? null : parent,
      layer: (state.layers[step] ?? 0) + 1,
      queue,
      status: stepStatus(state, step, this.#live),
      attempts: state.attempts[step] ?? 0,
      readyAt: isBefore(phase) ? (readyAt(state, step) ?? null) : (last?.readyAt ?? null),
      startedAt: last?.startedAt ?? null,
      endedAt: "endedAt" in phase ? phase.endedAt : null,
      durationMs: tookOf(phase),
      waits,
      until: waits === null || waits === "engine" ? null : (waitsUntil(state, step) ?? null),
      cost: this.#costs.get(id) ?? null,
      files: this.reader.timeline.changedFiles.countOf(id) ?? null,
      note: noteOf(phase),
    };
  }
}

/** Whether its next attempt has not begun. */
function isBefore({ tag }: StepPhase): boolean {
  return tag === "waiting" || tag === "interrupted" || tag === "retrying";
}

function signalOf(phase: StepPhase | undefined): string | undefined {
  return phase?.tag === "waiting-for-signal" ? phase.signal : undefined;
}

/** What of the run has failed for good, as far as it keeps steps from starting. */
function endingOf(state: RunState): string {
  return `${haltReason(state) ?? ""} ${state.index.failingPlans.size}`;
}

function noteOf(phase: StepPhase): string | null {
  if ("error" in phase) return cut(failureText(phase.error).line);
  return phase.tag === "skipped" ? cut(skipText(phase.reason)) : null;
}

function cut(text: string): string {
  return text.length <= NOTE_LENGTH ? text : `${text.slice(0, NOTE_LENGTH - 1).toWellFormed()}…`;
}

function isSameSteps(rows: readonly LiveStep[], { steps, parents }: RunState): boolean {
  if (rows.length > steps.length) return false;
  return rows.every(({ id, parent }, at) => steps[at]?.id === id && (parent ?? -1) === parents[at]);
}

function headOps(before: LiveHead, after: LiveHead): readonly RunOp[] {
  const set = differences(before, after);
  return set === undefined ? [] : [{ op: "head", set }];
}
