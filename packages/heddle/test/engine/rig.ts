/** An engine whose world the test holds in its hands: attempts end when the test says so, time passes when the test says so. */
import { expect } from "vitest";
import type { Backend } from "../../src/backend/port.ts";
import { canonicalJson, type Json, toJson } from "../../src/base/json.ts";
import { seededRandom } from "../../src/base/random.ts";
import { err, ok, type Result } from "../../src/base/result.ts";
import type { ResumeOptions, RunHandle, StartOptions } from "../../src/engine/api.ts";
import { resumeRun, rollbackRun, startRun } from "../../src/engine/engine.ts";
import type { EnginePorts, OutputCheck } from "../../src/engine/ports.ts";
import { compilePlan } from "../../src/graph/compile.ts";
import { memoryJournal, memoryStore, type MemoryStore } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import { outputProblem } from "../../src/plan/schema/output-check.ts";
import { NO_FUNCTIONS, type Plan } from "../../src/plan/plan.ts";
import { checkEvent } from "../../src/run/event-schema.ts";
import type { Event, StepError } from "../../src/run/event.ts";
import { CHECKED_LATER } from "../../src/run/transition.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";
import type { Outcome, StopReason, Task } from "../../src/run/attempt.ts";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";

interface LiveTask {
  readonly task: Task;
  readonly end: (outcome: Outcome) => void;
  readonly break: (reason: unknown) => void;
  stopped: StopReason | undefined;
}

export interface RigOptions {
  readonly store?: MemoryStore;
  readonly clock?: VirtualClock;
  readonly pid?: number;
  readonly pollMs?: number;
  readonly journal?: (inner: Journal) => Journal;
  readonly environment?: Readonly<Record<string, string>>;
  /** Checks of the run's own outputs that take long; absent: they are done in a moment. */
  readonly checkLater?: OutputCheck["later"];
  /** What every `plan: FILE` step finds. */
  readonly subplan?: Plan;
}

/** Plans as text, attempts by id. One rig is one process; rigs over one store are processes over one journal. */
export class Rig {
  readonly clock: VirtualClock;
  readonly store: MemoryStore;
  readonly ports: EnginePorts;
  readonly events: Event[] = [];
  /** Commands of all attempts ever dispatched, as `step#attempt`. */
  readonly dispatched: string[] = [];
  /** Those that the engine gave up, in the same form. */
  readonly released: string[] = [];
  usedMemoryMb = 0;
  cpuPercent = 0;
  sweeps = 0;
  readonly #live = new Map<string, LiveTask>();

  constructor(options: RigOptions = {}) {
    this.clock = options.clock ?? new VirtualClock();
    this.store = options.store ?? memoryStore();
    const inner = memoryJournal({ store: this.store, now: () => this.clock.now(), validate: checkEvent });
    this.ports = {
      journal: options.journal?.(inner) ?? inner,
      backend: this.#backend(),
      clock: this.clock,
      random: seededRandom((options.pid ?? 1) * 7919),
      holder: { pid: options.pid ?? 1, started: "1", title: `rig ${options.pid ?? 1}` },
      probe: { usedMemoryMb: () => this.usedMemoryMb, cpuPercent: () => this.cpuPercent },
      version: "test",
      gitHead: () => undefined,
      loadSubplan: async (_run, { file }) =>
        options.subplan === undefined
          ? err({ code: "SubplanInvalid", message: `there is no ${file}` })
          : ok({ plan: options.subplan, content: canonicalJson(options.subplan as unknown as Json) }),
      loadOutputCheck: async () => ({
        now: options.checkLater === undefined ? outputProblem : () => CHECKED_LATER,
        later: options.checkLater ?? (async (schema, output) => outputProblem(schema, output)),
      }),
      subplanContent: async () =>
        options.subplan === undefined ? undefined : canonicalJson(options.subplan as unknown as Json),
      batchTick: () => new Promise((resolve) => setImmediate(resolve)),
      environment: options.environment ?? {},
      pollMs: options.pollMs ?? 0,
    };
  }

  #backend(): Backend {
    return {
      dispatch: (task) => {
        const name = `${task.step.id}#${task.attempt}`;
        this.dispatched.push(name);
        // It may be carried out in another process.
        const plain = toJson(task, "task");
        if (!plain.ok) throw new Error(plain.error);
        const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
        const live: LiveTask = { task, stopped: undefined, end: resolve, break: reject };
        this.#live.set(task.step.id, live);
        return {
          outcome: promise,
          stop: (reason) => (live.stopped ??= reason),
          kill: () => this.#end(task.step.id, { kind: "stopped", reason: live.stopped ?? "cancel" }),
          release: () => {
            this.released.push(name);
            // It goes on elsewhere: here it is over.
            this.#end(task.step.id, { kind: "stopped", reason: "cancel" });
          },
        };
      },
      warm: () => undefined,
      sweep: async () => {
        this.sweeps++;
        return 0;
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  #end(step: string, outcome: Outcome): void {
    const live = this.#live.get(step);
    this.#live.delete(step);
    live?.end(outcome);
  }

  /** Ids of attempts that run now, sorted. */
  get running(): readonly string[] {
    return [...this.#live.keys()].sort();
  }

  taskOf(step: string): Task {
    const live = this.#live.get(step);
    if (live === undefined) throw new Error(`${step} does not run; running: ${this.running.join(", ")}`);
    return live.task;
  }

  stopOf(step: string): StopReason | undefined {
    return this.#live.get(step)?.stopped;
  }

  async succeed(step: string, output: Json = null, steps?: readonly unknown[]): Promise<void> {
    this.taskOf(step);
    this.#end(step, { kind: "succeeded", output, ...(steps === undefined ? {} : { steps }) });
    await this.quiet();
  }

  async fail(step: string, error: StepError = { code: "exit", message: "exit code 1", exitCode: 1 }): Promise<void> {
    this.taskOf(step);
    this.#end(step, { kind: "failed", error });
    await this.quiet();
  }

  /** The attempt ends with whatever a backend could hand in; `undefined`: with an outcome that never comes to be. */
  async endWith(step: string, outcome: (() => unknown) | undefined): Promise<void> {
    const live = this.#live.get(step);
    this.#live.delete(step);
    if (outcome === undefined) live?.break(new Error("the worker is gone"));
    else live?.end(outcome() as Outcome);
    await this.quiet();
  }

  /** The attempt obeys its stop. */
  async yield(step: string): Promise<void> {
    this.#end(step, { kind: "stopped", reason: this.stopOf(step) ?? "cancel" });
    await this.quiet();
  }

  /** Lets everything happen that needs no time. */
  async quiet(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await settle();
  }

  /** Goes on by `ms`, timer by timer. */
  async pass(ms: number): Promise<void> {
    let over = false;
    this.clock.after(ms, () => {
      over = true;
    });
    while (!over && this.clock.advance()) await this.quiet();
  }

  async load(text: string): Promise<LoadedPlan> {
    const compiled = await compilePlan({ text, file: "plan.yaml" });
    if (!compiled.ok) throw new Error(compiled.error.map(({ message }) => message).join("\n"));
    return { ...compiled.value, functions: NO_FUNCTIONS };
  }

  async start(text: string, options: StartOptions = {}): Promise<RunHandle> {
    const plan = await this.load(text);
    return this.#follow(await startRun(this.ports, plan, { maxConcurrency: 10, ...options }));
  }

  async resume(run: string, options: ResumeOptions = {}): Promise<RunHandle> {
    return this.#follow(await resumeRun(this.ports, run, options));
  }

  async rollback(run: string): Promise<RunHandle> {
    return this.#follow(await rollbackRun(this.ports, run));
  }

  async #follow<E>(started: Result<RunHandle, E>): Promise<RunHandle> {
    if (!started.ok) throw new Error(JSON.stringify(started.error));
    started.value.subscribe((event) => this.events.push(event));
    await this.quiet();
    return started.value;
  }

  /** Types with steps, of the events told so far. */
  get told(): readonly string[] {
    return this.events.map((event) => ("step" in event ? `${event.type} ${event.step}` : event.type));
  }
}

export function phaseTag(handle: RunHandle, step: string): string {
  const state = handle.state();
  const index = state.index.byId.get(step);
  expect(index, `step ${step}`).toBeDefined();
  return state.phases[index ?? -1]?.tag ?? "";
}
