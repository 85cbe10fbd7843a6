/**
 * Reusable results: which successes of a recorded run can be reused, because the step's definition is unchanged, and how its other
 * steps ended.
 */
import { defined } from "../base/defined.ts";
import { canonicalJson, type Json, type JsonObject } from "../base/json.ts";
import { planFilesOfResults } from "../engine/plan-file-drift.ts";
import type { EarlierEnd, ReusedResult } from "../run/event.ts";
import type { StepPhase } from "../run/facts.ts";
import { type PlanFileDrift, paramsRead } from "../run/fingerprint.ts";
import { isCutShort } from "../run/finish.ts";
import type { Plan, Step } from "../plan/plan.ts";
import { reopenedContainers } from "../run/resume.ts";
import { hasEnded, outputOf, phaseOf, type RunState } from "../run/state.ts";

export interface Reusable {
  /** By step id; without containers that were recorded as a success although they were cut short, or in which a step was undone. */
  readonly results: ReadonlyMap<string, ReusedResult>;
  /** Ended, and would be another step now: why, in words. */
  readonly changed: ReadonlyMap<string, string>;
  /** Skipped by its own condition, which is asked again and says the same: nothing to reuse, and nothing missing. */
  readonly skipped: ReadonlySet<string>;
  /** Ended without a result, for good: how. */
  readonly ended: ReadonlyMap<string, EarlierEnd>;
}

/** `plan`: as it is to run now, with its parameters. `drift`: plan files that the run has read and that are others now. */
export function reusable(
  state: RunState,
  { steps, params = {} }: Plan,
  drift: readonly PlanFileDrift[] = [],
): Reusable {
  const results = new Map<string, ReusedResult>();
  const changed = new Map<string, string>();
  const skipped = new Set<string>();
  const ended = new Map<string, EarlierEnd>();
  const files = new Map(drift.map((file) => [file.step, file]));
  const planFiles = planFilesOfResults(state);
  const undone = reopenedContainers(state);
  for (const step of steps) {
    const index = state.index.byId.get(step.id);
    if (index === undefined || isCutShort(state, index) || undone.has(index)) continue;
    const phase = phaseOf(state, index);
    const end = endOf(phase, state.run);
    const output = outputOf(phase);
    const isSkipped = phase.tag === "skipped" && phase.reason.kind === "condition";
    if (!isSkipped && output === undefined && end === undefined) continue;
    const why = differenceOf(step, params, state.steps[index], state.plan.params ?? {}) ?? fileText(files.get(index));
    if (why !== undefined) changed.set(step.id, why);
    else if (isSkipped) skipped.add(step.id);
    else if (output !== undefined) results.set(step.id, resultOf(phase, output, planFiles.get(index)));
    else if (end !== undefined) ended.set(step.id, end);
  }
  return { results, changed, skipped, ended };
}

/** How it ended without a result, where that does not come from the run's own early end. */
function endOf(phase: StepPhase, from: string): EarlierEnd | undefined {
  if (!hasEnded(phase)) return undefined;
  if (phase.tag === "failed") return { from, status: "failed" };
  if (phase.tag !== "skipped") return undefined;
  if (phase.reason.kind === "earlier") return { from: phase.reason.from, status: phase.reason.status };
  return phase.reason.kind === "dependency" ? { from, status: "skipped" } : undefined;
}

function resultOf(phase: StepPhase, output: Json, planFiles: ReusedResult["planFiles"]): ReusedResult {
  const madeAt = phase.tag === "succeeded" ? phase.endedAt : phase.tag === "cached" ? phase.madeAt : undefined;
  return defined({ output, madeAt, planFiles });
}

function fileText(drift: PlanFileDrift | undefined): string | undefined {
  switch (drift?.kind) {
    case "changed":
      return `its plan file ${drift.file} has changed`;
    case "gone":
      return `its plan file ${drift.file} cannot be read`;
    case "unrecorded":
      return `what its plan file ${drift.file} said was not recorded`;
    default:
      return undefined;
  }
}

function differenceOf(step: Step, params: JsonObject, before: Step | undefined, then: JsonObject): string | undefined {
  if (definition(step) !== definition(before)) return "its definition has changed";
  const names = paramsRead(step, { ...then, ...params });
  const name = names.find((each) => canonicalJson(params[each]) !== canonicalJson(then[each]));
  return name === undefined ? undefined : `it reads parameter ${name}, which had another value`;
}

/** What is derived from the texts was not recorded by every version. */
function definition(step: Step | undefined): string {
  const { readsParams: _readsParams, ...rest } = step ?? { id: "" };
  return canonicalJson(rest as unknown as Json);
}
