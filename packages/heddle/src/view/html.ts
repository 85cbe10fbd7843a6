/**
 * HTML report: a run as one self-contained page: figures, what failed with its output, timeline, graph and every step. No script, no
 * request; light or dark as the reader's system; to be read by keyboard, on a narrow screen and on paper. Names and outputs are data: all
 * text goes through {@link escapeHtml}.
 *
 * Invariant: the page's policy allows one style sheet, by its hash, and nothing else.
 */
import { costText } from "./cost-text.ts";
import { runGlyph } from "./glyphs.ts";
import { glyph, glyphShapes } from "./html-glyphs.ts";
import { graphDrawing } from "./html-graph.ts";
import { HTML_STYLE, HTML_STYLE_HASH } from "./html-style.ts";
import { escapeHtml, localTime } from "./html-text.ts";
import { timelineRows } from "./html-timeline.ts";
import { reportView, type ReportView } from "./report.ts";
import { runView, type RunView, type RunViewInput, type StepView } from "./run-view.ts";
import { STEP_STATUSES, type StepStatus } from "./status.ts";
import { tookText } from "./times.ts";

/** Steps drawn in the graph and listed; of larger runs the rest is said in numbers. */
const MOST_STEPS = 2000;
/** Failed steps, and open questions, that are shown in full. */
const MOST_CARDS = 50;

export interface PageOptions {
  /** Of the times, as in `Europe/Berlin`; default: that of the machine. */
  readonly timeZone?: string;
  /** The end of what an attempt printed, line by line; default: nothing is shown. */
  readonly outputOf?: (step: string, attempt: number) => readonly string[];
}

/** The page in parts, to be written one after another. */
export function* htmlReport(input: RunViewInput, options: PageOptions = {}): Generator<string, void, undefined> {
  const view = runView(input);
  const report = reportView(input);
  yield head(view);
  yield title(view, options);
  yield figures(view, report);
  yield shares(view);
  yield sections(input, view, report, options);
  yield* stepRows(view, new Set(report.criticalPath));
  yield "</main>\n</body>\n</html>\n";
}

function head(view: RunView): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${HTML_STYLE_HASH}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(`${view.plan} – ${view.status} – run ${view.run}`)}</title>
<style>${HTML_STYLE}</style>
</head>
<body>
${glyphShapes()}
`;
}

function title(view: RunView, { timeZone }: PageOptions): string {
  const started = `<time datetime="${new Date(view.startedAt).toISOString()}">${escapeHtml(localTime(view.startedAt, timeZone))}</time>`;
  return `<header><div class="title"><h1>${escapeHtml(view.plan)}</h1><span class="pill">${glyph(runGlyph(view.status))}${view.status}</span><span class="dim">run <code>${escapeHtml(view.run)}</code></span></div><p class="dim">Started ${started}</p>
`;
}

function figures(view: RunView, report: ReportView): string {
  const cells: readonly (readonly [string, string])[] = [
    ["Took", tookText(report.parallelMs)],
    ["One after another", tookText(report.sequentialMs)],
    ["Speed-up", report.speedup === null ? "–" : `${report.speedup.toFixed(2)}×`],
    ["Critical path", tookText(report.criticalPathMs)],
    [
      "Slots in use",
      report.utilisation === null ? "–" : `${Math.round(report.utilisation * 100)} % of ${report.slots}`,
    ],
    ["Steps · attempts", `${view.steps.length} · ${report.attempts}`],
  ];
  const cost = costText(report);
  const all = cost === undefined ? cells : [...cells, ["Cost", cost] as const];
  return `<dl class="figures">${all.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join("")}</dl>
`;
}

/** The steps by status: as a bar, and as a legend of the glyphs. */
function shares({ steps }: RunView): string {
  const counts = new Map<StepStatus, number>();
  for (const { status } of steps) counts.set(status, (counts.get(status) ?? 0) + 1);
  const shown = STEP_STATUSES.filter((status) => counts.has(status)).toSorted(
    (a, b) => RANK.indexOf(a) - RANK.indexOf(b),
  );
  let from = 0;
  const parts = shown.map((status) => {
    const width = ((counts.get(status) ?? 0) / Math.max(1, steps.length)) * 100;
    const part = `<rect class="${status}" x="${from.toFixed(2)}%" width="${width.toFixed(2)}%" height="8"/>`;
    from += width;
    return part;
  });
  const items = shown.map((status) => `<li>${glyph(status)}${counts.get(status) ?? 0} ${status}</li>`);
  const hatch = `<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" x1="0" x2="0" y1="0" y2="5"/></pattern></defs>`;
  return `<svg class="share" aria-hidden="true">${hatch}${parts.join("")}</svg><ul class="legend">${items.join("")}</ul>
`;
}

/** From what is done to what is not. */
const RANK: readonly StepStatus[] = [
  "succeeded",
  "cached",
  "running",
  "retrying",
  "interrupted",
  "needs-approval",
  "needs-resolution",
  "failed",
  "cancelled",
  "skipped",
  "waiting",
];

interface Section {
  readonly id: string;
  readonly name: string;
  readonly content: string;
}

function sections(input: RunViewInput, view: RunView, report: ReportView, options: PageOptions): string {
  const failed = view.steps.filter(({ status }) => status === "failed");
  const asking = view.steps.filter(({ question }) => question !== undefined);
  const found: Section[] = [];
  if (asking.length > 0)
    found.push({ id: "questions", name: `Needs an answer (${asking.length})`, content: cards(asking, questionCard) });
  if (failed.length > 0)
    found.push({
      id: "failures",
      name: `Failed (${failed.length})`,
      content: cards(failed, (step) => failureCard(step, view, options)),
    });
  const path = new Set(report.criticalPath);
  const rows = timelineRows(input, { steps: view.steps, path, most: MOST_STEPS });
  found.push({
    id: "timeline",
    name: "Timeline",
    content:
      rows === undefined
        ? `<p class="dim">Nothing ran.</p>`
        : `<div class="panel scroll" tabindex="0" role="region" aria-label="Timeline">${rows}</div>${legend("under")}`,
  });
  const drawn =
    view.steps.length > MOST_STEPS ? undefined : graphDrawing(input.state.index.graph, view.steps, report.criticalPath);
  found.push({
    id: "graph",
    name: "Graph",
    content:
      drawn === undefined
        ? `<p class="dim">The graph of ${view.steps.length} steps is too large to be drawn.</p>`
        : `<div class="panel scroll" tabindex="0" role="region" aria-label="Graph of the plan">${drawn}</div>${legend("edge path")}`,
  });
  const links = [...found, { id: "steps", name: "Steps" }].map(
    ({ id, name }) => `<li><a href="#${id}">${name}</a></li>`,
  );
  const texts = found.map(({ id, name, content }) => `<section id="${id}"><h2>${name}</h2>${content}</section>\n`);
  return `<nav aria-label="Parts of this page"><ul>${links.join("")}</ul></nav></header>\n<main>\n${texts.join("")}`;
}

function cards(steps: readonly StepView[], card: (step: StepView) => string): string {
  const more =
    steps.length > MOST_CARDS ? `<p class="dim">… and ${steps.length - MOST_CARDS} more, listed below.</p>` : "";
  return `<div class="panel cards">${steps.slice(0, MOST_CARDS).map(card).join("")}</div>${more}`;
}

function questionCard(step: StepView): string {
  const options = step.options === undefined ? "" : `<p class="dim">${escapeHtml(step.options.join(" · "))}</p>`;
  return `<article class="card ${step.status}"><h3>${glyph(step.status)}${escapeHtml(step.id)}</h3><p>${escapeHtml(step.question ?? "")}</p>${options}</article>`;
}

function failureCard(step: StepView, view: RunView, { outputOf }: PageOptions): string {
  const skipped = view.steps.filter(({ cause }) => cause === step.id).length;
  const tries = step.attempts > 1 ? ` in ${step.attempts} attempts` : "";
  const after = skipped > 0 ? ` ${skipped} ${skipped === 1 ? "step was" : "steps were"} skipped because of it.` : "";
  const lines = step.log === null ? [] : (outputOf?.(step.id, step.attempts) ?? []);
  const output =
    lines.length === 0
      ? ""
      : `<pre tabindex="0" role="region" aria-label="Last lines of ${escapeHtml(step.id)}">${escapeHtml(lines.join("\n"))}</pre>`;
  const about = tries === "" && after === "" ? "" : `<p class="dim">Failed${tries}.${after}</p>`;
  return `<article class="card failed"><h3>${glyph("failed")}${escapeHtml(step.id)}</h3><p>${escapeHtml(step.error?.message ?? step.why)}</p>${about}${output}</article>`;
}

/** `line`: how the critical path is drawn. */
function legend(line: "under" | "edge path"): string {
  const key = (style: string): string =>
    `<svg class="key" aria-hidden="true"><line class="${style}" x1="0" x2="28" y1="5" y2="5"/></svg>`;
  const items =
    line === "under"
      ? [`<li>${key("under")}critical path</li>`, `<li>time in which no process worked on the run is left out</li>`]
      : [
          `<li>${key("edge path")}critical path</li>`,
          `<li>${key("edge")}depends on</li>`,
          `<li>${key("edge after")}order only (after)</li>`,
        ];
  return `<ul class="legend">${items.join("")}</ul>`;
}

function* stepRows(view: RunView, path: ReadonlySet<string>): Generator<string, void, undefined> {
  yield `<section id="steps"><h2>Steps</h2><div class="panel scroll free" tabindex="0" role="region" aria-label="Steps"><table>
<thead><tr><th>Step</th><th>Status</th><th class="n">Layer</th><th class="n">Attempts</th><th class="n">Time</th><th>Notes</th></tr></thead>
<tbody>
`;
  for (const { step, at } of withParts(view.steps).slice(0, MOST_STEPS)) yield stepRow(step, at, path.has(step.id));
  yield "</tbody></table></div>";
  if (view.steps.length > MOST_STEPS) yield `<p class="dim">… and ${view.steps.length - MOST_STEPS} more.</p>`;
  yield "</section>\n";
}

/** Each step followed by the steps inside of it; `at`: its place in the view. */
function withParts(steps: readonly StepView[]): readonly { readonly step: StepView; readonly at: number }[] {
  const inside = new Map<string | undefined, { step: StepView; at: number }[]>();
  for (const [at, step] of steps.entries()) {
    const list = inside.get(step.parent);
    if (list) list.push({ step, at });
    else inside.set(step.parent, [{ step, at }]);
  }
  const ordered: { step: StepView; at: number }[] = [];
  const stack = (inside.get(undefined) ?? []).toReversed();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    ordered.push(next);
    for (const part of (inside.get(next.step.id) ?? []).toReversed()) stack.push(part);
  }
  return ordered;
}

function stepRow(step: StepView, at: number, isOnPath: boolean): string {
  const about = step.description === undefined ? "" : `<span class="dim">${escapeHtml(step.description)}</span>`;
  const time = step.durationMs === null ? "" : tookText(step.durationMs);
  const notes = [
    step.status === "succeeded" ? "" : (step.error?.message ?? step.why),
    isOnPath ? "on the critical path" : "",
  ];
  const note = escapeHtml(notes.filter((one) => one !== "").join(" · "));
  const inside = step.parent === undefined ? "" : ` class="inside"`;
  return `<tr id="s${at}"${inside}><td><span class="who">${glyph(step.status)}<span><b>${escapeHtml(step.id)}</b>${about}</span></span></td><td class="state">${step.status}</td><td class="n layer">${step.layer}</td><td class="n tries">${step.attempts}</td><td class="n time">${time}</td><td class="note">${note}</td></tr>
`;
}
