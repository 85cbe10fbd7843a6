/**
 * Changed files: which files more than one step changed, of the merged work. Gets events in order. Does not judge: steps
 * that run one after the other may well change the same file.
 */
import type { Event } from "../run/event.ts";

export interface ChangedFile {
  readonly file: string;
  /** Ids in the order in which their work was merged: the first {@link MOST_STEPS}. */
  readonly steps: readonly string[];
  /** Steps in all. */
  readonly count: number;
}

export interface ChangedBySeveral {
  /** Files in all. */
  readonly count: number;
  /** Those that most steps changed first, then by name: the first {@link MOST_FILES}. */
  readonly files: readonly ChangedFile[];
}

const MOST_FILES = 200;
const MOST_STEPS = 20;

export class ChangedFiles {
  readonly #steps = new Map<string, Set<string>>();
  /** Files by step. */
  readonly #counts = new Map<string, number>();

  copy(): ChangedFiles {
    const copy = new ChangedFiles();
    for (const [file, steps] of this.#steps) copy.#steps.set(file, new Set(steps));
    for (const [step, count] of this.#counts) copy.#counts.set(step, count);
    return copy;
  }

  /** How many files the merged work of the step changed; `undefined`: nothing of it was merged. */
  countOf(step: string): number | undefined {
    return this.#counts.get(step);
  }

  add(event: Event): void {
    if (event.type !== "worktree.merged") return;
    let count = this.#counts.get(event.step) ?? 0;
    for (const file of event.data.files) {
      const steps = this.#steps.get(file);
      if (steps?.has(event.step) === true) continue;
      count++;
      if (steps === undefined) this.#steps.set(file, new Set([event.step]));
      else steps.add(event.step);
    }
    this.#counts.set(event.step, count);
  }

  /** Whose merged work changed the file, in the order in which it was merged. */
  stepsOf(file: string): readonly string[] {
    return [...(this.#steps.get(file) ?? [])];
  }

  bySeveral(): ChangedBySeveral {
    const files = [...this.#steps].filter(([, steps]) => steps.size > 1);
    files.sort(([a, one], [b, other]) => other.size - one.size || (a < b ? -1 : 1));
    return {
      count: files.length,
      files: files.slice(0, MOST_FILES).map(([file, steps]) => ({
        file,
        steps: [...steps].slice(0, MOST_STEPS),
        count: steps.size,
      })),
    };
  }
}
