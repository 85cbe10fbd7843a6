/** Job summary writer: adds a run's summary to the page of its job in GitHub Actions. A page that cannot be written is no failure of the run. */
import { appendFile } from "node:fs/promises";
import { messageOf } from "../base/errors.ts";
import { safeLine } from "../base/safe-text.ts";
import { lastLines } from "../project/log-lines.ts";
import { jobSummary } from "../view/job-summary.ts";
import { runView, type RunViewInput } from "../view/run-view.ts";
import type { Context } from "./context.ts";

/** Of a step's output. */
const LINES_READ = 20;

export async function writeJobSummary({ env, out }: Pick<Context, "env" | "out">, input: RunViewInput): Promise<void> {
  const file = env["GITHUB_STEP_SUMMARY"];
  if (file === undefined || file === "") return;
  const outputOf = (step: string, attempt: number): readonly string[] =>
    lastLines(input.logFile(step, attempt) ?? "", LINES_READ).map(safeLine);
  const lines = jobSummary(runView(input), outputOf);
  try {
    await appendFile(file, `${[...lines].join("\n")}\n`);
  } catch (thrown) {
    out.note(safeLine(`The job summary was not written to ${file}: ${messageOf(thrown)}`));
  }
}
