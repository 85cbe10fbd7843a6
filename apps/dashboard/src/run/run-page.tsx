/** Run page: head, parts, and the step that is looked at. Everything that is chosen stands in the address. */
import { Suspense, useEffect, useRef, type ReactNode } from "react";
import { CatchBoundary, getRouteApi } from "@tanstack/react-router";
import type { LiveRun } from "heddle/view";
import { announce } from "../app/announce.tsx";
import { BrokenPart } from "../app/broken.tsx";
import { useKeys, type KeyBinding } from "../app/keys.ts";
import { lazyPart } from "../app/lazy-part.ts";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { useLiveRun } from "../store/live-run.ts";
import { useIsNarrow } from "../ui/narrow.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { useReplayedRun, type ReplayedRun } from "../replay/replayed-run.ts";
import { Button } from "../ui/button.tsx";
import { RunHead } from "./run-head.tsx";
import { RunTabs } from "./run-tabs.tsx";
import { PARTS, partOf } from "./run-parts.tsx";
import { useCloseStep } from "./close-step.ts";
import { ShownRunProvider, type ShownRun } from "./shown-run.tsx";
import { toldChanges } from "./told-changes.ts";
import "./run-page.css";

/** Under the drawing, which is there before it. */
const ReplayBar = lazyPart(async () => (await import("../replay/replay-bar.tsx")).ReplayBar);

/** With the end of the log in it: loaded with the first step that is looked at. */
const StepPanel = lazyPart(async () => (await import("../step-panel/step-panel.tsx")).StepPanel);

const route = getRouteApi("/p/$project/runs/$run");

export function RunPage(): ReactNode {
  const { project, run } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const followed = useLiveRun(project, run);
  const isNarrow = useIsNarrow();
  usePageTitle(followed.kind === "shown" ? `${followed.run.head.plan} · ${run}` : run);
  const replayed = useReplayedRun(project, run, search.seq);
  const told = useRef<LiveRun>(undefined);
  useEffect(() => {
    if (followed.kind !== "shown") return;
    const said = told.current === undefined ? undefined : toldChanges(told.current, followed.run);
    told.current = followed.run;
    if (said !== undefined) announce(said);
  }, [followed]);
  const show = (view: (typeof PARTS)[number]["view"]): void =>
    void navigate({ search: (before) => ({ ...before, view, line: undefined }) });
  const closeStep = useCloseStep();
  useKeys([
    ...PARTS.map(({ view, key, label }): KeyBinding => ({ key, what: label, run: () => show(view) })),
    {
      key: "Escape",
      what: "Close the step",
      isNamed: true,
      run: () => (search.step === undefined ? false : closeStep()),
    },
  ]);
  if (followed.kind === "loading")
    return (
      <main id="main" className="page">
        <Waiting what="the run" />
      </main>
    );
  if (followed.kind === "problem")
    return (
      <main id="main" className="page">
        <ProblemPanel title={`Run ${run} cannot be shown`} thrown={followed.problem} />
      </main>
    );
  const shown = shownIn(project, followed.run, replayed);
  if (shown === undefined)
    return (
      <main id="main" className="page">
        {replayed.kind === "problem" ? (
          <ProblemPanel title={`Run ${run} cannot be shown as it was at event ${search.seq}`} thrown={replayed.problem}>
            <Button onClick={() => void navigate({ search: (before) => ({ ...before, seq: undefined }) })}>
              Back to live
            </Button>
          </ProblemPanel>
        ) : (
          <Waiting what="the run as it was" />
        )}
      </main>
    );
  const part = partOf(search.view, isNarrow);
  // On a phone the step's sheet would lie on the very log that the step was chosen for.
  const coversLog = isNarrow && part.view === "logs";
  return (
    <ShownRunProvider shown={shown}>
      <RunHead />
      <RunTabs shown={part.view} />
      <main id="main" className="run-main" tabIndex={-1}>
        <div className="run-part">
          <CatchBoundary getResetKey={() => part.view} errorComponent={BrokenPart}>
            <Suspense fallback={<Waiting what={part.label} />}>
              <part.Part />
            </Suspense>
          </CatchBoundary>
        </div>
        {search.step === undefined || coversLog ? null : (
          <CatchBoundary getResetKey={() => search.step ?? ""} errorComponent={BrokenPart}>
            <Suspense fallback={null}>
              <StepPanel />
            </Suspense>
          </CatchBoundary>
        )}
      </main>
      {part.hasReplay === true || shown.seq !== undefined ? (
        <div className="run-replay">
          <Suspense>
            <ReplayBar />
          </Suspense>
        </div>
      ) : null}
      <StatusLine seq={shown.run.seq} keys={PARTS.map(({ key, label }) => [key, label.toLowerCase()] as const)} />
    </ShownRunProvider>
  );
}

/** The run as it is now, or as it was; `undefined`: that is not there yet. */
function shownIn(project: string, live: LiveRun, replayed: ReplayedRun): ShownRun | undefined {
  const last = live.seq;
  if (replayed.kind === "live") return { project, run: live, last };
  if (replayed.kind !== "shown") return undefined;
  const { run, problem } = replayed;
  return { project, run, seq: run.seq, time: run.time, problem, last: Math.max(last, run.seq) };
}
