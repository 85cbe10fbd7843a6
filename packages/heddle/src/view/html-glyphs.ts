/** Glyphs as HTML text: {@link GLYPHS} once in a page, and references to them. */
import { GLYPHS, type GlyphName, type GlyphPart, type GlyphStyle } from "./glyphs.ts";

/** Classes of the style sheet: `f` filled and `o` outlined in the family's colour, `w` a line in the background's. */
const CLASS: { readonly [style in GlyphStyle]: string } = {
  fill: "f",
  line: "o",
  dashed: "o d",
  faint: "o t",
  bold: "o b",
  ink: "w",
};

function shape(part: GlyphPart): string {
  const drawn = `class="${CLASS[part.style]}"`;
  if ("path" in part) return `<path ${drawn} d="${part.path}"/>`;
  if ("circle" in part) {
    const [x, y, radius] = part.circle;
    return `<circle ${drawn} cx="${x}" cy="${y}" r="${radius}"/>`;
  }
  const [at, size, radius] = part.square;
  const round = radius === 0 ? "" : ` rx="${radius}"`;
  return `<rect ${drawn} x="${at}" y="${at}" width="${size}" height="${size}"${round}/>`;
}

/** All of them, once in a page: {@link glyph} points to them. */
export function glyphShapes(): string {
  const symbols = Object.entries(GLYPHS).map(
    ([name, parts]) => `<symbol id="g-${name}" viewBox="0 0 16 16">${parts.map(shape).join("")}</symbol>`,
  );
  return `<svg class="shapes" aria-hidden="true">${symbols.join("")}</svg>`;
}

/** In a text, or with `at` in a drawing. Beside it stands what it says. */
export function glyph(name: GlyphName, at?: { readonly x: number; readonly y: number }): string {
  if (at === undefined) return `<svg class="glyph ${name}" aria-hidden="true"><use href="#g-${name}"/></svg>`;
  return `<use href="#g-${name}" x="${at.x}" y="${at.y}" width="16" height="16"/>`;
}
