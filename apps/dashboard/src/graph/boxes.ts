/**
 * Boxes: the nodes of the graph that are large enough to be read, as buttons: at most a few hundred, each used again for another node, of three
 * elements, as there are many. Knows no edges and no camera: it is told which nodes are seen, and where.
 */
import { FAMILY_OF, type GlyphName } from "heddle/view";
import type { Frame } from "./camera.ts";
import { countRing } from "./count-ring.ts";

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
  readonly button: HTMLButtonElement;
  readonly id: HTMLSpanElement;
  readonly meta: HTMLSpanElement;
  readonly note: HTMLSpanElement;
  /** What only folds have, over the button: it is no part of its name. */
  fold: FoldParts | undefined;
  place: string;
  look: string;
}

interface FoldParts {
  readonly root: HTMLDivElement;
  readonly ring: HTMLSpanElement;
  readonly toggle: HTMLButtonElement;
}

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
        box.button.dataset["node"] = String(node);
        box.button.id = `${this.#prefix}${node}`;
        box.look = "";
        if (!box.button.isConnected) this.#host.append(box.button);
        box.button.hidden = false;
      }
      this.#draw(box, lookOf(node));
      place(box, frameOf(node));
    }
    for (const { button, fold } of this.#spare) {
      button.hidden = true;
      fold?.root.remove();
    }
  }

  /** Draws the box anew, if the node is shown as one. */
  update(node: number, look: () => BoxLook): void {
    const box = this.#shown.get(node);
    if (box !== undefined) this.#draw(box, look());
  }

  clear(): void {
    for (const { button, fold } of this.#shown.values()) {
      button.hidden = true;
      fold?.root.remove();
    }
    this.#spare.push(...this.#shown.values());
    this.#shown.clear();
  }

  #draw(box: Box, look: BoxLook): void {
    const { id, status, meta, note, ring, fold, isDimmed, isHeavy, stripe = "" } = look;
    const share = `${Math.round(look.share * 100)}%`;
    const counts = [...(ring?.counts ?? [])].flat().join(" ");
    const key = [id, status, meta, share, note, ring?.size, counts, fold, isDimmed, isHeavy, stripe].join("\n");
    if (key === box.look) return;
    box.look = key;
    const { button } = box;
    button.className = [
      "graph-box",
      `family-${FAMILY_OF[status]}`,
      `status-${status}`,
      ...(isDimmed ? ["dimmed"] : []),
      ...(isHeavy ? ["heavy"] : []),
      ...(fold === undefined ? [] : ["fold", fold]),
    ].join(" ");
    button.style.setProperty("--stripe", stripe === "" ? "transparent" : stripe);
    button.style.setProperty("--share", share);
    // What is seen, in the same words, and of a fold its status.
    const said = [id, meta, ...(note === "" ? [] : [note]), ...(ring === undefined ? [] : [status])];
    button.setAttribute("aria-label", said.join(", "));
    button.title = id;
    box.id.textContent = id;
    box.meta.textContent = meta;
    box.note.textContent = note;
    if (note === "") box.note.remove();
    else if (!box.note.isConnected) button.append(" ", box.note);
    if (fold === undefined) box.fold?.root.remove();
    else this.#drawFold(box, look, fold);
  }

  #drawFold(box: Box, { id, ring }: BoxLook, fold: "open" | "closed"): void {
    box.fold ??= newFoldParts();
    const { root, ring: place, toggle } = box.fold;
    root.dataset["node"] = box.button.dataset["node"] ?? "";
    root.style.cssText = box.button.style.cssText;
    place.replaceChildren(...(ring === undefined ? [] : [countRing(ring.size, ring.counts)]));
    toggle.setAttribute("aria-label", `${fold === "open" ? "Fold" : "Open"} ${id}`);
    toggle.setAttribute("aria-expanded", String(fold === "open"));
    if (!root.isConnected) this.#host.append(root);
  }
}

function place(box: Box, { x, y, width, height }: Frame): void {
  const key = `${x} ${y} ${width}`;
  if (box.place === key && box.fold?.root.isConnected !== true) return;
  box.place = key;
  for (const { style } of [box.button, ...(box.fold?.root.isConnected === true ? [box.fold.root] : [])]) {
    style.transform = `translate(${x}px, ${y}px)`;
    style.width = `${width}px`;
    style.height = `${height}px`;
  }
}

function newBox(): Box {
  const button = newButton();
  const [id, meta, note] = [newSpan("graph-box-id"), newSpan("graph-box-meta"), newSpan("graph-box-note")];
  // Spaces, so that what is read is not one word.
  button.append(id, " ", meta);
  return { button, id, meta, note, fold: undefined, place: "", look: "" };
}

function newFoldParts(): FoldParts {
  const root = document.createElement("div");
  const [ring, toggle] = [newSpan("graph-fold-ring"), newButton()];
  root.className = "graph-fold";
  toggle.className = "graph-fold-toggle";
  root.append(ring, toggle);
  return { root, ring, toggle };
}

/** The graph is one stop of the Tab key: arrows go on from there. */
function newButton(): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.tabIndex = -1;
  return button;
}

function newSpan(className: string): HTMLSpanElement {
  const span = document.createElement("span");
  span.className = className;
  return span;
}
