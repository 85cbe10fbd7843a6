/** Machine load: says whether the machine can take one more step, from a sample that is at most half a second old. */
import type { Clock } from "../base/clock.ts";
import type { Plan } from "../plan/plan.ts";
import type { MachineShortage } from "../run/event.ts";
import type { Probe } from "./ports.ts";

/** How long one sample of the machine serves. */
export const SAMPLE_MS = 500;

/** How long steps have to wait for the machine before that is worth an event. */
const LASTING_MS = 2000;

export class LoadGuard {
  readonly #limits: Plan["limits"];
  readonly #probe: Probe;
  readonly #clock: Clock;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #shortage: MachineShortage | undefined;
  /** A wait for the machine: since when, and how many attempts had started by then. */
  #wait: { readonly since: number; readonly starts: number } | undefined;

  constructor(limits: Plan["limits"], probe: Probe, clock: Clock) {
    this.#limits = limits;
    this.#probe = probe;
    this.#clock = clock;
    if (limits?.maxCpuPercent !== undefined) probe.cpuPercent();
  }

  /** What the machine lacks; `undefined`: one more step may start. */
  shortage(): MachineShortage | undefined {
    if (this.#limits === undefined) return undefined;
    const now = this.#clock.now();
    if (now - this.#sampledAt < SAMPLE_MS) return this.#shortage;
    this.#sampledAt = now;
    this.#shortage = this.#look(this.#limits);
    return this.#shortage;
  }

  /**
   * What the machine has lacked for so long that people should know. To be asked after each turn; `isHeldUp`: something could start by
   * the plan; `starts`: attempts so far.
   */
  lasting(isHeldUp: boolean, starts: number): MachineShortage | undefined {
    const shortage = isHeldUp ? this.shortage() : undefined;
    if (shortage === undefined) {
      this.#wait = undefined;
      return undefined;
    }
    const now = this.#clock.now();
    if (this.#wait?.starts !== starts) this.#wait = { since: now, starts };
    return now - this.#wait.since >= LASTING_MS ? shortage : undefined;
  }

  #look({ maxMemoryMb, maxCpuPercent }: NonNullable<Plan["limits"]>): MachineShortage | undefined {
    if (maxMemoryMb !== undefined) {
      const used = this.#probe.usedMemoryMb();
      if (used > maxMemoryMb) return { resource: "memory", used: Math.round(used), limit: maxMemoryMb };
    }
    if (maxCpuPercent !== undefined) {
      const used = this.#probe.cpuPercent();
      if (used > maxCpuPercent) return { resource: "cpu", used: Math.round(used), limit: maxCpuPercent };
    }
    return undefined;
  }
}
