/**
 * Transition: `advance(state, inputs, world)` folds the inputs in, records everything that follows as events, and
 * returns the effects to carry out once these are on disk. The one interpreter of {@link Command}: the scheduler, the
 * dry run of the tests and the makespan use it. Knows no journal, no clock, no promise.
 *
 * Invariants:
 *  1. Facts change only by `apply(event)`; each returned event has been applied, in order.
 *  2. What is volatile changes only here, and in `setPhase`, where a step is no longer due; the engine sets it as it
 *     takes the run up.
 *  3. The same state, inputs and world give the same events and effects.
 */
import { present, unreachable } from "../base/assert.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import type { Result } from "../base/result.ts";
import type { Scope } from "../plan/expression/cel.ts";
import type { Step } from "../plan/plan.ts";
import { apply } from "./apply.ts";
import type { StopReason, Task } from "./attempt.ts";
import { eventOf, question, signalFor } from "./command-events.ts";
import type { Command, CommandOf } from "./command.ts";
import { decide, nextDue, type Readings } from "./decide.ts";
import type { AnswerDecision, CancelReason, Event, EventBody } from "./event.ts";
import { containerOutput, haltReason, lateError } from "./finish.ts";
import { eventsOfAnswer, eventsOfInput, type Input, type InputOf } from "./input-events.ts";
import type { ClockInputs } from "./outcome-events.ts";
import { blockerOf, enterHold, requeue, requeueAll } from "./queue.ts";
import { fits, laneFor, takeSlots } from "./slots.ts";
import { hasEnded, isRunEnded, phaseOf, rootCause, type RunState, stepAt } from "./state.ts";
import { hasSheltered, isHoldWanted, SHELTER_MS, workEndsAt } from "./shelter.ts";
import { scopeOf, taskOf } from "./task.ts";
import { beginListening, beginSleep } from "./wait-events.ts";

/** The check may take long: it is an effect. */
export const CHECKED_LATER: unique symbol = Symbol("checked later");

/** What a transition gets besides the state and the inputs. */
export interface World extends Readings {
  readonly random: Random;
  readonly expressions: Expressions;
  /** What is wrong with an output by a JSON Schema, if that is known in a moment. */
  readonly outputProblem: (schema: JsonObject, output: Json) => string | undefined | typeof CHECKED_LATER;
  /** What `env` in expressions may name. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Evaluates expressions of steps, and the schema of an output that no attempt gave. */
export interface Expressions {
  /** Whether a condition holds; an error where it cannot be evaluated or gives no boolean. */
  holds(text: string, scope: Scope): Result<boolean, string>;
  /** A text with its templates filled in. */
  text(template: string, scope: () => Scope): Result<string, string>;
}

/** What is to be done in the world. Steps are numbers. */
export type Effect =
  /** Begin an attempt; stop it as timed out after `limitMs`. Its end is an `outcome`. */
  | { readonly kind: "dispatch"; readonly step: number; readonly task: Task; readonly limitMs: number | undefined }
  /** Find out a container's children: `expanded`. */
  | { readonly kind: "expand"; readonly step: number; readonly task: Task }
  /** Find out whether a stored result can be used: `examined`. */
  | { readonly kind: "examine"; readonly step: number; readonly task: Task }
  /** Hold an output against a schema: `checked`. Given up with the run. */
  | { readonly kind: "check"; readonly step: number; readonly schema: JsonObject; readonly output: Json }
  /** Begin the undo of a step: `undone`. */
  | { readonly kind: "undo"; readonly step: number; readonly task: Task; readonly limitMs: number | undefined }
  /** Pass a person's answer to the attempt that asked. */
  | { readonly kind: "answer"; readonly step: number; readonly attempt: number; readonly decision: AnswerDecision }
  /**
   * Ask attempts to end: all, or those inside a container. Undos are let finish, and what is sheltered is only bounded, if the reason is
   * more than a failure.
   */
  | { readonly kind: "stop"; readonly reason: StopReason; readonly inside?: number }
  /** Ask for the step's locks over all runs; granted ones are in {@link World.locks} from then on. */
  | { readonly kind: "lock"; readonly step: number }
  /** Give back the step's locks: its attempt is over, or it has no use for them now. */
  | { readonly kind: "unlock"; readonly step: number }
  /** End what ended attempts have left behind: `swept`. */
  | { readonly kind: "sweep" };

export interface Advance {
  /** Applied; to be put on disk before the effects are carried out. */
  readonly events: readonly Event[];
  readonly effects: readonly Effect[];
  /** When to call again without an input, on the clock of {@link World.now}; `undefined`: only for an input. */
  readonly wakeAt: number | undefined;
}

export function advance(state: RunState, inputs: readonly Input[], world: World): Advance {
  const turn = new Turn(state, world);
  for (const input of inputs) turn.take(input);
  turn.settle();
  return { events: turn.events, effects: turn.effects, wakeAt: nextDue(state) };
}

/** Numbers an event, and applies it: also for what an engine records as it takes a run up. */
export function recordEvent(state: RunState, body: EventBody, now: number): Event {
  const event = { run: state.run, seq: state.seq + 1, time: now, ...body } as Event;
  apply(state, event);
  return event;
}

class Turn {
  readonly events: Event[] = [];
  readonly effects: Effect[] = [];
  readonly #state: RunState;
  readonly #world: World;
  /** Steps that hold their locks, without those given back in this turn. */
  #locks: ReadonlySet<number>;
  /** Steps whose locks were asked for in this turn. */
  readonly #lockRequests = new Set<number>();

  constructor(state: RunState, world: World) {
    this.#state = state;
    this.#world = world;
    this.#locks = world.locks;
  }

  /** Takes in what happened. */
  take(input: Input): void {
    const { volatile } = this.#state;
    switch (input.kind) {
      case "halt":
        volatile.halt ??= input.reason;
        break;
      case "kill":
        volatile.halt ??= "cancel";
        volatile.isKilled = true;
        requeueAll(this.#state);
        break;
      case "swept":
        volatile.leftovers = "clean";
        break;
      case "undone":
        volatile.isUndoing = false;
        break;
      case "examined":
        volatile.examining.delete(input.step);
        requeue(this.#state, input.step);
        break;
      case "checked":
        return this.#onChecked(input);
      default:
        break;
    }
    this.#recordAll(eventsOfInput(this.#state, input, this.#clockInputs()));
    if (input.kind === "outcome" && !this.#isRunning(input.step)) this.#unlock(input.step);
  }

  /** Records all that follows from what is known, until nothing more does. */
  settle(): void {
    for (;;) {
      const { now, load } = this.#world;
      let isOver = true;
      for (const command of decide(this.#state, { now, load, locks: this.#locks })) {
        if (this.#isWaitedFor(command)) continue;
        isOver = false;
        this.#carryOut(command);
      }
      if (isOver) break;
    }
    for (const step of this.#locks) if (!this.#isRunning(step) && this.#isHeldForNothing(step)) this.#unlock(step);
  }

  /** At work, with its slots, pools and locks: an attempt, or an open container. */
  #isRunning(step: number): boolean {
    return phaseOf(this.#state, step).tag === "running" || this.#state.volatile.holding.has(step);
  }

  /** Locks of a step that will not start, or not before people act, must not block other runs. */
  #isHeldForNothing(step: number): boolean {
    const { phase } = this.#state;
    const isOver = haltReason(this.#state) !== undefined && !isHoldWanted(this.#state, step);
    if (hasEnded(phaseOf(this.#state, step)) || phase.tag === "paused" || isOver) return true;
    // An open container may hold what else the step needs for days.
    return this.#state.volatile.holding.size > 0 && !fits(this.#state, laneFor(this.#state, step));
  }

  #unlock(step: number): void {
    if (!this.#locks.has(step)) return;
    this.#locks = new Set([...this.#locks].filter((other) => other !== step));
    this.effects.push({ kind: "unlock", step });
  }

  /** Whether what the command wants was asked for already. */
  #isWaitedFor(command: Command): boolean {
    if (command.kind === "lock") return this.#lockRequests.has(command.step);
    return command.kind === "end" && this.#state.volatile.leftovers === "sweeping";
  }

  #recordAll(bodies: readonly EventBody[]): void {
    for (const body of bodies) this.#record(body);
  }

  #record(body: EventBody): void {
    const { index, volatile } = this.#state;
    if (body.type === "step.progress") {
      const step = present(index.byId.get(body.step), "step", body.step);
      volatile.progress.set(step, (volatile.progress.get(step) ?? 0) + 1);
    }
    if (body.type === "approval.given") this.#answerAttempt(body.step, body.attempt, body.data.decision);
    this.events.push(recordEvent(this.#state, body, this.#world.now));
  }

  /** To a running attempt that asks. */
  #answerAttempt(id: string, attempt: number, decision: AnswerDecision): void {
    const step = this.#state.index.byId.get(id) ?? -1;
    if (phaseOf(this.#state, step).tag === "running") this.effects.push({ kind: "answer", step, attempt, decision });
  }

  #clockInputs(): ClockInputs {
    const { now, random } = this.#world;
    return { now, random, halted: haltReason(this.#state) !== undefined };
  }

  #carryOut(command: Command): void {
    const { volatile } = this.#state;
    switch (command.kind) {
      case "start":
        return this.#start(command);
      case "expand": {
        const task = taskOf(this.#state, command.step, command.attempt);
        this.#record({ type: "step.started", step: task.step.id, attempt: command.attempt, data: {} });
        this.effects.push({ kind: "expand", step: command.step, task });
        return;
      }
      case "hold":
        volatile.holding.add(command.step);
        takeSlots(this.#state, command.step);
        return enterHold(this.#state, command.step);
      case "stop-inside":
        volatile.stopped.set(command.step, this.#world.now);
        requeueAll(this.#state);
        this.effects.push({ kind: "stop", reason: "fail-fast", inside: command.step });
        return;
      case "examine":
        volatile.examining.add(command.step);
        requeue(this.#state, command.step);
        this.effects.push({ kind: "examine", step: command.step, task: this.#nextTask(command.step) });
        return;
      case "evaluate":
        return this.#evaluate(command.step);
      case "ask":
        return this.#ask(command);
      case "wait":
        return this.#wait(command);
      case "take-signal":
        return this.#takeSignal(command);
      case "undo":
        return this.#undo(command.step);
      case "retry":
        volatile.due.add(command.step);
        return requeue(this.#state, command.step);
      case "lock":
        this.#lockRequests.add(command.step);
        this.effects.push({ kind: "lock", step: command.step });
        return;
      case "expire-question":
        return this.#giveUpAsking(command.step);
      case "expire":
        volatile.expired.set(command.step, this.#world.now);
        requeueAll(this.#state);
        this.effects.push({ kind: "stop", reason: "step-timeout", inside: command.step });
        return;
      case "halt":
        volatile.halt ??= command.reason;
        return;
      case "stop-all":
        return this.#stopAll(command.reason);
      case "pause-before-layer":
        volatile.passedLayer = command.layer;
        return this.#record({ type: "run.paused", data: { reason: `before layer ${command.layer + 1}` } });
      case "end":
        return this.#end(command);
      case "skip":
      case "fire":
      case "end-wait":
      case "answer":
      case "fail":
      case "cancel":
      case "rollback":
      case "end-rollback":
        return this.#record(eventOf(this.#state, command, this.#world.now));
      case "finish":
        return this.#finish(command);
      default:
        unreachable(command);
    }
  }

  /** A container whose output is not what its plan says fails by it. */
  #finish({ step }: CommandOf<"finish">): void {
    const { output: schema, forEach } = stepAt(this.#state, step);
    if (schema === undefined || forEach !== undefined || this.#state.rules < 3)
      return this.#endChecked(step, undefined);
    this.#check(step, schema, containerOutput(this.#state, step));
  }

  /** Ends the step by what is wrong with its output; where that is not known in a moment, it is found out beside the run. */
  #check(step: number, schema: JsonObject, output: Json): void {
    const problem = this.#world.outputProblem(schema, output);
    if (problem !== CHECKED_LATER) return this.#endChecked(step, problem);
    this.#state.volatile.checking.add(step);
    requeue(this.#state, step);
    this.effects.push({ kind: "check", step, schema, output });
  }

  /** Nothing of it counts where the step has ended meanwhile, or is ended at once. */
  #onChecked({ step, problem }: InputOf<"checked">): void {
    const { checking, isKilled } = this.#state.volatile;
    if (checking.has(step) && !isKilled) this.#endChecked(step, problem);
  }

  /** `problem`: absent, the output is as its step says. */
  #endChecked(step: number, problem: string | undefined): void {
    const { now } = this.#world;
    const isSignal = phaseOf(this.#state, step).tag === "waiting-for-signal";
    const what = isSignal ? "the signal's value" : "the output";
    const wrong = { code: "output", message: `${what} does not match its schema: ${problem ?? ""}` } as const;
    // The time of a container goes on while its output is checked; a signal has come in time.
    const late = isSignal ? undefined : lateError(this.#state, step, now);
    const error = late ?? (problem === undefined ? undefined : wrong);
    const end = isSignal ? ("take-signal" as const) : ("finish" as const);
    const command = error === undefined ? { kind: end, step } : ({ kind: "fail", step, error } as const);
    this.#record(eventOf(this.#state, command, now));
  }

  #stopAll(reason: CancelReason): void {
    const { volatile, phase } = this.#state;
    volatile.stoppedAt ??= this.#world.now;
    if (reason !== "fail-fast") volatile.cancelledAt ??= this.#world.now;
    requeueAll(this.#state);
    this.effects.push({ kind: "stop", reason });
    // Nothing starts in a paused run.
    if (phase.tag === "paused" && hasSheltered(this.#state)) this.#record({ type: "run.unpaused", data: {} });
  }

  #start({ step, attempt }: CommandOf<"start">): void {
    const task = taskOf(this.#state, step, attempt);
    this.#needsSweep();
    this.#record({ type: "step.started", step: task.step.id, attempt, data: {} });
    const limitMs = this.#limitOf(step, task.step);
    this.effects.push({ kind: "dispatch", step, task, limitMs });
  }

  #needsSweep(): void {
    const { volatile } = this.#state;
    if (volatile.policy.sweeps) volatile.leftovers = "needed";
  }

  /** What is left for this attempt: its own limit, or what the step's total leaves. */
  #limitOf(step: number, { timeoutMs, totalTimeoutMs }: Step): number | undefined {
    const { now } = this.#world;
    if (timeoutMs === undefined && totalTimeoutMs === undefined)
      return workEndsAt(this.#state, step) === Infinity ? undefined : SHELTER_MS;
    const spent = now - (this.#state.firstStart[step] ?? now);
    return Math.min(timeoutMs ?? Infinity, Math.max(0, (totalTimeoutMs ?? Infinity) - spent));
  }

  #nextTask(step: number): Task {
    return taskOf(this.#state, step, (this.#state.attempts[step] ?? 0) + 1);
  }

  #scopeOf(step: number): Scope {
    return scopeOf(this.#nextTask(step), this.#world.environment);
  }

  #evaluate(step: number): void {
    const definition = stepAt(this.#state, step);
    const holds = this.#world.expressions.holds(definition.if ?? "true", this.#scopeOf(step));
    if (!holds.ok) return this.#onUnevaluated(step, holds.error);
    if (!holds.value)
      return this.#record({ type: "step.skipped", step: definition.id, data: { reason: { kind: "condition" } } });
    this.#state.volatile.holds.add(step);
    requeue(this.#state, step);
  }

  /** A condition that reads an output which is not there is no fault of the step: it is skipped for that. */
  #onUnevaluated(step: number, error: string): void {
    const blocker = blockerOf(this.#state, step);
    if (blocker === undefined) return this.#failToEvaluate(step, `the condition cannot be evaluated: ${error}`);
    const reason = { kind: "dependency", cause: rootCause(this.#state, blocker) } as const;
    this.#record({ type: "step.skipped", step: stepAt(this.#state, step).id, data: { reason } });
  }

  #ask(command: CommandOf<"ask">): void {
    const { id, action } = stepAt(this.#state, command.step);
    const { now, expressions } = this.#world;
    if (command.about === "interrupt" || action.kind !== "approve")
      return this.#record(question(this.#state, command, `heddle died while ${id} was running. Run it again?`, now));
    const text = expressions.text(action.question, () => this.#scopeOf(command.step));
    if (text.ok) return this.#record(question(this.#state, command, text.value, now));
    this.#failToEvaluate(command.step, `its question cannot be evaluated: ${text.error}`);
  }

  #wait({ step, attempt }: CommandOf<"wait">): void {
    const { id, action, timeoutMs } = stepAt(this.#state, step);
    const { now, expressions } = this.#world;
    if (action.kind !== "sleep" && action.kind !== "signal") return;
    const isSleep = action.kind === "sleep";
    const text = expressions.text(isSleep ? action.time : action.name, () => this.#scopeOf(step));
    const what = isSleep ? "time" : "signal";
    if (!text.ok) return this.#failToEvaluate(step, `its ${what} cannot be evaluated: ${text.error}`);
    const begun = isSleep ? beginSleep(text.value, now) : beginListening(text.value, timeoutMs, now);
    if (!begun.ok) return this.#failToEvaluate(step, begun.error);
    const { data, timer } = begun.value;
    this.#record({ type: "step.started", step: id, attempt, data });
    if (timer !== undefined) this.#record({ type: "timer.set", step: id, attempt, data: timer });
  }

  /** A value that does not fit is told to who sends it, where it is known by then which step takes it. */
  #takeSignal(command: CommandOf<"take-signal">): void {
    const { output: schema } = stepAt(this.#state, command.step);
    if (schema === undefined) return this.#record(eventOf(this.#state, command, this.#world.now));
    this.#check(command.step, schema, signalFor(this.#state, command.step));
  }

  #giveUpAsking(step: number): void {
    const { action } = stepAt(this.#state, step);
    const decision = action.kind === "approve" && action.onTimeout === "approve" ? "approve" : "reject";
    this.#recordAll(eventsOfAnswer(this.#state, step, { decision, by: "timeout", comment: "nobody answered in time" }));
  }

  /** Without an attempt: one would take a slot, and there may be none. */
  #failToEvaluate(step: number, message: string): void {
    const command = { kind: "fail", step, error: { code: "expression", message } } as const;
    this.#record(eventOf(this.#state, command, this.#world.now));
  }

  #undo(step: number): void {
    this.#state.volatile.isUndoing = true;
    this.#needsSweep();
    const { step: undone, ...task } = taskOf(this.#state, step, 0);
    // What the plan says of the step's output does not hold of its undo.
    const { output: _output, verify: _verify, ...rest } = undone;
    const action = { kind: "run" as const, command: rest.undo ?? "true" };
    const { timeoutMs: limitMs } = rest;
    this.effects.push({ kind: "undo", step, task: { ...task, step: { ...rest, action } }, limitMs });
  }

  /** The run's end waits until a sweep found nothing left of it. */
  #end(command: CommandOf<"end">): void {
    const { volatile } = this.#state;
    if (volatile.leftovers === "needed") {
      volatile.leftovers = "sweeping";
      this.effects.push({ kind: "sweep" });
      return;
    }
    this.#record(eventOf(this.#state, command, this.#world.now));
  }
}

/** Whether nothing of the run is left to be decided. */
export function isOver(state: RunState): boolean {
  return isRunEnded(state.phase) && state.rollback === undefined;
}
