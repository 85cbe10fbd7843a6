/**
 * Paint: edges and bars of the graph on canvases. Knows no run: what a bar looks like it is told.
 *
 * Invariant: a bar is opaque and stays within its box, but those that stand out: painting it again needs no clearing.
 */
import type { GraphLayout } from "heddle/view";
import { seen, type Camera, type Extent } from "./camera.ts";

/** Edges as numbers side by side. */
export interface PackedWays {
  readonly count: number;
  /** Nodes. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly isSoft: Uint8Array;
  /** Of way `i`: x and y of the points from `offsets[i]` to `offsets[i + 1]`. */
  readonly offsets: Int32Array;
  readonly points: Float32Array;
  /** Of way `i`: left, top, right, bottom at `4 * i`. */
  readonly bounds: Float32Array;
}

export function packedWays({ ways }: GraphLayout): PackedWays {
  const count = ways.length;
  const offsets = new Int32Array(count + 1);
  for (const [at, { parts }] of ways.entries()) offsets[at + 1] = (offsets[at] ?? 0) + parts.length + 1;
  const points = new Float32Array(2 * (offsets[count] ?? 0));
  const bounds = new Float32Array(4 * count);
  for (const [at, { parts }] of ways.entries()) {
    const [first] = parts;
    const all = first === undefined ? [] : [first.from, ...parts.map(({ to }) => to)];
    let [top, bottom] = [Infinity, -Infinity];
    for (const [index, { x, y }] of all.entries()) {
      points.set([x, y], 2 * ((offsets[at] ?? 0) + index));
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
    bounds.set([first?.from.x ?? 0, top, all.at(-1)?.x ?? 0, bottom], 4 * at);
  }
  return {
    count,
    from: Int32Array.from(ways, ({ from }) => from),
    to: Int32Array.from(ways, ({ to }) => to),
    isSoft: Uint8Array.from(ways, ({ isSoft }) => Number(isSoft)),
    offsets,
    points,
    bounds,
  };
}

export interface EdgeColours {
  readonly plain: string;
  readonly heavy: string;
}

export interface EdgeLook {
  readonly colours: EdgeColours;
  /** By way. */
  readonly isHeavy: Uint8Array;
  /** The nodes between which edges stand out; absent: all are alike. */
  readonly lit: ReadonlySet<number> | undefined;
}

/** With more in view they fade, so that they do not hide the bars; of twice as many not all are drawn: nobody could tell. */
const MOST_EDGES = 4000;
/** Below, a curve is not told from a line. */
const CURVED_FROM = 0.25;
/** In small drawings edges are fainter than in large ones, so that bars come first. */
const FAINTEST = 0.4;

export function paintEdges(
  context: CanvasRenderingContext2D,
  ways: PackedWays,
  camera: Camera,
  view: Extent,
  look: EdgeLook,
): void {
  clear(context, view);
  const frame = seen(camera, view);
  const [right, bottom] = [frame.x + frame.width, frame.y + frame.height];
  const inView: number[] = [];
  for (let way = 0; way < ways.count; way++) {
    const at = 4 * way;
    if ((ways.bounds[at] ?? 0) > right || (ways.bounds[at + 2] ?? 0) < frame.x) continue;
    if ((ways.bounds[at + 1] ?? 0) > bottom || (ways.bounds[at + 3] ?? 0) < frame.y) continue;
    inView.push(way);
  }
  const isLit = (way: number): boolean =>
    look.lit !== undefined && look.lit.has(ways.from[way] ?? -1) && look.lit.has(ways.to[way] ?? -1);
  const isHeavy = (way: number): boolean => look.isHeavy[way] === 1;
  const isSoft = (way: number): boolean => ways.isSoft[way] === 1;
  const small = Math.min(1, Math.max(FAINTEST, 2.2 * camera.zoom));
  const fade =
    small *
    Math.max(0.12, Math.min(1, MOST_EDGES / Math.max(1, inView.length)) ** 1.5) *
    (look.lit === undefined ? 1 : 0.25);
  const thinned = Math.max(1, Math.ceil(inView.length / (2 * MOST_EDGES)));
  const width = Math.max(0.5, Math.min(1.4, 1.4 * Math.sqrt(camera.zoom)));
  const stroke = (
    color: string,
    lineWidth: number,
    alpha: number,
    which: (way: number) => boolean,
    dash: readonly number[] = [],
  ): void => {
    context.strokeStyle = color;
    context.lineWidth = lineWidth;
    context.globalAlpha = alpha;
    context.setLineDash(dash.map((one) => one * Math.max(0.5, camera.zoom)));
    context.beginPath();
    for (const [at, way] of inView.entries())
      if (which(way) && (at % thinned === 0 || isHeavy(way) || isLit(way))) addWay(context, ways, way, camera);
    context.stroke();
  };
  const { plain, heavy } = look.colours;
  stroke(plain, width, fade, (way) => !isSoft(way) && !isHeavy(way) && !isLit(way));
  stroke(plain, width, fade, (way) => isSoft(way) && !isHeavy(way) && !isLit(way), [5, 4]);
  stroke(
    heavy,
    Math.max(1.2, 2.4 * Math.sqrt(camera.zoom)),
    look.lit === undefined ? 1 : 0.25,
    (way) => isHeavy(way) && !isLit(way),
  );
  if (look.lit !== undefined) stroke(heavy, Math.max(1, 1.8 * Math.sqrt(camera.zoom)), 1, isLit);
  context.globalAlpha = 1;
}

function addWay(
  context: CanvasRenderingContext2D,
  { offsets, points }: PackedWays,
  way: number,
  { x, y, zoom }: Camera,
): void {
  const end = offsets[way + 1] ?? 0;
  let [fromX, fromY] = [0, 0];
  for (let at = offsets[way] ?? 0; at < end; at++) {
    const toX = ((points[2 * at] ?? 0) - x) * zoom;
    const toY = ((points[2 * at + 1] ?? 0) - y) * zoom;
    if (at === offsets[way]) context.moveTo(toX, toY);
    else if (zoom < CURVED_FROM || fromY === toY) context.lineTo(toX, toY);
    else {
      const middle = (fromX + toX) / 2;
      context.bezierCurveTo(middle, fromY, middle, toY, toX, toY);
    }
    [fromX, fromY] = [toX, toY];
  }
}

export interface BarLook {
  readonly fill: string;
  /** Of its frame, which bars have that are large enough. */
  readonly frame: string;
  /** It is on the critical path: its frame is heavy, however small it is. */
  readonly isHeavy: boolean;
  /** It is drawn last, and larger. */
  readonly standsOut: boolean;
  readonly isDimmed: boolean;
}

/** Pixels that a bar has at least, and by how many one is larger that stands out. */
const LEAST_BAR = 2;
const LARGER = 1.5;

/** `background`: under bars that are dimmed. */
export function paintBar(
  context: CanvasRenderingContext2D,
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  look: BarLook,
  background: string,
): void {
  const larger = look.standsOut ? LARGER : 0;
  const width = Math.max(LEAST_BAR, box.width) + 2 * larger;
  const height = Math.max(LEAST_BAR, box.height) + 2 * larger;
  const [x, y] = [box.x - larger, box.y - larger];
  if (look.isDimmed) {
    context.fillStyle = background;
    context.fillRect(x, y, width, height);
    context.globalAlpha = 0.25;
  }
  context.fillStyle = look.fill;
  context.fillRect(x, y, width, height);
  if (look.isHeavy || (width > 5 && height > 5)) {
    const line = look.isHeavy ? Math.min(2, height / 2) : 1;
    context.strokeStyle = look.frame;
    context.lineWidth = line;
    context.strokeRect(x + line / 2, y + line / 2, width - line, height - line);
  }
  context.globalAlpha = 1;
}

export function clear(context: CanvasRenderingContext2D, { width, height }: Extent): void {
  context.clearRect(0, 0, width, height);
}
