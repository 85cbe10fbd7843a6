/** Workers: how many steps of the run may be at work at once, and one more or less of them. What is asked for stands beside what is. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useAction } from "../store/action.ts";
import { useHeddle } from "../store/heddle.tsx";
import { countText } from "../ui/format.ts";
import { Button } from "../ui/button.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import { useUnusable } from "./acting.ts";
import { useShownRun } from "./shown-run.tsx";

/** Presses within this time are one request. */
const TOGETHER_MS = 300;

export function Workers(): ReactNode {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const unusable = useUnusable();
  const { maxConcurrency } = run.head.progress;
  const [wanted, setWanted] = useState<number>();
  const asked = useRef<number>(undefined);
  const { ask, state, reset } = useAction((workers: number) =>
    client.project(project).runs.setConcurrency(run.head.run, workers),
  );
  // What was asked for last has come, or somebody else has asked for another number.
  useEffect(() => {
    setWanted((before) => (before === maxConcurrency || before === asked.current ? undefined : before));
  }, [maxConcurrency]);
  useEffect(() => {
    if (state.kind === "refused") setWanted(undefined);
  }, [state.kind]);
  // One number after the other can be asked for: what is shown of that is `wanted`.
  useEffect(() => {
    if (state.kind === "asked") reset();
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [state.kind]);
  const isAsking = state.kind === "asking";
  useEffect(() => {
    if (wanted === undefined) asked.current = undefined;
    if (wanted === undefined || wanted === asked.current || isAsking) return undefined;
    const timer = setTimeout(() => {
      asked.current = wanted;
      ask(wanted);
    }, TOGETHER_MS);
    return () => clearTimeout(timer);
  }, [wanted, isAsking]);
  const change = (by: 1 | -1): void => {
    const next = (wanted ?? maxConcurrency) + by;
    if (unusable === undefined && next >= 1)
      setWanted(next === maxConcurrency && asked.current === undefined ? undefined : next);
  };
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
