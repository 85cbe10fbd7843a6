/** Locks that are exclusive over every run of the project: asked for in the journal before a step that names some may start. */
import type { Problem } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Lease, Locks } from "../journal/port.ts";
import type { Step } from "../plan/plan.ts";
import { phaseOf, stepAt, type RunState } from "../run/state.ts";

import { errand } from "./background.ts";

/** How often to look again for a lock that another run holds. */
const LOCK_POLL_MS = 200;

export interface ForeignLocksOptions {
  readonly journal: Locks;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly state: RunState;
  /** Called when it is worth deciding again. */
  readonly changed: () => void;
  /** Called when the journal cannot answer. */
  readonly onFault: (problem: Problem) => void;
}

export class ForeignLocks {
  readonly #options: ForeignLocksOptions;
  readonly #granted = new Set<number>();
  readonly #asked = new Set<number>();
  readonly #wanted = new Set<number>();
  #holder: string | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: ForeignLocksOptions) {
    this.#options = options;
  }

  /** The run that holds what a ready step of this one waits for. */
  get holder(): string | undefined {
    return this.#holder;
  }

  /** Whether the step has its locks, or needs none. A step that has not is remembered for {@link ask}. */
  isFree(step: number): boolean {
    if (stepAt(this.#options.state, step).locks === undefined || this.#granted.has(step)) return true;
    this.#wanted.add(step);
    return false;
  }

  /** Asks the journal for what was wanted since the last call. */
  ask(): void {
    for (const step of this.#wanted) if (!this.#asked.has(step)) errand(this.#request(step), this.#options.onFault);
    this.#wanted.clear();
  }

  async #request(step: number): Promise<void> {
    const { journal, lease, state, clock, changed } = this.#options;
    this.#asked.add(step);
    const { id, locks } = stepAt(state, step);
    await this.#giveWay(step);
    const holder = await journal.lock(lease, id, { read: locks?.read ?? [], write: locks?.write ?? [] });
    this.#asked.delete(step);
    this.#holder = holder;
    if (holder === undefined) {
      this.#granted.add(step);
      return changed();
    }
    this.#cancelTimer?.();
    this.#cancelTimer = clock.after(LOCK_POLL_MS, changed);
  }

  /** Takes locks back from steps that were granted them and that a step with more right to them overtook before they started. */
  async #giveWay(step: number): Promise<void> {
    const wanted = namesOf(stepAt(this.#options.state, step));
    for (const other of this.#granted) {
      if (other === step || phaseOf(this.#options.state, other).tag === "running") continue;
      if (namesOf(stepAt(this.#options.state, other)).some((name) => wanted.includes(name))) await this.free(other);
    }
  }

  /** The step's attempt ended. */
  async free(step: number): Promise<void> {
    if (!this.#granted.delete(step)) return;
    await this.#options.journal.unlock(this.#options.lease, stepAt(this.#options.state, step).id);
  }

  /** Gives back what was granted and did not start: a paused run keeps nobody waiting. */
  freeIdle(): void {
    for (const step of this.#granted) {
      if (phaseOf(this.#options.state, step).tag !== "running") errand(this.free(step), this.#options.onFault);
    }
  }

  close(): void {
    this.#cancelTimer?.();
  }
}

function namesOf({ locks }: Step): readonly string[] {
  return [...(locks?.read ?? []), ...(locks?.write ?? [])];
}
