/** Gestures: what wheel, mouse and fingers do to a scene. A press that moves is no click. */
import type { GraphScene } from "./scene.ts";

export interface GestureEvents {
  /** `node`: what was clicked; `undefined`: nothing. */
  readonly onClick: (node: number | undefined, part: "open" | "toggle") => void;
  readonly onHover: (node: number | undefined, at: { readonly x: number; readonly y: number }) => void;
}

const WHEEL = 0.0016;
const PINCH = 0.01;
/** Pixels until a press is a movement. */
const STILL = 5;

/** What it gives back ends it. */
export function listenForGestures(
  host: HTMLElement,
  scene: GraphScene,
  { onClick, onHover }: GestureEvents,
): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  let hasMoved = false;
  const pointOf = ({ clientX, clientY }: MouseEvent): { x: number; y: number } => {
    const { left, top } = host.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };
  const boxAt = (
    target: EventTarget | null,
  ): { readonly node: number; readonly part: "open" | "toggle" } | undefined => {
    const box = target instanceof Element ? target.closest<HTMLElement>("[data-node]") : null;
    if (box === null || !(target instanceof Element)) return undefined;
    return {
      node: Number(box.dataset["node"]),
      part: target.closest(".graph-fold-toggle") === null ? "open" : "toggle",
    };
  };
  const nodeAt = (event: MouseEvent): number | undefined => {
    const { x, y } = pointOf(event);
    return boxAt(event.target)?.node ?? (scene.shows === "bars" ? scene.nodeAt(x, y) : undefined);
  };
  const ends = new AbortController();
  const on = <Name extends keyof HTMLElementEventMap>(
    name: Name,
    listener: (event: HTMLElementEventMap[Name]) => void,
    options: AddEventListenerOptions = {},
  ): void => host.addEventListener(name, listener, { ...options, signal: ends.signal });

  on(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const [dx, dy] = [event.deltaX * pixels, event.deltaY * pixels];
      if (event.ctrlKey) scene.zoomBy(Math.exp(-dy * PINCH), pointOf(event));
      else if (event.shiftKey) scene.moveBy(dx === 0 ? dy : dx, 0);
      else if (Math.abs(dx) > Math.abs(dy)) scene.moveBy(dx, 0);
      else scene.zoomBy(Math.exp(-dy * WHEEL), pointOf(event));
    },
    { passive: false },
  );
  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (pointers.size === 0) hasMoved = false;
    pointers.set(event.pointerId, pointOf(event));
  });
  on("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    const now = pointOf(event);
    if (before === undefined) {
      if (event.pointerType === "mouse") onHover(nodeAt(event), now);
      return;
    }
    if (!hasMoved && Math.hypot(now.x - before.x, now.y - before.y) < STILL) return;
    if (!hasMoved) {
      hasMoved = true;
      host.setPointerCapture(event.pointerId);
      host.classList.add("moving");
      onHover(undefined, now);
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other === undefined) scene.moveBy(before.x - now.x, before.y - now.y);
    else {
      const [was, is] = [
        Math.hypot(before.x - other.x, before.y - other.y),
        Math.hypot(now.x - other.x, now.y - other.y),
      ];
      scene.zoomBy(is / Math.max(1, was), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
      scene.moveBy((before.x - now.x) / 2, (before.y - now.y) / 2);
    }
    pointers.set(event.pointerId, now);
  });
  const release = (event: PointerEvent): void => {
    pointers.delete(event.pointerId);
    if (pointers.size === 0) host.classList.remove("moving");
  };
  on("pointerup", release);
  on("pointercancel", release);
  on("pointerleave", (event) => onHover(undefined, pointOf(event)));
  on("click", (event) => {
    if (hasMoved && event.detail !== 0) return;
    const box = boxAt(event.target);
    onClick(nodeAt(event), box?.part ?? "open");
  });
  return () => ends.abort();
}
