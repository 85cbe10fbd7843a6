/** Comparison of two runs: step by step, what moved the makespan most first, with both timelines on one axis. */
import { useMemo, useRef, type ReactNode } from "react";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { ComparedRun, ComparedStep, RunComparison } from "heddle/client";
import { useKeys } from "../app/keys.ts";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { useNow } from "../store/now.ts";
import { useTimeline } from "../timeline/timeline-data.ts";
import { Button } from "../ui/button.tsx";
import { agoText, costText, countOf, countText, durationText } from "../ui/format.ts";
import { RunStatusPill } from "../ui/glyph.tsx";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { workSpans } from "./compare-axis.ts";
import { ONLY, type ComparedOnly } from "./compare-search.ts";
import { CompareTable, type Timelines } from "./compare-table.tsx";
import "./compare-page.css";

const route = getRouteApi("/p/$project/compare/$a/$b");
/** Steps of one answer. */
const PAGE = 500;

export function ComparePage(): ReactNode {
  const { project, a, b } = route.useParams();
  const { only, q = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const { client } = useHeddle();
  const comparison = useInfiniteQuery({
    queryKey: ["compare", project, a, b],
    queryFn: ({ signal, pageParam }) =>
      client.project(project).reports.compare(a, b, {
        signal,
        limit: PAGE,
        ...(pageParam === "" ? {} : { cursor: pageParam }),
      }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
  const first = comparison.data?.pages[0];
  usePageTitle(`Compare ${a} and ${b} · ${first?.a.plan ?? project}`);
  const field = useRef<HTMLInputElement>(null);
  useKeys([{ key: "/", what: "Find a step", run: () => field.current?.focus() }]);
  const steps = useMemo(() => comparison.data?.pages.flatMap((page) => page.steps) ?? [], [comparison.data]);
  const shown = steps.filter((step) => isShown(step, only) && step.step.toLowerCase().includes(q.toLowerCase()));
  return (
    <>
      <main id="main" className="page compare">
        <div className="page-head">
          <h1>Compare two runs</h1>
          {first === undefined ? null : (
            <Link className="button" to="/p/$project/compare/$a/$b" params={{ project, a: b, b: a }} search={{}}>
              The other way round
            </Link>
          )}
        </div>
        {comparison.isPending ? <Waiting what="the comparison" rows={10} /> : null}
        {comparison.isError && first === undefined ? (
          <ProblemPanel title="The runs cannot be compared" thrown={comparison.error} />
        ) : null}
        {first === undefined ? null : (
          <>
            <div className="compare-runs">
              <RunCard project={project} name="First run" of={first.a} other={first.b} isFirst />
              <RunCard project={project} name="Second run" of={first.b} other={first.a} />
              <Change comparison={first} />
            </div>
            <p className="compare-first">{first.first.sentence}</p>
            <div className="page-head">
              <input
                ref={field}
                type="search"
                aria-label="Text in a step's id"
                placeholder="Find a step"
                value={q}
                onChange={(event) =>
                  void navigate({ search: (before) => ({ ...before, q: event.target.value }), replace: true })
                }
              />
              <Filters
                counts={first.counts}
                only={only}
                onChange={(next) => void navigate({ search: (before) => ({ ...before, only: next }) })}
              />
              <span className="dim" role="status">
                {countOf(shown.length, "step")}
                {comparison.hasNextPage ? " of those that moved most" : ""}
              </span>
            </div>
            <BothTimelines project={project} first={first}>
              {(timelines) => (
                <CompareTable project={project} runs={[first.a, first.b]} steps={shown} timelines={timelines} />
              )}
            </BothTimelines>
            {comparison.hasNextPage ? (
              <Button onClick={() => void comparison.fetchNextPage()}>Show more steps</Button>
            ) : null}
          </>
        )}
      </main>
      <StatusLine />
    </>
  );
}

function isShown({ a, b, definition }: ComparedStep, only: ComparedOnly | undefined): boolean {
  switch (only) {
    case "changed":
      return definition === "changed";
    case "status":
      return a !== undefined && b !== undefined && a.status !== b.status;
    case "one":
      return a === undefined || b === undefined;
    default:
      return true;
  }
}

function Filters({
  counts,
  only,
  onChange,
}: {
  readonly counts: RunComparison["counts"];
  readonly only: ComparedOnly | undefined;
  readonly onChange: (only: ComparedOnly | undefined) => void;
}): ReactNode {
  const numbers: Readonly<Record<ComparedOnly, number>> = {
    changed: counts.changed,
    status: counts.otherStatus,
    one: counts.onlyInA + counts.onlyInB,
  };
  return (
    <div className="compare-filters" role="group" aria-label="Only">
      {ONLY.map(([name, text]) => (
        <Button
          key={name}
          aria-pressed={only === name}
          unusable={numbers[name] === 0 && only !== name ? "There are none" : undefined}
          onClick={() => onChange(only === name ? undefined : name)}
        >
          {text} {countText(numbers[name])}
        </Button>
      ))}
    </div>
  );
}

/** One of the two, with the others that could stand in its place. */
function RunCard({
  project,
  name,
  of,
  other,
  isFirst = false,
}: {
  readonly project: string;
  readonly name: string;
  readonly of: ComparedRun;
  readonly other: ComparedRun;
  readonly isFirst?: boolean;
}): ReactNode {
  const now = useNow();
  const { client } = useHeddle();
  const navigate = route.useNavigate();
  const runs = useQuery({
    queryKey: ["runs of plan", project, of.plan],
    queryFn: ({ signal }) => client.project(project).runs.list({ plan: of.plan, limit: 50, signal }),
    staleTime: 30_000,
    placeholderData: keepPreviousData,
  });
  const known = (runs.data?.runs ?? []).filter(({ run }) => run !== other.run);
  const choices = known.some(({ run }) => run === of.run) ? known : [of, ...known];
  return (
    <section className="panel compare-run" aria-label={name}>
      <h2>
        {name} <RunStatusPill status={of.status} />
      </h2>
      <p>
        <Link
          className="link"
          to="/p/$project/runs/$run"
          params={{ project, run: of.run }}
          search={{ view: "timeline" }}
        >
          {of.plan}
        </Link>{" "}
        <span className="dim">
          {agoText(of.startedAt, now)}, {countOf(of.maxConcurrency, "worker")}
        </span>
      </p>
      <dl>
        <div>
          <dt>Took</dt>
          <dd>{durationText(of.parallelMs)}</dd>
        </div>
        <div>
          <dt>Cost</dt>
          <dd>{costText(of.cost)}</dd>
        </div>
      </dl>
      <select
        aria-label={`${name}: which`}
        value={of.run}
        onChange={(event) => {
          const chosen = event.target.value;
          void navigate({ params: { project, a: isFirst ? chosen : other.run, b: isFirst ? other.run : chosen } });
        }}
      >
        {choices.map(({ run, status, startedAt }) => (
          <option key={run} value={run}>
            {run} · {status} · {agoText(startedAt, now)}
          </option>
        ))}
      </select>
    </section>
  );
}

function Change({ comparison: { a, b } }: { readonly comparison: RunComparison }): ReactNode {
  const moved = b.parallelMs - a.parallelMs;
  const share = a.parallelMs > 0 ? Math.round((moved / a.parallelMs) * 100) : 0;
  return (
    <section className="panel compare-run" aria-label="Change">
      <h2>Change</h2>
      <p className="compare-moved">
        {moved === 0 ? "None" : `${durationText(Math.abs(moved))} ${moved > 0 ? "longer" : "shorter"}`}
        {share === 0 ? null : <span className="dim"> {share > 0 ? `+${share}` : `−${-share}`} %</span>}
      </p>
      <dl>
        <div>
          <dt>Cost</dt>
          <dd>{costChangeText(a.cost, b.cost)}</dd>
        </div>
        <div>
          <dt>Workers</dt>
          <dd>{a.maxConcurrency === b.maxConcurrency ? "same" : `${a.maxConcurrency} → ${b.maxConcurrency}`}</dd>
        </div>
      </dl>
    </section>
  );
}

function costChangeText(a: number | null, b: number | null): string {
  if (a === null || b === null) return "–";
  if (a === b) return "same";
  return `${b < a ? "−" : "+"}${costText(Math.abs(b - a))}`;
}

/** Loads the bars of both; until they are there, the table has none. */
function BothTimelines({
  project,
  first,
  children,
}: {
  readonly project: string;
  readonly first: RunComparison;
  readonly children: (timelines: Timelines | undefined) => ReactNode;
}): ReactNode {
  const a = useTimeline(project, first.a.run, first.a.seq).data;
  const b = useTimeline(project, first.b.run, first.b.seq).data;
  const timelines = useMemo(() => {
    if (a === undefined || b === undefined) return undefined;
    const spans = [a, b].map((data) => workSpans(data, data.bars, data.lastTime));
    let last = 1;
    for (const one of spans) for (const steps of one.values()) for (const { to } of steps) last = Math.max(last, to);
    return { a: spans[0], b: spans[1], last } as Timelines;
  }, [a, b]);
  return children(timelines);
}
