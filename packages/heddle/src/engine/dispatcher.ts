/**
 * Dispatcher: carries out the reducer's effects after their events are on disk, and posts the results as inputs. Knows
 * no order of steps and records nothing.
 */
import { unreachable } from "../base/assert.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { DEFAULT_GRACE_MS, type Step } from "../plan/plan.ts";
import type { Note, Outcome, Task } from "../run/attempt.ts";
import { poolsAround } from "../run/claims.ts";
import { isInside, isStopped } from "../run/finish.ts";
import type { Input } from "../run/input-events.ts";
import { SHELTER_MS } from "../run/shelter.ts";
import { stepAt, type RunState } from "../run/state.ts";
import type { Effect } from "../run/transition.ts";
import type { ActiveAttempts } from "./active-attempts.ts";
import { addedSteps } from "./added-steps.ts";
import { runInBackground } from "./background.ts";
import { expand } from "./expand.ts";
import type { OutputChecks } from "./output-checks.ts";
import type { EnginePorts } from "./ports.ts";
import type { ProjectLocks } from "./project-locks.ts";
import type { RunTrace } from "../telemetry/port.ts";

const NO_STEPS: Result<readonly Step[], string> = ok([]);

type EffectOf<K extends Effect["kind"]> = Extract<Effect, { readonly kind: K }>;

export interface DispatcherOptions {
  readonly ports: EnginePorts;
  readonly state: RunState;
  readonly active: ActiveAttempts;
  readonly locks: ProjectLocks;
  readonly outputs: OutputChecks;
  readonly trace: RunTrace | undefined;
  /** Makes ready for steps before they join the run. */
  readonly prepare: (steps: readonly Step[]) => Promise<void>;
  readonly post: (input: Input) => void;
  /** Called when background work cannot continue. */
  readonly onFault: (problem: Problem) => void;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  carryOut(effect: Effect): void {
    const { active, locks, state } = this.#options;
    switch (effect.kind) {
      case "dispatch":
        return this.#dispatch(effect);
      case "undo":
        return this.#undo(effect);
      case "expand":
        return this.#inBackground(this.#expand(effect));
      case "examine":
        return this.#inBackground(this.#examine(effect));
      case "check":
        return this.#inBackground(this.#check(effect));
      case "answer":
        return active.answer(stepAt(state, effect.step).id, effect.attempt, effect.decision);
      case "stop":
        return this.#stop(effect);
      case "lock":
        return this.#inBackground(locks.request(effect.step));
      case "unlock":
        return this.#inBackground(locks.release(effect.step));
      case "sweep":
        return this.#inBackground(this.#sweep());
      default:
        unreachable(effect);
    }
  }

  #inBackground(work: Promise<unknown>): void {
    runInBackground(work, this.#options.onFault);
  }

  #dispatch({ step, task, limitMs }: EffectOf<"dispatch">): void {
    const { active, post } = this.#options;
    const { attempt } = task;
    active.dispatch(this.#traced(task), {
      limitMs,
      onNote: (note: Note) => post({ kind: "note", step, attempt, note }),
      onEnd: (outcome) => {
        if (outcome.kind === "succeeded" && outcome.steps !== undefined && outcome.steps.length > 0)
          return this.#inBackground(this.#addSteps(step, attempt, outcome, outcome.steps));
        post({ kind: "outcome", step, attempt, outcome, added: NO_STEPS });
      },
    });
  }

  #traced(task: Task): Task {
    const trace = this.#options.trace?.contextOf(task.step.id, task.attempt);
    return trace === undefined ? task : { ...task, trace };
  }

  /** Validates what an attempt adds to the run before its end is posted. */
  async #addSteps(step: number, attempt: number, outcome: Outcome, wanted: readonly unknown[]): Promise<void> {
    const { state, prepare, post } = this.#options;
    const added = await addedSteps(state, step, wanted);
    if (added.ok) await prepare(added.value);
    post({ kind: "outcome", step, attempt, outcome, added });
  }

  #undo({ step, task, limitMs }: EffectOf<"undo">): void {
    const { active, ports, post } = this.#options;
    const since = ports.clock.now();
    active.dispatch(this.#traced(task), {
      limitMs,
      onNote: () => undefined,
      onEnd: (outcome) => post({ kind: "undone", step, outcome, durationMs: ports.clock.now() - since }),
    });
  }

  async #expand({ step, task }: EffectOf<"expand">): Promise<void> {
    const { ports, state, prepare, post } = this.#options;
    const expansion = await expand(task, ports, {
      plan: state.plan,
      rules: state.rules,
      pools: poolsAround(state, step),
    });
    if (expansion.ok) await prepare(expansion.value.steps);
    post({ kind: "expanded", step, attempt: task.attempt, expansion });
  }

  async #examine({ step, task }: EffectOf<"examine">): Promise<void> {
    const { ports, post } = this.#options;
    const finding = ports.examine === undefined ? err("nothing is cached here") : await ports.examine(task);
    post({ kind: "examined", step, finding });
  }

  async #check({ step, schema, output }: EffectOf<"check">): Promise<void> {
    const { outputs, post } = this.#options;
    post({ kind: "checked", step, problem: await outputs.later(schema, output) });
  }

  #stop({ reason, inside }: EffectOf<"stop">): void {
    const { active, state } = this.#options;
    const { index } = state;
    const isMeant = (id: string): boolean => isStopped(state, index.byId.get(id) ?? -1, inside);
    if (inside === undefined) active.stopAll(reason, isMeant);
    else active.stopThose(reason, isMeant);
    if (reason === "fail-fast") return;
    // What is sheltered goes on, for some time.
    active.limitThose(SHELTER_MS, (id) => {
      const step = index.byId.get(id) ?? -1;
      return !isMeant(id) && (inside === undefined || isInside(state, step, inside));
    });
  }

  async #sweep(): Promise<void> {
    const { ports, state, post } = this.#options;
    await ports.backend.sweep(state.run, state.plan.graceMs ?? DEFAULT_GRACE_MS);
    post({ kind: "swept" });
  }
}
