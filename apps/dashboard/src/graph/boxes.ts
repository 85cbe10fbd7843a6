/**
 * Boxes: the nodes of the graph that are large enough to be read, as buttons: at most a few hundred, each used again for another node. Knows
 * no edges and no camera: it is told which nodes are seen, and where.
 */
import { FAMILY_OF, GLYPHS, type GlyphName, type GlyphPart } from "heddle/view";
import type { Frame } from "./camera.ts";

export interface BoxLook {
  readonly id: string;
  readonly status: GlyphName;
  /** Its status in words, and what belongs to it. */
  readonly meta: string;
  /** Its share of the time of all, from 0 to 1. */
  readonly share: number;
  /** Under it, where there is the place. */
  readonly note: string;
  /** Of a fold: how many steps, and how many of each status. */
  readonly ring?: { readonly size: number; readonly counts: ReadonlyMap<GlyphName, number> };
  readonly fold?: "open" | "closed";
  readonly isDimmed: boolean;
  readonly isHeavy: boolean;
  /** Of the stripe at its left; absent: it has none. */
  readonly stripe?: string;
}

interface Box {
  readonly root: HTMLDivElement;
  readonly button: HTMLButtonElement;
  readonly toggle: HTMLButtonElement;
  readonly id: HTMLSpanElement;
  readonly meta: HTMLSpanElement;
  readonly note: HTMLSpanElement;
  readonly glyph: HTMLSpanElement;
  readonly ring: HTMLSpanElement;
  place: string;
  look: string;
}

const SVG = "http://www.w3.org/2000/svg";

export class BoxLayer {
  readonly #host: HTMLElement;
  readonly #shown = new Map<number, Box>();
  readonly #spare: Box[] = [];
  readonly #prefix: string;

  /** `prefix`: of the elements' ids. */
  constructor(host: HTMLElement, prefix: string) {
    this.#host = host;
    this.#prefix = prefix;
  }

  /** The id of a node's button; `undefined`: it is not shown as one. */
  elementOf(node: number): string | undefined {
    return this.#shown.get(node)?.button.id;
  }

  /** Shows these nodes and no others. Frames are those of the layer, which moves as a whole. */
  show(nodes: readonly number[], frameOf: (node: number) => Frame, lookOf: (node: number) => BoxLook): void {
    const wanted = new Set(nodes);
    for (const [node, box] of this.#shown) {
      if (wanted.has(node)) continue;
      this.#shown.delete(node);
      this.#spare.push(box);
    }
    for (const node of nodes) {
      let box = this.#shown.get(node);
      if (box === undefined) {
        box = this.#spare.pop() ?? newBox();
        this.#shown.set(node, box);
        box.root.dataset["node"] = String(node);
        box.button.id = `${this.#prefix}${node}`;
        if (!box.root.isConnected) this.#host.append(box.root);
        box.root.hidden = false;
      }
      const { x, y, width, height } = frameOf(node);
      const place = `${x} ${y} ${width}`;
      if (box.place !== place) {
        box.place = place;
        box.root.style.transform = `translate(${x}px, ${y}px)`;
        box.root.style.width = `${width}px`;
        box.root.style.height = `${height}px`;
      }
      draw(box, lookOf(node));
    }
    for (const box of this.#spare) box.root.hidden = true;
  }

  /** Draws the box anew, if the node is shown as one. */
  update(node: number, look: () => BoxLook): void {
    const box = this.#shown.get(node);
    if (box !== undefined) draw(box, look());
  }

  clear(): void {
    this.show(
      [],
      () => ({ x: 0, y: 0, width: 0, height: 0 }),
      () => {
        throw new Error("BUG: no node is shown");
      },
    );
  }

  get shown(): Iterable<number> {
    return this.#shown.keys();
  }
}

function newBox(): Box {
  const root = document.createElement("div");
  const button = document.createElement("button");
  const toggle = document.createElement("button");
  const [glyph, text, ring] = [span(), span(), span()];
  const [id, meta, note] = [span(), span(), span()];
  for (const one of [button, toggle]) {
    one.type = "button";
    // The graph is one stop of the Tab key: arrows go on from there.
    one.tabIndex = -1;
  }
  button.className = "graph-box-open";
  toggle.className = "graph-box-toggle";
  text.className = "graph-box-text";
  glyph.className = "graph-box-glyph";
  id.className = "graph-box-id";
  meta.className = "graph-box-meta";
  note.className = "graph-box-note";
  // Spaces, so that what is read is not one word.
  text.append(id, " ", meta, " ", note);
  button.append(glyph, text);
  ring.className = "graph-box-ring";
  // Beside the button: its number is no part of the name.
  root.append(button, ring, toggle);
  return { root, button, toggle, id, meta, note, glyph, ring, place: "", look: "" };
}

function span(): HTMLSpanElement {
  return document.createElement("span");
}

function draw(box: Box, look: BoxLook): void {
  const { id, status, meta, note, ring, fold, isDimmed, isHeavy, stripe = "" } = look;
  const share = `${Math.round(look.share * 100)}%`;
  const counts = [...(ring?.counts ?? [])].flat().join(" ");
  const key = [id, status, meta, share, note, ring?.size, counts, fold, isDimmed, isHeavy, stripe].join("\n");
  if (key === box.look) return;
  const glyphKey = `${status} ${counts}`;
  box.look = key;
  box.root.className = [
    "graph-box",
    `family-${FAMILY_OF[status]}`,
    `status-${status}`,
    ...(isDimmed ? ["dimmed"] : []),
    ...(isHeavy ? ["heavy"] : []),
    ...(fold === undefined ? [] : ["fold", fold]),
  ].join(" ");
  box.root.style.setProperty("--stripe", stripe === "" ? "transparent" : stripe);
  box.root.style.setProperty("--share", share);
  if (box.glyph.dataset["shows"] !== glyphKey) {
    box.glyph.dataset["shows"] = glyphKey;
    box.glyph.replaceChildren(...(ring === undefined ? [glyphElement(status)] : []));
    box.ring.replaceChildren(...(ring === undefined ? [] : [ringElement(ring)]));
  }
  box.id.textContent = id;
  box.button.title = id;
  box.meta.textContent = meta;
  box.note.textContent = note;
  // What is seen, in the same words, and of a fold its status.
  const said = [id, meta, ...(note === "" ? [] : [note]), ...(ring === undefined ? [] : [status])];
  box.button.setAttribute("aria-label", said.join(", "));
  box.toggle.hidden = fold === undefined;
  if (fold === undefined) return;
  box.toggle.setAttribute("aria-label", `${fold === "open" ? "Fold" : "Open"} ${id}`);
  box.toggle.setAttribute("aria-expanded", String(fold === "open"));
}

const glyphs = new Map<GlyphName, SVGSVGElement>();

function glyphElement(name: GlyphName): Node {
  let known = glyphs.get(name);
  if (known === undefined) {
    known = svg(`glyph glyph-${name}`, 16);
    known.append(...GLYPHS[name].map(glyphPart));
    glyphs.set(name, known);
  }
  return known.cloneNode(true);
}

function glyphPart(part: GlyphPart): SVGElement {
  const shape = (name: string, attributes: Readonly<Record<string, string | number>>): SVGElement => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    return element;
  };
  const style = { class: `glyph-${part.style}` };
  if ("path" in part) return shape("path", { ...style, d: part.path });
  if ("circle" in part) {
    const [cx, cy, r] = part.circle;
    return shape("circle", { ...style, cx, cy, r });
  }
  const [at, size, rx] = part.square;
  return shape("rect", { ...style, x: at, y: at, width: size, height: size, rx });
}

function svg(className: string, size: number): SVGSVGElement {
  const element = document.createElementNS(SVG, "svg");
  element.setAttribute("class", className);
  element.setAttribute("viewBox", `0 0 ${size} ${size}`);
  element.setAttribute("aria-hidden", "true");
  return element;
}

const RING = { size: 32, radius: 13.5 } as const;

/** Arcs by status around the number of steps. */
function ringElement({ size, counts }: NonNullable<BoxLook["ring"]>): Node {
  const root = svg("graph-ring", RING.size);
  const total = Math.max(
    1,
    [...counts.values()].reduce((sum, count) => sum + count, 0),
  );
  const around = 2 * Math.PI * RING.radius;
  let done = 0;
  for (const [status, count] of counts) {
    const arc = document.createElementNS(SVG, "circle");
    arc.setAttribute("class", `graph-ring-arc family-${FAMILY_OF[status]} status-${status}`);
    for (const name of ["cx", "cy"]) arc.setAttribute(name, String(RING.size / 2));
    arc.setAttribute("r", String(RING.radius));
    arc.setAttribute("stroke-dasharray", `${(count / total) * around} ${around}`);
    arc.setAttribute("stroke-dashoffset", String((-done / total) * around));
    done += count;
    root.append(arc);
  }
  const text = document.createElementNS(SVG, "text");
  text.setAttribute("x", String(RING.size / 2));
  text.setAttribute("y", String(RING.size / 2));
  text.textContent = size > 999 ? "999+" : String(size);
  root.append(text);
  return root;
}
