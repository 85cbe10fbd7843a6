/**
 * Answers to the questions of a run: finds the step, and the answer that fits the question. Knows no terminal;
 * `control-run.ts` sends the answer.
 */
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { shellWord } from "../base/shell-word.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { EventLog } from "../journal/port.ts";
import { answerProblem, type Answer, type ControlRequest } from "../run/control.ts";
import type { AnswerDecision, OpenQuestion, Resolution } from "../run/event.ts";
import { askedAt } from "../run/state.ts";
import { optionOf, questionAt } from "../view/question.ts";
import type { RunSnapshot } from "../view/history.ts";
import { findStep } from "./find-run.ts";
import { readRun } from "./read-run.ts";

export interface AnswerPorts {
  readonly log: Pick<EventLog, "get" | "read">;
  readonly send: (run: string, request: ControlRequest) => Promise<Result<"sent" | "done", Problem>>;
}

/** What alone is meant by who asks for a step's question. */
export interface MeantQuestion {
  readonly about?: "conflict" | "question" | undefined;
  /** When it was asked: the question that was seen. */
  readonly askedAt?: number | undefined;
}

export interface AskedStep {
  readonly id: string;
  readonly question: OpenQuestion;
  /** When it was asked, in milliseconds since the epoch. */
  readonly askedAt: number | undefined;
}

export interface GivenAnswer {
  /** Absent: the only one that asks. */
  readonly step?: string | undefined;
  readonly by: string;
  /** For a question of an agent, the answer: words, or the number of one of its options. */
  readonly comment?: string | undefined;
  /** Given words for an agent are no approval of anything else. Absent: the answer may be for any question. */
  readonly about?: "question";
  /** When the question that is answered was asked: no later one is. Absent: whichever is open. */
  readonly askedAt?: number | undefined;
}

/** `result`: as for a control request. */
export interface AnsweredStep extends AskedStep {
  readonly result: "sent" | "done";
}

/** A yes or a no. */
export async function answerStep(
  ports: AnswerPorts,
  run: string,
  decision: AnswerDecision,
  { step, by, comment, ...meant }: GivenAnswer,
): Promise<Result<AnsweredStep, Problem>> {
  const asked = await askedStep(ports.log, run, step, meant);
  if (!asked.ok) return asked;
  const { id, question, askedAt: at } = asked.value;
  const answer: Answer = defined({
    decision,
    by,
    comment: decision === "approve" && comment !== undefined ? optionOf(question, comment) : comment,
  });
  const problem = answerProblem(question, answer, `${run} ${id}`);
  if (problem !== undefined) return err(problem);
  // Of two who answer at once, the second one must not answer what is asked after that.
  const sent = await ports.send(run, defined({ kind: "answer", step: id, askedAt: at, ...answer }));
  return sent.ok ? ok({ ...asked.value, result: sent.value }) : sent;
}

/** How a conflict is to be settled. */
export async function resolveConflict(
  ports: AnswerPorts,
  run: string,
  choice: Resolution,
  { step, by, comment, askedAt: meant }: GivenAnswer,
): Promise<Result<AnsweredStep, Problem>> {
  const asked = await askedStep(ports.log, run, step, { about: "conflict", askedAt: meant });
  if (!asked.ok) return asked;
  const { id, askedAt: at } = asked.value;
  const answer: Answer = defined({ decision: "approve" as const, by, choice, comment });
  const sent = await ports.send(run, defined({ kind: "answer", step: id, askedAt: at, ...answer }));
  return sent.ok ? ok({ ...asked.value, result: sent.value }) : sent;
}

/**
 * What the step asks. It was recorded before anybody was asked, so one that is not there is not open, also where a
 * process works on the run.
 */
function questionOfStep(state: RunSnapshot, step: number, meant: MeantQuestion): Result<AskedStep, Problem> {
  const { run } = state;
  const id = state.steps[step]?.id ?? "";
  const question = questionAt(state, step);
  if (question === undefined) {
    const phase = state.phases[step];
    const tag = phase?.tag ?? "gone";
    if (phase?.tag === "waiting-for-signal") {
      const message = `step ${id} of run ${run} waits for the signal ${phase.signal}, not for an answer`;
      return err({ code: "NotAsked", message, hint: `Send it: \`heddle signal ${run} ${shellWord(phase.signal)}\`.` });
    }
    const message = `step ${id} of run ${run} is not waiting for an answer (it is ${tag === "waiting-for-answer" ? "answered" : tag})`;
    return err({ code: "NotAsked", message, hint: `\`heddle show ${run}\` shows the steps that are.` });
  }
  const { about } = meant;
  const at = askedAt(state, step);
  if (meant.askedAt !== undefined && meant.askedAt !== at) {
    const message = `step ${id} of run ${run} asks something else by now: what was asked before is answered`;
    return err({ code: "NotAsked", message, hint: `\`heddle show ${run}\` shows what it asks.` });
  }
  if (about === undefined || question.about === about) return ok({ id, question, askedAt: at });
  const message = `step ${id} of run ${run} has no ${about === "conflict" ? "conflict to resolve" : "question of an agent"}`;
  return err({
    code: "NotAsked",
    message,
    hint: `It asks: \`heddle approve ${run} ${shellWord(id)}\`, or \`heddle reject\`.`,
  });
}

/** The named step, or the only one that asks. */
export async function askedStep(
  log: Pick<EventLog, "get" | "read">,
  run: string,
  named: string | undefined,
  meant: MeantQuestion = {},
): Promise<Result<AskedStep, Problem>> {
  const read = await readRun(log, run);
  if (!read.ok) return read;
  const { state } = read.value;
  if (named !== undefined) {
    const found = findStep(state, named);
    return found.ok ? questionOfStep(state, found.value, meant) : found;
  }
  const asking = state.steps.flatMap(({ id }, index) => {
    const question = questionAt(state, index);
    return question === undefined || (meant.about !== undefined && question.about !== meant.about)
      ? []
      : [{ id, question, askedAt: askedAt(state, index) }];
  });
  const [only] = asking;
  if (only !== undefined && asking.length === 1) {
    const found = findStep(state, only.id);
    return found.ok ? questionOfStep(state, found.value, meant) : found;
  }
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
