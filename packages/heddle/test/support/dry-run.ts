/**
 * Runs a plan without an engine: `decide` and `apply` against scripted attempts on virtual time, every event held against the
 * invariants. For tests of the run room and for measuring schedules; knows no journal, no backend and no promise.
 */
import { BugError, present, unreachable } from "../../src/base/assert.ts";
import type { Json } from "../../src/base/json.ts";
import { seededRandom, type Random } from "../../src/base/random.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { remainingPath } from "../../src/graph/paths.ts";
import { childrenOf } from "./children.ts";
import { DEFAULT_MAX_AGENTS, type Plan, type Step } from "../../src/plan/plan.ts";
import { admit, apply, confirmCondition, createState } from "../../src/run/apply.ts";
import { containerOutput } from "../../src/run/finish.ts";
import type { Command } from "../../src/run/command.ts";
import { decide, nextDue } from "../../src/run/decide.ts";
import {
  RUN_RULES,
  type CancelReason,
  type Event,
  type EventBody,
  type EventOf,
  type RunOptions,
  type StepError,
} from "../../src/run/event.ts";
import { HistoryChecker } from "../../src/run/check/history-checker.ts";
import { judgeRetry } from "../../src/run/retry.ts";
import { isRunEnded, phaseOf, stepAt, type RunState } from "../../src/run/state.ts";

/** What one attempt does. */
export interface Deed {
  readonly durationMs: number;
  /** Absent: it succeeds. */
  readonly error?: StepError;
  readonly output?: Json;
  /** Steps that it adds to the run as it succeeds. */
  readonly adds?: readonly Step[];
}

/** What steps do; everything absent succeeds at once, holds, is approved. */
export interface Script {
  readonly attempt?: (step: Step, attempt: number, item: Json | undefined) => Deed;
  readonly holds?: (step: Step) => boolean;
  readonly answer?: (step: Step) => "approve" | "reject" | undefined;
  readonly undo?: (step: Step) => boolean;
}

export interface DryOptions extends Partial<RunOptions> {
  readonly seed?: number;
  /** Weight of a step for its rank; absent: its estimate, else 1. */
  readonly weight?: (step: Step) => number;
  readonly graph?: Graph;
  /** Leave the history unchecked: for measurements. */
  readonly unchecked?: boolean;
}

export interface DryResumeOptions extends DryOptions {
  readonly reset?: readonly string[];
  readonly plan?: Plan;
}

interface Running {
  readonly step: number;
  readonly attempt: number;
  readonly endsAt: number;
  readonly deed: Deed;
}

export class DryRun {
  readonly state: RunState;
  readonly events: Event[] = [];
  now: number;
  halt: CancelReason | undefined;
  readonly #script: Script;
  readonly #random: Random;
  readonly #checker: HistoryChecker | undefined;
  #running: Running[] = [];

  private constructor(state: RunState, now: number, script: Script, options: DryOptions) {
    this.state = state;
    this.now = now;
    this.#script = script;
    this.#random = seededRandom(options.seed ?? 1);
    this.#checker = options.unchecked === true ? undefined : new HistoryChecker();
  }

  static start(plan: Plan, script: Script = {}, options: DryOptions = {}): DryRun {
    const { seed: _seed, weight, graph, unchecked: _unchecked, ...rest } = options;
    const runOptions: RunOptions = {
      maxConcurrency: plan.maxConcurrency ?? 4,
      maxAgents: plan.maxAgents ?? DEFAULT_MAX_AGENTS,
      schedule: plan.schedule ?? "ready",
      failure: plan.failure ?? "fail-fast",
      rollback: plan.rollback ?? "none",
      ...rest,
    };
    const data = { plan, options: runOptions, engine: "dry", rules: RUN_RULES };
    const created: EventOf<"run.created"> = { run: "dry", seq: 1, time: 0, type: "run.created", data };
    const state = createState(created, graph);
    if (!state.ok) throw new BugError(`the plan is no graph: ${JSON.stringify(state.error)}`);
    const dry = new DryRun(state.value, 0, script, options);
    dry.#check(created);
    dry.events.push(created);
    dry.#weigh(weight);
    dry.#record({ type: "run.started", data: {} });
    return dry;
  }

  /** A new engine over a recorded history, as after a crash. */
  static resume(history: readonly Event[], script: Script = {}, options: DryResumeOptions = {}): DryRun {
    const [created, ...others] = history;
    if (created?.type !== "run.created") throw new BugError("a history begins with run.created");
    const state = createState(created);
    if (!state.ok) throw new BugError("the recorded plan is no graph");
    const dry = new DryRun(state.value, history.at(-1)?.time ?? 0, script, options);
    dry.#check(created);
    dry.events.push(created);
    for (const event of others) {
      dry.#check(event);
      apply(dry.state, event);
      dry.events.push(event);
    }
    dry.#weigh(options.weight);
    const interrupted = dry.state.steps
      .filter((_, at) => phaseOf(dry.state, at).tag === "running")
      .map((step) => step.id);
    const { reset = [], plan } = options;
    dry.#record({
      type: "run.resumed",
      data: { engine: "dry", interrupted, reset, ...(plan === undefined ? {} : { plan }) },
    });
    for (let step = 0; step < dry.state.steps.length; step++) dry.#answerOpenQuestion(step);
    return dry;
  }

  #answerOpenQuestion(step: number): void {
    const phase = phaseOf(this.state, step);
    if (phase.tag !== "asking" || phase.answer !== undefined) return;
    const decision = this.#script.answer?.(stepAt(this.state, step));
    if (decision === undefined) return;
    const attempt = this.state.attempts[step] ?? 1;
    this.#record({ type: "approval.given", step: this.#id(step), attempt, data: { decision, by: "script" } });
  }

  /** Goes on until the run ends or nothing but people can help; at most `steps` turns of the clock. */
  run(turns: number = Number.POSITIVE_INFINITY): this {
    this.#settle();
    for (let turn = 0; turn < turns && !this.isOver; turn++) {
      if (!this.#advance()) break;
      this.#settle();
    }
    return this;
  }

  get isOver(): boolean {
    return isRunEnded(this.state.phase) && this.state.rollback === undefined;
  }

  /** Records an event that comes from outside: pauses, answers, progress. */
  tell(body: EventBody): void {
    this.#record(body);
  }

  /** Ids of steps in the order in which they were started. */
  get started(): readonly string[] {
    return this.events.flatMap((event) => (event.type === "step.started" ? [event.step] : []));
  }

  /** Time of the last event since the start. */
  get makespan(): number {
    return this.now;
  }

  /** `step: phase` for every step. */
  get phases(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.state.steps.map((step, at) => [step.id, phaseOf(this.state, at).tag]));
  }

  #weigh(weight: ((step: Step) => number) | undefined): void {
    const of = weight ?? ((step: Step) => step.estimateMs ?? 1);
    const remaining = remainingPath(this.state.graph, (at) => of(stepAt(this.state, at)));
    this.state.weight = (step) => remaining[step] ?? of(stepAt(this.state, step));
  }

  #check(event: Event): void {
    const [violation] = this.#checker?.next(event) ?? [];
    if (violation) throw new BugError(`event ${violation.seq} breaks ${violation.rule}: ${violation.message}`);
  }

  #record(body: EventBody): void {
    const event = { run: "dry", seq: this.state.seq + 1, time: this.now, ...body } as Event;
    this.#check(event);
    apply(this.state, event);
    this.events.push(event);
  }

  #settle(): void {
    for (;;) {
      const commands = decide(this.state, {
        now: this.now,
        halt: this.halt,
        admits: true,
        locksFree: () => true,
        expired: [],
        undoing: false,
      });
      if (commands.length === 0) break;
      for (const command of commands) this.#carryOut(command);
    }
    if (this.#halting() === undefined) return;
    const running = this.#running.splice(0);
    for (const { step, attempt } of running) {
      const data = { reason: this.#halting() ?? "cancel", durationMs: this.now - this.#since(step) };
      this.#record({ type: "step.cancelled", step: this.#id(step), attempt, data });
    }
    if (running.length > 0) this.#settle();
  }

  #halting(): CancelReason | undefined {
    return this.halt ?? (this.state.fatal > 0 && this.state.options.failure === "fail-fast" ? "fail-fast" : undefined);
  }

  /** To the next moment at which something happens; all that happens then happens, in an order of chance. */
  #advance(): boolean {
    const due = nextDue(this.state) ?? Number.POSITIVE_INFINITY;
    const next = this.#running.reduce((least, { endsAt }) => Math.min(least, endsAt), due);
    if (next === Number.POSITIVE_INFINITY) return false;
    this.now = Math.max(this.now, next);
    const ended = this.#running.filter(({ endsAt }) => endsAt <= this.now);
    this.#running = this.#running.filter(({ endsAt }) => endsAt > this.now);
    while (ended.length > 0) {
      const [one] = ended.splice(Math.floor(this.#random() * ended.length), 1);
      this.#finishAttempt(present(one, "ended attempt"));
    }
    return true;
  }

  #finishAttempt({ step, attempt, deed }: Running): void {
    const durationMs = this.now - this.#since(step);
    const id = this.#id(step);
    if (deed.error !== undefined) return this.#recordFailure(step, attempt, deed.error, durationMs);
    if (deed.adds !== undefined)
      this.#record({ type: "steps.added", step: id, data: { kind: "siblings", steps: deed.adds } });
    this.#record({ type: "step.succeeded", step: id, attempt, data: { output: deed.output ?? null, durationMs } });
  }

  #recordFailure(step: number, attempt: number, error: StepError, durationMs: number): void {
    const { state, now } = this;
    const failed = attempt - (state.attemptBase[step] ?? 0);
    const spentMs = now - (state.firstStart[step] ?? now);
    const verdict =
      this.#halting() === undefined
        ? judgeRetry(stepAt(state, step), error, failed, spentMs, this.#random)
        : { retry: false as const };
    const again = verdict.retry
      ? { willRetry: true, retryAt: now + verdict.delayMs, retryDelayMs: verdict.delayMs }
      : { willRetry: false };
    this.#record({ type: "step.failed", step: this.#id(step), attempt, data: { error, durationMs, ...again } });
  }

  #carryOut(command: Command): void {
    const { state } = this;
    switch (command.kind) {
      case "start":
        return this.#start(command.step, command.attempt);
      case "expand":
        return this.#expand(command.step, command.attempt);
      case "evaluate":
        if (this.#script.holds?.(stepAt(state, command.step)) ?? true) return confirmCondition(state, command.step);
        return this.#record({
          type: "step.skipped",
          step: this.#id(command.step),
          data: { reason: { kind: "condition" } },
        });
      case "admit":
        return admit(state, command.step);
      case "ask":
        return this.#ask(command.step, command.attempt, command.about);
      case "answer":
        return this.#answer(command.step);
      case "skip":
        return this.#record({ type: "step.skipped", step: this.#id(command.step), data: { reason: command.reason } });
      case "fail":
        return this.#recordEnd(command.step, command.error);
      case "cancel": {
        const attempt = state.attempts[command.step] ?? 0;
        return this.#record({
          type: "step.cancelled",
          step: this.#id(command.step),
          attempt,
          data: { reason: command.reason, durationMs: 0 },
        });
      }
      case "finish":
        return this.#finishContainer(command.step);
      case "rollback":
        return this.#record({
          type: "rollback.started",
          data: { mode: command.mode, steps: command.steps.map((step) => this.#id(step)) },
        });
      case "undo":
        return this.#undo(command.step);
      case "end-rollback": {
        const steps = state.rollback?.steps ?? [];
        const undone = steps.filter((step) => phaseOf(state, step).tag === "waiting").length;
        return this.#record({ type: "rollback.ended", data: { undone, failed: steps.length - undone } });
      }
      case "end":
        return this.#recordRunEnd(command);
      default:
        unreachable(command);
    }
  }

  #start(step: number, attempt: number): void {
    this.#record({ type: "step.started", step: this.#id(step), attempt, data: {} });
    const deed = this.#script.attempt?.(stepAt(this.state, step), attempt, this.state.items.get(step)) ?? {
      durationMs: 0,
    };
    this.#running.push({ step, attempt, endsAt: this.now + deed.durationMs, deed });
  }

  #expand(step: number, attempt: number): void {
    const definition = stepAt(this.state, step);
    this.#record({ type: "step.started", step: definition.id, attempt, data: {} });
    const children = childrenOf(definition);
    if (children === undefined) return this.#recordFailure(step, attempt, { code: "expansion", message: "no list" }, 0);
    this.#record({ type: "steps.added", step: definition.id, data: { kind: "children", ...children } });
  }

  #ask(step: number, attempt: number, about: "step" | "interrupt"): void {
    const definition = stepAt(this.state, step);
    this.#record({ type: "approval.requested", step: definition.id, attempt, data: { about, question: "?" } });
    this.#answerOpenQuestion(step);
  }

  #answer(step: number): void {
    const phase = phaseOf(this.state, step);
    if (phase.tag !== "asking" || phase.answer === undefined) throw new BugError("nobody answered");
    const attempt = this.state.attempts[step] ?? 1;
    const id = this.#id(step);
    if (phase.answer.decision === "approve")
      return this.#record({ type: "step.succeeded", step: id, attempt, data: { output: true, durationMs: 0 } });
    this.#record({
      type: "step.failed",
      step: id,
      attempt,
      data: { error: { code: "rejected", message: "no" }, durationMs: 0, willRetry: false },
    });
  }

  #finishContainer(step: number): void {
    const output = containerOutput(this.state, step);
    this.#record({
      type: "step.succeeded",
      step: this.#id(step),
      attempt: this.state.attempts[step] ?? 1,
      data: { output, durationMs: 0 },
    });
  }

  #undo(step: number): void {
    const id = this.#id(step);
    if (this.#script.undo?.(stepAt(this.state, step)) ?? true)
      return this.#record({ type: "step.rolledback", step: id, data: { durationMs: 0 } });
    this.#record({
      type: "rollback.failed",
      step: id,
      data: { error: { code: "exit", message: "undo failed" }, durationMs: 0 },
    });
  }

  #recordEnd(step: number, error: StepError): void {
    const attempt = this.state.attempts[step] ?? 0;
    this.#record({
      type: "step.failed",
      step: this.#id(step),
      attempt,
      data: { error, durationMs: 0, willRetry: false },
    });
  }

  #recordRunEnd({ status, reason }: Extract<Command, { kind: "end" }>): void {
    const durationMs = this.now;
    if (status === "succeeded") return this.#record({ type: "run.succeeded", data: { durationMs } });
    if (status === "cancelled")
      return this.#record({ type: "run.cancelled", data: { durationMs, reason: reason ?? "cancel" } });
    const failed = this.state.steps.filter((_, at) => phaseOf(this.state, at).tag === "failed").map((step) => step.id);
    this.#record({ type: "run.failed", data: { durationMs, failed, ...(reason === "run-timeout" ? { reason } : {}) } });
  }

  #since(step: number): number {
    const phase = phaseOf(this.state, step);
    return phase.tag === "running" ? phase.since : this.now;
  }

  #id(step: number): string {
    return stepAt(this.state, step).id;
  }
}
