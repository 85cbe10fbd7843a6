/**
 * Fuzzer of the reducer: a generated run whose inputs come in any order: attempts that end in every way, requests of people, late
 * and repeated answers of the world as from workers elsewhere, crashes, resumes with other plans and options, undos. Throws where
 * the history breaks a rule, where facts or index are not what the history says, where the reducer would spin, and where nothing
 * goes on.
 */
import assert from "node:assert/strict";
import { defined } from "../../src/base/defined.ts";
import { seededRandom, type Random } from "../../src/base/random.ts";
import { err, ok } from "../../src/base/result.ts";
import { apply, createState, fold } from "../../src/run/apply.ts";
import { againProblem, planResume } from "../../src/engine/recovery.ts";
import { buildGraph } from "../../src/graph/build.ts";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";
import { NO_FUNCTIONS, type Step } from "../../src/plan/plan.ts";
import type { Outcome, StopReason, Task } from "../../src/run/attempt.ts";
import { HistoryChecker } from "../../src/run/check/history-checker.ts";
import {
  RUN_RULES,
  type Event,
  type EventOf,
  type MachineShortage,
  type OpenQuestion,
  type RunOptions,
} from "../../src/run/event.ts";
import { isStopped, stepsToUndo } from "../../src/run/finish.ts";
import type { Finding, Input } from "../../src/run/input-events.ts";
import { rebuildIndex } from "../../src/run/reindex.ts";
import { withAlwaysAgain } from "../../src/run/resume.ts";
import { laneFor } from "../../src/run/slots.ts";
import { isRunEnded, phaseOf, stepAt, type RunState } from "../../src/run/state.ts";
import { onlyPeopleLeft, runStatus } from "../../src/run/status.ts";
import { advance, isOver, recordEvent, type Effect } from "../../src/run/transition.ts";
import { newVolatile } from "../../src/run/volatile.ts";
import { childrenOf } from "./children.ts";
import { generatedAttempt, generatePlan, pick, USUAL_SHAPE, whole, type PlanShape } from "./plans.ts";
import { factsSnapshot, indexMeaning } from "./state-snapshot.ts";

const SHAPE: PlanShape = {
  ...USUAL_SHAPE,
  approvals: 0.15,
  agents: 0.3,
  writes: 0.2,
  additions: 0.15,
  interrupts: 0.4,
  always: 0.2,
  waits: 0.2,
};

const SHORT: MachineShortage = { resource: "memory", used: 2000, limit: 1000 };

const FAILED = { code: "exit", message: "exit 1" } as const;

/** Turns of one run, over all its engines. */
const MOST_TURNS = 4000;

interface Live {
  readonly step: number;
  readonly task: Task;
  stopped: StopReason | undefined;
}

class FuzzedRun {
  state!: RunState;
  readonly events: Event[] = [];
  now = 0;
  readonly #seed: number;
  readonly #random: Random;
  readonly #checker = new HistoryChecker();
  #attempts: Live[] = [];
  #expansions: { readonly step: number; readonly task: Task }[] = [];
  #examinations: number[] = [];
  #undo: number | undefined;
  #requests = new Set<number>();
  #granted = new Set<number>();
  #isSweeping = false;
  /** Nothing was decided yet in this life. */
  #isFresh = true;
  #wakeAt: number | undefined;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed * 31);
    const plan = generatePlan(seed, SHAPE);
    const steps = plan.steps.map((one) => (this.#has(0.3) ? { ...one, cache: true } : one));
    const isSequential = this.#has(0.1);
    const created: EventOf<"run.created"> = {
      run: "r",
      seq: 1,
      time: 0,
      type: "run.created",
      data: {
        plan: { ...plan, steps },
        options: {
          maxConcurrency: isSequential ? 1 : 1 + whole(this.#random, 3),
          maxAgents: 1 + whole(this.#random, 1),
          schedule: this.#has(0.3) ? "layers" : "ready",
          failure: plan.failure ?? "fail-fast",
          rollback: plan.rollback ?? "none",
          ...(isSequential && { sequential: true }),
        },
        engine: "0",
        rules: RUN_RULES,
      },
    };
    const made = createState(created);
    if (!made.ok) throw new Error("no graph");
    this.state = made.value;
    this.#take([created]);
    this.#begin();
    this.#take([recordEvent(this.state, { type: "run.started", data: {} }, this.now)]);
  }

  #has(share: number): boolean {
    return this.#random() < share;
  }

  #begin(): void {
    const policy = { sweeps: this.#has(0.5), examines: this.#has(0.5), pausesBeforeLayers: this.#has(0.1) };
    Object.assign(this.state.volatile, newVolatile(policy));
    if (this.#has(0.2)) this.state.volatile.endsAt = this.now + whole(this.#random, 5000);
    this.#attempts = [];
    this.#expansions = [];
    this.#examinations = [];
    this.#undo = undefined;
    this.#requests.clear();
    this.#granted.clear();
    this.#isSweeping = false;
    this.#isFresh = true;
  }

  #take(events: readonly Event[]): void {
    for (const event of events) {
      const [violation] = this.#checker.next(event);
      if (violation !== undefined) throw new Error(`${violation.seq} breaks ${violation.rule}: ${violation.message}`);
      this.events.push(event);
    }
  }

  /** To the run's end, with up to `crashes` engines that die on the way. */
  live(crashes: number): void {
    let left = crashes;
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      this.#turn(this.#isFresh ? [] : this.#inputs());
      if (isOver(this.state)) {
        if (left-- <= 0) return;
        this.#afterEnd();
      } else if (left > 0 && this.#has(0.02)) {
        left--;
        this.#resume();
      }
    }
    throw new Error(`the run does not end: ${runStatus(this.state, true)}`);
  }

  #turn(inputs: readonly Input[]): void {
    this.#isFresh = false;
    const { events, effects, wakeAt } = advance(this.state, inputs, {
      now: this.now,
      random: this.#random,
      load: this.#has(0.1) ? SHORT : undefined,
      locks: this.#granted,
      outputProblem: () => undefined,
      expressions: {
        holds: () => (this.#has(0.1) ? err("no such key") : ok(this.#has(0.8))),
        text: (template) => (this.#has(0.1) ? err("no such key") : ok(template)),
      },
      environment: {},
    });
    this.#take(events);
    if (wakeAt !== undefined && wakeAt <= this.now) throw new Error(`awake at ${this.now}, to wake up at ${wakeAt}`);
    this.#wakeAt = wakeAt;
    for (const effect of effects) this.#carryOut(effect);
    if (this.#has(0.05)) this.#checkState();
  }

  #checkState(): void {
    const folded = fold(this.events);
    if (folded === undefined) throw new Error("no history");
    assert.deepEqual(factsSnapshot(folded), factsSnapshot(this.state));
    const kept = indexMeaning(this.state.index);
    rebuildIndex(this.state);
    assert.deepEqual(indexMeaning(this.state.index), kept);
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "dispatch": {
        const { step, task } = effect;
        if (laneFor(this.state, step).isShared && !this.#granted.has(step))
          throw new Error(`${task.step.id} has no lock`);
        if (isRunEnded(this.state.phase)) throw new Error(`${task.step.id} was dispatched after the end`);
        this.#attempts.push({ step, task, stopped: undefined });
        return;
      }
      case "expand":
        return void this.#expansions.push(effect);
      case "examine":
        if (this.#examinations.includes(effect.step)) throw new Error("examined twice");
        return void this.#examinations.push(effect.step);
      case "undo":
        if (this.#undo !== undefined) throw new Error("two undos at once");
        this.#undo = effect.step;
        return;
      case "stop":
        for (const live of this.#attempts)
          if (isStopped(this.state, live.step, effect.inside)) live.stopped ??= effect.reason;
        return;
      case "lock":
        return void this.#requests.add(effect.step);
      case "unlock":
        if (!this.#granted.delete(effect.step)) throw new Error("a lock that nobody has is given back");
        return;
      case "sweep":
        this.#isSweeping = true;
        return;
      default:
        return;
    }
  }

  /** What happens next: one thing mostly, several at times, nothing but the time at times. */
  #inputs(): readonly Input[] {
    const inputs: Input[] = [];
    let isFirst = true;
    do {
      const input = this.#happening(isFirst);
      isFirst = false;
      if (input !== undefined) inputs.push(input);
    } while (this.#has(0.3));
    return inputs;
  }

  #happening(isFirst: boolean): Input | undefined {
    const { state } = this;
    const due = this.#wakeAt;
    const asking = [...state.index.questions];
    const kinds: (() => Input | undefined)[] = [];
    if (this.#attempts.length > 0)
      kinds.push(
        () => this.#endAttempt(),
        () => this.#note(),
      );
    if (this.#expansions.length > 0) kinds.push(() => this.#expand());
    if (this.#examinations.length > 0) kinds.push(() => this.#examined(this.#takeOne(this.#examinations)));
    if (this.#undo !== undefined) kinds.push(() => this.#undone());
    if (this.#requests.size > 0) kinds.push(() => this.#grant());
    const awaited = [...state.index.listeners.keys()];
    if (awaited.length > 0) kinds.push(() => this.#signal(pick(this.#random, awaited)));
    if (asking.length > 0) kinds.push(() => this.#answer(pick(this.#random, asking)));
    if (this.#isSweeping)
      kinds.push(() => {
        this.#isSweeping = false;
        return { kind: "swept" };
      });
    if (state.phase.tag === "paused") kinds.push(() => ({ kind: "unpause" }));
    if (due !== undefined)
      kinds.push(() => {
        this.now = Math.max(this.now, due);
        return undefined;
      });
    if (kinds.length === 0 && isFirst && !isOver(state)) {
      // A load that was too high, and locks that somebody else had, are looked at again.
      if (state.index.activeLanes.size > 0) return undefined;
      throw new Error(`stuck: ${JSON.stringify(state.index.counts)} only people: ${onlyPeopleLeft(state)}`);
    }
    if (this.#has(0.15)) return this.#anything();
    this.now += whole(this.#random, 50);
    return pick(this.#random, kinds)?.();
  }

  /** What may come at any time, in time or not. */
  #anything(): Input | undefined {
    const step = whole(this.#random, this.state.steps.length - 1);
    const attempt = whole(this.#random, 2);
    const outcome: Outcome = { kind: "succeeded", output: "late" };
    const phase = phaseOf(this.state, step);
    const isLate = phase.tag !== "running" || phase.attempt !== attempt;
    return pick<() => Input | undefined>(this.#random, [
      () => (isLate ? { kind: "outcome", step, attempt, outcome, added: ok([]) } : undefined),
      () => ({ kind: "note", step, attempt, note: { type: "step.progress", data: { type: "text" } } }),
      () => (isLate ? { kind: "expanded", step, attempt, expansion: err("late") } : undefined),
      () => this.#answer(step),
      () => ({ kind: "pause", reason: "lunch" }),
      () => ({ kind: "unpause" }),
      () => ({ kind: "short", ...SHORT }),
      () => ({ kind: "set-concurrency", maxConcurrency: 1 + whole(this.#random, 3), by: "me" }),
      () => (this.#has(0.1) ? { kind: "halt", reason: "cancel" } : undefined),
      () => (this.#has(0.03) ? { kind: "kill" } : undefined),
      () => this.#signal("go"),
    ])();
  }

  #signal(signal: string): Input {
    const id = this.#has(0.2) ? { id: `request ${whole(this.#random, 3)}` } : {};
    return { kind: "signal", signal, value: this.now, by: "me", ...id };
  }

  #takeOne<T>(from: T[]): T {
    return from.splice(whole(this.#random, from.length - 1), 1)[0] as T;
  }

  #endAttempt(): Input {
    const { step, task, stopped } = this.#takeOne(this.#attempts);
    const { adds, output } = generatedAttempt(this.#seed, SHAPE, task.step, task.attempt);
    const isAgent = task.step.action.kind === "agent";
    const prefix = task.step.id.slice(0, task.step.id.lastIndexOf("/") + 1);
    const added = adds.map((one) => ({
      ...one,
      id: prefix + one.id,
      ...(one.deps && { deps: one.deps.map((id) => prefix + id) }),
    }));
    const outcome = pick<() => Outcome>(this.#random, [
      () => ({ kind: "succeeded", output }),
      () => ({ kind: "succeeded", output }),
      () => (this.#has(0.3) ? { kind: "failed", error: FAILED } : { kind: "succeeded", output }),
      () => (isAgent ? this.#unresolved() : { kind: "succeeded", output }),
      () => (this.#has(0.2) ? { kind: "stopped", reason: stopped ?? "timeout" } : { kind: "succeeded", output }),
    ])();
    const end: Outcome = stopped !== undefined && this.#has(0.7) ? { kind: "stopped", reason: stopped } : outcome;
    return {
      kind: "outcome",
      step,
      attempt: task.attempt,
      outcome: end,
      added: ok(end.kind === "succeeded" ? added : []),
    };
  }

  #unresolved(): Outcome {
    return { kind: "unresolved", about: this.#has(0.5) ? "conflict" : "question", question: "which?" };
  }

  #note(): Input | undefined {
    const { step, task } = pick(this.#random, this.#attempts);
    if (task.step.action.kind !== "agent") return undefined;
    const question: OpenQuestion = {
      about: "permission",
      question: "may it?",
      deadline: this.now + 1 + whole(this.#random, 900),
    };
    return { kind: "note", step, attempt: task.attempt, note: { type: "approval.requested", data: question } };
  }

  #expand(): Input {
    const { step, task } = this.#takeOne(this.#expansions);
    const children = childrenOf(task.step);
    const isWrong = children === undefined || this.#has(0.05);
    const expansion = isWrong ? err("no list") : ok({ kind: "children" as const, ...children });
    return { kind: "expanded", step, attempt: task.attempt, expansion };
  }

  #examined(step: number): Input {
    const key = stepAt(this.state, step).id;
    const found: Finding = pick(this.#random, [
      { decision: "run", key },
      { decision: "uncacheable", reason: "no key" },
      { decision: "cached", key, from: "r0", output: key },
      { decision: "up-to-date", output: key },
    ] as const);
    return { kind: "examined", step, finding: this.#has(0.1) ? err("unreadable") : ok(found) };
  }

  #undone(): Input {
    const step = this.#undo as number;
    this.#undo = undefined;
    const outcome: Outcome = this.#has(0.8) ? { kind: "succeeded", output: null } : { kind: "failed", error: FAILED };
    return { kind: "undone", step, outcome, durationMs: 1 };
  }

  #grant(): undefined {
    const step = pick(this.#random, [...this.#requests]);
    this.#requests.delete(step);
    this.#granted.add(step);
    return undefined;
  }

  #answer(step: number): Input {
    const choice = this.#has(0.3) ? ({ choice: "theirs" } as const) : {};
    return {
      kind: "answer",
      step,
      answer: { decision: this.#has(0.8) ? "approve" : "reject", by: "me", ...choice },
    };
  }

  /** The engine died, or the run ended early: another one goes on, from the history alone. */
  #resume(): void {
    const [created, ...others] = this.events;
    const made = createState(created as EventOf<"run.created">);
    if (!made.ok) throw new Error("no graph");
    this.state = made.value;
    for (const event of others) apply(this.state, event);
    const current = this.#has(0.5) ? undefined : this.#changedPlan();
    const steps = this.state.steps.filter(() => this.#has(0.1)).map(({ id }) => id);
    const named = { steps, downstream: this.#has(0.5) };
    const again = this.#has(0.3) && againProblem(this.state, named) === undefined ? named : undefined;
    const planned = planResume(this.state, defined({ engine: "0", current, acceptChanges: true, again }));
    if (!planned.ok) throw new Error(planned.error.message);
    const resumed = { ...planned.value, reset: withAlwaysAgain(this.state, planned.value.reset) };
    const data = this.#has(0.3) ? { ...resumed, options: this.#changedOptions() } : resumed;
    this.#begin();
    this.now += whole(this.#random, 10_000);
    this.#take([recordEvent(this.state, { type: "run.resumed", data }, this.now)]);
    this.#checkState();
  }

  #changedOptions(): RunOptions {
    return {
      ...this.state.options,
      maxConcurrency: 1 + whole(this.#random, 3),
      schedule: this.#has(0.3) ? "layers" : "ready",
      failure: this.#has(0.5) ? "continue" : "fail-fast",
    };
  }

  /** Steps have other commands, other deps, or are gone; a new one has come. */
  #changedPlan(): LoadedPlan {
    const { plan } = this.state;
    const gone = plan.steps.length > 1 && this.#has(0.3) ? pick(this.#random, plan.steps).id : undefined;
    const left = (ids: readonly string[] | undefined): readonly string[] => ids?.filter((id) => id !== gone) ?? [];
    const steps = plan.steps
      .filter(({ id }) => id !== gone)
      .map(({ deps, after, reads, ...one }): Step => {
        const action: Step["action"] =
          one.action.kind === "run" && this.#has(0.1) ? { kind: "run", command: `do ${this.now}` } : one.action;
        const kept = this.#has(0.1) ? [] : left(deps);
        return {
          ...one,
          action,
          ...(kept.length > 0 && { deps: kept }),
          ...(after && { after: left(after) }),
          ...(kept.length > 0 && reads && { reads: left(reads) }),
        };
      });
    if (this.#has(0.3)) steps.push({ id: `new${this.state.seq}`, action: { kind: "run", command: "true" } });
    const graph = buildGraph(steps);
    if (!graph.ok) throw new Error(JSON.stringify(graph.error));
    return { plan: { ...plan, steps }, graph: graph.value, functions: NO_FUNCTIONS } as unknown as LoadedPlan;
  }

  #afterEnd(): void {
    const steps = stepsToUndo(this.state, "all").map((step) => stepAt(this.state, step).id);
    if (steps.length === 0 || this.#has(0.5)) return this.#resume();
    this.#begin();
    // The index of a run that has ended is not asked any more; it is compared.
    rebuildIndex(this.state);
    this.#take([recordEvent(this.state, { type: "rollback.started", data: { mode: "all", steps } }, this.now)]);
  }
}

/** One run to its end, over up to four engines. Returns its history. */
export function fuzzRun(seed: number): readonly Event[] {
  const run = new FuzzedRun(seed);
  try {
    run.live(seed % 4);
  } catch (thrown) {
    throw new Error(`seed ${seed}: ${String(thrown)}`, { cause: thrown });
  }
  return run.events;
}
