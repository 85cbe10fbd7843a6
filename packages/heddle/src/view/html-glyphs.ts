/**
 * Glyphs of statuses: one shape for each, in the colour of its family. They are drawn, not typed: fonts lack some. Filled ones demand
 * something or are done, outlined ones wait or came from elsewhere.
 */
import type { RunStatus, StepStatus } from "./status.ts";

export type GlyphName = StepStatus | "paused";

/** 16 x 16. Classes: `f` filled and `o` outlined in the family's colour, `w` a line in the background's. */
const SHAPES: { readonly [name in GlyphName]: string } = {
  waiting: `<circle class="o d" cx="8" cy="8" r="5.5"/>`,
  skipped: `<circle class="o" cx="8" cy="8" r="5.8"/><path class="o" d="M4 12L12 4"/>`,
  running: `<circle class="o t" cx="8" cy="8" r="6.3"/><path class="o b" d="M8 1.7a6.3 6.3 0 0 1 6.3 6.3"/><circle class="f" cx="8" cy="8" r="2.4"/>`,
  retrying: `<path class="o b" d="M13.3 8.8A5.5 5.5 0 1 1 12.4 4.8"/><path class="f" d="M13.9 1.6v4.1H9.8z"/>`,
  succeeded: `<circle class="f" cx="8" cy="8" r="7"/><path class="w" d="M4.6 8.2l2.4 2.4 4.4-4.9"/>`,
  cached: `<circle class="o" cx="8" cy="8" r="6.2"/><path class="f" d="M9 3.6L5.6 8.6h2.2l-.8 3.8 3.5-5H8.2z"/>`,
  failed: `<path class="f" d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"/><path class="w" d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"/>`,
  cancelled: `<rect class="o" x="2" y="2" width="12" height="12" rx="2"/><rect class="f" x="5.2" y="5.2" width="5.6" height="5.6"/>`,
  "needs-approval": `<path class="f" d="M8 .6L15.4 8 8 15.4.6 8z"/><path class="w" d="M6.3 6.5a1.8 1.8 0 1 1 2.4 1.7c-.5.2-.7.5-.7 1M8 11.1v.1"/>`,
  "needs-resolution": `<path class="o" d="M8 1.2L14.8 8 8 14.8 1.2 8z"/><path class="o" d="M6 5v6M6 8c2.5 0 4-1 4-3"/>`,
  interrupted: `<path class="f" d="M8 1.2l7 13H1z"/><path class="w" d="M8 6v3.8M8 12v.1"/>`,
  paused: `<path class="o b" d="M5.5 3v10M10.5 3v10"/>`,
};

/** All of them, once in a page: {@link glyph} points to them. */
export function glyphShapes(): string {
  const symbols = Object.entries(SHAPES).map(
    ([name, shape]) => `<symbol id="g-${name}" viewBox="0 0 16 16">${shape}</symbol>`,
  );
  return `<svg class="shapes" aria-hidden="true">${symbols.join("")}</svg>`;
}

/** In a text, or with `at` in a drawing. Beside it stands what it says. */
export function glyph(name: GlyphName, at?: { readonly x: number; readonly y: number }): string {
  if (at === undefined) return `<svg class="glyph ${name}" aria-hidden="true"><use href="#g-${name}"/></svg>`;
  return `<use href="#g-${name}" x="${at.x}" y="${at.y}" width="16" height="16"/>`;
}

/** The glyph of a whole run. */
export function runGlyph(status: RunStatus): GlyphName {
  return status === "waiting" ? "needs-approval" : status;
}
