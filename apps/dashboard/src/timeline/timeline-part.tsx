/** Timeline of the run: every attempt as a bar, by step, by slot, or by agent, with what it waited for, and what is expected. */
import { useCallback, useMemo, useRef, useState, type ReactNode } from "react";
import { getRouteApi } from "@tanstack/react-router";
import type { ForecastBar } from "heddle/client";
import { useKeys } from "../app/keys.ts";
import { ComparePrevious } from "../compare/compare-previous.tsx";
import { WhatIfPanel } from "../plans/what-if.tsx";
import { useRunGraph } from "../run/run-graph.ts";
import { useShownNow, useShownRun } from "../run/shown-run.tsx";
import { useForecast } from "../store/forecast.ts";
import { Button } from "../ui/button.tsx";
import { countOf } from "../ui/format.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { foldsOf, type Stretch } from "./axis.ts";
import { barParts } from "./bar-text.ts";
import { Chart } from "./chart.tsx";
import { countSteps } from "./counters.ts";
import { barsAt } from "./cut.ts";
import { FirstExpected, lateBy } from "./late.ts";
import type { PackedBar } from "./packed.ts";
import type { RowsInput, TimelineRow } from "./row-bars.ts";
import type { AttemptFilter, RowMode } from "./choices.ts";
import { barRows } from "./rows.ts";
import { StepRows } from "./step-rows.ts";
import { useTimeline, type TimelineData } from "./timeline-data.ts";
import "./timeline-part.css";

const route = getRouteApi("/p/$project/runs/$run");

const MODES: readonly (readonly [RowMode, string])[] = [
  ["step", "By step"],
  ["slot", "By slot"],
  ["agent", "By agent and model"],
];
const FILTERS: readonly (readonly [AttemptFilter, string])[] = [
  ["all", "All attempts"],
  ["last", "Last attempts"],
  ["retried", "Steps that were retried"],
];

const NONE: readonly ForecastBar[] = [];

export function TimelinePart(): ReactNode {
  const { project, run, seq, last } = useShownRun();
  const timeline = useTimeline(project, run.head.run, last);
  const forecast = useForecast(project, run.head, seq === undefined);
  if (timeline.data === undefined)
    return (
      <div className="page">
        {timeline.isError ? (
          <ProblemPanel title="The timeline cannot be shown" thrown={timeline.error} />
        ) : (
          <Waiting what="the timeline" rows={12} />
        )}
      </div>
    );
  return <TimelineView data={timeline.data} forecast={forecast?.bars ?? NONE} />;
}

function TimelineView({
  data,
  forecast,
}: {
  readonly data: TimelineData;
  readonly forecast: readonly ForecastBar[];
}): ReactNode {
  const { project, run, seq, time } = useShownRun();
  const { by = "step", attempts = "all", gaps, whatIf, q = "", step } = route.useSearch();
  const navigate = route.useNavigate();
  const { steps, head } = run;
  const shown = useMemo(
    () => (seq === undefined || time === undefined ? data.bars : barsAt(data.bars, { time, steps })),
    [data.bars, seq, time, steps],
  );
  const isOver = head.endedAt !== null || !head.live;
  const goesOn = !isOver && seq === undefined;
  const present = useShownNow();
  const now = isOver ? Math.max(head.endedAt ?? 0, data.lastTime) : Math.max(present, time ?? data.lastTime);
  const firstExpected = useRef(new FirstExpected());
  const late = lateBy(firstExpected.current.at(forecast, steps), now);
  const rows = useRows(by, { bars: shown, steps, forecast, attempts, q });
  const counts = useMemo(() => countSteps(shown), [shown]);
  const expectedEnd = useMemo(() => forecast.reduce((last, { endsAt }) => Math.max(last, endsAt), 0), [forecast]);
  const axisTime = useMemo(
    () => ({ from: data.startedAt, to: Math.max(data.startedAt + 1, now, expectedEnd === 0 ? 0 : expectedEnd + late) }),
    [data.startedAt, now, expectedEnd, late],
  );
  const folded = useMemo(
    () => (gaps === "shown" ? [] : foldsIn(shown, { data, now, from: axisTime.from })),
    [gaps, shown, data, now, axisTime.from],
  );
  const critical = useCritical();
  const [pointed, setPointed] = useState<PackedBar>();
  const field = useRef<HTMLInputElement>(null);
  useKeys([{ key: "/", what: "Find a step", run: () => field.current?.focus() }]);
  const start = data.startedAt;
  const textOf = useCallback(
    ({ bar, count }: PackedBar): string =>
      count > 1 ? `${countOf(count, "attempt")} close together: zoom in` : barParts(bar, { start, now }).join(", "),
    [start, now],
  );
  const open = useCallback(
    (opened: string, attempt: number | undefined) =>
      void navigate({ search: (before) => ({ ...before, step: opened, attempt }) }),
    [navigate],
  );
  return (
    <div className="tl">
      <div className="tl-tools">
        <Choice
          name="Rows"
          options={MODES}
          value={by}
          onChange={(value) => void navigate({ search: (before) => ({ ...before, by: value }) })}
        />
        <Choice
          name="Attempts"
          options={FILTERS}
          value={attempts}
          onChange={(value) => void navigate({ search: (before) => ({ ...before, attempts: value }) })}
        />
        <Button
          aria-pressed={gaps === undefined}
          onClick={() =>
            void navigate({
              search: (before) => ({ ...before, gaps: gaps === undefined ? ("shown" as const) : undefined }),
            })
          }
        >
          Gaps folded
        </Button>
        <input
          ref={field}
          type="search"
          className="tl-search"
          aria-label="Text in a step's id"
          placeholder="Find a step"
          value={q}
          onChange={(event) =>
            void navigate({ search: (before) => ({ ...before, q: event.target.value || undefined }), replace: true })
          }
        />
        <span className="tl-space" />
        {goesOn ? (
          <Button
            aria-pressed={whatIf === "on"}
            onClick={() =>
              void navigate({
                search: (before) => ({ ...before, whatIf: whatIf === "on" ? undefined : ("on" as const) }),
              })
            }
          >
            Other workers
          </Button>
        ) : null}
        <ComparePrevious />
        <Legend />
      </div>
      {goesOn && whatIf === "on" ? (
        <section className="panel tl-what-if" tabIndex={0} aria-label="What is left with other numbers of workers">
          <WhatIfPanel
            project={project}
            of={{ run: head.run }}
            state={head.progress.ended}
            workers={head.progress.maxConcurrency}
          />
        </section>
      ) : null}
      {rows.length === 0 ? (
        <p className="dim tl-empty">{q === "" ? "Nothing has begun yet." : `No step has “${q}” in its id.`}</p>
      ) : (
        <Chart
          rows={rows}
          counts={counts}
          slots={data.maxConcurrency}
          time={axisTime}
          folds={folded}
          now={now}
          late={late}
          isLive={goesOn}
          critical={critical}
          selected={step}
          textOf={textOf}
          onPoint={setPointed}
          onOpen={open}
        />
      )}
      <p className="tl-told" aria-hidden="true">
        {pointed === undefined ? (
          <span className="dim">
            Point at a bar to read what it waited for. Arrows go from bar to bar, + and − zoom.
          </span>
        ) : (
          textOf(pointed)
        )}
      </p>
    </div>
  );
}

function Choice<T extends string>({
  name,
  options,
  value,
  onChange,
}: {
  readonly name: string;
  readonly options: readonly (readonly [T, string])[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}): ReactNode {
  return (
    <select aria-label={name} value={value} onChange={(event) => onChange(event.target.value as T)}>
      {options.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </select>
  );
}

function Legend(): ReactNode {
  return (
    <ul className="tl-legend dim" aria-label="Legend">
      <li>
        <span className="tl-legend-lead" /> ready, waits for its turn
      </li>
      <li>
        <span className="tl-legend-critical" /> critical path
      </li>
      <li>
        <span className="tl-legend-expected" /> expected
      </li>
    </ul>
  );
}

/** Those by step are kept from one state of the run to the next; the others do not depend on it. */
function useRows(by: RowMode, { bars, steps, forecast, attempts, q }: RowsInput): readonly TimelineRow[] {
  const kept = useRef(new StepRows());
  const isByStep = by === "step";
  const byStep = useMemo(
    () => (isByStep ? kept.current.update({ bars, steps, forecast, attempts, q }) : []),
    [isByStep, bars, steps, forecast, attempts, q],
  );
  const others = useMemo(() => (by === "step" ? [] : barRows(by, { bars, attempts, q })), [by, bars, attempts, q]);
  return isByStep ? byStep : others;
}

function foldsIn(
  bars: TimelineData["bars"],
  { data, now, from }: { readonly data: TimelineData; readonly now: number; readonly from: number },
): readonly Stretch[] {
  const busy = bars
    .filter(({ kind }) => kind === "attempt" || kind === "undo")
    .map(({ startedAt, endedAt }) => ({ from: startedAt, to: endedAt ?? now }));
  return foldsOf({ from, to: now }, { busy, gaps: data.gaps });
}

/** Steps on the longest way through the run, by what was known and expected then. */
function useCritical(): ReadonlySet<string> {
  const { data } = useRunGraph();
  return useMemo(() => {
    const { steps = [], criticalPath = [] } = data ?? {};
    return new Set(criticalPath.map((step) => steps[step] ?? ""));
  }, [data]);
}
