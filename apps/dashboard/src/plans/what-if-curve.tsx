/** Curve of a what-if: the expected time by the number of workers, with where more gain nothing, and the longest path below which nothing gets. */
import type { ReactNode } from "react";
import type { WhatIf, WorkersPoint } from "heddle/client";
import { durationText } from "../ui/format.ts";
import { MOST_WORKERS, shareOfWorkers } from "./what-if-scale.ts";

const WIDTH = 560;
const HEIGHT = 200;
const EDGE = { left: 58, right: 14, top: 14, bottom: 36 } as const;
const TICKS = [1, 2, 4, 8, 16, 32, 64];

export interface WhatIfCurveProps {
  readonly data: WhatIf;
  /** The one that is chosen. */
  readonly point: WorkersPoint;
  /** As it is now. */
  readonly workers: number;
}

export function WhatIfCurve({ data, point, workers }: WhatIfCurveProps): ReactNode {
  const most = data.points.reduce((found, { makespanMs }) => Math.max(found, makespanMs), 1);
  const xOf = (count: number): number => EDGE.left + shareOfWorkers(count) * (WIDTH - EDGE.left - EDGE.right);
  const yOf = (ms: number): number => EDGE.top + (1 - ms / most) * (HEIGHT - EDGE.top - EDGE.bottom);
  const [first, last] = [data.points[0], data.points.at(-1)];
  return (
    <svg
      className="what-if-curve"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`Expected time by workers: ${durationText(first?.makespanMs ?? 0)} with 1, ${durationText(last?.makespanMs ?? 0)} with ${MOST_WORKERS}`}
    >
      {[0, 0.5, 1].map((share) => (
        <g key={share}>
          <line
            className="what-if-grid"
            x1={EDGE.left}
            x2={WIDTH - EDGE.right}
            y1={yOf(most * share)}
            y2={yOf(most * share)}
          />
          <text className="what-if-tick" x={EDGE.left - 6} y={yOf(most * share) + 4} textAnchor="end">
            {durationText(most * share)}
          </text>
        </g>
      ))}
      {TICKS.map((count) => (
        <text key={count} className="what-if-tick" x={xOf(count)} y={HEIGHT - 20} textAnchor="middle">
          {count}
        </text>
      ))}
      <text className="what-if-tick" x={(EDGE.left + WIDTH) / 2} y={HEIGHT - 4} textAnchor="middle">
        workers
      </text>
      <line
        className="what-if-bound"
        x1={EDGE.left}
        x2={WIDTH - EDGE.right}
        y1={yOf(data.criticalPathMs)}
        y2={yOf(data.criticalPathMs)}
      />
      <Knee knee={data.knee} xOf={xOf} />
      <polyline
        className="what-if-line"
        points={data.points.map(({ workers: count, makespanMs }) => `${xOf(count)},${yOf(makespanMs)}`).join(" ")}
      />
      {data.points.map(({ workers: count, makespanMs }) =>
        count === workers ? (
          <circle key={count} className="what-if-now" cx={xOf(count)} cy={yOf(makespanMs)} r={4}>
            <title>{`As it is now: ${count}`}</title>
          </circle>
        ) : null,
      )}
      <circle className="what-if-chosen" cx={xOf(point.workers)} cy={yOf(point.makespanMs)} r={6} />
    </svg>
  );
}

function Knee({ knee, xOf }: { readonly knee: WhatIf["knee"]; readonly xOf: (count: number) => number }): ReactNode {
  if (knee === null) return null;
  const x = xOf(knee.workers);
  const isRight = knee.workers > 12;
  return (
    <g>
      <line className="what-if-knee" x1={x} x2={x} y1={EDGE.top} y2={HEIGHT - EDGE.bottom} />
      <text
        className="what-if-note"
        x={x + (isRight ? -6 : 6)}
        y={EDGE.top + 10}
        textAnchor={isRight ? "end" : "start"}
      >
        more than {knee.workers} gains nothing
      </text>
    </g>
  );
}
