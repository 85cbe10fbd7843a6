/**
 * Glyph masks: the glyphs of statuses as pictures that let the colour behind them through, so that a box of the graph needs no elements for
 * its glyph. Pure.
 */
import { GLYPHS, type GlyphName, type GlyphPart, type GlyphStyle } from "heddle/view";

const LINE = `fill="none" stroke="#fff"`;
/** What the style sheet of glyphs says of their parts, for a picture that no style sheet reaches. */
const STYLES: Readonly<Record<GlyphStyle, string>> = {
  fill: `fill="#fff"`,
  line: `${LINE} stroke-width="1.6"`,
  dashed: `${LINE} stroke-width="1.6" stroke-dasharray="2.6 2"`,
  faint: `${LINE} stroke-width="2.4" stroke-opacity=".35"`,
  bold: `${LINE} stroke-width="2.2" stroke-linecap="round"`,
  ink: `fill="none" stroke="#000" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"`,
};

/** As the value of a CSS property. */
export function glyphMask(name: GlyphName): string {
  const parts = GLYPHS[name];
  const drawn = (isInk: boolean): string =>
    parts
      .filter(({ style }) => (style === "ink") === isInk)
      .map(shape)
      .join("");
  const cut = `<mask id="m"><rect width="16" height="16" fill="#fff"/>${drawn(true)}</mask>`;
  const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${cut}<g mask="url(#m)">${drawn(false)}</g></svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(picture)}")`;
}

function shape(part: GlyphPart): string {
  const style = STYLES[part.style];
  if ("path" in part) return `<path ${style} d="${part.path}"/>`;
  if ("circle" in part) {
    const [x, y, radius] = part.circle;
    return `<circle ${style} cx="${x}" cy="${y}" r="${radius}"/>`;
  }
  const [at, size, radius] = part.square;
  return `<rect ${style} x="${at}" y="${at}" width="${size}" height="${size}" rx="${radius}"/>`;
}
