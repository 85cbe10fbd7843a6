/**
 * When a lease is in force: the one rule that both journals share. Pure; does not know where leases are stored.
 *
 * Invariants:
 *  1. A lease that was released is never in force.
 *  2. A lease of another boot of the machine is not in force: its process cannot be alive.
 *  3. A lease silent for longer than the term is not in force, alive or not: its holder may be stopped for ever.
 *  4. A pid is only asked about in the process space that it belongs to; elsewhere only silence counts.
 */
import type { Holder } from "./port.ts";

/** What tells the pids of one place from those of another. `""`: the system does not tell. */
export interface Machine {
  /** Differs after each boot. */
  readonly boot: string;
  /** Differs between containers: a pid means nothing in another space. */
  readonly space: string;
}

export interface LeaseRow {
  readonly fence: number;
  readonly holder: Holder;
  readonly machine: Machine;
  /** Last sign of life, in milliseconds of {@link LeaseRules.now}. */
  readonly beat: number;
  readonly released: boolean;
}

export interface LeaseRules {
  /** Milliseconds on a clock that all processes of the machine share. */
  readonly now: () => number;
  readonly isAlive: (holder: Holder) => boolean;
  readonly machine: Machine;
  readonly termMs: number;
}

export function inForce(lease: LeaseRow, rules: LeaseRules): boolean {
  if (lease.released || lease.machine.boot !== rules.machine.boot) return false;
  const silentMs = rules.now() - lease.beat;
  // The shared clock restarts with the machine: a beat from the future is one of an earlier boot.
  if (silentMs > rules.termMs || silentMs < -rules.termMs) return false;
  return lease.machine.space !== rules.machine.space || rules.isAlive(lease.holder);
}
