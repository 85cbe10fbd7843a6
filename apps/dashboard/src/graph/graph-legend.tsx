/** Legend of the graph: what shapes and colours mean. */
import type { ReactNode } from "react";
import { STEP_STATUSES } from "heddle/view";
import { Glyph } from "../ui/glyph.tsx";
import type { Colouring } from "./choices.ts";
import { GROUP_COLOURS, SCALE_STEPS } from "./look.ts";

export interface GraphLegendProps {
  readonly colouring: Colouring;
  readonly groups: readonly string[];
  readonly models: readonly string[];
}

export function GraphLegend({ colouring, groups, models }: GraphLegendProps): ReactNode {
  return (
    <ul className="graph-legend" aria-label="Legend">
      {colouring === "duration" || colouring === "cost" ? (
        <li>
          {colouring === "duration" ? "short" : "cheap"}
          {Array.from({ length: SCALE_STEPS }, (_, at) => (
            <span key={at} className="graph-swatch" style={{ background: `var(--graph-scale-${at + 1})` }} />
          ))}
          {colouring === "duration" ? "long" : "dear"}
        </li>
      ) : null}
      {colouring === "group" || colouring === "model"
        ? (colouring === "group" ? groups : models).slice(0, GROUP_COLOURS).map((name, at) => (
            <li key={name}>
              <span className="graph-swatch" style={{ background: `var(--graph-group-${at + 1})` }} />
              <span className="ellipsis">{name}</span>
            </li>
          ))
        : null}
      {STEP_STATUSES.map((status) => (
        <li key={status}>
          <Glyph name={status} size={14} />
          {status}
        </li>
      ))}
      <li>
        <span className="graph-line heavy" /> critical path
      </li>
      <li>
        <span className="graph-line share" /> share of all time
      </li>
    </ul>
  );
}
