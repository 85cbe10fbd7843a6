/**
 * Turns by `agents: {conflicts: serialize}`: who writes by which globs now. Names of a turn are globs, not locks: they meet
 * where two globs can match one file, and they are the run's own, as its worktrees and its integration branch are. What is
 * compared is what runs with what wants to run, so that steps that join the run later need no further thought.
 */
import { GlobOverlaps } from "../plan/glob/overlap.ts";
import type { Plan, Step } from "../plan/plan.ts";

const NONE: readonly string[] = [];

/** The globs for which attempts of the step take turns with others; none where the plan only warns. */
export function writeGlobsOf(plan: Plan, step: Step): readonly string[] {
  return plan.agents?.conflicts === "serialize" ? (step.writes ?? NONE) : NONE;
}

export class WriteLocks {
  readonly #held = new Map<number, readonly string[]>();
  readonly #overlaps = new GlobOverlaps();

  take(step: number, globs: readonly string[]): void {
    if (globs.length > 0) this.#held.set(step, globs);
  }

  give(step: number): void {
    this.#held.delete(step);
  }

  /** Who holds which globs, by step. */
  get held(): readonly (readonly [step: number, globs: readonly string[]])[] {
    return [...this.#held].sort(([a], [b]) => a - b);
  }

  /** A running step that may write what the globs match. */
  holder(globs: readonly string[]): number | undefined {
    if (globs.length === 0) return undefined;
    for (const [step, held] of this.#held) if (this.meet(globs, held)) return step;
    return undefined;
  }

  meet(globs: readonly string[], others: readonly string[]): boolean {
    return globs.some((glob) => others.some((other) => this.#overlaps.has(glob, other)));
  }
}
