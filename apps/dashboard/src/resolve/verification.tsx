/** What became of a resolution: it is verified on the merged commit, with what that prints, and then the branch moves, or not. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { LiveRun, LiveStep } from "heddle/view";
import { useHeddle } from "../store/heddle.tsx";
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
      <LogEnd project={project} run={id} step={step} />
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

const MOST_LINES = 200;

/** The last lines of the latest attempt's log, as they come. */
function LogEnd({
  project,
  run,
  step,
}: {
  readonly project: string;
  readonly run: string;
  readonly step: LiveStep;
}): ReactNode {
  const { live } = useHeddle();
  const [lines, setLines] = useState<readonly string[]>([]);
  const end = useRef<HTMLPreElement>(null);
  const { id, attempts } = step;
  useEffect(() => {
    if (attempts === 0) return undefined;
    let all: readonly string[] = [""];
    const decoder = new TextDecoder();
    return live.log(
      { project, run, step: id, attempt: attempts },
      {
        onBytes: (bytes) => {
          const [first = "", ...more] = decoder.decode(bytes, { stream: true }).split("\n");
          all = [...all.slice(0, -1), `${all.at(-1) ?? ""}${first}`, ...more].slice(-MOST_LINES - 1);
          setLines(all.at(-1) === "" ? all.slice(0, -1) : all);
        },
        onSkipped: () => (all = ["…", ""]),
        onReset: () => (all = [""]),
        onEnd: () => undefined,
        // It has written nothing.
        onProblem: () => undefined,
      },
    );
  }, [live, project, run, id, attempts]);
  useEffect(() => {
    if (end.current !== null) end.current.scrollTop = end.current.scrollHeight;
  }, [lines]);
  if (lines.length === 0) return null;
  return (
    <pre ref={end} className="verification-log" tabIndex={0} role="region" aria-label="What it prints">
      {lines.map((text, at) => (
        <div key={at}>
          {/* Colours of terminals say nothing here. */}
          <CodeText text={text.replaceAll(ESCAPES, "")} />
        </div>
      ))}
    </pre>
  );
}

// oxlint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)/g;
