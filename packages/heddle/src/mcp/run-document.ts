/** Run documents: a run and a step as an answer to an agent has them: short, what needs attention first, and harmless. */
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Project } from "../project/port.ts";
import type { ReadRun } from "../project/read-run.ts";
import type { StepNotes } from "../project/step-notes.ts";
import { failureText } from "../view/failure-text.ts";
import { byAttention } from "../view/foremost.ts";
import { runView, type RunView, type StepView } from "../view/run-view.ts";
import type { StepStatus } from "../view/status.ts";
import { harmlessText, harmlessTexts, harmlessValue } from "./harmless.ts";

/** Of one sentence about a step. */
const WHY = 500;
const MOST_OPTIONS = 20;
/** Questions and signals of a run, each shorter than its step says it. */
const MOST_NEEDS = 20;
const NEED = { question: 1000, option: 100 } as const;
/** Lines that an error quotes, the last ones. */
const MOST_QUOTED = 50;
const MOST_NOTES = 20;

export interface ReadView extends Pick<ReadRun, "state" | "holder"> {
  readonly run: string;
  readonly view: RunView;
}

/** The run whose id begins with `word`; `undefined`: the latest. */
export async function readView(
  project: Pick<Project, "runs" | "logs">,
  word: string | undefined,
  now: number,
): Promise<Result<ReadView, Problem>> {
  const found = await project.runs.find(word);
  if (!found.ok) return found;
  const run = found.value;
  const read = await project.runs.read(run);
  if (!read.ok) return err(read.error);
  const { state, holder } = read.value;
  const logFile = (step: string, attempt: number): string => project.logs.file(run, step, attempt);
  return ok({ run, state, holder, view: runView({ ...read.value, now, logFile }) });
}

/** `most`: steps that are listed. `status`: only these are. */
export function runDocument(
  { view, holder }: ReadView,
  { most, status }: { readonly most: number; readonly status?: StepStatus | undefined },
): JsonObject {
  const steps = status === undefined ? view.steps : view.steps.filter((step) => step.status === status);
  const shown = byAttention(steps).slice(0, most).map(stepLine);
  const needs = view.steps.filter(needsWord);
  const { landing } = view;
  return defined<JsonObject>({
    run: view.run,
    plan: harmlessText(view.plan, WHY),
    status: view.status,
    heldBy: holder === undefined ? undefined : harmlessText(holder, WHY),
    startedAt: view.startedAt,
    endedAt: view.endedAt,
    seq: view.seq,
    counts: { ...view.byStatus },
    stepsInAll: view.steps.length,
    needs: needs.slice(0, MOST_NEEDS).map((step) => needOf(step, NEED)),
    needsNotShown: Math.max(0, needs.length - MOST_NEEDS),
    steps: shown,
    stepsNotShown: steps.length - shown.length,
    cost: view.cost,
    landing: landing === null ? undefined : harmlessValue(landing as unknown as Json),
  });
}

/** The run waits for a person, or for a signal, at this step. */
function needsWord({ question, signal }: StepView): boolean {
  return question !== undefined || signal !== undefined;
}

function needOf(
  { id, about, question, options, signal, until }: StepView,
  longest: { readonly question?: number; readonly option: number },
): JsonObject {
  return defined<JsonObject>({
    step: id,
    about,
    question: question === undefined ? undefined : harmlessText(question, longest.question),
    options: options === undefined ? undefined : harmlessTexts(options, MOST_OPTIONS, longest.option),
    signal,
    until,
  });
}

function stepLine({ id, status, attempts, durationMs, why, error }: StepView): JsonObject {
  return defined<JsonObject>({
    id,
    status,
    attempts: attempts > 1 ? attempts : undefined,
    durationMs: durationMs ?? undefined,
    error: error === undefined ? undefined : harmlessText(failureText(error).line, WHY),
    why: status === "succeeded" ? undefined : harmlessText(why, WHY),
  });
}

/** All that is known of one step. */
export function stepDocument(run: string, step: StepView, { notices, captured }: StepNotes): JsonObject {
  const { id, status, layer, attempts, startedAt, endedAt, durationMs, description, output, error, parent, log } = step;
  return defined<JsonObject>({
    run,
    step: id,
    status,
    why: harmlessText(step.why),
    layer,
    attempts,
    startedAt,
    endedAt,
    durationMs,
    description: description === undefined ? undefined : harmlessText(description),
    output: output === undefined ? undefined : harmlessValue(output),
    error: error === undefined ? undefined : errorOf(error),
    need: needsWord(step) ? needOf(step, { option: WHY }) : undefined,
    skippedBecause: step.reason,
    cause: step.cause,
    parent,
    hasLog: log !== null,
    cost: step.cost,
    notices: notices
      .slice(-MOST_NOTES)
      .map(({ attempt, text }) => ({ attempt, text: harmlessText(text, WHY) }) satisfies JsonObject),
    captured: captured.slice(-MOST_NOTES).map(({ attempt, commit, ref }) => ({ attempt, commit, ref })),
  });
}

function errorOf(error: NonNullable<StepView["error"]>): JsonObject {
  const { line, quoted } = failureText(error);
  return {
    code: error.code,
    message: harmlessText(line),
    quoted: quoted.slice(-MOST_QUOTED).map((text) => harmlessText(text, WHY)),
  };
}
