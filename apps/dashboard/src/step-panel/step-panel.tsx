/** Step panel: the step that the address names, beside whatever part of the run is shown; on a phone a sheet above it. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { getRouteApi } from "@tanstack/react-router";
import type { StepDetail, StepDocument } from "heddle/client";
import type { LiveStep, StepStatus, StepView } from "heddle/view";
import { useKeys } from "../app/keys.ts";
import { usePreferences } from "../app/preferences.ts";
import { useCloseStep } from "../run/close-step.ts";
import { useShownNow, useShownRun } from "../run/shown-run.tsx";
import { RetryDialog, useRetryReason } from "../steps/retry-dialog.tsx";
import { reasonWords } from "../steps/reason-text.ts";
import { Button } from "../ui/button.tsx";
import { Cross } from "../ui/cross.tsx";
import { countText } from "../ui/format.ts";
import { Status } from "../ui/glyph.tsx";
import { useIsNarrow } from "../ui/narrow.ts";
import { InlineProblem } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { Attempts } from "./attempts.tsx";
import { AwaitedSignal } from "./awaited-signal.tsx";
import { LogTail } from "./log-tail.tsx";
import { NeedsYou } from "./needs-you.tsx";
import { PanelResizer } from "./panel-resizer.tsx";
import { panelWidth } from "./panel-width.ts";
import { StepError, StepFacts } from "./step-facts.tsx";
import { StepLinks } from "./step-link.tsx";
import { useStep } from "./use-step.ts";
import "./step-panel.css";

const route = getRouteApi("/p/$project/runs/$run");

/** Steps named in a sentence. */
const MOST_NAMED = 3;

/** Nothing where the address names no step. */
export function StepPanel(): ReactNode {
  const { step } = route.useSearch();
  return step === undefined ? null : <Panel id={step} />;
}

function Panel({ id }: { readonly id: string }): ReactNode {
  const { panelWidth: wanted } = usePreferences();
  const isNarrow = useIsNarrow();
  const width = panelWidth(wanted, innerWidth);
  const panel = useRef<HTMLElement>(null);
  const before = useRef(id);
  const isWithin = panel.current?.contains(document.activeElement) === true;
  const cameFrom = before.current !== id && isWithin ? before.current : undefined;
  useEffect(() => void (before.current = id), [id]);
  return (
    <aside ref={panel} className="step-panel" aria-label={`Step ${id}`} style={isNarrow ? {} : { width }}>
      {isNarrow ? null : <PanelResizer width={width} />}
      <Content key={id} id={id} isNarrow={isNarrow} cameFrom={cameFrom} />
    </aside>
  );
}

function Content({
  id,
  isNarrow,
  cameFrom,
}: {
  readonly id: string;
  readonly isNarrow: boolean;
  /** The step that was shown here before, where the focus was in it. */
  readonly cameFrom: string | undefined;
}): ReactNode {
  const { row, document, error } = useStep(id);
  const heading = useRef<HTMLHeadingElement>(null);
  // A sheet covers what was looked at: who opens it is in it. So is who came from another step by a link, which is gone.
  const [isEntered] = useState(cameFrom !== undefined);
  useEffect(() => (isNarrow || isEntered ? heading.current?.focus() : undefined), [isNarrow, isEntered]);
  const close = useCloseStep();
  return (
    <div className="step-panel-content">
      <div className="step-panel-head">
        <h2 ref={heading} tabIndex={-1} title={id}>
          {id}
        </h2>
        <Button kind="quiet" aria-label="Close the step" onClick={close}>
          <Cross />
        </Button>
        {row === undefined ? null : (
          <div className="step-panel-about">
            <Status name={row.status} />
            <span className="dim">{aboutText(row, document?.detail)}</span>
            <Retry id={id} row={row} />
          </div>
        )}
      </div>
      {row === undefined ? <p className="panel-part">The run has no step of this name.</p> : null}
      {error === null ? null : (
        <div className="panel-part">
          <InlineProblem thrown={error} />
        </div>
      )}
      {document === undefined && row !== undefined && error === null ? <Waiting what="the step" /> : null}
      {document === undefined || row === undefined ? null : <Body row={row} document={document} />}
    </div>
  );
}

function Body({ row, document }: { readonly row: LiveStep; readonly document: StepDocument }): ReactNode {
  const { project, run, seq } = useShownRun();
  const { attempt } = route.useSearch();
  const { step, detail } = document;
  const { head } = run;
  const [refused, setRefused] = useState<unknown>();
  const chosen = Math.min(attempt ?? row.attempts, row.attempts);
  const isWritten = chosen === row.attempts && row.status === "running" && head.live && seq === undefined;
  return (
    <>
      <NeedsYou step={step} seen={{ run: head.run, seq: document.seq }} onRefused={setRefused} />
      {refused === undefined ? null : (
        <div className="panel-part">
          <InlineProblem thrown={refused} />
        </div>
      )}
      <AwaitedSignal step={step} />
      <HoldsUp detail={detail} />
      <Reasons step={step} />
      <StepError step={step} />
      <Attempts attempts={detail.attempts} chosen={chosen} live={head.live} />
      {step.log === null || chosen === 0 ? null : (
        <LogTail project={project} run={head.run} step={row.id} attempt={chosen} isOpen={isWritten} />
      )}
      <StepFacts document={document} />
    </>
  );
}

const AGAIN: ReadonlySet<StepStatus> = new Set<StepStatus>([
  "succeeded",
  "cached",
  "skipped",
  "failed",
  "cancelled",
  "interrupted",
]);

/** The step run again, in a run that has ended. */
function Retry({ id, row }: { readonly id: string; readonly row: LiveStep }): ReactNode {
  const unusable = useRetryReason();
  const [isAsked, setAsked] = useState(false);
  const hasEnded = AGAIN.has(row.status);
  const ask = (): void | false => (unusable === undefined && hasEnded ? setAsked(true) : false);
  useKeys([{ key: "r", what: `Run ${id} again`, isAction: true, run: ask }]);
  if (!hasEnded) return null;
  return (
    <>
      <Button unusable={unusable} onClick={ask}>
        Run again <kbd>r</kbd>
      </Button>
      <RetryDialog steps={isAsked ? [id] : []} onClose={() => setAsked(false)} />
    </>
  );
}

function aboutText({ layer, attempts }: LiveStep, detail: StepDetail | undefined): string {
  const last = detail?.attempts.findLast(({ kind }) => kind === "attempt");
  const agent = last?.agent === undefined ? "agent" : `agent ${last.agent}`;
  const said = [
    detail === undefined ? undefined : detail.kind === "agent" ? agent : KIND_WORDS[detail.kind],
    last?.model,
    detail?.isForEach === true ? "for each item" : undefined,
    detail?.group === undefined ? undefined : `group ${detail.group}`,
    `layer ${countText(layer)}`,
    attempts > 1 ? `attempt ${countText(attempts)}` : undefined,
  ];
  return said.filter((one) => one !== undefined).join(" · ");
}

const KIND_WORDS = {
  run: "command",
  call: "function",
  function: "function",
  agent: "agent",
  approve: "approval",
  sleep: "sleep",
  signal: "signal",
  plan: "plan",
} as const;

function HoldsUp({ detail }: { readonly detail: StepDetail }): ReactNode {
  const { holdsUp, behind, onCriticalPath } = detail;
  if (holdsUp === 0) return null;
  const named = behind.slice(0, MOST_NAMED);
  return (
    <section className="panel-part" aria-label="Holds up">
      <h3>Holds up</h3>
      <p>
        <StepLinks ids={named} more={holdsUp - named.length} />.
        {onCriticalPath ? " On the critical path: each minute here is a minute of the run." : null}
      </p>
    </section>
  );
}

/** Why it does not go on. What a person is asked stands above. */
function Reasons({ step }: { readonly step: StepView }): ReactNode {
  const now = useShownNow();
  const reasons = step.reasons.filter(({ kind }) => kind !== "person");
  if (reasons.length === 0) return null;
  return (
    <section className="panel-part" aria-label="Why it does not go on">
      <h3>Why it does not go on</h3>
      <ul className="panel-list">
        {reasons.map((reason, at) => {
          const { steps = [], have = 0, want = 0, kind } = reason;
          const more = kind === "deps" ? Math.max(0, want - have - steps.length) : 0;
          return (
            <li key={at}>
              {kind === "deps" && steps.length > 0 ? "waits for" : reasonWords(reason, now)}{" "}
              {steps.length === 0 ? null : <StepLinks ids={steps} more={more} />}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
