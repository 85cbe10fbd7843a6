/** `heddle` without arguments: shows the plan's steps and how they ended in the last run. */
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import { ok, type Result } from "../../base/result.ts";
import { plural } from "../../base/plural.ts";
import { runView, type RunView } from "../../view/run-view.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import { findPlanFile, noPlan } from "../../project/find-plan.ts";
import { loadPlan } from "../plans.ts";
import type { Flags } from "../spec.ts";
import { countsText, statusStyle, timeText } from "../format.ts";
import { nextLines } from "../next-lines.ts";
import { planLines, viewOf } from "./plan.ts";
import { stepTable } from "../step-table.ts";

export async function overviewCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const { out } = context;
  const file = findPlanFile(context.dir);
  if (file === undefined)
    return fail(context, {
      ...noPlan(),
      hint: "`heddle init` writes an example; `heddle --help` lists all commands.",
    });
  // A TypeScript plan is a program: only `run` and `plan` load it.
  if (/\.m?ts$/.test(file)) {
    const found = await lastRun(context, undefined);
    if (!found.ok) return fail(context, found.error);
    const last = found.value;
    if (context.json) out.json({ file, lastRun: last?.view ?? null });
    else if (last === undefined)
      out.line(`${file}: not run yet. Show it with \`heddle plan\`, run it with \`heddle run\`.`);
    else out.lines(lastLinesOf(context, last));
    return EXIT.ok;
  }
  const loaded = await loadPlan(context, file, {}, { allowMissingParams: true });
  if (!loaded.ok) return loaded.error;
  const found = await lastRun(context, loaded.value.plan.name);
  if (!found.ok) return fail(context, found.error);
  const last = found.value;
  if (context.json) out.json({ file, plan: await viewOf(context, loaded.value, flags), lastRun: last?.view ?? null });
  else if (last !== undefined) out.lines(lastLinesOf(context, last));
  else {
    out.lines(planLines(out, await viewOf(context, loaded.value, flags)));
    out.line();
    out.line("Not run yet: heddle run");
  }
  return EXIT.ok;
}

interface LastRun {
  readonly view: RunView;
  /** A process holds it now. */
  readonly live: boolean;
}

/** `plan`: of this name alone. */
async function lastRun(context: Context, plan: string | undefined): Promise<Result<LastRun | undefined, Problem>> {
  const opened = await openToRead(context);
  if (!opened.ok) return opened.error.code === "NoRuns" ? ok(undefined) : opened;
  await using project = opened.value;
  const [latest] = await project.runs.list(defined({ limit: 1, plan }));
  if (latest === undefined) return ok(undefined);
  const read = await project.runs.read(latest.run);
  if (!read.ok) return read;
  const view = runView({
    ...read.value,
    now: context.clock.now(),
    logFile: (step, attempt) => project.logs.file(latest.run, step, attempt),
  });
  return ok({ view, live: read.value.live });
}

function* lastLinesOf({ out, clock }: Context, { view, live }: LastRun): Generator<string, void, undefined> {
  yield `${out.style("bold", safeLine(view.plan))}: ${plural(view.steps.length, "step")}; last run ${view.run} ${out.style(statusStyle(view.status), view.status)} (${timeText(view.startedAt, clock.now())})`;
  yield "";
  yield* stepTable(out, view.steps.slice(0, 200));
  if (view.steps.length > 200) yield `… and ${view.steps.length - 200} more`;
  yield "";
  yield countsText(view.counts);
  yield* nextLines(view, live);
  if (view.status === "running") yield `Follow: heddle watch ${view.run}`;
  else if (view.status === "succeeded") yield "Run again: heddle run";
  else if (!live) yield "Start over: heddle run";
}
