/**
 * Job summary: a run as Markdown, for the page that CI shows of a job. Pure. Text of others is data: outside of letters and digits each
 * character is a reference, so that nothing in it is markup or a link.
 */
import type { RunView, StepView } from "./run-view.ts";
import { failureText } from "./failure-text.ts";
import { STATUS_SYMBOL } from "./status.ts";
import { tookText } from "./times.ts";

/** Of the table, and of the output below it, in characters: GitHub takes 1 MiB of a job's step, and nothing where it is more. */
const ROOM = 150_000;
const MOST_ROWS = 500;
const MOST_CHARACTERS = 300;
const MOST_FAILURES = 20;
const MOST_LINES = 20;

/** `outputOf`: the end of what an attempt printed, line by line. */
export function* jobSummary(
  view: RunView,
  outputOf: (step: string, attempt: number) => readonly string[],
): Generator<string, void, undefined> {
  const { plan, run, status, steps, parallelMs } = view;
  yield `### heddle: ${textOf(plan)} ${status}`;
  yield "";
  yield `Run \`${run}\`, ${steps.length} steps in ${tookText(parallelMs)}.`;
  yield "";
  yield "| | step | status | time | attempts | why |";
  yield "|---|---|---|---:|---:|---|";
  // Where not all have room, those that went well have none.
  const isBad = ({ status: of }: StepView): boolean => of !== "succeeded" && of !== "cached" && of !== "skipped";
  const shown = steps.length <= MOST_ROWS ? steps : [...steps.filter(isBad), ...steps.filter((step) => !isBad(step))];
  let rows = 0;
  for (let room = ROOM; rows < Math.min(MOST_ROWS, shown.length); rows++) {
    const text = row(shown[rows] as StepView);
    room -= text.length;
    if (room < 0) break;
    yield text;
  }
  yield "";
  if (rows < steps.length) yield `… and ${steps.length - rows} more steps.\n`;
  let room = ROOM;
  for (const { id, error, attempts } of steps.filter((step) => step.status === "failed").slice(0, MOST_FAILURES)) {
    const { quoted } = failureText(error ?? { message: "" });
    const lines = (quoted.length > 0 || attempts === 0 ? quoted : outputOf(id, attempts)).slice(-MOST_LINES);
    if (lines.length === 0) continue;
    // No blank line ends a `pre`, and no Markdown is read in it.
    const pre = `<pre>${lines.map(textOf).join("\n")}</pre>`;
    room -= pre.length;
    if (room < 0) return;
    yield `<details><summary>${textOf(id)}: the end of its output</summary>`;
    yield "";
    yield pre;
    yield "";
    yield "</details>\n";
  }
}

function row({ id, status, durationMs, attempts, error, why }: StepView): string {
  const reason = error === undefined ? why : failureText(error).line;
  const took = durationMs === null ? "" : tookText(durationMs);
  const told = status === "succeeded" ? "" : textOf(reason);
  return `| ${STATUS_SYMBOL[status]} | ${textOf(id)} | ${status} | ${took} | ${attempts} | ${told} |`;
}

function textOf(text: string): string {
  const characters = Array.from(text);
  const cut = characters.length > MOST_CHARACTERS ? [...characters.slice(0, MOST_CHARACTERS), "…"] : characters;
  return cut
    .map((character) => {
      if (/^[\p{L}\p{N} …-]$/u.test(character)) return character;
      if (/^[\p{C}\p{Zl}\p{Zp}]$/u.test(character)) return "\u{fffd}";
      return `&#${character.codePointAt(0) ?? 0xfffd};`;
    })
    .join("");
}
