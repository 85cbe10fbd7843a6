/**
 * Expected makespan of a plan: drives the rules of a real run on a clock that jumps from end to end. Every step succeeds
 * after its expected time, conditions hold, people answer at once, a wait takes its expected time, and a container step takes its own expected time as a
 * whole.
 */
import { BugError } from "../base/assert.ts";
import { ok } from "../base/result.ts";
import type { Graph } from "../graph/graph.ts";
import { remainingPath } from "../graph/paths.ts";
import { createState } from "../run/apply.ts";
import type { RunOptions } from "../run/event.ts";
import { Heap } from "../run/heap.ts";
import type { Input } from "../run/input-events.ts";
import { isWaitStep, type RunState } from "../run/state.ts";
import { advance, isOver, recordEvent, type Effect, type World } from "../run/transition.ts";

export interface MakespanInput {
  readonly plan: RunState["plan"];
  readonly graph: Graph;
  readonly options: RunOptions;
  /** Expected milliseconds by step. */
  readonly durationOf: (step: number) => number;
}

/** Beyond, nobody waits for the answer. */
const MOST_STEPS = 200_000;

/** When each step would begin and end, in milliseconds from the first start; -1: it would not begin. */
export interface SimulatedRun {
  readonly makespanMs: number;
  readonly startsAt: Float64Array;
  readonly endsAt: Float64Array;
  /** Most slots in use at once. */
  readonly slots: number;
}

/** Milliseconds from the first start to the last end; `undefined` for plans too large to simulate. */
export function expectedMakespan(input: MakespanInput): number | undefined {
  return simulatedRun(input)?.makespanMs;
}

/** `undefined` for plans too large to simulate. */
export function simulatedRun({ plan, graph, options, durationOf }: MakespanInput): SimulatedRun | undefined {
  if (graph.size > MOST_STEPS) return undefined;
  const { timeoutMs: _timeoutMs, ...rest } = options;
  const steps = plan.steps.map((step, at) => (isWaitStep(step) ? { ...step, action: sleepOf(durationOf(at)) } : step));
  const body = { type: "run.created", data: { plan: { ...plan, steps }, options: rest, engine: "" } } as const;
  const created = createState({ run: "simulated", seq: 1, time: 0, ...body }, graph);
  if (!created.ok) return undefined;
  const remaining = remainingPath(graph, durationOf);
  created.value.index.rank = { weight: (step) => remaining[step] ?? 0 };
  return new Simulation(created.value, durationOf).run();
}

/** A wait takes its expected time, whatever it waits for. */
function sleepOf(ms: number): { readonly kind: "sleep"; readonly time: string } {
  return { kind: "sleep", time: `${Math.round(ms)}ms` };
}

class Simulation {
  readonly #state: RunState;
  readonly #durationOf: (step: number) => number;
  /** What comes of the work under way, by step, and when. */
  readonly #ends = new Map<number, Input>();
  readonly #startsAt: Float64Array;
  readonly #endsAt: Float64Array;
  readonly #working: Heap;
  readonly #locks = new Set<number>();
  #now = 0;
  #slots = 0;

  constructor(state: RunState, durationOf: (step: number) => number) {
    this.#state = state;
    this.#durationOf = durationOf;
    this.#startsAt = new Float64Array(state.steps.length).fill(-1);
    this.#endsAt = new Float64Array(state.steps.length).fill(-1);
    this.#working = new Heap((a, b) => {
      const order = (this.#endsAt[a] ?? 0) - (this.#endsAt[b] ?? 0);
      return order === 0 ? a < b : order < 0;
    });
  }

  run(): SimulatedRun | undefined {
    recordEvent(this.#state, { type: "run.started", data: {} }, 0);
    let inputs: readonly Input[] = [];
    for (;;) {
      const { effects, wakeAt } = advance(this.#state, inputs, this.#world());
      if (isOver(this.#state)) return this.#simulated();
      for (const effect of effects) this.#carryOut(effect);
      this.#slots = Math.max(this.#slots, this.#state.index.slots);
      inputs = this.#locks.size > 0 ? [] : [...this.#answers(), ...this.#nextEnds(wakeAt)];
      if (inputs.length === 0 && this.#locks.size === 0 && this.#now !== wakeAt) return undefined;
    }
  }

  /** Steps that nobody carries out, such as waits, took what their state says. */
  #simulated(): SimulatedRun {
    for (const [step, since] of this.#state.startedTimes.entries()) {
      if (since === undefined || (this.#startsAt[step] ?? 0) >= 0) continue;
      const phase = this.#state.phases[step];
      this.#startsAt[step] = since;
      this.#endsAt[step] = phase !== undefined && "endedAt" in phase ? phase.endedAt : since;
    }
    return { makespanMs: this.#now, startsAt: this.#startsAt, endsAt: this.#endsAt, slots: this.#slots };
  }

  #world(): World {
    const locks = new Set(this.#locks);
    this.#locks.clear();
    return {
      now: this.#now,
      load: undefined,
      locks,
      random: () => 0.5,
      expressions: { holds: () => ok(true), text: (template) => ok(template) },
      outputProblem: () => undefined,
      environment: {},
    };
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "dispatch": {
        const { step, task } = effect;
        const outcome = { kind: "succeeded", output: null } as const;
        return this.#work(step, { kind: "outcome", step, attempt: task.attempt, outcome, added: ok([]) });
      }
      case "expand": {
        const { step, task } = effect;
        return this.#work(step, {
          kind: "expanded",
          step,
          attempt: task.attempt,
          expansion: ok({ kind: "children", steps: [] }),
        });
      }
      case "lock":
        this.#locks.add(effect.step);
        return;
      case "unlock":
        return;
      default:
        // Nothing fails here, so nothing is stopped, undone or examined.
        throw new BugError(`a plan in which nothing fails wants ${effect.kind}`);
    }
  }

  #work(step: number, end: Input): void {
    this.#ends.set(step, end);
    this.#startsAt[step] = this.#now;
    this.#endsAt[step] = this.#now + Math.max(0, this.#durationOf(step));
    this.#working.push(step);
  }

  /** Everybody who is asked says yes at once. */
  #answers(): readonly Input[] {
    const answer = { decision: "approve", by: "" } as const;
    return [...this.#state.index.questions].map((step) => ({ kind: "answer", step, answer }));
  }

  /** What ends first, with all that ends then; a timer fires by itself. */
  #nextEnds(wakeAt = Infinity): readonly Input[] {
    if (this.#state.index.questions.size > 0) return [];
    const first = this.#working.first;
    const next = Math.min(wakeAt, first === undefined ? Infinity : (this.#endsAt[first] ?? 0));
    if (next === Infinity) return [];
    this.#now = Math.max(this.#now, next);
    const inputs: Input[] = [];
    for (let step = this.#working.first; step !== undefined; step = this.#working.first) {
      if ((this.#endsAt[step] ?? 0) > this.#now) break;
      this.#working.delete(step);
      inputs.push(this.#ends.get(step) as Input);
      this.#ends.delete(step);
    }
    return inputs;
  }
}
