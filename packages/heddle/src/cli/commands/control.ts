/**
 * Control commands: `cancel`, `pause`, `unpause`, `concurrency`, `approve` and `reject` send requests to the process that works on a
 * run.
 */
import { EXIT, fail, openToChange, type Context } from "../context.ts";
import { plural } from "../../base/plural.ts";
import { safeLine } from "../../base/safe-text.ts";
import type { Flags } from "../spec.ts";
import { userName } from "../user.ts";
import { textFlag } from "../flag-values.ts";
import type { ControlRequest, AnswerDecision, Project } from "../../project/port.ts";

type Words = readonly (string | undefined)[];

export function cancelCommand(context: Context, words: Words): Promise<number> {
  return send(
    context,
    words,
    { kind: "cancel" },
    {
      sent: "is being cancelled; it can be resumed",
      done: "is cancelled; it can be resumed",
    },
  );
}

export function pauseCommand(context: Context, words: Words, flags: Flags): Promise<number> {
  const reason = textFlag(flags, "reason") ?? `requested by ${userName()}`;
  return send(context, words, { kind: "pause", reason }, saying("is paused: no new step starts"));
}

export function unpauseCommand(context: Context, words: Words): Promise<number> {
  return send(context, words, { kind: "unpause" }, saying("continues"));
}

/** The run, and how many steps at once; the number alone means the latest run. */
export function concurrencyCommand(context: Context, words: Words): Promise<number> {
  const [run, number] = words[1] === undefined ? [undefined, words[0]] : words;
  const maxConcurrency = /^[1-9]\d{0,8}$/.test(number ?? "") ? Number(number) : undefined;
  if (maxConcurrency === undefined) {
    const message = `how many steps at once is a whole number from 1, not ${JSON.stringify(number ?? "")}`;
    return Promise.resolve(fail(context, { code: "Usage", message, hint: "For example: heddle concurrency 8" }));
  }
  const text = `may have ${plural(maxConcurrency, "step")} at work at once; what is at work stays so`;
  return send(context, [run], { kind: "set-concurrency", maxConcurrency, by: userName() }, saying(text));
}

/** What is told, by what became of the request. */
type Said = Readonly<Record<"sent" | "done", string>>;

function saying(text: string): Said {
  return { sent: text, done: text };
}

async function send(context: Context, [word]: Words, request: ControlRequest, said: Said): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  const sent = await project.control.send(run.value, request);
  if (!sent.ok) {
    const others = word === undefined ? await runningNow(project, request.kind) : "";
    return fail(context, { ...sent.error, hint: `${others}${sent.error.hint ?? ""}` });
  }
  if (context.json) context.out.json({ run: run.value, request: request.kind, result: sent.value });
  else context.out.line(`Run ${run.value} ${said[sent.value]}.`);
  return EXIT.ok;
}

/** Runs named. */
const MOST_RUNS = 5;

/** For who meant the run that goes on, where the latest one does not. */
async function runningNow(project: Project, command: string): Promise<string> {
  const lines = await project.runs.list({ limit: 200 });
  const running = lines.filter(({ status }) => status === "running" || status === "paused").slice(0, MOST_RUNS);
  if (running.length === 0) return "";
  const named = running.map(({ run, plan }) => `${run} of ${safeLine(plan)}: \`heddle ${command} ${run}\``);
  return `Running now: ${named.join("; ")}. `;
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
  const meant = await project.runs.findWithStep(words);
  if (!meant.ok) return fail(context, meant.error);
  const { run } = meant.value;
  const given = { step: meant.value.step, by: userName(), comment: textFlag(flags, "comment") };
  const answered = await project.control.answer(run, decision, given);
  if (!answered.ok) return fail(context, answered.error);
  const { id, question, result } = answered.value;
  if (context.json) context.out.json({ run, step: id, decision, result });
  else {
    const next = result === "done" ? ` Continue: heddle resume ${run}` : "";
    const done = question.about === "question" && decision === "approve" ? "Answered" : VERBS[decision];
    context.out.line(`${done} ${safeLine(id)} of run ${run}.${next}`);
  }
  return EXIT.ok;
}

const VERBS = { approve: "Approved", reject: "Rejected" } as const;
