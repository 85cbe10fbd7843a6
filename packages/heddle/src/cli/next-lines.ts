/** Next-command lines: what to type next for a recorded run, the same in `heddle` and `heddle show`. */
import type { RunView, StepView } from "../view/run-view.ts";
import { safeLine } from "../base/safe-text.ts";

/** Steps of one kind that are named. */
const MOST_STEPS = 10;

/** `live`: a process holds the run now. What a person can no longer answer in time is not named. */
export function* nextLines(
  view: RunView,
  { live, now }: { readonly live: boolean; readonly now: number },
): Generator<string, void, undefined> {
  const { run, status, steps } = view;
  if (status === "paused") yield `Continue: heddle unpause ${run}`;
  if (status === "failed" || status === "cancelled" || status === "interrupted") yield `Continue: heddle resume ${run}`;
  const inTime = steps.filter(({ until }) => until === undefined || until > now);
  const asking = inTime.filter(({ status: of }) => of === "needs-approval" || of === "needs-resolution");
  for (const step of asking.slice(0, MOST_STEPS)) yield answerLine(run, step);
  const listening = inTime.flatMap(({ signal }) => signal ?? []);
  for (const signal of listening.slice(0, MOST_STEPS)) yield `Send: heddle signal ${run} ${safeLine(signal)}`;
  if (status === "waiting" && !live)
    yield `${asking.length + listening.length > 0 ? "Then continue" : "Continue"}: heddle resume ${run}`;
  const logged = steps.filter((step) => step.status === "failed" && step.log !== null);
  for (const { id } of logged.slice(0, MOST_STEPS)) yield `Log: heddle logs ${run} ${safeLine(id)}`;
}

function answerLine(run: string, { id, status, about }: StepView): string {
  if (status === "needs-resolution") return `Resolve: heddle resolve ${run} ${safeLine(id)}`;
  return `Answer: ${approveWords(run, id, about === "question")}`;
}

/** An agent's question wants words as its answer. */
export function approveWords(run: string, step: string, wantsWords: boolean): string {
  return `heddle approve ${run} ${safeLine(step)}${wantsWords ? ' --comment "..."' : ""}`;
}
