/**
 * Ready times: since when a step that begins now had all that it comes after, and what it waited for before and after that. Follows a
 * state event by event. Knows what events tell: what the machine lacked for a moment, and what is kept for larger steps, counts as `turn`.
 *
 * Invariants:
 *  1. Time in which no engine had the run is no wait: it begins anew with each engine.
 *  2. An event costs the queues in which something waits, and none where the whole run waits for one thing.
 */
import type { Event } from "../run/event.ts";
import { readyAt, runReasons, type ReasonKind } from "../run/reasons.ts";
import { isSlotless } from "../run/queue.ts";
import { areSlotsTaken, laneFor, shortagesOf } from "../run/slots.ts";
import { depsOf, isRunEnded, phaseOf, stepAt, type RunState } from "../run/state.ts";

/** How a step came to begin. */
export interface Lead {
  /** Since when it waited, under the engine that began it. */
  readonly from: number;
  /** Since when it had all that it comes after, or its next attempt was due. */
  readonly readyAt: number;
  /** What it waited for longest before that; `null`: it did not wait. */
  readonly blockedBy: "deps" | "layer" | "retry-delay" | null;
  /** What it waited for longest from then on; `null`: it did not wait. */
  readonly queuedBy: ReasonKind | null;
}

export class ReadyTimes {
  /** When steps were added to the run, or ended an attempt. */
  readonly #since = new Map<string, number>();
  #run = new KindLog();
  /** By the keys of lanes. */
  #queues = new Map<string, KindLog>();

  /** Neither it nor its copy changes by what the other is told. */
  copy(): ReadyTimes {
    const copy = new ReadyTimes();
    for (const [step, time] of this.#since) copy.#since.set(step, time);
    copy.#run = this.#run.copy();
    for (const [lane, log] of this.#queues) copy.#queues.set(lane, log.copy());
    return copy;
  }

  /** To be told of each event before the state gets it. Of one with which a step begins: its lead. */
  next(state: RunState, event: Event): Lead | undefined {
    if (event.type === "run.resumed") {
      this.#since.clear();
      this.#run = new KindLog();
      this.#queues = new Map();
      return undefined;
    }
    this.#pass(state, event.time);
    switch (event.type) {
      case "steps.added":
        for (const { id } of event.data.steps) this.#since.set(id, event.time);
        return undefined;
      case "step.failed":
      case "step.rolledback":
      case "approval.given":
        this.#since.set(event.step, event.time);
        return undefined;
      case "approval.requested":
        return event.data.about === "step" || event.data.about === "interrupt"
          ? this.#leadOf(state, event.step, event.time)
          : undefined;
      case "step.started":
        return this.#leadOf(state, event.step, event.time);
      default:
        return undefined;
    }
  }

  /** What was waited for between the last event and `now`. */
  #pass(state: RunState, now: number): void {
    const from = state.lastTime;
    if (now <= from || isRunEnded(state.phase)) return;
    const [paused] = runReasons(state, true).kinds;
    const kind = paused ?? (areSlotsTaken(state) ? "slot" : undefined);
    if (kind !== undefined) return this.#run.add(kind, from, now);
    for (const lane of state.index.activeLanes) {
      const held = shortagesOf(state, lane)[0]?.kind ?? state.shortage?.resource;
      if (held === undefined) continue;
      let log = this.#queues.get(lane.key);
      if (log === undefined) this.#queues.set(lane.key, (log = new KindLog()));
      log.add(held, from, now);
    }
  }

  #leadOf(state: RunState, id: string, now: number): Lead | undefined {
    const step = state.index.byId.get(id);
    if (step === undefined) return undefined;
    const from = Math.min(now, Math.max(state.startedAt ?? 0, state.takenUpAt, this.#since.get(id) ?? 0));
    const ready = Math.min(now, Math.max(from, readyAt(state, step) ?? from));
    return {
      from,
      readyAt: ready,
      blockedBy: ready > from ? blockedBy(state, step, from, ready) : null,
      queuedBy: now > ready ? this.#queuedBy(state, step, ready, now) : null,
    };
  }

  #queuedBy(state: RunState, step: number, from: number, to: number): ReasonKind {
    const held = new Map<ReasonKind, number>();
    this.#run.sum(from, to, held);
    const isSlotted = !isSlotless(stepAt(state, step));
    if (isSlotted) this.#queues.get(laneFor(state, step).key)?.sum(from, to, held);
    const lock = state.lockWaits.get(step);
    if (lock !== undefined) held.set("foreign-lock", Math.max(0, to - Math.max(from, lock.since)));
    let known = 0;
    for (const ms of held.values()) known += ms;
    // What takes no slot of the run may have waited for one among the items of its container.
    const isLimited = !isSlotted && state.containers.get(state.parents[step] ?? -1)?.maxConcurrency !== undefined;
    let longest: ReasonKind = isLimited ? "slot" : "turn";
    held.set(longest, (held.get(longest) ?? 0) + to - from - known);
    for (const [kind, ms] of held) if (ms > (held.get(longest) ?? 0)) longest = kind;
    return longest;
  }
}

/** What of the two took longer: its predecessors, or the layer that they are in. */
function blockedBy(state: RunState, step: number, from: number, ready: number): Lead["blockedBy"] {
  if (phaseOf(state, step).tag === "retrying") return "retry-delay";
  if (state.options.schedule !== "layers" || state.parents[step] !== -1) return "deps";
  const softly = (stepAt(state, step).after ?? []).flatMap((id) => state.index.byId.get(id) ?? []);
  let ended = from;
  for (const before of [...depsOf(state, step), ...softly]) {
    const phase = phaseOf(state, before);
    if ("endedAt" in phase) ended = Math.max(ended, phase.endedAt);
  }
  return ready - ended > ended - from ? "layer" : "deps";
}

interface Segment {
  readonly kind: ReasonKind;
  readonly from: number;
  to: number;
}

/** Which kind held something when, in order of time. */
class KindLog {
  #segments: Segment[] = [];

  copy(): KindLog {
    const copy = new KindLog();
    const last = this.#segments.at(-1);
    // Only the last one still grows.
    if (last !== undefined) copy.#segments = [...this.#segments.slice(0, -1), { ...last }];
    return copy;
  }

  add(kind: ReasonKind, from: number, to: number): void {
    const last = this.#segments.at(-1);
    if (last?.kind === kind && last.to === from) last.to = to;
    else this.#segments.push({ kind, from, to });
  }

  /** Adds to `sums` how long each kind held between two times. */
  sum(from: number, to: number, sums: Map<ReasonKind, number>): void {
    for (let at = this.#segments.length - 1; at >= 0; at--) {
      const segment = this.#segments[at] as Segment;
      if (segment.to <= from) return;
      const ms = Math.min(to, segment.to) - Math.max(from, segment.from);
      if (ms > 0) sums.set(segment.kind, (sums.get(segment.kind) ?? 0) + ms);
    }
  }
}
