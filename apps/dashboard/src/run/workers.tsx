/** Workers: how many steps of the run may be at work at once, and one more or less of them. What is asked for stands beside what is. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useKeys } from "../app/keys.ts";
import { useAction } from "../store/action.ts";
import { useHeddle } from "../store/heddle.tsx";
import { countText } from "../ui/format.ts";
import { Button } from "../ui/button.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import { useActing } from "./acting.ts";
import { useShownRun } from "./shown-run.tsx";

/** Presses within this time are one request. */
const TOGETHER_MS = 300;

export function Workers(): ReactNode {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const { unusable } = useActing();
  const { maxConcurrency } = run.head.progress;
  const [wanted, setWanted] = useState<number>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const action = useAction((workers: number) => client.project(project).runs.setConcurrency(run.head.run, workers));
  const { ask, state } = action;
  useEffect(() => {
    setWanted((before) => (before === maxConcurrency ? undefined : before));
  }, [maxConcurrency]);
  useEffect(() => {
    if (state.kind === "refused") setWanted(undefined);
  }, [state.kind]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (by: 1 | -1): void => {
    const next = (wanted ?? maxConcurrency) + by;
    if (unusable !== undefined || next < 1) return;
    setWanted(next === maxConcurrency ? undefined : next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => ask(next), TOGETHER_MS);
  };
  useKeys([
    { key: "+", what: "One worker more", run: () => change(1) },
    { key: "-", what: "One worker less", run: () => change(-1) },
  ]);
  const least = (wanted ?? maxConcurrency) <= 1 ? "One step at a time is the least" : undefined;
  return (
    <>
      <div className="workers" role="group" aria-label="Workers">
        <Button kind="quiet" aria-label="One worker less" unusable={unusable ?? least} onClick={() => change(-1)}>
          −
        </Button>
        <span className="workers-count" aria-live="polite">
          {countText(maxConcurrency)}
          {wanted === undefined ? null : (
            <>
              {" → "}
              {countText(wanted)} <span className="visually-hidden">asked for</span>
            </>
          )}{" "}
          {(wanted ?? maxConcurrency) === 1 ? "worker" : "workers"}
        </span>
        <Button kind="quiet" aria-label="One worker more" unusable={unusable} onClick={() => change(1)}>
          +
        </Button>
      </div>
      {state.kind === "refused" ? <InlineProblem thrown={state.thrown} /> : null}
    </>
  );
}
