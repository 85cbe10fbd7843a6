/** `heddle run`: starts a new run of a plan. */
import { relative } from "node:path";
import { defined } from "../../base/defined.ts";
import type { JsonObject } from "../../base/json.ts";
import { plural } from "../../base/plural.ts";
import { showRun } from "../show-run.ts";
import { EXIT, fail, openToWrite, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import { loadPlan, noteWarnings } from "../plans.ts";
import type { Flags } from "../spec.ts";
import { concurrencyOf, isFlagOn, numberFlag, textFlag, textFlags } from "../flag-values.ts";
import type { LoadedPlan, Project, StartOptions } from "../../project/port.ts";

export async function runCommand(
  context: Context,
  [file]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const conflict = conflictOf(flags);
  if (conflict !== undefined) return fail(context, { code: "Usage", message: conflict, hint: "Use one of them." });
  const loaded = await loadPlan(context, file, (flags["param"] as JsonObject | undefined) ?? {}, { flags });
  if (!loaded.ok) return loaded.error;
  if (textFlag(flags, "output") !== "quiet") await noteWarnings(context, loaded.value, flags);
  if (isFlagOn(flags, "dryRun")) {
    const { showDryRun } = await import("./dry-run.ts");
    return showDryRun(context, loaded.value, flags);
  }
  if (isFlagOn(flags, "interactive") && !context.out.canAsk) {
    const hint = "Without a terminal, use an `approve` step.";
    return fail(context, { code: "Usage", message: "--interactive needs a terminal", hint });
  }
  const opened = await openToWrite(context);
  if (!opened.ok) return fail(context, opened.error, EXIT.failed);
  await using project = opened.value;
  const unusable = await project.plans.agentsProblem(loaded.value.plan);
  if (unusable !== undefined) return fail(context, unusable);
  return await startRun(context, project, loaded.value, flags);
}

async function startRun(context: Context, project: Project, loaded: LoadedPlan, flags: Flags): Promise<number> {
  let chosen = loaded;
  let options: StartOptions = startOptionsOf(context, loaded, flags);
  if (textFlags(flags, "only").length > 0 || textFlag(flags, "from") !== undefined) {
    const reuse = await project.runs.select(loaded, { only: textFlags(flags, "only"), from: textFlag(flags, "from") });
    if (!reuse.ok) return fail(context, reuse.error);
    for (const said of reuse.value.again) context.out.note(safeLine(said));
    chosen = reuse.value.plan;
    const { only, reuse: taken } = reuse.value;
    options = defined({ ...options, only, reuse: taken });
  } else if (textFlag(flags, "output") !== "quiet") await remindOfUnfinished(context, project, loaded);
  const started = await project.runs.start(chosen, options);
  if (!started.ok) return fail(context, started.error, EXIT.failed);
  const handle = started.value;
  return showRun(context, project, handle, {
    flags,
    opening: openingLine(context, handle.run, chosen, options),
    interactive: isFlagOn(flags, "interactive"),
  });
}

function conflictOf(flags: Flags): string | undefined {
  if (isFlagOn(flags, "failFast") && isFlagOn(flags, "keepGoing"))
    return "--fail-fast and --keep-going cannot be combined";
  if (isFlagOn(flags, "sequential") && isFlagOn(flags, "parallel"))
    return "--sequential and --parallel cannot be combined";
  if (isFlagOn(flags, "sequential") && (concurrencyOf(flags) ?? 1) > 1)
    return "--sequential and --max-concurrency cannot be combined";
  if (textFlags(flags, "only").length > 0 && textFlag(flags, "from") !== undefined)
    return "--only and --from cannot be combined";
  return undefined;
}

export function startOptionsOf(context: Context, loaded: LoadedPlan, flags: Flags): StartOptions {
  const maxConcurrency = concurrencyOf(flags);
  const schedule = isFlagOn(flags, "interactive") ? "layers" : textFlag(flags, "schedule");
  const rollback = textFlag(flags, "rollback");
  const timeoutMs = numberFlag(flags, "timeout");
  return defined({
    planFile: loaded.file === undefined ? undefined : relative(context.dir, loaded.file),
    maxConcurrency,
    sequential: isFlagOn(flags, "sequential") ? true : undefined,
    schedule: schedule === "ready" || schedule === "layers" ? schedule : undefined,
    failure: isFlagOn(flags, "keepGoing") ? "continue" : isFlagOn(flags, "failFast") ? "fail-fast" : undefined,
    rollback: rollback === "none" || rollback === "dependents" || rollback === "all" ? rollback : undefined,
    timeoutMs,
    ...waitOption(context, flags),
    pauseBeforeLayers: isFlagOn(flags, "interactive") ? true : undefined,
  });
}

/** Where somebody can be asked, or said that they will answer, the run stays for the answers. */
export function waitOption(context: Context, flags: Flags): { readonly wait?: true } {
  const asks = context.out.canAsk && !context.json && textFlag(flags, "output") !== "quiet";
  return asks || isFlagOn(flags, "wait") ? { wait: true } : {};
}

/** One line where the plan's latest run was left unfinished. */
async function remindOfUnfinished(context: Context, project: Project, { plan }: LoadedPlan): Promise<void> {
  if (context.json) return;
  const [latest] = await project.runs.list({ plan: plan.name, limit: 1 });
  if (latest === undefined) return;
  const { run, status } = latest;
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
