/** Logs of the run: of one attempt of a step, or of all steps that run. */
import { useEffect, useMemo, useRef, type ReactNode } from "react";
import { getRouteApi, useLocation } from "@tanstack/react-router";
import type { LiveRun } from "heddle/view";
import { useShownRun } from "../run/shown-run.tsx";
import { countText } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import { ProblemPanel } from "../ui/problem.tsx";
import { AttemptLog } from "./attempt-log.tsx";
import { lineRangeOf, lineRangeText } from "./line-range.ts";
import { RunningLogs } from "./running-logs.tsx";
import { hasFailed, isWriting, offeredSteps, runningSteps, shownTarget, type ShownTarget } from "./shown-target.ts";

const route = getRouteApi("/p/$project/runs/$run");

/** Steps of which can be chosen; more are found by their names. */
const MOST_OFFERED = 300;

export function LogsPart(): ReactNode {
  const { project, run, seq } = useShownRun();
  const { step, attempt } = route.useSearch();
  useLineOfHash();
  // Nothing comes to a run as it was; its logs are files, and have what was written since.
  const isPast = seq !== undefined;
  const was = useRef<ShownTarget>(undefined);
  const target = shownTarget(run, { step, attempt }, was.current);
  // Of what the reader chose themselves nothing has to be kept.
  was.current = step === undefined ? target : undefined;
  const running = useMemo(() => runningSteps(run), [run]);
  const chooser = (
    <>
      <Chooser run={run} target={target} runs={running.length} />
      {isPast ? <span className="dim">The log as it is now</span> : null}
    </>
  );
  const id = run.head.run;
  switch (target.kind) {
    case "merged":
      return (
        <RunningLogs
          key={id}
          project={project}
          run={id}
          steps={running}
          isLive={run.head.live && !isPast}
          chooser={chooser}
        />
      );
    case "attempt":
      return (
        <AttemptLog
          key={`${id}/${target.attempt}/${target.step.id}`}
          id={{ project, run: id, step: target.step.id, attempt: target.attempt }}
          isLive={!isPast && isWriting(run, target.step, target.attempt)}
          hasFailed={hasFailed(target.step, target.attempt)}
          chooser={chooser}
        />
      );
    case "unknown":
      return (
        <div className="page">
          <ProblemPanel title="There is no such step">
            <p>
              The run has no step <code>{target.step}</code>.
            </p>
            {chooser}
          </ProblemPanel>
        </div>
      );
    case "none":
      return (
        <div className="page">
          <p className="dim">No step has begun yet. Logs are shown here as steps write them.</p>
        </div>
      );
  }
}

/** `#L12-40`, as other tools write it, becomes a line of the address. */
function useLineOfHash(): void {
  const navigate = route.useNavigate();
  const hash = useLocation({ select: (location) => location.hash });
  useEffect(() => {
    const range = /^L/i.test(hash) ? lineRangeOf(hash) : undefined;
    if (range === undefined) return;
    void navigate({
      search: (before) => ({ ...before, line: lineRangeText(range) }),
      hash: "",
      replace: true,
      resetScroll: false,
    });
  }, [hash, navigate]);
}

const ALL = "\nall";

function Chooser({
  run,
  target,
  runs,
}: {
  readonly run: LiveRun;
  readonly target: ShownTarget;
  /** Steps that run now. */
  readonly runs: number;
}): ReactNode {
  const navigate = route.useNavigate();
  const step = target.kind === "attempt" ? target.step : undefined;
  const offered = useMemo(() => offeredSteps(run, MOST_OFFERED, step?.id), [run, step?.id]);
  const choose = (id: string): void =>
    void navigate({
      search: (before) => ({ ...before, step: id === ALL ? undefined : id, attempt: undefined, line: undefined }),
    });
  return (
    <span className="log-chooser">
      {step === undefined ? null : <Glyph name={step.status} label={step.status} />}
      <select
        aria-label="Step whose log is shown"
        value={step?.id ?? ALL}
        onChange={({ target: { value } }) => choose(value)}
      >
        {target.kind === "merged" || (run.head.live && runs > 0) ? (
          <option value={ALL}>All running steps</option>
        ) : step === undefined ? (
          <option value={ALL}>Choose a step</option>
        ) : null}
        {offered.steps.map(({ id, status }) => (
          <option key={id} value={id}>
            {id} · {status}
          </option>
        ))}
        {offered.more === 0 ? null : <option disabled>{countText(offered.more)} more: Ctrl K finds them</option>}
      </select>
      {step === undefined || step.attempts < 2 ? null : (
        <select
          aria-label="Attempt"
          value={target.kind === "attempt" ? target.attempt : ""}
          onChange={({ target: { value } }) =>
            void navigate({
              search: (before) => ({ ...before, step: step.id, attempt: Number(value), line: undefined }),
            })
          }
        >
          {Array.from({ length: step.attempts }, (_, at) => (
            <option key={at} value={at + 1}>
              Attempt {at + 1}
            </option>
          ))}
        </select>
      )}
    </span>
  );
}
