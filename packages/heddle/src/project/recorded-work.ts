/**
 * Recorded work: where the work of each agent's step is, by the events of its run. Gets events in order; asks no git, and knows no
 * worktree as it is now.
 */
import type { ChangesOf } from "../agent/port.ts";
import type { EventLog } from "../journal/port.ts";
import type { Event } from "../run/event.ts";

/** Work as commits have it. `attempt`: of work that was captured and not merged. */
export type RecordedWork = Extract<ChangesOf, { readonly kind: "merged" | "captured" }> & { readonly attempt?: number };

interface StepWork {
  /** Where its attempts began. */
  readonly bases: Map<number, string>;
  merged?: { readonly work: RecordedWork; readonly attempt: number };
  captured?: { readonly commit: string; readonly attempt: number };
  conflict?: StepConflict;
}

/** What the last merge of a step's work failed on. */
export interface StepConflict {
  readonly reason: "conflict" | "verify";
  readonly head: string;
  readonly captured: string;
  readonly attempt: number;
  /** The end of what the verification printed. */
  readonly output?: string;
}

/** A merge in the order of the branch. */
export interface RecordedMerge {
  readonly step: string;
  readonly commit: string;
  readonly at: number;
  readonly files: readonly string[];
}

export class RecordedWorks {
  readonly #steps = new Map<string, StepWork>();
  readonly #merges: RecordedMerge[] = [];

  add(event: Event): void {
    switch (event.type) {
      case "worktree.created":
        this.#of(event.step).bases.set(event.attempt, event.data.base);
        return;
      case "worktree.merged": {
        const { onto, commit, files } = event.data;
        const work: RecordedWork = { kind: "merged", from: onto, to: commit };
        this.#of(event.step).merged = { work, attempt: event.attempt };
        this.#merges.push({ step: event.step, commit, at: event.time, files });
        return;
      }
      case "usage.recorded":
      case "worktree.conflicted": {
        const { captured: commit } = event.data;
        const { attempt } = event;
        const step = this.#of(event.step);
        if (commit !== undefined) step.captured = { commit, attempt };
        if (event.type === "usage.recorded") return;
        const { reason, head, captured, output } = event.data;
        const conflict = { reason, head, captured, attempt };
        step.conflict = output === undefined ? conflict : { ...conflict, output };
        return;
      }
      default:
    }
  }

  /** What an attempt left after the last merge of a step, else that merge; `undefined`: it left nothing. */
  of(step: string): RecordedWork | undefined {
    const { merged, captured, bases } = this.#steps.get(step) ?? {};
    const base = captured === undefined ? undefined : bases?.get(captured.attempt);
    // Of an attempt that changed nothing there is no other commit than where it began.
    const isNewer = captured !== undefined && captured.attempt > (merged?.attempt ?? 0) && captured.commit !== base;
    const isAlone = merged === undefined && captured !== undefined;
    if ((isNewer || isAlone) && base !== undefined) return { kind: "captured", base, ...captured };
    return merged?.work;
  }

  conflictOf(step: string): StepConflict | undefined {
    return this.#steps.get(step)?.conflict;
  }

  /** All merges, oldest first. */
  get merges(): readonly RecordedMerge[] {
    return this.#merges;
  }

  #of(step: string): StepWork {
    const known = this.#steps.get(step) ?? { bases: new Map<number, string>() };
    this.#steps.set(step, known);
    return known;
  }
}

/** `step`: of this one alone; absent: of all. */
export async function readWorks(log: Pick<EventLog, "read">, run: string, step?: string): Promise<RecordedWorks> {
  const works = new RecordedWorks();
  for await (const batch of log.read(run, step === undefined ? {} : { step }))
    for (const event of batch) works.add(event);
  return works;
}
