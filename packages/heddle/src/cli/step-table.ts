/** Step table: prints the steps of a run, one line each. */
import { STATUS_SYMBOL } from "../view/status.ts";
import { failureText } from "../view/failure-text.ts";
import { tookText } from "../view/times.ts";
import type { StepView } from "../view/run-view.ts";
import { safeLine } from "../base/safe-text.ts";
import { cutMiddle, pad, widthOf } from "./output-text.ts";
import type { Output } from "./output.ts";
import { statusStyle } from "./format.ts";
import { styledLine } from "./styled-line.ts";

/** Columns of a line besides the id and the reason. */
const FIXED = 28;
/** Columns that a long id leaves to the reason. */
const REASON = 24;

/** One line per step: symbol, id, time, attempts, and why where that says more than the status. On a terminal none is folded. */
export function* stepTable(out: Output, steps: readonly StepView[]): Generator<string, void, undefined> {
  const longest = Math.max(8, ...steps.slice(0, 5000).map((step) => widthOf(safeLine(step.id))));
  const columns = out.isTerminal ? out.columns : Number.POSITIVE_INFINITY;
  const most = out.isTerminal ? Math.max(40, Math.floor(columns / 3)) : 40;
  const width = Math.min(longest, most, Math.max(10, columns - FIXED - REASON));
  const style: Output["style"] = (name, text) => out.style(name, text);
  for (const step of steps) {
    const colour = statusStyle(step.status);
    const time = step.durationMs === null ? "" : tookText(step.durationMs);
    const attempts = step.attempts > 1 ? `attempt ${step.attempts}` : "";
    const rest = [attempts, reasonOf(step)].filter((part) => part !== "").join("  ");
    const id = safeLine(step.id);
    const line = styledLine({ columns, style }, [
      [STATUS_SYMBOL[step.status], colour],
      [` ${pad(out.isTerminal ? cutMiddle(id, width) : id, width)}  `, undefined],
      [pad(step.status, 14), colour],
      [` ${pad(time, 8)} `, undefined],
      [rest, "dim"],
    ]);
    yield line.text.trimEnd();
  }
}

function reasonOf({ status, error, why, waitsSince }: StepView): string {
  if (status === "succeeded" || (status === "running" && waitsSince === undefined)) return "";
  // In one line: what an error quotes is not for a table.
  return safeLine(error === undefined ? why : why.replace(error.message, () => failureText(error).line));
}
