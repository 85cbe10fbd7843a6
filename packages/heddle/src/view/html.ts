/**
 * HTML report: a run as one self-contained page with sums, graph by layer, timeline by slot and every step. No script,
 * no request; light or dark as the reader's system. Names and outputs are data: all text goes through {@link
 * escapeHtml}.
 */
import { tookText } from "./times.ts";
import { HTML_STYLE } from "./html-style.ts";
import { graphDrawing, timelineDrawing } from "./html-drawing.ts";
import { reportView, type ReportView } from "./report.ts";
import { runView, type RunView, type RunViewInput, type StepView } from "./run-view.ts";
import { STATUS_SYMBOL } from "./status.ts";

/** Steps drawn in the graph and listed; of larger runs the rest is said in numbers. */
const MOST_STEPS = 2000;

export function escapeHtml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\u{fffd}")
    .replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}

/** The page in parts, to be written one after another. */
export function* htmlReport(input: RunViewInput): Generator<string, void, undefined> {
  const view = runView(input);
  const report = reportView(input);
  const title = escapeHtml(`${view.plan} – run ${view.run}`);
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${HTML_STYLE}</style>
</head>
<body>
<header><h1>${escapeHtml(view.plan)}</h1><p>run <code>${escapeHtml(view.run)}</code> <span class="status ${view.status}">${view.status}</span> ${new Date(view.startedAt).toISOString()}</p></header>
`;
  yield sums(report);
  yield section("Timeline", timelineDrawing(input, escapeHtml));
  yield section(
    "Graph",
    view.steps.length > MOST_STEPS
      ? `<p>The graph of ${view.steps.length} steps is not drawn.</p>`
      : graphDrawing(input, view, escapeHtml),
  );
  yield* stepRows(view);
  yield "</body>\n</html>\n";
}

function section(title: string, content: string): string {
  return `<section><h2>${title}</h2><div class="scroll">${content}</div></section>\n`;
}

function sums(report: ReportView): string {
  const cells: readonly (readonly [string, string])[] = [
    ["parallel", tookText(report.parallelMs)],
    ["sequential", tookText(report.sequentialMs)],
    ["speed-up", report.speedup === null ? "–" : `${report.speedup.toFixed(2)}×`],
    ["critical path", tookText(report.criticalPathMs)],
    ["utilisation", report.utilisation === null ? "–" : `${Math.round(report.utilisation * 100)} % of ${report.slots}`],
    ["attempts", String(report.attempts)],
  ];
  const path =
    report.criticalPath.slice(0, 60).map(escapeHtml).join(" → ") + (report.criticalPath.length > 60 ? " → …" : "");
  return `<dl class="sums">${cells.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join("")}</dl>
<p class="path">Critical path: ${path}</p>
`;
}

function* stepRows(view: RunView): Generator<string, void, undefined> {
  yield `<section><h2>Steps</h2><div class="scroll"><table>
<thead><tr><th></th><th>Step</th><th>Status</th><th>Layer</th><th>Attempts</th><th>Time</th><th>Why</th></tr></thead>
<tbody>
`;
  for (const step of view.steps.slice(0, MOST_STEPS)) yield stepRow(step);
  yield "</tbody></table></div>";
  if (view.steps.length > MOST_STEPS) yield `<p>… and ${view.steps.length - MOST_STEPS} more.</p>`;
  yield "</section>\n";
}

function stepRow(step: StepView): string {
  const description = step.description === undefined ? "" : `<small>${escapeHtml(step.description)}</small>`;
  const time = step.durationMs === null ? "" : tookText(step.durationMs);
  return `<tr><td class="symbol ${step.status}">${STATUS_SYMBOL[step.status]}</td><td>${escapeHtml(step.id)}${description}</td><td>${step.status}</td><td class="n">${step.layer}</td><td class="n">${step.attempts}</td><td class="n">${time}</td><td>${escapeHtml(step.why)}</td></tr>
`;
}
