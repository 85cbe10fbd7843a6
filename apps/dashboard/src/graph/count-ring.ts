/** Count ring: how many steps a fold has, and arcs for how many of them have which status. */
import { FAMILY_OF, type GlyphName } from "heddle/view";

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 32;
const RADIUS = 13.5;

export function countRing(size: number, counts: ReadonlyMap<GlyphName, number>): SVGSVGElement {
  const root = document.createElementNS(SVG, "svg");
  root.setAttribute("class", "graph-ring");
  root.setAttribute("viewBox", `0 0 ${SIZE} ${SIZE}`);
  root.setAttribute("aria-hidden", "true");
  const total = Math.max(
    1,
    [...counts.values()].reduce((sum, count) => sum + count, 0),
  );
  const around = 2 * Math.PI * RADIUS;
  let before = 0;
  for (const [status, count] of counts) {
    const arc = document.createElementNS(SVG, "circle");
    arc.setAttribute("class", `graph-ring-arc family-${FAMILY_OF[status]} status-${status}`);
    for (const name of ["cx", "cy"]) arc.setAttribute(name, String(SIZE / 2));
    arc.setAttribute("r", String(RADIUS));
    arc.setAttribute("stroke-dasharray", `${(count / total) * around} ${around}`);
    arc.setAttribute("stroke-dashoffset", String((-before / total) * around));
    before += count;
    root.append(arc);
  }
  const text = document.createElementNS(SVG, "text");
  text.setAttribute("x", String(SIZE / 2));
  text.setAttribute("y", String(SIZE / 2));
  text.textContent = size > 999 ? "999+" : String(size);
  root.append(text);
  return root;
}
