/** Report drawings: the graph by layer and the timeline by slot, as SVG. Text is escaped by the caller's function. */
import { tookText } from "./times.ts";
import { targetsOf } from "../graph/graph.ts";
import { layersOf } from "../graph/paths.ts";
import type { RunView, RunViewInput } from "./run-view.ts";
import type { Span } from "./timeline.ts";

type Escape = (text: string) => string;

const BOX = { width: 150, height: 30, gapX: 60, gapY: 12 } as const;

/** Boxes by layer from left to right, deps as lines. Steps that joined the run later are in the table alone. */
export function graphDrawing({ state }: RunViewInput, view: RunView, escape: Escape): string {
  const { graph } = state.index;
  const layers = layersOf(graph);
  const place = new Map<number, { readonly x: number; readonly y: number }>();
  for (const [column, steps] of layers.entries()) {
    for (const [row, step] of steps.entries()) {
      place.set(step, { x: 20 + column * (BOX.width + BOX.gapX), y: 20 + row * (BOX.height + BOX.gapY) });
    }
  }
  const widest = layers.reduce((most, steps) => Math.max(most, steps.length), 0);
  const width = 40 + layers.length * (BOX.width + BOX.gapX) - BOX.gapX;
  const height = 40 + widest * (BOX.height + BOX.gapY) - BOX.gapY;
  const edges: string[] = [];
  const boxes: string[] = [];
  for (let step = 0; step < graph.size; step++) {
    const to = place.get(step);
    if (to === undefined) continue;
    for (const [side, style] of [
      [graph.deps, "edge"],
      [graph.after, "edge soft"],
    ] as const) {
      for (const dep of targetsOf(side, step)) {
        const from = place.get(dep);
        if (from !== undefined) edges.push(edge(from, to, style));
      }
    }
    const drawn = view.steps[step];
    if (drawn === undefined) continue;
    const time = drawn.durationMs === null ? "" : ` – ${tookText(drawn.durationMs)}`;
    boxes.push(
      `<g class="${drawn.status}"><title>${escape(`${drawn.id}: ${drawn.status}${time}`)}</title><rect class="box" x="${to.x}" y="${to.y}" width="${BOX.width}" height="${BOX.height}" rx="6"/><text x="${to.x + 10}" y="${to.y + 20}">${escape(short(drawn.id, 20))}</text></g>`,
    );
  }
  return `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Graph of the plan">${edges.join("")}${boxes.join("")}</svg>`;
}

function edge(from: { x: number; y: number }, to: { x: number; y: number }, style: string): string {
  const x1 = from.x + BOX.width;
  const y1 = from.y + BOX.height / 2;
  const y2 = to.y + BOX.height / 2;
  const bend = Math.max(20, (to.x - x1) / 2);
  return `<path class="${style}" d="M${x1} ${y1}C${x1 + bend} ${y1} ${to.x - bend} ${y2} ${to.x} ${y2}"/>`;
}

const CHART = { left: 70, width: 1060, row: 24, top: 24 } as const;
/** Attempts drawn; the longest ones of a larger run. */
const MOST_BARS = 5000;

/** One row per slot, time from left to right; time without an engine is left out. */
export function timelineDrawing({ timeline, live, now }: RunViewInput, escape: Escape): string {
  const drawn = chosen(timeline.spans());
  if (drawn.length === 0) return "<p>Nothing ran.</p>";
  const total = Math.max(1, timeline.parallelMs(live ? now : undefined));
  const rows = timeline.slots;
  const hasUndo = drawn.some((span) => span.kind === "undo");
  const height = CHART.top + (rows + (hasUndo ? 1 : 0)) * CHART.row + 10;
  const x = (time: number): number => CHART.left + (timeline.offset(time) / total) * CHART.width;
  const lines = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = CHART.left + share * CHART.width;
    return `<line class="grid" x1="${at}" x2="${at}" y1="${CHART.top - 6}" y2="${height - 6}"/><text class="dim" x="${at}" y="14" text-anchor="${share === 1 ? "end" : "start"}">${tookText(total * share)}</text>`;
  });
  const labels = Array.from(
    { length: rows },
    (_, slot) => `<text class="dim" x="8" y="${CHART.top + slot * CHART.row + 15}">slot ${slot + 1}</text>`,
  );
  if (hasUndo) labels.push(`<text class="dim" x="8" y="${CHART.top + rows * CHART.row + 15}">undo</text>`);
  const bars = drawn.map((span) => {
    const start = x(span.startedAt);
    const end = x(span.endedAt ?? now);
    const row = span.kind === "undo" ? rows : span.slot;
    return bar(span, start, Math.max(1.5, end - start), CHART.top + row * CHART.row, escape);
  });
  const width = CHART.left + CHART.width + 20;
  return `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Timeline of attempts">${lines.join("")}${labels.join("")}${bars.join("")}</svg>`;
}

function chosen(spans: readonly Span[]): readonly Span[] {
  const shown = spans.filter((span) => span.kind === "attempt" || span.kind === "undo");
  if (shown.length <= MOST_BARS) return shown;
  return shown.toSorted((a, b) => (b.durationMs ?? 0) - (a.durationMs ?? 0)).slice(0, MOST_BARS);
}

function bar(span: Span, x: number, width: number, y: number, escape: Escape): string {
  const time = span.durationMs === null ? "" : `, ${tookText(span.durationMs)}`;
  const attempt = span.attempt > 1 ? `, attempt ${span.attempt}` : "";
  const label =
    width > 60
      ? `<text x="${fixed(x + 5)}" y="${y + 15}">${escape(short(span.step, Math.floor(width / 7.5)))}</text>`
      : "";
  return `<g class="${span.status}"><title>${escape(`${span.step}: ${span.status}${attempt}${time}`)}</title><rect class="bar" x="${fixed(x)}" y="${y}" width="${fixed(width)}" height="${CHART.row - 4}"/>${label}</g>`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function short(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, Math.max(1, length - 1)).join("")}…`;
}
