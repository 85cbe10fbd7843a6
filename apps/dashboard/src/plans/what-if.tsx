/** What-if: how long a plan, or what is left of a run, would take with other numbers of workers; a curve, and a slider over it. */
import { useState, type ReactNode } from "react";
import type { SimulateRequest } from "heddle/client";
import { useFollowedQuery } from "../store/followed-query.ts";
import { useHeddle } from "../store/heddle.tsx";
import { countOf, durationText } from "../ui/format.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { WhatIfCurve } from "./what-if-curve.tsx";
import { boundText, curveText, MOST_WORKERS, pointAt } from "./what-if-scale.ts";
import "./what-if.css";

export interface WhatIfPanelProps {
  readonly project: string;
  /** A plan file, or what is left of a run. */
  readonly of: Pick<SimulateRequest, "plan" | "run">;
  /** Tells one state of it from another. */
  readonly state: string | number;
  /** As it is now. */
  readonly workers: number;
}

/** Up to so many steps every number of workers is simulated; of larger plans twelve. */
const WHOLE_CURVE = 3000;
const EVERY_MS = 3000;
const ALL = Array.from({ length: MOST_WORKERS }, (_, at) => at + 1);

export function WhatIfPanel({ project, of, state, workers }: WhatIfPanelProps): ReactNode {
  const { client } = useHeddle();
  const [chosen, setChosen] = useState(Math.min(MOST_WORKERS, Math.max(1, workers)));
  const { plans } = client.project(project);
  const key = ["what-if", project, of.plan ?? of.run];
  const some = useFollowedQuery({
    key: [...key, "some"],
    mark: state,
    everyMs: EVERY_MS,
    ask: (signal) => plans.simulate(of, { signal }),
  });
  const all = useFollowedQuery({
    key: [...key, "all"],
    mark: state,
    everyMs: EVERY_MS,
    isWanted: some.data !== undefined && some.data.steps <= WHOLE_CURVE,
    ask: (signal) => plans.simulate({ ...of, workers: ALL }, { signal }),
  });
  const data = all.data ?? some.data;
  if (data === undefined)
    return some.error !== null ? (
      <ProblemPanel title="It cannot be simulated" thrown={some.error} />
    ) : (
      <Waiting what="the simulation" rows={4} />
    );
  const point = pointAt(data, chosen);
  if (point === undefined || data.steps === 0) return <p className="dim">Nothing is left to be done.</p>;
  return (
    <div className="what-if">
      {/* The slider says it to who moves it. */}
      <p className="what-if-said">{curveText(data, point)}</p>
      <div className="what-if-body">
        <div>
          <WhatIfCurve data={data} point={point} workers={workers} />
          <label className="what-if-slider">
            <span>Workers</span>
            <input
              type="range"
              min={1}
              max={MOST_WORKERS}
              value={chosen}
              aria-valuetext={curveText(data, point)}
              onChange={(event) => setChosen(Number(event.target.value))}
            />
            <output>{chosen}</output>
          </label>
        </div>
        <div className="what-if-about">
          <dl className="what-if-figures">
            <div>
              <dt>Expected</dt>
              <dd>{durationText(point.makespanMs)}</dd>
            </div>
            <div>
              <dt>Slots used</dt>
              <dd>{Math.round(point.utilisation * 100)} %</dd>
            </div>
            <div>
              <dt>What binds</dt>
              <dd>{boundText(point.binds)}</dd>
            </div>
            <div>
              <dt>Longest path</dt>
              <dd>{durationText(data.criticalPathMs)}</dd>
            </div>
          </dl>
          {data.unknownDurations === 0 ? null : (
            <p className="dim">
              How long {countOf(data.unknownDurations, "step")} of {countOf(data.steps, "step")} will take is not known:
              a run records it.
            </p>
          )}
          <details className="what-if-path">
            <summary>What comes one after another with {countOf(point.workers, "worker")}</summary>
            <ol>
              {point.path.map((step, at) => (
                <li key={`${at} ${step}`}>{step}</li>
              ))}
            </ol>
          </details>
        </div>
      </div>
    </div>
  );
}
