/** Report timeline: a row for each step that ran, a bar for each of its attempts. Places are shares of the width, so that it fits any. */
import { glyph } from "./html-glyphs.ts";
import { escapeHtml } from "./html-text.ts";
import type { RunViewInput, StepView } from "./run-view.ts";
import type { Span } from "./timeline.ts";
import { tookText } from "./times.ts";

const TICKS = [0, 0.25, 0.5, 0.75, 1] as const;
/** Least width of a bar, percent. */
const LEAST = 0.05;

export interface TimelineOptions {
  /** In the order of the plan. */
  readonly steps: readonly StepView[];
  /** Ids of the critical path. */
  readonly path: ReadonlySet<string>;
  /** Rows at most. */
  readonly most: number;
}

/** `undefined`: nothing ran. Time without an engine is left out. */
export function timelineRows(
  { timeline, live, now }: RunViewInput,
  { steps, path, most }: TimelineOptions,
): string | undefined {
  const spans = timeline.spans().filter((span) => span.kind !== "container");
  if (spans.length === 0) return undefined;
  const total = Math.max(1, timeline.parallelMs(live ? now : undefined));
  const share = (time: number): number => (timeline.offset(time) / total) * 100;
  const byStep = new Map<string, Span[]>();
  for (const span of spans) {
    const list = byStep.get(span.step);
    if (list) list.push(span);
    else byStep.set(span.step, [span]);
  }
  const indexOf = new Map(steps.map(({ id }, at) => [id, at]));
  const rows = [...byStep].slice(0, most).flatMap(([id, own]) => {
    const at = indexOf.get(id);
    const step = at === undefined ? undefined : steps[at];
    if (at === undefined || step === undefined) return [];
    return [
      row(
        step,
        at,
        own.map((span) => bar(span, share, now)).join(""),
        path.has(id) ? underline(own, share, now) : undefined,
      ),
    ];
  });
  const left = byStep.size - rows.length;
  const more = left > 0 ? `<li>… and ${left} more</li>` : "";
  return `<ol class="rows">${axis(total)}${rows.join("")}${more}</ol>`;
}

function axis(total: number): string {
  const texts = TICKS.map((tick, at) => {
    const anchor = at === 0 ? "" : at === TICKS.length - 1 ? ` class="end"` : ` class="mid"`;
    return `<text${anchor} x="${tick * 100}%" y="15">${tick === 0 ? "0" : tookText(total * tick)}</text>`;
  });
  return `<li class="axis" aria-hidden="true"><span class="name"></span><svg class="track">${texts.join("")}</svg><span class="took"></span></li>`;
}

function row(step: StepView, at: number, bars: string, under: string | undefined): string {
  const time = step.durationMs === null ? "–" : tookText(step.durationMs);
  const tries = step.attempts > 1 ? ` ×${step.attempts}` : "";
  const grid = TICKS.map((tick) => `<line class="grid" x1="${tick * 100}%" x2="${tick * 100}%" y1="-2" y2="24"/>`).join(
    "",
  );
  return `<li${under === undefined ? "" : ` class="onpath"`}><a class="name" href="#s${at}" title="${escapeHtml(step.id)}">${glyph(step.status)}<span>${escapeHtml(step.id)}</span></a><svg class="track" role="img" aria-label="${escapeHtml(step.durationMs === null ? step.status : `${step.status}, ${time}`)}">${grid}${bars}${under ?? ""}</svg><span class="took">${time}${tries}</span></li>`;
}

function bar(span: Span, share: (time: number) => number, now: number): string {
  const from = share(span.startedAt);
  const to = share(span.endedAt ?? now);
  const what = span.kind === "approval" ? "needs-approval" : span.status;
  const time = span.durationMs === null ? "" : `, ${tookText(span.durationMs)}`;
  const name = span.kind === "undo" ? "undo" : span.kind === "approval" ? "question" : `attempt ${span.attempt}`;
  return `<rect class="bar ${what}" x="${fixed(from)}%" y="3" width="${fixed(Math.max(LEAST, to - from))}%" height="14" rx="3"><title>${name}: ${span.status}${time}</title></rect>`;
}

function underline(spans: readonly Span[], share: (time: number) => number, now: number): string {
  const last = spans.at(-1);
  if (last === undefined) return "";
  return `<line class="under" x1="${fixed(share(last.startedAt))}%" x2="${fixed(share(last.endedAt ?? now))}%" y1="21" y2="21"/>`;
}

function fixed(value: number): string {
  return String(Number(value.toFixed(2)));
}
