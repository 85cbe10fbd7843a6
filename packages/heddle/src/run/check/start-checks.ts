/** Checks of starts: whether a step may begin as it does, for the history checker. */
import type { EventOf } from "../event.ts";
import { type CheckedStep, isClosed, type Rule } from "./rules.ts";

export interface StartContext {
  readonly rows: ReadonlyMap<string, CheckedStep>;
  /** The first layer with open steps, of a run in layers; absent: no barrier. */
  readonly openLayer: number | undefined;
}

/** The rules that the start of an attempt, a wait or a question breaks, each with how. */
export function startProblems(
  { step: id, attempt }: EventOf<"step.started" | "approval.requested">,
  row: CheckedStep,
  { rows, openLayer = Infinity }: StartContext,
): readonly (readonly [Rule, string])[] {
  const broken: [Rule, string][] = [];
  if (row.status === "satisfied") broken.push(["no-rerun", `${id} started again after its success was recorded`]);
  else if (row.status !== "waiting" && row.status !== "retrying")
    broken.push(["started-once", `${id} started while ${row.status}`]);
  if (attempt !== row.attempts + 1)
    broken.push(["started-once", `attempt ${attempt} of ${id} follows attempt ${row.attempts}`]);
  if (row.layer > 0 && openLayer < row.layer) {
    const message = `${id} of layer ${row.layer + 1} started while layer ${openLayer + 1} had not ended`;
    broken.push(["layer-barrier", message]);
  }
  for (const name of row.step.deps ?? []) {
    const dep = rows.get(name);
    // One that is always to run comes after its deps, however they ended.
    if (row.step.always === true && dep !== undefined && isClosed(dep.status)) continue;
    const fine = dep?.status === "satisfied" || (dep?.status === "skipped" && dep.skip?.kind === "condition");
    if (!fine) broken.push(["deps-ended", `${id} started while its dep ${name} is ${dep?.status ?? "unknown"}`]);
  }
  for (const name of row.step.after ?? []) {
    const status = rows.get(name)?.status;
    if (status !== undefined && isClosed(status)) continue;
    const message = `${id} started while ${name}, which it comes after, is ${status ?? "unknown"}`;
    broken.push(["deps-ended", message]);
  }
  return broken;
}
