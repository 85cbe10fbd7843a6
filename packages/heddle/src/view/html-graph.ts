/** Report drawing of the graph: boxes by layer, edges around them, the critical path marked. SVG without styles of its own. */
import type { Graph } from "../graph/graph.ts";
import { glyph } from "./html-glyphs.ts";
import { shortLabel, escapeHtml } from "./html-text.ts";
import { type GraphWay, layoutGraph, type WayPart } from "./graph-layout.ts";
import type { StepView } from "./run-view.ts";
import { tookText } from "./times.ts";

const SIZE = { boxHeight: 46, gapX: 56, gapY: 14 } as const;
/** For what is drawn around the outermost boxes. */
const MARGIN = 18;
/** Characters of an id that are shown, and the width of one. */
const LABEL = { least: 17, most: 34, width: 7.5 } as const;
/** Left of the text in a box, and right of it. */
const INSET = { left: 36, right: 10 } as const;

/** Steps that joined the run later are not in it. `path`: ids of the critical path. `undefined`: the graph is too large to be drawn. */
export function graphDrawing(graph: Graph, steps: readonly StepView[], path: readonly string[]): string | undefined {
  const characters = labelLength(graph.ids);
  const boxWidth = Math.ceil(characters * LABEL.width + INSET.left + INSET.right);
  const layout = layoutGraph(graph, { ...SIZE, boxWidth });
  if (layout === undefined) return undefined;
  const next = new Map(path.map((id, at) => [id, path[at + 1]]));
  const isCritical = ({ from, to }: GraphWay): boolean => next.get(graph.ids[from] ?? "") === graph.ids[to];
  const edges = [
    edgePath(
      "edge",
      layout.ways.filter((way) => !way.isSoft),
    ),
    edgePath(
      "edge after",
      layout.ways.filter((way) => way.isSoft),
    ),
    edgePath("edge path", layout.ways.filter(isCritical)),
  ];
  const boxes = layout.boxes.map(({ x, y }, at) => {
    const step = steps[at];
    return step === undefined ? "" : box(step, at, { x, y, width: boxWidth, characters, isOnPath: next.has(step.id) });
  });
  const width = Math.ceil(layout.width + 2 * MARGIN);
  const height = Math.ceil(layout.height + 2 * MARGIN);
  return `<svg class="graph" width="${width}" height="${height}" viewBox="${-MARGIN} ${-MARGIN} ${width} ${height}">${edges.join("")}${boxes.join("")}</svg>`;
}

/** What most ids need: a few long ones are cut. */
function labelLength(ids: readonly string[]): number {
  const lengths = ids.map((id) => id.length).toSorted((a, b) => a - b);
  const usual = lengths[Math.floor((lengths.length - 1) * 0.9)] ?? 0;
  return Math.min(LABEL.most, Math.max(LABEL.least, usual));
}

/** One line for all of a kind: what they have in common is drawn once. */
function edgePath(style: string, ways: readonly GraphWay[]): string {
  const drawn = new Set(ways.flatMap(({ parts }) => parts.map(partPath)));
  return drawn.size === 0 ? "" : `<path class="${style}" d="${[...drawn].join("")}"/>`;
}

function partPath({ from, to }: WayPart): string {
  const [x1, y1, x2, y2] = [from.x, from.y, to.x, to.y].map((value) => Number(value.toFixed(1)));
  if (y1 === y2) return `M${x1} ${y1}H${x2}`;
  const middle = ((x1 ?? 0) + (x2 ?? 0)) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

interface BoxPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Of the id. */
  readonly characters: number;
  readonly isOnPath: boolean;
}

function box(step: StepView, at: number, place: BoxPlace): string {
  const x = Number(place.x.toFixed(1));
  const y = Number(place.y.toFixed(1));
  const time = step.durationMs === null ? "" : ` · ${tookText(step.durationMs)}`;
  const tries = step.attempts > 1 ? ` ×${step.attempts}` : "";
  const said = `${step.status}${time}${tries}`;
  const style = place.isOnPath ? `${step.status} onpath` : step.status;
  const text = x + INSET.left;
  return `<a class="${style}" href="#s${at}" aria-label="${escapeHtml(`${step.id}: ${said}`)}"><title>${escapeHtml(step.id)}</title><rect class="box" x="${x}" y="${y}" width="${place.width}" height="${SIZE.boxHeight}" rx="7"/>${glyph(step.status, { x: x + 11, y: y + 15 })}<text class="id" x="${text}" y="${y + 20}">${escapeHtml(shortLabel(step.id, place.characters))}</text><text class="dim" x="${text}" y="${y + 36}">${escapeHtml(said)}</text></a>`;
}
