/** `heddle` without arguments: shows the steps of the folder's plan, how they ended in its latest run, and what waits. */
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import { ok, type Result } from "../../base/result.ts";
import { plural } from "../../base/plural.ts";
import type { RunLine } from "../../view/list.ts";
import { runView, type RunView, type StepView } from "../../view/run-view.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import { findPlanFile, isPlanModule, noPlan } from "../../project/find-plan.ts";
import { loadPlan } from "../plans.ts";
import type { Flags } from "../spec.ts";
import { countsText, statusStyle, timeText } from "../format.ts";
import { nextLines } from "../next-lines.ts";
import { planLines, viewOf } from "./plan.ts";
import { foremostSteps } from "../../view/foremost.ts";
import { stepTable } from "../step-table.ts";
import type { LoadedPlan } from "../../project/port.ts";

export async function overviewCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const { out } = context;
  const file = findPlanFile(context.dir);
  if (file === undefined)
    return fail(context, noPlan(context.dir, "`heddle init` writes an example; `heddle --help` lists all commands."));
  // A TypeScript plan is a program: only `run` and `plan` load it.
  if (isPlanModule(file)) {
    const found = await lastRun(context, file, undefined);
    if (!found.ok) return fail(context, found.error);
    const { last, waiting } = found.value;
    if (context.json) out.json({ file, lastRun: last?.view ?? null, waiting });
    else if (last === undefined) {
      out.line(`${file}: not run yet. Show it with \`heddle plan\`, run it with \`heddle run\`.`);
      out.lines(waitingLines(waiting));
    } else out.lines(lastLinesOf(context, last, waiting));
    return EXIT.ok;
  }
  const loaded = await loadPlan(context, file, {}, { allowMissingParams: true });
  if (!loaded.ok) return loaded.error;
  const found = await lastRun(context, file, loaded.value);
  if (!found.ok) return fail(context, found.error);
  const { last, waiting } = found.value;
  if (context.json)
    out.json({ file, plan: await viewOf(context, loaded.value, flags), lastRun: last?.view ?? null, waiting });
  else if (last !== undefined) out.lines(lastLinesOf(context, last, waiting));
  else {
    out.lines(planLines(out, await viewOf(context, loaded.value, flags)));
    out.line();
    out.line("Not run yet: heddle run");
    out.lines(waitingLines(waiting));
  }
  return EXIT.ok;
}

interface LastRun {
  readonly view: RunView;
  /** A process holds it now. */
  readonly live: boolean;
  /** What to type next, as lines. */
  readonly next: readonly string[];
  /** Newer runs of parts of the plan. */
  readonly later: readonly RunLine[];
  /** Ids as the plan says now; absent: nobody knows. */
  readonly present: readonly string[] | undefined;
  /** Ids that the run was begun with: others grew in it. */
  readonly begun: readonly string[];
}

interface Found {
  readonly last: LastRun | undefined;
  /** Other runs of this folder that wait for a person. */
  readonly waiting: readonly RunLine[];
}

/** Runs of which it is looked whether they wait. */
const MOST_RUNS = 100;

async function lastRun(
  context: Context,
  file: string,
  loaded: LoadedPlan | undefined,
): Promise<Result<Found, Problem>> {
  const opened = await openToRead(context);
  if (!opened.ok) return opened.error.code === "NoRuns" ? ok({ last: undefined, waiting: [] }) : opened;
  await using project = opened.value;
  const present = loaded?.plan.steps.map(({ id }) => id);
  const latest = await project.plans.latestRun(defined({ file, name: loaded?.plan.name, steps: present }));
  const lines = await project.runs.list({ limit: MOST_RUNS });
  const waiting = lines.filter(({ run, status }) => status === "waiting" && run !== latest?.run);
  if (latest === undefined) return ok({ last: undefined, waiting });
  const read = await project.runs.read(latest.run);
  if (!read.ok) return read;
  const { state, live } = read.value;
  const now = context.clock.now();
  const logFile = (step: string, attempt: number): string => project.logs.file(latest.run, step, attempt);
  const view = runView({ ...read.value, now, logFile });
  const next = [...nextLines({ state, status: view.status, live, now, logFile })];
  return ok({ last: { view, live, next, later: latest.later, present, begun: latest.steps }, waiting });
}

const MOST_STEPS = 200;
/** Rows of a terminal besides those of steps, so that the first of them stay on it. */
const OTHER_ROWS = 8;
const MOST_LINES = 5;

function* lastLinesOf(
  { out, clock }: Context,
  { view, live, next, later, present, begun }: LastRun,
  waiting: readonly RunLine[],
): Generator<string, void, undefined> {
  const { steps, gone } = stepsNow(view, begun, present);
  const count = plural(present?.length ?? steps.length, "step");
  yield `${out.style("bold", safeLine(view.plan))}: ${count}; last run ${view.run} ${out.style(statusStyle(view.status), view.status)} (${timeText(view.startedAt, clock.now())})`;
  yield "";
  const most = out.isTerminal ? Math.max(MOST_STEPS / 10, out.rows - OTHER_ROWS) : MOST_STEPS;
  const shown = foremostSteps(steps, most);
  yield* stepTable(out, shown);
  if (steps.length > shown.length) yield `… and ${steps.length - shown.length} more: heddle show ${view.run}`;
  yield "";
  yield countsText(view.counts);
  if (gone > 0) yield `${plural(gone, "step")} of that run ${gone === 1 ? "is" : "are"} not in the plan any more.`;
  for (const { run, status, counts, startedAt } of later.slice(0, MOST_LINES))
    yield `Later, of a part: run ${run} ${status}, ${countsText(counts)} (${timeText(startedAt, clock.now())})`;
  yield* next;
  if (view.status === "running") yield `Follow: heddle watch ${view.run}`;
  else if (view.status === "succeeded") yield "Run again: heddle run";
  else if (!live) yield "Start over: heddle run";
  yield* waitingLines(waiting);
}

function* waitingLines(waiting: readonly RunLine[]): Generator<string, void, undefined> {
  for (const { run, plan } of waiting.slice(0, MOST_LINES))
    yield `Also waiting: run ${run} of ${safeLine(plan)}: heddle show ${run}`;
  if (waiting.length > MOST_LINES) yield `… and ${waiting.length - MOST_LINES} more: heddle runs`;
}

/** The steps as the plan has them now, with what they grew in the run, and what that run did not have. */
function stepsNow(
  view: RunView,
  begun: readonly string[],
  present: readonly string[] | undefined,
): { readonly steps: readonly StepView[]; readonly gone: number } {
  if (present === undefined) return { steps: view.steps, gone: 0 };
  const now = new Set(present);
  const gone = new Set(begun.filter((id) => !now.has(id)));
  const known = new Map(view.steps.map((step) => [step.id, step]));
  const isGone = ({ id, parent }: StepView): boolean => {
    if (gone.has(id)) return true;
    const around = known.get(parent ?? "");
    return around !== undefined && isGone(around);
  };
  const added = present.filter((id) => !known.has(id)).map(notRun);
  return { steps: [...view.steps.filter((step) => !isGone(step)), ...added], gone: gone.size };
}

function notRun(id: string): StepView {
  return {
    id,
    status: "waiting",
    layer: 0,
    attempts: 0,
    startedAt: null,
    endedAt: null,
    durationMs: null,
    reasons: [],
    why: "not in that run",
    log: null,
  };
}
