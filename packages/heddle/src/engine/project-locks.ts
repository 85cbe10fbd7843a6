/**
 * Project locks: locks that are exclusive across all runs of the project. Requested in the journal before a step with
 * locks may start, released when its attempt has ended. Knows no order of steps: the reducer says which step asks.
 */
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Lease, Locks } from "../journal/port.ts";
import { claimsOf } from "../run/claims.ts";
import { phaseOf, stepAt, type RunState } from "../run/state.ts";

/** How often to look again for a lock that another run holds. */
const LOCK_POLL_MS = 200;

export interface ProjectLocksOptions {
  readonly journal: Locks;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly state: RunState;
  /** Called when it is worth deciding again. */
  readonly onChange: () => void;
  /** Called once for each wait of a step, with the run that holds one of its locks. */
  readonly onHeldUp: (step: number, run: string) => void;
}

export class ProjectLocks {
  readonly #options: ProjectLocksOptions;
  readonly #granted = new Set<number>();
  readonly #requested = new Set<number>();
  readonly #releasing = new Map<number, Promise<void>>();
  /** Steps that were refused their locks when they asked last: since when, infinite where that was told. */
  readonly #refused = new Map<number, number>();
  #holder: string | undefined;
  #heldSince = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: ProjectLocksOptions) {
    this.#options = options;
  }

  /** Steps that have their locks. */
  get granted(): ReadonlySet<number> {
    return this.#granted;
  }

  /** The run that holds what a ready step of this one waits for. */
  get holder(): string | undefined {
    return this.#holder;
  }

  /** Since when one run or another holds it. */
  get heldSince(): number {
    return this.#heldSince;
  }

  /** Asks for the step's locks, unless that is being done. */
  async request(step: number): Promise<void> {
    if (this.#requested.has(step) || this.#granted.has(step)) return;
    const { journal, lease, state, clock, onChange, onHeldUp } = this.#options;
    this.#requested.add(step);
    const { id } = stepAt(state, step);
    // A journal that is not on this machine could do the two in another order.
    await this.#releasing.get(step);
    await this.#giveWay(step);
    const holder = await journal.lock(lease, id, claimsOf(state, step).shared);
    this.#requested.delete(step);
    if (this.#holder === undefined) this.#heldSince = clock.now();
    this.#holder = holder;
    if (holder === undefined) {
      this.#granted.add(step);
      this.#refused.delete(step);
      return onChange();
    }
    const since = this.#refused.get(step) ?? clock.now();
    // A lock that is given back within a moment is not worth telling.
    const isTold = clock.now() - since >= LOCK_POLL_MS;
    this.#refused.set(step, isTold ? Infinity : since);
    if (isTold) onHeldUp(step, holder);
    this.#cancelTimer?.();
    this.#cancelTimer = clock.after(LOCK_POLL_MS, onChange);
  }

  /** Takes locks back from steps that were granted them and that a step with more right to them overtook before they started. */
  async #giveWay(step: number): Promise<void> {
    const wanted = this.#namesOf(step);
    for (const other of this.#granted) {
      if (other === step || this.#isRunning(other)) continue;
      if (this.#namesOf(other).some((name) => wanted.includes(name))) await this.release(other);
    }
  }

  #isRunning(step: number): boolean {
    const { state } = this.#options;
    return phaseOf(state, step).tag === "running" || state.volatile.holding.has(step);
  }

  #namesOf(step: number): readonly string[] {
    const { read, write } = claimsOf(this.#options.state, step).shared;
    return [...read, ...write];
  }

  async release(step: number): Promise<void> {
    if (!this.#granted.delete(step)) return;
    const { journal, lease, state } = this.#options;
    const released = journal.unlock(lease, stepAt(state, step).id).finally(() => this.#releasing.delete(step));
    this.#releasing.set(step, released);
    await released;
  }

  close(): void {
    this.#cancelTimer?.();
  }
}
