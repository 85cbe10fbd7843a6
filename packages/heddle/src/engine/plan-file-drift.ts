/**
 * Plan file drift: finds out which of the plan files that a run has read say something else now. Knows files by the hashes that
 * it is given.
 */
import { outermostAround, phaseOf, stepAt, type RunState } from "../run/state.ts";
import type { PlanFileDrift } from "../run/fingerprint.ts";
import type { Plan } from "../plan/plan.ts";

interface PlanFileRead {
  /** The outermost step that it was read for. */
  readonly step: number;
  readonly file: string;
  /** Hash of what it said; `undefined`: not recorded. */
  readonly content: string | undefined;
}

/** `contentOf`: the hash of what a file says now; `undefined`: it cannot be read. */
export async function planFileDrift(
  state: RunState,
  contentOf: (file: string) => Promise<string | undefined>,
): Promise<readonly PlanFileDrift[]> {
  const now = new Map<string, string | undefined>();
  const drift: PlanFileDrift[] = [];
  for (const { step, file, content } of planFilesRead(state)) {
    if (!now.has(file)) now.set(file, await contentOf(file));
    const current = now.get(file);
    if (content === undefined) drift.push({ step, file, kind: "unrecorded" });
    else if (current === undefined) drift.push({ step, file, kind: "gone" });
    else if (current !== content) drift.push({ step, file, kind: "changed" });
  }
  return drift;
}

/** What the plan files said that results were made with: by step, then by file. */
export function planFilesOfResults(state: RunState): ReadonlyMap<number, { readonly [file: string]: string }> {
  const files = new Map<number, { readonly [file: string]: string }>();
  for (const { step, file, content } of planFilesRead(state))
    if (content !== undefined) files.set(step, { ...files.get(step), [file]: content });
  return files;
}

function planFilesRead(state: RunState): readonly PlanFileRead[] {
  const reads: PlanFileRead[] = [];
  for (const [container, { content }] of state.containers) {
    const { action, forEach } = stepAt(state, container);
    if (forEach !== undefined || action.kind !== "plan" || action.file === undefined) continue;
    reads.push({ step: outermostAround(state, container), file: action.file, content });
  }
  state.phases.forEach((_phase, index) => {
    const phase = phaseOf(state, index);
    if (phase.tag !== "cached") return;
    const step = outermostAround(state, index);
    const known = Object.entries(phase.planFiles ?? {});
    for (const [file, content] of known) reads.push({ step, file, content });
    if (known.length > 0) return;
    for (const file of filesNamedBy([stepAt(state, index)])) reads.push({ step, file, content: undefined });
  });
  return reads;
}

/** The plan files that steps stand for, in plans inside them too. */
function filesNamedBy(steps: Plan["steps"]): readonly string[] {
  return steps.flatMap(({ action }): readonly string[] => {
    if (action.kind !== "plan") return [];
    return action.plan === undefined ? [action.file ?? ""] : filesNamedBy(action.plan.steps);
  });
}
