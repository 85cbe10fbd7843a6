/**
 * Control commands: `cancel`, `pause`, `unpause`, `approve` and `reject` send requests to the process that works on a
 * run.
 */
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { AnswerDecision, OpenQuestion } from "../../run/event.ts";
import { questionAt } from "../../view/question.ts";
import type { ControlRequest } from "../../run/control.ts";
import { EXIT, fail, findRun, findRunAndStep, findStep, openToChange, type Context } from "../context.ts";
import { readRun } from "../../project/read-run.ts";
import { safeLine } from "../output-text.ts";
import { optionOf } from "../question-format.ts";
import type { Flags } from "../spec.ts";
import { userName } from "../user.ts";
import { textFlag } from "../flag-values.ts";
import type { Project } from "../../project/port.ts";

type Words = readonly (string | undefined)[];

export function cancelCommand(context: Context, words: Words): Promise<number> {
  return send(context, words, { kind: "cancel" }, "is being cancelled; it can be resumed");
}

export function pauseCommand(context: Context, words: Words, flags: Flags): Promise<number> {
  const reason = textFlag(flags, "reason") ?? `paused by ${userName()}`;
  return send(context, words, { kind: "pause", reason }, "is paused: no new step starts");
}

export function unpauseCommand(context: Context, words: Words): Promise<number> {
  return send(context, words, { kind: "unpause" }, "continues");
}

async function send(context: Context, [word]: Words, request: ControlRequest, said: string): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await findRun(project, word);
  if (!run.ok) return fail(context, run.error);
  const sent = await project.control(run.value, request);
  if (!sent.ok) return fail(context, sent.error);
  if (context.json) context.out.json({ run: run.value, request: request.kind, result: sent.value });
  else context.out.line(`Run ${run.value} ${said}.`);
  return EXIT.ok;
}

export function approveCommand(context: Context, words: Words, flags: Flags): Promise<number> {
  return answer(context, words, flags, "approve");
}

export function rejectCommand(context: Context, words: Words, flags: Flags): Promise<number> {
  return answer(context, words, flags, "reject");
}

async function answer(context: Context, words: Words, flags: Flags, decision: AnswerDecision): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const meant = await findRunAndStep(project, words);
  if (!meant.ok) return fail(context, meant.error);
  const { run } = meant.value;
  const step = await askedStep(project, run, meant.value.step);
  if (!step.ok) return fail(context, step.error);
  const answered = answerWith(step.value.question, decision, textFlag(flags, "comment"), `${run} ${step.value.id}`);
  if (!answered.ok) return fail(context, answered.error);
  const comment = answered.value;
  const sent = await project.control(
    run,
    defined({ kind: "answer", step: step.value.id, decision, by: userName(), comment }),
  );
  if (!sent.ok) return fail(context, sent.error);
  const said = safeLine(step.value.id);
  if (context.json) context.out.json({ run, step: step.value.id, decision, result: sent.value });
  else {
    const next = sent.value === "done" ? ` Continue: heddle resume ${run}` : "";
    const done = step.value.question?.about === "question" && decision === "approve" ? "Answered" : VERBS[decision];
    context.out.line(`${done} ${said} of run ${run}.${next}`);
  }
  return EXIT.ok;
}

const VERBS = { approve: "Approved", reject: "Rejected" } as const;

/** The comment to send. An agent's question needs a comment as its answer; a conflict needs more than an approval. */
function answerWith(
  question: OpenQuestion | undefined,
  decision: AnswerDecision,
  comment: string | undefined,
  target: string,
): Result<string | undefined, Problem> {
  if (decision === "reject" || question === undefined) return ok(comment);
  if (question.about === "conflict")
    return err({
      code: "Usage",
      message: "this is a conflict: approving it does not say how to resolve it",
      hint: `Use \`heddle resolve ${target}\` with --ours, --theirs or --continue.`,
    });
  if (question.about !== "question") return ok(comment);
  if (comment !== undefined) return ok(optionOf(question, comment));
  const { options = [] } = question;
  const choices = options.length === 0 ? "" : ` (${options.map((option, at) => `${at + 1}: ${option}`).join(", ")})`;
  return err({
    code: "Usage",
    message: `an agent asks: ${safeLine(question.question)}${safeLine(choices)}`,
    hint: `Answer with \`heddle approve ${target} --comment "..."\`, or fail the step with \`heddle reject\`.`,
  });
}

export interface AskedStep {
  readonly id: string;
  /** Absent: it does not ask now; the engine says so. */
  readonly question: OpenQuestion | undefined;
}

/** The named step, or the only one that asks. */
export async function askedStep(
  project: Project,
  run: string,
  named: string | undefined,
  about?: "conflict",
): Promise<Result<AskedStep, Problem>> {
  const read = await readRun(project, run);
  if (!read.ok) return read;
  const { state } = read.value;
  if (named !== undefined) {
    const found = findStep(state, named);
    if (!found.ok) return found;
    const index = state.index.byId.get(named) ?? -1;
    return ok({ id: named, question: questionAt(state, index) });
  }
  const asking = state.steps.flatMap(({ id }, index) => {
    const question = questionAt(state, index);
    return question === undefined || (about !== undefined && question.about !== about) ? [] : [{ id, question }];
  });
  const [only] = asking;
  if (only !== undefined && asking.length === 1) return ok(only);
  if (only === undefined) {
    return err({
      code: "NotAsked",
      message: `no step of run ${run} is waiting for an answer`,
      hint: `\`heddle show ${run}\` shows its steps.`,
    });
  }
  return err({
    code: "Usage",
    message: `several steps of run ${run} are waiting for an answer: ${asking
      .slice(0, 10)
      .map(({ id }) => id)
      .join(", ")}`,
    hint: "Name the step.",
  });
}
