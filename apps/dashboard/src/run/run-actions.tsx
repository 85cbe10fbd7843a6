/** Actions on the run as a whole: workers, pause, cancel; of one that nobody works on: resume, retry. */
import { useState, type ReactNode } from "react";
import { useAction } from "../store/action.ts";
import { useHeddle } from "../store/heddle.tsx";
import { ActionButton, ActionProblems } from "../ui/action-button.tsx";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { countOf } from "../ui/format.ts";
import { useUnusable } from "./acting.ts";
import { useShownRun } from "./shown-run.tsx";
import { Workers } from "./workers.tsx";
import "./run-actions.css";

export function RunActions(): ReactNode {
  const { head } = useShownRun().run;
  const isOver = head.endedAt !== null;
  return (
    <div className="run-actions" role="group" aria-label="Actions on the run">
      {head.live && !isOver ? <AtWork /> : <AtRest isOver={isOver} />}
    </div>
  );
}

/** Of a run that a process works on. */
function AtWork(): ReactNode {
  const { project, run } = useShownRun();
  const { head } = run;
  const { client } = useHeddle();
  const unusable = useUnusable();
  const { runs } = client.project(project);
  const isPaused = head.status === "paused";
  // Idle again when the run says what came of it, and not at any event.
  const pause = useAction(() => (isPaused ? runs.unpause(head.run) : runs.pause(head.run)), Number(isPaused));
  return (
    <>
      <Workers />
      <ActionButton action={pause} asked={isPaused ? "Asked to go on" : "Asked to pause"} unusable={unusable}>
        {isPaused ? "Go on" : "Pause"}
      </ActionButton>
      <Cancel />
      <ActionProblems actions={[pause]} />
    </>
  );
}

/** Asks before, with what it ends. */
function Cancel(): ReactNode {
  const { project, run } = useShownRun();
  const { head } = run;
  const { client } = useHeddle();
  const unusable = useUnusable();
  const [isOpen, setOpen] = useState(false);
  const cancel = useAction(() => client.project(project).runs.cancel(head.run), Number(head.endedAt !== null));
  const isAsked = cancel.state.kind === "asking" || cancel.state.kind === "asked";
  const { running } = head.byStatus;
  return (
    <>
      <Button kind="danger" unusable={unusable} aria-busy={isAsked || undefined} onClick={() => setOpen(true)}>
        {isAsked ? "Asked to cancel" : "Cancel"}
      </Button>
      <Dialog
        title={`Cancel run ${head.run}?`}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        actions={
          <>
            <Button onClick={() => setOpen(false)}>Let it run</Button>
            <Button
              kind="danger"
              onClick={() => {
                setOpen(false);
                cancel.ask();
              }}
            >
              {running === 0 ? "Cancel the run" : `Cancel and end ${countOf(running, "step")}`}
            </Button>
          </>
        }
      >
        <p>
          {running === 0
            ? `No step of ${head.plan} is running.`
            : `${countOf(running, "step")} of ${head.plan} ${running === 1 ? "is" : "are"} running, and ${running === 1 ? "is" : "are"} ended with ${running === 1 ? "its" : "their"} grace period.`}{" "}
          What has succeeded is kept, and the run can be resumed.
        </p>
      </Dialog>
      <ActionProblems actions={[cancel]} />
    </>
  );
}

/** Of a run that nobody works on: it has ended, waits, or its process died. */
function AtRest({ isOver }: { readonly isOver: boolean }): ReactNode {
  const { project, run } = useShownRun();
  const { head, seq } = run;
  const { client } = useHeddle();
  const unusable = useUnusable();
  const { runs } = client.project(project);
  const resume = useAction(() => runs.resume(head.run), seq);
  const retry = useAction(() => runs.retry(head.run), seq);
  const again = head.byStatus.failed + head.byStatus.cancelled;
  const isDone = head.status === "succeeded";
  return (
    <>
      {isOver && again > 0 && !isDone ? (
        <ActionButton action={retry} asked="Asked to retry" kind="primary" unusable={unusable}>
          Retry {countOf(again, "step")}
        </ActionButton>
      ) : null}
      {isDone || (isOver && again > 0) ? null : (
        <ActionButton action={resume} asked="Asked to resume" kind="primary" unusable={unusable}>
          Resume
        </ActionButton>
      )}
      {isOver ? null : <Cancel />}
      <ActionProblems actions={[resume, retry]} />
    </>
  );
}
