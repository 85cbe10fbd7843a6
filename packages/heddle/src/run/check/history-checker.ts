/**
 * History checker: checks the rules of every history, event by event, with its own state: it shares no code with `apply`
 * and `decide`, so that it can find their bugs. Also runs in production: each event costs time proportional to its
 * step's deps.
 */
import { buildGraph } from "../../graph/build.ts";
import type { Plan, Step } from "../../plan/plan.ts";
import type { Event, EventOf, RunOptions } from "../event.ts";
import { MergeChain } from "./merge-chain.ts";
import { OpenLayers } from "./open-layers.ts";
import { type Around, NONE_AROUND, SlotsInUse } from "./slots-in-use.ts";
import { startProblems } from "./start-checks.ts";
import { isWaitRow, WaitChecks } from "./wait-checks.ts";
import {
  isClosed,
  isEarlierFailure,
  isFine,
  isKept,
  isToleratedRow,
  isUnderWay,
  takesItem,
  waitingRow,
  type CheckedStep,
  type Rule,
  type Status,
  type RuleViolation,
} from "./rules.ts";

/** Checks a history as it grows. Feed it every event in order; it answers with what each one breaks. */
export class HistoryChecker {
  readonly #rows = new Map<string, CheckedStep>();
  /** Attempts of steps that left the run, by id. */
  readonly #past = new Map<string, number>();
  #slots = new SlotsInUse();
  #plan: Plan | undefined;
  #options: RunOptions | undefined;
  #seq = 0;
  #paused = false;
  /** Steps were undone since the run was taken up last. */
  #isUndone = false;
  #ended = false;
  #succeeded = false;
  #fatal = 0;
  readonly #layers = new OpenLayers();
  readonly #waits = new WaitChecks();
  #found: RuleViolation[] = [];
  #version = 1;
  #merges = new MergeChain(undefined);

  /** Version of the rules that the run was recorded under. */
  get version(): number {
    return this.#version;
  }

  /** The rules that this event breaks; none for a sound history. */
  next(event: Event): readonly RuleViolation[] {
    this.#found = [];
    if (event.seq !== this.#seq + 1) this.#report(event, "gapless", `event ${event.seq} follows event ${this.#seq}`);
    this.#seq = event.seq;
    if ((event.type === "run.created") !== (this.#plan === undefined)) {
      this.#report(event, "created-first", `${event.type} is event ${event.seq}`);
      return this.#found;
    }
    this.#checkQuiet(event);
    if ("step" in event) this.#onStep(event);
    else this.#onRun(event);
    return this.#found;
  }

  /** `message`: absent, nothing is wrong. */
  #report(event: Event, rule: Rule, message: string | undefined): void {
    if (message !== undefined) this.#found.push({ rule, seq: event.seq, message });
  }

  #reportAll(event: Event, broken: readonly (readonly [Rule, string])[]): void {
    for (const [rule, message] of broken) this.#report(event, rule, message);
  }

  #checkQuiet(event: Event): void {
    if (event.type === "run.landed" || event.type === "landing.refused") {
      if (!this.#succeeded) this.#report(event, "quiet-end", `${event.type} of a run that has not succeeded`);
      if (event.type === "run.landed") this.#report(event, "landed", this.#merges.land(event.data));
      return;
    }
    if (!this.#ended) return;
    const allowed =
      event.type === "run.resumed" || event.type.startsWith("rollback.") || event.type === "step.rolledback";
    if (!allowed) this.#report(event, "quiet-end", `${event.type} after the run had ended`);
  }

  #onRun(event: Exclude<Event, { readonly step: string }>): void {
    switch (event.type) {
      case "run.created":
        this.#plan = event.data.plan;
        this.#options = event.data.options;
        this.#version = event.data.rules ?? 1;
        this.#merges = new MergeChain(event.data.begin ?? event.data.gitHead);
        this.#addPlan(event.data.plan, new Map());
        return;
      case "run.resumed":
        this.#onResumed(event);
        return;
      case "run.options":
        return void (this.#options &&= { ...this.#options, maxConcurrency: event.data.maxConcurrency });
      case "run.paused":
      case "run.unpaused":
        this.#paused = event.type === "run.paused";
        return;
      case "run.succeeded":
        this.#report(event, "onto", this.#merges.gap());
        this.#onEnd(event);
        return;
      case "run.failed":
      case "run.cancelled":
        this.#onEnd(event);
        return;
      case "signal.received":
        return this.#waits.received(event);
      case "rollback.started":
        if (!this.#ended) this.#checkAlways(event);
        this.#isUndone = true;
        this.#succeeded = false;
        return;
      default:
        return;
    }
  }

  #add(step: Step, origin: string | undefined, container: string | undefined, layer: number): void {
    // Under the first version of the rules the attempts of a step that came back were counted from 1 again.
    const attempts = this.#version >= 2 ? (this.#past.get(step.id) ?? 0) : 0;
    this.#rows.set(step.id, waitingRow(step, { origin, container, layer, attempts }));
  }

  #addPlan(plan: Plan, kept: ReadonlyMap<string, CheckedStep>): void {
    this.#plan = plan;
    // Layers bind only a run in layers: others do not pay for the graph.
    const graph = this.#options?.schedule === "layers" ? buildGraph(plan.steps) : undefined;
    plan.steps.forEach((step, at) => {
      const layer = graph?.ok === true ? (graph.value.layerOf[at] ?? -1) : -1;
      const row = kept.get(step.id);
      if (row === undefined || row.origin !== undefined) this.#add(step, undefined, undefined, layer);
      else this.#rows.set(step.id, { ...row, step, layer });
    });
    this.#layers.reset(this.#rows.values());
  }

  #become(row: CheckedStep, status: Status): void {
    this.#layers.change(row.layer, Number(isClosed(row.status)) - Number(isClosed(status)));
    const around = row.container === undefined ? undefined : this.#rows.get(row.container)?.items;
    if (around) around.open += Number(takesItem(row, status)) - Number(takesItem(row, row.status));
    row.status = status;
  }

  #onEnd(event: EventOf<"run.succeeded" | "run.failed" | "run.cancelled">): void {
    const { running } = this.#slots;
    if (running > 0) this.#report(event, "quiet-end", `${event.type} while ${running} attempts ran`);
    if (event.type === "run.succeeded" && this.#fatal > 0)
      this.#report(event, "outcome", `run.succeeded with ${this.#fatal} failed steps`);
    else if (event.type === "run.succeeded" && running === 0) this.#checkAllEnded(event);
    if (event.type === "run.failed" && this.#fatal === 0 && event.data.reason === undefined) {
      this.#report(event, "outcome", "run.failed without a failed step or a reason");
    }
    // What was undone since is for the next resume.
    if (!this.#isUndone) this.#checkAlways(event);
    this.#ended = true;
    this.#succeeded = event.type === "run.succeeded";
  }

  #checkAlways(event: Event): void {
    for (const { step, status } of this.#rows.values()) {
      if (step.always !== true || isClosed(status)) continue;
      this.#report(event, "always-ended", `${event.type} although ${step.id}, which is always to run, is ${status}`);
      return;
    }
  }

  #checkAllEnded(event: Event): void {
    for (const row of this.#rows.values()) {
      const isLost = this.#options?.only === undefined && isEarlierFailure(row);
      if (row.container !== undefined || (isFine(row) && !isLost)) continue;
      this.#report(
        event,
        "all-ended",
        `run.succeeded although ${row.step.id} ${isLost ? "failed earlier" : `is ${row.status}`}`,
      );
      return;
    }
  }

  #onResumed(event: EventOf<"run.resumed">): void {
    this.#ended = false;
    this.#isUndone = false;
    this.#succeeded = false;
    this.#paused = false;
    // What ran has been ended, also of steps that are in the run no more.
    this.#slots = new SlotsInUse();
    const inLayersNow = event.data.options?.schedule === "layers" && this.#options?.schedule !== "layers";
    if (event.data.options) this.#options = event.data.options;
    const plan = event.data.plan ?? (inLayersNow ? this.#plan : undefined);
    if (plan) this.#adopt(plan);
    const reset = this.#withoutLostOrigins(new Set(event.data.reset));
    this.#reopenContainers();
    for (const [id, row] of this.#rows) {
      const around = row.container === undefined ? undefined : this.#rows.get(row.container);
      if (around !== undefined && isClosed(around.status)) continue;
      if (isKept(row) && !reset.has(id)) continue;
      if (row.items !== undefined && !reset.has(id)) {
        this.#become(row, "reopened");
        continue;
      }
      row.items = undefined;
      this.#become(row, "waiting");
      row.skip = undefined;
      row.base = row.attempts;
    }
    this.#fatal = 0;
    this.#layers.reset(this.#rows.values());
    for (const row of this.#rows.values())
      if (row.status === "retrying" && this.#isHeldUp(row)) this.#become(row, "waiting");
  }

  /** A step that waited for its next attempt waits for its layer where a step that was added to an earlier one runs again. */
  #mayWait({ status }: CheckedStep): boolean {
    return status === "waiting" || (status === "retrying" && this.#options?.schedule === "layers");
  }

  /** Whether something that the step, or its layer, comes after is to run again. */
  #isHeldUp({ step, layer }: CheckedStep): boolean {
    const before = [...(step.deps ?? []), ...(step.after ?? [])];
    if (before.some((id) => !isClosed(this.#rows.get(id)?.status ?? "waiting"))) return true;
    return this.#options?.schedule === "layers" && layer > this.#layers.first();
  }

  /**
   * Steps that were added by one that starts again, changed or undone, are removed with it. Origins are in the table
   * before what they added.
   */
  #withoutLostOrigins(reset: ReadonlySet<string>): ReadonlySet<string> {
    const anew = new Set(reset);
    for (const [id, row] of this.#rows) {
      const { origin } = row;
      if (origin === undefined) continue;
      const from = this.#rows.get(origin);
      if (from !== undefined && !anew.has(origin) && from.status !== "waiting") continue;
      // Gives back its place among the items of its container.
      this.#become(row, "waiting");
      this.#past.set(id, row.attempts);
      this.#rows.delete(id);
      anew.add(id);
    }
    return anew;
  }

  /** A container with a step that was undone ends again when it has. */
  #reopenContainers(): void {
    for (const row of this.#rows.values()) {
      if (row.status !== "waiting") continue;
      for (let id = row.container; id !== undefined;) {
        const around: CheckedStep | undefined = this.#rows.get(id);
        if (around?.status === "satisfied") this.#become(around, "reopened");
        id = around?.container;
      }
    }
  }

  #adopt(plan: Plan): void {
    const kept = new Map(this.#rows);
    for (const [id, { attempts }] of kept) this.#past.set(id, attempts);
    this.#rows.clear();
    this.#addPlan(plan, kept);
    for (const [id, row] of kept) {
      if (row.origin === undefined || this.#rows.has(id) || !this.#rows.has(row.origin)) continue;
      const before = [...(row.step.deps ?? []), ...(row.step.after ?? [])];
      if (before.every((name) => this.#rows.has(name) || kept.get(name)?.origin === row.origin))
        this.#rows.set(id, row);
    }
  }

  #onStep(event: Extract<Event, { readonly step: string }>): void {
    const row = this.#rows.get(event.step);
    if (row === undefined) {
      this.#report(event, "known-step", `${event.type} names ${JSON.stringify(event.step)}, which is not in the run`);
      return;
    }
    switch (event.type) {
      case "step.started":
        this.#onStarted(event, row);
        return;
      case "timer.set":
      case "timer.fired":
        return this.#reportAll(event, this.#waits.timer(row, event));
      case "approval.requested":
        if (event.data.about === "permission") {
          this.#checkRunning(event, row);
          row.asks = true;
          return;
        }
        if (event.data.about === "step") this.#checkStart(event, row);
        if (event.data.about === "conflict" || event.data.about === "question") this.#endQuestion(event, row);
        row.attempts = event.attempt;
        this.#become(row, "waiting-for-answer");
        this.#checkItems(event, row);
        return;
      case "approval.given":
        if (row.status !== "waiting-for-answer" && !(row.status === "running" && row.asks))
          this.#report(event, "start-before-end", `${event.step} was answered and not asked`);
        row.asks = false;
        if (
          row.status === "waiting-for-answer" &&
          event.data.decision === "approve" &&
          row.step.action.kind !== "approve"
        ) {
          row.base = row.attempts;
          this.#become(row, "waiting");
        }
        return;
      case "worktree.merged":
        this.#report(event, "onto", this.#merges.add(event.data));
        return this.#checkRunning(event, row);
      case "worktree.created":
      case "worktree.conflicted":
      case "worktree.removed":
      case "usage.recorded":
      case "lesson.recorded":
        this.#checkRunning(event, row);
        return;
      case "step.succeeded":
      case "step.failed":
      case "step.cancelled":
        this.#onEnded(event, row);
        return;
      case "step.examined":
        if (!this.#mayWait(row))
          this.#report(event, "start-before-end", `${event.step} was examined while ${row.status}`);
        return;
      case "step.cached":
      case "step.reused":
        this.#become(row, "satisfied");
        return;
      case "step.skipped":
        this.#onSkipped(event, row);
        return;
      case "steps.added":
        this.#onAdded(event, row);
        return;
      case "step.rolledback":
        if (row.status !== "satisfied")
          this.#report(event, "start-before-end", `${event.step} was undone and had not succeeded`);
        row.items = undefined;
        this.#become(row, "waiting");
        return;
      default:
        return;
    }
  }

  #checkRunning(event: Extract<Event, { readonly attempt: number }>, row: CheckedStep): void {
    if (row.status !== "running" || event.attempt !== row.attempts)
      this.#report(event, "start-before-end", `${event.type} of attempt ${event.attempt}, which does not run`);
  }

  /** The attempt is over, and a person is asked about its work, or for an answer that it needs. */
  #endQuestion(event: EventOf<"approval.requested">, row: CheckedStep): void {
    if (row.status === "running" && event.attempt === row.attempts) this.#slots.exit(row.step);
    else this.#report(event, "start-before-end", `a question of ${event.step}, which does not run`);
  }

  #onAdded(event: EventOf<"steps.added">, row: CheckedStep): void {
    const isContainer = event.data.kind === "children";
    if (row.status !== "running")
      this.#report(event, "start-before-end", `${event.step} added steps while ${row.status}`);
    for (const step of event.data.steps) {
      if (this.#rows.has(step.id)) this.#report(event, "known-step", `${step.id} was added twice`);
      this.#add(step, event.step, isContainer ? event.step : row.container, -1);
    }
    const around = row.container === undefined ? undefined : this.#rows.get(row.container)?.items;
    if (!isContainer) {
      around?.ids.push(...event.data.steps.map(({ id }) => id));
      return;
    }
    row.items = { most: event.data.maxConcurrency ?? Infinity, open: 0, ids: event.data.steps.map(({ id }) => id) };
    row.settings = event.data.settings;
    this.#become(row, "expanded");
  }

  #onStarted(event: EventOf<"step.started">, row: CheckedStep): void {
    this.#checkStart(event, row);
    if (this.#paused) this.#report(event, "paused", `${event.step} started in a paused run`);
    const policy = row.step.retry?.attempts ?? 1;
    if (event.attempt - row.base > policy) {
      this.#report(event, "retry-policy", `${event.step} started attempt ${event.attempt - row.base} of ${policy}`);
    }
    row.attempts = event.attempt;
    row.asks = false;
    const waits = isWaitRow(row);
    this.#become(row, waits ? "suspended" : "running");
    this.#checkItems(event, row);
    if (waits) this.#waits.started(row, event);
    else this.#takeSlots(event, row);
  }

  #takeSlots(event: Event, row: CheckedStep): void {
    const around = this.#around(row);
    // After a resume an open container has its locks and pools again before anything in it starts.
    for (const { id, holds } of around.toReversed()) {
      const container = holds ? this.#rows.get(id) : undefined;
      if (container !== undefined && !this.#slots.has(id)) this.#takeSlots(event, container);
    }
    const taker = { step: row.step, around, isHold: this.#holds(row) };
    for (const [rule, message] of this.#slots.enter(taker, this.#options, this.#plan))
      this.#report(event, rule, message);
  }

  /** A step that stands for a plan has its locks and pools while it is open. */
  #holds({ step }: CheckedStep): boolean {
    const { action, forEach, resources, locks } = step;
    if (this.#version < 3 || action.kind !== "plan" || forEach !== undefined) return false;
    return resources !== undefined || locks !== undefined;
  }

  /** The containers around a step, from inside out. */
  #around(row: CheckedStep): readonly Around[] {
    if (row.container === undefined) return NONE_AROUND;
    const found: Around[] = [];
    for (let at: string | undefined = row.container; at !== undefined;) {
      const container = this.#rows.get(at);
      if (container === undefined) break;
      found.push({ id: at, step: container.step, settings: container.settings, holds: this.#holds(container) });
      at = container.container;
    }
    return found;
  }

  #checkItems(event: Event, row: CheckedStep): void {
    const items = row.container === undefined ? undefined : this.#rows.get(row.container)?.items;
    if (items && items.open > items.most)
      this.#report(event, "items", `${items.open} items of ${row.container ?? ""} are under way, ${items.most} may`);
  }

  #checkStart(event: EventOf<"step.started" | "approval.requested">, row: CheckedStep): void {
    const openLayer = this.#options?.schedule === "layers" ? this.#layers.first() : undefined;
    this.#reportAll(event, startProblems(event, row, { rows: this.#rows, openLayer }));
  }

  #onEnded(event: EventOf<"step.succeeded" | "step.failed" | "step.cancelled">, row: CheckedStep): void {
    const open =
      isUnderWay(row.status) ||
      row.status === "retrying" ||
      row.status === "reopened" ||
      (event.type !== "step.succeeded" && row.status === "waiting");
    if (!open || event.attempt !== row.attempts) {
      this.#report(
        event,
        "start-before-end",
        `${event.type} of attempt ${event.attempt} of ${event.step}, which is ${row.status} with ${row.attempts} attempts`,
      );
    }
    this.#slots.exit(row.step);
    if (event.type === "step.succeeded") this.#checkChildren(event, row);
    this.#reportAll(event, this.#waits.ended(row, event));
    if (event.type === "step.succeeded") this.#become(row, "satisfied");
    else if (event.type === "step.cancelled") this.#become(row, "cancelled");
    else if (event.data.willRetry) this.#become(row, "retrying");
    else {
      this.#become(row, "failed");
      if (!isToleratedRow(row, this.#rows)) this.#fatal++;
    }
  }

  #checkChildren(event: EventOf<"step.succeeded">, row: CheckedStep): void {
    if (row.status !== "expanded" && row.status !== "reopened") return;
    for (const id of row.items?.ids ?? []) {
      const child = this.#rows.get(id);
      if (child === undefined || child.container !== event.step || isFine(child)) continue;
      this.#report(event, "container-outcome", `${event.step} succeeded although ${id} is ${child.status}`);
      return;
    }
  }

  #onSkipped(event: EventOf<"step.skipped">, row: CheckedStep): void {
    if (!this.#mayWait(row)) this.#report(event, "start-before-end", `${event.step} was skipped while ${row.status}`);
    const { reason } = event.data;
    const cause = reason.kind === "dependency" ? (this.#rows.get(reason.cause)?.status ?? "unknown") : "failed";
    if (reason.kind === "dependency" && !["failed", "cancelled", "skipped"].includes(cause))
      this.#report(event, "skip-cause", `${event.step} was skipped because of ${reason.cause}, which is ${cause}`);
    if (reason.kind === "dependency" && row.step.always === true)
      this.#report(event, "always-ended", `${event.step}, which is always to run, was skipped for ${reason.cause}`);
    this.#become(row, reason.kind === "up-to-date" ? "satisfied" : "skipped");
    row.skip = reason;
  }
}

/** Every violation in a whole history. */
export function checkHistory(events: Iterable<Event>): readonly RuleViolation[] {
  const checker = new HistoryChecker();
  const violations: RuleViolation[] = [];
  for (const event of events) violations.push(...checker.next(event));
  return violations;
}
