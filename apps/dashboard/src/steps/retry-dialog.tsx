/** Retry dialog: asks before steps of a run that has ended run again, with how many do. */
import { useState, type ReactNode } from "react";
import { useUnusable } from "../run/acting.ts";
import { useRunGraph } from "../run/run-graph.ts";
import { useShownRun } from "../run/shown-run.tsx";
import { useAction } from "../store/action.ts";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { Dialog, useHeldOpen } from "../ui/dialog.tsx";
import { countOf } from "../ui/format.ts";
import { InlineProblem } from "../ui/problem.tsx";
import { retryReach } from "./retry-reach.ts";
import "./retry-dialog.css";

/** Names in one sentence. */
const MOST_NAMED = 5;

/** Why no step of the run can be run again now; `undefined`: it can. */
export function useRetryReason(): string | undefined {
  const unusable = useUnusable();
  const { head } = useShownRun().run;
  const isAtWork = head.live && head.endedAt === null;
  return unusable ?? (isAtWork ? "The run is at work: its steps can run again when it has ended" : undefined);
}

export interface RetryDialogProps {
  /** Ids; empty: it is closed. */
  readonly steps: readonly string[];
  readonly onClose: () => void;
  /** They run again. */
  readonly onDone?: (() => void) | undefined;
}

export function RetryDialog({ steps, onClose, onDone }: RetryDialogProps): ReactNode {
  const isOpen = steps.length > 0;
  const [title = ""] = steps;
  return (
    <Dialog
      title={steps.length === 1 ? `Run ${title} again?` : `Run ${countOf(steps.length, "step")} again?`}
      isOpen={isOpen}
      onClose={onClose}
    >
      {isOpen ? <Choice steps={steps} onClose={onClose} onDone={onDone} /> : null}
    </Dialog>
  );
}

function Choice({ steps, onClose, onDone }: RetryDialogProps): ReactNode {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const unusable = useRetryReason();
  const [isWhole, setWhole] = useState(true);
  const id = run.head.run;
  const { data: graph } = useRunGraph();
  const retry = useAction(async () => {
    await client.project(project).runs.retry(id, { steps, downstream: isWhole });
    onDone?.();
    onClose();
  });
  const reach = graph === undefined ? undefined : retryReach(run, graph, steps);
  const isAsking = retry.state.kind === "asking";
  useHeldOpen(isAsking);
  return (
    <form
      className="retry-choice"
      onSubmit={(event) => {
        event.preventDefault();
        if (unusable === undefined) retry.ask();
      }}
    >
      {steps.length === 1 ? null : <p className="mono">{namesText(steps)}</p>}
      <label className="retry-whole">
        <input type="checkbox" checked={isWhole} onChange={(event) => setWhole(event.target.checked)} />
        <span>
          With what depends on {steps.length === 1 ? "it" : "them"}
          {reach === undefined ? null : (
            <span className="dim">: {countOf(reach.behind, "step")} that had ended well</span>
          )}
        </span>
      </label>
      {reach === undefined || reach.undone === 0 ? null : (
        <p className="dim">
          {countOf(reach.undone, "other step")} that did not succeed {reach.undone === 1 ? "runs" : "run"} again as
          well: a run goes on as a whole.
        </p>
      )}
      {retry.state.kind === "refused" ? <InlineProblem thrown={retry.state.thrown} /> : null}
      <div className="retry-buttons">
        <Button unusable={isAsking ? "It is asked for already" : undefined} onClick={onClose}>
          Leave it
        </Button>
        <Button kind="primary" type="submit" unusable={unusable} aria-busy={isAsking || undefined}>
          {isAsking ? "Asked to run again" : "Run again"}
        </Button>
      </div>
    </form>
  );
}

function namesText(steps: readonly string[]): string {
  const more = steps.length - MOST_NAMED;
  return `${steps.slice(0, MOST_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
