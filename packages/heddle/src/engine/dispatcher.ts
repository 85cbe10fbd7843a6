/**
 * Work that takes more than an event: attempts, expansions, conditions, undos. Records that it begins, has it carried out once
 * that is on disk, and tells the scheduler what came of it.
 */
import { unreachable } from "../base/assert.ts";
import type { Problem } from "../base/errors.ts";
import { ok, type Result } from "../base/result.ts";
import type { Step } from "../plan/plan.ts";
import { admit, confirmCondition } from "../run/apply.ts";
import { stepAt, type RunState } from "../run/state.ts";
import { addedSteps } from "./added-steps.ts";
import type { ConditionReader } from "./conditions.ts";
import { question, type WorkCommand } from "../run/command-events.ts";
import { errand } from "./background.ts";
import { expand } from "./expand.ts";
import type { LiveAttempts } from "./active-attempts.ts";
import type { News } from "../run/input-events.ts";
import { failure, type Circumstances } from "../run/outcome-events.ts";
import type { EnginePorts } from "./ports.ts";
import type { Recorder } from "./recorder.ts";
import { scopeOf, taskOf } from "../run/task.ts";
import type { Outcome, Note } from "../run/attempt.ts";

const NO_STEPS: Result<readonly Step[], string> = ok([]);

export interface LauncherOptions {
  readonly ports: EnginePorts;
  readonly state: RunState;
  readonly recorder: Recorder;
  readonly live: LiveAttempts;
  readonly conditions: ConditionReader;
  readonly circumstances: () => Circumstances;
  readonly tell: (news: News) => void;
  /** Calls `act` when what was recorded up to now is on disk. */
  readonly afterCommit: (act: () => void) => void;
  /** Called when work beside the loop cannot go on. */
  readonly onFault: (problem: Problem) => void;
}

export class Launcher {
  readonly #options: LauncherOptions;
  #undoing = false;
  #expanding = 0;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** An undo is being carried out. */
  get isUndoing(): boolean {
    return this.#undoing;
  }

  /** Steps are being found out that will join the run. */
  get isExpanding(): boolean {
    return this.#expanding > 0;
  }

  /** What was launched came to an end. */
  settled(news: News): void {
    if (news.kind === "expanded") this.#expanding--;
    if (news.kind === "undone") this.#undoing = false;
  }

  launch(command: WorkCommand): void {
    switch (command.kind) {
      case "start":
        return this.#start(command.step, command.attempt);
      case "expand":
        return this.#expand(command.step, command.attempt);
      case "evaluate":
        return this.#evaluate(command.step);
      case "admit":
        return admit(this.#options.state, command.step);
      case "ask":
        return this.#ask(command);
      case "undo":
        return this.#undo(command.step);
      default:
        unreachable(command);
    }
  }

  #start(index: number, attempt: number): void {
    const task = taskOf(this.#options.state, index, attempt);
    this.#options.recorder.record({ type: "step.started", step: task.step.id, attempt, data: {} });
    this.#options.afterCommit(() => {
      const onNote = (note: Note): void => this.#options.tell({ kind: "note", index, attempt, note });
      this.#options.live.dispatch(task, this.#limitOf(index, task.step), onNote, (outcome) => {
        if (outcome.kind === "succeeded" && outcome.steps !== undefined && outcome.steps.length > 0) {
          return errand(this.#prepareAdded(index, attempt, outcome, outcome.steps), this.#options.onFault);
        }
        this.#options.tell({ kind: "outcome", index, attempt, outcome, added: NO_STEPS });
      });
    });
  }

  async #prepareAdded(index: number, attempt: number, outcome: Outcome, wanted: readonly unknown[]): Promise<void> {
    this.#expanding++;
    const added = await addedSteps(this.#options.state, index, wanted);
    if (added.ok) await this.#options.conditions.prepare(added.value);
    this.#expanding--;
    this.#options.tell({ kind: "outcome", index, attempt, outcome, added });
  }

  /** What is left for this attempt: its own limit, or what the step's total leaves. */
  #limitOf(index: number, step: Step): number | undefined {
    if (step.timeoutMs === undefined && step.totalTimeoutMs === undefined) return undefined;
    const now = this.#options.ports.clock.now();
    const spent = now - (this.#options.state.firstStart[index] ?? now);
    return Math.min(step.timeoutMs ?? Infinity, Math.max(0, (step.totalTimeoutMs ?? Infinity) - spent));
  }

  #expand(index: number, attempt: number): void {
    const task = taskOf(this.#options.state, index, attempt);
    this.#options.recorder.record({ type: "step.started", step: task.step.id, attempt, data: {} });
    this.#expanding++;
    this.#options.afterCommit(() => {
      const expanded = expand(task, this.#options.ports).then(async (expansion) => {
        if (expansion.ok) await this.#options.conditions.prepare(expansion.value.steps);
        this.#options.tell({ kind: "expanded", index, attempt, expansion });
      });
      errand(expanded, this.#options.onFault);
    });
  }

  #evaluate(index: number): void {
    const step = stepAt(this.#options.state, index);
    const scope = scopeOf(taskOf(this.#options.state, index, 1), this.#options.ports.environment);
    const holds = this.#options.conditions.holds(step.if ?? "true", scope);
    if (holds.ok && holds.value) return confirmCondition(this.#options.state, index);
    if (holds.ok)
      return this.#options.recorder.record({
        type: "step.skipped",
        step: step.id,
        data: { reason: { kind: "condition" } },
      });
    this.#failToEvaluate(index, `its condition cannot be evaluated: ${holds.error}`);
  }

  #ask(command: Extract<WorkCommand, { readonly kind: "ask" }>): void {
    const { state, recorder, conditions, ports } = this.#options;
    const { id, action } = stepAt(state, command.step);
    if (command.about === "interrupt" || action.kind !== "approve") {
      return recorder.record(
        question(state, command, `heddle died while ${id} was running. Run it again?`, ports.clock.now()),
      );
    }
    const text = conditions.text(action.question, () => scopeOf(taskOf(state, command.step, 1), ports.environment));
    if (text.ok) return recorder.record(question(state, command, text.value, ports.clock.now()));
    this.#failToEvaluate(command.step, `its question cannot be evaluated: ${text.error}`);
  }

  /** A step whose expressions fail has had its attempt. */
  #failToEvaluate(index: number, message: string): void {
    const { state, recorder, circumstances } = this.#options;
    const attempt = (state.attempts[index] ?? 0) + 1;
    recorder.record({ type: "step.started", step: stepAt(state, index).id, attempt, data: {} });
    recorder.record(failure(state, index, { code: "expression", message }, undefined, circumstances()));
  }

  #undo(index: number): void {
    this.#undoing = true;
    const { step: undone, ...task } = taskOf(this.#options.state, index, 0);
    // What the plan says of the step's output does not hold of its undo.
    const { output: _output, verify: _verify, ...step } = undone;
    const command = step.undo ?? "true";
    this.#options.afterCommit(() => {
      const since = this.#options.ports.clock.now();
      const undoTask = { ...task, step: { ...step, action: { kind: "run" as const, command } } };
      this.#options.live.dispatch(
        undoTask,
        step.timeoutMs,
        () => undefined,
        (outcome) =>
          this.#options.tell({ kind: "undone", index, outcome, durationMs: this.#options.ports.clock.now() - since }),
      );
    });
  }
}
