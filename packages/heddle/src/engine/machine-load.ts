/** Machine load: says whether the machine can take one more step, from a sample that is at most half a second old. */
import type { Clock } from "../base/clock.ts";
import type { Plan } from "../plan/plan.ts";
import type { Probe } from "./ports.ts";

/** How long one sample of the machine serves. */
export const SAMPLE_MS = 500;

export class LoadGuard {
  readonly #limits: Plan["limits"];
  readonly #probe: Probe;
  readonly #clock: Clock;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #shortage: string | undefined;

  constructor(limits: Plan["limits"], probe: Probe, clock: Clock) {
    this.#limits = limits;
    this.#probe = probe;
    this.#clock = clock;
    if (limits?.maxCpuPercent !== undefined) probe.cpuPercent();
  }

  /** What the machine lacks, as text; `undefined`: one more step may start. */
  shortage(): string | undefined {
    if (this.#limits === undefined) return undefined;
    const now = this.#clock.now();
    if (now - this.#sampledAt < SAMPLE_MS) return this.#shortage;
    this.#sampledAt = now;
    this.#shortage = this.#look(this.#limits);
    return this.#shortage;
  }

  #look(limits: NonNullable<Plan["limits"]>): string | undefined {
    if (limits.maxMemoryMb !== undefined) {
      const used = this.#probe.usedMemoryMb();
      if (used > limits.maxMemoryMb)
        return `memory: ${Math.round(used)} MB in use, limits.maxMemoryMb is ${limits.maxMemoryMb}`;
    }
    if (limits.maxCpuPercent !== undefined) {
      const used = this.#probe.cpuPercent();
      if (used > limits.maxCpuPercent)
        return `CPU: ${Math.round(used)} % in use, limits.maxCpuPercent is ${limits.maxCpuPercent}`;
    }
    return undefined;
  }
}
