/**
 * How long a plan takes: the rules of a real run ({@link decide}, {@link apply}) on a clock that jumps from end to end. Every
 * step succeeds after its expected time, conditions hold, people answer at once, a step that stands for others takes its own
 * expected time as a whole.
 */
import type { Graph } from "../graph/graph.ts";
import { remainingPath } from "../graph/paths.ts";
import { admit, apply, confirmCondition, createState } from "../run/apply.ts";
import type { Command } from "../run/command.ts";
import { decide } from "../run/decide.ts";
import type { Event, EventBody, RunOptions } from "../run/event.ts";
import { Heap } from "../run/heap.ts";
import { isRunEnded, stepAt, type RunState } from "../run/state.ts";

export interface MakespanInput {
  readonly plan: RunState["plan"];
  readonly graph: Graph;
  readonly options: RunOptions;
  /** Expected milliseconds by step. */
  readonly durationOf: (step: number) => number;
}

/** Beyond, nobody waits for the answer. */
const MOST_STEPS = 200_000;

/** Milliseconds from the first start to the last end; `undefined` for plans too large to simulate. */
export function expectedMakespan({ plan, graph, options, durationOf }: MakespanInput): number | undefined {
  if (graph.size > MOST_STEPS) return undefined;
  const body = { type: "run.created", data: { plan, options, engine: "" } } as const;
  const created = createState({ run: "simulated", seq: 1, time: 0, ...body }, graph);
  if (!created.ok) return undefined;
  const simulation = new Simulation(created.value, durationOf);
  const remaining = remainingPath(graph, durationOf);
  created.value.weight = (step) => remaining[step] ?? 0;
  return simulation.run();
}

class Simulation {
  readonly #state: RunState;
  readonly #durationOf: (step: number) => number;
  readonly #endsAt: number[] = [];
  readonly #running: Heap;
  readonly #isRunning: boolean[] = [];
  #now = 0;

  constructor(state: RunState, durationOf: (step: number) => number) {
    this.#state = state;
    this.#durationOf = durationOf;
    this.#running = new Heap((a, b) => {
      const order = (this.#endsAt[a] ?? 0) - (this.#endsAt[b] ?? 0);
      return order === 0 ? a < b : order < 0;
    });
  }

  run(): number | undefined {
    this.#record({ type: "run.started", data: {} });
    const conditions = { halt: undefined, admits: true, locksFree: () => true, expired: [], undoing: false };
    while (!isRunEnded(this.#state.phase)) {
      const commands = decide(this.#state, { ...conditions, now: this.#now });
      for (const command of commands) this.#carryOut(command);
      if (commands.length === 0 && !this.#endNext()) return undefined;
    }
    return this.#now;
  }

  #record(body: EventBody): void {
    apply(this.#state, { run: "simulated", seq: this.#state.seq + 1, time: this.#now, ...body } as Event);
  }

  #carryOut(command: Command): void {
    switch (command.kind) {
      case "start":
      case "expand":
        this.#start(command.step, command.attempt);
        return;
      case "evaluate":
        confirmCondition(this.#state, command.step);
        return;
      case "admit":
        admit(this.#state, command.step);
        return;
      case "ask": {
        const { id: step } = stepAt(this.#state, command.step);
        const { attempt } = command;
        this.#record({ type: "approval.requested", step, attempt, data: { about: "step", question: "" } });
        this.#record({ type: "approval.given", step, attempt, data: { decision: "approve", by: "" } });
        return;
      }
      case "answer":
        this.#succeed(command.step);
        return;
      case "end":
        this.#record({ type: "run.succeeded", data: { durationMs: this.#now } });
        return;
      default:
        // Nothing fails here, so nothing is skipped, cancelled, undone or finished by its children.
        return;
    }
  }

  #start(step: number, attempt: number): void {
    this.#record({ type: "step.started", step: stepAt(this.#state, step).id, attempt, data: {} });
    this.#endsAt[step] = this.#now + Math.max(0, this.#durationOf(step));
    this.#isRunning[step] = true;
    this.#running.push(step);
  }

  #endNext(): boolean {
    const step = this.#running.top((candidate) => this.#isRunning[candidate] === true);
    if (step === undefined) return false;
    this.#now = Math.max(this.#now, this.#endsAt[step] ?? 0);
    this.#isRunning[step] = false;
    this.#succeed(step);
    return true;
  }

  #succeed(step: number): void {
    const attempt = this.#state.attempts[step] ?? 1;
    const data = { output: null, durationMs: this.#durationOf(step) };
    this.#record({ type: "step.succeeded", step: stepAt(this.#state, step).id, attempt, data });
  }
}
