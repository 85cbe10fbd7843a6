/** Step table: prints the steps of a run, one line each. */
import { STATUS_SYMBOL } from "../view/status.ts";
import { tookText } from "../view/times.ts";
import type { StepView } from "../view/run-view.ts";
import { safeLine } from "../base/safe-text.ts";
import { cut, pad, widthOf } from "./output-text.ts";
import type { Output } from "./output.ts";
import { statusStyle } from "./format.ts";

/** One line per step: symbol, id, time, attempts, and why where that says more than the status. */
export function* stepTable(out: Output, steps: readonly StepView[]): Generator<string, void, undefined> {
  const width = Math.min(40, Math.max(8, ...steps.slice(0, 5000).map((step) => widthOf(safeLine(step.id)))));
  for (const step of steps) {
    const style = statusStyle(step.status);
    const time = step.durationMs === null ? "" : tookText(step.durationMs);
    const attempts = step.attempts > 1 ? `attempt ${step.attempts}` : "";
    const why = saysMore(step) ? safeLine(step.why) : "";
    const head = `${out.style(style, STATUS_SYMBOL[step.status])} ${pad(safeLine(step.id), width)}  ${out.style(style, pad(step.status, 14))} ${pad(time, 8)}`;
    const room = Math.max(20, out.columns - width - 30);
    const rest = [attempts, why].filter((part) => part !== "").join("  ");
    yield `${head} ${out.style("dim", out.isTerminal ? cut(rest, room) : rest)}`.trimEnd();
  }
}

function saysMore({ status }: StepView): boolean {
  return status !== "succeeded" && status !== "running";
}
