/**
 * Glyphs of statuses: one shape for each, in the colour of its family. They are drawn, not typed: fonts lack some. Filled ones demand
 * something or are done, outlined ones wait or came from elsewhere. Data: the report page writes them as text, other pages as elements.
 */
import type { RunStatus, StepStatus } from "./status.ts";

export type GlyphName = StepStatus | "paused";

/**
 * How a part is drawn: `fill` and `line` in the family's colour, `ink` a line in the background's. Of lines: `dashed`, `faint`, and `bold`
 * with round ends.
 */
export type GlyphStyle = "fill" | "line" | "dashed" | "faint" | "bold" | "ink";

export type GlyphPart =
  | { readonly style: GlyphStyle; readonly path: string }
  | { readonly style: GlyphStyle; readonly circle: readonly [x: number, y: number, radius: number] }
  | { readonly style: GlyphStyle; readonly square: readonly [at: number, size: number, radius: number] };

/** On 16 x 16; later parts above earlier ones. */
export const GLYPHS: { readonly [name in GlyphName]: readonly GlyphPart[] } = {
  waiting: [{ style: "dashed", circle: [8, 8, 5.5] }],
  skipped: [
    { style: "line", circle: [8, 8, 5.8] },
    { style: "line", path: "M4 12L12 4" },
  ],
  running: [
    { style: "faint", circle: [8, 8, 6.3] },
    { style: "bold", path: "M8 1.7a6.3 6.3 0 0 1 6.3 6.3" },
    { style: "fill", circle: [8, 8, 2.4] },
  ],
  retrying: [
    { style: "bold", path: "M13.3 8.8A5.5 5.5 0 1 1 12.4 4.8" },
    { style: "fill", path: "M13.9 1.6v4.1H9.8z" },
  ],
  succeeded: [
    { style: "fill", circle: [8, 8, 7] },
    { style: "ink", path: "M4.6 8.2l2.4 2.4 4.4-4.9" },
  ],
  cached: [
    { style: "line", circle: [8, 8, 6.2] },
    { style: "fill", path: "M9 3.6L5.6 8.6h2.2l-.8 3.8 3.5-5H8.2z" },
  ],
  failed: [
    { style: "fill", path: "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z" },
    { style: "ink", path: "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2" },
  ],
  cancelled: [
    { style: "line", square: [2, 12, 2] },
    { style: "fill", square: [5.2, 5.6, 0] },
  ],
  "needs-approval": [
    { style: "fill", path: "M8 .6L15.4 8 8 15.4.6 8z" },
    { style: "ink", path: "M6.3 6.5a1.8 1.8 0 1 1 2.4 1.7c-.5.2-.7.5-.7 1M8 11.1v.1" },
  ],
  "needs-resolution": [
    { style: "line", path: "M8 1.2L14.8 8 8 14.8 1.2 8z" },
    { style: "line", path: "M6 5v6M6 8c2.5 0 4-1 4-3" },
  ],
  interrupted: [
    { style: "fill", path: "M8 1.2l7 13H1z" },
    { style: "ink", path: "M8 6v3.8M8 12v.1" },
  ],
  paused: [{ style: "bold", path: "M5.5 3v10M10.5 3v10" }],
};

/** The glyph of a whole run. */
export function runGlyph(status: RunStatus): GlyphName {
  return status === "waiting" ? "needs-approval" : status;
}

/** Colour families: what tells statuses apart at a glance, whatever the kind of colour vision. */
export const FAMILIES = ["idle", "active", "good", "attention", "bad", "stopped", "human"] as const;
export type Family = (typeof FAMILIES)[number];

export const FAMILY_OF: { readonly [name in GlyphName]: Family } = {
  waiting: "idle",
  skipped: "idle",
  paused: "idle",
  running: "active",
  succeeded: "good",
  cached: "good",
  retrying: "attention",
  interrupted: "attention",
  failed: "bad",
  cancelled: "stopped",
  "needs-approval": "human",
  "needs-resolution": "human",
};
