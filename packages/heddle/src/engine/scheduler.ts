/**
 * The conductor's loop over one run. One loop, two places where it waits: for the journal, and for news.
 *
 * Invariants:
 *  1. Journal first, act second: an attempt is dispatched, and anybody told, only after the events that say so are on disk.
 *  2. One turn, one commit: all news at hand are folded in, all that follows from them is decided, then appended together.
 *  3. After an append that did not succeed nothing is told, dispatched or appended any more.
 *  4. The run's end is appended only when nothing of the run lives any more.
 */
import { invariant } from "../base/assert.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Lease } from "../journal/port.ts";
import { DEFAULT_GRACE_MS } from "../plan/plan.ts";
import { isInside } from "../run/finish.ts";
import type { Command } from "../run/command.ts";
import { decide, hasReady, type Conditions } from "../run/decide.ts";
import type { CancelReason } from "../run/event.ts";
import { isRunEnded, phaseOf, questionOf, type RunState } from "../run/state.ts";
import {
  checkControlRequest,
  type Answer,
  type ControlRequest,
  type RunResult,
  invalidRequest,
} from "../run/control.ts";
import { ConditionReader } from "./conditions.ts";
import { eventOf, isWork } from "../run/command-events.ts";
import { errand } from "./background.ts";
import { ForeignLocks } from "./project-locks.ts";
import { LayerGate } from "../run/layer-gate.ts";
import { Admission } from "./machine-load.ts";
import { Launcher } from "./dispatcher.ts";
import { LiveAttempts } from "./active-attempts.ts";
import { eventsOfNews, type News } from "../run/input-events.ts";
import type { Circumstances } from "../run/outcome-events.ts";
import type { EnginePorts } from "./ports.ts";
import { watchOutside } from "./control-channel.ts";
import { lostLease, notAsked } from "./problems.ts";
import type { Recorder } from "./recorder.ts";
import { durationsOf, resultOf } from "./result.ts";
import { Timers, Deadlines } from "./timers.ts";

/** Progress events that one run may record per step. */
const MOST_PROGRESS = 1000;

export interface SchedulerOptions {
  readonly ports: EnginePorts;
  readonly lease: Lease;
  readonly state: RunState;
  /** Holds how the run begins or goes on, not yet on disk. */
  readonly recorder: Recorder;
  /** Go on waiting for people's answers. */
  readonly stay: boolean;
  /** Pause before each layer. */
  readonly pauseBeforeLayers: boolean;
  /** Called when nothing runs any more and the lease is still held. `isStopped`: nothing may be recorded. Never rejects. */
  readonly atEnd: (isStopped: boolean) => Promise<void>;
}

export class Scheduler {
  readonly #ports: EnginePorts;
  readonly #lease: Lease;
  readonly #state: RunState;
  readonly #recorder: Recorder;
  readonly #stay: boolean;
  readonly #atEnd: SchedulerOptions["atEnd"];
  readonly #admission: Admission;
  readonly #locks: ForeignLocks;
  readonly #live: LiveAttempts;
  readonly #gate: LayerGate | undefined;
  readonly #conditionReader = new ConditionReader();
  readonly #launcher: Launcher;
  readonly #timers: Timers;
  readonly #deadlines: Deadlines;
  readonly #progressCounts = new Map<number, number>();
  #news: News[] = [];
  /** What to do once the batch is on disk. */
  #acts: (() => void)[] = [];
  #halt: CancelReason | undefined;
  /** Subplans whose time is over. */
  readonly #expired: number[] = [];
  /** Of what ended attempts may have left behind: `needed` after a start, `clean` when a sweep found nothing any more. */
  #leftovers: "clean" | "needed" | "sweeping" = "needed";
  #stopped: Problem | undefined;
  /** Something changed since the last turn began. */
  #isAwake = false;
  #wake: (() => void) | undefined;

  constructor(options: SchedulerOptions) {
    const { ports, lease, state } = options;
    this.#atEnd = options.atEnd;
    this.#ports = ports;
    this.#lease = lease;
    this.#state = state;
    this.#recorder = options.recorder;
    this.#timers = new Timers(ports.clock);
    this.#stay = options.stay;
    if (options.pauseBeforeLayers) this.#gate = new LayerGate(state);
    this.#admission = new Admission(state.plan.limits, ports.probe, ports.clock);
    this.#locks = new ForeignLocks({
      journal: ports.journal,
      lease,
      clock: ports.clock,
      state,
      changed: () => this.#wakeUp(),
      onFault: (problem) => this.#stop(problem),
    });
    this.#deadlines = new Deadlines({
      state,
      timers: this.#timers,
      wakeUp: () => this.#wakeUp(),
      answer: (step, answer) => this.#tell({ kind: "answer", step, answer }),
      endSubplan: (step) => this.#endSubplan(step),
    });
    this.#live = new LiveAttempts(ports.backend, ports.clock);
    this.#launcher = new Launcher({
      ports,
      state,
      recorder: options.recorder,
      live: this.#live,
      conditions: this.#conditionReader,
      circumstances: () => this.#circumstances(),
      tell: (news) => this.#tell(news),
      afterCommit: (act) => this.#acts.push(act),
      onFault: (problem) => this.#stop(problem),
    });
  }

  /** Called again: at once, without grace. */
  cancel(reason: CancelReason): void {
    if (this.#halt !== undefined) return this.kill();
    this.#halt = reason;
    this.#wakeUp();
  }

  kill(): void {
    this.#halt ??= "cancel";
    this.#live.killAll();
    this.#wakeUp();
  }

  pause(reason: string): void {
    this.#tell({ kind: "pause", reason });
  }

  unpause(): void {
    this.#tell({ kind: "unpause" });
  }

  answer(step: string, answer: Answer): Result<void, Problem> {
    const checked = checkControlRequest({ kind: "answer", step, ...answer });
    if (!checked.ok) return err(invalidRequest(checked.error));
    const index = this.#state.indexOf.get(step);
    const phase = index === undefined ? undefined : phaseOf(this.#state, index);
    const isAnswered = this.#news.some((news) => news.kind === "answer" && news.step === step);
    if (phase === undefined || questionOf(phase) === undefined || isAnswered) {
      return err(notAsked(this.#state.run, step, phase?.tag));
    }
    this.#tell({ kind: "answer", step, answer });
    return ok(undefined);
  }

  waitingFor(): string | undefined {
    if (!hasReady(this.#state)) return undefined;
    return this.#locks.holder === undefined ? this.#admission.shortage() : `a lock held by run ${this.#locks.holder}`;
  }

  /** Conducts the run to its end, or to where only people can help. Rejects only on a bug. */
  async run(): Promise<RunResult> {
    const { journal, pollMs } = this.#ports;
    watchOutside({
      journal,
      lease: this.#lease,
      timers: this.#timers,
      pollMs,
      handle: (request) => this.#handleControl(request),
      leaseLost: () => this.#stop(lostLease(this.#state.run)),
      onFault: (problem) => this.#stop(problem),
    });
    const { timeoutMs } = this.#state.options;
    if (timeoutMs !== undefined) this.#timers.arm("run", timeoutMs, () => this.#endByTimeout());
    try {
      await this.#conditionReader.prepare(this.#state.steps);
      for (;;) {
        this.#takeNews();
        this.#settle();
        if (!(await this.#commit())) break;
        if (this.#hasEnded()) break;
        if (this.#isAwake) continue;
        if (this.#onlyPeopleCanHelp()) break;
        await this.#nextNews();
      }
    } finally {
      await this.#leave();
    }
    return this.#result();
  }

  #hasEnded(): boolean {
    return isRunEnded(this.#state.phase) && this.#state.rollback === undefined && this.#live.size === 0;
  }

  // News: what the world tells.

  #tell(news: News): void {
    this.#news.push(news);
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#isAwake = true;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Waits for news, then lets what ends at the same time come in too: they share a commit. */
  async #nextNews(): Promise<void> {
    this.#deadlines.arm(this.#ports.clock.now());
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await this.#ports.gather();
  }

  #takeNews(): void {
    const news = this.#news;
    this.#news = [];
    this.#isAwake = false;
    for (const each of news) this.#fold(each);
  }

  #fold(news: News): void {
    if (news.kind === "outcome") this.#acts.push(() => this.#errand(this.#locks.free(news.index)));
    this.#launcher.settled(news);
    if (news.kind === "note" && news.note.type === "step.progress" && !this.#mayProgress(news.index)) return;
    const events = eventsOfNews(this.#state, news, this.#haltReason(), this.#circumstances());
    for (const event of events) {
      const isToAttempt = event.type === "approval.given" && this.#isRunning(event.step);
      if (isToAttempt) this.#acts.push(() => this.#live.answer(event.step, event.attempt, event.data.decision));
      this.#recorder.record(event);
    }
  }

  #isRunning(step: string): boolean {
    return phaseOf(this.#state, this.#state.indexOf.get(step) ?? -1).tag === "running";
  }

  #circumstances(): Circumstances {
    return { now: this.#ports.clock.now(), random: this.#ports.random, halted: this.#haltReason() !== undefined };
  }

  #mayProgress(index: number): boolean {
    const count = (this.#progressCounts.get(index) ?? 0) + 1;
    this.#progressCounts.set(index, count);
    return count <= MOST_PROGRESS;
  }

  // Decisions: what follows.

  #haltReason(): CancelReason | undefined {
    if (this.#halt !== undefined) return this.#halt;
    return this.#state.fatal > 0 && this.#state.options.failure === "fail-fast" ? "fail-fast" : undefined;
  }

  /** Records and prepares all that follows from what is known, until nothing more does. */
  #settle(): void {
    const conditions = this.#conditions();
    for (;;) {
      const pause = this.#gate?.pauseDue();
      if (pause !== undefined) this.#recorder.record(pause);
      const commands = decide(this.#state, conditions());
      if (commands.length === 0) break;
      if (commands[0]?.kind === "end" && !this.#mayEnd()) break;
      for (const command of commands) this.#carryOut(command);
    }
    const halt = this.#haltReason();
    if (halt !== undefined) this.#acts.push(() => this.#live.stopAll(halt));
    this.#acts.push(() => (this.#state.phase.tag === "paused" ? this.#locks.freeIdle() : this.#locks.ask()));
  }

  #conditions(): () => Conditions {
    const now = this.#ports.clock.now();
    const admits = this.#admission.shortage() === undefined;
    const locksFree = (step: number): boolean => this.#locks.isFree(step);
    const expired = this.#expired;
    return () => ({ now, halt: this.#halt, admits, locksFree, expired, undoing: this.#launcher.isUndoing });
  }

  /** The run's end waits until a sweep found nothing left of it. */
  #mayEnd(): boolean {
    if (this.#leftovers === "clean") return true;
    if (this.#leftovers === "sweeping") return false;
    this.#leftovers = "sweeping";
    const graceMs = this.#state.plan.graceMs ?? DEFAULT_GRACE_MS;
    this.#acts.push(() => {
      const swept = this.#ports.backend.sweep(this.#state.run, graceMs).then(() => {
        this.#leftovers = "clean";
        this.#wakeUp();
      });
      this.#errand(swept);
    });
    return false;
  }

  #carryOut(command: Command): void {
    if (isWork(command)) {
      if (command.kind === "start" || command.kind === "undo") this.#leftovers = "needed";
      this.#launcher.launch(command);
    } else this.#recorder.record(eventOf(this.#state, command, this.#ports.clock.now()));
  }

  // The journal.

  /** False: nothing more may be recorded. */
  async #commit(): Promise<boolean> {
    if (this.#stopped !== undefined) return false;
    const acts = this.#acts;
    this.#acts = [];
    const committed = await this.#recorder.commit();
    if (!committed.ok) {
      this.#stop(committed.error);
      return false;
    }
    for (const act of acts) act();
    return true;
  }

  #errand(work: Promise<unknown>): void {
    errand(work, (problem) => this.#stop(problem));
  }

  #stop(problem: Problem): void {
    this.#stopped ??= problem;
    this.#live.killAll();
    this.#wakeUp();
  }

  #handleControl(request: ControlRequest): void {
    switch (request.kind) {
      case "cancel":
        this.#halt ??= "cancel";
        return this.#wakeUp();
      case "pause":
        return this.pause(request.reason);
      case "unpause":
        return this.unpause();
      case "answer": {
        const { kind: _kind, step, ...answer } = request;
        return this.#tell({ kind: "answer", step, answer });
      }
    }
  }

  // Time.

  #endByTimeout(): void {
    this.#halt ??= "run-timeout";
    this.#wakeUp();
  }

  #endSubplan(index: number): void {
    this.#expired.push(index);
    this.#live.stopThose("step-timeout", (step) => isInside(this.#state, this.#state.indexOf.get(step) ?? -1, index));
    this.#wakeUp();
  }

  // The end.

  #onlyPeopleCanHelp(): boolean {
    const { counts, phase } = this.#state;
    if (this.#stay || counts.asking === 0 || phase.tag !== "running" || this.#haltReason() !== undefined) return false;
    return this.#live.size === 0 && !this.#launcher.isExpanding && counts.retrying === 0 && !hasReady(this.#state);
  }

  async #leave(): Promise<void> {
    this.#locks.close();
    this.#live.killAll();
    await this.#live.drained();
    await this.#atEnd(this.#stopped !== undefined);
    this.#timers.close();
    const { journal } = this.#ports;
    const durations = durationsOf(this.#state);
    if (this.#stopped === undefined && durations.size > 0) {
      // They only order the next run: what is recorded of this one stands without them.
      await journal.recordDurations(this.#state.run, this.#state.plan.name, durations).catch(() => undefined);
    }
    if (this.#stopped?.code !== "LeaseLost") await journal.release(this.#lease).catch(() => undefined);
  }

  #result(): RunResult {
    const { phase } = this.#state;
    if (this.#stopped !== undefined) return resultOf(this.#state, "failed", this.#stopped);
    const isEnded = phase.tag === "succeeded" || phase.tag === "failed" || phase.tag === "cancelled";
    invariant(isEnded || this.#state.counts.asking > 0, "the engine stopped although work was left");
    return resultOf(this.#state, isEnded ? phase.tag : "waiting", undefined);
  }
}
