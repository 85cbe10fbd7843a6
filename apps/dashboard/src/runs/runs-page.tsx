/** Runs: those of all projects, or of one, the newest first; what needs somebody above them. */
import { Suspense, useEffect, useRef, useState, type ReactNode, type RefObject } from "react";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazyPart } from "../app/lazy-part.ts";
import { useKeys } from "../app/keys.ts";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { NeedsYouStrip } from "../inbox/needs-you-strip.tsx";
import { useCannotAct } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { countOf } from "../ui/format.ts";
import { InlineProblem, ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { PERIODS, runFilterOf, type Period } from "./run-filter.ts";
import { RunRow } from "./run-row.tsx";
import { picked, pickedRuns, type PickedRun, type RunsSearch } from "./runs-search.ts";
import { useRuns, type ShownRuns } from "./use-runs.ts";
import "../ui/notice.css";
import "./runs-page.css";

/** Runs under way that are followed as their own pages do. */
const MOST_FOLLOWED = 16;

const StartDialog = lazyPart(async () => (await import("../start/start-dialog.tsx")).StartDialog);

export function RunsPage(): ReactNode {
  const { project } = useParams({ strict: false });
  const search = useSearch({ strict: false }) as RunsSearch;
  const navigate = useNavigate();
  const change = (set: Partial<RunsSearch>, replace = true): void =>
    void navigate({ to: ".", search: (before: object) => ({ ...before, ...set }), replace } as never);
  const filter = runFilterOf(search.q ?? "");
  const runs = useRuns(project, filter, search.since);
  const picks = pickedRuns(search.pick);
  const readOnly = useCannotAct();
  usePageTitle(project === undefined ? "Runs" : `${project} · runs`);
  const field = useRef<HTMLInputElement>(null);
  const start = (): void => change({ start: "new" }, false);
  useKeys([
    { key: "/", what: "Find runs", run: () => field.current?.focus() },
    { key: "s", what: "Start a run", run: () => (readOnly === undefined ? start() : false) },
    { key: "n", what: "Show new runs", run: () => (runs.fresh > 0 ? runs.showFresh() : false) },
    { key: "j", what: "Next run", run: () => moveTo(1) },
    { key: "k", what: "Run before", run: () => moveTo(-1) },
  ]);
  return (
    <>
      <main id="main" className="page">
        <div className="page-head">
          <h1>Runs</h1>
          <RunSearch
            query={search.q ?? ""}
            problems={filter.problems}
            field={field}
            onQuery={(q) => change({ q: q === "" ? undefined : q })}
          />
          <PeriodSelect period={search.since} onPeriod={(since) => change({ since })} />
          <span className="page-space" />
          <CompareButton picks={picks} />
          <Button kind="primary" onClick={start} unusable={readOnly}>
            Start a run
          </Button>
        </div>
        <NeedsYouStrip project={project} />
        <RunTable
          runs={runs}
          hasProject={project === undefined && runs.projects.length > 1}
          isFiltered={search.q !== undefined || search.since !== undefined}
          picks={picks}
          onPick={(run) => change({ pick: picked(picks, run) })}
        />
      </main>
      <StatusLine
        keys={[
          ["/", "find"],
          ["j k", "next, before"],
          ["s", "start"],
        ]}
      />
      {search.start === undefined ? null : (
        <Suspense fallback={null}>
          <StartDialog
            projects={runs.projects}
            file={search.start === "new" ? undefined : search.start}
            isOpen
            onClose={() => change({ start: undefined })}
          />
        </Suspense>
      )}
    </>
  );
}

/** Takes the focus to the next row, or the one before. */
function moveTo(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  rows[at === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

const QUIET_MS = 200;

function RunSearch({
  query,
  problems,
  field,
  onQuery,
}: {
  readonly query: string;
  readonly problems: readonly string[];
  readonly field: RefObject<HTMLInputElement | null>;
  readonly onQuery: (query: string) => void;
}): ReactNode {
  const [text, setText] = useState(query);
  // The address may change by itself: by back, or a link.
  useEffect(() => setText(query), [query]);
  const told = useRef(onQuery);
  told.current = onQuery;
  useEffect(() => {
    if (text === query) return undefined;
    const timer = setTimeout(() => told.current(text), QUIET_MS);
    return () => clearTimeout(timer);
  }, [text, query]);
  return (
    <form className="runs-search" role="search" onSubmit={(event) => (event.preventDefault(), onQuery(text))}>
      <input
        ref={field}
        type="search"
        aria-label="Find runs"
        aria-describedby={problems.length > 0 ? "runs-search-problem" : undefined}
        aria-invalid={problems.length > 0}
        placeholder="plan:release status:failed"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {text === "" ? <kbd>/</kbd> : null}
      {problems.length === 0 ? null : (
        <p id="runs-search-problem" className="runs-search-problem" role="status">
          {problems.join("; ")}
        </p>
      )}
    </form>
  );
}

function PeriodSelect({
  period,
  onPeriod,
}: {
  readonly period: Period | undefined;
  readonly onPeriod: (period: Period | undefined) => void;
}): ReactNode {
  return (
    <select
      aria-label="Started"
      value={period ?? ""}
      onChange={({ target }) => onPeriod(target.value === "" ? undefined : (target.value as Period))}
    >
      <option value="">Any time</option>
      {Object.entries(PERIODS).map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}

function CompareButton({ picks }: { readonly picks: readonly PickedRun[] }): ReactNode {
  const navigate = useNavigate();
  const [older, newer] = picks;
  const isPair = older !== undefined && newer !== undefined && picks.length === 2;
  const reason = !isPair
    ? "Choose two runs first"
    : older.project !== newer.project
      ? "The two runs are of different projects"
      : undefined;
  const compare = (): void => {
    if (!isPair) return;
    const path = [older.project, older.run, newer.run].map(encodeURIComponent);
    void navigate({ href: `/p/${path[0]}/compare/${path[1]}/${path[2]}` });
  };
  return (
    <Button className="runs-compare" onClick={compare} unusable={reason}>
      Compare{picks.length === 0 ? "" : ` ${picks.length} of 2`}
    </Button>
  );
}

function RunTable({
  runs,
  hasProject,
  isFiltered,
  picks,
  onPick,
}: {
  readonly runs: ShownRuns;
  readonly hasProject: boolean;
  readonly isFiltered: boolean;
  readonly picks: readonly PickedRun[];
  readonly onPick: (run: PickedRun) => void;
}): ReactNode {
  const { rows, closed, fresh, isPending, error } = runs;
  if (isPending) return <Waiting what="runs" />;
  if (error !== null && error !== undefined && rows.length === 0)
    return <ProblemPanel title="The runs cannot be shown" thrown={error} />;
  const followed = new Set(
    rows.filter(({ status }) => status === "running" || status === "paused").slice(0, MOST_FOLLOWED),
  );
  return (
    <>
      {closed.map(({ project, problem }) => (
        <p key={project} className="notice-warning" role="status">
          <b>{project}</b> cannot be opened: {problem}
        </p>
      ))}
      {error === null || error === undefined ? null : <InlineProblem thrown={error} />}
      {fresh === 0 ? null : (
        <button type="button" className="notice-fresh" onClick={runs.showFresh}>
          {fresh} new
        </button>
      )}
      {rows.length === 0 ? (
        <NoRuns isFiltered={isFiltered} />
      ) : (
        <div className="panel runs-panel">
          <table className="runs-table">
            <thead>
              <tr>
                <th className="run-pick">
                  <span className="visually-hidden">Compare</span>
                </th>
                <th>Status</th>
                <th>Plan</th>
                <th className="run-id">Run</th>
                <th className="run-progress">Progress</th>
                <th className="run-started">Started</th>
                <th className="run-time">Time</th>
                <th className="num run-speedup">Speed-up</th>
                <th className="num run-cost">Cost</th>
                <th className="run-look">What to look at</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((run) => (
                <RunRow
                  key={`${run.project}/${run.run}`}
                  run={run}
                  hasProject={hasProject}
                  isFollowed={followed.has(run)}
                  isPicked={picks.some((one) => one.project === run.project && one.run === run.run)}
                  onPick={() => onPick(run)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {runs.hasMore ? (
        <p className="runs-more">
          <Button onClick={runs.showMore} unusable={runs.isLoadingMore ? "They are on their way" : undefined}>
            {runs.isLoadingMore ? "Loading older runs" : "Show older runs"}
          </Button>
        </p>
      ) : rows.length > 10 ? (
        <p className="dim runs-more">{countOf(rows.length, "run")}, no older ones</p>
      ) : null}
    </>
  );
}

function NoRuns({ isFiltered }: { readonly isFiltered: boolean }): ReactNode {
  if (isFiltered)
    return (
      <ProblemPanel title="No such runs">
        <p className="dim">
          Words are <code>plan:NAME</code>, <code>status:failed,waiting</code>, or a part of a run's id or its plan's
          name.
        </p>
      </ProblemPanel>
    );
  return (
    <ProblemPanel title="No runs yet">
      <p className="dim">
        <code>heddle run</code> in the project's folder starts one, or the button above.
      </p>
    </ProblemPanel>
  );
}
