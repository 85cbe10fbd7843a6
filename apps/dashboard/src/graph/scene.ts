/**
 * Scene: the drawn graph inside an element: edges and bars on two canvases, boxes above them, and where the view stands. Knows nodes, places
 * and looks; no run and no component.
 *
 * Invariants:
 *  1. What changes of one node draws its bar or box anew, and nothing else. Edges are drawn anew only when the view moves or what stands out changes.
 *  2. Everything is drawn in the next frame, once, however much has changed.
 *  3. The view moves when a person or the page says so, and not by itself.
 */
import { STEP_STATUSES, type GraphLayout } from "heddle/view";
import { BoxLayer, type BoxLook } from "./boxes.ts";
import { centred, fitted, moved, revealing, seen, zoomed, type Camera, type Extent, type Frame } from "./camera.ts";
import { glyphMask } from "./glyph-masks.ts";
import { clear, packedWays, paintBar, paintEdges, type BarLook, type EdgeColours, type PackedWays } from "./paint.ts";

export const BOX = { width: 184, height: 48, gapX: 56, gapY: 18 } as const;
/** Boxes, and not bars: from this zoom on, unless more are in view. */
const BOXES_FROM = 0.45;
const MOST_BOXES = 250;
/** Two lines in a box, and three. */
const DETAILS = [0.7, 0.9] as const;
/**
 * A picture that took longer is not drawn again at each step of a movement: it is moved itself until the movement rests, or has gone on for
 * so many times as long as drawing took.
 */
const COSTLY_MS = 12;
const USUAL_FRAME_MS = 17;
/** Pixels that are drawn around the view: a movement within them draws nothing. */
const AROUND = 128;
const REST_MS = 140;
const MOVED_FOR = 8;

export interface SceneLook {
  readonly bar: (node: number) => BarLook;
  readonly box: (node: number) => BoxLook;
  /** Whether the edge is part of the critical path. */
  readonly isHeavy: (from: number, to: number) => boolean;
  /** Nodes that stand out, with the edges between them. */
  readonly lit: ReadonlySet<number> | undefined;
  readonly colours: EdgeColours;
  /** Of the page. */
  readonly background: string;
  /** Names over parts of the drawing, while it is too small for boxes. */
  readonly labels: readonly { readonly text: string; readonly at: number }[];
}

export interface ShownView {
  readonly zoom: number;
  readonly shows: "bars" | "boxes";
}

interface Layers {
  readonly edges: HTMLCanvasElement;
  readonly bars: HTMLCanvasElement;
  readonly boxes: HTMLElement;
  readonly rings: HTMLElement;
}

export class GraphScene {
  readonly #host: HTMLElement;
  readonly #layers: Layers;
  readonly #boxes: BoxLayer;
  readonly #onView: (view: ShownView) => void;
  #layout: GraphLayout = { width: 0, height: 0, boxes: [], ways: [] };
  #ways: PackedWays = packedWays(this.#layout);
  #isHeavy = new Uint8Array();
  #look: SceneLook | undefined;
  #camera: Camera = { x: 0, y: 0, zoom: 1 };
  #view: Extent = { width: 0, height: 0 };
  #leastZoom = 1;
  /** What has to be drawn in the next frame. */
  #dirty = { view: true, looks: true, nodes: new Set<number>() };
  #frame = 0;
  /** Where the camera stood when all was drawn last, when that was, and how long it took. */
  #drawn = { camera: this.#camera, at: 0, tookMs: 0 };
  #movedAt = 0;
  #settle: ReturnType<typeof setTimeout> | undefined;
  #shows: ShownView["shows"] = "boxes";
  #marked: { readonly selected: number | undefined; readonly current: number | undefined } = {
    selected: undefined,
    current: undefined,
  };

  constructor(host: HTMLElement, prefix: string, onView: (view: ShownView) => void) {
    this.#host = host;
    this.#onView = onView;
    const layer = <Name extends "canvas" | "div">(name: Name, className: string): HTMLElementTagNameMap[Name] => {
      const element = document.createElement(name);
      element.className = className;
      host.append(element);
      return element;
    };
    this.#layers = {
      edges: layer("canvas", "graph-edges"),
      bars: layer("canvas", "graph-bars"),
      boxes: layer("div", "graph-boxes"),
      rings: layer("div", "graph-rings"),
    };
    for (const kind of ["selected", "current"]) {
      const ring = document.createElement("div");
      ring.className = `graph-mark ${kind}`;
      this.#layers.rings.append(ring);
    }
    this.#boxes = new BoxLayer(this.#layers.boxes, prefix);
    for (const status of STEP_STATUSES) this.#layers.boxes.style.setProperty(`--glyph-${status}`, glyphMask(status));
    this.resize();
  }

  [Symbol.dispose](): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#settle);
    this.#host.replaceChildren();
  }

  get camera(): Camera {
    return this.#camera;
  }

  get view(): Extent {
    return this.#view;
  }

  get shows(): ShownView["shows"] {
    return this.#shows;
  }

  /** The box of a node, in the drawing. */
  boxOf(node: number): Frame {
    const { x, y } = this.#layout.boxes[node] ?? { x: 0, y: 0 };
    return { x, y, width: BOX.width, height: BOX.height };
  }

  /** `keep`: a node before and now, which stays where it is seen; absent: the view is set anew by {@link fit}. */
  draw(layout: GraphLayout, keep?: { readonly before: Frame; readonly node: number }): void {
    this.#layout = layout;
    this.#ways = packedWays(layout);
    this.#boxes.clear();
    if (keep !== undefined) {
      const now = this.boxOf(keep.node);
      const { x, y, zoom } = this.#camera;
      this.#camera = { zoom, x: x + now.x - keep.before.x, y: y + now.y - keep.before.y };
    }
    this.#leastZoom = fitted(this.#view, layout).zoom * 0.8;
    this.#all();
  }

  /** How everything looks from now on. */
  look(look: SceneLook): void {
    this.#look = look;
    this.#all();
  }

  /** Draws these nodes anew. */
  change(nodes: Iterable<number>): void {
    for (const node of nodes) this.#dirty.nodes.add(node);
    this.#request();
  }

  /** `selected`: its step is open. `current`: where the keys stand. */
  mark(selected: number | undefined, current: number | undefined): void {
    this.#marked = { selected, current };
    this.#placeMarks();
  }

  elementOf(node: number): string | undefined {
    return this.#boxes.elementOf(node);
  }

  resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (width === this.#view.width && height === this.#view.height) return;
    this.#view = { width, height };
    this.#leastZoom = fitted(this.#view, this.#layout).zoom * 0.8;
    const scale = devicePixelRatio;
    const picture = this.#picture();
    for (const canvas of [this.#layers.edges, this.#layers.bars]) {
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.style.width = `${picture.width}px`;
      canvas.style.height = `${picture.height}px`;
      canvas.style.inset = `${-AROUND}px auto auto ${-AROUND}px`;
      canvas.style.transformOrigin = `${AROUND}px ${AROUND}px`;
      contextOf(canvas).setTransform(scale, 0, 0, scale, 0, 0);
    }
    this.#all();
  }

  fit(): void {
    this.#moveTo(fitted(this.#view, this.#layout));
  }

  /** From the beginning of the drawing, at this zoom. */
  begin(zoom: number): void {
    this.#moveTo(fitted(this.#view, this.#layout, zoom));
  }

  zoomBy(factor: number, at: Pick<Frame, "x" | "y"> = { x: this.#view.width / 2, y: this.#view.height / 2 }): void {
    this.#moveTo(zoomed(this.#camera, factor, at, this.#leastZoom));
  }

  moveBy(dx: number, dy: number): void {
    this.#moveTo(moved(this.#camera, dx, dy, this.#view, this.#layout));
  }

  reveal(node: number): void {
    this.#moveTo(revealing(this.#camera, this.boxOf(node), this.#view));
  }

  /** Into the middle, large enough to be read. */
  centre(node: number, least: number = 0): void {
    this.#moveTo(centred(this.#camera, this.boxOf(node), this.#view, this.#layout, least));
  }

  /** The node at a point of the view. */
  nodeAt(x: number, y: number): number | undefined {
    const { camera } = this;
    const [atX, atY] = [camera.x + x / camera.zoom, camera.y + y / camera.zoom];
    // Small bars have a border around them that counts.
    const slack = Math.max(0, (8 - BOX.height * camera.zoom) / 2) / camera.zoom;
    let best: number | undefined;
    let least = Infinity;
    for (const [node, box] of this.#layout.boxes.entries()) {
      const away = Math.max(box.x - atX, atX - box.x - BOX.width, box.y - atY, atY - box.y - BOX.height);
      if (away > slack || away >= least) continue;
      [best, least] = [node, away];
    }
    return best;
  }

  /** Nodes whose boxes are in the view, at least in part. */
  inView(): readonly number[] {
    return this.#within(seen(this.#camera, this.#view));
  }

  #within({ x, y, width, height }: Frame): readonly number[] {
    const nodes: number[] = [];
    for (const [node, box] of this.#layout.boxes.entries()) {
      if (box.x > x + width || box.x + BOX.width < x || box.y > y + height || box.y + BOX.height < y) continue;
      nodes.push(node);
    }
    return nodes;
  }

  #moveTo(camera: Camera): void {
    if (camera.x === this.#camera.x && camera.y === this.#camera.y && camera.zoom === this.#camera.zoom) return;
    this.#camera = camera;
    this.#movedAt = performance.now();
    this.#dirty.view = true;
    this.#request();
  }

  #all(): void {
    this.#dirty.view = true;
    this.#dirty.looks = true;
    this.#request();
  }

  #request(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw(): void {
    const look = this.#look;
    if (look === undefined) return;
    const { view, looks, nodes } = this.#dirty;
    const { at, tookMs } = this.#drawn;
    const isResting = performance.now() - this.#movedAt > REST_MS;
    const isCostly = tookMs > COSTLY_MS && !isResting && performance.now() - at < MOVED_FOR * tookMs;
    const isWithin = this.#isWithinPicture();
    if (view && !looks && (isWithin || isCostly)) {
      this.#movePicture();
      this.#placeMarks();
      if (isWithin) {
        this.#dirty.view = false;
        this.#drawNodes(look, nodes);
        return;
      }
      clearTimeout(this.#settle);
      this.#settle = setTimeout(() => this.#request(), REST_MS + 20);
      return;
    }
    this.#dirty = { view: false, looks: false, nodes: new Set() };
    if (view || looks) this.#drawAll(look);
    else this.#drawNodes(look, nodes);
    this.#placeMarks();
  }

  #drawAll(look: SceneLook): void {
    const begun = performance.now();
    const { edges, bars } = this.#layers;
    const picture = this.#picture();
    this.#drawn.camera = this.#camera;
    const camera = this.#pictureCamera();
    this.#movePicture();
    const { ways } = this.#layout;
    if (this.#isHeavy.length !== ways.length || this.#dirtyHeavy !== look) {
      this.#isHeavy = Uint8Array.from(ways, ({ from, to }) => Number(look.isHeavy(from, to)));
      this.#dirtyHeavy = look;
    }
    const nodes = this.#within(seen(camera, picture));
    const { zoom } = this.#camera;
    const shows = zoom < BOXES_FROM || nodes.length > MOST_BOXES ? "bars" : "boxes";
    const edgeContext = contextOf(edges);
    const { colours, lit } = look;
    paintEdges(edgeContext, this.#ways, camera, picture, { colours, isHeavy: this.#isHeavy, lit });
    bars.hidden = shows === "boxes";
    if (shows === "bars") {
      this.#boxes.clear();
      const barContext = contextOf(bars);
      clear(barContext, picture);
      this.#paintBars(barContext, look, nodes);
      this.#paintLabels(barContext, look);
    } else {
      this.#boxes.show(nodes, (node) => this.#frameOf(node, { x: 0, y: 0, zoom }), look.box);
    }
    this.#layers.boxes.dataset["detail"] = String(1 + DETAILS.filter((from) => zoom >= from).length);
    this.#layers.boxes.style.setProperty("--scale", String(Math.max(1, zoom)));
    this.#shows = shows;
    this.#onView({ zoom, shows });
    this.#drawn.at = performance.now();
    // What is put on the screen after this function counts too.
    requestAnimationFrame(() => (this.#drawn.tookMs = performance.now() - begun - USUAL_FRAME_MS));
  }

  #dirtyHeavy: SceneLook | undefined;

  #drawNodes(look: SceneLook, nodes: ReadonlySet<number>): void {
    if (this.#shows === "bars") {
      this.#paintBars(contextOf(this.#layers.bars), look, [...nodes]);
      return;
    }
    for (const node of nodes) this.#boxes.update(node, () => look.box(node));
  }

  /** Those that stand out last. */
  #paintBars(context: CanvasRenderingContext2D, look: SceneLook, nodes: readonly number[]): void {
    const last: (readonly [number, BarLook])[] = [];
    const camera = this.#pictureCamera();
    for (const node of nodes) {
      const bar = look.bar(node);
      if (bar.standsOut) last.push([node, bar]);
      else paintBar(context, this.#frameOf(node, camera), bar, look.background);
    }
    for (const [node, bar] of last) paintBar(context, this.#frameOf(node, camera), bar, look.background);
  }

  #paintLabels(context: CanvasRenderingContext2D, { labels, colours, background }: SceneLook): void {
    context.font = `600 12px ${getComputedStyle(this.#host).fontFamily}`;
    context.textBaseline = "bottom";
    const taken: Frame[] = [];
    const camera = this.#pictureCamera();
    for (const { text, at } of labels) {
      const { x, y } = this.#frameOf(at, camera);
      const place = { x, y: y - 18, width: context.measureText(text).width + 8, height: 16 };
      const isTaken = taken.some(
        (other) =>
          other.x < place.x + place.width && place.x < other.x + other.width && Math.abs(other.y - place.y) < 16,
      );
      if (isTaken) continue;
      taken.push(place);
      context.strokeStyle = background;
      context.lineWidth = 4;
      context.lineJoin = "round";
      context.strokeText(text, x, y - 3);
      context.fillStyle = colours.heavy;
      context.fillText(text, x, y - 3);
    }
  }

  /** In pixels of the view. */
  #frameOf(node: number, { x, y, zoom }: Camera = this.#camera): Frame {
    const box = this.#layout.boxes[node] ?? { x: 0, y: 0 };
    return { x: (box.x - x) * zoom, y: (box.y - y) * zoom, width: BOX.width * zoom, height: BOX.height * zoom };
  }

  /** What is drawn: the view with something around it. */
  #picture(): Extent {
    return { width: this.#view.width + 2 * AROUND, height: this.#view.height + 2 * AROUND };
  }

  /** As all was drawn last. */
  #pictureCamera(): Camera {
    const { x, y, zoom } = this.#drawn.camera;
    return { x: x - AROUND / zoom, y: y - AROUND / zoom, zoom };
  }

  #isWithinPicture(): boolean {
    const { camera } = this.#drawn;
    const { x, y, zoom } = this.#camera;
    return camera.zoom === zoom && Math.max(Math.abs(camera.x - x), Math.abs(camera.y - y)) * zoom <= AROUND;
  }

  #movePicture(): void {
    const { camera } = this.#drawn;
    const { x, y, zoom } = this.#camera;
    const scale = zoom / camera.zoom;
    for (const canvas of [this.#layers.edges, this.#layers.bars])
      canvas.style.transform = `translate(${(camera.x - x) * zoom}px, ${(camera.y - y) * zoom}px) scale(${scale})`;
    this.#layers.boxes.style.transform = `translate(${-x * zoom}px, ${-y * zoom}px) scale(${scale})`;
  }

  #placeMarks(): void {
    for (const [at, node] of [this.#marked.selected, this.#marked.current].entries()) {
      const ring = this.#layers.rings.children[at] as HTMLElement;
      ring.hidden = node === undefined;
      if (node === undefined) continue;
      const { x, y, width, height } = this.#frameOf(node);
      ring.style.transform = `translate(${x - 4}px, ${y - 4}px)`;
      ring.style.width = `${Math.max(4, width) + 8}px`;
      ring.style.height = `${Math.max(4, height) + 8}px`;
    }
  }
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("BUG: a canvas has no context of this kind");
  return context;
}
