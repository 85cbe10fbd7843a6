/** `heddle run`: starts a new run of a plan. */
import { relative } from "node:path";
import { defined } from "../../base/defined.ts";
import type { JsonObject } from "../../base/json.ts";
import { plural } from "../../base/plural.ts";
import type { StartOptions } from "../../engine/api.ts";
import { runLine } from "../../view/list.ts";
import { conduct } from "../show-run.ts";
import { EXIT, fail, openToWrite, type Context } from "../context.ts";
import { safeLine } from "../output-text.ts";
import { hasAgents, loadPlan, noteWarnings } from "../plans.ts";
import type { Flags } from "../spec.ts";
import { isOn, numeric, text, texts } from "../flag-values.ts";
import type { LoadedPlan } from "../../graph/loaded-plan.ts";
import type { Project } from "../../project/port.ts";

export async function run(context: Context, [file]: readonly (string | undefined)[], flags: Flags): Promise<number> {
  const clash = clashOf(flags);
  if (clash !== undefined) return fail(context, { code: "Usage", message: clash, hint: "Use one of them." });
  const loaded = await loadPlan(context, file, (flags["param"] as JsonObject | undefined) ?? {});
  if (!loaded.ok) return loaded.error;
  if (text(flags, "output") !== "quiet") await noteWarnings(context, loaded.value);
  if (isOn(flags, "dryRun")) {
    const { dryRun } = await import("./dry-run.ts");
    return dryRun(context, loaded.value, flags);
  }
  if (isOn(flags, "interactive") && !context.out.canAsk) {
    const hint = "Without a terminal, use an `approve` step.";
    return fail(context, { code: "Usage", message: "--interactive needs a terminal", hint });
  }
  const opened = await openToWrite(context);
  if (!opened.ok) return fail(context, opened.error, EXIT.failed);
  await using project = opened.value;
  const unusable = hasAgents(loaded.value.plan) ? await (await project.agents()).check() : undefined;
  if (unusable !== undefined) return fail(context, unusable);
  return await startRun(context, project, loaded.value, flags);
}

async function startRun(context: Context, project: Project, loaded: LoadedPlan, flags: Flags): Promise<number> {
  let chosen = loaded;
  let options: StartOptions = startOptions(context, loaded, flags);
  if (texts(flags, "only").length > 0 || text(flags, "from") !== undefined) {
    const { reuseFor } = await import("../../project/reuse.ts");
    const reuse = await reuseFor(project, loaded, { only: texts(flags, "only"), from: text(flags, "from") });
    if (!reuse.ok) return fail(context, reuse.error);
    for (const said of reuse.value.again) context.out.note(safeLine(said));
    chosen = reuse.value.plan;
    if (reuse.value.reuse !== undefined) options = { ...options, reuse: reuse.value.reuse };
  } else if (text(flags, "output") !== "quiet") await remindOfUnfinished(context, project, loaded);
  const started = await project.start(chosen, options);
  if (!started.ok) return fail(context, started.error, EXIT.failed);
  const handle = started.value;
  return conduct(context, project, handle, {
    flags,
    opening: openingLine(context, handle.run, chosen, options),
    interactive: isOn(flags, "interactive"),
  });
}

function clashOf(flags: Flags): string | undefined {
  if (isOn(flags, "failFast") && isOn(flags, "keepGoing")) return "--fail-fast and --keep-going cannot be combined";
  if (isOn(flags, "sequential") && isOn(flags, "parallel")) return "--sequential and --parallel cannot be combined";
  if (texts(flags, "only").length > 0 && text(flags, "from") !== undefined)
    return "--only and --from cannot be combined";
  return undefined;
}

export function startOptions(context: Context, loaded: LoadedPlan, flags: Flags): StartOptions {
  const maxConcurrency = numeric(flags, "maxConcurrency") ?? numeric(flags, "maxWorkers");
  const schedule = isOn(flags, "interactive") ? "layers" : text(flags, "schedule");
  const rollback = text(flags, "rollback");
  const timeoutMs = numeric(flags, "timeout");
  return defined({
    planFile: loaded.file === undefined ? undefined : relative(context.dir, loaded.file),
    maxConcurrency,
    sequential: isOn(flags, "sequential") ? true : undefined,
    schedule: schedule === "ready" || schedule === "layers" ? schedule : undefined,
    failure: isOn(flags, "keepGoing") ? "continue" : isOn(flags, "failFast") ? "fail-fast" : undefined,
    rollback: rollback === "none" || rollback === "dependents" || rollback === "all" ? rollback : undefined,
    timeoutMs,
    ...stayOption(context, flags),
    pauseBeforeLayers: isOn(flags, "interactive") ? true : undefined,
  });
}

/** Where somebody can be asked, or said that they will answer, the run stays for the answers. */
export function stayOption(context: Context, flags: Flags): { readonly stay?: true } {
  const asks = context.out.canAsk && !context.json && text(flags, "output") !== "quiet";
  return asks || isOn(flags, "wait") ? { stay: true } : {};
}

/** One line where the plan's latest run was left unfinished. */
async function remindOfUnfinished(context: Context, project: Project, { plan }: LoadedPlan): Promise<void> {
  if (context.json) return;
  const [latest] = await project.journal.runs({ plan: plan.name, limit: 1 });
  if (latest === undefined) return;
  const { run, status } = runLine(latest);
  if (status !== "interrupted" && status !== "failed") return;
  const said = status === "failed" ? "failed" : "was interrupted";
  context.out.note(
    `The latest run of this plan, ${run}, ${said}. To continue it: \`heddle resume ${run}\`. This is a new run.`,
  );
}

function openingLine(context: Context, run: string, { plan }: LoadedPlan, options: StartOptions): string {
  const how = options.sequential === true ? "one at a time" : "in parallel";
  const most = options.sequential === true ? undefined : (options.maxConcurrency ?? plan.maxConcurrency);
  const limit = most === undefined ? "" : `, at most ${most} at once`;
  const name = context.out.style("bold", safeLine(plan.name));
  return `${name}: ${plural(plan.steps.length, "step")} ${how}${limit}; run ${context.out.style("bold", run)}`;
}
