/** Run summary: prints the end of a run: failures with their last lines, times, and what to type next. */
import { plural } from "../base/plural.ts";
import type { RunSnapshot } from "../view/history.ts";
import { speedupOf, writesLog } from "../view/run-view.ts";
import { questionAt } from "../view/question.ts";
import { STATUS_SYMBOL, stepCounts } from "../view/status.ts";
import type { Timeline } from "../view/timeline.ts";
import { approveWords } from "./next-lines.ts";
import { landingLines } from "./landing-lines.ts";
import { lastLines } from "../project/log-lines.ts";
import { safeLine } from "../base/safe-text.ts";
import type { Output } from "./output.ts";
import { tookText } from "../view/times.ts";
import { countsText, statusStyle, timesText } from "./format.ts";
import type { RunOutcome } from "../project/port.ts";

const FAILURES_SHOWN = 10;
const LINES_SHOWN = 10;

export interface RunSummaryInput {
  readonly out: Output;
  readonly state: RunSnapshot;
  readonly timeline: Timeline;
  readonly result: RunOutcome;
  readonly logFile: (step: string, attempt: number) => string;
}

export function* runSummaryLines(input: RunSummaryInput): Generator<string, void, undefined> {
  const { out, state, result } = input;
  if (result.stopped !== undefined) {
    // The state has what could not be recorded any more, so it is not printed. The reason is printed as a problem.
    yield "";
    yield out.style("red", `Run ${state.run} stopped.`);
    return;
  }
  const failed = stepsIn(state, "failed");
  if (failed.length > 0) yield "";
  for (const step of failed.slice(0, FAILURES_SHOWN)) yield* failureLines(input, step);
  if (failed.length > FAILURES_SHOWN)
    yield `… and ${failed.length - FAILURES_SHOWN} more failed: heddle show ${state.run}`;
  yield "";
  const counts = countsText(stepCounts(state, result.status !== "waiting"));
  yield `${out.style(statusStyle(result.status), `Run ${state.run} ${statusPhrase(state, result.status)}`)}: ${counts} of ${plural(state.steps.length, "step")}.`;
  yield timeLine(input.timeline);
  if (result.landing !== undefined) for (const line of landingLines(state.run, result.landing)) yield safeLine(line);
  yield* nextLines(input, failed);
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

function* failureLines({ out, state, logFile }: RunSummaryInput, step: number): Generator<string, void, undefined> {
  const definition = state.steps[step];
  const phase = state.phases[step];
  if (definition === undefined || phase?.tag !== "failed") return;
  const attempt = state.attempts[step] ?? 0;
  const attempts = attempt > 1 ? `, attempt ${attempt}` : "";
  yield `${out.style("red", `${STATUS_SYMBOL.failed} ${safeLine(definition.id)}`)} failed after ${tookText(phase.durationMs)}${attempts}: ${safeLine(phase.error.message)}`;
  if (attempt === 0 || !writesLog(state, step)) return;
  const log = logFile(definition.id, attempt);
  for (const line of lastLines(log, LINES_SHOWN)) yield `    ${out.style("dim", safeLine(line))}`;
  yield `    log: ${safeLine(log)}`;
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

function* nextLines(
  { out, state, result }: RunSummaryInput,
  failed: readonly number[],
): Generator<string, void, undefined> {
  const { run } = state;
  const say = (what: string, command: string): string => `  ${what} ${out.style("cyan", command)}`;
  if (result.status === "waiting") {
    const asking = openQuestions(state);
    for (const step of asking.slice(0, FAILURES_SHOWN)) {
      const phase = state.phases[step];
      const id = safeLine(state.steps[step]?.id ?? "");
      if (phase?.tag !== "waiting-for-answer") continue;
      if (phase.about === "conflict") yield say("resolve:", `heddle resolve ${run} ${id} --ours|--theirs|--continue`);
      else yield say("answer:", approveWords(run, id, phase.about === "question"));
    }
    const listening = stepsIn(state, "waiting-for-signal");
    for (const step of listening.slice(0, FAILURES_SHOWN)) {
      const phase = state.phases[step];
      if (phase?.tag === "waiting-for-signal") yield say("send:", `heddle signal ${run} ${safeLine(phase.signal)}`);
    }
    yield say(asking.length + listening.length > 0 ? "then continue:" : "continue:", `heddle resume ${run}`);
    return;
  }
  if (result.status === "succeeded") return;
  yield say("continue:", `heddle resume ${run}`);
  const logged = failed.filter((step) => (state.attempts[step] ?? 0) > 0 && writesLog(state, step));
  // What failed the run, before what may fail.
  const named = logged.find((step) => state.steps[step]?.optional !== true) ?? logged[0];
  const first = state.steps[named ?? -1]?.id;
  if (first !== undefined) yield say("log:", `heddle logs ${run} ${safeLine(first)}`);
}
