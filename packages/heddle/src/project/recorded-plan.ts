/** Recorded plan: where the plan of a recorded run came from, and what its file says now. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { JsonObject } from "../base/json.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import type { EventLog } from "../journal/port.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import { runLine } from "../view/list.ts";

export interface RecordedPlan {
  /** Relative to the project folder; absent: the plan was made by code. */
  readonly file: string | undefined;
  /** Those that the run was started with. */
  readonly params: JsonObject;
  /** Ids of the steps that it was begun with. */
  readonly steps: readonly string[];
  /** It took results of another run for the steps that it left out. */
  readonly isPart: boolean;
}

/** A separate function, so that the recorded plan is not kept in memory while the file is read. `undefined`: there is no such run. */
export async function recordedPlan(log: Pick<EventLog, "read">, run: string): Promise<RecordedPlan | undefined> {
  for await (const [created] of log.read(run, { limit: 1 })) {
    if (created?.type !== "run.created") return undefined;
    const { options, plan, from } = created.data;
    const steps = plan.steps.map(({ id }) => id);
    return { file: options.planFile, params: plan.params ?? {}, steps, isPart: from !== undefined };
  }
  return undefined;
}

export type CurrentPlan =
  /** The run's plan was made by code, or there is no such run. */
  | { readonly kind: "none" }
  /** The file is not there any more. */
  | { readonly kind: "gone"; readonly file: string }
  /** `isNeeded`: a resume would carry out something of it. */
  | {
      readonly kind: "invalid";
      readonly file: string;
      readonly diagnostics: readonly Diagnostic[];
      readonly isNeeded: boolean;
    }
  | { readonly kind: "loaded"; readonly plan: LoadedPlan };

/** The plan of a run as its file says now, with the parameters of then; `params`: values that some of them have from now on. */
export async function currentPlan(
  log: Pick<EventLog, "get" | "read">,
  dir: string,
  run: string,
  params: JsonObject = {},
): Promise<CurrentPlan> {
  const recorded = await recordedPlan(log, run);
  if (recorded?.file === undefined) return { kind: "none" };
  const { file } = recorded;
  if (!existsSync(resolve(dir, file))) return { kind: "gone", file };
  const { loadPlanFile } = await import("./load-plan.ts");
  const values = { ...((await paramsOfLastPlan(log, run)) ?? recorded.params), ...params };
  const loaded = await loadPlanFile(file, values, { folder: dir, allowMissingFiles: true });
  if (!loaded.ok) return { kind: "invalid", file, diagnostics: loaded.error, isNeeded: !(await isDone(log, run)) };
  return { kind: "loaded", plan: loaded.value };
}

/** Of the plan that it was resumed with last; `undefined`: it goes by the first one. */
async function paramsOfLastPlan(log: Pick<EventLog, "read">, run: string): Promise<JsonObject | undefined> {
  for await (const events of log.read(run, { backwards: true }))
    for (const event of events)
      if (event.type === "run.resumed" && event.data.plan !== undefined) return event.data.plan.params ?? {};
  return undefined;
}

/** Whether a resume of the run carries out nothing: after a rollback by command some of its steps wait again. */
async function isDone(log: Pick<EventLog, "get">, run: string): Promise<boolean> {
  const record = await log.get(run);
  if (record === undefined) return false;
  const { status, counts } = runLine(record);
  return status === "succeeded" && counts.waiting + counts.running === 0;
}
