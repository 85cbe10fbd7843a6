/**
 * Lease rule: says when a lease is valid; shared by all journals. Pure; does not know where leases are stored.
 *
 * Invariants:
 *  1. A released lease is not valid.
 *  2. A lease of another boot of the machine is not valid: its process cannot be alive.
 *  3. A lease that was not renewed for longer than the term is not valid, whether its process is alive or not: it may be
 *     stopped for ever.
 *  4. Whether a pid is alive is only asked in its own process space; elsewhere only renewal counts.
 */
import type { Holder } from "./port.ts";

/** Distinguishes the pids of one process space from those of another. `""`: unknown. */
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
