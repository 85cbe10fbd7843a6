/** Timeline of the run: every attempt as a bar, by step, by slot, or by agent, with what it waited for, and what is expected. */
import { useCallback, useMemo, useState, type ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { ForecastBar } from "heddle/client";
import { ComparePrevious } from "../compare/compare-previous.tsx";
import { WhatIfPanel } from "../plans/what-if.tsx";
import { useShownNow, useShownRun } from "../run/shown-run.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { countOf } from "../ui/format.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { foldsOf, type Stretch } from "./axis.ts";
import { barParts } from "./bar-text.ts";
import { Chart } from "./chart.tsx";
import { countSteps } from "./counters.ts";
import { barsAt } from "./cut.ts";
import type { PackedBar } from "./packed.ts";
import type { AttemptFilter, RowMode } from "./choices.ts";
import { forecastFrom, timelineRows } from "./rows.ts";
import { useForecast, useTimeline, type TimelineData } from "./timeline-data.ts";
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
  return <TimelineView data={timeline.data} forecast={forecast} />;
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
  const expected = useMemo(() => forecastFrom(forecast, { steps, now }), [forecast, steps, now]);
  const rows = useMemo(
    () => timelineRows(by, { bars: shown, steps, forecast: expected, attempts, q }),
    [by, shown, steps, expected, attempts, q],
  );
  const counts = useMemo(() => countSteps(shown, now), [shown, now]);
  const axisTime = useMemo(() => timeOf(data, { forecast: expected, now }), [data, expected, now]);
  const folded = useMemo(
    () => (gaps === "shown" ? [] : foldsIn(shown, { data, now, from: axisTime.from })),
    [gaps, shown, data, now, axisTime.from],
  );
  const critical = useCritical();
  const [pointed, setPointed] = useState<PackedBar>();
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

/** From the beginning of the run to its end, or to where it is expected. */
function timeOf(
  { startedAt }: TimelineData,
  { forecast, now }: { readonly forecast: readonly ForecastBar[]; readonly now: number },
): Stretch {
  const expected = forecast.reduce((latest, { endsAt }) => Math.max(latest, endsAt), 0);
  return { from: startedAt, to: Math.max(startedAt + 1, now, expected) };
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

/** Steps on the longest way through the run, by what is known and expected. */
function useCritical(): ReadonlySet<string> {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const { run: id, progress } = run.head;
  const graph = useQuery({
    queryKey: ["critical path", project, id, progress.total, progress.ended],
    queryFn: ({ signal }) => client.project(project).runs.graph(id, { signal }),
    staleTime: 10_000,
    placeholderData: (before) => before,
  });
  return useMemo(() => {
    const { steps = [], criticalPath = [] } = graph.data ?? {};
    return new Set(criticalPath.map((step) => steps[step] ?? ""));
  }, [graph.data]);
}
