/**
 * Write locks for `agents: {conflicts: serialize}`: which running step writes by which globs. They are globs, not named
 * locks: two conflict if they can match the same file. They belong to the run, like its worktrees. Running steps are
 * compared with a step that wants to run, so steps that are added later need no special case.
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
