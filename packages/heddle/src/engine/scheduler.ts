/**
 * Scheduler of one run: passes inputs to the reducer, appends the events that follow, then has their effects carried
 * out. One loop, two places where it waits: for the journal, and for inputs. Decides nothing itself.
 *
 * Invariants:
 *  1. Journal first, act second: an attempt is dispatched, and a listener called, only after the events that say so are
 *     on disk.
 *  2. One turn, one commit: all available inputs are folded in, everything that follows is decided, then appended
 *     together.
 *  3. After a failed append nothing is reported, dispatched or appended any more.
 *  4. The run's end is appended only when none of its attempts is running.
 */
import { formatDuration } from "../base/duration.ts";
import { invariant } from "../base/assert.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Lease } from "../journal/port.ts";
import type { Step } from "../plan/plan.ts";
import {
  answerProblem,
  checkControlRequest,
  invalidRequest,
  type Answer,
  type ConcurrencyChange,
  type ControlRequest,
  type RunOutcome,
  type Signal,
} from "../run/control.ts";
import type { CancelReason } from "../run/event.ts";
import { shortageText } from "../run/explain.ts";
import { haltReason } from "../run/finish.ts";
import { isTooLate, type Input, type InputOf } from "../run/input-events.ts";
import { askedAt, hasReady, isRunEnded, phaseOf, questionOf, type RunState } from "../run/state.ts";
import { hasStartable } from "../run/slots.ts";
import { invalidSignal, schemasOfSignal, signalProblem } from "../run/signal-problem.ts";
import { onlyPeopleLeft, onlyWaitsLeft } from "../run/status.ts";
import { advance, CHECKED_LATER, isOver, type Advance } from "../run/transition.ts";
import { ActiveAttempts } from "./active-attempts.ts";
import { openControlChannel } from "./control-channel.ts";
import { Dispatcher } from "./dispatcher.ts";
import { ExpressionReader } from "./expressions.ts";
import { LoadGuard, SAMPLE_MS } from "./machine-load.ts";
import { OutputChecks } from "./output-checks.ts";
import type { EnginePorts } from "./ports.ts";
import { answeredTooLate, lostLease, notAsked, notLive } from "./problems.ts";
import { ProjectLocks } from "./project-locks.ts";
import type { RunTrace } from "../telemetry/port.ts";
import type { Recorder } from "./recorder.ts";
import { durationsOf, resultOf } from "./result.ts";
import { Timers } from "./timers.ts";

export interface SchedulerOptions {
  readonly ports: EnginePorts;
  readonly lease: Lease;
  /** Started: how the run begins or continues is folded in. */
  readonly state: RunState;
  /** How the run begins or continues, not on disk yet. */
  readonly recorder: Recorder;
  readonly trace: RunTrace | undefined;
  /** Go on waiting for people's answers. */
  readonly wait: boolean;
  /** Called when nothing runs any more and the lease is still held. `isStopped`: nothing may be recorded. Never rejects. */
  readonly atEnd: (isStopped: boolean) => Promise<void>;
}

export class Scheduler {
  readonly #ports: EnginePorts;
  readonly #lease: Lease;
  readonly #state: RunState;
  readonly #recorder: Recorder;
  readonly #wait: boolean;
  /** What waits is left to a later resume, timers too. */
  #leavesWaits = false;
  readonly #atEnd: SchedulerOptions["atEnd"];
  readonly #load: LoadGuard;
  readonly #locks: ProjectLocks;
  readonly #active: ActiveAttempts;
  readonly #expressions = new ExpressionReader();
  readonly #outputs: OutputChecks;
  readonly #dispatcher: Dispatcher;
  readonly #timers: Timers;
  #inputs: Input[] = [];
  /** The value of a signal is being checked: what is sent later comes after it. */
  #checkingSignal: Promise<void> | undefined;
  /** Told when the next turn is on disk, or that none will be. */
  #onRecorded: ((isRecorded: boolean) => void)[] = [];
  /** The last turn is over. */
  #isEnding = false;
  #stopped: Problem | undefined;
  /** Something changed since the last turn began. */
  #isAwake = false;
  #wake: (() => void) | undefined;

  constructor({ ports, lease, state, recorder, trace, wait, atEnd }: SchedulerOptions) {
    this.#ports = ports;
    this.#lease = lease;
    this.#state = state;
    this.#recorder = recorder;
    this.#wait = wait;
    this.#atEnd = atEnd;
    this.#outputs = new OutputChecks(ports);
    this.#timers = new Timers(ports.clock);
    this.#load = new LoadGuard(state.plan.limits, ports.probe, ports.clock);
    this.#active = new ActiveAttempts(ports.backend, ports.clock);
    this.#locks = new ProjectLocks({
      journal: ports.journal,
      lease,
      clock: ports.clock,
      state,
      onChange: () => this.#wakeUp(),
      onHeldUp: (step, run) => this.#post({ kind: "held-up", step, run }),
    });
    this.#dispatcher = new Dispatcher({
      ports,
      state,
      active: this.#active,
      locks: this.#locks,
      outputs: this.#outputs,
      trace,
      prepare: (steps) => this.#prepare(steps),
      post: (input) => this.#post(input),
      onFault: (problem) => this.#stop(problem),
    });
  }

  /** Called again: at once, without grace. */
  cancel(reason: CancelReason): void {
    if (this.#isHalted()) return this.kill();
    this.#post({ kind: "halt", reason });
  }

  stopWaiting(): boolean {
    if (this.#isAtWork() || !onlyWaitsLeft(this.#state)) return false;
    this.#leavesWaits = true;
    this.#wakeUp();
    return true;
  }

  kill(): void {
    this.#post({ kind: "kill" });
    this.#active.killAll();
    this.#wakeUp();
  }

  /** Somebody ended the run, or will have in the next turn. */
  #isHalted(): boolean {
    return (
      this.#state.volatile.halt !== undefined || this.#inputs.some(({ kind }) => kind === "halt" || kind === "kill")
    );
  }

  setConcurrency(change: ConcurrencyChange): Result<void, Problem> {
    const checked = checkControlRequest({ kind: "set-concurrency", ...change });
    if (!checked.ok) return err(invalidRequest(checked.error));
    this.#post({ kind: "set-concurrency", ...change });
    return ok(undefined);
  }

  pause(reason: string): void {
    this.#post({ kind: "pause", reason });
  }

  unpause(): void {
    this.#post({ kind: "unpause" });
  }

  answer(id: string, answer: Answer): Result<void, Problem> {
    const checked = checkControlRequest({ kind: "answer", step: id, ...answer });
    if (!checked.ok) return err(invalidRequest(checked.error));
    const step = this.#state.index.byId.get(id);
    const phase = step === undefined ? undefined : phaseOf(this.#state, step);
    const isAnswered = this.#inputs.some((input) => input.kind === "answer" && input.step === step);
    const question = phase === undefined ? undefined : questionOf(phase);
    if (step === undefined || question === undefined || isAnswered)
      return err(notAsked(this.#state.run, id, phase?.tag));
    const problem = answerProblem(question, answer, `${this.#state.run} ${id}`);
    if (problem !== undefined) return err(problem);
    if (isTooLate(this.#state, step, this.#ports.clock.now())) return err(answeredTooLate(this.#state.run, id));
    if (this.#isEnding) return err(notLive(this.#state.run));
    this.#post({ kind: "answer", step, answer });
    return ok(undefined);
  }

  /** Taken in, or refused, in the order in which they are sent. */
  async signal(signal: Signal): Promise<Result<void, Problem>> {
    while (this.#checkingSignal !== undefined) await this.#checkingSignal;
    const checking = Promise.withResolvers<void>();
    this.#checkingSignal = checking.promise;
    try {
      // Without a check that takes time, in this turn of the event loop.
      const refused = this.#refusalOf(signal) ?? this.#wrongValue(signal);
      const problem = refused instanceof Promise ? await refused : refused;
      return problem === undefined ? this.#take(signal) : err(problem);
    } finally {
      this.#checkingSignal = undefined;
      checking.resolve();
    }
  }

  /** As it was checked by who sent it. */
  #take(signal: Signal): Result<void, Problem> {
    const problem = this.#refusalOf(signal);
    if (problem !== undefined) return err(problem);
    if (!this.#isKnown(signal)) this.#post({ kind: "signal", ...signal });
    return ok(undefined);
  }

  #queued({ signal }: Signal): readonly InputOf<"signal">[] {
    return this.#inputs.filter(
      (input): input is InputOf<"signal"> => input.kind === "signal" && input.signal === signal,
    );
  }

  /** It was delivered before: it is neither wrong nor counted again. */
  #isKnown(signal: Signal): boolean {
    return this.#state.signalIds.has(signal.id) || this.#queued(signal).some(({ id }) => id === signal.id);
  }

  #refusalOf(signal: Signal): Problem | undefined {
    const checked = checkControlRequest({ kind: "signal", ...signal });
    if (!checked.ok) return invalidRequest(checked.error);
    if (this.#isKnown(signal)) return undefined;
    if (this.#isEnding && !isRunEnded(this.#state.phase)) return notLive(this.#state.run);
    const queued = this.#queued(signal).length;
    const queuedInAll = this.#inputs.filter(({ kind }) => kind === "signal").length;
    return signalProblem(this.#state, signal.signal, { now: this.#ports.clock.now(), queued, queuedInAll });
  }

  /** What is wrong with the value by the steps that may take it; a promise, where that takes time. */
  #wrongValue(signal: Signal): Problem | undefined | Promise<Problem | undefined> {
    const late: (readonly [string, Promise<string | undefined>])[] = [];
    for (const { step, schema } of schemasOfSignal(this.#state, signal.signal)) {
      const wrong = this.#outputs.now(schema, signal.value);
      if (wrong === CHECKED_LATER) late.push([step, this.#outputs.later(schema, signal.value)]);
      else if (wrong !== undefined) return invalidSignal(this.#state.run, signal.signal, step, wrong);
    }
    return late.length === 0 ? undefined : this.#wrongLater(signal, late);
  }

  async #wrongLater(
    { signal }: Signal,
    checks: readonly (readonly [string, Promise<string | undefined>])[],
  ): Promise<Problem | undefined> {
    for (const [step, check] of checks) {
      const wrong = await check;
      if (this.#isEnding) return undefined;
      if (wrong !== undefined) return invalidSignal(this.#state.run, signal, step, wrong);
    }
    return undefined;
  }

  waitingFor(): string | undefined {
    if (!hasReady(this.#state)) return undefined;
    const { holder, heldSince } = this.#locks;
    const shortage = this.#load.shortage();
    if (holder === undefined) return shortage === undefined ? undefined : shortageText(shortage);
    return `a lock held by run ${holder}, for ${formatDuration(this.#ports.clock.now() - heldSince)}`;
  }

  /** Runs it to its end, or to where only people can help. Rejects only on a bug. */
  async run(): Promise<RunOutcome> {
    const { journal, pollMs, clock } = this.#ports;
    openControlChannel({
      journal,
      lease: this.#lease,
      timers: this.#timers,
      pollMs,
      handle: (requests) => this.#handleAll(requests),
      leaseLost: () => this.#stop(lostLease(this.#state.run)),
      onFault: (problem) => this.#stop(problem),
    });
    const { options, workedMs } = this.#state;
    if (options.timeoutMs !== undefined) this.#state.volatile.endsAt = clock.now() + options.timeoutMs - workedMs;
    try {
      await this.#prepare(this.#state.steps);
      for (;;) {
        const waiting = this.#onRecorded;
        this.#onRecorded = [];
        const turn = this.#advance();
        const isRecorded = await this.#commit(turn);
        for (const tell of waiting) tell(isRecorded);
        if (!isRecorded) break;
        if (isOver(this.#state) && this.#active.size === 0) break;
        this.#noteShortage();
        if (this.#isAwake) continue;
        if (this.#isLeftToOthers()) break;
        await this.#nextInput(turn.wakeAt);
      }
    } finally {
      await this.#shutdown();
    }
    return this.#result();
  }

  /** Recorded once for each wait that lasts, for who looks from another process. */
  #noteShortage(): void {
    const { plan, phase, index, starts, shortage } = this.#state;
    if (plan.limits === undefined || shortage !== undefined) return;
    const isHeldUp = phase.tag === "running" && index.slots > 0 && hasStartable(this.#state);
    const lasting = this.#load.lasting(isHeldUp, starts);
    if (lasting !== undefined) this.#post({ kind: "short", ...lasting });
  }

  /** Before the reducer meets the steps. */
  async #prepare(steps: readonly Step[]): Promise<void> {
    await this.#expressions.prepare(steps);
    await this.#outputs.prepare(steps);
  }

  #post(input: Input): void {
    this.#inputs.push(input);
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#isAwake = true;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Waits for an input, then lets what ends at the same time come in too: they share a commit. */
  async #nextInput(wakeAt: number | undefined): Promise<void> {
    if (wakeAt !== undefined) this.#timers.arm("wake", wakeAt - this.#ports.clock.now(), () => this.#wakeUp());
    if (this.#state.plan.limits !== undefined && hasReady(this.#state))
      this.#timers.arm("load", SAMPLE_MS, () => this.#wakeUp());
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await this.#ports.batchTick();
  }

  #advance(): Advance {
    const { clock, random, environment } = this.#ports;
    const inputs = this.#inputs;
    this.#inputs = [];
    this.#isAwake = false;
    return advance(this.#state, inputs, {
      now: clock.now(),
      random,
      load: this.#load.shortage(),
      locks: this.#locks.granted,
      expressions: this.#expressions,
      outputProblem: (schema, output) => this.#outputs.now(schema, output),
      environment,
    });
  }

  /** False: nothing more may be recorded. */
  async #commit({ events, effects }: Advance): Promise<boolean> {
    if (this.#stopped !== undefined) return false;
    this.#recorder.take(events);
    const committed = await this.#recorder.commit();
    if (!committed.ok) {
      this.#stop(committed.error);
      return false;
    }
    for (const effect of effects) this.#dispatcher.carryOut(effect);
    return true;
  }

  #stop(problem: Problem): void {
    this.#stopped ??= problem;
    this.#active.releaseAll();
    this.#wakeUp();
  }

  #handleAll(requests: readonly ControlRequest[]): Promise<boolean> {
    if (this.#isEnding) return Promise.resolve(false);
    for (const request of requests) this.#handle(request);
    this.#wakeUp();
    return new Promise((resolve) => void this.#onRecorded.push(resolve));
  }

  #handle(request: ControlRequest): void {
    switch (request.kind) {
      case "cancel":
        if (!this.#isHalted()) this.#post({ kind: "halt", reason: "cancel" });
        return;
      case "set-concurrency":
        return this.#post(request);
      case "pause":
        return this.pause(request.reason);
      case "unpause":
        return this.unpause();
      case "answer": {
        // One that is refused has no effect: its sender sees that the question stays open.
        const { kind: _kind, step, askedAt: meant, ...answer } = request;
        if (meant === undefined || meant === askedAt(this.#state, this.#state.index.byId.get(step) ?? -1))
          this.answer(step, answer);
        return;
      }
      case "signal": {
        const { kind: _kind, ...signal } = request;
        this.#take(signal);
      }
    }
  }

  /** Whether the run needs an answer or a signal to continue, and nobody waits for it here. */
  #isLeftToOthers(): boolean {
    if (this.#isAtWork()) return false;
    return this.#leavesWaits ? onlyWaitsLeft(this.#state) : !this.#wait && onlyPeopleLeft(this.#state);
  }

  #isAtWork(): boolean {
    return haltReason(this.#state) !== undefined || this.#active.size > 0;
  }

  async #shutdown(): Promise<void> {
    this.#isEnding = true;
    this.#outputs.close();
    for (const tell of this.#onRecorded) tell(false);
    this.#locks.close();
    if (this.#stopped === undefined) this.#active.killAll();
    else this.#active.releaseAll();
    await this.#active.drained();
    await this.#atEnd(this.#stopped !== undefined);
    this.#timers.close();
    const { journal } = this.#ports;
    const durations = durationsOf(this.#state);
    if (this.#stopped === undefined && durations.size > 0) {
      // They only order the next run: the record of this one is complete without them.
      await journal.recordDurations(this.#state.run, this.#state.plan.name, durations).catch(() => undefined);
    }
    if (this.#stopped?.code !== "LeaseLost") await journal.release(this.#lease).catch(() => undefined);
  }

  #result(): RunOutcome {
    const { phase } = this.#state;
    if (this.#stopped !== undefined) return resultOf(this.#state, "failed", this.#stopped);
    const isEnded = phase.tag === "succeeded" || phase.tag === "failed" || phase.tag === "cancelled";
    invariant(isEnded || onlyWaitsLeft(this.#state), "the engine stopped although work was left");
    return resultOf(this.#state, isEnded ? phase.tag : "waiting", undefined);
  }
}
