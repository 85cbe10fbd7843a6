/**
 * Timeline: every attempt of a history with its slot among those that ran at the same time, and the times in which an
 * engine had the run. Gets events in order, once; can be read at any time. Times are milliseconds since the epoch.
 *
 * Invariants:
 *  1. Two attempts in one slot never overlap. Attempts that take no slot (containers, questions, waits) have slot -1.
 *  2. Time in which no engine had the run is not counted: neither before an answer or a signal that is
 *     recorded then, nor before the landing of its work.
 */
import type { Event, StepError, ResourceUsage } from "../run/event.ts";
import { isContainerStep, isWaitStep, type RunState } from "../run/state.ts";
import type { ReasonKind } from "../run/reasons.ts";
import { ChangedFiles } from "./changed-files.ts";
import type { Lead } from "./ready-times.ts";

type Step = RunState["steps"][number];

export interface Span {
  readonly step: string;
  /** From 1. */
  readonly attempt: number;
  readonly kind: "attempt" | "container" | "approval" | "wait" | "undo";
  readonly slot: number;
  readonly startedAt: number;
  endedAt: number | null;
  status: "running" | "succeeded" | "failed" | "cancelled" | "interrupted";
  /** As the engine measured it; `null` while it runs and where it was interrupted. */
  durationMs: number | null;
  /** When it could have begun; `null`: nothing tells. */
  readonly readyAt: number | null;
  /** How long it waited before that, under the engine that began it: for what it comes after, its layer, or its next attempt. */
  readonly blockedMs: number | null;
  /** What of these longest; `null`: it did not wait. */
  readonly blockedBy: Lead["blockedBy"];
  /** How long it waited from then on. */
  readonly queuedMs: number | null;
  /** What for longest; `null`: it did not wait. */
  readonly queuedBy: ReasonKind | null;
  /** From its start to its end; `null` while it runs. */
  ranMs: number | null;
  usage?: ResourceUsage;
  error?: StepError;
}

/** Of what has no lead: undos, questions about an attempt, and histories that are followed from their middle on. */
const NO_LEAD = { readyAt: null, blockedMs: null, blockedBy: null, queuedMs: null, queuedBy: null } as const;

/** From an engine's start on the run, or from where it got another number of slots, to its last event there or the next number. */
interface Stay {
  readonly from: number;
  to: number;
  readonly slots: number;
}

/**
 * Whether it may be recorded while no engine has the run. Where one has it, other events at the same time follow an
 * answer, and the end of the run comes before its landing.
 */
function isRecordedBeside({ type }: Event): boolean {
  return BESIDE.has(type);
}

const BESIDE: ReadonlySet<Event["type"]> = new Set([
  "run.created",
  "approval.given",
  "signal.received",
  "run.landed",
  "landing.refused",
]);

export class Timeline {
  /** Folded from the same events. */
  readonly changedFiles: ChangedFiles;
  readonly #spans: Span[] = [];
  readonly #open = new Map<string, Span>();
  readonly #last = new Map<string, Span>();
  readonly #busy: boolean[] = [];
  readonly #stays: Stay[] = [];
  #steps: Map<string, Step>;
  /** A copy has the same ones. */
  #areStepsShared = false;
  #lastTime = 0;
  #ended = false;
  #sequentialMs = 0;
  #undoFrom = 0;
  /** Steps that may be at work at once. */
  #most = 1;

  /** `steps`: those known already, where the history is followed from its middle on. */
  constructor(steps: Iterable<Step> = [], changedFiles: ChangedFiles = new ChangedFiles()) {
    this.changedFiles = changedFiles;
    this.#steps = new Map(Array.from(steps, (step) => [step.id, step]));
  }

  /** Neither it nor its copy changes by what the other is told. Attempts that have ended are shared: they change no more. */
  copy(): Timeline {
    const copy = new Timeline([], this.changedFiles.copy());
    copy.#steps = this.#steps;
    copy.#areStepsShared = this.#areStepsShared = true;
    for (const span of this.#spans) {
      const same = span.endedAt === null ? { ...span } : span;
      copy.#spans.push(same);
      if (this.#open.get(span.step) === span) copy.#open.set(span.step, same);
      if (this.#last.get(span.step) === span) copy.#last.set(span.step, same);
    }
    copy.#busy.push(...this.#busy);
    for (const stay of this.#stays) copy.#stays.push({ ...stay });
    copy.#lastTime = this.#lastTime;
    copy.#ended = this.#ended;
    copy.#sequentialMs = this.#sequentialMs;
    copy.#undoFrom = this.#undoFrom;
    copy.#most = this.#most;
    return copy;
  }

  /** `lead`: of an event with which a step begins, where it is known. */
  add(event: Event, lead?: Lead): void {
    if (event.type === "run.resumed") {
      this.#most = event.data.options?.maxConcurrency ?? this.#most;
      this.#resume(event.time, event.data.plan?.steps ?? []);
    } else this.#fold(event, lead);
    this.changedFiles.add(event);
    this.#lastTime = event.time;
    const stay = this.#stays.at(-1);
    if (stay && !isRecordedBeside(event)) stay.to = event.time;
  }

  #addSteps(steps: readonly Step[]): void {
    if (steps.length === 0) return;
    const own = this.#areStepsShared ? new Map(this.#steps) : this.#steps;
    for (const step of steps) own.set(step.id, step);
    this.#steps = own;
    this.#areStepsShared = false;
  }

  /** In the order in which they started. */
  spans(): readonly Span[] {
    return this.#spans;
  }

  /** The latest attempt of a step. */
  lastOf(step: string): Span | undefined {
    return this.#last.get(step);
  }

  /** Most attempts at once. */
  get slots(): number {
    return this.#busy.length;
  }

  /** The ended attempts one after another. */
  get sequentialMs(): number {
    return this.#sequentialMs;
  }

  /** Wall-clock time under an engine. `now`: a live run counts up to then. */
  parallelMs(now?: number): number {
    let total = 0;
    for (const stay of this.#stays) total += stay.to - stay.from;
    const last = this.#stays.at(-1);
    if (last !== undefined && now !== undefined && !this.#ended) total += Math.max(0, now - last.to);
    return total;
  }

  /** Time under an engine, each moment as often as steps could be at work then. `now`: as of {@link parallelMs}. */
  slotMs(now?: number): number {
    let total = 0;
    for (const { from, to, slots } of this.#stays) total += (to - from) * slots;
    const last = this.#stays.at(-1);
    if (last !== undefined && now !== undefined && !this.#ended) total += Math.max(0, now - last.to) * this.#most;
    return total;
  }

  /** Times in which no engine had the run, between those in which one had it. */
  gaps(): readonly { readonly from: number; readonly to: number }[] {
    return this.#stays.slice(1).flatMap(({ from }, at) => {
      const left = this.#stays[at]?.to ?? from;
      return left < from ? [{ from: left, to: from }] : [];
    });
  }

  /** Wall-clock time under an engine between the first lifetime's start and `time`: where `time` is on a chart without gaps. */
  offset(time: number): number {
    let total = 0;
    for (const { from, to } of this.#stays) {
      if (time <= from) break;
      total += Math.min(time, to) - from;
    }
    return total;
  }

  #stayFrom(time: number): void {
    this.#stays.push({ from: time, to: time, slots: this.#most });
  }

  #fold(event: Exclude<Event, { type: "run.resumed" }>, lead: Lead | undefined): void {
    switch (event.type) {
      case "run.created":
        this.#addSteps(event.data.plan.steps);
        this.#most = event.data.options.maxConcurrency;
        return;
      case "run.started":
        this.#stayFrom(event.time);
        return;
      case "run.options": {
        const stay = this.#stays.at(-1);
        if (stay !== undefined) stay.to = event.time;
        this.#most = event.data.maxConcurrency;
        this.#stayFrom(event.time);
        return;
      }
      case "steps.added":
        this.#addSteps(event.data.steps);
        return;
      case "step.started":
        this.#begin(event, this.#kindOf(event.step), lead);
        return;
      case "approval.requested":
        // A question of a running attempt is part of the attempt.
        if (event.data.about === "permission") return;
        if (event.data.about === "conflict" || event.data.about === "question")
          this.#endAsking(event.step, event.data.about, event.time);
        this.#begin(event, "approval", lead);
        return;
      case "usage.recorded":
        return;
      case "step.succeeded":
        this.#end(event.step, "succeeded", event.time, event.data);
        return;
      case "step.failed":
        this.#end(event.step, "failed", event.time, event.data);
        return;
      case "step.cancelled":
        this.#end(event.step, "cancelled", event.time, event.data);
        return;
      case "approval.given":
        if (this.#open.get(event.step)?.kind !== "approval") return;
        this.#end(event.step, event.data.decision === "approve" ? "succeeded" : "failed", event.time, {});
        return;
      case "rollback.started":
        this.#ended = false;
        this.#undoFrom = event.time;
        if (event.time > this.#lastTime && this.#stays.length > 0) this.#stayFrom(event.time);
        return;
      case "step.rolledback":
      case "rollback.failed":
        this.#undo(event.step, event.type === "step.rolledback" ? "succeeded" : "failed", event.time, event.data);
        return;
      case "rollback.ended":
        this.#ended = true;
        return;
      case "run.succeeded":
      case "run.failed":
      case "run.cancelled":
        this.#ended = true;
        return;
      default:
        return;
    }
  }

  #endAsking(step: string, about: "conflict" | "question", time: number): void {
    const span = this.#open.get(step);
    const status = about === "conflict" ? "failed" : "interrupted";
    if (span !== undefined) this.#end(step, status, time, { durationMs: Math.max(0, time - span.startedAt) });
  }

  #kindOf(id: string): "container" | "wait" | "attempt" {
    const step = this.#steps.get(id);
    if (step === undefined) return "attempt";
    if (isContainerStep(step)) return "container";
    return isWaitStep(step) ? "wait" : "attempt";
  }

  #begin(
    { step, attempt, time }: Event & { readonly step: string; readonly attempt: number },
    kind: Span["kind"],
    lead: Lead | undefined,
  ): void {
    let slot = -1;
    if (kind === "attempt") {
      slot = this.#busy.indexOf(false);
      if (slot === -1) slot = this.#busy.length;
      this.#busy[slot] = true;
    }
    const span: Span = {
      step,
      attempt,
      kind,
      slot,
      startedAt: time,
      endedAt: null,
      status: "running",
      durationMs: null,
      ranMs: null,
      ...leadOf(lead, time),
    };
    this.#spans.push(span);
    this.#open.set(step, span);
    this.#last.set(step, span);
  }

  #end(
    step: string,
    status: Span["status"],
    time: number,
    data: { readonly durationMs?: number; readonly usage?: ResourceUsage; readonly error?: StepError },
  ): void {
    const span = this.#open.get(step);
    if (span === undefined) return;
    this.#open.delete(step);
    if (span.slot !== -1) this.#busy[span.slot] = false;
    span.endedAt = time;
    span.ranMs = Math.max(0, time - span.startedAt);
    span.status = status;
    if (data.durationMs !== undefined) span.durationMs = data.durationMs;
    if (data.usage !== undefined) span.usage = data.usage;
    if (data.error !== undefined) span.error = data.error;
    if (span.kind === "attempt") this.#sequentialMs += data.durationMs ?? 0;
  }

  #undo(step: string, status: "succeeded" | "failed", time: number, data: { readonly durationMs: number }): void {
    const startedAt = Math.max(this.#undoFrom, time - data.durationMs);
    this.#undoFrom = time;
    this.#spans.push({
      step,
      attempt: 1,
      kind: "undo",
      slot: 0,
      startedAt,
      endedAt: time,
      status,
      durationMs: data.durationMs,
      ranMs: Math.max(0, time - startedAt),
      ...NO_LEAD,
    });
  }

  #resume(time: number, steps: readonly Step[]): void {
    this.#addSteps(steps);
    for (const [step, span] of this.#open) {
      if (span.kind === "approval" || span.kind === "wait") continue;
      this.#open.delete(step);
      span.endedAt = this.#lastTime;
      span.ranMs = Math.max(0, this.#lastTime - span.startedAt);
      span.status = "interrupted";
    }
    this.#busy.fill(false);
    this.#ended = false;
    this.#stayFrom(time);
  }
}

function leadOf(lead: Lead | undefined, startedAt: number): Pick<Span, keyof typeof NO_LEAD> {
  if (lead === undefined) return NO_LEAD;
  const { from, readyAt, blockedBy, queuedBy } = lead;
  return { readyAt, blockedMs: readyAt - from, blockedBy, queuedMs: startedAt - readyAt, queuedBy };
}
