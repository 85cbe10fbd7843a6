/** Log tail: the last lines of an attempt's log, as they are written. */
import { useEffect, useState, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { ApiProblem } from "heddle/client";
import { useHeddle } from "../store/heddle.tsx";
import { countText } from "../ui/format.ts";
import { InlineProblem } from "../ui/problem.tsx";
import { logEndWith, plainLine, type LogEnd } from "./log-text.ts";

const LINES = 14;

export interface LogTailProps {
  readonly project: string;
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  /** It is being written. */
  readonly isOpen: boolean;
}

export function LogTail(props: LogTailProps): ReactNode {
  const { step, attempt } = props;
  const shown = useLogEnd(props);
  return (
    <section className="panel-part" aria-label="Last lines of the log">
      <div className="panel-part-head">
        <h3>Log, last lines</h3>
        <Link
          className="link"
          from="/p/$project/runs/$run"
          search={(before) => ({ ...before, view: "logs" as const, step, attempt, line: undefined })}
        >
          Whole log
        </Link>
      </div>
      {shown.kind === "problem" ? <InlineProblem thrown={shown.thrown} /> : null}
      {shown.kind === "none" || (shown.kind === "lines" && shown.end.lines.length === 0) ? (
        <p className="dim">Nothing was written.</p>
      ) : null}
      {shown.kind === "lines" && shown.end.lines.length > 0 ? (
        <div className="log-tail" tabIndex={0} role="region" aria-label="Lines">
          {shown.end.lines.map((line, at) => (
            <div key={shown.end.from + at} className="log-tail-line">
              <span className="log-tail-number" aria-hidden="true">
                {countText(shown.end.from + at)}
              </span>
              <span>{plainLine(line) || " "}</span>
            </div>
          ))}
        </div>
      ) : null}
    </section>
  );
}

type Shown =
  | { readonly kind: "loading" | "none" }
  | { readonly kind: "lines"; readonly end: LogEnd }
  | { readonly kind: "problem"; readonly thrown: unknown };

function useLogEnd({ project, run, step, attempt, isOpen }: LogTailProps): Shown {
  const { client, live } = useHeddle();
  const [shown, setShown] = useState<Shown>({ kind: "loading" });
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    let close: (() => void) | undefined;
    const decoder = new TextDecoder();
    const follow = (after: number): void => {
      close = live.log(
        { project, run, step, attempt, after },
        {
          onBytes: (bytes) => {
            const text = decoder.decode(bytes, { stream: true });
            setShown((before) =>
              before.kind === "lines" ? { kind: "lines", end: logEndWith(before.end, text, LINES) } : before,
            );
          },
          onSkipped: () => restart(),
          onReset: () => restart(),
          onEnd: () => undefined,
          onProblem: () => undefined,
        },
      );
    };
    const restart = (): void => {
      close?.();
      close = undefined;
      void load();
    };
    const load = async (): Promise<void> => {
      try {
        const page = await client.project(project).logs.lines(run, step, attempt, { tail: LINES, quick: true, signal });
        if (signal.aborted) return;
        const { from, lines, end } = page;
        setShown({ kind: "lines", end: { from, lines, isOpen: page.isOpen === true } });
        if (isOpen) follow(end);
      } catch (thrown) {
        if (signal.aborted) return;
        if (!(thrown instanceof ApiProblem && thrown.code === "no-log")) return setShown({ kind: "problem", thrown });
        setShown(isOpen ? { kind: "lines", end: { from: 1, lines: [], isOpen: false } } : { kind: "none" });
        if (isOpen) follow(0);
      }
    };
    void load();
    return () => {
      leaving.abort();
      close?.();
    };
  }, [client, live, project, run, step, attempt, isOpen]);
  return shown;
}
