/** Attempts of the step, the newest first: how each ended, how long it waited and ran, and what it cost. One is chosen: its log is shown. */
import type { ReactNode } from "react";
import { useShownNow } from "../run/shown-run.tsx";
import { Link } from "@tanstack/react-router";
import type { StepAttempt } from "heddle/client";
import { costText, durationText, runningText } from "../ui/format.ts";
import { Status } from "../ui/glyph.tsx";

const WORDS = {
  attempt: "",
  container: "",
  approval: "question",
  wait: "wait",
  undo: "undo",
} as const;

export interface AttemptsProps {
  readonly attempts: readonly StepAttempt[];
  readonly chosen: number;
  /** A process works on the run. */
  readonly live: boolean;
}

export function Attempts({ attempts, chosen, live }: AttemptsProps): ReactNode {
  const now = useShownNow();
  if (attempts.length === 0) return null;
  const hasCost = attempts.some(({ cost }) => cost !== undefined);
  return (
    <section className="panel-part" aria-label="Attempts">
      <h3>Attempts</h3>
      <table className="attempts">
        <thead>
          <tr>
            <th className="num">
              <span className="visually-hidden">Number</span>
            </th>
            <th>Ended</th>
            <th className="num">Queued</th>
            <th className="num">Ran</th>
            {hasCost ? <th className="num">Cost</th> : null}
          </tr>
        </thead>
        <tbody>
          {attempts.toReversed().map((one, at, all) => (
            <tr key={at} className={isChosen(one, chosen) ? "chosen" : ""}>
              <td>
                {one.kind !== "attempt" ? (
                  one.attempt
                ) : (
                  <Link
                    from="/p/$project/runs/$run"
                    search={(before) => ({ ...before, attempt: one.attempt, line: undefined })}
                    aria-current={isChosen(one, chosen) ? "true" : undefined}
                    aria-label={`Attempt ${one.attempt}`}
                  >
                    {one.attempt}
                  </Link>
                )}
              </td>
              <td>
                <AttemptStatus attempt={one} next={all[at - 1]} live={live} />
                {one.note === undefined ? null : <div className="attempts-note dim">{one.note}</div>}
              </td>
              <td className="num dim">
                {one.queuedMs === null || one.queuedMs < 50 ? "" : durationText(one.queuedMs)}
              </td>
              <td className="num">{ranText(one, live, now)}</td>
              {hasCost ? <td className="num">{one.cost === undefined ? "" : costText(one.cost)}</td> : null}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function isChosen({ attempt, kind }: StepAttempt, chosen: number): boolean {
  return attempt === chosen && kind === "attempt";
}

interface AttemptStatusProps {
  readonly attempt: StepAttempt;
  /** What came after it; absent: nothing did. */
  readonly next: StepAttempt | undefined;
  readonly live: boolean;
}

function AttemptStatus({ attempt: { attempt, kind, status }, next, live }: AttemptStatusProps): ReactNode {
  // It ended with a question about its work, or of its agent.
  if (kind === "attempt" && next?.kind === "approval" && next.attempt === attempt)
    return <Status name={status === "failed" ? "needs-resolution" : "needs-approval"} text="ended with a question" />;
  if (status !== "running") return <Status name={status} text={worded(kind, status)} />;
  if (kind === "approval") return <Status name="needs-approval" text="question: asked" />;
  return live ? <Status name="running" text={worded(kind, status)} /> : <Status name="interrupted" />;
}

function worded(kind: StepAttempt["kind"], word: string): string {
  return WORDS[kind] === "" ? word : `${WORDS[kind]}: ${word}`;
}

function ranText({ durationMs, startedAt, endedAt, status }: StepAttempt, live: boolean, now: number): string {
  if (durationMs !== null) return durationText(durationMs);
  if (endedAt !== null) return durationText(endedAt - startedAt);
  return status === "running" && live ? runningText(now - startedAt) : "";
}
