/** Camera: which part of a drawing is seen, and how large. Pure. The drawing begins at 0, 0. */

export interface Camera {
  /** What lies in the left upper corner of the view, in units of the drawing. */
  readonly x: number;
  readonly y: number;
  /** Pixels a unit. */
  readonly zoom: number;
}

export interface Extent {
  readonly width: number;
  readonly height: number;
}

export interface Frame extends Extent {
  readonly x: number;
  readonly y: number;
}

export const MOST_ZOOM = 2;
/** Pixels around a drawing that is fitted. */
const MARGIN = 24;
/** Of a drawing that is moved away so much stays in view. */
const KEPT = 80;

/** The whole drawing, in the middle; not larger than it is. With `least` not smaller than this: from its beginning, what there is place for. */
export function fitted(view: Extent, drawing: Extent, least = 0.001): Camera {
  const across = (view.width - 2 * MARGIN) / Math.max(1, drawing.width);
  const down = (view.height - 2 * MARGIN) / Math.max(1, drawing.height);
  const zoom = Math.max(least, Math.min(1, across, down));
  return {
    zoom,
    x: Math.min(-MARGIN / zoom, (drawing.width - view.width / zoom) / 2),
    // Small drawings begin at the top: the eye does not have to look for them.
    y: Math.min(-MARGIN / zoom, Math.max((drawing.height - view.height / zoom) / 2, (-4 * MARGIN) / zoom)),
  };
}

/** `at`: the point of the view that stays where it is. */
export function zoomed(camera: Camera, factor: number, at: Pick<Frame, "x" | "y">, least: number): Camera {
  const zoom = Math.min(MOST_ZOOM, Math.max(Math.min(least, camera.zoom), camera.zoom * factor));
  const shift = 1 / camera.zoom - 1 / zoom;
  return { zoom, x: camera.x + at.x * shift, y: camera.y + at.y * shift };
}

/** Moved by pixels, and not so far that nothing is seen. */
export function moved({ x, y, zoom }: Camera, dx: number, dy: number, view: Extent, drawing: Extent): Camera {
  const within = (at: number, seen: number, size: number): number =>
    Math.min(size - KEPT / zoom, Math.max((KEPT - seen) / zoom, at));
  return {
    zoom,
    x: within(x + dx / zoom, view.width, drawing.width),
    y: within(y + dy / zoom, view.height, drawing.height),
  };
}

/** Moved no more than the box needs to be seen whole, with some space around it. */
export function revealing(camera: Camera, box: Frame, view: Extent): Camera {
  const shift = (at: number, size: number, from: number, seen: number): number => {
    const space = Math.min(MARGIN / camera.zoom, Math.max(0, (seen - size) / 2));
    if (at - space < from) return at - space - from;
    return Math.max(0, at + size + space - from - seen);
  };
  return {
    zoom: camera.zoom,
    x: camera.x + shift(box.x, box.width, camera.x, view.width / camera.zoom),
    y: camera.y + shift(box.y, box.height, camera.y, view.height / camera.zoom),
  };
}

/** Moved so that the box is in the middle, as far as the drawing goes, and at least as large as `least` says. */
export function centred(camera: Camera, box: Frame, view: Extent, drawing: Extent, least: number): Camera {
  const zoom = Math.max(camera.zoom, least);
  const place = (middle: number, size: number, shown: number): number => {
    const space = MARGIN / zoom;
    const [first, last] = [-space, size + space - shown / zoom];
    return first > last ? (first + last) / 2 : Math.min(last, Math.max(first, middle - shown / zoom / 2));
  };
  return {
    zoom,
    x: place(box.x + box.width / 2, drawing.width, view.width),
    y: place(box.y + box.height / 2, drawing.height, view.height),
  };
}

/** The part of the drawing that is seen. */
export function seen({ x, y, zoom }: Camera, view: Extent): Frame {
  return { x, y, width: view.width / zoom, height: view.height / zoom };
}
