/**
 * The conductor's loop over one run. One loop, two places where it waits: for the journal, and for news.
 *
 * Invariants:
 *  1. Journal first, act second: an attempt is dispatched, and anybody told, only after the events that say so are on disk.
 *  2. One turn, one commit: all news at hand are folded in, all that follows from them is decided, then appended together.
 *  3. After an append that did not succeed nothing is told, dispatched or appended any more.
 *  4. The run's end is appended only when nothing of the run lives any more.
 */
import type { Dispatched, Task } from "../backend/port.ts";
import { BugError, invariant, unreachable } from "../base/assert.ts";
import type { CancelTimer } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import { HEARTBEAT_MS, type Lease } from "../journal/port.ts";
import { DEFAULT_GRACE_MS, type Step } from "../plan/plan.ts";
import type { Outcome } from "../runner/port.ts";
import { admit, apply, confirmCondition } from "../run/apply.ts";
import { childrenFailed, failedChildren } from "../run/close.ts";
import { decide, hasReady, nextDue, type Command, type Conditions } from "../run/decide.ts";
import type { CancelReason, Event, EventBody, StepError } from "../run/event.ts";
import type { HistoryChecker } from "../run/invariants.ts";
import { judgeRetry } from "../run/retry.ts";
import { isRunEnded, outputOf, phaseOf, stepAt, type RunState } from "../run/state.ts";
import type { Answer, ControlRequest, RunResult } from "./api.ts";
import { addedSteps } from "./added.ts";
import { ConditionReader } from "./conditions.ts";
import { expand, type Expansion } from "./expand.ts";
import { Admission, SAMPLE_MS } from "./limits.ts";
import type { EnginePorts } from "./ports.ts";
import { appendProblem, lostLease, notAsked } from "./problems.ts";
import { scopeOf, taskOf } from "./scope.ts";
import { summaryOf } from "./summary.ts";

/** What comes in between two turns of the loop. */
type News =
  | { readonly kind: "outcome"; readonly step: string; readonly attempt: number; readonly outcome: Outcome; readonly added: Result<readonly Step[], string> }
  | { readonly kind: "progress"; readonly step: string; readonly attempt: number; readonly data: JsonObject }
  | { readonly kind: "expanded"; readonly step: string; readonly attempt: number; readonly expansion: Result<Expansion, string> }
  | { readonly kind: "undone"; readonly step: string; readonly outcome: Outcome; readonly durationMs: number }
  | { readonly kind: "answer"; readonly step: string; readonly answer: Answer }
  | { readonly kind: "pause"; readonly reason: string }
  | { readonly kind: "unpause" }
  | { readonly kind: "swept" };

/** An attempt that was dispatched. */
interface Live {
  readonly dispatched: Dispatched;
  readonly cancelTimer: CancelTimer | undefined;
}

/** How often to look again for a lock that another run holds. */
const LOCK_POLL_MS = 200;
/** Progress events that one attempt may record. */
const MOST_PROGRESS = 1000;
const NO_STEPS: Result<readonly Step[], string> = ok([]);

export interface SchedulerOptions {
  readonly ports: EnginePorts;
  readonly lease: Lease;
  readonly state: RunState;
  readonly checker: HistoryChecker;
  /** Events to record before anything else: `run.created` and `run.started`, or `run.resumed`. Already folded in. */
  readonly first: readonly Event[];
  /** Go on waiting for people's answers. */
  readonly stay: boolean;
}

export class Scheduler {
  readonly #ports: EnginePorts;
  readonly #lease: Lease;
  readonly #state: RunState;
  readonly #checker: HistoryChecker;
  readonly #stay: boolean;
  readonly #admission: Admission;
  readonly #conditionReader = new ConditionReader();
  readonly #news: News[] = [];
  readonly #live = new Map<string, Live>();
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #timers = new Map<string, CancelTimer>();
  readonly #progressCounts = new Map<string, number>();
  /** Locks of the journal that steps hold, and those that were asked for and refused. */
  readonly #granted = new Set<number>();
  readonly #wanted = new Set<number>();
  #batch: Event[];
  #acts: (() => void)[] = [];
  #halt: CancelReason | undefined;
  #stopSent = false;
  #killed = false;
  #undoing = false;
  #expanding = 0;
  #swept = false;
  #sweeping = false;
  #lockHolder: string | undefined;
  #stopped: Problem | undefined;
  #wake: (() => void) | undefined;
  #lastRequest = 0;

  constructor(options: SchedulerOptions) {
    this.#ports = options.ports;
    this.#lease = options.lease;
    this.#state = options.state;
    this.#checker = options.checker;
    this.#stay = options.stay;
    this.#batch = [...options.first];
    this.#admission = new Admission(options.state.plan.limits, options.ports.probe, options.ports.clock);
  }

  get state(): RunState {
    return this.#state;
  }

  subscribe(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cancel(reason: CancelReason): void {
    if (this.#halt !== undefined) return this.kill();
    this.#halt = reason;
    this.#wakeUp();
  }

  kill(): void {
    this.#halt ??= "cancel";
    this.#killed = true;
    for (const { dispatched } of this.#live.values()) dispatched.kill();
    this.#wakeUp();
  }

  pause(reason: string): void {
    this.#tell({ kind: "pause", reason });
  }

  unpause(): void {
    this.#tell({ kind: "unpause" });
  }

  answer(step: string, answer: Answer): Result<void, Problem> {
    const index = this.#state.indexOf.get(step);
    const phase = index === undefined ? undefined : phaseOf(this.#state, index);
    if (phase?.tag !== "asking" || phase.answer !== undefined) {
      return err(notAsked(this.#state.run, step, phase?.tag));
    }
    this.#tell({ kind: "answer", step, answer });
    return ok(undefined);
  }

  waitingFor(): string | undefined {
    if (!hasReady(this.#state)) return undefined;
    if (this.#lockHolder !== undefined) return `a lock held by run ${this.#lockHolder}`;
    return this.#admission.shortage();
  }

  /** Conducts the run to its end, or to where only people can help. */
  async run(): Promise<RunResult> {
    this.#arm("heartbeat", HEARTBEAT_MS, () => void this.#heartbeat());
    this.#armRunTimeout();
    if (this.#ports.pollMs > 0) this.#arm("poll", this.#ports.pollMs, () => void this.#poll());
    try {
      await this.#conditionReader.prepare(this.#state.steps);
      for (;;) {
        this.#takeNews();
        this.#settle();
        if (!(await this.#commit())) break;
        if (isRunEnded(this.#state.phase) && this.#state.rollback === undefined && this.#live.size === 0) break;
        if (this.#news.length > 0) continue;
        if (this.#onlyPeopleCanHelp()) break;
        await this.#nextNews();
      }
    } finally {
      await this.#leave();
    }
    return this.#result();
  }

  // ---- news ---------------------------------------------------------------------------------------------------------------

  #tell(news: News): void {
    this.#news.push(news);
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Waits for news, then lets what ends at the same time come in too: they share a commit. */
  async #nextNews(): Promise<void> {
    this.#armDue();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await this.#ports.gather();
  }

  #takeNews(): void {
    for (const news of this.#news.splice(0)) this.#fold(news);
  }

  #fold(news: News): void {
    switch (news.kind) {
      case "outcome":
        return this.#foldOutcome(news);
      case "progress":
        return this.#foldProgress(news);
      case "expanded":
        return this.#foldExpansion(news);
      case "undone":
        return this.#foldUndo(news);
      case "answer":
        return this.#foldAnswer(news.step, news.answer);
      case "pause":
        if (this.#state.phase.tag === "running") this.#record({ type: "run.paused", data: { reason: news.reason } });
        return;
      case "unpause":
        if (this.#state.phase.tag === "paused") this.#record({ type: "run.unpaused", data: {} });
        return;
      case "swept":
        this.#sweeping = false;
        this.#swept = true;
        return;
      default:
        unreachable(news);
    }
  }

  #foldOutcome({ step, attempt, outcome, added }: Extract<News, { kind: "outcome" }>): void {
    const index = this.#indexOf(step);
    this.#live.get(step)?.cancelTimer?.();
    this.#live.delete(step);
    this.#progressCounts.delete(step);
    const phase = phaseOf(this.#state, index);
    if (phase.tag !== "running" || phase.attempt !== attempt) return;
    this.#freeLocks(index, step);
    const durationMs = this.#ports.clock.now() - phase.since;
    const usage = outcome.usage === undefined ? {} : { usage: outcome.usage };
    switch (outcome.kind) {
      case "succeeded":
        if (!added.ok) return this.#recordFailure(index, attempt, { code: "output", message: added.error }, durationMs);
        if (added.value.length > 0) this.#record({ type: "steps.added", step, data: { kind: "siblings", steps: added.value } });
        this.#record({ type: "step.succeeded", step, attempt, data: { output: outcome.output, durationMs, ...usage } });
        return;
      case "failed":
        return this.#recordFailure(index, attempt, outcome.error, durationMs, outcome.usage);
      case "stopped":
        return this.#foldStopped(index, attempt, outcome, durationMs);
      default:
        unreachable(outcome);
    }
  }

  #foldStopped(index: number, attempt: number, outcome: Extract<Outcome, { kind: "stopped" }>, durationMs: number): void {
    const step = stepAt(this.#state, index);
    const abandoned = outcome.abandoned === true;
    if (outcome.reason === "timeout") {
      const limit = step.timeoutMs ?? step.totalTimeoutMs ?? 0;
      const ignored = abandoned ? "; it ignored the request to end and was abandoned" : "";
      return this.#recordFailure(index, attempt, { code: "timeout", message: `timed out after ${limit} ms${ignored}` }, durationMs, outcome.usage);
    }
    if (outcome.reason === "memory") {
      const message = `used more than its ${step.limits?.maxMemoryMb ?? 0} MB of memory`;
      return this.#recordFailure(index, attempt, { code: "memory", message }, durationMs, outcome.usage);
    }
    this.#record({
      type: "step.cancelled",
      step: step.id,
      attempt,
      data: { reason: outcome.reason, durationMs, ...(abandoned ? { abandoned: true as const } : {}) },
    });
  }

  #recordFailure(index: number, attempt: number, error: StepError, durationMs: number, usage?: Outcome["usage"]): void {
    const step = stepAt(this.#state, index);
    const now = this.#ports.clock.now();
    const failed = attempt - (this.#state.attemptBase[index] ?? 0);
    const spentMs = now - (this.#state.firstStart[index] ?? now);
    const verdict = this.#haltReason() === undefined ? judgeRetry(step, error, failed, spentMs, this.#ports.random) : { retry: false as const };
    const again = verdict.retry ? { willRetry: true, retryAt: now + verdict.delayMs, retryDelayMs: verdict.delayMs } : { willRetry: false };
    this.#record({
      type: "step.failed",
      step: step.id,
      attempt,
      data: { error, durationMs, ...again, ...(usage === undefined ? {} : { usage }) },
    });
  }

  #foldProgress({ step, attempt, data }: Extract<News, { kind: "progress" }>): void {
    const phase = phaseOf(this.#state, this.#indexOf(step));
    if (phase.tag !== "running" || phase.attempt !== attempt) return;
    const count = (this.#progressCounts.get(step) ?? 0) + 1;
    this.#progressCounts.set(step, count);
    if (count <= MOST_PROGRESS) this.#record({ type: "step.progress", step, attempt, data });
  }

  #foldExpansion({ step, attempt, expansion }: Extract<News, { kind: "expanded" }>): void {
    this.#expanding--;
    const index = this.#indexOf(step);
    const phase = phaseOf(this.#state, index);
    if (phase.tag !== "running") return;
    if (this.#haltReason() !== undefined) {
      const data = { reason: this.#haltReason() ?? "cancel", durationMs: this.#ports.clock.now() - phase.since };
      return this.#record({ type: "step.cancelled", step, attempt, data });
    }
    const problem = expansion.ok ? this.#expansionProblem(expansion.value) : expansion.error;
    if (expansion.ok && problem === undefined) return this.#record({ type: "steps.added", step, data: expansion.value });
    const error: StepError = { code: "expansion", message: problem ?? "" };
    this.#recordFailure(index, attempt, error, this.#ports.clock.now() - phase.since);
  }

  /** What the graph of the run has against new children. */
  #expansionProblem(expansion: Expansion): string | undefined {
    for (const step of expansion.steps) {
      if (this.#state.indexOf.has(step.id)) return `the run already has a step ${step.id}`;
      if (step.id.length > 1000) return `the id ${step.id.slice(0, 40)}... is too long: plans are nested too deeply`;
      for (const [pool, units] of Object.entries(step.resources ?? {})) {
        const capacity = this.#state.plan.resources?.[pool] ?? 0;
        if (units > capacity) return `step ${step.id} asks for ${units} ${pool}; the run's plan has ${capacity}: declare it under \`resources\` there`;
      }
    }
    return undefined;
  }

  #foldUndo({ step, outcome, durationMs }: Extract<News, { kind: "undone" }>): void {
    this.#undoing = false;
    this.#live.delete(undoKey(step));
    if (outcome.kind === "succeeded") return this.#record({ type: "step.rolledback", step, data: { durationMs } });
    const error: StepError =
      outcome.kind === "failed" ? outcome.error : { code: "error", message: `its undo was ended: ${outcome.reason}` };
    this.#record({ type: "rollback.failed", step, data: { error, durationMs } });
  }

  #foldAnswer(step: string, answer: Answer): void {
    const index = this.#state.indexOf.get(step);
    if (index === undefined) return;
    const phase = phaseOf(this.#state, index);
    if (phase.tag !== "asking" || phase.answer !== undefined) return;
    this.#record({ type: "approval.given", step, attempt: this.#state.attempts[index] ?? 1, data: answer });
  }

  // ---- decisions ----------------------------------------------------------------------------------------------------------

  #haltReason(): CancelReason | undefined {
    if (this.#halt !== undefined) return this.#halt;
    return this.#state.fatal > 0 && this.#state.options.failure === "fail-fast" ? "fail-fast" : undefined;
  }

  /** Records and prepares all that follows from what is known, until nothing more does. */
  #settle(): void {
    this.#wanted.clear();
    for (;;) {
      const commands = decide(this.#state, this.#conditions());
      if (commands.length === 0) break;
      if (commands[0]?.kind === "end" && !this.#mayEnd()) break;
      for (const command of commands) this.#carryOut(command);
    }
    const halt = this.#haltReason();
    if (halt !== undefined && !this.#stopSent) {
      this.#stopSent = true;
      this.#acts.push(() => {
        for (const { dispatched } of this.#live.values()) dispatched.stop(halt);
      });
    }
    this.#askForLocks();
  }

  #conditions(): Conditions {
    return {
      now: this.#ports.clock.now(),
      halt: this.#halt,
      admits: this.#admission.shortage() === undefined,
      locksFree: (step) => this.#mayLock(step),
      undoing: this.#undoing,
    };
  }

  /** The run's end waits until a sweep found nothing left of it. */
  #mayEnd(): boolean {
    if (this.#swept || this.#stopped !== undefined) return true;
    if (!this.#sweeping) {
      this.#sweeping = true;
      const graceMs = this.#state.plan.graceMs ?? DEFAULT_GRACE_MS;
      this.#acts.push(() => {
        void this.#ports.backend.sweep(this.#state.run, graceMs).then(() => this.#tell({ kind: "swept" }));
      });
    }
    return false;
  }

  #carryOut(command: Command): void {
    switch (command.kind) {
      case "start":
        return this.#start(command.step, command.attempt);
      case "expand":
        return this.#startExpansion(command.step, command.attempt);
      case "evaluate":
        return this.#evaluate(command.step);
      case "admit":
        return admit(this.#state, command.step);
      case "ask":
        return this.#ask(command.step, command.attempt, command.about);
      case "answer":
        return this.#settleAnswer(command.step);
      case "skip":
        return this.#record({ type: "step.skipped", step: stepAt(this.#state, command.step).id, data: { reason: command.reason } });
      case "fail":
        return this.#recordEnd(command.step, command.error);
      case "cancel":
        return this.#recordCancel(command.step, command.reason);
      case "finish":
        return this.#finish(command.step);
      case "rollback": {
        const steps = command.steps.map((step) => stepAt(this.#state, step).id);
        return this.#record({ type: "rollback.started", data: { mode: command.mode, steps } });
      }
      case "undo":
        return this.#undo(command.step);
      case "end-rollback":
        return this.#recordRollbackEnd();
      case "end":
        return this.#recordRunEnd(command);
      default:
        unreachable(command);
    }
  }

  #start(index: number, attempt: number): void {
    const step = stepAt(this.#state, index);
    this.#record({ type: "step.started", step: step.id, attempt, data: {} });
    this.#swept = false;
    const task = taskOf(this.#state, index, attempt);
    this.#acts.push(() => this.#dispatch(index, task));
  }

  #dispatch(index: number, task: Task): void {
    const { step, attempt } = task;
    const dispatched = this.#ports.backend.dispatch(task, (data) => this.#tell({ kind: "progress", step: step.id, attempt, data }));
    const limitMs = this.#limitOf(index, step);
    const cancelTimer = limitMs === undefined ? undefined : this.#ports.clock.after(limitMs, () => dispatched.stop("timeout"));
    this.#live.set(step.id, { dispatched, cancelTimer });
    if (this.#killed) dispatched.kill();
    void dispatched.outcome.then(async (outcome) => {
      const wanted = outcome.kind === "succeeded" ? outcome.steps : undefined;
      const added = wanted === undefined || wanted.length === 0 ? NO_STEPS : await addedSteps(this.#state, index, wanted);
      if (added.ok) await this.#conditionReader.prepare(added.value);
      this.#tell({ kind: "outcome", step: step.id, attempt, outcome, added });
    });
  }

  /** What is left for this attempt: its own limit, or what the step's total leaves. */
  #limitOf(index: number, step: Step): number | undefined {
    if (step.timeoutMs === undefined && step.totalTimeoutMs === undefined) return undefined;
    const now = this.#ports.clock.now();
    const spent = now - (this.#state.firstStart[index] ?? now);
    return Math.min(step.timeoutMs ?? Infinity, Math.max(0, (step.totalTimeoutMs ?? Infinity) - spent));
  }

  #startExpansion(index: number, attempt: number): void {
    const task = taskOf(this.#state, index, attempt);
    this.#record({ type: "step.started", step: task.step.id, attempt, data: {} });
    this.#expanding++;
    this.#acts.push(() => {
      void expand(task, this.#ports).then(async (expansion) => {
        if (expansion.ok) await this.#conditionReader.prepare(expansion.value.steps);
        this.#tell({ kind: "expanded", step: task.step.id, attempt, expansion });
      });
    });
  }

  #evaluate(index: number): void {
    const step = stepAt(this.#state, index);
    const holds = this.#conditionReader.holds(step.if ?? "true", scopeOf(taskOf(this.#state, index, 1), this.#ports.environment));
    if (!holds.ok) {
      const attempt = (this.#state.attempts[index] ?? 0) + 1;
      this.#record({ type: "step.started", step: step.id, attempt, data: {} });
      const error: StepError = { code: "expression", message: `its condition cannot be evaluated: ${holds.error}` };
      return this.#recordFailure(index, attempt, error, 0);
    }
    if (holds.value) return confirmCondition(this.#state, index);
    this.#record({ type: "step.skipped", step: step.id, data: { reason: { kind: "condition" } } });
  }

  #ask(index: number, attempt: number, about: "step" | "interrupt"): void {
    const step = stepAt(this.#state, index);
    const isApproval = about === "step" && step.action.kind === "approve";
    const question =
      isApproval && step.action.kind === "approve" ? step.action.question : `The engine died while ${step.id} ran. Run it again?`;
    const deadline = isApproval && step.timeoutMs !== undefined ? { deadline: this.#ports.clock.now() + step.timeoutMs } : {};
    this.#record({ type: "approval.requested", step: step.id, attempt, data: { about, question, ...deadline } });
  }

  #settleAnswer(index: number): void {
    const step = stepAt(this.#state, index);
    const phase = phaseOf(this.#state, index);
    invariant(phase.tag === "asking" && phase.answer !== undefined, `step ${step.id} was not answered`);
    const attempt = this.#state.attempts[index] ?? 1;
    const { decision, by, comment } = phase.answer;
    const durationMs = Math.max(0, this.#ports.clock.now() - phase.since);
    if (decision === "approve") {
      const output: JsonObject = { approved: true, by, ...(comment === undefined ? {} : { comment }) };
      return this.#record({ type: "step.succeeded", step: step.id, attempt, data: { output, durationMs } });
    }
    const said = comment === undefined ? "" : `: ${comment}`;
    const error: StepError = { code: phase.about === "interrupt" ? "interrupted" : "rejected", message: `rejected by ${by}${said}` };
    this.#record({ type: "step.failed", step: step.id, attempt, data: { error, durationMs, willRetry: false } });
  }

  #recordEnd(index: number, error: StepError): void {
    const { id } = stepAt(this.#state, index);
    const attempt = this.#state.attempts[index] ?? 0;
    this.#record({ type: "step.failed", step: id, attempt, data: { error, durationMs: this.#sinceStart(index), willRetry: false } });
  }

  #recordCancel(index: number, reason: CancelReason): void {
    const { id } = stepAt(this.#state, index);
    const attempt = this.#state.attempts[index] ?? 0;
    this.#record({ type: "step.cancelled", step: id, attempt, data: { reason, durationMs: this.#sinceStart(index) } });
  }

  #sinceStart(index: number): number {
    const phase = phaseOf(this.#state, index);
    return "since" in phase ? Math.max(0, this.#ports.clock.now() - phase.since) : 0;
  }

  #finish(index: number): void {
    const failed = failedChildren(this.#state, index);
    if (failed.length > 0) return this.#recordEnd(index, childrenFailed(this.#state, index, failed));
    const step = stepAt(this.#state, index);
    const container = this.#state.containers.get(index);
    const children = container?.children ?? [];
    const outputs = children.map((child): Json => outputOf(phaseOf(this.#state, child)) ?? null);
    const prefix = `${step.id}/`;
    const output: Json =
      container?.kind === "forEach"
        ? outputs
        : Object.fromEntries(children.map((child, at) => [stepAt(this.#state, child).id.slice(prefix.length), outputs[at] ?? null]));
    const attempt = this.#state.attempts[index] ?? 1;
    this.#record({ type: "step.succeeded", step: step.id, attempt, data: { output, durationMs: this.#sinceStart(index) } });
  }

  #undo(index: number): void {
    this.#undoing = true;
    const step = stepAt(this.#state, index);
    const task = taskOf(this.#state, index, 0);
    const undoTask: Task = { ...task, step: { ...step, action: { kind: "run", command: step.undo ?? "true" } } };
    this.#acts.push(() => {
      const since = this.#ports.clock.now();
      const dispatched = this.#ports.backend.dispatch(undoTask, () => undefined);
      this.#live.set(undoKey(step.id), { dispatched, cancelTimer: undefined });
      if (this.#killed) dispatched.kill();
      void dispatched.outcome.then((outcome) =>
        this.#tell({ kind: "undone", step: step.id, outcome, durationMs: this.#ports.clock.now() - since }),
      );
    });
  }

  #recordRollbackEnd(): void {
    const steps = this.#state.rollback?.steps ?? [];
    const undone = steps.filter((step) => phaseOf(this.#state, step).tag === "waiting").length;
    this.#record({ type: "rollback.ended", data: { undone, failed: steps.length - undone } });
  }

  #recordRunEnd({ status, reason }: Extract<Command, { kind: "end" }>): void {
    const durationMs = Math.max(0, this.#ports.clock.now() - (this.#state.startedAt ?? this.#state.createdAt));
    switch (status) {
      case "succeeded":
        return this.#record({ type: "run.succeeded", data: { durationMs } });
      case "cancelled":
        return this.#record({ type: "run.cancelled", data: { durationMs, reason: reason ?? "cancel" } });
      case "failed": {
        const failed: string[] = [];
        for (let step = 0; step < this.#state.steps.length; step++) {
          if (phaseOf(this.#state, step).tag === "failed") failed.push(stepAt(this.#state, step).id);
        }
        const why = reason === "run-timeout" ? { reason: "the run's time was over" } : {};
        return this.#record({ type: "run.failed", data: { durationMs, failed, ...why } });
      }
      default:
        unreachable(status);
    }
  }

  // ---- locks over runs ----------------------------------------------------------------------------------------------------

  #mayLock(index: number): boolean {
    if (stepAt(this.#state, index).locks === undefined || this.#granted.has(index)) return true;
    this.#wanted.add(index);
    return false;
  }

  #askForLocks(): void {
    for (const index of this.#wanted) {
      const { id, locks } = stepAt(this.#state, index);
      this.#acts.push(() => {
        const names = { read: locks?.read ?? [], write: locks?.write ?? [] };
        void this.#ports.journal.lock(this.#lease, id, names).then((holder) => {
          this.#lockHolder = holder;
          if (holder === undefined) this.#granted.add(index);
          else this.#arm("locks", LOCK_POLL_MS, () => this.#wakeUp());
          if (holder === undefined) this.#wakeUp();
        });
      });
    }
  }

  #freeLocks(index: number, step: string): void {
    if (!this.#granted.delete(index)) return;
    this.#acts.push(() => void this.#ports.journal.unlock(this.#lease, step));
  }

  // ---- the journal --------------------------------------------------------------------------------------------------------

  /** Numbers, checks and folds in what happened; {@link #commit} puts it on disk. */
  #record(body: EventBody): void {
    const event = { run: this.#state.run, seq: this.#state.seq + 1, time: this.#ports.clock.now(), ...body } as Event;
    const [violation] = this.#checker.next(event);
    if (violation) throw new BugError(`event ${event.seq} of run ${event.run} breaks ${violation.rule}: ${violation.message}`);
    apply(this.#state, event);
    this.#batch.push(event);
  }

  async #commit(): Promise<boolean> {
    if (this.#stopped !== undefined) return false;
    const batch = this.#batch;
    const acts = this.#acts;
    this.#batch = [];
    this.#acts = [];
    if (batch.length > 0) {
      const appended = await this.#ports.journal.append(this.#lease, batch, { summary: summaryOf(this.#state) });
      if (!appended.ok) {
        this.#stop(appendProblem(appended.error, this.#state.run));
        return false;
      }
      for (const event of batch) for (const listener of this.#listeners) listener(event);
    }
    for (const act of acts) act();
    return true;
  }

  #stop(problem: Problem): void {
    this.#stopped ??= problem;
    for (const { dispatched } of this.#live.values()) dispatched.kill();
    this.#wakeUp();
  }

  async #heartbeat(): Promise<void> {
    const held = await this.#ports.journal.heartbeat(this.#lease);
    if (held) this.#arm("heartbeat", HEARTBEAT_MS, () => void this.#heartbeat());
    else this.#stop(lostLease(this.#state.run));
  }

  async #poll(): Promise<void> {
    if (this.#ports.journal.changed()) {
      for (const request of await this.#ports.journal.requests(this.#state.run, this.#lastRequest)) {
        this.#lastRequest = request.id;
        this.#obey(request.body as unknown as ControlRequest);
      }
      if (this.#lastRequest > 0) await this.#ports.journal.settle(this.#state.run, this.#lastRequest);
    }
    this.#arm("poll", this.#ports.pollMs, () => void this.#poll());
  }

  #obey(request: ControlRequest): void {
    switch (request.kind) {
      case "cancel":
        this.#halt ??= "cancel";
        return this.#wakeUp();
      case "pause":
        return this.pause(request.reason);
      case "unpause":
        return this.unpause();
      case "answer": {
        const { step, decision, by, comment } = request;
        this.#tell({ kind: "answer", step, answer: { decision, by, ...(comment === undefined ? {} : { comment }) } });
        return;
      }
      default:
        // A word that this version does not know, left by a newer one: the sender sees that nothing came of it.
        return;
    }
  }

  // ---- time ---------------------------------------------------------------------------------------------------------------

  #arm(name: string, delayMs: number, fire: () => void): void {
    this.#timers.get(name)?.();
    this.#timers.set(name, this.#ports.clock.after(delayMs, fire));
  }

  #armRunTimeout(): void {
    const limit = this.#state.options.timeoutMs;
    if (limit !== undefined) this.#arm("run", limit, () => this.#endByTimeout());
  }

  #endByTimeout(): void {
    this.#halt ??= "run-timeout";
    this.#wakeUp();
  }

  /** Timers for what the history says is due: retries, deadlines of questions; and for another look at the machine. */
  #armDue(): void {
    const now = this.#ports.clock.now();
    const due = nextDue(this.#state);
    if (due !== undefined) this.#arm("retry", Math.max(0, due - now), () => this.#wakeUp());
    if (this.#state.plan.limits !== undefined && hasReady(this.#state)) this.#arm("admission", SAMPLE_MS, () => this.#wakeUp());
    if (this.#state.counts.asking > 0) this.#armDeadlines(now);
  }

  #armDeadlines(now: number): void {
    for (let index = 0; index < this.#state.steps.length; index++) {
      const phase = phaseOf(this.#state, index);
      if (phase.tag !== "asking" || phase.deadline === undefined || phase.answer) continue;
      const { id, action } = stepAt(this.#state, index);
      const decision = action.kind === "approve" && action.onTimeout === "approve" ? "approve" : "reject";
      const answer: Answer = { decision, by: "timeout", comment: "nobody answered in time" };
      this.#arm(`deadline:${id}`, Math.max(0, phase.deadline - now), () => this.#tell({ kind: "answer", step: id, answer }));
    }
  }

  // ---- the end ------------------------------------------------------------------------------------------------------------

  #onlyPeopleCanHelp(): boolean {
    const { counts, phase } = this.#state;
    if (this.#stay || counts.asking === 0 || phase.tag !== "running" || this.#haltReason() !== undefined) return false;
    return this.#live.size === 0 && this.#expanding === 0 && counts.retrying === 0 && !hasReady(this.#state) && !this.#sweeping;
  }

  async #leave(): Promise<void> {
    for (const cancel of this.#timers.values()) cancel();
    const left = [...this.#live.values()];
    for (const { dispatched, cancelTimer } of left) {
      cancelTimer?.();
      dispatched.kill();
    }
    await Promise.all(left.map(({ dispatched }) => dispatched.outcome));
    for (const cancel of this.#timers.values()) cancel();
    if (this.#stopped === undefined) await this.#rememberDurations();
    if (this.#stopped?.code !== "LeaseLost") await this.#ports.journal.release(this.#lease).catch(() => undefined);
  }

  async #rememberDurations(): Promise<void> {
    const durations = new Map<string, number>();
    for (const step of this.#state.successes) {
      const phase = phaseOf(this.#state, step);
      if (phase.tag === "succeeded" && phase.durationMs > 0) durations.set(stepAt(this.#state, step).id, phase.durationMs);
    }
    if (durations.size > 0) await this.#ports.journal.recordDurations(this.#state.run, this.#state.plan.name, durations);
  }

  #result(): RunResult {
    const { phase, run } = this.#state;
    const ended = phase.tag === "succeeded" || phase.tag === "failed" || phase.tag === "cancelled";
    const status = this.#stopped !== undefined ? "failed" : ended ? phase.tag : "waiting";
    return resultOf(this.#state, run, status, this.#stopped);
  }

  #indexOf(step: string): number {
    const index = this.#state.indexOf.get(step);
    invariant(index !== undefined, `news of step ${step}, which is not in the run`);
    return index;
  }
}

/** Outputs are gathered when somebody asks: a run of a million steps need not pay for it. */
export function resultOf(state: RunState, run: string, status: RunResult["status"], stopped: Problem | undefined): RunResult {
  let outputs: Record<string, Json> | undefined;
  return {
    run,
    status,
    ...(stopped === undefined ? {} : { stopped }),
    get outputs(): Readonly<Record<string, Json>> {
      outputs ??= Object.fromEntries(
        state.steps.flatMap((step, index) => {
          const output = outputOf(phaseOf(state, index));
          return output === undefined ? [] : [[step.id, output]];
        }),
      );
      return outputs;
    },
  };
}

function undoKey(step: string): string {
  return `undo of ${step}`;
}
