/** `heddle report`: summarises a run as text, HTML page, trace or chart. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { plural } from "../../base/plural.ts";
import { costText } from "../../view/cost-text.ts";
import type { RunViewInput } from "../../view/run-view.ts";
import { reportView, runDrawing, type ReportView } from "../../view/report.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { safeJson, safeLine } from "../../base/safe-text.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn, notJsonProblem, textFlag } from "../flag-values.ts";
import { tookText } from "../../view/times.ts";
import { countsText } from "../format.ts";
import { pad } from "../output-text.ts";

/** Of each failed step, in the page. */
const OUTPUT_LINES = 40;

const FORMS = ["html", "trace", "mermaid", "junit"] as const;

export async function reportCommand(
  context: Context,
  [word]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const forms = FORMS.filter((form) => isFlagOn(flags, form));
  if (forms.length > 1) {
    const message = `${forms.map((form) => `--${form}`).join(" and ")} cannot be combined`;
    return fail(context, { code: "Usage", message, hint: "Use one of them." });
  }
  const file = textFlag(flags, "out");
  const [form] = forms;
  if (context.json && file === undefined && form !== undefined && form !== "trace")
    return fail(context, notJsonProblem(form, "Leave out --json, or write to a file with -o."));
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  const read = await project.runs.read(run.value);
  if (!read.ok) return fail(context, read.error, EXIT.failed);
  const logFile = (step: string, attempt: number): string => project.logs.file(run.value, step, attempt);
  const input: RunViewInput = { ...read.value, now: context.clock.now(), logFile };
  const parts = await partsOf(context, input, flags);
  if (file === undefined) {
    for (const part of parts) {
      context.out.write(part);
      await context.out.drained();
    }
    return EXIT.ok;
  }
  try {
    writeFileSync(file, [...parts].join(""));
  } catch (thrown) {
    return fail(
      context,
      {
        code: "FileUnwritable",
        message: `cannot write ${file}: ${messageOf(thrown)}`,
        hint: "Choose another file with -o.",
        cause: thrown,
      },
      EXIT.failed,
    );
  }
  if (context.json) context.out.json({ file: resolve(file) });
  else context.out.note(`Wrote ${safeLine(file)}.`);
  return EXIT.ok;
}

async function partsOf(context: Context, input: RunViewInput, flags: Flags): Promise<Iterable<string>> {
  if (isFlagOn(flags, "html")) {
    const { htmlReport } = await import("../../view/html.ts");
    return htmlReport(input, { outputOf: await outputOf(input) });
  }
  if (isFlagOn(flags, "junit")) {
    const { junitReport } = await import("../../view/junit.ts");
    return junitReport(input, { outputOf: await outputOf(input) });
  }
  if (isFlagOn(flags, "trace")) {
    const { traceOf } = await import("../../view/trace.ts");
    return [`${safeJson(traceOf(input))}\n`];
  }
  if (isFlagOn(flags, "mermaid")) return withBreaks(runDrawing(input));
  const view = reportView(input);
  return context.json ? [`${JSON.stringify(view)}\n`] : reportLines(view);
}

async function outputOf({ logFile }: RunViewInput): Promise<(step: string, attempt: number) => readonly string[]> {
  const { lastLines } = await import("../../project/log-lines.ts");
  return (step, attempt) => lastLines(logFile(step, attempt) ?? "", OUTPUT_LINES).map(safeLine);
}

function* withBreaks(lines: Iterable<string>): Generator<string, void, undefined> {
  for (const line of lines) yield `${line}\n`;
}

function* reportLines(view: ReportView): Generator<string, void, undefined> {
  const utilisation =
    view.utilisation === null ? "unknown" : `${Math.round(view.utilisation * 100)} % of ${plural(view.slots, "slot")}`;
  yield `Run ${view.run} of ${safeLine(view.plan)}: ${view.status}\n`;
  yield `Steps:             ${countsText(view.counts)} (${plural(view.attempts, "attempt")})\n`;
  yield `Sequential time:   ${tookText(view.sequentialMs)}\n`;
  yield `Parallel time:     ${tookText(view.parallelMs)}\n`;
  yield `Speed-up:          ${view.speedup === null ? "unknown" : `${view.speedup.toFixed(2)}x`}\n`;
  yield `Critical path:     ${tookText(view.criticalPathMs)}  ${safeLine(view.criticalPath.slice(0, 50).join(" -> "))}\n`;
  yield `Utilisation:       ${utilisation}\n`;
  yield `Cost:              ${costText(view) ?? "none"}\n`;
  for (const [at, { step, durationMs }] of view.slowest.entries()) {
    yield `${at === 0 ? "Slowest:" : "        "}           ${pad(tookText(durationMs), 8)}  ${safeLine(step)}\n`;
  }
}
