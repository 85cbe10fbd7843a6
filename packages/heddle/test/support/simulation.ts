/**
 * A whole life of one run, from one seed: a generated plan, engines that die at any point and are followed by others, appends
 * that fail, leases that are lost, people who answer, cancel and pause. The engine is the real one; time, chance, the backend
 * and the disk are not. What must hold is in `oracle.ts`.
 */
import { BugError, present } from "../../src/base/assert.ts";
import { defined } from "../../src/base/defined.ts";
import { messageOf } from "../../src/base/errors.ts";
import { seededRandom, type Random } from "../../src/base/random.ts";
import type { RunHandle, StepsAgain } from "../../src/engine/api.ts";
import { resumeRun, rollbackRun, startRun } from "../../src/engine/engine.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import { againProblem } from "../../src/engine/recovery.ts";
import { buildGraph } from "../../src/graph/build.ts";
import { memoryStore, type MemoryStore } from "../../src/journal/memory.ts";
import { outputProblem } from "../../src/plan/schema/output-check.ts";
import { NO_FUNCTIONS, type Plan } from "../../src/plan/plan.ts";
import { fold } from "../../src/run/apply.ts";
import { checkEvent } from "../../src/run/event-schema.ts";
import type { AnswerDecision, Event, QuestionAbout, RunOptions } from "../../src/run/event.ts";
import { checkHistory } from "../../src/run/check/history-checker.ts";
import { isRunEnded, type RunState } from "../../src/run/state.ts";
import { fakeBackend, type Engine, type World } from "./fake-backend.ts";
import { faultyJournal, type AppendFault } from "./faulty-journal.ts";
import { Oracle, type Alive } from "./oracle.ts";
import { generatePlan, pick, USUAL_SHAPE, whole, type PlanShape } from "./plans.ts";
import { settle, VirtualClock } from "./virtual-clock.ts";
import type { Answer, RunOutcome } from "../../src/run/control.ts";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";
import { recordRequest } from "../../src/engine/control-channel.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly shape?: PlanShape;
  readonly plan?: Plan;
  /** Most engines that die or are refused before the world leaves the run in peace; default 12. */
  readonly crashes?: number;
  /** People cancel, pause and come late; default true. */
  readonly interference?: boolean;
  /** How often a run that ended failed or cancelled is taken up again; absent: by chance, at most twice. */
  readonly resumes?: number;
  readonly run?: Partial<RunOptions>;
}

export interface SimulationReport {
  readonly seed: number;
  readonly events: readonly Event[];
  readonly status: string;
  /** Engines that were abandoned, refused or fenced. */
  readonly crashes: number;
  readonly violations: readonly string[];
  /** Attempts that were carried out. */
  readonly effects: number;
}

/** Virtual time after which one engine's stay counts as stuck. */
const LONGEST_STAY_MS = 10 * 60_000;
/** Timers of one moment after which the engine counts as spinning. */
const MOST_TURNS = 20_000;
const ENDS: ReadonlySet<string> = new Set(["run.succeeded", "run.failed", "run.cancelled", "rollback.ended"]);
const FAULTS: readonly AppendFault[] = ["crash-before", "crash-after", "unknown-before", "unknown-after", "fenced"];

/** An answer that fits the question. */
function answerTo(about: QuestionAbout, decision: AnswerDecision): Answer {
  if (decision === "reject") return { decision, by: "person" };
  if (about === "conflict") return { decision, by: "person", choice: "theirs" };
  return about === "question" ? { decision, by: "person", comment: "this" } : { decision, by: "person" };
}

/** Never rejects: a bug of the engine is a violation. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const life = new RunSimulation(options);
  try {
    await life.live();
  } catch (thrown) {
    life.violations.push(messageOf(thrown));
  }
  return life.report();
}

/** How one engine's stay came to its end. */
type EngineLifetime = { readonly kind: "gone" } | { readonly kind: "done"; readonly result: RunOutcome };

class RunSimulation {
  readonly violations: string[] = [];
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  readonly #store: MemoryStore = memoryStore();
  readonly #world: World;
  readonly #plan: LoadedPlan;
  readonly #run: string = "sim";
  #engines: Engine[] = [];
  #crashes = 0;
  #effects = 0;
  /** Timers that engines set and that are still on. */
  readonly #engineTimers = new Set<{ readonly engine: Engine }>();
  /** Somebody cancels in the middle of this append; 0: nobody. */
  #cancelAtAppend = 0;
  #cancelNow: (() => void) | undefined;
  /** The next stay undoes the steps of the run that has ended, by command. */
  #undoesNext = false;
  /** The next stay runs steps of the run that has ended again. */
  #retriesNext = false;
  #status = "none";
  #sent = 0;

  constructor(options: SimulationOptions) {
    const { seed, shape = USUAL_SHAPE } = options;
    this.#options = options;
    this.#random = seededRandom(seed ^ 0x5eed);
    const alive = new Set<Alive>();
    this.#world = { clock: this.#clock, seed, shape, oracle: new Oracle(alive), alive, endings: new Map() };
    const plan = options.plan ?? generatePlan(seed, shape);
    const graph = buildGraph(plan.steps);
    if (!graph.ok) throw new BugError(`plan ${seed} is no graph`);
    this.#plan = { plan, graph: graph.value, functions: NO_FUNCTIONS };
  }

  report(): SimulationReport {
    const events = this.#store.runs.get(this.#run)?.events ?? [];
    const broken = checkHistory(events).map(({ rule, seq, message }) => `event ${seq} breaks ${rule}: ${message}`);
    return {
      seed: this.#options.seed,
      events,
      status: this.#status,
      crashes: this.#crashes,
      violations: [...this.violations, ...this.#world.oracle.violations, ...broken],
      effects: this.#effects,
    };
  }

  async live(): Promise<void> {
    // Runs that ended failed or cancelled are taken up again now and then, like people do.
    let again = this.#options.resumes ?? whole(this.#random, 2);
    for (let stays = 0; stays < 60; stays++) {
      const lifetime = await this.#engineLifetime();
      if (lifetime.kind === "gone") continue;
      const { result } = lifetime;
      this.#status = result.status;
      if (result.stopped !== undefined) this.#crashes++;
      else if (result.status === "waiting") await this.#answerAll();
      else {
        await this.#checkEnd(result);
        this.#undoesNext =
          this.#options.interference !== false && !this.#undoesNext && again > 0 && this.#random() < 0.2;
        this.#retriesNext =
          this.#options.interference !== false && !this.#undoesNext && again > 0 && this.#random() < 0.3;
        const isOver = result.status === "succeeded" && this.#state().index.open === 0 && !this.#retriesNext;
        if (!this.#undoesNext && (isOver || again-- <= 0)) return;
      }
    }
    throw new BugError(`the run did not end in 60 stays (R2), it is ${this.#status}`);
  }

  #state(): RunState {
    return present(fold(this.#store.runs.get(this.#run)?.events ?? []), "state of a recorded run");
  }

  #hasEnded(): boolean {
    return isRunEnded(this.#state().phase);
  }

  async #checkEnd(result: RunOutcome): Promise<void> {
    this.#world.oracle.ended(result.outputs);
    const last = this.#store.runs.get(this.#run)?.events.at(-1)?.type;
    const isEnd = last !== undefined && ENDS.has(last);
    if (!isEnd) this.violations.push(`the run is said to be ${result.status} and its last event is ${last ?? "none"}`);
    // What a dead engine had set fires into the void; what the last one set must be gone.
    for (const dead = this.#clock.now() + 30_000; this.#clock.now() < dead && this.#clock.advance();) await settle();
    const left = [...this.#engineTimers].filter(({ engine }) => !engine.isDead).length;
    if (left > 0) this.violations.push(`${left} timers of the engine were left behind`);
  }

  /** One engine, from its start to its end or death. */
  async #engineLifetime(): Promise<EngineLifetime> {
    const random = this.#random;
    const mayFail = this.#crashes < (this.#options.crashes ?? 12);
    const engine = this.#newEngine();
    let crash: () => void = () => undefined;
    const crashed = new Promise<"crashed">((resolve) => {
      crash = () => {
        engine.isDead = true;
        this.#crashes++;
        resolve("crashed");
      };
    });
    const kind = mayFail ? whole(random, 3) : 3;
    const ports = this.#ports(engine, crash, kind === 0, kind === 1);
    const cancelCrash = kind === 2 ? this.#clock.after(whole(random, 2500), () => engine.isDead || crash()) : undefined;
    const opened = await this.#drive(this.#open(ports, engine), crashed);
    if (opened === "crashed" || opened === undefined) return { kind: "gone" };
    const cancels = this.#follow(opened, ports, engine);
    const result = await this.#drive(opened.result, crashed);
    cancelCrash?.();
    for (const cancel of cancels) cancel();
    return result === "crashed" ? { kind: "gone" } : { kind: "done", result };
  }

  #newEngine(): Engine {
    const number = this.#engines.length + 1;
    const engine: Engine = { number, isDead: false, isRefused: false, cancelledAt: undefined };
    this.#engines.push(engine);
    return engine;
  }

  /** `undefined`: its append was refused before it began, of requests that the last engine had left. */
  async #open(ports: EnginePorts, engine: Engine): Promise<RunHandle | undefined> {
    const wait = this.#random() < 0.5;
    const exists = (this.#store.runs.get(this.#run)?.events.length ?? 0) > 0;
    if (!exists) this.#store.runs.delete(this.#run);
    const undoes = this.#undoesNext && exists && this.#hasEnded();
    const opened = undoes
      ? await rollbackRun(ports, this.#run)
      : exists
        ? await resumeRun(ports, this.#run, defined({ wait, again: this.#stepsAgain() }))
        : await startRun(ports, this.#plan, {
            wait,
            run: this.#run,
            maxConcurrency: 1 + (this.#options.seed % 4),
            ...this.#options.run,
          });
    if (!opened.ok && engine.isRefused) {
      engine.isDead = true;
      this.#crashes++;
      return undefined;
    }
    if (!opened.ok) throw new BugError(`the run cannot be opened: ${opened.error.message}`);
    return opened.value;
  }

  /** People name steps to run again, of a run that has ended: whatever came of them, and whatever is around them. */
  #stepsAgain(): StepsAgain | undefined {
    if (!this.#retriesNext) return undefined;
    this.#retriesNext = false;
    const state = this.#state();
    const steps = state.steps.map(({ id }) => id).filter(() => this.#random() < 0.2);
    const again = { steps, downstream: this.#random() < 0.7 };
    return againProblem(state, again) === undefined ? again : undefined;
  }

  #ports(engine: Engine, crash: () => void, failsAppend: boolean, failsDispatch: boolean): EnginePorts {
    const random = seededRandom(this.#options.seed * 1009 + engine.number);
    const clock = this.#clock;
    let dispatches = 0;
    const dispatchFaultAt = failsDispatch ? 1 + whole(random, 8) : 0;
    const journal = faultyJournal({
      store: this.#store,
      clock,
      random,
      engine,
      faultAt: failsAppend ? 1 + whole(random, 12) : 0,
      fault: failsAppend ? pick(random, FAULTS) : undefined,
      isAlive: (pid) => this.#engines.some(({ number, isDead }) => number === pid && !isDead),
      validate: checkEvent,
      onStored: (events) => this.#world.oracle.stored(events),
      onCrash: crash,
      duringAppend: (append) => {
        if (append === this.#cancelAtAppend) this.#cancelNow?.();
      },
    });
    const backend = fakeBackend(this.#world, engine, () => {
      dispatches++;
      if (dispatches === dispatchFaultAt && !engine.isDead) crash();
      if (!engine.isDead) this.#effects++;
    });
    return {
      journal,
      backend,
      clock: {
        now: () => clock.now(),
        after: (delayMs, fire) => {
          const timer = { engine };
          this.#engineTimers.add(timer);
          const off = (): void => void this.#engineTimers.delete(timer);
          const cancel = clock.after(delayMs, () => {
            off();
            if (!engine.isDead) fire();
          });
          return () => {
            off();
            cancel();
          };
        },
      },
      random,
      holder: { pid: engine.number, started: "", title: "simulation" },
      probe: { usedMemoryMb: () => 0, cpuPercent: () => 0 },
      version: "sim",
      gitHead: () => undefined,
      loadOutputCheck: async () => ({
        now: outputProblem,
        later: async (schema, output) => outputProblem(schema, output),
      }),
      subplanContent: async () => undefined,
      loadSubplan: async () => ({ ok: false, error: { code: "NoPlan", message: "no plan" } }),
      batchTick: () => clock.wait(0),
      environment: {},
      pollMs: 200,
    };
  }

  /** Listens, answers and meddles. Returns how to end what it began. */
  #follow(handle: RunHandle, ports: EnginePorts, engine: Engine): (() => void)[] {
    const random = this.#random;
    const cancel = (): void => {
      engine.cancelledAt ??= this.#clock.now();
      handle.cancel();
    };
    const cancels: (() => void)[] = [];
    const later = (ms: number, act: () => void): void => void cancels.push(this.#clock.after(ms, act));
    const send = (name: string, share: number): void => {
      if (random() >= share) return;
      later(whole(random, 800), () => {
        const signal = { signal: name, value: name, by: "person", id: `signal ${++this.#sent}` };
        if (random() < 0.5) handle.signal(signal);
        else void ports.journal.request(this.#run, this.#clock.now(), { kind: "signal", ...signal });
      });
    };
    let last = 0;
    handle.subscribe((event) => {
      this.#world.oracle.told(event, last);
      last = event.seq;
      if (event.type === "step.started" && event.data.signal !== undefined) send(event.data.signal, 0.8);
      if (event.type !== "approval.requested" || random() < 0.2) return;
      const decision = random() < 0.7 ? ("approve" as const) : ("reject" as const);
      later(whole(random, 500), () => {
        const answer = answerTo(event.data.about, decision);
        if (random() < 0.5) handle.answer(event.step, answer);
        else void ports.journal.request(this.#run, this.#clock.now(), { kind: "answer", step: event.step, ...answer });
      });
    });
    // Who forgot an answer comes back for all of them.
    const comeBack = (): void => {
      for (const { id } of handle.state().steps)
        for (const about of ["step", "question", "conflict"] as const) handle.answer(id, answerTo(about, "approve"));
      for (const name of handle.state().index.listeners.keys()) send(name, 1);
      later(60_000, comeBack);
    };
    later(60_000, comeBack);
    if (this.#options.interference === false) return cancels;
    this.#cancelNow = cancel;
    this.#cancelAtAppend = random() < 0.1 ? 2 + whole(random, 15) : 0;
    if (random() < 0.15) {
      later(whole(random, 2000), () => {
        if (random() < 0.5) cancel();
        else void ports.journal.request(this.#run, this.#clock.now(), { kind: "cancel" });
        if (random() < 0.2) later(whole(random, 50), cancel);
      });
    }
    const changes = random() < 0.3 ? 1 + whole(random, 3) : 0;
    for (let change = 0; change < changes; change++) {
      later(whole(random, 2000), () => {
        const asked = { maxConcurrency: 1 + whole(random, 4), by: "person" };
        if (random() < 0.5) handle.setConcurrency(asked);
        else void ports.journal.request(this.#run, this.#clock.now(), { kind: "set-concurrency", ...asked });
      });
    }
    if (random() < 0.15) {
      later(whole(random, 1000), () => {
        handle.pause("lunch");
        later(whole(random, 3000), () => handle.unpause());
      });
    }
    return cancels;
  }

  /** Nobody holds the run: answers go straight to its history. */
  async #answerAll(): Promise<void> {
    const engine = this.#newEngine();
    const ports = this.#ports(engine, () => undefined, false, false);
    for (const [name, steps] of this.#state().index.listeners) {
      for (const step of steps) {
        const signal = { signal: name, value: step, by: "person", id: `signal ${++this.#sent}` };
        const sent = recordRequest(ports, this.#run, { kind: "signal", ...signal });
        await this.#drive(sent, new Promise<"crashed">(() => undefined));
      }
    }
    const asked = this.#store.runs.get(this.#run)?.events.filter(({ type }) => type === "approval.requested") ?? [];
    for (const event of asked) {
      if (event.type !== "approval.requested") continue;
      const decision = this.#random() < 0.7 ? "approve" : "reject";
      const answer = answerTo(event.data.about, decision);
      const answered = recordRequest(ports, this.#run, { kind: "answer", step: event.step, ...answer });
      await this.#drive(answered, new Promise<"crashed">(() => undefined));
    }
    engine.isDead = true;
  }

  /** Lets the world go on until `wanted` is there or the engine is dead. */
  async #drive<T>(wanted: Promise<T>, crashed: Promise<"crashed">): Promise<T | "crashed"> {
    let outcome: { readonly value: T | "crashed" } | { readonly thrown: unknown } | undefined;
    const race: Promise<T | "crashed"> = Promise.race([wanted, crashed]);
    race.then(
      (value) => (outcome = { value }),
      (thrown: unknown) => (outcome = { thrown }),
    );
    const until = this.#clock.now() + LONGEST_STAY_MS;
    let turns = 0;
    let moment = 0;
    for (;;) {
      await settle();
      if (outcome !== undefined) break;
      turns = this.#clock.now() === moment ? turns + 1 : 0;
      moment = this.#clock.now();
      if (turns > MOST_TURNS) throw new BugError("the engine spins: time stands still for ever");
      if (this.#clock.now() > until || !this.#clock.advance()) throw new BugError("the run is stuck (R2)");
    }
    const settled = present(
      outcome as { readonly value: T | "crashed" } | { readonly thrown: unknown } | undefined,
      "outcome",
    );
    if ("thrown" in settled) throw settled.thrown;
    return settled.value;
  }
}

/** The stored history of a memory journal, for comparisons. */
export function historyText(events: readonly Event[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}
