/** Run summary: prints the end of a run: failures with their last lines, times, and what to type next. */
import { existsSync } from "node:fs";
import { plural } from "../base/plural.ts";
import { shellWord } from "../base/shell-word.ts";
import { failureText } from "../view/failure-text.ts";
import type { RunSnapshot } from "../view/history.ts";
import { speedupOf, writesLog } from "../view/run-view.ts";
import { questionAt } from "../view/question.ts";
import { outdatedBy, STATUS_SYMBOL, stepCounts } from "../view/status.ts";
import type { Timeline } from "../view/timeline.ts";
import { nextCommands } from "./next-lines.ts";
import { landingLines } from "./landing-lines.ts";
import { lastLines } from "../project/log-lines.ts";
import { safeLine } from "../base/safe-text.ts";
import type { Output } from "./output.ts";
import { cut } from "./output-text.ts";
import { tookText } from "../view/times.ts";
import { countsText, statusStyle, timesText } from "./format.ts";
import type { RunOutcome } from "../project/port.ts";

const FAILURES_SHOWN = 10;
const LINES_SHOWN = 10;
const OUTDATED_SHOWN = 3;
/** Of a log, to find them below what package managers add. */
const LINES_READ = 60;

export interface RunSummaryInput {
  readonly out: Output;
  readonly state: RunSnapshot;
  readonly timeline: Timeline;
  readonly now: number;
  readonly result: RunOutcome;
  readonly logFile: (step: string, attempt: number) => string;
  /** The output of the step was printed just above. */
  readonly isOutputInView?: (step: string) => boolean;
}

export function* runSummaryLines(input: RunSummaryInput): Generator<string, void, undefined> {
  const { out, state, result } = input;
  if (result.stopped !== undefined) {
    // The state has what could not be recorded any more, so it is not printed. The reason is printed as a problem.
    yield "";
    yield out.style("red", `Run ${state.run} stopped.`);
    return;
  }
  // What failed the run, before what may fail.
  const all = stepsIn(state, "failed");
  const failed = [...all.filter((step) => !isOptional(state, step)), ...all.filter((step) => isOptional(state, step))];
  if (failed.length > 0) yield "";
  for (const step of failed.slice(0, FAILURES_SHOWN)) yield* failureLines(input, step);
  if (failed.length > FAILURES_SHOWN)
    yield `… and ${failed.length - FAILURES_SHOWN} more failed: heddle show ${state.run}`;
  yield "";
  const counts = countsText(stepCounts(state, result.status !== "waiting"));
  yield `${out.style(statusStyle(result.status), `Run ${state.run} ${statusPhrase(state, result.status)}`)}: ${counts} of ${plural(state.steps.length, "step")}.`;
  yield timeLine(input.timeline);
  yield* outdatedLines(input);
  if (result.landing !== undefined) for (const line of landingLines(state.run, result.landing)) yield safeLine(line);
  if (result.status === "succeeded") return;
  for (const { what, command } of nextCommands({ ...input, status: result.status, live: false }))
    yield `  ${what}: ${out.style("cyan", command)}`;
}

/** Results that a resume kept, and that are older than what they come after. */
function* outdatedLines({ out, state }: RunSummaryInput): Generator<string, void, undefined> {
  const outdated = stepsIn(state, "succeeded").flatMap((step) => {
    const later = outdatedBy(state, step);
    return later === undefined ? [] : [{ id: state.steps[step]?.id ?? "", later }];
  });
  for (const { id, later } of outdated.slice(0, OUTDATED_SHOWN)) {
    const command = out.style("cyan", `heddle rerun ${state.run} --from ${shellWord(later)}`);
    yield `${out.style("yellow", "!")} ${safeLine(id)} was kept from before ${safeLine(later)} succeeded, which it comes after. Run both again: ${command}`;
  }
  if (outdated.length > OUTDATED_SHOWN)
    yield `  … and ${outdated.length - OUTDATED_SHOWN} more: heddle show ${state.run}`;
}

function stepsIn(state: RunSnapshot, tag: string): readonly number[] {
  const found: number[] = [];
  for (let step = 0; step < state.phases.length; step++) if (state.phases[step]?.tag === tag) found.push(step);
  return found;
}

/** Steps whose question has no answer yet. */
function openQuestions(state: RunSnapshot): readonly number[] {
  return stepsIn(state, "waiting-for-answer").filter((step) => questionAt(state, step) !== undefined);
}

function isOptional({ steps }: RunSnapshot, step: number): boolean {
  return steps[step]?.optional === true;
}

function* failureLines(
  { out, state, logFile, isOutputInView }: RunSummaryInput,
  step: number,
): Generator<string, void, undefined> {
  const definition = state.steps[step];
  const phase = state.phases[step];
  if (definition === undefined || phase?.tag !== "failed") return;
  const attempt = state.attempts[step] ?? 0;
  const attempts = attempt > 1 ? `, attempt ${attempt}` : "";
  const optional = isOptional(state, step) ? " (optional)" : "";
  const { line, quoted } = failureText(phase.error);
  yield `${out.style("red", `${STATUS_SYMBOL.failed} ${safeLine(definition.id)}`)}${optional} failed after ${tookText(phase.durationMs)}${attempts}: ${safeLine(line)}`;
  const hasLog = attempt > 0 && writesLog(state, step);
  const path = hasLog ? logFile(definition.id, attempt) : "";
  // An attempt that could not start has written none.
  const log = existsSync(path) ? path : undefined;
  const lines = quoted.length > 0 ? quoted : log === undefined ? [] : lastLines(log, LINES_READ);
  // What a message quotes was printed nowhere else.
  const isShown = quoted.length === 0 && isOutputInView?.(definition.id) === true;
  const room = out.isTerminal ? out.columns - 5 : Number.POSITIVE_INFINITY;
  if (!isShown)
    for (const text of withoutEpilogue(lines).slice(-LINES_SHOWN))
      yield `    ${out.style("dim", cut(safeLine(text), room))}`;
  if (log !== undefined) yield `    log: ${safeLine(quoted.length > 0 ? logOfVerification(log) : log)}`;
}

/** What package managers say of the failure of a command, below what the command said itself. */
const EPILOGUE = /^(?:npm (?:error|ERR!)|\s*ELIFECYCLE|\s*error Command failed with exit code|\s*$)/;

function withoutEpilogue(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => !EPILOGUE.test(line));
  return last === -1 ? lines : lines.slice(0, last + 1);
}

/** Commands that verify an agent's work write beside its log. */
function logOfVerification(log: string): string {
  const own = log.replace(/\.log$/, ".verify.log");
  return existsSync(own) ? own : log;
}

function statusPhrase(state: RunSnapshot, status: RunOutcome["status"]): string {
  const { phase } = state;
  if (status === "waiting" && openQuestions(state).length === 0) return waitPhrase(state);
  if (phase.tag === "failed" && phase.reason !== undefined) return `failed (${phase.reason})`;
  return status === "waiting" ? "is waiting for a person" : status === "cancelled" ? "was cancelled" : status;
}

/** No question is open. */
function waitPhrase(state: RunSnapshot): string {
  const [listening] = stepsIn(state, "waiting-for-signal");
  const phase = state.phases[listening ?? -1];
  if (phase?.tag === "waiting-for-signal") return `is waiting for the signal ${safeLine(phase.signal)}`;
  return stepsIn(state, "sleeping").length > 0 ? "is waiting for a time" : "is waiting for a resume";
}

function timeLine(timeline: Timeline): string {
  const { sequentialMs } = timeline;
  const parallelMs = timeline.parallelMs();
  return `${timesText({ sequentialMs, parallelMs, speedup: speedupOf(sequentialMs, parallelMs) })}.`;
}
