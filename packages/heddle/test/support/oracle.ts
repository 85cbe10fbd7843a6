/**
 * What must hold of every simulated run, written down apart from the engine: it sees what reached the disk, what was told and
 * what was carried out, and shares no code with `decide`, `apply` or the invariants' checker.
 *
 *  1. Recorded first: an attempt is carried out only after its `step.started` is on disk, and is the step's newest; nobody is
 *     told an event that is not on disk; what is told is gapless and in order.
 *  2. Never again: nothing is carried out for a step whose success stands on disk (was not undone or reset since).
 *  3. Order: when an attempt is carried out, every dep's success stands on disk (or it was skipped by its condition), every
 *     `after` has ended on disk.
 *  4. Limits: at no instant more attempts, agents, pool units, lock holders or items at once than allowed, in the run as it
 *     was set last and in each plan inside it; what is inside a step with locks or pools is alone with them.
 *  5. One engine: an engine that was refused, or whose append failed, carries out nothing more; attempts of a dead engine are
 *     gone before a new one carries out its first.
 *  6. Inputs: an attempt is handed the recorded outputs of what it comes after, no more.
 *  7. End: when the run ends nothing of it is alive; a success on disk has an effect that happened; outputs are the effects'.
 *  8. Containers: one that succeeds has no child that did not succeed, was not skipped and did not fail as optional.
 *  9. Words are heard: after a cancel every attempt is asked to stop at once, whatever the engine was doing; those of steps that are
 *     always to run, and of what is inside of them, are not.
 * 10. Always: when the run ends, each step of its plan that is always to run has ended.
 */
import { canonicalJson, type Json } from "../../src/base/json.ts";
import { GlobOverlaps } from "../../src/plan/glob/overlap.ts";
import type { Step } from "../../src/plan/plan.ts";
import type { Event, RunOptions, SubplanSettings } from "../../src/run/event.ts";
import type { Task } from "../../src/run/attempt.ts";

/** An attempt that is being carried out. */
export interface Alive {
  readonly engine: number;
  readonly task: Task;
  readonly isUndo: boolean;
}

type Standing = "none" | "started" | "success" | "skipped" | "doomed" | "failed" | "cancelled";

/** What the engine does itself. */
const NO_EFFECT: ReadonlySet<string> = new Set(["plan", "approve", "sleep", "signal"]);

interface Known {
  step: Step;
  standing: Standing;
  attempt: number;
  output: Json | undefined;
  /** Container around it, and the step that it came from. */
  readonly container: string | undefined;
  readonly origin: string | undefined;
  /** Items at once, of a container. */
  most: number;
  /** Of a plan inside a step: what it says of its own steps. */
  settings: SubplanSettings;
}

export class Oracle {
  readonly violations: string[] = [];
  readonly #known = new Map<string, Known>();
  /** Successful effects by step and attempt, outside the journal. */
  readonly #effects = new Map<string, Json>();
  readonly #alive: ReadonlySet<Alive>;
  #options: RunOptions | undefined;
  #pools: { readonly [pool: string]: number } = {};
  #takesTurns = false;
  readonly #overlaps = new GlobOverlaps();
  #onDisk = 0;
  #hasEnded = false;
  #isUndone = false;

  constructor(alive: ReadonlySet<Alive>) {
    this.#alive = alive;
  }

  #fail(text: string): void {
    if (this.violations.length < 10) this.violations.push(text);
  }

  /** Events reached the disk. */
  stored(events: readonly Event[]): void {
    for (const event of events) {
      if (event.seq !== this.#onDisk + 1) this.#fail(`event ${event.seq} was stored after event ${this.#onDisk}`);
      this.#onDisk = event.seq;
      this.#learn(event);
    }
  }

  /** Somebody was told; `last` is the number of the event told before to the same listener. */
  told(event: Event, last: number): void {
    if (event.seq > this.#onDisk) this.#fail(`event ${event.seq} (${event.type}) was told and is not on disk`);
    if (last !== 0 && event.seq !== last + 1) this.#fail(`event ${event.seq} was told after event ${last}`);
  }

  /** An attempt begins to be carried out; it is not among the alive yet. */
  carriedOut(begun: Alive, isCurrent: boolean): void {
    const { task, engine } = begun;
    const { id } = task.step;
    const name = `attempt ${task.attempt} of ${id}`;
    const known = this.#known.get(id);
    if (!isCurrent) this.#fail(`${name} was carried out by an engine that may not act any more`);
    if (this.#hasEnded && !begun.isUndo) this.#fail(`${name} was carried out after the run's end`);
    for (const other of this.#alive) {
      if (other.engine !== engine)
        this.#fail(`${name} was carried out while ${other.task.step.id} of a dead engine was alive`);
      if (other.task.step.id === id) this.#fail(`${name} was carried out while another attempt of it was alive`);
    }
    if (known === undefined) return this.#fail(`${name} was carried out and is not on disk`);
    if (begun.isUndo) {
      if (known.standing !== "success") this.#fail(`${id} was undone and is ${known.standing}`);
      return;
    }
    if (known.standing === "success") this.#fail(`${name} was carried out after its success was recorded (R1)`);
    else if (known.standing !== "started" || known.attempt !== task.attempt) {
      this.#fail(`${name} was carried out while the disk says ${known.standing} ${known.attempt}`);
    }
    this.#checkOrder(task, name);
    this.#checkLimits(begun, name);
  }

  #checkOrder(task: Task, name: string): void {
    const container = this.#known.get(task.step.id)?.container;
    const prefix = this.#prefixOf(container);
    const inside = (id: string): string => (id.startsWith(prefix) ? id.slice(prefix.length) : id);
    const outputs: [string, Json][] = [];
    for (const id of task.step.deps ?? []) {
      const dep = this.#known.get(id);
      const isEnded = dep !== undefined && dep.standing !== "none" && dep.standing !== "started";
      if (task.step.always === true ? !isEnded : dep?.standing !== "success" && dep?.standing !== "skipped")
        this.#fail(`${name} was carried out while its dep ${id} is ${dep?.standing ?? "unknown"} (R3)`);
      if (dep?.standing === "success") outputs.push([inside(id), dep.output ?? null]);
    }
    for (const id of task.step.after ?? []) {
      const standing = this.#known.get(id)?.standing;
      if (standing === undefined || standing === "none" || standing === "started")
        this.#fail(`${name} was carried out before ${id} ended (R3)`);
      if (standing === "success" && !task.step.deps?.includes(id))
        outputs.push([inside(id), this.#known.get(id)?.output ?? null]);
    }
    for (const id of task.step.reads ?? []) {
      const read = this.#known.get(id);
      if (read?.standing === "success") outputs.push([inside(id), read.output ?? null]);
    }
    if (canonicalJson(Object.fromEntries(outputs)) !== canonicalJson(task.deps)) {
      this.#fail(
        `${name} was handed ${canonicalJson(task.deps)} and its deps gave ${canonicalJson(Object.fromEntries(outputs))}`,
      );
    }
  }

  /** The nearest `plan` container's id and a slash: what ids inside it begin with. */
  #prefixOf(container: string | undefined): string {
    for (let id = container; id !== undefined; id = this.#known.get(id)?.container) {
      const step = this.#known.get(id)?.step;
      if (step?.action.kind === "plan" && step.forEach === undefined) return `${id}/`;
    }
    return "";
  }

  #checkLimits(begun: Alive, name: string): void {
    const tasks = [...this.#alive, begun].filter(({ isUndo }) => !isUndo).map(({ task }) => task);
    const { maxConcurrency = 0, maxAgents = 0 } = this.#options ?? {};
    if (tasks.length > maxConcurrency)
      this.#fail(`${name}: ${tasks.length} attempts at once, ${maxConcurrency} allowed (R11)`);
    const agents = tasks.filter(({ step }) => step.action.kind === "agent").length;
    if (agents > maxAgents) this.#fail(`${name}: ${agents} agents at once, ${maxAgents} allowed (R11)`);
    for (const [pool, capacity] of Object.entries(this.#pools)) {
      const units = tasks.reduce((sum, { step }) => sum + (step.resources?.[pool] ?? 0), 0);
      if (units > capacity) this.#fail(`${name}: ${units} of ${capacity} ${pool} in use (R11)`);
    }
    for (const lock of begun.task.step.locks?.write ?? []) {
      const others = tasks.filter(
        ({ step }) =>
          step !== begun.task.step && (step.locks?.write?.includes(lock) || step.locks?.read?.includes(lock)),
      );
      if (others.length > 0)
        this.#fail(`${name}: wrote ${lock} beside ${others.map(({ step }) => step.id).join(", ")} (R11)`);
    }
    for (const lock of begun.task.step.locks?.read ?? []) {
      const writers = tasks.filter(({ step }) => step !== begun.task.step && step.locks?.write?.includes(lock));
      if (writers.length > 0) this.#fail(`${name}: read ${lock} beside its writer ${writers[0]?.step.id ?? ""} (R11)`);
    }
    this.#checkAround(tasks, name);
    const wanted = this.#takesTurns ? (begun.task.step.writes ?? []) : [];
    for (const { step } of tasks) {
      if (step === begun.task.step) continue;
      const shared = step.writes?.find((glob) => wanted.some((other) => this.#overlaps.has(glob, other)));
      if (shared !== undefined) this.#fail(`${name}: may write ${shared} beside ${step.id} (R11)`);
    }
    const container = this.#known.get(begun.task.step.id)?.container;
    const most = this.#known.get(container ?? "")?.most ?? Infinity;
    const siblings = tasks.filter(({ step }) => this.#known.get(step.id)?.container === container);
    if (container !== undefined && siblings.length > most)
      this.#fail(`${name}: ${siblings.length} items of ${container} at once, ${most} allowed (R11)`);
  }

  /** The containers around a step, from inside out. */
  #around(id: string): readonly string[] {
    const found: string[] = [];
    for (let at = this.#known.get(id)?.container; at !== undefined; at = this.#known.get(at)?.container) found.push(at);
    return found;
  }

  #checkAround(tasks: readonly Task[], name: string): void {
    const inside = new Map<string, Task[]>();
    for (const task of tasks)
      for (const container of this.#around(task.step.id))
        inside.set(container, [...(inside.get(container) ?? []), task]);
    for (const [container, list] of inside) {
      const {
        maxConcurrency = Infinity,
        maxAgents = Infinity,
        resources = {},
      } = this.#known.get(container)?.settings ?? {};
      const agents = list.filter(({ step }) => step.action.kind === "agent").length;
      if (list.length > maxConcurrency || agents > maxAgents)
        this.#fail(`${name}: ${list.length} attempts and ${agents} agents at once in ${container} (R11)`);
      for (const [pool, capacity] of Object.entries(resources)) {
        const units = list.reduce((sum, { step }) => sum + (step.resources?.[pool] ?? 0), 0);
        if (units > capacity) this.#fail(`${name}: ${units} of ${capacity} ${pool} in use in ${container} (R11)`);
      }
      this.#checkHold(container, list, tasks, name);
    }
  }

  /** Whose plan is at work has the locks of the step alone, and its units of the pools. */
  #checkHold(container: string, list: readonly Task[], tasks: readonly Task[], name: string): void {
    const step = this.#known.get(container)?.step;
    if (step === undefined || step.forEach !== undefined) return;
    const outside = tasks.filter((task) => !list.includes(task));
    const writers = new Set(step.locks?.write);
    const all = new Set([...writers, ...(step.locks?.read ?? [])]);
    for (const other of outside) {
      const steps = [other.step, ...this.#around(other.step.id).flatMap((id) => this.#known.get(id)?.step ?? [])];
      for (const { id, locks, forEach } of steps) {
        if (forEach !== undefined || this.#around(container).includes(id)) continue;
        const meets = locks?.write?.some((lock) => all.has(lock)) || locks?.read?.some((lock) => writers.has(lock));
        if (meets) this.#fail(`${name}: ${other.step.id} is beside ${container}, which holds a lock of ${id} (R11)`);
      }
    }
    for (const [pool, units] of Object.entries(step.resources ?? {})) {
      const used = list.reduce((sum, task) => sum + (task.step.resources?.[pool] ?? 0), 0);
      if (used > units) this.#fail(`${name}: ${used} of ${units} ${pool} that ${container} holds in use (R11)`);
    }
  }

  /** An attempt's effect happened. */
  happened(step: string, attempt: number, output: Json): void {
    this.#effects.set(`${step} ${attempt}`, output);
  }

  /** An attempt came to its own end although its engine had been cancelled. */
  deaf({ task }: Alive): void {
    const around = this.#around(task.step.id).flatMap((id) => this.#known.get(id)?.step ?? []);
    if ([task.step, ...around].some(({ always }) => always === true)) return;
    this.#fail(`${task.step.id} ran to its own end after a cancel`);
  }

  /** The engine says that the run has come to its end. */
  ended(outputs: Readonly<Record<string, Json>>): void {
    for (const { task } of this.#alive) this.#fail(`${task.step.id} was alive when the run had ended`);
    for (const [id, { step, standing, container }] of this.#known)
      if (
        step.always === true &&
        container === undefined &&
        (standing === "none" || standing === "started") &&
        !this.#isUndone
      )
        this.#fail(`${id} is always to run, and is ${standing} when the run has ended`);
    for (const [id, known] of this.#known) {
      if (known.standing === "success" && canonicalJson(outputs[id]) !== canonicalJson(known.output))
        this.#fail(`the result's output of ${id} is not the recorded one`);
      if (known.standing !== "success" && id in outputs)
        this.#fail(`the result has an output of ${id}, which is ${known.standing}`);
    }
  }

  #learn(event: Event): void {
    switch (event.type) {
      case "run.created":
        this.#options = event.data.options;
        this.#pools = event.data.plan.resources ?? {};
        this.#takesTurns = event.data.plan.agents?.conflicts === "serialize";
        for (const step of event.data.plan.steps) this.#meet(step, undefined, undefined);
        return;
      case "run.options":
        if (this.#options) this.#options = { ...this.#options, maxConcurrency: event.data.maxConcurrency };
        return;
      case "run.resumed":
        if (event.data.options) this.#options = event.data.options;
        this.#isUndone = false;
        return this.#learnResumed(event.data.reset);
      case "rollback.started":
        this.#isUndone = true;
        return;
      case "run.succeeded":
      case "run.failed":
      case "run.cancelled":
        this.#hasEnded = true;
        return;
      default:
        if ("step" in event) this.#learnStep(event);
    }
  }

  #meet(step: Step, container: string | undefined, origin: string | undefined): void {
    if (this.#known.has(step.id)) this.#fail(`${step.id} joined the run twice`);
    this.#known.set(step.id, {
      step,
      standing: "none",
      attempt: 0,
      output: undefined,
      container,
      origin,
      most: Infinity,
      settings: {},
    });
  }

  /** What did not succeed begins anew; what came from a step that was undone or reset is gone. */
  #learnResumed(reset: readonly string[]): void {
    this.#hasEnded = false;
    const anew = new Set(reset);
    for (const [id, known] of this.#known) {
      if (known.origin === undefined) continue;
      const origin = this.#known.get(known.origin);
      if (origin === undefined || anew.has(known.origin) || origin.standing === "none") {
        this.#known.delete(id);
        anew.add(id);
      }
    }
    for (const [id, known] of this.#known) {
      const isKept = (known.standing === "success" || known.standing === "skipped") && !anew.has(id);
      if (isKept || this.#hasChildren(id)) continue;
      known.standing = "none";
    }
  }

  #hasChildren(id: string): boolean {
    for (const { container } of this.#known.values()) if (container === id) return true;
    return false;
  }

  #learnStep(event: Extract<Event, { readonly step: string }>): void {
    const known = this.#known.get(event.step);
    if (known === undefined) return this.#fail(`${event.type} of ${event.step}, which is not in the run`);
    switch (event.type) {
      case "step.started":
      case "approval.requested":
        known.standing = "started";
        known.attempt = event.attempt;
        return;
      case "step.succeeded":
        known.standing = "success";
        known.output = event.data.output;
        this.#checkChildren(event.step);
        return this.#checkEffect(event.step, event.attempt, known);
      case "step.cached":
      case "step.reused":
        known.standing = "success";
        known.output = event.data.output;
        return;
      case "step.failed":
        known.standing = event.data.willRetry ? "none" : "failed";
        return;
      case "step.cancelled":
        known.standing = "cancelled";
        return;
      case "step.skipped":
        known.standing = event.data.reason.kind === "dependency" ? "doomed" : "skipped";
        return;
      case "step.rolledback":
        known.standing = "none";
        return;
      case "steps.added": {
        const isContainer = event.data.kind === "children";
        for (const step of event.data.steps) this.#meet(step, isContainer ? event.step : known.container, event.step);
        known.most = event.data.maxConcurrency ?? Infinity;
        known.settings = event.data.settings ?? {};
        return;
      }
      default:
        return;
    }
  }

  #checkChildren(container: string): void {
    for (const { step, standing, container: around } of this.#known.values()) {
      if (around !== container || standing === "success" || standing === "skipped" || standing === "doomed") continue;
      if (standing === "failed" && step.optional === true) continue;
      this.#fail(`${container} succeeded on disk although ${step.id} in it is ${standing}`);
    }
  }

  #checkEffect(id: string, attempt: number, { step, output }: Known): void {
    if (step.forEach !== undefined || NO_EFFECT.has(step.action.kind)) return;
    const effect = this.#effects.get(`${id} ${attempt}`);
    if (effect === undefined) this.#fail(`the success of ${id} was recorded and its effect never happened`);
    else if (canonicalJson(effect) !== canonicalJson(output))
      this.#fail(`the recorded output of ${id} is not what it gave`);
  }
}
