/** Attention: what of a run waits for a person, and how much waits behind it. Pure. */
import { askedAt, questionOf, phaseOf, stepAt, type RunState } from "../run/state.ts";
import { defined } from "../base/defined.ts";
import type { QuestionAbout } from "../run/event.ts";
import { heldUpBy, type HeldUp } from "./held-up.ts";
import { runStatus } from "./status.ts";

/**
 * What is to be done: answer a step's question (`approval`, of an `approve` step; `question`, of an agent; `permission`; `interrupt`, about
 * a step whose process died), settle a `conflict`, or resume a run whose process died (`interrupted`).
 */
export type AttentionKind = "approval" | "interrupt" | "conflict" | "question" | "permission" | "interrupted";

export interface RunAttention extends HeldUp {
  readonly run: string;
  /** Name of its plan. */
  readonly plan: string;
  /** Absent: the run as a whole. */
  readonly step?: string;
  readonly kind: AttentionKind;
  readonly question?: string;
  /** Answers to choose from. */
  readonly options?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly waitingSince: number;
}

/** `live`: a process works on the run. `expected`: durations by step id, in milliseconds. */
export function attentionOf(
  state: RunState,
  { live, expected }: { readonly live: boolean; readonly expected: ReadonlyMap<string, number> },
): readonly RunAttention[] {
  const about = { run: state.run, plan: state.plan.name };
  // The questions of attempts at work ended with their engine; the run is to be resumed first.
  const steps = [...state.index.questions].filter((step) => live || phaseOf(state, step).tag !== "running");
  const heldUp = heldUpBy(state, steps, expected);
  const asked = steps.flatMap((step, at): readonly RunAttention[] => {
    const open = questionOf(phaseOf(state, step));
    const held = heldUp[at];
    if (open === undefined || held === undefined) return [];
    return [
      defined<RunAttention>({
        ...about,
        step: stepAt(state, step).id,
        kind: kindOfQuestion(open.about),
        question: open.question,
        options: open.options,
        waitingSince: askedAt(state, step) ?? state.lastTime,
        ...held,
      }),
    ];
  });
  if (runStatus(state, live) !== "interrupted") return asked;
  const left = state.index.open;
  return [
    ...asked,
    { ...about, kind: "interrupted", waitingSince: state.lastTime, holdsUp: left, onCriticalPath: left > 0 },
  ];
}

function kindOfQuestion(about: QuestionAbout): AttentionKind {
  return about === "step" ? "approval" : about;
}

/** What holds up most comes first; of equals, what has waited longest. `project` and ids make the order whole. */
export function compareAttention(
  a: Pick<RunAttention, "holdsUp" | "waitingSince" | "run" | "step"> & { readonly project: string },
  b: typeof a,
): number {
  return (
    b.holdsUp - a.holdsUp ||
    a.waitingSince - b.waitingSince ||
    compareText(a.project, b.project) ||
    compareText(a.run, b.run) ||
    compareText(a.step ?? "", b.step ?? "")
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
