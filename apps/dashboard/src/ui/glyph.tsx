/** Glyphs and statuses as elements: the shape says the status, its colour the family, and the text beside it says it too. */
import type { ReactNode } from "react";
import { FAMILY_OF, GLYPHS, runGlyph, type GlyphName, type GlyphPart, type RunStatus } from "heddle/view";
import "./glyph.css";

export interface GlyphProps {
  readonly name: GlyphName;
  /** What it says where no text stands beside it. Absent: a text does, and screen readers pass the glyph over. */
  readonly label?: string;
  /** Edge in pixels. */
  readonly size?: number;
}

export function Glyph({ name, label, size = 16 }: GlyphProps): ReactNode {
  return (
    <svg
      className={`glyph family-${FAMILY_OF[name]} glyph-${name}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      {...(label === undefined ? { "aria-hidden": true } : { role: "img", "aria-label": label })}
    >
      <GlyphShape name={name} />
    </svg>
  );
}

/** Inside of a drawing of 16 x 16 that has the family's class. */
export function GlyphShape({ name }: { readonly name: GlyphName }): ReactNode {
  return GLYPHS[name].map((part, at) => <Part key={at} part={part} />);
}

function Part({ part }: { readonly part: GlyphPart }): ReactNode {
  const className = `glyph-${part.style}`;
  if ("path" in part) return <path className={className} d={part.path} />;
  if ("circle" in part) {
    const [x, y, radius] = part.circle;
    return <circle className={className} cx={x} cy={y} r={radius} />;
  }
  const [at, size, radius] = part.square;
  return <rect className={className} x={at} y={at} width={size} height={size} rx={radius} />;
}

/** A status of a step, with its word. */
export function Status({ name, text }: { readonly name: GlyphName; readonly text?: string }): ReactNode {
  return (
    <span className="status">
      <Glyph name={name} />
      {text ?? name}
    </span>
  );
}

export function RunStatusPill({ status }: { readonly status: RunStatus }): ReactNode {
  return (
    <span className="status pill">
      <Glyph name={runGlyph(status)} />
      {status}
    </span>
  );
}
