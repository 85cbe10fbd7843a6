/** What became of a resolution: it is verified on the merged commit, with what that prints, and then the branch moves, or not. */
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { LiveRun, LiveStep } from "heddle/view";
import { LastLines } from "../logs/last-lines.tsx";
import { CodeText } from "../ui/code-text.tsx";
import { Status } from "../ui/glyph.tsx";

export interface VerificationProps {
  readonly project: string;
  readonly run: LiveRun;
  readonly step: LiveStep;
}

export function Verification({ project, run, step }: VerificationProps): ReactNode {
  const { run: id } = run.head;
  const params = { project, run: id };
  return (
    <section className="panel verification" aria-label="Verification">
      <h2>{titleOf(step)}</h2>
      <p className="dim">{aboutOf(step, id)}</p>
      {step.note === null || step.status === "succeeded" ? null : (
        <p>
          <CodeText text={step.note} />
        </p>
      )}
      <p>
        <Status name={step.status} />
      </p>
      {step.attempts === 0 ? null : (
        <LastLines
          id={{ project, run: id, step: step.id, attempt: step.attempts }}
          isLive={step.status === "running"}
          count={LINES}
        />
      )}
      <p className="verification-links">
        <Link className="link" to="/p/$project/runs/$run" params={params} search={{ view: "changes", of: step.id }}>
          Changes
        </Link>
        <Link className="link" to="/p/$project/runs/$run" params={params} search={{ step: step.id }}>
          The run
        </Link>
      </p>
    </section>
  );
}

/** Of the end of the log. */
const LINES = 40;

function titleOf({ id, status }: LiveStep): string {
  switch (status) {
    case "succeeded":
      return `${id} is merged`;
    case "running":
      return `${id} is verified on the merged commit`;
    default:
      return `${id} has no conflict that waits for you`;
  }
}

function aboutOf({ status }: LiveStep, run: string): string {
  switch (status) {
    case "succeeded":
      return `What the plan verifies passed on the merged commit, and heddle/${run}/integration moved to it.`;
    case "running":
      return "The branch moves only if that passes. If it does not, you are asked again, with the reason.";
    case "waiting":
    case "retrying":
    case "interrupted":
      return "It was answered, and goes on when the run does.";
    default:
      return "The run says what became of it.";
  }
}
