/** `heddle runs`: lists the runs of the project, newest first. */
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { suggest } from "../../base/suggest.ts";
import type { RunLine } from "../../view/list.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import { cut, cutMiddle, pad, widthOf } from "../output-text.ts";
import type { Output } from "../output.ts";
import { styledLine } from "../styled-line.ts";
import { tookText } from "../../view/times.ts";
import { countsText, statusStyle, timeText } from "../format.ts";
import type { Flags } from "../spec.ts";
import { numberFlag, textFlag, textFlags } from "../flag-values.ts";
import type { RunListOptions } from "../../project/list-runs.ts";
import { RUN_STATUSES, type RunStatus } from "../../view/status.ts";

const SHOWN = 20;
const LONGEST_PLAN = 40;

export async function runsCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const { out } = context;
  const statuses = statusesOf(flags);
  if (!statuses.ok) return fail(context, statuses.error, EXIT.usage);
  const opened = await openToRead(context);
  if (!opened.ok && opened.error.code !== "NoRuns") return fail(context, opened.error, EXIT.failed);
  const limit = numberFlag(flags, "limit") ?? (context.json ? undefined : SHOWN);
  let lines: readonly RunLine[] = [];
  if (opened.ok) {
    await using project = opened.value;
    const narrowed = defined<Omit<RunListOptions, "limit">>({
      statuses: statuses.value,
      plan: textFlag(flags, "plan"),
    });
    lines =
      Object.keys(narrowed).length === 0
        ? await project.runs.list(defined({ limit }))
        : (await project.runs.page({ limit: limit ?? Number.MAX_SAFE_INTEGER - 1, ...narrowed })).runs;
  }
  if (context.json) out.json({ runs: lines });
  else if (lines.length === 0 && (flags["status"] ?? flags["plan"]) !== undefined) out.line("No such runs.");
  else if (lines.length === 0) out.line("No runs yet. Start one with `heddle run`.");
  else out.lines(runTable(out, lines, context.clock.now()));
  return EXIT.ok;
}

/** `--status failed,waiting`, as often as it is given; `undefined`: not at all. */
function statusesOf(flags: Flags): Result<readonly RunStatus[] | undefined, Problem> {
  const words = textFlags(flags, "status").flatMap((list) => list.split(","));
  const statuses = RUN_STATUSES.filter((status) => words.includes(status));
  const unknown = words.find((word) => !statuses.some((status) => status === word));
  if (unknown === undefined) return ok(words.length === 0 ? undefined : statuses);
  const near = suggest(unknown, RUN_STATUSES);
  const hint = near === undefined ? `There are: ${RUN_STATUSES.join(", ")}.` : `Did you mean ${near}?`;
  return err({ code: "Usage", message: `no run has the status ${JSON.stringify(unknown)}`, hint });
}

const HEADER = ["RUN", "STATUS", "PLAN", "TIME", "STARTED", "STEPS"] as const;

/** A header and a line for each run. The last column is the one that is cut where the terminal is narrow. */
function* runTable(out: Output, lines: readonly RunLine[], now: number): Generator<string, void, undefined> {
  const rows = lines.map((line) => cellsOf(line, now));
  const widths = HEADER.map((title, at) => Math.max(title.length, ...rows.map((cells) => widthOf(cells[at] ?? ""))));
  const columns = out.isTerminal ? out.columns : Number.POSITIVE_INFINITY;
  const style: Output["style"] = (name, text) => out.style(name, text);
  const padded = (cells: readonly string[], at: number): string => `${pad(cells[at] ?? "", widths[at] ?? 0)}  `;
  yield out.style(
    "dim",
    cut(
      HEADER.map((_, at) => padded(HEADER, at))
        .join("")
        .trimEnd(),
      columnsOr(columns),
    ),
  );
  for (const [at, cells] of rows.entries()) {
    const status = lines[at]?.status ?? "waiting";
    const row = styledLine({ columns, style }, [
      [padded(cells, 0), "bold"],
      [padded(cells, 1), statusStyle(status)],
      [`${padded(cells, 2)}${padded(cells, 3)}`, undefined],
      [padded(cells, 4), "dim"],
      [cells[5], undefined],
    ]);
    yield row.text.trimEnd();
  }
}

function columnsOr(columns: number): number {
  return Number.isFinite(columns) ? columns - 1 : Number.MAX_SAFE_INTEGER;
}

type Cells = readonly [run: string, status: string, plan: string, time: string, started: string, steps: string];

function cellsOf({ run, status, plan, startedAt, endedAt, counts }: RunLine, now: number): Cells {
  const time = endedAt === null ? "" : tookText(endedAt - startedAt);
  return [run, status, cutMiddle(safeLine(plan), LONGEST_PLAN), time, timeText(startedAt, now), countsText(counts)];
}
