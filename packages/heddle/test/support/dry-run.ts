/**
 * Dry run of a plan without an engine: the reducer against scripted attempts on virtual time, every event held against the rules of
 * histories. For tests of the run room and for measuring schedules; knows no journal, no backend and no promise.
 */
import { BugError, present, unreachable } from "../../src/base/assert.ts";
import type { Json, JsonObject } from "../../src/base/json.ts";
import { seededRandom, type Random } from "../../src/base/random.ts";
import { err, ok } from "../../src/base/result.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { remainingPath } from "../../src/graph/paths.ts";
import { DEFAULT_MAX_AGENTS, type Plan, type Step } from "../../src/plan/plan.ts";
import { apply, createState } from "../../src/run/apply.ts";
import type { Note, StopReason, Task } from "../../src/run/attempt.ts";
import { HistoryChecker } from "../../src/run/check/history-checker.ts";
import {
  RUN_RULES,
  type CancelReason,
  type Event,
  type EventBody,
  type EventOf,
  type RunOptions,
  type StepError,
} from "../../src/run/event.ts";
import { isStopped } from "../../src/run/finish.ts";
import type { Finding, Input } from "../../src/run/input-events.ts";
import { phaseOf, questionOf, stepAt, type RunState } from "../../src/run/state.ts";
import { advance, CHECKED_LATER, isOver, recordEvent, type Effect, type World } from "../../src/run/transition.ts";
import { newVolatile } from "../../src/run/volatile.ts";
import { childrenOf } from "./children.ts";

/** What one attempt does. */
export interface AttemptScript {
  readonly durationMs: number;
  /** Absent: it succeeds. */
  readonly error?: StepError;
  readonly output?: Json;
  /** Steps that it adds to the run as it succeeds. */
  readonly adds?: readonly Step[];
}

/** What steps do; everything absent succeeds at once, holds, is approved. */
export interface Script {
  readonly attempt?: (step: Step, attempt: number, item: Json | undefined) => AttemptScript;
  readonly holds?: (step: Step) => boolean;
  readonly answer?: (step: Step) => "approve" | "reject" | undefined;
  readonly undo?: (step: Step) => boolean;
  /** Whether somebody sends a signal when a step begins to wait for it; absent: yes. */
  readonly sends?: (signal: string) => boolean;
  /** What is wrong with the output of a container; absent: nothing. */
  readonly outputProblem?: (schema: JsonObject, output: Json) => string | undefined | void;
  /** No output is checked in a moment. */
  readonly checksLater?: true;
  /** What an examination finds; absent: nothing is examined. */
  readonly examine?: (step: Step) => Finding;
  /** What an attempt reports as it begins. */
  readonly notes?: (step: Step, attempt: number) => readonly Note[];
}

export interface DryOptions extends Partial<RunOptions> {
  readonly seed?: number;
  /** Weight of a step for its rank; absent: its estimate, else 1. */
  readonly weight?: (step: Step) => number;
  readonly graph?: Graph;
  /** Version of the rules; absent: the newest. */
  readonly rules?: number;
  /** Leave the history unchecked: for measurements. */
  readonly unchecked?: boolean;
  /** Called with the state as it is before each event is applied to it, in the middle of turns too. */
  readonly beforeEvent?: (state: RunState) => void;
}

export interface DryResumeOptions extends DryOptions {
  readonly reset?: readonly string[];
  readonly plan?: Plan;
}

interface Running {
  readonly step: number;
  readonly attempt: number;
  readonly endsAt: number;
  readonly script: AttemptScript;
}

export class DryRun {
  readonly events: Event[] = [];
  now: number;
  halt: CancelReason | undefined;
  #state: RunState;
  readonly #beforeEvent: ((state: RunState) => void) | undefined;
  readonly #script: Script;
  readonly #random: Random;
  readonly #checker: HistoryChecker | undefined;
  #running: Running[] = [];
  /** What the world has not told yet. */
  #inputs: Input[] = [];
  readonly #locks = new Set<number>();
  #wakeAt: number | undefined;

  private constructor(state: RunState, now: number, script: Script, options: DryOptions) {
    this.#state = state;
    this.now = now;
    this.#script = script;
    this.#beforeEvent = options.beforeEvent;
    this.#random = seededRandom(options.seed ?? 1);
    Object.assign(state.volatile, newVolatile({ examines: script.examine !== undefined }));
    this.#checker = options.unchecked === true ? undefined : new HistoryChecker();
    this.#watch();
  }

  static start(plan: Plan, script: Script = {}, options: DryOptions = {}): DryRun {
    const {
      seed: _seed,
      weight,
      graph,
      unchecked: _unchecked,
      beforeEvent: _beforeEvent,
      rules = RUN_RULES,
      ...rest
    } = options;
    const runOptions: RunOptions = {
      maxConcurrency: plan.maxConcurrency ?? 4,
      maxAgents: plan.maxAgents ?? DEFAULT_MAX_AGENTS,
      schedule: plan.schedule ?? "ready",
      failure: plan.failure ?? "fail-fast",
      rollback: plan.rollback ?? "none",
      ...rest,
    };
    const data = { plan, options: runOptions, engine: "dry", rules };
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
    for (const step of dry.state.index.questions) dry.#answer(step);
    return dry;
  }

  /** Goes on until the run ends or nothing but people can help; at most `steps` turns of the clock. */
  run(turns: number = Number.POSITIVE_INFINITY): this {
    this.#settle();
    for (let turn = 0; turn < turns && !this.isOver; turn++) {
      if (!this.#passTime()) break;
      this.#settle();
    }
    return this;
  }

  get isOver(): boolean {
    return isOver(this.state);
  }

  /** Records an event that comes from outside: pauses, answers, progress. */
  tell(body: EventBody): void {
    this.#record(body);
  }

  /** For the next turn. */
  give(input: Input): void {
    this.#inputs.push(input);
  }

  get state(): RunState {
    return this.#state;
  }

  /** Goes on with another state of the same run. */
  set state(state: RunState) {
    this.#state = state;
    this.#watch();
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

  /** `apply` sets `seq` before it changes anything else that a decision reads. */
  #watch(): void {
    const state = this.#state;
    const look = this.#beforeEvent;
    if (look === undefined) return;
    let { seq } = state;
    Object.defineProperty(state, "seq", {
      enumerable: true,
      get: () => seq,
      set: (next: number) => {
        look(state);
        seq = next;
      },
    });
  }

  #weigh(weight: ((step: Step) => number) | undefined): void {
    const of = weight ?? ((step: Step) => step.estimateMs ?? 1);
    const remaining = remainingPath(this.state.index.graph, (at) => of(stepAt(this.state, at)));
    this.state.index.rank = { weight: (step) => remaining[step] ?? of(stepAt(this.state, step)) };
  }

  #check(event: Event): void {
    const [violation] = this.#checker?.next(event) ?? [];
    if (violation) throw new BugError(`event ${violation.seq} breaks ${violation.rule}: ${violation.message}`);
  }

  #record(body: EventBody): void {
    this.#take([recordEvent(this.state, body, this.now)]);
  }

  #take(events: readonly Event[]): void {
    for (const event of events) {
      this.#check(event);
      this.events.push(event);
    }
  }

  /** Lets everything happen that takes no time. */
  #settle(): void {
    do {
      const inputs = this.#inputs;
      this.#inputs = [];
      if (this.halt !== undefined) inputs.unshift({ kind: "halt", reason: this.halt });
      const { events, effects, wakeAt } = advance(this.state, inputs, this.#world());
      if (wakeAt !== undefined && wakeAt <= this.now)
        throw new BugError(`the turn at ${this.now} asks for one at ${wakeAt}`);
      this.#wakeAt = wakeAt;
      this.#take(events);
      for (const event of events) {
        if (event.type === "step.started") this.#send(event);
        if (event.type === "approval.requested") this.#answer(this.state.index.byId.get(event.step) ?? -1);
      }
      for (const effect of effects) this.#carryOut(effect);
    } while (this.#inputs.length > 0);
  }

  #world(): World {
    const { state } = this;
    return {
      now: this.now,
      load: undefined,
      locks: this.#locks,
      random: this.#random,
      environment: {},
      outputProblem: (schema, output) =>
        this.#script.checksLater === true ? CHECKED_LATER : (this.#script.outputProblem?.(schema, output) ?? undefined),
      expressions: {
        // What is asked about is what the queue has first.
        holds: () => ok(this.#script.holds?.(stepAt(state, state.index.arrivals.first ?? -1)) ?? true),
        text: (template) => ok(template),
      },
    };
  }

  /** To the next moment at which something happens; all that happens then happens, in an order of chance. */
  #passTime(): boolean {
    const due = this.#wakeAt ?? Number.POSITIVE_INFINITY;
    const next = this.#running.reduce((least, { endsAt }) => Math.min(least, endsAt), due);
    if (next === Number.POSITIVE_INFINITY) return false;
    this.now = Math.max(this.now, next);
    const ended = this.#running.filter(({ endsAt }) => endsAt <= this.now);
    this.#running = this.#running.filter(({ endsAt }) => endsAt > this.now);
    while (ended.length > 0) {
      const [one] = ended.splice(Math.floor(this.#random() * ended.length), 1);
      this.#endAttempt(present(one, "ended attempt"));
    }
    return true;
  }

  #endAttempt({ step, attempt, script }: Running): void {
    const { error, output = null, adds = [] } = script;
    const outcome =
      error === undefined ? ({ kind: "succeeded", output } as const) : ({ kind: "failed", error } as const);
    this.#inputs.push({ kind: "outcome", step, attempt, outcome, added: ok(adds) });
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "dispatch":
        return this.#start(effect.step, effect.task);
      case "expand": {
        const { step, task } = effect;
        const children = childrenOf(task.step);
        const expansion = children === undefined ? err("no list") : ok({ kind: "children" as const, ...children });
        return void this.#inputs.push({ kind: "expanded", step, attempt: task.attempt, expansion });
      }
      case "examine": {
        const finding = present(this.#script.examine?.(effect.task.step), "finding");
        return void this.#inputs.push({ kind: "examined", step: effect.step, finding: ok(finding) });
      }
      case "check": {
        const problem = this.#script.outputProblem?.(effect.schema, effect.output) ?? undefined;
        return void this.#inputs.push({ kind: "checked", step: effect.step, problem });
      }
      case "undo": {
        const error: StepError = { code: "exit", message: "undo failed" };
        const worked = this.#script.undo?.(effect.task.step) ?? true;
        const outcome = worked ? ({ kind: "succeeded", output: null } as const) : ({ kind: "failed", error } as const);
        return void this.#inputs.push({ kind: "undone", step: effect.step, outcome, durationMs: 0 });
      }
      case "stop":
        return this.#stop(effect.reason, effect.inside);
      case "lock":
        this.#locks.add(effect.step);
        return void this.#inputs.push({ kind: "swept" });
      case "sweep":
        return void this.#inputs.push({ kind: "swept" });
      case "unlock":
        return void this.#locks.delete(effect.step);
      case "answer":
        return;
      default:
        unreachable(effect);
    }
  }

  #start(step: number, task: Task): void {
    const script = this.#script.attempt?.(task.step, task.attempt, task.item) ?? { durationMs: 0 };
    this.#running.push({ step, attempt: task.attempt, endsAt: this.now + script.durationMs, script });
    for (const note of this.#script.notes?.(task.step, task.attempt) ?? [])
      this.#inputs.push({ kind: "note", step, attempt: task.attempt, note });
  }

  #stop(reason: StopReason, inside: number | undefined): void {
    const isMeant = ({ step }: Running): boolean => isStopped(this.state, step, inside);
    const stopped = this.#running.filter(isMeant);
    this.#running = this.#running.filter((one) => !isMeant(one));
    for (const { step, attempt } of stopped)
      this.#inputs.push({ kind: "outcome", step, attempt, outcome: { kind: "stopped", reason }, added: ok([]) });
  }

  #send({ data: { signal }, step: by }: EventOf<"step.started">): void {
    if (signal === undefined || this.#script.sends?.(signal) === false) return;
    this.#inputs.push({ kind: "signal", signal, value: by, by });
  }

  #answer(step: number): void {
    if (questionOf(phaseOf(this.state, step)) === undefined) return;
    const decision = this.#script.answer?.(stepAt(this.state, step));
    if (decision !== undefined) this.#inputs.push({ kind: "answer", step, answer: { decision, by: "script" } });
  }
}
